"""What came of a call, by what VICIdial's logs or a report say of it."""

from collections.abc import Sequence
from dataclasses import dataclass

ANSWERED, ABANDONED, UNANSWERED, FORWARDED, FAILED = (
    "answered", "abandoned", "unanswered", "forwarded", "failed",
)  # fmt: skip

OUTCOMES = {
    ANSWERED: "an agent took it, or who it was sent to",
    ABANDONED: "the caller gave up before",
    UNANSWERED: "nobody took it: busy, no agent, closed, waited too long",
    FORWARDED: "it was sent to an extension, telephone, voicemail or menu; what came of it is not logged",
    FAILED: "it was sent nowhere",
}
"""What may come of a call."""

OF_REPORTS = {
    "answered": ANSWERED, "busy": UNANSWERED, "no-answer": UNANSWERED, "cancelled": ABANDONED,
    "rejected": FAILED, "failed": FAILED,
}  # fmt: skip
"""The outcomes of calls that are reported, by what reports call them."""

NOBODY = frozenset({"", "VDCL", "VDAD"})
"""Users in the queue log that are VICIdial itself."""

GIVEN_UP = frozenset({"ABANDON", "CALLER"})
"""Reasons in the queue log for which a call that nobody took has ended by the caller."""

QUEUES = frozenset({"IN_GROUP", "AGENT"})
"""Routes whose calls come into a queue."""

_MARKS = ("PFR_", "PF_", "F_", "NA_", "MQ_")
"""What the routes of calls begin with that did not go the DID's own way."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A call's stay in a queue, as the queue log has it: times are in seconds."""

    in_group: str
    user: str
    reason: str
    ended: float | None  # seconds from the call until the end of the stay
    waited: float

    @property
    def is_answered(self) -> bool:
        """Whether an agent took the call."""
        return self.user.upper() not in NOBODY


def target(route: str) -> str:
    """Return where a call was sent in the end: its route without the mark of a detour."""
    for mark in _MARKS:
        if route.startswith(mark):
            return route.removeprefix(mark)
    return route


def is_redirect(route: str) -> bool:
    """Say whether a call was sent on to another DID, which logs it once more."""
    return route != "DID" and target(route) == "DID"


def outcome(route: str, visits: Sequence[Visit]) -> str:
    """Return what came of a call with a *route* as VICIdial logs it, and its *visits* by time."""
    if any(visit.is_answered for visit in visits):
        return ANSWERED
    if visits:
        return ABANDONED if visits[-1].reason in GIVEN_UP else UNANSWERED
    if not route:
        return FAILED
    return ABANDONED if target(route) in QUEUES else FORWARDED


def waited(visits: Sequence[Visit]) -> float | None:
    """Return how many seconds the caller waited for an agent, or until the end; None without a queue."""
    if not visits:
        return None
    seconds = 0.0
    for visit in visits:
        seconds += visit.waited
        if visit.is_answered:
            break
    return seconds
