"""Jobs of which only one process does each: which of them are this one's to do.

One thread takes, renews and gives back the leases of the whole process, as steps of the committer. A worker
says that it wants its lease, is woken when it has it, and holds it (`hold` of `storage.system.leases`) in the
transaction of each step that it stores.

On MariaDB a lease is renewed at a third of its term, and taken over when that has passed. An embedded
database is used on one machine, where the system knows better: a lease goes with the lock of a file, which
ends with the process, however that ends. It is taken when the lock is, and never renewed.
"""

import math
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import CancelledError
from pathlib import Path

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.process_lock import FileLock
from didier.storage.database import database_file, reading
from didier.storage.failures import is_passing
from didier.storage.system import leases
from didier.storage.system.leases import Lease

SECONDS = 15.0
"""The term of a lease unless the settings say otherwise."""

LOOK_SECONDS = 1.0
"""How often a lease of another process is looked at: it may be given back before its term is over."""

log = structlog.get_logger()


class Leased:
    """A job, and the lease under which this process does it, if it does.

    *changed* is called, on another thread, when the lease was got or lost; *wake* when there is something to
    be done about it.
    """

    def __init__(self, name: str, changed: Callable[[], None], wake: Callable[[], None]) -> None:
        self.name = name
        self._changed = changed
        self._wake = wake
        self._lease: Lease | None = None
        self._sure_until = self._renew_at = 0.0  # by the process's monotonic clock
        self.wanted = False

    @property
    def lease(self) -> Lease | None:
        """The lease; None unless this process has it.

        None also when its term has passed since it was renewed: others may have it then, and while the
        database is away nobody can say.
        """
        return self._lease if time.monotonic() < self._sure_until else None

    def want(self) -> None:
        """Say that there is work; it may be done as soon as the lease is there."""
        if not self.wanted:
            self.wanted = True
            self._wake()

    def give_back(self) -> None:
        """Say that there is none: another process may have the lease."""
        if self.wanted:
            self.wanted = False
            self._wake()

    def lost(self, lease: Lease | None) -> None:
        """Say that a step under *lease* was told `LeaseLost`; the job is wanted still."""
        if lease and self._lease == lease:
            self._became(None)
            self._wake()

    @property
    def is_kept(self) -> bool:
        """Whether the lease was got, and neither given back nor found to be lost."""
        return self._lease is not None

    @property
    def due(self) -> float:
        """How long nothing needs to be done about the lease that is kept."""
        return self._renew_at - time.monotonic() if self.wanted else 0.0

    def step(self, conn: Connection, take: Callable[[Connection, str], Lease | None]) -> Lease | None:
        """Renew the lease, give it back or *take* it, whichever is due; return it, None when it is gone."""
        lease = self._lease
        if lease is None:
            return take(conn, self.name)
        if self.wanted:
            return lease if leases.renew(conn, lease) else None
        leases.release(conn, lease)
        return None

    def learn(self, lease: Lease | None, asked_at: float, term: float) -> None:
        """Learn what the database was *asked_at*; it is so for *term* seconds."""
        self._sure_until, self._renew_at = asked_at + term, asked_at + term / 3
        if lease != self._lease:
            self._became(lease)

    def _became(self, lease: Lease | None) -> None:
        before, self._lease = self._lease, lease
        if lease:
            log.info("lease_taken", lease=lease.name, epoch=lease.epoch)
        elif before and self.wanted:
            log.warning("lease_lost", lease=before.name, epoch=before.epoch)
        self._changed()


class _Rows:
    """MariaDB: who has a lease, and until when, is what its row says."""

    def __init__(self, engine: Engine, seconds: float) -> None:
        self._engine = engine
        self._seconds = self.term = seconds

    def waits(self, names: Collection[str], holder: str) -> dict[str, float]:
        """Return how long *holder* waits before it tries to take each of the leases *names*."""
        if not names:
            return {}
        with reading(self._engine) as conn:
            left = leases.seconds_left(conn, names, holder)
        return {name: min(seconds, LOOK_SECONDS) for name, seconds in left.items()}

    def take(self, conn: Connection, name: str, holder: str) -> Lease | None:
        """Take a lease; None when another process has it."""
        return leases.take(conn, name, holder, self._seconds)

    def let_go(self, name: str) -> None:
        """Learn that a lease is this process's no more."""


