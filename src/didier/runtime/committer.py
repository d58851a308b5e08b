"""Group commit: many requests in, one transaction, one write to the disk.

What users wait for is the disk. One thread owns one connection; whatever arrives while a commit is on its
way joins the next transaction. Each order is handed over with the service that carries it out; a service
takes all its orders of the group at once and returns one outcome for each.
"""

import asyncio
import queue
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from didier.errors import FileFailed, Overloaded, Stopping, Unavailable
from didier.storage.database import answers
from didier.storage.failures import is_passing, unavailable
from didier.storage.system.health import can_store

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

PING_SECONDS = 0.1
"""Silence after which the connection is tried first: a restarted database has ended it, and is up again."""

IDLE_SECONDS = 30.0
"""Silence after which a new one is opened: a firewall may have forgotten it, and no ping comes back."""

ATTEMPTS = 5
"""How often a transaction is tried that lost against another writer."""


class Undecided(Exception):
    """The order was neither carried out nor refused: the committer itself failed."""


@dataclass(slots=True)
class _Waiting:
    service: Service[Any, Any]
    order: Any
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    is_patient: bool
    outcome: Any = None
    error: BaseException | None = field(default_factory=Undecided)

    def settle(self) -> None:
        if self.future.done():  # the client went away
            return
        if self.error is None:
            self.future.set_result(self.outcome)
        else:
            self.future.set_exception(self.error)


@dataclass(slots=True)
class _Step:
    """A step of long work, and the future that is told its outcome."""

    work: Callable[[Connection], Any]
    future: "Future[Any]" = field(default_factory=Future)


_WAKE = object()
"""Put into the queue to wake the thread for a step."""


