"""The recipient's pages: what is to do today, a package, its password, its acceptance, all days."""

from gateway.web.collecting import acting as _acting  # its pages are of the same part
from gateway.web.collecting.views import PART

__all__ = ["PART", "_acting"]
