"""``/log`` and ``/calls``: who asked for what, and the calls to a number on a day."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal, Self

from fastapi import Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.errors import Refusal
from didier.services.usage import call_statistics
from didier.services.users.authentication import Caller
from didier.storage.usage.call_statistics import LogFilter, Logged
from didier.storage.usage.reports import InboundCall
from didier.web.api import answers, cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Cursor, Limit, refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.timestamps import Moment, local

router = signed_routes("", "reports")

SCOPE = "reports"
NUMBER_MOST = 50
CALLS_MOST = 10_000

Since = Annotated[
    Moment | None, Query(description="From this time on; local time of the server unless it has a zone")
]
Until = Annotated[Moment | None, Query(description="Before this time")]


@dataclass
class LogLine:
    """A request that was made of either API."""

    api_id: int
    when: Annotated[str, Field(description="Local time of the server", examples=["2026-03-04 05:06:07"])]
    user: str
    function: str
    agent_user: Annotated[str, Field(description="The user concerned")]
    result: Annotated[str, Field(examples=["SUCCESS"])]
    reason: str
    source: Annotated[str, Field(description="Name that the caller gives itself; `json-api` for this API")]
    data: Annotated[str, Field(description="Details of the request; shown only for functions of DIDs")]

    @classmethod
    def of(cls, line: Logged) -> Self:
        """Return a line of the log as the API shows it."""
        return cls(
            line.api_id,
            line.when,
            line.user,
            line.function,
            line.agent_user,
            line.result,
            line.reason,
            line.source,
            line.data,
        )


@dataclass
class Log(Page):
    """A page of the API log, the newest line first."""

    items: list[LogLine]
    next: str | None


@dataclass
class CallShown:
    """A call to a number."""

    caller: str
    came_at: str
    seconds: Annotated[
        int, Field(description="From the call to the end of its row in the queue log; 0 without one")
    ]

    @classmethod
    def of(cls, call: InboundCall) -> Self:
        """Return a call as the API shows it."""
        return cls(call.caller_id, call.came_at, call.seconds)


@dataclass
class Calls:
    """The calls to a number on one day, by time."""

    items: list[CallShown]


@router.get(
    "/log", operation_id="readLog", summary="Read the API log", response_model=Log, responses=refusals()
)
async def read_log(
    request: Request,
    login: Signed,
    user: Annotated[str | None, Query(max_length=20)] = None,
    function: Annotated[str | None, Query(max_length=20)] = None,
    result: Annotated[Literal["SUCCESS", "ERROR", "NOTICE"] | None, Query()] = None,
    source: Annotated[str | None, Query(max_length=20)] = None,
    since: Since = None,
    until: Until = None,
    reason: Annotated[str | None, Query(max_length=255, description="The whole reason of a refusal")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """Read what was asked of either API, by users that the caller sees; the newest first."""
    wanted = LogFilter(user, function, result, source, local(since), local(until), reason)
    after = cursors.read(cursor, "log", (int,))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = call_statistics.api_log(conn, caller, wanted, limit, int(after[0]) if after else None)
        if isinstance(found, Refusal):
            return found
        following = cursors.write("log", [found.following]) if found.following else None
        return page_answer(request, Log(list(map(LogLine.of, found.lines)), following))

    return await context_of(request).read(request, login, Permission("api_log", SCOPE), read)


@router.get(
    "/calls", operation_id="readCalls", summary="Calls to a number", response_model=Calls,
    responses=refusals(),
)  # fmt: skip
async def read_calls(
    request: Request,
    login: Signed,
    number: Annotated[str, Query(min_length=1, max_length=NUMBER_MOST, examples=["18001234567"])],
    day: Annotated[date, Query(alias="date", examples=["2026-03-04"])],
    limit: Annotated[int, Query(ge=1, le=CALLS_MOST)] = CALLS_MOST,
) -> Response:
    """List the calls to a number on one day."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = call_statistics.calls(conn, caller, number, day, limit)
        if isinstance(found, Refusal):
            return found
        return answers.json(Calls(list(map(CallShown.of, found))))

    return await context_of(request).read(request, login, Permission("did_log_export", SCOPE, number), read)
