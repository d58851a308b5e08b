"""Calls whose user has signed in, and what the functions do with many of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.services.users.authentication import Caller
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Reply


@dataclass(frozen=True, slots=True)
class Signed:
    """A call whose user has signed in."""

    call: Call
    user: User

    @property
    def caller(self) -> Caller:
        """The user as the services know them."""
        return Caller(self.user, self.call.user, self.call.address)


Function = Callable[[Connection, Sequence[Signed], datetime], Sequence[Reply]]
"""A function of the API: answers all its calls of a group."""


@dataclass(frozen=True, slots=True)
class Report:
    """A function of the API that only reads, and may read much: it holds up nobody's commit.

    The door runs it on a connection for reading once the call's user has signed in.
    """

    read: Callable[[Connection, Signed], Reply]


def unless(
    problem: Callable[[Call], Reply | None],
    signed: Sequence[Signed],
    carry_out: Callable[[Sequence[Signed]], Sequence[Reply]],
) -> list[Reply]:
    """Answer calls that have a *problem* with it; carry the others out together."""
    problems = [problem(s.call) for s in signed]
    ready = [s for s, found in zip(signed, problems, strict=True) if found is None]
    done = iter(carry_out(ready))
    return [found or next(done) for found in problems]


def is_on(call: Call, name: str) -> bool:
    """Say whether the optional parameter *name* is Y."""
    return name in call.parameters.values and flag(call, name) == "Y"


def is_flag(call: Call, name: str) -> bool:
    """Say whether the parameter *name* is Y or N, or was not given."""
    return name not in call.parameters.values or flag(call, name) in {"", "Y", "N"}


def flag(call: Call, name: str) -> str:
    """Return a parameter that is Y or N; lower case is understood."""
    value = call.get(name)
    return value.upper() if value in {"y", "n"} else value
