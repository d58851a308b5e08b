"""``/changes``: what happened, in order, for programs that follow it."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Annotated, Any, Literal, Self, cast

import orjson
from fastapi import APIRouter, Header, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import events
from didier.errors import InvalidField, Refusal
from didier.runtime.logins import Login
from didier.services.changes import feed
from didier.services.changes.feed import BatchChange, DidChange, Event, Feed, Follower, UserChange
from didier.services.users.authentication import Caller
from didier.web.api import answers, problems
from didier.web.api.batches import Batch, Kind, State
from didier.web.api.context import ApiContext, context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import PAGE_MOST, refusals
from didier.web.api.signed import Signed, SignedRoute
from didier.web.api.timestamps import ZonedText, zoned
from didier.web.api.watching import ASK_AGAIN_SECONDS, Sent, Watch

router = APIRouter(prefix="/changes", tags=["changes"], route_class=SignedRoute)

PERMISSION = Permission("list_dids", "dids:read")
EVENT_STREAM = "text/event-stream"
PAGE_DEFAULT = 100
WAIT_MOST = 60
"""Longest time that an answer is waited with for changes to come, in seconds."""

NUMBER_MOST = 2**63 - 1
_TYPES_LONGEST = 200

DidType = Literal["did.created", "did.updated", "did.deleted"]
BatchType = Literal["batch.created", "batch.finished"]
UserType = Literal["user.created", "user.updated", "user.deleted"]
Row = Mapping[str, Any]


@dataclass
class ChangedDid:
    """What happened to a DID, or to a run of DIDs with consecutive numbers and ids."""

    did_id: Annotated[int, Field(description="Of the first; the others have the next ones")]
    did_pattern: Annotated[str, Field(description="The number; of a run the first")]
    last: Annotated[str, Field(description="The last number of a run; of one DID its own")]
    size: Annotated[int, Field(description="How many DIDs")]
    version: Annotated[int | None, Field(description="Of the DID, from this change on; null: not known")]
    source: Annotated[str | None, Field(description="Pattern of the DID that was copied")]
    fields: Annotated[
        list[str] | None,
        Field(description="Columns that were set to something else; null: not known"),
    ]
    before: Annotated[
        Row | None,
        Field(description="Columns and values: of an update those of `fields`, of what was deleted all, where"
                          " they are known"),
    ]  # fmt: skip
    after: Annotated[
        Row | None,
        Field(description="The same behind the change; of a run that was created those of the first"),
    ]
    own: Annotated[
        list[Row] | None,
        Field(description="Of a run in which DIDs differ otherwise than in number and id: those columns of"
                          " each"),
    ]  # fmt: skip

    @classmethod
    def of(cls, change: DidChange) -> Self:
        """Return what happened to a DID as the API shows it."""
        return cls(
            did_id=change.did_id,
            did_pattern=change.pattern,
            last=change.last,
            size=change.size,
            version=change.version,
            source=change.source,
            fields=None if change.names is None else [*change.names],
            before=change.before,
            after=change.after,
            own=None if change.own is None else [*change.own],
        )


@dataclass
class ChangedBatch:
    """A batch that was ordered, or that has come to an end."""

    id: int
    kind: Kind
    state: Annotated[State, Field(description="In which it was then")]
    batch: Annotated[Batch, Field(description="As it is now")]

    @classmethod
    def of(cls, change: BatchChange) -> Self:
        """Return a batch as the API shows it."""
        kind, state = cast("Kind", change.batch.kind), cast("State", change.state)
        return cls(change.batch.batch_id, kind, state, Batch.of(change.batch))


@dataclass
class ChangedUser:
    """A user who was added, changed or deleted."""

    user: str
    fields: Annotated[list[str], Field(description="Columns that were set; no values are told")]

    @classmethod
    def of(cls, change: UserChange) -> Self:
        """Return a user as the API shows them."""
        return cls(change.name, [*change.names])


_EXAMPLE: dict[str, Any] = {
    "sequence": 4711,
    "id": "4711",
    "timestamp": "2026-03-04T05:06:07+01:00",
    "user": "admin",
    "origin": "json-api",
    "cause": "update",
    "batch_id": 4711,
}


@dataclass
class ChangeEvent:
    """Something that has happened."""

    sequence: Annotated[
        int, Field(description="Its place: numbers only grow; several events may share one, on one page")
    ]
    id: Annotated[str, Field(description="What it is known by, however often it comes")]
    timestamp: ZonedText
    user: Annotated[str, Field(description="Who did it; empty: it was done beside Didier, and found")]
    origin: Annotated[str, Field(description="By which door: `json-api`, `outside`; empty: not known")]
    cause: Annotated[str, Field(description="By what: copy, add, import, update, delete, undo or outside")]
    batch_id: int | None


@dataclass
class DidEvent(ChangeEvent):
    """Something that has happened to a DID, or to a run of them."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "type": "did.updated",
                "data": {
                    "did_id": 12,
                    "did_pattern": "18002220000",
                    "last": "18002220000",
                    "size": 1,
                    "version": 2,
                    "source": None,
                    "fields": ["extension"],
                    "before": {"extension": "8300"},
                    "after": {"extension": "8301"},
                    "own": None,
                },
            }
        }
    )

    type: DidType
    data: ChangedDid


