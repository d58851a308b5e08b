"""Whether the database is away, as far as calls notice."""

import time
from collections.abc import Callable

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
