"""Group commit: many requests in, one transaction, one write to the disk.

What users wait for is the disk. One thread owns one connection; whatever arrives while a commit is on its
way joins the next transaction. Each order is handed over with the service that carries it out; a service
takes all its orders of the group at once and returns one outcome for each.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.errors import DatabaseLost, Overloaded, Stopping
from didier.storage.database import is_lost, is_passing

Order = TypeVar("Order")
Outcome = TypeVar("Outcome")
Service = Callable[[Connection, Sequence[Order]], Sequence[Outcome]]

log = structlog.get_logger()

GROUP_LIMIT = 500
"""Most orders in one transaction; keeps the wait of the first one short."""

GATHER_SECONDS = 0.0003
"""How long a busy committer lets more orders come before it begins (PostgreSQL's ``commit_delay``).

The callers of the group before are just being answered and will be back: 0.3 ms gave 15 % more copies per
second at 32 connections and 40 % at 8; twice that gave less.
"""

BUSY = 4
"""Orders in the group before from which on the committer counts as busy."""

IDLE_SECONDS = 30.0
"""Silence after which the connection is made anew: the database or a firewall may have ended it."""

ATTEMPTS = 5
"""How often a transaction is tried that lost against another writer."""


@dataclass(slots=True)
class _Waiting:
    service: Service[Any, Any]
    order: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    outcome: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        if self.future.done():  # the client went away
            return
        if self.error is None:
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.error)


class Committer:
    """Carries out orders on one connection, in groups that share a commit.

    *waiting_limit* is how many orders may wait; *observe* is told the size of each group and the seconds
    its transaction took; *recover* is called before the first group, and after each that failed, to put
    right what a crash has left.
    """

    def __init__(
        self,
        engine: Engine,
        waiting_limit: int = 10_000,
        observe: Callable[[int, float], None] | None = None,
        recover: Callable[[Connection], None] | None = None,
    ) -> None:
        self._engine = engine
        self._waiting_limit = waiting_limit
        self._observe = observe
        self._recover = recover
        self._recovery_due = recover is not None
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._stopping = False

    def start(self) -> None:
        """Open the connection and start the thread."""
        conn = self._engine.connect()
        self._thread = threading.Thread(target=self._work, args=[conn], name="committer", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Take no more orders, carry out those that were accepted, and end the thread.

        To be called in the event loop that calls `run`: so no order can slip in behind the last one.
        """
        self._stopping = True
        self._queue.put(None)
        if self._thread:
            await asyncio.to_thread(self._thread.join)

    @property
    def alive(self) -> bool:
        """Whether orders are being carried out."""
        return self._thread is not None and self._thread.is_alive() and not self._stopping

    @property
    def waiting(self) -> int:
        """How many orders wait."""
        return self._queue.qsize()

    async def run(self, service: Service[Order, Outcome], order: Order) -> Outcome:
        """Carry out *order* and return its outcome once the commit is on disk.

        Raises `Overloaded` or `Stopping` when the order is not accepted, and whatever *service* raised
        for this order; then nothing of it was stored.
        """
        if self._stopping:
            raise Stopping
        if self._queue.qsize() >= self._waiting_limit:
            raise Overloaded
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.put(_Waiting(service, order, loop, future))
        outcome: Outcome = await future
        return outcome

    def _work(self, conn: Connection) -> None:
        size = 0
        with conn:
            self._recover_early(conn)
            while (first := self._next(conn)) is not None:
                if size >= BUSY:
                    time.sleep(GATHER_SECONDS)
                group, last = self._join(first)
                size = len(group)
                self._commit(conn, group)
                _settle(group)
                if last:
                    return

    def _next(self, conn: Connection) -> _Waiting | None:
        began = time.monotonic()
        first = self._queue.get()
        if time.monotonic() - began > IDLE_SECONDS:
            conn.invalidate()
        return first

    def _join(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """Collect what waits behind *first*; say whether that was the last of all."""
        group = [first]
        while len(group) < GROUP_LIMIT:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
        return group, False

    def _commit(self, conn: Connection, group: list[_Waiting]) -> None:
        """Carry out *group* in one transaction; if that fails, each order in its own."""
        started = time.perf_counter()
        try:
            self._transaction(conn, group)
        except Exception as error:
            if is_lost(error):
                # Whether a commit reached the disk is not known. Trying again could answer "exists already"
                # to the one who made it, so the callers decide.
                log.error("database_lost", size=len(group), error=str(error))
                for waiting in group:
                    waiting.error = DatabaseLost()
                return
            if len(group) > 1:
                log.warning("group_failed", size=len(group), error=type(error).__name__)
                for waiting in group:
                    self._commit(conn, [waiting])
                return
            log.exception("order_failed", service=getattr(group[0].service, "__name__", "?"))
            group[0].error = error
        if self._observe:
            self._observe(len(group), time.perf_counter() - started)

    def _transaction(self, conn: Connection, group: list[_Waiting]) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._recover_if_due(conn)
                with conn.begin():
                    _carry_out(conn, group)
                return
            except Exception as error:
                self._recovery_due = True
                # Another process was faster (a target exists now, a deadlock): what is there is seen anew.
                if attempt == ATTEMPTS or not is_passing(error):
                    raise

    def _recover_early(self, conn: Connection) -> None:
        """Put right what the last run has left; if the database does not answer yet, the first group will."""
        try:
            self._recover_if_due(conn)
        except Exception:
            log.exception("recovery_failed")

    def _recover_if_due(self, conn: Connection) -> None:
        if self._recover and self._recovery_due:
            with conn.begin():
                self._recover(conn)
            self._recovery_due = False


def _carry_out(conn: Connection, group: list[_Waiting]) -> None:
    by_service: dict[Service[Any, Any], list[_Waiting]] = defaultdict(list)
    for waiting in group:
        by_service[waiting.service].append(waiting)
    for service, members in by_service.items():
        outcomes = service(conn, [waiting.order for waiting in members])
        for waiting, outcome in zip(members, outcomes, strict=True):
            waiting.outcome = outcome


def _settle(group: list[_Waiting]) -> None:
    """Wake the callers: one call into each event loop, however many wait there."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = defaultdict(list)
    for waiting in group:
        by_loop[waiting.loop].append(waiting)
    for loop, members in by_loop.items():
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle_all, members)


def _settle_all(members: list[_Waiting]) -> None:
    for waiting in members:
        waiting.settle()
