"""When a request is sent again, and what its failure means."""

import json
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from didier.client import errors
from didier.client.calls import Answer, ApiCall
from didier.client.errors import ConnectionFailed, DidierError, ProblemError, TimedOut, UnexpectedAnswer

FIRST_SECONDS, MOST_SECONDS = 0.5, 8.0
"""The first wait before a request is sent again, and the longest; each is twice the one before."""

PATIENCE_SECONDS = 60.0
"""The longest wait that a server may ask for with Retry-After; for more, its refusal is raised at once."""

PROBLEM = "application/problem+json"
SHOWN = 100

NOT_TAKEN = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
"""What goes wrong before a request has reached the server."""

_NOT_DONE = (errors.TooManyRequests, errors.Overloaded, errors.DatabaseBusy, errors.Stopping)
"""Refusals of requests that were not begun, or were rolled back."""

_PASSING = (*_NOT_DONE, errors.DatabaseLost, errors.KeyUnderWay)
"""Refusals that pass by themselves."""

_OUTAGE = (ConnectionFailed, TimedOut, errors.Unavailable, errors.TooManyRequests, errors.ServerFailed)
"""What somebody mends, or what passes: for who waits however long that takes."""

_GATEWAY = frozenset({502, 503, 504})
"""What a proxy answers when it does not reach the server."""


Sleep = Callable[[float], object]
AsyncSleep = Callable[[float], Awaitable[object]]
"""What waits so many seconds."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a request is sent again, and how long is waited before: twice as long each time.

    *draw* gives a number from 0 to 1: so much of half the wait is left out, that clients which were cut off
    together do not come back together.
    """

    retries: int = 3
    draw: Callable[[], float] = random.random

    def wait(self, attempt: int) -> float:
        """Return the seconds before the request is sent again, for the *attempt* that failed, from 0."""
        longest = min(MOST_SECONDS, FIRST_SECONDS * float(2 ** min(attempt, 10)))
        return longest * (1 - self.draw() / 2)


@dataclass(slots=True)
class Attempts:
    """The attempts at one request. Each method is told what became of one.

    It returns the seconds to wait before the next, or raises what the caller is to be told.
    """

    call: ApiCall[Any]
    policy: Policy
    failed: int = 0
    lost: bool = field(default=False)
    """Whether an answer was lost, so that the server may have done it."""

    def broken(self, error: httpx2.HTTPError) -> float:
        """Take that no answer came."""
        not_taken = isinstance(error, NOT_TAKEN)
        self.lost = self.lost or not not_taken
        return self._again(reached(error), may=not_taken or self.call.repeatable)

    def refused(self, answer: Answer) -> float | None:
        """Take an answer that is no success; None when it means that it was done before."""
        error = refusal(answer)
        if self.lost and self.call.gone is not None and getattr(error, "type", None) == self.call.gone:
            return None
        self.lost = self.lost or isinstance(error, errors.DatabaseLost)
        if isinstance(error, _PASSING):
            may = self.call.repeatable or isinstance(error, _NOT_DONE)
            return self._again(error, may=may, at_least=_retry_after(answer.headers))
        if isinstance(error, UnexpectedAnswer) and answer.status in _GATEWAY:
            self.lost = True
            return self._again(error, may=self.call.repeatable, at_least=_retry_after(answer.headers))
        raise error

    def _again(self, error: DidierError, *, may: bool, at_least: float = 0.0) -> float:
        if not may or self.failed >= self.policy.retries or at_least > PATIENCE_SECONDS:
            raise error
        wait = max(self.policy.wait(self.failed), at_least)
        self.failed += 1
        return wait


@dataclass(slots=True)
class Outage:
    """The failures, one behind the other, of something that is tried for ever."""

    policy: Policy
    failed: int = 0

    def wait(self, error: DidierError) -> float:
        """Return the seconds until it is tried again; raises *error* if it does not pass by itself."""
        is_gateway = isinstance(error, UnexpectedAnswer) and error.status in _GATEWAY
        if not isinstance(error, _OUTAGE) and not is_gateway:
            raise error
        wait = self.policy.wait(self.failed)
        self.failed += 1
        return wait


def reached(error: httpx2.HTTPError) -> DidierError:
    """Return what a failure of the connection means to the caller; it names no address and no secret."""
    if isinstance(error, httpx2.TimeoutException):
        return TimedOut(f"the server did not answer in time ({type(error).__name__})")
    return ConnectionFailed(f"the connection to the server failed: {str(error) or type(error).__name__}")


def refusal(answer: Answer) -> ProblemError | UnexpectedAnswer:
    """Return what an answer that is no success means to the caller."""
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != PROBLEM:
        text = answer.body[:SHOWN].decode(errors="replace").strip().partition("\n")[0]
        return UnexpectedAnswer(answer.status, text or kind or "it is empty")
    try:
        members = json.loads(answer.body)
    except ValueError:
        return UnexpectedAnswer(answer.status, "its problem document cannot be read")
    if not isinstance(members, dict):
        return UnexpectedAnswer(answer.status, "its problem document is none")
    return errors.problem(answer.status, members)


def _retry_after(headers: Mapping[str, str]) -> float:
    """Return the seconds that the server asks to wait; Didier says them as a number."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return 0.0
