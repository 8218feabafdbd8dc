"""Signing in: password and second factor, invitations, and each person's own account."""

from gateway.web.signin import account as _account  # its pages are of the same part
from gateway.web.signin.people import People
from gateway.web.signin.setup import install
from gateway.web.signin.views import PART

__all__ = ["PART", "People", "_account", "install"]
