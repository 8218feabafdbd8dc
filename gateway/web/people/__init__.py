"""The administrator's pages: who may sign in, what they may do, and until when they are trained."""

from gateway.web.people.views import PART

__all__ = ["PART"]
