"""`Didier`: the client for programs that wait for each answer."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self, TypeVar, overload

import httpx2

from didier.client import calls, exporting, values
from didier.client.blocking.connection import Connection
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
class Batch(BatchState):
    """A batch as it was when the server told of it; its methods ask the server."""

    _client: "Didier" = field(kw_only=True, repr=False, compare=False)

    def wait(
        self, on_progress: "Callable[[Batch], object] | None" = None, timeout: float | None = None
    ) -> "Batch":
        """Return the batch when it is done, failed or undone.

        *on_progress* is called with the batch as it is now, and whenever it has moved on. Raises `TimedOut`
        when that takes longer than *timeout* seconds; the batch goes on.
        """
        return self._client._wait(self, on_progress, timeout)

    def refresh(self) -> "Batch":
        """Return the batch as it is now."""
        return self._client.batch(self.id)

    def items(self, outcome: str | Iterable[str] | None = None) -> Iterator[Item]:
        """Yield what became of each target, in the order's order; of one or several outcomes if wanted."""
        return self._client._batch_items(self, outcome)

    def undo(self, *, force: bool = False) -> "Batch":
        """Take it back; see `Didier.undo`."""
        return self._client.undo(self.id, force=force)


@dataclass(frozen=True)
class Preview(PreviewState):
    """What a copy would do; nothing was written."""

    _client: "Didier" = field(kw_only=True, repr=False, compare=False)
    _call: Call[Answer] = field(kw_only=True, repr=False, compare=False)

    def items(self, status: str | Iterable[str] | None = None) -> Iterator[Previewed]:
        """Yield what would become of each target; of one or several statuses if wanted.

        Targets that are not in *shown* are asked for anew, and come as they are read.
        """
        return self._client._preview_items(self, status)


