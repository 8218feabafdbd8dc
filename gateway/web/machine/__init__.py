"""What programs ask for: files of the pages, whether the site lives and is ready, figures."""

from gateway.web.machine.views import PART

__all__ = ["PART"]
