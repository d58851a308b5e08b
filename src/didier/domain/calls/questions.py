"""What deciding on a call asks for: each question is a value, so that those of many calls are asked as a set.

Texts are compared as VICIdial's collation does, wherever they are looked for.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from didier.domain.nowhere import Thing


@dataclass(frozen=True, slots=True)
class PlaceOf:
    """What is known of the server with the address *ip*, and of the system: a `Place`."""

    ip: str


@dataclass(frozen=True, slots=True)
class ActiveDids:
    """Which rows have these *patterns* and are active: a row or None for each."""

    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Whether one of *numbers* stands in one of the filter phone *groups*."""

    groups: tuple[str, ...]
    numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotToBeCalled:
    """Whether one of *numbers* is not to be called: by the internal list, or by that of a *campaign*."""

    numbers: tuple[str, ...]
    campaign: str | None


@dataclass(frozen=True, slots=True)
class Container:
    """The text of the settings container *name*; empty where there is none."""

    name: str


@dataclass(frozen=True, slots=True)
class RecentCalls:
    """Whether *number* was on a call from *first* to *last* days ago, whole days by the database's clock.

    *log* has outbound or inbound calls, *lead* leads by their last call; *groups* are campaigns, or in-groups
    of inbound calls. Where *groups* or *statuses* are None, any will do.
    """

    side: Literal["outbound", "inbound"]
    of: Literal["log", "lead"]
    number: str
    first: int
    last: int
    groups: tuple[str, ...] | None
    statuses: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """What the address *url* answers: status and body; status 0 where there is no answer.

    None: it is not asked, because no call is there that it could be asked about.
    """

    url: str


@dataclass(frozen=True, slots=True)
class AgentsOf:
    """Whether an in-group has agents at the moment: any, some that are *not paused*, or *ready*."""

    group: str
    state: Literal["any", "not paused", "ready"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many calls wait for agents of an in-group."""

    group: str


@dataclass(frozen=True, slots=True)
class LiveAgent:
    """Whether the agent *user* has signed in to take calls, and was there in the last seconds."""

    user: str


@dataclass(frozen=True, slots=True)
class DialplanNumber:
    """By which number of the dialplan the *phone* of a server is called; None where there is none."""

    server_ip: str
    phone: str


@dataclass(frozen=True, slots=True)
class Gone:
    """Which of *things*, as `domain.nowhere` has them, are not there or not active."""

    things: frozenset[Thing]


@dataclass(frozen=True, slots=True)
class ScheduleOf:
    """The `Schedule` called *name*; None where there is none."""

    name: str


Question = (
    PlaceOf
    | ActiveDids
    | Listed
    | NotToBeCalled
    | Container
    | RecentCalls
    | WebAnswer
    | AgentsOf
    | Waiting
    | LiveAgent
    | DialplanNumber
    | Gone
    | ScheduleOf
)

Answer = TypeVar("Answer")
Asking = Generator[Question | tuple[Question, ...], Any, Answer]
"""What asks questions, one or some at a time, is sent answers in the same form, and comes to an answer."""