@dataclass
class BatchEvent(ChangeEvent):
    """Something that has happened to a batch."""

    type: BatchType
    data: ChangedBatch


@dataclass
class UserEvent(ChangeEvent):
    """Something that has happened to a user."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                **_EXAMPLE,
                "batch_id": None,
                "type": "user.updated",
                "data": {"user": "alice", "fields": ["full_name"]},
            }
        }
    )

    type: UserType
    data: ChangedUser


AnyEvent = DidEvent | BatchEvent | UserEvent


def event_shown(event: Event) -> AnyEvent:
    """Return an event as the API, and webhooks, show it."""
    told: dict[str, Any] = {
        "sequence": event.number,
        "id": event.id,
        "timestamp": zoned(event.at),
        "user": event.user,
        "origin": event.origin,
        "cause": event.cause,
        "batch_id": event.batch_id,
        "type": event.type,
    }
    match event.data:
        case DidChange():
            return DidEvent(**told, data=ChangedDid.of(event.data))
        case BatchChange():
            return BatchEvent(**told, data=ChangedBatch.of(event.data))
        case _:
            return UserEvent(**told, data=ChangedUser.of(event.data))


@dataclass
class Changes:
    """Some events, in order."""

    items: list[DidEvent | BatchEvent | UserEvent]
    next: Annotated[int, Field(description="`after` of the next page, whether there is one yet or not")]
    newest: Annotated[int, Field(description="The highest number there is; above `next`: there is more")]

    @classmethod
    def of(cls, found: Feed) -> Self:
        """Return events as the API shows them."""
        return cls([*map(event_shown, found.events)], found.after, found.newest)


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

    async def pause(self, seconds: float) -> None:
        """Wait for changes, *seconds* at most."""
        await self._context.change_board.beyond(self.after, seconds)


async def _stream(request: Request, login: Login, caller: Caller, following: _Following) -> Response:
    """Return the events as they come; a stream that cannot begin is a problem."""
    first = await following.next(caller)
    if isinstance(first, Refusal):
        return problems.refusal(first).response

    async def look(who: Caller) -> Sent | None:
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
    return b"event: %s\ndata: %s\n\n" % (event.type.encode(), orjson.dumps(event_shown(event)))


_SHAPES: Mapping[str, type[ChangeEvent]] = {"did": DidEvent, "batch": BatchEvent, "user": UserEvent}


def describe(webhooks: APIRouter) -> None:
    """Add what endpoints of webhooks are sent, by type, to the OpenAPI document."""
    for name in events.TYPES:
        shape = _SHAPES[name.partition(".")[0]]
        webhooks.add_api_route(
            name, _received(shape), methods=["POST"], operation_id=f"received_{name.replace('.', '_')}",
            summary=events.TOLD[name], tags=["changes"],
            responses={200: {"description": "Taken; any status from 200 to 299 is"}},
        )  # fmt: skip


def _received(shape: type[ChangeEvent]) -> Callable[..., None]:
    """Return what describes an endpoint that is sent a *shape*."""

    def received(body: Any) -> None:
        """Take an event; it may come more than once, and has the same `id` then."""

    received.__annotations__["body"] = shape
    return received
