"""Logs as JSON lines on the error stream. No cell value is ever logged: a test plants canaries."""

import logging
import sys

import structlog


def log_as_json() -> None:
    """Set up structlog for a service: time in UTC, level, event, and its facts."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
