"""`AsyncDidier`: the client for programs that await each answer."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self, TypeVar, overload

import httpx2

from didier.client import calls, exporting, values
from didier.client.awaiting.connection import AsyncConnection
from didier.client.bodies import Table, Targets
from didier.client.calls import PAGE, Answer, Call, Copying
from didier.client.connection import Door
from didier.client.errors import ConnectionFailed, DidierError, UnexpectedAnswer
from didier.client.models import (
    BatchState,
    Change,
    Did,
    Import,
    InboundCall,
    Item,
    LogLine,
    Me,
    NewToken,
    Page,
    Previewed,
    PreviewState,
    Token,
    Usage,
    User,
)
from didier.client.retrying import Policy
from didier.client.values import Given
from didier.client.watching import Watch

T = TypeVar("T")


@dataclass(frozen=True)
class AsyncBatch(BatchState):
    """A batch as it was when the server told of it; its methods ask the server."""

    _client: "AsyncDidier" = field(kw_only=True, repr=False, compare=False)

    async def wait(
        self, on_progress: "Callable[[AsyncBatch], object] | None" = None, timeout: float | None = None
    ) -> "AsyncBatch":
        """Return the batch when it is done, failed or undone; see `Batch.wait`."""
        return await self._client._wait(self, on_progress, timeout)

    async def refresh(self) -> "AsyncBatch":
        """Return the batch as it is now."""
        return await self._client.batch(self.id)

    def items(self, outcome: str | Iterable[str] | None = None) -> AsyncIterator[Item]:
        """Yield what became of each target, in the order's order; of one or several outcomes if wanted."""
        return self._client._batch_items(self, outcome)

    async def undo(self, *, force: bool = False) -> "AsyncBatch":
        """Take it back; see `Didier.undo`."""
        return await self._client.undo(self.id, force=force)


@dataclass(frozen=True)
class AsyncPreview(PreviewState):
    """What a copy would do; nothing was written."""

    _client: "AsyncDidier" = field(kw_only=True, repr=False, compare=False)
    _call: Call[Answer] = field(kw_only=True, repr=False, compare=False)

    def items(self, status: str | Iterable[str] | None = None) -> AsyncIterator[Previewed]:
        """Yield what would become of each target; see `Preview.items`."""
        return self._client._preview_items(self, status)


