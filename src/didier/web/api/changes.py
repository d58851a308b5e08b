"""``/changes``: what happened, in order, for programs that follow it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Annotated, Any, Self

from fastapi import APIRouter, Header, Query, Request
from pydantic import Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import events
from didier.errors import InvalidField, Refusal
from didier.runtime.logins import Login
from didier.services.changes import event_shapes, feed
from didier.services.changes.event_shapes import (
    AnyEvent,
    BatchEvent,
    ChangeEvent,
    CheckEvent,
    DidEvent,
    GatewaySetDeleted,
    GatewaySetStored,
    UserEvent,
    WebhookEvent,
)
from didier.services.changes.feed import Event, Feed, Follower
from didier.services.users.authentication import Caller
from didier.web.api import answers, problems
from didier.web.api.context import ApiContext, context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import PAGE_MOST, refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.watching import ASK_AGAIN_SECONDS, Sent, Watch

router = signed_routes("/changes", "changes")

PERMISSION = Permission("list_dids", "dids:read", or_scope="changes:read")
EVENT_STREAM = "text/event-stream"
PAGE_DEFAULT = 100
WAIT_MOST = 60
"""Longest time that an answer is waited with for changes to come, in seconds."""

NUMBER_MOST = 2**63 - 1
_TYPES_LONGEST = 400


@dataclass
class Changes:
    """Some events, in order."""

    items: list[AnyEvent]
    next: Annotated[int, Field(description="`after` of the next page, whether there is one yet or not")]
    newest: Annotated[int, Field(description="The highest number there is; above `next`: there is more")]

    @classmethod
    def of(cls, found: Feed) -> Self:
        """Return events as the API shows them."""
        return cls([*map(event_shapes.shown, found.events)], found.after, found.newest)


After = Annotated[
    int | None,
    Query(
        ge=0,
        le=NUMBER_MOST,
        description="Number behind which to begin: `next` of the page before, or `Didier-Sequence` of an"
        " export; without it what comes from now on",
    ),
]
Types = Annotated[
    str | None,
    Query(
        max_length=_TYPES_LONGEST,
        description=f"Types, separated by commas: {', '.join(events.TYPES)}; `did.*` for all about DIDs",
    ),
]


@router.get(
    "", operation_id="listChanges", summary="Follow what happens",
    response_model=Changes,
    responses={200: {"content": {EVENT_STREAM: {"schema": {"type": "string"}}}}, **refusals(410)},
)  # fmt: skip
async def list_changes(
    request: Request,
    login: Signed,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_MOST, description="About how many events")] = PAGE_DEFAULT,
    types: Types = None,
    wait: Annotated[
        int, Query(ge=0, le=WAIT_MOST, description="Seconds to wait for events where there are none yet")
    ] = 0,
    last_event_id: Annotated[
        int | None,
        Header(ge=0, le=NUMBER_MOST, description="`after`, as it is sent to go on with a stream"),
    ] = None,
) -> Response:
    """Send what happened behind a number, as far as the caller sees it: a page, or a stream of events.

    Numbers only grow, and one who has seen a number never sees a smaller one appear. Some have no event: what
    the caller does not see, or does not want. An event may come twice, never not at all. What is older than
    the setting `feed_days` is told no more: 410 says to take an export, and to follow from its number.

    With `Accept: text/event-stream` events come as they happen (SSE), each with its type as name and its JSON
    as data.
    """
    context = context_of(request)
    chosen = events.wanted(name for name in (types or "").split(",") if name)
    if isinstance(chosen, InvalidField):
        return problems.refusal(chosen, {"types": "types"}).response
    caller = await context.authorize_and_log(request, login, PERMISSION)
    if isinstance(caller, Response):
        return caller
    is_stream = EVENT_STREAM in request.headers.get("accept", "")
    begin = last_event_id if is_stream and last_event_id is not None else after
    if begin is None:
        begin = await context.on_reader(feed.newest)
    following = _Following(context, chosen, begin, limit)
    if is_stream:
        return await _stream(request, login, caller, following)
    found = await following.within(caller, wait, partial(context.authorize, request, login, PERMISSION))
    if isinstance(found, Response):
        return found
    return problems.refusal(found).response if isinstance(found, Refusal) else _page(found)


def _page(found: Feed) -> Response:
    return answers.json(Changes.of(found)).response


class _Following:
    """Somebody who follows, and how far they are."""

    def __init__(self, context: ApiContext, types: frozenset[str], after: int, limit: int) -> None:
        self._context = context
        self._types = types
        self._limit = limit
        self.after = after

    async def next(self, caller: Caller) -> Feed | Refusal:
        """Return the next page, as *caller* sees it; how far they are stays as it is."""
        since = feed.reach(datetime.now(), self._context.feed_days)
        wanted = Follower(caller, self._types, self.after, self._limit, since)

        def read(conn: Connection) -> Feed | Refusal:
            return feed.page(conn, wanted)

        return await self._context.on_reader(read)

    async def within(
        self, caller: Caller, seconds: float, ask_again: Callable[[], Awaitable[Caller | Response]]
    ) -> Feed | Refusal | Response:
        """Return the next page with events in it, or what there is when *seconds* have passed.

        Who has waited is asked again who they are: their rights may be others by then.
        """
        until = time.monotonic() + seconds
        while True:
            found = await self.next(caller)
            left = until - time.monotonic()
            if isinstance(found, Refusal) or found.events or left <= 0 or self._context.stopping:
                return found
            self.after = found.after
            await self.pause(min(left, ASK_AGAIN_SECONDS))
            who = await ask_again()
            if isinstance(who, Response):
                return who
            caller = who

    async def pause(self, seconds: float) -> bool:
        """Wait for changes, *seconds* at most; say whether there are some."""
        return await self._context.change_board.beyond(self.after, seconds)


async def _stream(request: Request, login: Login, caller: Caller, following: _Following) -> Response:
    """Return the events as they come; a stream that cannot begin is a problem."""
    first = await following.next(caller)
    if isinstance(first, Refusal):
        return problems.refusal(first).response

    async def look(who: Caller) -> Sent | None:
        if not await following.pause(0):
            return Sent(b"")
        found = await following.next(who)
        if isinstance(found, Refusal):
            return None
        is_further, following.after = found.after > following.after, found.after
        return Sent(_text(found) if is_further else b"")

    return Watch(request, login, PERMISSION, look, following.pause).response(caller)


def _text(found: Feed) -> bytes:
    """Return a page as events. The last of those with one number says the number: from it on is gone on.

    A number without an event is an event without data, which clients remember and do not tell (WHATWG, HTML,
    9.2.6).
    """
    lines: list[bytes] = []
    number = 0
    for number, group in groupby(found.events, key=lambda event: event.number):
        *others, last = group
        lines += [*map(_event, others), b"id: %d\n" % number, _event(last)]
    if number < found.after:
        lines.append(b"id: %d\n\n" % found.after)
    return b"".join(lines)


def _event(event: Event) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (event.type.encode(), event_shapes.body(event))


sent = APIRouter(tags=["changes"])
"""What endpoints of webhooks are sent, for the OpenAPI document."""

_SHAPES: Mapping[str, type[ChangeEvent]] = {
    "did": DidEvent, "batch": BatchEvent, "user": UserEvent, "webhook": WebhookEvent,
    "check": CheckEvent,
    events.GATEWAY_SET_STORED: GatewaySetStored, events.GATEWAY_SET_DELETED: GatewaySetDeleted,
}  # fmt: skip
"""What is sent of each type, or of all about a subject."""


def _received(shape: type[ChangeEvent]) -> Callable[..., None]:
    """Return what describes an endpoint that is sent a *shape*."""

    def received(body: Any) -> None:
        """Take an event; it may come more than once, and has the same `id` then."""

    received.__annotations__["body"] = shape
    return received


for _name, _told in events.TOLD.items():
    _shape = _SHAPES.get(_name) or _SHAPES[_name.partition(".")[0]]
    sent.add_api_route(
        _name, _received(_shape), methods=["POST"], summary=_told,
        operation_id=f"received_{_name.replace('.', '_')}",
        responses={200: {"description": "Taken; any status from 200 to 299 is"}},
        openapi_extra={"security": []},  # it is signed
    )  # fmt: skip
