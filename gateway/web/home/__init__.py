"""The first page: what a person must do today."""

from gateway.web.home.views import PART

__all__ = ["PART"]
