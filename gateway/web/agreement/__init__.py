"""The memorandum clause by clause: its words, control, live figure, and who has signed it."""

from gateway.web.agreement.views import PART

__all__ = ["PART"]