class _Files:
    """An embedded database: the holder of a file lock has the lease; its row exists for fencing."""

    term = math.inf

    def __init__(self, database: Path, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._locks: dict[str, FileLock] = {}

    def waits(self, names: Collection[str], holder: str) -> dict[str, float]:  # noqa: ARG002  # as `_Rows` does
        """Take the locks that are free; return how long to wait before it is tried again."""
        return {name: 0.0 if self._is_locked(name) else LOOK_SECONDS for name in names}

    def _is_locked(self, name: str) -> bool:
        lock = self._locks.get(name)
        if lock and lock.alive():
            return True
        self.let_go(name)
        if lock := FileLock.taken(self._database, name):
            self._locks[name] = lock
        return lock is not None

    def take(self, conn: Connection, name: str, holder: str) -> Lease | None:
        """Take a lease whose lock was taken: so the holder that its row names has ended."""
        return leases.take(conn, name, holder, self._seconds, force=True)

    def let_go(self, name: str) -> None:
        """Free the lock of a lease that was given back."""
        if lock := self._locks.pop(name, None):
            lock.release()


class LeaseHolder:
    """Takes, renews and gives back the leases of this process."""

    def __init__(self, engine: Engine, committer: Committer, seconds: float = SECONDS) -> None:
        self._committer = committer
        file = database_file(engine.url)
        self._home = _Files(file, seconds) if file else _Rows(engine, seconds)
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"
        self.all: list[Leased] = []
        self._woken = threading.Event()
        self._stopping = False
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def lease(self, name: str, changed: Callable[[], None]) -> Leased:
        """Return the job *name*, whose lease this process is to have whenever it is wanted."""
        leased = Leased(name, changed, self._wake)
        self.all.append(leased)
        return leased

    def stop(self) -> None:
        """Give back what there is, and end the thread; to be called before the committer stops."""
        with self._starting:
            self._stopping = True
        self._woken.set()
        if self._thread:
            self._thread.join()

    def _wake(self) -> None:
        self._woken.set()
        with self._starting:
            if self._thread is None and not self._stopping:
                self._thread = threading.Thread(target=self._work, name="leases", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while not self._stopping:
            self._woken.clear()
            self._woken.wait(self._attend_safely())
        for leased in self.all:
            leased.wanted = False
        self._attend_safely()  # what cannot be given back expires

    def _attend_safely(self) -> float | None:
        """Do what is due; return after how many seconds something will be, None: when somebody says so."""
        try:
            return self._attend()
        except (Unavailable, CancelledError):
            return LOOK_SECONDS  # the committer has logged it, or has stopped
        except Exception as error:
            if not is_passing(error):  # else another process was faster
                log.exception("leases_failed")
            return LOOK_SECONDS

    def _attend(self) -> float | None:
        waits = self._waits()
        while due := [leased for leased, wait in waits.items() if wait <= 0]:
            self._carry_out(due)
            waits = self._waits()
        return min((wait for wait in waits.values() if wait < math.inf), default=None)

    def _waits(self) -> dict[Leased, float]:
        """Return how long nothing has to be done for each job that is wanted, or whose lease is kept."""
        kept = {leased: leased.due for leased in self.all if leased.is_kept}
        wanted = {leased.name: leased for leased in self.all if leased.wanted and leased not in kept}
        found = self._home.waits(list(wanted), self._holder)
        return kept | {wanted[name]: wait for name, wait in found.items()}

    def _carry_out(self, due: Sequence[Leased]) -> None:
        asked_at = time.monotonic()
        for leased, lease in zip(due, self._committer.later(self._step(due)).result(), strict=True):
            if lease is None:
                self._home.let_go(leased.name)
            elif not leased.is_kept:  # the process that had it may have ended in the middle of something
                self._committer.recover_again()
            leased.learn(lease, asked_at, self._home.term)

    def _step(self, due: Sequence[Leased]) -> Callable[[Connection], list[Lease | None]]:
        def take(conn: Connection, name: str) -> Lease | None:
            return self._home.take(conn, name, self._holder)

        return lambda conn: [leased.step(conn, take) for leased in due]
