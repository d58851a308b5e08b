"""What is decided on a call: where it goes, by which row, and every step on the way."""

from dataclasses import dataclass, field

from didier.domain.calls.call import Call, Place, Row
from didier.domain.calls.targets import Target


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at on the way: a *rule*, and what it came to in words."""

    rule: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A web address that was asked, and its answer as the log has it."""

    url: str
    response: str


@dataclass(slots=True)
class Decision:
    """Where a *call* goes, and all that is told of it.

    Without *target* the dialplan goes on by itself. *did* is the row that has decided, None if there is no
    DID; *route* the way that the call took, as VICIdial's log has it (F_EXTEN: by a filter to an extension).
    *number* is the caller's after cleaning, *logged_number* the one that is logged. *routed* is the row
    by whose route the call was sent, as detours have made it; None where a detour itself has a target.
    *has_next*: it is sent to one of the DID's own destinations, behind which there may be others.
    """

    call: Call
    place: Place
    number: str
    logged_number: str
    did: Row | None = None
    route: str = ""
    stored_route: str = ""  # before detours
    group: str = ""  # the in-group of that
    target: Target | None = None
    routed: Row | None = None
    has_next: bool = False
    is_recorded: bool = False
    asked: list[Asked] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def is_cleaned(self) -> bool:
        """Whether the caller's number is another one now, which the channel is told."""
        return len(self.number) != len(self.call.caller.number)

    def note(self, rule: str, outcome: str) -> None:
        """Add a step."""
        self.steps.append(Step(rule, outcome))
