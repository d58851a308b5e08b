"""Carrying out large batches, one after the other, while everything else goes on.

One thread reads, decides and verifies on connections of its own; what it stores goes through the committer
in small steps, behind the orders of those who wait. So of two batches for the same targets the second finds
the rows of the first, and is told.
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
from didier.runtime.process_lock import Guard
from didier.services.batches.job import MOST_ROWS, Carrier
from didier.storage.batches import progress
from didier.storage.database import reading

LEAST_STEP_SECONDS = 0.001
"""How long a step may always take: about what a copy of those takes who wait for it."""

MOST_STEP_SECONDS = 0.05
"""How long a step may take when nobody has ordered anything for long."""

SHARE = 0.02
"""Part of the silence since the last order that a step may take: so that who comes now and then, too, waits
little in proportion."""

LEAST_ROWS = 50

POLL_SECONDS = 5.0
"""How often batches are looked for that another node has left or taken in."""

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
        self, engine: Engine, committer: Committer, clock: Callable[[], datetime] = datetime.now
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._clock = clock
        self._pace = Pace(committer)
        self._wanted = threading.Event()
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
        waits: Unavailable | None = None
        while not self._stopping:
            self._wanted.clear()
            try:
                self._carry_out_all()
                waits = None
            except CancelledError:
                return  # the committer has stopped
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
        """Carry out what there is; nothing when another node is at it."""
        with reading(self._engine) as conn:
            if progress.under_way(conn) is None:
                return
        with Guard(self._engine, "didier.batches") as held:
            while held and not self._stopping and held.alive():
                with reading(self._engine) as conn:
                    batch = progress.under_way(conn)
                if batch is None:
                    return
                Carrier(self, batch).carry_out()
                self.ended += 1

    @property
    def stopping(self) -> bool:
        """Whether the thread is to end."""
        return self._stopping

    def store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> "Future[Outcome]":
        """Hand a step to the committer; its pace is learned from."""
        pace = self._pace

        def timed(conn: Connection) -> Outcome:
            began = time.perf_counter()
            outcome = work(conn)
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