class Committer:
    """Carries out orders on one connection, in groups that share a commit.

    Long work is done in steps (`later`), a transaction each: one at a time, behind every group, so that
    those who wait for their orders wait for one short step at most.

    *waiting_limit* is how many orders may wait; *observe* is told the size of each group and the seconds
    its transaction took; *recover* is called before the first group, and after each that failed, to put
    right what a crash has left; it returns whether nothing of it remains.
    """

    def __init__(
        self,
        engine: Engine,
        waiting_limit: int = 10_000,
        recover: Callable[[Connection], bool] | None = None,
    ) -> None:
        self._engine = engine
        self._waiting_limit = waiting_limit
        self.observe: Callable[[int, float], None] = lambda _size, _seconds: None
        self._recover = recover
        self._recovery_due = recover is not None
        self._queue: queue.SimpleQueue[Any] = queue.SimpleQueue()  # of _Waiting, _WAKE, or None at the end
        self._steps: deque[_Step] = deque()
        self._ordered_at = 0.0  # when the last order came
        self._gap = 0.0  # seconds between it and the one before
        self._thread: threading.Thread | None = None
        self._stopping = False
        self._used_at = time.monotonic()
        self.trouble: Unavailable | None = None
        """Why nothing could be stored the last time that something was tried to be."""

    def start(self, *, patiently: bool = False) -> None:
        """Open the connection and start the thread.

        *patiently*: if the database does not answer, what is ordered is refused until it does.
        """
        conn: Connection | None = None
        try:
            conn = self._engine.connect()
        except DBAPIError:
            if not patiently:
                raise
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

    async def run(
        self, service: Service[Order, Outcome], order: Order, *, is_patient: bool = False
    ) -> Outcome:
        """Carry out *order* and return its outcome once the commit is on disk.

        One that *is_patient* waits for a step as long as steps may be (`quiet_seconds`).

        Raises `Overloaded` or `Stopping` when the order is not accepted, and whatever *service* raised
        for this order; then nothing of it was stored.
        """
        if self._stopping:
            raise Stopping
        if self._queue.qsize() >= self._waiting_limit:
            raise Overloaded
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._queue.put(_Waiting(service, order, loop, future, is_patient))
        outcome: Outcome = await future
        return outcome

    def later(self, work: Callable[[Connection], Outcome]) -> "Future[Outcome]":
        """Carry out a step of long work in a transaction of its own, behind the orders that wait.

        The future has what *work* returned once the commit is on disk, or what it raised; then nothing of
        it was stored. It is not tried again. A committer that stops cancels the steps that wait.
        """
        step = _Step(work)
        self._steps.append(step)
        self._queue.put(_WAKE)
        if self._stopping and not step.future.done():
            step.future.cancel()
        return step.future

    def recover_again(self) -> None:
        """Put right what a crash has left, of another process too, before the next group or step."""
        self._recovery_due = self._recover is not None

    @property
    def quiet_seconds(self) -> float:
        """How long no order has come, or did not before the last one: a single order is no rush.

        Patient ones do not count.
        """
        return max(time.monotonic() - self._ordered_at, self._gap)

    def _count_order(self) -> None:
        now = time.monotonic()
        self._ordered_at, self._gap = now, now - self._ordered_at

    def _work(self, conn: Connection | None) -> None:
        conn = conn or self._connected()
        if conn is None:
            return
        with conn:
            self._recover_early(conn)
            size, last = 0, False
            while not last and (first := self._queue.get()) is not None:
                if size >= BUSY:
                    time.sleep(GATHER_SECONDS)
                group, last = self._join(first)
                size = len(group)
                # Whatever happens, also to the log or the metrics: the callers are told, the thread goes on.
                with suppress(Exception):
                    self._renew_if_lost(conn)
                    if not all(waiting.is_patient for waiting in group):
                        self._count_order()
                    if group:
                        self._commit(conn, group)
                with suppress(Exception):
                    _settle(group)
                if self._steps and not last:
                    self._take_step(conn, self._steps.popleft())
                    if self._steps:
                        self._queue.put(_WAKE)
            while self._steps:  # another thread may be adding one
                self._steps.popleft().future.cancel()

    def _connected(self) -> Connection | None:
        """Connect when something is to be stored, which is refused while that fails; None at the end."""
        while (first := self._queue.get()) is not None:
            try:
                conn = self._engine.connect()
            except DBAPIError as error:
                trouble = unavailable(error) or error
                if isinstance(first, _Waiting):
                    _refuse([first], trouble)
                    _settle([first])
                while self._steps:
                    self._steps.popleft().future.set_exception(trouble)
            else:
                self._queue.put(first)
                return conn
        return None

    def _take_step(self, conn: Connection, step: _Step) -> None:
        if not step.future.set_running_or_notify_cancel():
            return
        try:
            self._recover_if_due(conn)
            with conn.begin():
                outcome = step.work(conn)
        except Exception as error:
            self._recovery_due = self._recover is not None
            trouble = unavailable(error)
            step.future.set_exception(trouble or error)
            if trouble:
                self._begin_trouble(trouble, error)
        else:
            step.future.set_result(outcome)
            self._end_trouble(conn)

    def _renew_if_lost(self, conn: Connection) -> None:
        now = time.monotonic()
        silence, self._used_at = now - self._used_at, now
        if silence > IDLE_SECONDS or (silence > PING_SECONDS and not answers(conn)):
            conn.invalidate()

    def _join(self, first: Any) -> tuple[list[_Waiting], bool]:
        """Collect the orders from *first* on that wait; say whether that was the last of all."""
        group: list[_Waiting] = []
        waiting = first
        while True:
            if waiting is None:
                return group, True
            if waiting is not _WAKE:
                group.append(waiting)
            if len(group) >= GROUP_LIMIT:
                return group, False
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return group, False

    def _commit(self, conn: Connection, group: list[_Waiting]) -> None:
        """Carry out *group* in one transaction; if that fails, each order in its own."""
        started = time.perf_counter()
        try:
            self._transaction(conn, group)
        except Exception as error:
            _refuse(group, Undecided())  # what the services returned was rolled back
            if trouble := unavailable(error):
                _refuse(group, trouble)
                self._begin_trouble(trouble, error)
                return
            if len(group) > 1:
                for waiting in group:
                    self._commit(conn, [waiting])
                log.warning("group_failed", size=len(group), error=type(error).__name__)
                return
            _refuse(group, error)
            log.exception("order_failed", service=getattr(group[0].service, "__name__", "?"))
        self._end_trouble(conn)
        self.observe(len(group), time.perf_counter() - started)

    def _begin_trouble(self, trouble: Unavailable, error: Exception) -> None:
        """Log *trouble*, once: a thousand groups may fail before it is over."""
        if type(trouble) is not type(self.trouble):
            said = trouble.reason if isinstance(trouble, FileFailed) else str(error)
            log.error("database_unavailable", reason=str(trouble), repair=trouble.repair, error=said)
        self.trouble = trouble

    def _end_trouble(self, conn: Connection) -> None:
        """Log that it is over, unless the group that went well stored nothing and the disk is still full."""
        if self.trouble is None:
            return
        with suppress(DBAPIError, Unavailable), conn.begin():
            can_store(conn, [None])
            log.info("database_available", after=str(self.trouble))
            self.trouble = None

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
        except Exception as error:
            if trouble := unavailable(error):
                self._begin_trouble(trouble, error)
            else:
                log.exception("recovery_failed")

    def _recover_if_due(self, conn: Connection) -> None:
        if self._recover and self._recovery_due:
            with conn.begin():
                self._recovery_due = not self._recover(conn)


def _refuse(group: list[_Waiting], error: Exception) -> None:
    for waiting in group:
        waiting.error = error


def _carry_out(conn: Connection, group: list[_Waiting]) -> None:
    by_service: dict[Service[Any, Any], list[_Waiting]] = defaultdict(list)
    for waiting in group:
        by_service[waiting.service].append(waiting)
    for service, members in by_service.items():
        outcomes = service(conn, [waiting.order for waiting in members])
        for waiting, outcome in zip(members, outcomes, strict=True):
            waiting.outcome, waiting.error = outcome, None


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