class AsyncDidier:
    """A client of Didier's JSON API, as `Didier`, whose methods are awaited.

    What `Didier` yields, this yields to ``async for``. Use it in an ``async with``, or await `close`.
    """

    def __init__(
        self,
        url: str,
        user: str | None = None,
        password: str | None = None,
        *,
        token: str | None = None,
        one_time_code: str | None = None,
        timeout: float | None = 30.0,
        retries: int = 3,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        door = Door(url, user, password, token, timeout, one_time_code)
        self._connection = AsyncConnection(door, Policy(retries), transport, sleep)
        self._clock = clock

    def __repr__(self) -> str:
        return f"AsyncDidier({self._connection.door.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def version(self) -> str:
        """Return the server's release; see `Didier.version`."""
        return await self._connection.send(calls.version())

    # Copies and batches

    async def copy(
        self,
        source: str,
        to: Targets | None = None,
        *,
        csv: Table | None = None,
        active: bool | None = None,
        description: str | None = None,
        description_template: str | None = None,
        set: Mapping[str, Given] | None = None,
        atomic: bool = True,
        idempotency_key: str | None = None,
    ) -> AsyncBatch:
        """Copy the DID *source*; see `Didier.copy`. Files and iterables are read as `Didier` reads them."""
        order = Copying(
            source, to, csv, active, description, description_template, set, atomic, idempotency_key
        )
        return self._batch((await self._connection.send(order.call(dry_run=False))).data)

    async def preview(
        self,
        source: str,
        to: Targets | None = None,
        *,
        csv: Table | None = None,
        active: bool | None = None,
        description: str | None = None,
        description_template: str | None = None,
        set: Mapping[str, Given] | None = None,
        atomic: bool = True,
    ) -> AsyncPreview:
        """Return what `copy` would do; nothing is written."""
        order = Copying(source, to, csv, active, description, description_template, set, atomic)
        call = order.call(dry_run=True)
        answer = await self._connection.send(call)
        return AsyncPreview.read(answer.data, _client=self, _call=calls.lines(call))

    def batches(
        self,
        state: str | None = None,
        kind: str | None = None,
        caller: str | None = None,
        source: str | None = None,
        *,
        page_size: int = PAGE,
    ) -> AsyncIterator[AsyncBatch]:
        """Yield batches, the newest first."""
        return self._pages(calls.batches(state, kind, caller, source, self._batch, page_size))

    async def batch(self, batch_id: int) -> AsyncBatch:
        """Return a batch."""
        return await self._connection.send(calls.batch(batch_id, self._batch))

    async def undo(
        self, batch_id: int, *, force: bool = False, idempotency_key: str | None = None
    ) -> AsyncBatch:
        """Remove what a batch has made, or put back what it has changed or deleted; see `Didier.undo`."""
        return await self._connection.send(calls.undo(batch_id, force, self._batch, idempotency_key))

    # DIDs

    def dids(
        self,
        search: str | None = None,
        route: str | None = None,
        active: bool | None = None,
        user_group: str | None = None,
        group_id: str | None = None,
        carrier: str | None = None,
        copied_from: str | None = None,
        *,
        sort: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[Did]:
        """Yield DIDs, page by page as they are wanted; see `Didier.dids`."""
        wanted = calls.filters(search, route, active, user_group, group_id, carrier, copied_from)
        return self._pages(calls.dids(wanted, sort, page_size))

    async def did(self, pattern: str) -> Did:
        """Return a DID with its ETag."""
        return await self._connection.send(calls.did(pattern))

    async def add(self, pattern: str, *, idempotency_key: str | None = None, **columns: Given) -> Did:
        """Make a DID that is copied from none; see `Didier.add`."""
        return await self._connection.send(calls.add(pattern, columns, idempotency_key))

    async def update(self, pattern: str, *, etag: str | None = None, **columns: Given) -> Did:
        """Set columns of a DID; with *etag* only if it is still as it was then."""
        return await self._connection.send(calls.update(pattern, etag, columns))

    async def delete(self, pattern: str, *, force: bool = False, etag: str | None = None) -> None:
        """Delete a DID; *force* also where it is protected or in use."""
        await self._connection.send(calls.delete(pattern, force, etag))

    async def lock(self, pattern: str) -> None:
        """Lock a DID: it is not deleted, also not by force, until it is unlocked."""
        await self._connection.send(calls.lock(pattern, True))

    async def unlock(self, pattern: str) -> None:
        """Let a DID be deleted again."""
        await self._connection.send(calls.lock(pattern, False))

    def history(self, pattern: str, *, page_size: int = PAGE) -> AsyncIterator[Change]:
        """Yield what was changed in a DID through Didier, the newest first; also of one that is deleted."""
        return self._pages(calls.history(pattern, page_size))

    # Files

    @overload
    async def export(
        self, to: None = None, *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> AsyncIterator[bytes]: ...

    @overload
    async def export(
        self, to: Path | IO[bytes], *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> int: ...

    async def export(
        self,
        to: Path | IO[bytes] | None = None,
        *,
        format: Literal["csv", "ndjson"] = "csv",
        **filters: Any,
    ) -> AsyncIterator[bytes] | int:
        """Export all DIDs, or those that *filters* (as of `dids`) leave; see `Didier.export`."""
        call = calls.export(format, calls.filters(**filters))
        if to is None:
            return self._pieces(call)
        count = exporting.Count(format)
        with exporting.written(to) as file:
            async for piece in self._pieces(call):
                file.write(piece)
                count.add(piece)
        return count.dids

    async def import_dids(
        self,
        csv: Table,
        *,
        existing: Literal["refuse", "skip", "update"] = "refuse",
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Import:
        """Make the DIDs of a CSV table, up to 1,000, as exports write it; see `Didier.import_dids`."""
        return await self._connection.send(calls.import_dids(csv, existing, dry_run, idempotency_key))

    # Users, tokens and reports

    def users(self, *, page_size: int = PAGE) -> AsyncIterator[User]:
        """Yield the users, by name."""
        return self._pages(calls.users(page_size))

    async def user(self, name: str) -> User:
        """Return a user."""
        return await self._connection.send(calls.user(name))

    async def add_user(
        self, name: str, password: str, *, idempotency_key: str | None = None, **settings: Any
    ) -> User:
        """Make a user; see `Didier.add_user`."""
        return await self._connection.send(calls.add_user(name, password, settings, idempotency_key))

    async def update_user(self, name: str, *, revoke_tokens: bool = False, **settings: Any) -> User:
        """Set settings of a user; see `Didier.update_user`."""
        return await self._connection.send(calls.update_user(name, settings, revoke_tokens))

    async def reset_second_factor(self, name: str) -> None:
        """Let a user who cannot show their second factor any more sign in with the password alone."""
        await self._connection.send(calls.reset_second_factor(name))

    async def me(self) -> Me:
        """Return who the caller is, and whether they have a second factor; not with a token."""
        return await self._connection.send(calls.me())

    def tokens(self, user: str | None = None) -> AsyncIterator[Token]:
        """Yield the caller's tokens, or those of *user* (``*``: of all whom the caller may change)."""
        return self._pages(calls.tokens(user))

    async def add_token(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        user: str | None = None,
        pattern_prefix: str | None = None,
        networks: Iterable[str] = (),
        expires_at: datetime | None = None,
    ) -> NewToken:
        """Make a token; its ``secret`` is shown this once."""
        order = calls.TokenOrder(name, tuple(scopes), user, pattern_prefix, tuple(networks), expires_at)
        for _ in range(calls.TOKEN_ATTEMPTS):
            made = await self._connection.send(order.call())
            if made.secret:
                return made
            await self.revoke_token(made.token_id)  # the answer that had it was lost; it is not said again
        raise ConnectionFailed("the answers with the token were lost; those that were made are revoked")

    async def revoke_token(self, token_id: int) -> None:
        """Let a token be accepted no more."""
        await self._connection.send(calls.revoke_token(token_id))

    def log(
        self,
        user: str | None = None,
        function: str | None = None,
        result: str | None = None,
        source: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        page_size: int = PAGE,
    ) -> AsyncIterator[LogLine]:
        """Yield what was asked of either API, the newest first; *result* is SUCCESS, ERROR or NOTICE."""
        wanted = {"user": user, "function": function, "result": result, "source": source}
        return self._pages(calls.log(page_size, **wanted, since=since, until=until))

    def usage(
        self, since: datetime | None = None, until: datetime | None = None, *, limit: int = 1_000
    ) -> AsyncIterator[Usage]:
        """Yield the DIDs with calls, the most called first; of the last 30 days unless told."""
        return self._pages(calls.usage(since, until, limit))

    def calls(self, number: str, day: date) -> AsyncIterator[InboundCall]:
        """Yield the calls to a number on one day, by time."""
        return self._pages(calls.inbound_calls(number, day))

    # What the methods above are made of

    def _batch(self, data: Any) -> AsyncBatch:
        return AsyncBatch.read(data, _client=self)

    async def _pages(self, call: Call[Page[T]]) -> AsyncIterator[T]:
        following: Call[Page[T]] | None = call
        while following is not None:
            page = await self._connection.send(following)
            for item in page.items:
                yield item
            following = calls.following(following, page)

    async def _pieces(self, call: Call[Answer]) -> AsyncIterator[bytes]:
        async with self._connection.open(call) as response:
            async for piece in response.aiter_bytes():
                yield piece

    async def _batch_items(
        self, batch: AsyncBatch, outcome: str | Iterable[str] | None
    ) -> AsyncIterator[Item]:
        wanted = values.texts(outcome)
        if batch.told is None:
            async for item in self._pages(calls.items(batch.id, wanted)):
                yield item
        for item in batch.told or ():
            if not wanted or item.outcome in wanted:
                yield item

    async def _preview_items(
        self, preview: AsyncPreview, status: str | Iterable[str] | None
    ) -> AsyncIterator[Previewed]:
        wanted = values.texts(status)
        if not preview.omitted:
            for one in preview.shown:
                if not wanted or one.status in wanted:
                    yield one
            return
        async with self._connection.open(preview._call) as response:
            async for line in response.aiter_lines():
                found = calls.previewed(line)
                if found and (not wanted or found.status in wanted):
                    yield found

    async def _wait(
        self, batch: AsyncBatch, told: Callable[[AsyncBatch], object] | None, timeout: float | None
    ) -> AsyncBatch:
        watch = Watch(batch, told, timeout, self._connection.policy, self._clock)
        while not watch.batch.ended:
            try:
                pause = await (self._watched(watch) if watch.events else self._asked(watch))
            except DidierError as error:
                pause = watch.broken(error)
            await self._connection.pause(pause)
        return watch.batch

    async def _watched(self, watch: Watch[AsyncBatch]) -> float:
        async with self._events(watch) as response:
            if calls.EVENTS not in response.headers.get("content-type", ""):
                raise UnexpectedAnswer(response.status_code, "it has no events")
            async for event in httpx2.EventSource(response):
                watch.moved(self._batch(json.loads(event.data)))
                if watch.batch.ended:
                    return 0.0
        return watch.closed()

    def _events(self, watch: Watch[AsyncBatch]) -> AbstractAsyncContextManager[httpx2.Response]:
        return self._connection.open(calls.events(watch.batch.id), silence=watch.silence())

    async def _asked(self, watch: Watch[AsyncBatch]) -> float:
        watch.moved(await self.batch(watch.batch.id))
        return 0.0 if watch.batch.ended else watch.asked()
