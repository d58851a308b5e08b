"""Carrying out large batches, one after the other, while everything else goes on.

One thread reads, decides and verifies on connections of its own; what it stores goes through the committer
in small steps, behind the orders of those who wait. So of two batches for the same targets the second finds
the rows of the first, and is told.

Of the processes on a database the one that has the lease does this. Each step is stored only while the lease
is still its own.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.services.batches.job import MOST_ROWS, Carrier
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.database import reading
from didier.storage.system import leases
from didier.storage.system.leases import Lease, LeaseLost

LEAST_STEP_SECONDS = 0.001
"""How long a step may always take: about what a copy of those takes who wait for it."""

MOST_STEP_SECONDS = 0.05
"""How long a step may take when nobody has ordered anything for long."""

SHARE = 0.02
"""Part of the silence since the last order that a step may take: so that who comes now and then, too, waits
little in proportion."""

LEAST_ROWS = 50

POLL_SECONDS = 5.0
"""How often batches are looked for that another process has left or taken in."""

LEASE = "batches"

RETRY_SECONDS = 1.0
"""How long to wait when the database does not answer."""

Outcome = TypeVar("Outcome")

log = structlog.get_logger()


class Pace:
    """How many rows a step may have, so that it takes as long as it may."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._seconds_a_row = 20e-6

    def rows(self) -> int:
        """Return the number of rows of the next step."""
        seconds = min(MOST_STEP_SECONDS, max(LEAST_STEP_SECONDS, self._committer.quiet_seconds * SHARE))
        return max(LEAST_ROWS, min(MOST_ROWS, int(seconds / self._seconds_a_row)))

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a step."""
        if rows:
            self._seconds_a_row += (max(seconds / rows, 1e-6) - self._seconds_a_row) * 0.2


class BatchWorker:
    """The thread that carries out large batches while the server runs."""

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._clock = clock
        self._pace = Pace(committer)
        self._wanted = threading.Event()
        self._leased = lease_holder.lease(LEASE, self._wanted.set)
        self._lease: Lease | None = None  # of the batch that is worked on
        self._stopping = False
        self.ended = 0  # how many batches have come to an end; those who watch them look at it
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it goes on with what the last run has left."""
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is a batch to be worked on; the thread is started unless it was."""
        self._wanted.set()
        if self._thread is None and not self._stopping:
            self.start()

    def end(self) -> None:
        """Let the thread end behind the step that it is at; the batch goes on with the next start."""
        self._stopping = True
        self._wanted.set()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self.end()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        with suppress(OSError):  # those who wait for an answer come first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        self._work_until_stopped()
        self._leased.give_back()

    def _work_until_stopped(self) -> None:
        waits: Unavailable | None = None
        while not self._stopping:
            self._wanted.clear()
            try:
                self._carry_out_all()
                waits = None
            except CancelledError:
                return  # the committer has stopped
            except LeaseLost:
                self._leased.lost(self._lease)
            except Unavailable as error:
                if type(error) is not type(waits):  # said once, tried each second
                    log.warning("batches_wait", reason=str(error), repair=error.repair)
                waits = error
                time.sleep(RETRY_SECONDS)
                continue
            except Exception:
                log.exception("batches_failed")
                time.sleep(RETRY_SECONDS)
                continue
            self._wanted.wait(POLL_SECONDS)

    def _carry_out_all(self) -> None:
        """Carry out what there is; nothing while another process is at it."""
        while not self._stopping:
            self._lease = self._leased.lease  # before looking: what is found then, others have left
            batch = self._next()
            if batch is None:
                self._leased.give_back()
                return
            self._leased.want()
            if self._lease is None:
                return  # until it is there
            Carrier(self, batch).carry_out()
            self.ended += 1

    def _next(self) -> StoredBatch | None:
        with reading(self._engine) as conn:
            return progress.under_way(conn)

    @property
    def stopping(self) -> bool:
        """Whether the thread is to end."""
        return self._stopping

    def store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> "Future[Outcome]":
        """Hand a step to the committer; its pace is learned from.

        The step raises `LeaseLost`, and nothing of it is stored, when another process does the work by now.
        """
        pace, lease = self._pace, self._lease

        def timed(conn: Connection) -> Outcome:
            began = time.perf_counter()
            outcome = _fenced(conn, lease, work)
            pace.took(rows, time.perf_counter() - began)
            return outcome

        return self._committer.later(timed)

    def rows(self) -> int:
        """Return how many rows the next step may have."""
        return self._pace.rows()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with reading(self._engine) as conn:
            yield conn

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()


def _fenced(conn: Connection, lease: Lease | None, work: Callable[[Connection], Outcome]) -> Outcome:
    """Do a step of the work under *lease*. Raises `LeaseLost`."""
    if lease is None:
        raise LeaseLost(LEASE)
    leases.hold(conn, lease)
    return work(conn)
