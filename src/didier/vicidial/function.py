"""What the table of functions has of each: its checks, and what it hands to a service."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.runtime.requests import Operation
from didier.services.users.authentication import Caller
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Reply


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the API that changes something.

    *problem* says what is wrong with the parameters of a call; *prepare* makes of a call without problems
    what its caller wants done. *takes_key*: it knows idempotency keys.
    """

    problem: Callable[[Call], Reply | None]
    prepare: Callable[[Call, Caller], Operation[Reply]]
    takes_key: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A function of the API that only reads, and may read much: it holds up nobody's commit.

    It is run on a connection for reading once the call's user has signed in.
    """

    read: Callable[[Connection, Call, Caller], Reply]
