"""The client of Didier's JSON API."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, Self, overload

import httpx2

from didier.client import calls, exporting, models
from didier.client.awaiting.batches import AsyncBatch, AsyncPreview
from didier.client.awaiting.connection import AsyncConnection
from didier.client.awaiting.destinations import AsyncDestinations
from didier.client.bodies import Table, Targets
from didier.client.calls import PAGE, report_calls
from didier.client.connection import Door
from didier.client.errors import ConnectionFailed, DidierError
from didier.client.events import ChangeEvent
from didier.client.exporting import Exported
from didier.client.models import Did
from didier.client.orders import CopyRequest, EditRequest
from didier.client.retrying import AsyncSleep, Outage, Policy
from didier.client.table_reading import TableReading
from didier.client.values import Given, texts


class AsyncDidier:
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

    What DIDs lead to is reached by `in_groups`, `call_menus`, `phones` and `servers`, each a `Destinations`.

    The methods of `AsyncDidier` are awaited, and what they yield is for ``async for``. Use a client in a
    ``with`` (``async with``), or call its `close`. Threads may share a `Didier`; an `AsyncDidier` belongs to
    one event loop. Raises `didier.client.errors.DidierError`.
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
        sleep: AsyncSleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        door = Door(url, user, password, token, timeout, one_time_code)
        self._connection = AsyncConnection(door, Policy(retries), transport, sleep, clock)
        self._batch = partial(AsyncBatch.read, _connection=self._connection)
        self.in_groups = AsyncDestinations(self._connection, "in-groups")
        self.call_menus = AsyncDestinations(self._connection, "call-menus")
        self.phones = AsyncDestinations(self._connection, "phones")
        self.servers = AsyncDestinations(self._connection, "servers")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._connection.door.url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._connection.close()

    async def version(self) -> str:
        """Return the server's release; needs no sign-in, so it shows whether the server is there."""
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
        mapping: Mapping[str, str] | None = None,
        ignore_columns: bool = False,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
        idempotency_key: str | None = None,
    ) -> AsyncBatch:
        """Copy the DID *source*; return the batch, done when it has up to 1,000 targets, else under way.

        - *to*: a number, a range (``18002220000-18002229999``), or an iterable of them and of mappings with
          ``target`` and columns of its own. A long one is sent as it comes; then the columns must be those
          of the first 1,000 targets.
        - *csv* instead: a text of CSV, a `Path`, an open file, or pieces of bytes, sent as they come.
        - *active*, *description*, *set* (columns and values; None empties): in what all copies differ from
          the source. *description_template* may name ``{target}``, ``{source}`` and columns.
        - *atomic*: all or nothing. Without it what can be made is made, and the items tell the rest.
        - *mapping*: what becomes of columns of *csv*, by header or place from 1: ``number``, ``first`` and
          ``last`` of a range, a column of DIDs, ``template`` or ``ignore``; with *ignore_columns* those that
          are not known are left out.
        - *allow_implausible*: create also what is no telephone number (``s``, ``default``, ``*98``);
          *allow_nowhere*: also active DIDs whose calls lead nowhere.
        - *idempotency_key*: for programs that may be started again; a copy with the same key is made once
          within 24 hours.
        """
        order = CopyRequest(
            source,
            to,
            csv,
            active,
            description,
            description_template,
            set,
            atomic,
            idempotency_key,
            TableReading(mapping, ignore_columns, allow_implausible, allow_nowhere),
        )
        answer = await self._connection.send(order.call(dry_run=False))
        return self._batch(answer.data)

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
        mapping: Mapping[str, str] | None = None,
        ignore_columns: bool = False,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
    ) -> AsyncPreview:
        """Return what `copy` would do; nothing is written."""
        reading = TableReading(mapping, ignore_columns, allow_implausible, allow_nowhere)
        order = CopyRequest(
            source, to, csv, active, description, description_template, set, atomic, reading=reading
        )
        call = order.call(dry_run=True)
        answer = await self._connection.send(call)
        return AsyncPreview.read(answer.data, _connection=self._connection, _call=calls.lines(call))

    async def order(
        self,
        verb: Literal["add", "update", "delete", "import"],
        to: Targets | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        csv: Table | None = None,
        set: Mapping[str, Given] | None = None,
        add_tags: str | Iterable[str] = (),
        remove_tags: str | Iterable[str] = (),
        drift: Literal["apply", "keep"] | None = None,
        drift_fields: str | Iterable[str] = (),
        force: bool = False,
        existing: Literal["refuse", "skip", "update"] = "refuse",
        atomic: bool = True,
        mapping: Mapping[str, str] | None = None,
        ignore_columns: bool = False,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
        idempotency_key: str | None = None,
    ) -> AsyncBatch:
        """Add, update, delete or import any number of DIDs as one batch; return it, done or under way.

        - *to* and *csv* as in `copy`; the columns of a DID are its own. An import takes *csv* alone.
        - *where* instead, to update or delete: the DIDs that meet all these conditions when the order
          arrives; its keys are the filters of `dids`.
        - *set*: columns and values for all of them; None empties.
        - *add_tags* and *remove_tags*, of an update: tags that each DID gets or loses beside its others.
        - *drift*, of an update: what copies have otherwise than their source is set as there (``apply``), or
          kept as an exception; of *drift_fields* alone, if these are named.
        - *force* deletes protected DIDs too, and DIDs in use.
        - *existing*: what an import does with DIDs that are there.
        - *mapping*, *ignore_columns*, *allow_implausible*, *allow_nowhere*, *atomic* and *idempotency_key* as
          in `copy`.
        """
        reading = TableReading(mapping, ignore_columns, allow_implausible, allow_nowhere)
        order = EditRequest(
            verb, to, where, csv, set, force, existing, atomic, idempotency_key, reading,
            texts(add_tags), texts(remove_tags), drift, texts(drift_fields),
        )  # fmt: skip
        answer = await self._connection.send(order.call(dry_run=False))
        return self._batch(answer.data)

    async def preview_order(
        self,
        verb: Literal["add", "update", "delete", "import"],
        to: Targets | None = None,
        *,
        where: Mapping[str, Any] | None = None,
        csv: Table | None = None,
        set: Mapping[str, Given] | None = None,
        add_tags: str | Iterable[str] = (),
        remove_tags: str | Iterable[str] = (),
        drift: Literal["apply", "keep"] | None = None,
        drift_fields: str | Iterable[str] = (),
        force: bool = False,
        existing: Literal["refuse", "skip", "update"] = "refuse",
        atomic: bool = True,
        mapping: Mapping[str, str] | None = None,
        ignore_columns: bool = False,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
    ) -> models.OrderPreview:
        """Return what `order` would do; nothing is written."""
        reading = TableReading(mapping, ignore_columns, allow_implausible, allow_nowhere)
        order = EditRequest(
            verb, to, where, csv, set, force, existing, atomic, reading=reading,
            add_tags=texts(add_tags), remove_tags=texts(remove_tags), drift=drift,
            drift_fields=texts(drift_fields),
        )  # fmt: skip
        answer = await self._connection.send(order.call(dry_run=True))
        return models.OrderPreview.read(answer.data)

    def batches(
        self,
        state: str | None = None,
        kind: str | None = None,
        caller: str | None = None,
        source: str | None = None,
        *,
        page_size: int = PAGE,
    ) -> AsyncIterator[AsyncBatch]:
        """Yield batches, newest first."""
        return self._connection.pages(calls.batches(state, kind, caller, source, self._batch, page_size))

    async def batch(self, batch_id: int) -> AsyncBatch:
        """Return a batch."""
        return await self._connection.send(calls.batch(batch_id, self._batch))

    async def undo(
        self, batch_id: int, *, force: bool = False, idempotency_key: str | None = None
    ) -> AsyncBatch:
        """Delete what a batch has created, or restore what it has changed or deleted.

        DIDs that were changed since are kept, unless *force* takes them too; ``kept`` names them. A large
        batch is still under way when this returns; its `wait` waits for the end.
        """
        return await self._connection.send(calls.undo(batch_id, force, self._batch, idempotency_key))

    async def cancel(self, batch_id: int, *, idempotency_key: str | None = None) -> AsyncBatch:
        """End a large batch that is under way.

        What an atomic one has done is taken back; `wait` waits for that. What another has done stays, and can
        be undone. Raises `NotCancellable` for a batch of which nothing is being carried out.
        """
        return await self._connection.send(calls.cancel(batch_id, self._batch, idempotency_key))

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
        destination: str | None = None,
        tag: str | None = None,
        locked: bool | None = None,
        leads_nowhere: bool | None = None,
        check: str | None = None,
        *,
        sort: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[Did]:
        """Yield DIDs, page by page as they are wanted.

        *search* is a part of a number in any spelling, or of a description; *carrier* a part of its
        description, *destination* a part of where calls go; *leads_nowhere*: only DIDs that are active and
        whose calls lead nowhere, or only others; *check*: only DIDs with such a finding of `checks`, or any.
        *sort* is did_pattern, did_id or did_description, descending with ``-`` before it.
        """
        wanted = calls.filters(
            search,
            route,
            active,
            user_group,
            group_id,
            carrier,
            copied_from,
            destination,
            tag,
            locked,
            leads_nowhere,
            check,
        )
        return self._connection.pages(calls.dids(wanted, sort, page_size))

    async def did(self, pattern: str) -> Did:
        """Return a DID with its ETag."""
        return await self._connection.send(calls.did(pattern))

    async def add(
        self,
        pattern: str,
        *,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
        idempotency_key: str | None = None,
        **columns: Given,
    ) -> Did:
        """Create a DID without copying another; *columns* by their names or short names.

        With *allow_implausible* also what is no telephone number (``s``, ``default``, ``*98``), with
        *allow_nowhere* also one that is active and whose calls lead nowhere.
        """
        allowed = TableReading(None, False, allow_implausible, allow_nowhere)
        return await self._connection.send(calls.add(pattern, columns, idempotency_key, allowed))

    async def update(
        self, pattern: str, *, etag: str | None = None, allow_nowhere: bool = False, **columns: Given
    ) -> Did:
        """Set columns of a DID; with *etag* only if it is still as it was then.

        With *allow_nowhere* also if it is active then and its calls lead nowhere.
        """
        allowed = TableReading(allow_nowhere=allow_nowhere)
        return await self._connection.send(calls.update(pattern, etag, columns, allowed))

    async def delete(self, pattern: str, *, force: bool = False, etag: str | None = None) -> None:
        """Delete a DID; with *force* also a protected one or one in use."""
        await self._connection.send(calls.delete(pattern, force, etag))

    async def lock(self, pattern: str) -> None:
        """Lock a DID: it cannot be deleted, not even by force, until it is unlocked."""
        await self._connection.send(calls.lock(pattern, True))

    async def unlock(self, pattern: str) -> None:
        """Unlock a DID, so that it can be deleted again."""
        await self._connection.send(calls.lock(pattern, False))

    async def route(
        self,
        dialled: str,
        caller: str = "",
        name: str = "",
        *,
        server_ip: str | None = None,
        at: datetime | None = None,
    ) -> models.CallRoute:
        """Return where a call to a number would go, and why; no call is made.

        *caller* and *name* are the number and the name of who calls; *server_ip* is the address of the server
        on which the call arrives, unless the server knows that. What is dialled need not be a DID. *at* is
        the moment at which schedules are looked at, None for now; agents and queues count as they are now.
        """
        return await self._connection.send(calls.route(dialled, caller, name, server_ip, at))

    def schedules(
        self, search: str | None = None, *, page_size: int = PAGE
    ) -> AsyncIterator[models.Schedule]:
        """Yield the schedules, by name; *search* is a part of that."""
        return self._connection.pages(calls.schedules(search, page_size))

    async def schedule(self, name: str) -> models.Schedule:
        """Return a schedule, and how it stands at the moment."""
        return await self._connection.send(calls.schedule(name))

    async def set_schedule(self, name: str, values: Mapping[str, Any]) -> models.Schedule:
        """Store a schedule in the place of the one with its name; *values* are as the JSON API has them."""
        return await self._connection.send(calls.set_schedule(name, values))

    async def delete_schedule(self, name: str) -> None:
        """Delete a schedule that no DID has."""
        await self._connection.send(calls.delete_schedule(name))

    def gateway_sets(
        self, search: str | None = None, *, page_size: int = PAGE
    ) -> AsyncIterator[models.GatewaySet]:
        """Yield the sets of SIP gateways, by name; *search* is a part of that."""
        return self._connection.pages(calls.gateway_sets(search, page_size))

    async def gateway_set(self, name: str) -> models.GatewaySet:
        """Return a set of SIP gateways."""
        return await self._connection.send(calls.gateway_set(name))

    async def set_gateway_set(self, name: str, values: Mapping[str, Any]) -> models.GatewaySet:
        """Store a gateway set in the place of the one with its name; *values* are as in the JSON API."""
        return await self._connection.send(calls.set_gateway_set(name, values))

    async def delete_gateway_set(self, name: str) -> None:
        """Delete a gateway set that no DID has."""
        await self._connection.send(calls.delete_gateway_set(name))

    async def report_edge(
        self,
        name: str,
        *,
        sequence: int,
        numbers: int,
        kamailio: str,
        version: str = "",
        pending_calls: int = 0,
        detail: str = "",
    ) -> models.Edge:
        """Say how the edge *name* stands, as an agent beside a SIP proxy does every 10 seconds.

        It has done the change *sequence*, and knows so many *numbers*; *kamailio* is connected, away or
        behind; *detail* is for people. Raises `EdgeOfAnother` if another user has reported under this name.
        """
        values = {
            "sequence": sequence, "numbers": numbers, "kamailio": kamailio, "version": version,
            "pending_calls": pending_calls, "detail": detail,
        }  # fmt: skip
        return await self._connection.send(calls.report_edge(name, values))

    def edges(self, *, page_size: int = PAGE) -> AsyncIterator[models.Edge]:
        """Yield the caller's edges by name, or all to who may manage webhooks, and how they stand."""
        return self._connection.pages(calls.edges(page_size))

    async def delete_edge(self, name: str) -> None:
        """Forget an edge that is no more."""
        await self._connection.send(calls.delete_edge(name))

    def checks(self, kind: str | None = None, *, page_size: int = PAGE) -> AsyncIterator[models.CheckedDid]:
        """Yield the DIDs with which something is wrong, with what that is; only that of one *kind*, if named.

        The kinds are no_destination, missing, inactive, fallback_only, schedule, loop, context and detour.
        """
        return self._connection.pages(calls.checks(kind, page_size))

    def drift(
        self,
        against: Literal["now", "then"] = "now",
        *,
        source: str | None = None,
        user_group: str | None = None,
        route: str | None = None,
        prefix: str | None = None,
        tag: str | None = None,
        sort: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[models.DriftedDid]:
        """Yield the copies that differ from their source, as it is ``now`` or was ``then``, when copied.

        Only those of *source*, in *user_group*, with *route* or *tag*, or whose number begins with *prefix*.
        `order` does something about it by ``drift="apply"`` or ``drift="keep"``.
        """
        return self._connection.pages(
            calls.drift(against, source, user_group, route, prefix, tag, sort, page_size)
        )

    async def lineage(self, pattern: str, *, limit: int = PAGE) -> models.Lineage:
        """Return what a DID was copied from, and *limit* of its copies; `dids` has all by *copied_from*."""
        return await self._connection.send(calls.lineage(pattern, limit))

    def history(self, pattern: str, *, page_size: int = PAGE) -> AsyncIterator[models.Change]:
        """Yield the changes of a DID, newest first; also of a deleted one."""
        return self._connection.pages(calls.history(pattern, page_size))

    # Changes

    async def sequence(self) -> int:
        """Return the number of the last change: `follow` tells from it on what happens after now."""
        return (await self._connection.send(calls.changes(None, (), 1))).next

    async def changes(
        self, after: int = 0, *, types: str | Iterable[str] = (), page_size: int = PAGE
    ) -> AsyncIterator[ChangeEvent]:
        """Yield what happened behind the number *after*, in order, up to the last change.

        *types*: only events of these, as ``did.created`` or ``did.*``. Raises `ChangesGone` where the server
        no longer tells what came behind *after*.
        """
        wanted, is_more = texts(types), True
        while is_more:
            page = await self._connection.send(calls.changes(after, wanted, page_size))
            for event in page.items:
                yield event
            is_more, after = after < page.next < page.newest, page.next

    async def follow(
        self,
        after: int,
        *,
        types: str | Iterable[str] = (),
        on_progress: Callable[[int], object] | None = None,
        on_failure: Callable[[DidierError], object] | None = None,
    ) -> AsyncIterator[ChangeEvent]:
        """Yield what happened behind the number *after*, and for ever what happens, as it happens.

        However long the server is away: *on_failure* is told why it is asked again. An event comes at least
        once: store its ``resume_after`` when it is done with, and go on from there. Where few events are
        wanted, time passes without any: *on_progress* is called with the number to store then, and whenever
        all events of a page were taken. Raises `ChangesGone` as `changes` does.
        """
        wanted, outage = texts(types), Outage(self._connection.policy)
        while True:
            try:
                page = await self._connection.send(calls.changes(after, wanted, PAGE, calls.WAIT_SECONDS))
            except DidierError as error:
                wait = outage.wait(error)
                if on_failure:
                    on_failure(error)
                await self._connection.pause(wait)
                continue
            outage.failed, after = 0, page.next
            for event in page.items:
                yield event
            if on_progress:
                on_progress(after)

    # Files

    @overload
    async def export(
        self, to: None = None, *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> AsyncIterator[bytes]: ...

    @overload
    async def export(
        self, to: Path | IO[bytes], *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> Exported: ...

    async def export(
        self,
        to: Path | IO[bytes] | None = None,
        *,
        format: Literal["csv", "ndjson"] = "csv",
        **filters: Any,
    ) -> AsyncIterator[bytes] | Exported:
        """Export all DIDs, or those that *filters* (as of `dids`) leave.

        With *to* return how many were written, and the number from which `follow` goes on: a `Path` is there
        when it is whole, a file is written to as the pieces come. Without, return the pieces.
        """
        call = calls.export(format, calls.filters(**filters))
        if to is None:
            return self._connection.pieces(call)
        count = exporting.Count(format)
        with exporting.written(to) as file:
            async with self._connection.open(call) as response:
                async for piece in response.aiter_bytes():
                    file.write(piece)
                    count.add(piece)
        return Exported(count.dids, exporting.sequence(response.headers))

    async def import_dids(
        self,
        csv: Table,
        *,
        existing: Literal["refuse", "skip", "update"] = "refuse",
        dry_run: bool = False,
        atomic: bool = True,
        mapping: Mapping[str, str] | None = None,
        ignore_columns: bool = False,
        allow_implausible: bool = False,
        allow_nowhere: bool = False,
        idempotency_key: str | None = None,
    ) -> models.Import:
        """Create the DIDs of a CSV table as written by an export.

        *existing* says what to do with those that are there; the rest is as in `copy`. A table of more than
        1,000 rows is still being imported when this returns: ``ended`` is False, and `wait` of the batch
        waits for the end.
        """
        reading = TableReading(mapping, ignore_columns, allow_implausible, allow_nowhere)
        call = calls.import_dids(csv, existing, dry_run, atomic, reading, idempotency_key)
        return await self._connection.send(call)

    # Users and tokens

    def users(self, *, page_size: int = PAGE) -> AsyncIterator[models.User]:
        """Yield the users, by name."""
        return self._connection.pages(calls.users(page_size))

    async def user(self, name: str) -> models.User:
        """Return a user."""
        return await self._connection.send(calls.user(name))

    async def add_user(
        self, name: str, password: str, *, idempotency_key: str | None = None, **settings: Any
    ) -> models.User:
        """Create a user; *settings* are the fields of `User`, of which ``user_group`` is needed."""
        return await self._connection.send(calls.add_user(name, password, settings, idempotency_key))

    async def update_user(self, name: str, *, revoke_tokens: bool = False, **settings: Any) -> models.User:
        """Set settings of a user: the fields of `User`, and ``password``, with which *revoke_tokens* goes."""
        return await self._connection.send(calls.update_user(name, settings, revoke_tokens))

    async def reset_second_factor(self, name: str) -> None:
        """Let a user who has lost their second factor sign in with the password alone."""
        await self._connection.send(calls.reset_second_factor(name))

    async def me(self) -> models.Me:
        """Return who the caller is, and whether they have a second factor; not with a token."""
        return await self._connection.send(calls.me())

    def preferences(self, kind: Literal["columns", "filter", "mapping"]) -> AsyncIterator[models.Preference]:
        """Yield what the caller has chosen in the panel, and what others share, by name; not with a token."""
        return self._connection.pages(calls.preferences(kind))

    async def set_preference(
        self,
        kind: Literal["columns", "filter", "mapping"],
        name: str,
        value: Mapping[str, str | Sequence[str]],
        *,
        shared: bool = False,
    ) -> models.Preference:
        """Store a preference of the caller's own, in the place of the one with its kind and name.

        A filter that is *shared* is listed for all who see the caller's user group.
        """
        return await self._connection.send(calls.set_preference(kind, name, value, shared))

    async def delete_preference(self, kind: Literal["columns", "filter", "mapping"], name: str) -> None:
        """Delete a preference of the caller's own."""
        await self._connection.send(calls.delete_preference(kind, name))

    def tokens(self, user: str | None = None) -> AsyncIterator[models.Token]:
        """Yield the caller's tokens, or those of *user* (``*``: of all whom the caller may change)."""
        return self._connection.pages(calls.tokens(user))

    async def add_token(
        self,
        name: str,
        scopes: Iterable[str],
        *,
        user: str | None = None,
        pattern_prefix: str | None = None,
        networks: Iterable[str] = (),
        expires_at: datetime | None = None,
    ) -> models.NewToken:
        """Create a token; its ``secret`` is shown only once."""
        order = calls.TokenOrder(name, tuple(scopes), user, pattern_prefix, tuple(networks), expires_at)
        for _ in range(calls.TOKEN_ATTEMPTS):
            made = await self._connection.send(order.call())
            if made.secret:
                return made
            await self.revoke_token(made.token_id)  # the answer that had it was lost; it is not said again
        raise ConnectionFailed(
            "the answers with the token were lost; the tokens that were created are revoked"
        )

    async def revoke_token(self, token_id: int) -> None:
        """Revoke a token: it is no longer accepted."""
        await self._connection.send(calls.revoke_token(token_id))

    # Webhooks

    def webhooks(self) -> AsyncIterator[models.Webhook]:
        """Yield the endpoints to which events are sent, the oldest first, and how far each is."""
        return self._connection.pages(calls.webhooks())

    async def webhook(self, webhook_id: int) -> models.Webhook:
        """Return a webhook, and how far it is."""
        return await self._connection.send(calls.webhook(webhook_id))

    async def add_webhook(
        self,
        url: str,
        *,
        description: str = "",
        types: Iterable[str] = (),
        prefixes: Iterable[str] = (),
        routes: Iterable[str] = (),
        groups: Iterable[str] = (),
        enabled: bool = True,
    ) -> models.NewWebhook:
        """Create a webhook that is sent what happens from now on; its ``secret`` is shown only once.

        - *types* of events, as ``did.created`` or ``did.*``; of DIDs, how their patterns begin (*prefixes*),
          *routes* and user *groups*. What is left out stands for all.
        """
        values = {
            "url": url, "description": description, "types": tuple(types), "prefixes": tuple(prefixes),
            "routes": tuple(routes), "groups": tuple(groups), "enabled": enabled,
        }  # fmt: skip
        made = await self._connection.send(calls.add_webhook(values))
        if made.secret:
            return made
        # The answer that had the secret was lost; it is not said again, and nobody has it yet.
        return await self.rotate_webhook_secret(made.id, overlap_hours=0)

    async def update_webhook(self, webhook_id: int, **values: Any) -> models.Webhook:
        """Set *values* of a webhook, as `add_webhook` has them; ``enabled=True`` also ends `disabled`."""
        return await self._connection.send(calls.update_webhook(webhook_id, values))

    async def delete_webhook(self, webhook_id: int) -> None:
        """Delete a webhook, and what is remembered of attempts."""
        await self._connection.send(calls.delete_webhook(webhook_id))

    async def rotate_webhook_secret(self, webhook_id: int, *, overlap_hours: int = 24) -> models.NewWebhook:
        """Give a webhook another ``secret``, shown only once; the old one signs too for *overlap_hours*."""
        made = await self._connection.send(calls.rotate_webhook_secret(webhook_id, overlap_hours))
        if not made.secret:
            raise ConnectionFailed("the answer with the secret was lost; rotate it once more")
        return made

    def webhook_attempts(
        self, webhook_id: int, outcome: str | None = None, *, page_size: int = PAGE
    ) -> AsyncIterator[models.WebhookAttempt]:
        """Yield what was sent to a webhook, newest first; *outcome* is taken, repeated or failed."""
        return self._connection.pages(calls.webhook_attempts(webhook_id, outcome, page_size))

    async def resend_events(self, webhook_id: int, since: datetime) -> models.Webhook:
        """Let a webhook begin again at *since*: what it has had from then on comes once more, in order."""
        return await self._connection.send(calls.resend_events(webhook_id, since))

    async def resend_event(self, webhook_id: int, event_id: str) -> models.WebhookAttempt:
        """Send an event once more, beside all others; return what came of it."""
        return await self._connection.send(calls.resend_event(webhook_id, event_id))

    async def test_webhook(self, webhook_id: int) -> models.WebhookAttempt:
        """Send a message of the type ``webhook.test``; return what came of it."""
        return await self._connection.send(calls.test_webhook(webhook_id))

    # Reports

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
    ) -> AsyncIterator[models.LogLine]:
        """Yield the requests to both APIs, newest first; *result* is SUCCESS, ERROR or NOTICE."""
        wanted = {"user": user, "function": function, "result": result, "source": source}
        return self._connection.pages(calls.log(page_size, **wanted, since=since, until=until))

    def usage(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        dids: Collection[str] = (),
        period: str | None = None,
        time_zone: str | None = None,
        source: str | None = None,
        search: str | None = None,
        route: str | None = None,
        user_group: str | None = None,
        tag: str | None = None,
        sort: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[models.Usage]:
        """Yield the DIDs with calls, by themselves of the last 30 days, the most called first.

        *period* is ``today``, ``yesterday``, ``7d``, ``30d``, ``90d`` or ``13m``, days until yesterday, in
        place of *since* and *until*, which are taken to the full hour; *time_zone* is that of days and hours.
        *source* is who has reported the calls, ``vicidial`` for VICIdial's logs. *dids*, *search*, *route*,
        *user_group* and *tag* say of which DIDs. *sort* is ``calls``, ``answered``, ``missed``, ``seconds``,
        ``wait`` or ``last_call``, the most first.
        """
        return self._connection.pages(
            calls.usage(
                page_size, since=since, until=until, did=list(dids), period=period, time_zone=time_zone,
                source=source, search=search, route=route, user_group=user_group, tag=tag, sort=sort,
            )
        )  # fmt: skip

    def usage_series(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        by: str = "day",
        dids: Collection[str] = (),
        period: str | None = None,
        time_zone: str | None = None,
        source: str | None = None,
        search: str | None = None,
        route: str | None = None,
        user_group: str | None = None,
        tag: str | None = None,
    ) -> AsyncIterator[models.UsageBucket]:
        """Yield how much DIDs were called together, *by* ``day``, ``hour`` or ``dow``, without a gap.

        Hours are those of the last 45 days at most, ``dow`` is each hour of a week; all else as in `usage`.
        """
        return self._connection.pages(
            calls.usage_series(
                since=since, until=until, by=by, did=list(dids), period=period, time_zone=time_zone,
                source=source, search=search, route=route, user_group=user_group, tag=tag,
            )
        )  # fmt: skip

    def idle(
        self,
        days: int = 30,
        fewer_than: int = 1,
        *,
        search: str | None = None,
        route: str | None = None,
        user_group: str | None = None,
        tag: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[models.IdleNumber]:
        """Yield active DIDs with *fewer_than* so many calls in the last *days*.

        Those without a call the longest come first; those that were made since are left out.
        """
        return self._connection.pages(
            calls.idle(
                page_size, days=days, fewer_than=fewer_than, search=search, route=route,
                user_group=user_group, tag=tag,
            )
        )  # fmt: skip

    def unknown(
        self,
        since: datetime | None = None,
        until: datetime | None = None,
        *,
        period: str | None = None,
        time_zone: str | None = None,
        sort: str | None = None,
        page_size: int = PAGE,
    ) -> AsyncIterator[models.UnknownNumber]:
        """Yield called numbers that no DID has, the most called first; all else as in `usage`."""
        return self._connection.pages(
            calls.unknown(page_size, since=since, until=until, period=period, time_zone=time_zone, sort=sort)
        )

    def duplicates(
        self,
        kind: str,
        *,
        fields: int | None = None,
        user_group: str | None = None,
        route: str | None = None,
        prefix: str | None = None,
        tag: str | None = None,
        sort: str | None = None,
    ) -> AsyncIterator[models.DuplicateGroup]:
        """Yield groups of DIDs that are duplicates: of *kind* spelling, configuration or destination.

        *fields*: in how many of these set-ups may differ. The others filter: a DID of a group has all of
        them. *sort* is by ``count`` or ``did_id``, descending with ``-`` before.
        """
        wanted = {"fields": fields, "user_group": user_group, "route": route, "prefix": prefix, "tag": tag}
        return self._connection.pages(calls.duplicates(kind, sort, wanted))

    def export_duplicates(
        self, kind: str, *, format: Literal["csv", "ndjson"] = "csv", **filters: Any
    ) -> AsyncIterator[bytes]:
        """Return all DIDs that are duplicates of *kind* in pieces; *filters* are those of `duplicates`."""
        return self._connection.pieces(calls.export_duplicates(kind, format, filters))

    def calls(self, number: str, day: date) -> AsyncIterator[models.InboundCall]:
        """Yield the calls to a number on one day, by time."""
        return self._connection.pages(calls.inbound_calls(number, day))

    async def report_calls(self, source: str, calls: Iterable[Mapping[str, Any]]) -> models.StoredCalls:
        """Report up to 1,000 calls that have ended, as in the JSON API; those that are known change nothing.

        *source* is the name of who reports. A call is known by it, its ``call_id`` and its ``number``: a
        report may be sent again as it was. Moments may be datetimes; without a zone they are local time
        here.
        """
        return await self._connection.send(report_calls(source, calls))
