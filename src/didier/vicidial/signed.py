"""Calls whose user has signed in, and what the functions do with many of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.services.access import Caller
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


def flag(call: Call, name: str) -> str:
    """Return a parameter that is Y or N; lower case is understood."""
    value = call.get(name)
    return value.upper() if value in {"y", "n"} else value
