"""``/calls/live``: calls of the last minute and hour, and how they ended."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from fastapi import Query, Request
from pydantic import Field
from starlette.responses import Response, StreamingResponse

from didier.domain.calls.live import FALLEN_THROUGH, CallResult, LiveCall, LiveSnapshot, NoCall, NumberCalls
from didier.errors import NotPermitted
from didier.services.users.authentication import Caller
from didier.web.api import answers, problems
from didier.web.api.context import context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.timestamps import ZonedText, zoned_text
from didier.web.api.watching import Event, Watch, whenever_changed

router = signed_routes("/calls/live", "reports")

PERMISSION = Permission("list_dids", "dids:read")
SECONDS_MOST = 86_400

_RESULT = (
    "How it ended: `routed`, Asterisk has taken the target; `logged`, a DID took it, and VICIdial's log says"
    " no more; `unknown`, there is neither such a DID nor a default; `nowhere`, the DID leads nowhere;"
    " `loop`, it goes in circles; `not_routed`, no decision could be made or told; `refused`, Asterisk has"
    " not taken the target; `hung_up`, the caller hung up before that"
)


@dataclass
class LiveCounts:
    """How many calls there are, by how they ended."""

    calls: int
    fallen_through: Annotated[
        int,
        Field(description="Whose dialplan went on by itself: `unknown`, `nowhere`, `loop` and `not_routed`"),
    ]
    results: Annotated[Mapping[CallResult, int], Field(description="Those that there are")]

    @classmethod
    def of(cls, results: Mapping[CallResult, int]) -> Self:
        """Return the counts of *results*."""
        fallen = sum(count for result, count in results.items() if result in FALLEN_THROUGH)
        return cls(sum(results.values()), fallen, results)


@dataclass
class LiveNumber:
    """The calls of the last hour to a number."""

    dialled: str
    did: Annotated[str | None, Field(description="Pattern of the DID that took the last one; null: none")]
    calls: int
    results: Mapping[CallResult, int]
    last_at: ZonedText

    @classmethod
    def of(cls, number: NumberCalls) -> Self:
        """Return the calls to a number as the API shows them."""
        last_at = zoned_text(number.last_at)
        return cls(number.dialled, number.did or None, number.calls, number.results, last_at)


@dataclass
class LiveCallShown:
    """A call of the last hour."""

    came_at: ZonedText
    dialled: str
    caller: Annotated[
        str, Field(description="Number of who called; empty: withheld, or the right to read calls is missing")
    ]
    did: Annotated[str | None, Field(description="Pattern of the DID that took it; null: none")]
    route: Annotated[str, Field(description="The way that it took, as VICIdial's log has it: `F_EXTEN`")]
    server_ip: Annotated[str, Field(description="Where it arrived")]
    result: Annotated[CallResult, Field(description=_RESULT)]
    reason: Annotated[str, Field(description="Why it was not sent on; empty: it was, or that is not known")]
    target: Annotated[str, Field(description="Where it was sent: `8300 in default`; empty: not known here")]
    seconds: Annotated[
        float | None, Field(description="How long it waited; null: another process has routed it")
    ]

    @classmethod
    def of(cls, call: LiveCall) -> Self:
        """Return a call as the API shows it."""
        seconds = None if call.seconds is None else round(call.seconds, 4)
        return cls(
            zoned_text(call.came_at), call.dialled, call.caller, call.did or None, call.route, call.server_ip,
            call.result, call.reason, call.target, seconds,
        )  # fmt: skip


@dataclass
class LiveCalls:
    """The calls of now and of the last hour."""

    now: Annotated[LiveCounts, Field(description="Of the last 60 seconds")]
    hour: LiveCounts
    since: Annotated[
        ZonedText | None,
        Field(description="Null unless there are too many calls in the hour: those before it do not count"),
    ]
    numbers: Annotated[list[LiveNumber], Field(description="The most called ones of the hour, 20 at most")]
    latest: Annotated[list[LiveCallShown], Field(description="The last calls, 50 at most")]
    turned_away: Annotated[
        Mapping[NoCall, int] | None,
        Field(
            description="Connections of the hour, in this process, that came to no call; null for who does"
            " not see every DID"
        ),
    ]

    @classmethod
    def of(cls, found: LiveSnapshot) -> Self:
        """Return the calls as the API shows them."""
        return cls(
            LiveCounts.of(found.now),
            LiveCounts.of(found.hour),
            zoned_text(found.since) if found.since else None,
            list(map(LiveNumber.of, found.numbers)),
            list(map(LiveCallShown.of, found.latest)),
            found.turned_away,
        )


@router.get(
    "", operation_id="readLiveCalls", summary="Calls of now and the last hour", response_model=LiveCalls,
    responses=refusals(),
)  # fmt: skip
async def read_live_calls(request: Request, login: Signed) -> Response:
    """Count the calls of the last minute and hour to DIDs that the caller sees, and show the last ones.

    They come from VICIdial's log; how a call ended, and how long it waited, is known of those calls that the
    process that answers has routed itself. Who called is shown to those who may read calls.
    """
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, PERMISSION)
    if isinstance(caller, Response):
        return caller
    found = await context.call_board.snapshot(caller)
    if isinstance(found, NotPermitted):
        return problems.refusal(found).response
    return answers.json(LiveCalls.of(found)).response


@router.get(
    "/events", operation_id="watchCalls", summary="Watch calls", response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **refusals()},
)  # fmt: skip
async def watch_calls(
    request: Request,
    login: Signed,
    seconds: Annotated[
        int | None, Query(ge=1, le=SECONDS_MOST, description="End after so long; without it, do not end")
    ] = None,
) -> Response:
    """Send what `/calls/live` answers as an event `calls`, now and whenever it has become another."""
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, PERMISSION)
    if isinstance(caller, Response):
        return caller

    async def look(who: Caller) -> Event | None:
        found = await context.call_board.snapshot(who)
        return (
            None if isinstance(found, NotPermitted) else Event("calls", answers.to_json(LiveCalls.of(found)))
        )

    return Watch(request, login, PERMISSION, whenever_changed(look), asyncio.sleep, seconds).response(caller)
