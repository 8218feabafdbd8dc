"""The gateway: a signed agreement between public bodies, carried out and proven."""

__version__ = "0.1.0"
