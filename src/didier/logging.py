"""Structured logs: one JSON object a line on standard error."""

import asyncio
import atexit
import logging
import sys
from collections import deque
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson
import structlog

from didier.characters import visible_json


class Lines:
    """A file of log lines, written once for each turn of the event loop, as far as it is the loop that logs.

    A write of its own for each request would hand the interpreter's lock to another thread each time, and
    the loop would wait to have it back. Lines of other threads are written at once, behind those that
    wait. A process that is killed loses the lines of its last turn.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._waiting: deque[bytes] = deque()
        self._due = False

    def write(self, line: bytes) -> None:
        """Add *line*; what clients have sent, and stands in it, commands no terminal."""
        if not line.isascii() or b"\x7f" in line:
            line = visible_json(line.decode("utf-8", "replace")).encode()
        self._waiting.append(line)

    def flush(self) -> None:
        """Write what waits: in the event loop at the end of its turn, elsewhere now."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.write_out()
            return
        if not self._due:
            self._due = True
            loop.call_soon(self.write_out)

    def write_out(self) -> None:
        """Write what waits; a log that cannot be written fails nobody who is served."""
        self._due = False
        lines = []
        with suppress(IndexError):  # another thread may be taking them too
            while True:
                lines.append(self._waiting.popleft())
        if not lines:
            return
        with suppress(OSError):
            self._file.write(b"".join(lines))
            self._file.flush()


_lines = Lines(sys.stderr.buffer)
atexit.register(_lines.write_out)


_with_requests = False


def request(**fields: Any) -> None:
    """Log a request at level info: each has one, and the processors would cost four times this."""
    if _with_requests:
        line = {**fields, "event": "request", "level": "info", "timestamp": datetime.now(UTC)}
        _lines.write(orjson.dumps(line, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE))
        _lines.flush()


def configure(level: str, *, for_good: bool = True) -> None:
    """Log messages of *level* and above; *for_good* is quicker, and cannot be changed afterwards."""
    global _with_requests  # there is one log, as structlog's configuration is one
    _with_requests = level.lower() in {"debug", "info"}
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(orjson.dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.BytesLoggerFactory(_lines),  # type: ignore[arg-type]  # it writes and flushes
        cache_logger_on_first_use=for_good,
    )
