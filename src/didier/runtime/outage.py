"""Whether the database is away, as far as calls notice."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

import structlog

log = structlog.get_logger()


class Outage:
    """Says whether calls do without the database at the moment, and since when.

    A call that waits for it in vain begins an outage (`begin`), the next answer that it gives to anyone
    (`end`) is the end of it.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._began: float | None = None

    @property
    def is_on(self) -> bool:
        """Whether the database is away."""
        return self._began is not None

    @property
    def seconds(self) -> float:
        """How long it has been away by now; 0 while it is there."""
        return 0.0 if self._began is None else self._clock() - self._began

    def begin(self, reason: str) -> None:
        """Say that the database is away."""
        if self._began is None:
            self._began = self._clock()
            log.error("calls_without_database", reason=reason)

    def end(self) -> None:
        """Say that the database answers."""
        if self._began is not None:
            log.warning("calls_with_database_again", seconds=round(self.seconds, 1))
            self._began = None


LOOK_SECONDS = 0.2
"""How often it is looked whether an outage is over."""


class OutageWatch:
    """Ends a process that does without the database when *outage* does; a transport that nobody asks."""

    running = 0

    def __init__(self, outage: Outage) -> None:
        self._outage = outage
        self._stopped = asyncio.Event()
        self.is_over = False
        """Whether the outage was what ended."""

    async def start(self) -> None:
        """Begin to look."""

    async def serve(self) -> None:
        """Return when the outage is over, or `stop` was called."""
        while self._outage.is_on and not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), LOOK_SECONDS)
        self.is_over = not self._outage.is_on

    async def drain(self, seconds: float) -> None:
        """Go on: there is nothing under way."""

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
