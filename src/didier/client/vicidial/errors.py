"""How a request to VICIdial fails, in the words of `didier.client.errors`.

    DidierError
    ├── ConnectionFailed
    │   └── NotReached         no connection came about: nothing was sent
    ├── UnexpectedAnswer
    │   └── UnexpectedReply    what answers is not VICIdial's API, or says what this release does not know
    ├── NoSuchFunction         this VICIdial is too old to have the function
    ├── CopyInterrupted        a copy of many ended before its end; what is known of each target
    └── ProblemError           VICIdial says no, or the client does before it asks

What VICIdial refuses is a `ProblemError` of the class that Didier's own API would have, with the status of
the answer, which is 200 as a rule. What the client refuses before anything is sent has status 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from didier.client import errors


@dataclass(frozen=True, slots=True)
class Added:
    """The DID *pattern* was made and has the number *did_id*."""

    pattern: str
    did_id: int


@dataclass(frozen=True, slots=True)
class Exists:
    """The DID *pattern* was there before."""

    pattern: str


@dataclass(frozen=True, slots=True)
class Refused:
    """*pattern* was not made; *reason* says why."""

    pattern: str
    reason: str


Result = Added | Exists | Refused
"""What became of one target of a copy."""


class NotReached(errors.ConnectionFailed):
    """No connection came about, so nothing was sent."""


class UnexpectedReply(errors.UnexpectedAnswer):
    """What answers is not VICIdial's API, or it says what this release does not know.

    *text* is the beginning of the answer, passwords masked.
    """

    def __init__(self, status: int, text: str) -> None:
        errors.DidierError.__init__(self, f"the answer ({status}) is not understood: {text or 'it is empty'}")
        self.status = status
        self.text = text

    def __reduce__(self) -> tuple[type, tuple[int, str]]:
        return type(self), (self.status, self.text)


class NoSuchFunction(errors.DidierError):
    """This VICIdial is too old to have *function*."""

    def __init__(self, function: str) -> None:
        super().__init__(f"this VICIdial has no function {function}")
        self.function = function

    def __reduce__(self) -> tuple[type, tuple[str]]:
        return type(self), (self.function,)


class CopyInterrupted(errors.DidierError):
    """A copy ended before its end.

    - *results*: what became of the targets whose outcome is known, in the order asked for.
    - *unknown*: targets that were sent and may or may not have been made.
    - *unsent*: targets that were not made.
    - *reason*: the error that ended the copy.

    It may be asked for again as it was: what was made meanwhile is told as existing.
    """

    def __init__(
        self,
        results: Sequence[Result],
        unknown: Sequence[str],
        unsent: Sequence[str],
        reason: errors.DidierError,
    ) -> None:
        super().__init__(
            f"the copy was interrupted: {reason} ({len(results)} targets are known, {len(unknown)} may have"
            f" been created, {len(unsent)} were not)"
        )
        self.results = tuple(results)
        self.unknown = tuple(unknown)
        self.unsent = tuple(unsent)
        self.reason = reason

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return type(self), (self.results, self.unknown, self.unsent, self.reason)


_TYPES = {kind: name for name, kind in errors.PROBLEMS.items()}


def no(
    kind: type[errors.ProblemError], detail: str, status: int = 0, **members: object
) -> errors.ProblemError:
    """Return the problem of class *kind*; its title is the sentence of the class."""
    title = (kind.__doc__ or "").splitlines()[0].rstrip(".")
    return kind(status, {"type": _TYPES.get(kind, ""), "title": title, "detail": detail, **members})


def invalid_field(column: str, value: str, allowed: str, status: int = 0) -> errors.ProblemError:
    """*value* is not allowed in *column*."""
    detail = f"{column} {value!r} is not allowed: {allowed}"
    return no(errors.InvalidField, detail, status, pointer=column, value=value, allowed=allowed)


def invalid_pattern(pattern: str, reason: str, status: int = 0) -> errors.ProblemError:
    """*pattern* cannot be a DID's pattern."""
    return no(errors.InvalidPattern, f"{pattern!r} is not a valid DID: {reason}", status, pattern=pattern)


def did_not_found(pattern: str, status: int) -> errors.ProblemError:
    """There is no DID *pattern* that the caller may see."""
    return no(errors.DidNotFound, f"there is no DID {pattern}", status, pattern=pattern)
