"""Watching a batch to its end: by events where there are any, else by asking now and then."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from didier.client.errors import (
    ConnectionFailed,
    DidierError,
    MethodNotAllowed,
    NoSuchAddress,
    Overloaded,
    TimedOut,
    UnexpectedAnswer,
)
from didier.client.models import BatchState
from didier.client.retrying import Policy

SILENT_SECONDS = 45.0
"""The longest silence on a connection that watches: the server sends something every 15 seconds."""

ASK_SECONDS = 1.0
"""How often is asked where there are no events."""

RETRIES = 8
"""How often in a row a connection that watches may break: a server that is restarted comes back."""

_NO_EVENTS = (NoSuchAddress, MethodNotAllowed, Overloaded, UnexpectedAnswer)

B = TypeVar("B", bound=BatchState)


@dataclass(slots=True)
class Watch(Generic[B]):
    """What is known of a batch that is waited for; the client tells it all that happens.

    *on_progress* is called with each new state of the batch. *timeout* is how many seconds may pass in all.
    """

    batch: B
    on_progress: Callable[[B], object] | None = None
    timeout: float | None = None
    policy: Policy = field(default_factory=Policy)
    clock: Callable[[], float] = time.monotonic
    events: bool = True
    _failed: int = 0
    _until: float | None = field(default=None)

    def __post_init__(self) -> None:
        self.policy = replace(self.policy, retries=RETRIES if self.policy.retries else 0)
        self._until = None if self.timeout is None else self.clock() + self.timeout
        if self.on_progress:
            self.on_progress(self.batch)

    def moved(self, batch: B) -> None:
        """Take a state of the batch."""
        self._failed = 0
        if batch != self.batch:
            self.batch = batch
            if self.on_progress:
                self.on_progress(batch)

    def silence(self) -> float:
        """Return how many seconds the connection may be silent; raises `TimedOut`."""
        return self._at_most(SILENT_SECONDS)

    def asked(self) -> float:
        """Return the seconds until it is asked for again; raises `TimedOut`."""
        return self._at_most(ASK_SECONDS)

    def closed(self) -> float:
        """Take that the connection ended before the batch did; return the seconds until the next."""
        return self.broken(ConnectionFailed("the server ended the connection before the batch had ended"))

    def broken(self, error: DidierError) -> float:
        """Take that watching failed; return the seconds until it is tried again, or raise why not."""
        if self.events and isinstance(error, _NO_EVENTS):
            self.events = False
            return 0.0
        if (
            not isinstance(error, ConnectionFailed | TimedOut | Overloaded)
            or self._failed >= self.policy.retries
        ):
            raise error
        wait = self._at_most(self.policy.wait(self._failed))
        self._failed += 1
        return wait

    def _at_most(self, seconds: float) -> float:
        """Return *seconds*, or what is left of the time."""
        if self._until is None:
            return seconds
        left = self._until - self.clock()
        if left <= 0:
            batch = self.batch
            raise TimedOut(
                f"batch {batch.id} is still {batch.state} after {self.timeout:g} seconds:"
                f" {batch.done:,} of {batch.totals.requested:,}"
            )
        return min(seconds, left)
