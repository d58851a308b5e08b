"""Structured logs: one JSON object a line on standard error."""

import logging
import sys

import orjson
import structlog


def configure(level: str, *, for_good: bool = True) -> None:
    """Log messages of *level* and above; *for_good* is quicker, and cannot be changed afterwards."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=for_good,
    )
