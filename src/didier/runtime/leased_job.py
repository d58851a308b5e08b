"""A job of one process of those on a database, done on a thread of its own in turns.

Who waits for an answer comes first: what is read is read on a connection of its own, what is stored goes
through the committer in short steps, behind the orders of those who wait, and both leave time to others.
"""

import math
import os
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.storage.database import database_file, reading
from didier.storage.failures import is_passing, unavailable
from didier.storage.system import leases
from didier.storage.system.leases import Lease, LeaseLost

SHARE = 0.02
"""Part of the time that a job spends on what it reads and stores, at most, where it leaves time to others."""

RETRY_SECONDS = 1.0
"""How long to wait when the database does not answer, or the lease was lost."""

Outcome = TypeVar("Outcome")

log = structlog.get_logger()


class LeasedJob(ABC):
    """The thread that does the job *name* while this process has the lease of that name."""

    nice = 5
    """How much its thread gives way to others of the process."""

    def __init__(self, name: str, engine: Engine, committer: Committer, lease_holder: LeaseHolder) -> None:
        self.name = name
        self.engine = engine
        self._committer = committer
        # An embedded database works in this thread: what others of the machine do meanwhile does not count.
        self._time = time.thread_time if database_file(engine.url) else time.perf_counter
        self._woken = threading.Event()
        self._ending = threading.Event()
        self._leased = lease_holder.lease(name, self._woken.set)
        self._thread: threading.Thread | None = None

    @abstractmethod
    def _turn(self) -> float:
        """Do what is due, if that is this process's to do; return how long to wait then.

        `LeaseLost` may leave it.
        """

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._work, name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it; to be called before the committer and the leases stop."""
        self._ending.set()
        self._woken.set()
        if self._thread:
            self._thread.join()

    @property
    def is_ending(self) -> bool:
        """Whether the thread is to end."""
        return self._ending.is_set()

    def has(self, lease: Lease) -> bool:
        """Say whether *lease* is this process's still."""
        return self._leased.lease == lease

    def read(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """Return what *work* finds on a connection of its own; time is left to others in proportion."""
        with self._paced(), reading(self.engine) as conn:
            return work(conn)

    def store(self, work: Callable[[Connection], Outcome], lease: Lease, share: float = SHARE) -> Outcome:
        """Carry out a step under *lease* behind the orders that wait, and take *share* of the time at most.

        Raises `LeaseLost`.
        """
        taken = 0.0

        def timed(conn: Connection) -> Outcome:
            nonlocal taken
            began = time.perf_counter()
            leases.hold(conn, lease)
            outcome = work(conn)
            taken = time.perf_counter() - began
            return outcome

        outcome = self._committer.later(timed).result()
        self.rest(taken, share)
        return outcome

    @staticmethod
    def due(began: float | None, seconds: float) -> float:
        """Return how long to wait until *seconds* have passed since *began*, in seconds since 1970.

        A clock that was set back since then tells nothing: it is due.
        """
        passed = math.inf if began is None else time.time() - began
        return max(0.0, seconds - passed) if passed >= 0 else 0.0

    def wait(self, seconds: float) -> None:
        """Wait for *seconds*, or until the thread is to end."""
        self._ending.wait(seconds)

    @contextmanager
    def _paced(self) -> Iterator[None]:
        began = self._time()
        yield
        self.rest(self._time() - began)

    def rest(self, taken: float, share: float = SHARE) -> None:
        """Wait as long as *taken* seconds of work demand, if they are to be that *share* of the time."""
        self.wait(taken * (1 / share - 1))

    def _work(self) -> None:
        with suppress(OSError):
            if self.nice:
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), self.nice)
        while not self.is_ending:
            self._woken.clear()
            try:
                wait = self._attempt()
            except CancelledError:
                break  # the committer has stopped
            self._woken.wait(wait)
        self._leased.give_back()

    def _attempt(self) -> float:
        lease = self._leased.lease
        try:
            return self._turn()
        except LeaseLost:
            self._leased.lost(lease)
        except CancelledError:
            raise  # it is to end
        except Exception as error:
            # What the database is away for the committer says; or another writer was faster.
            if not (isinstance(error, Unavailable) or unavailable(error) or is_passing(error)):
                log.exception("job_failed", job=self.name)
        return RETRY_SECONDS
