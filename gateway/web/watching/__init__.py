"""The health of the exchange: today, the days of a year, figures, and a report to print."""

from gateway.web.watching.views import PART

__all__ = ["PART"]
