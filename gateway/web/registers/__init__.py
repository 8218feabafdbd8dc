"""The registers of the memorandum: what is due, entries with their steps, and their forms."""

from gateway.web.registers import entering as _entering  # its pages are of the same part
from gateway.web.registers import entry as _entry
from gateway.web.registers.views import PART

__all__ = ["PART", "_entering", "_entry"]
