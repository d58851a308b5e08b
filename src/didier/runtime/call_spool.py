"""The rows of calls that the database does not take at the moment: on the disk, and delivered later.

A call is delivered once: each row is looked for first, when every connection that may still be writing it has
come to its end (`storage.calls.writers`).
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.engine import Connection

from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.outage import Outage
from didier.services.calls import routing
from didier.services.calls.records import Record
from didier.storage.calls import spool as storage
from didier.storage.calls import writers
from didier.storage.database import open_own, reading, writing
from didier.storage.failures import is_passing

AT_ONCE = 200
"""How many calls are delivered in a transaction."""

RETRY_SECONDS = 1.0
"""How long to wait when the database does not take them."""

_WRITER = "didier.writer"

log = structlog.get_logger()


class _NotYet(Exception):
    """A connection that was given up is still there on the server."""


class CallSpool:
    """Keeps the rows of calls in *file*, and has *committer* write them to the database, in their order.

    *observe* is told each time which rows were delivered, and which of their tables the database refuses.
    """

    def __init__(self, file: Path, committer: Committer, outage: Outage) -> None:
        self._engine = open_own(file)
        with writing(self._engine) as conn:
            storage.prepare(conn)
            self.waiting = storage.size(conn)
        self._own = Committer(self._engine)
        self._committer = committer
        self._outage = outage
        self._delivering: asyncio.Task[None] | None = None
        self.observe: Callable[[Sequence[Record], Mapping[str, str]], None] = lambda _rows, _lost: None

    @property
    def is_needed(self) -> bool:
        """Whether rows are to be kept here: the database is away, or others wait that come before them."""
        return self.waiting > 0 or self._outage.is_on

    def start(self) -> None:
        """Deliver what the last process has left; to be called in the event loop."""
        self._own.start()
        if self.waiting:
            log.info("calls_to_deliver", calls=self.waiting)
            self._deliver_soon()

    async def stop(self) -> None:
        """End; what is not delivered is by the next process."""
        if self._delivering:
            self._delivering.cancel()
            with suppress(asyncio.CancelledError):
                await self._delivering
        await self._own.stop()
        self._engine.dispose()

    async def add(self, rows: Sequence[Record]) -> None:
        """Return once the *rows* of a call are on the disk; raise what keeps them from that."""
        self.waiting += 1
        try:
            await self._own.run(storage.add, [(row.table, dict(row.values)) for row in rows])
        except BaseException:
            self.waiting -= 1
            raise
        self._deliver_soon()

    def remember_writer(self, conn: Connection) -> None:
        """Remember *conn*, which is about to write rows of calls, if it is a new one."""
        if _WRITER not in conn.info:
            own = writers.of(conn)
            with writing(self._engine) as beside:
                storage.add_writer(beside, own)
            conn.info[_WRITER] = own

    def _deliver_soon(self) -> None:
        if self._delivering is None:
            self._delivering = asyncio.ensure_future(self._deliver())

    async def _deliver(self) -> None:
        delivered = 0
        while self.waiting:
            calls = await self._own.run(_first, AT_ONCE)
            rows = [Record(table, values) for call in calls for table, values in call.rows]
            try:
                lost = await asyncio.wrap_future(self._committer.later(partial(self._write, rows=rows)))
            except Exception as error:
                if not isinstance(error, Unavailable | _NotYet) and not is_passing(error):
                    log.exception("calls_not_delivered")
                await asyncio.sleep(RETRY_SECONDS)
                continue
            await self._own.run(_remove, [call.call_id for call in calls])
            self.waiting -= len(calls)
            delivered += len(calls)
            self.observe(rows, lost)
        log.info("calls_delivered", calls=delivered)
        self._delivering = None

    def _write(self, conn: Connection, rows: Sequence[Record]) -> dict[str, str]:
        self._await_writers(conn)
        return routing.deliver(conn, rows)

    def _await_writers(self, conn: Connection) -> None:
        """Raise `_NotYet` unless all connections before *conn* have come to their end."""
        with reading(self._engine) as own:
            known = storage.writers(own)
        if writers.still_there(conn, known):
            raise _NotYet
        self.remember_writer(conn)


def _first(conn: Connection, limits: Sequence[int]) -> list[list[storage.SpooledCall]]:
    return [storage.first(conn, limit) for limit in limits]


def _remove(conn: Connection, orders: Sequence[Sequence[int]]) -> Sequence[None]:
    for call_ids in orders:
        storage.remove(conn, call_ids)
    return [None] * len(orders)