class Didier:
    """A client of Didier's JSON API.

    - *url*: where the server is, as ``https://didier.example.com``; with ``http://`` passwords and tokens
      are readable on the way, so use that on one machine or in a network that you trust.
    - *user* and *password*, or *token*; a user with a second factor also needs *one_time_code*, which is
      good for the first call alone: make a token with it (`add_token`).
    - *timeout*: seconds for connecting and for each silence; ten times as long for an answer before which
      all targets are looked at. None waits for ever.
    - *retries*: how often a request is sent again that got no answer or that the server could not take, if
      it does nothing twice.
    - *transport*: what httpx2 sends with, for tests and proxies; *sleep* and *clock* are for tests.

    Use it in a ``with``, or call `close`. Threads may share it. Raises `didier.client.errors.DidierError`.
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
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        door = Door(url, user, password, token, timeout, one_time_code)
        self._connection = Connection(door, Policy(retries), transport, sleep)
        self._clock = clock

    def __repr__(self) -> str:
        return f"Didier({self._connection.door.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._connection.close()

    def version(self) -> str:
        """Return the server's release; needs no sign-in, so it shows whether the server is there."""
        return self._connection.send(calls.version())

    # Copies and batches

    def copy(
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
    ) -> Batch:
        """Copy the DID *source*; return the batch, done when it has up to 1,000 targets, else under way.

        - *to*: a number, a range (``18002220000-18002229999``), or an iterable of them and of mappings with
          ``target`` and columns of its own. A long one is sent as it comes; then the columns must be those
          of the first 1,000 targets.
        - *csv* instead: a text of CSV, a `Path`, an open file, or pieces of bytes, sent as they come.
        - *active*, *description*, *set* (columns and values; None empties): in what all copies differ from
          the source. *description_template* may name ``{target}``, ``{source}`` and columns.
        - *atomic*: all or nothing. Without it what can be made is made, and the items tell the rest.
        - *idempotency_key*: for programs that may be started again; a copy with the same key is made once
          within 24 hours.
        """
        order = Copying(
            source, to, csv, active, description, description_template, set, atomic, idempotency_key
        )
        return self._batch(self._connection.send(order.call(dry_run=False)).data)

    def preview(
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
    ) -> Preview:
        """Return what `copy` would do; nothing is written."""
        order = Copying(source, to, csv, active, description, description_template, set, atomic)
        call = order.call(dry_run=True)
        return Preview.read(self._connection.send(call).data, _client=self, _call=calls.lines(call))

    def batches(
        self,
        state: str | None = None,
        kind: str | None = None,
        caller: str | None = None,
        source: str | None = None,
        *,
        page_size: int = PAGE,
    ) -> Iterator[Batch]:
        """Yield batches, the newest first."""
        return self._pages(calls.batches(state, kind, caller, source, self._batch, page_size))

    def batch(self, batch_id: int) -> Batch:
        """Return a batch."""
        return self._connection.send(calls.batch(batch_id, self._batch))

    def undo(self, batch_id: int, *, force: bool = False, idempotency_key: str | None = None) -> Batch:
        """Remove what a batch has made, or put back what it has changed or deleted.

        DIDs that were changed since are kept, unless *force* takes them too; ``kept`` names them. A large
        batch is still under way when this returns: `Batch.wait`.
        """
        return self._connection.send(calls.undo(batch_id, force, self._batch, idempotency_key))

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
    ) -> Iterator[Did]:
        """Yield DIDs, page by page as they are wanted.

        *search* is a part of a number in any spelling, or of a description; *carrier* a part of its
        description. *sort* is did_pattern, did_id or did_description, backwards with ``-`` before it.
        """
        wanted = calls.filters(search, route, active, user_group, group_id, carrier, copied_from)
        return self._pages(calls.dids(wanted, sort, page_size))

    def did(self, pattern: str) -> Did:
        """Return a DID with its ETag."""
        return self._connection.send(calls.did(pattern))

    def add(self, pattern: str, *, idempotency_key: str | None = None, **columns: Given) -> Did:
        """Make a DID that is copied from none; *columns* by their names or short ones."""
        return self._connection.send(calls.add(pattern, columns, idempotency_key))

    def update(self, pattern: str, *, etag: str | None = None, **columns: Given) -> Did:
        """Set columns of a DID; with *etag* only if it is still as it was then."""
        return self._connection.send(calls.update(pattern, etag, columns))

    def delete(self, pattern: str, *, force: bool = False, etag: str | None = None) -> None:
        """Delete a DID; *force* also where it is protected or in use."""
        self._connection.send(calls.delete(pattern, force, etag))

    def lock(self, pattern: str) -> None:
        """Lock a DID: it is not deleted, also not by force, until it is unlocked."""
        self._connection.send(calls.lock(pattern, True))

    def unlock(self, pattern: str) -> None:
        """Let a DID be deleted again."""
        self._connection.send(calls.lock(pattern, False))

    def history(self, pattern: str, *, page_size: int = PAGE) -> Iterator[Change]:
        """Yield what was changed in a DID through Didier, the newest first; also of one that is deleted."""
        return self._pages(calls.history(pattern, page_size))

    # Files

    @overload
    def export(
        self, to: None = None, *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> Iterator[bytes]: ...

    @overload
    def export(
        self, to: Path | IO[bytes], *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> int: ...

    def export(
        self,
        to: Path | IO[bytes] | None = None,
        *,
        format: Literal["csv", "ndjson"] = "csv",
        **filters: Any,
    ) -> Iterator[bytes] | int:
        """Export all DIDs, or those that *filters* (as of `dids`) leave.

        With *to* return how many were written: a `Path` is there when it is whole, a file is written to as
        the pieces come. Without, return the pieces.
        """
        call = calls.export(format, calls.filters(**filters))
        if to is None:
            return self._pieces(call)
        count = exporting.Count(format)
        with exporting.written(to) as file:
            for piece in self._pieces(call):
                file.write(piece)
                count.add(piece)
        return count.dids

    def import_dids(
        self,
        csv: Table,
        *,
        existing: Literal["refuse", "skip", "update"] = "refuse",
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> Import:
        """Make the DIDs of a CSV table, up to 1,000, as exports write it: all or none.

        *existing* says what to do with those that are there.
        """
        return self._connection.send(calls.import_dids(csv, existing, dry_run, idempotency_key))

    # Users, tokens and reports

    def users(self, *, page_size: int = PAGE) -> Iterator[User]:
        """Yield the users, by name."""
        return self._pages(calls.users(page_size))

    def user(self, name: str) -> User:
        """Return a user."""
        return self._connection.send(calls.user(name))

    def add_user(
        self, name: str, password: str, *, idempotency_key: str | None = None, **settings: Any
    ) -> User:
        """Make a user; *settings* are the fields of `User`, of which ``user_group`` is needed."""
        return self._connection.send(calls.add_user(name, password, settings, idempotency_key))

    def update_user(self, name: str, *, revoke_tokens: bool = False, **settings: Any) -> User:
        """Set settings of a user: the fields of `User`, and ``password``, with which *revoke_tokens* goes."""
        return self._connection.send(calls.update_user(name, settings, revoke_tokens))

    def reset_second_factor(self, name: str) -> None:
        """Let a user who cannot show their second factor any more sign in with the password alone."""
        self._connection.send(calls.reset_second_factor(name))

    def me(self) -> Me:
        """Return who the caller is, and whether they have a second factor; not with a token."""
        return self._connection.send(calls.me())

    def tokens(self, user: str | None = None) -> Iterator[Token]:
        """Yield the caller's tokens, or those of *user* (``*``: of all whom the caller may change)."""
        return self._pages(calls.tokens(user))

    def add_token(
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
            made = self._connection.send(order.call())
            if made.secret:
                return made
            self.revoke_token(made.token_id)  # the answer that had it was lost; it is not said again
        raise ConnectionFailed("the answers with the token were lost; those that were made are revoked")

    def revoke_token(self, token_id: int) -> None:
        """Let a token be accepted no more."""
        self._connection.send(calls.revoke_token(token_id))

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
    ) -> Iterator[LogLine]:
        """Yield what was asked of either API, the newest first; *result* is SUCCESS, ERROR or NOTICE."""
        wanted = {"user": user, "function": function, "result": result, "source": source}
        return self._pages(calls.log(page_size, **wanted, since=since, until=until))

    def usage(
        self, since: datetime | None = None, until: datetime | None = None, *, limit: int = 1_000
    ) -> Iterator[Usage]:
        """Yield the DIDs with calls, the most called first; of the last 30 days unless told."""
        return self._pages(calls.usage(since, until, limit))

    def calls(self, number: str, day: date) -> Iterator[InboundCall]:
        """Yield the calls to a number on one day, by time."""
        return self._pages(calls.inbound_calls(number, day))

    # What the methods above are made of

    def _batch(self, data: Any) -> Batch:
        return Batch.read(data, _client=self)

    def _pages(self, call: Call[Page[T]]) -> Iterator[T]:
        following: Call[Page[T]] | None = call
        while following is not None:
            page = self._connection.send(following)
            yield from page.items
            following = calls.following(following, page)

    def _pieces(self, call: Call[Answer]) -> Iterator[bytes]:
        with self._connection.open(call) as response:
            yield from response.iter_bytes()

    def _batch_items(self, batch: Batch, outcome: str | Iterable[str] | None) -> Iterator[Item]:
        wanted = values.texts(outcome)
        if batch.told is not None:
            return (item for item in batch.told if not wanted or item.outcome in wanted)
        return self._pages(calls.items(batch.id, wanted))

    def _preview_items(self, preview: Preview, status: str | Iterable[str] | None) -> Iterator[Previewed]:
        wanted = values.texts(status)
        found = self._lines(preview._call) if preview.omitted else iter(preview.shown)
        return (one for one in found if not wanted or one.status in wanted)

    def _lines(self, call: Call[Answer]) -> Iterator[Previewed]:
        with self._connection.open(call) as response:
            for line in response.iter_lines():
                if one := calls.previewed(line):
                    yield one

    def _wait(self, batch: Batch, told: Callable[[Batch], object] | None, timeout: float | None) -> Batch:
        watch = Watch(batch, told, timeout, self._connection.policy, self._clock)
        while not watch.batch.ended:
            try:
                pause = self._watched(watch) if watch.events else self._asked(watch)
            except DidierError as error:
                pause = watch.broken(error)
            self._connection.pause(pause)
        return watch.batch

    def _watched(self, watch: Watch[Batch]) -> float:
        with self._events(watch) as response:
            if calls.EVENTS not in response.headers.get("content-type", ""):
                raise UnexpectedAnswer(response.status_code, "it has no events")
            for event in httpx2.EventSource(response):
                watch.moved(self._batch(json.loads(event.data)))
                if watch.batch.ended:
                    return 0.0
        return watch.closed()

    def _events(self, watch: Watch[Batch]) -> AbstractContextManager[httpx2.Response]:
        return self._connection.open(calls.events(watch.batch.id), silence=watch.silence())

    def _asked(self, watch: Watch[Batch]) -> float:
        watch.moved(self.batch(watch.batch.id))
        return 0.0 if watch.batch.ended else watch.asked()
