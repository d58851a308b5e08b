"""Numbering the changes that were committed: a job of one process of those on a MariaDB database.

An embedded database needs none of this, see `storage.changes.sequence`.
"""

import threading
import time
from concurrent.futures import CancelledError
from functools import partial

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.errors import Unavailable
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.storage.changes import sequence
from didier.storage.database import database_file, reading
from didier.storage.failures import is_passing, unavailable
from didier.storage.system import leases
from didier.storage.system.leases import Lease, LeaseLost

LEASE = "sequencer"

POLL_SECONDS = 0.2
"""How often it is looked whether something was committed: a follower hears of it within a second."""

RETRY_SECONDS = 1.0
"""How long to wait when the database does not answer."""

IDLE_SECONDS = 10.0
"""How long nothing was committed until the lease is given back: an idle process writes nothing."""

AT_ONCE = 500
"""Most changes that are numbered in one step, while others wait (some 13 ms; 5,000 took 80)."""

log = structlog.get_logger()


class Sequencer:
    """The thread that numbers changes while this process has the lease."""

    def __init__(self, engine: Engine, committer: Committer, lease_holder: LeaseHolder) -> None:
        self._engine = engine
        self._committer = committer
        self._is_needed = database_file(engine.url) is None
        self._woken = threading.Event()
        self._leased = lease_holder.lease(LEASE, self._woken.set)
        self._needed_at = 0.0
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread, where the database needs it."""
        if self._is_needed:
            self._thread = threading.Thread(target=self._work, name="sequencer", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, and wait for it; to be called before the committer and the leases stop."""
        self._stopping = True
        self._woken.set()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                self._number_all()
            except CancelledError:
                break  # the committer has stopped
            except Exception as error:
                # What the database is away for the committer says; or another process was faster.
                if not (isinstance(error, Unavailable) or unavailable(error) or is_passing(error)):
                    log.exception("sequencer_failed")
                self._woken.wait(RETRY_SECONDS)
            self._woken.wait(POLL_SECONDS)
        self._leased.give_back()

    def _number_all(self) -> None:
        """Number what was committed, if that is this process's to do."""
        with reading(self._engine) as conn:
            is_complete = sequence.is_complete(conn)
        if not is_complete:
            self._needed_at = time.monotonic()
            self._leased.want()
            self._number()
        elif time.monotonic() - self._needed_at > IDLE_SECONDS:
            self._leased.give_back()

    def _number(self) -> None:
        count = AT_ONCE
        while count == AT_ONCE and not self._stopping and (lease := self._leased.lease):
            try:
                count = self._committer.later(partial(_step, lease=lease)).result()
            except LeaseLost:
                self._leased.lost(lease)


def _step(conn: Connection, lease: Lease) -> int:
    leases.hold(conn, lease)
    return sequence.number(conn, AT_ONCE)
