"""Numbering the changes that were committed: a job of one process of those on a MariaDB database.

An embedded database needs none of this, see `storage.changes.sequence`.
"""

import time
from functools import partial

from sqlalchemy.engine import Connection, Engine

from didier.runtime.committer import Committer
from didier.runtime.leased_job import LeasedJob
from didier.runtime.leases import LeaseHolder
from didier.storage.changes import sequence
from didier.storage.database import database_file, reading
from didier.storage.system import leases
from didier.storage.system.leases import Lease

LEASE = "sequencer"

POLL_SECONDS = 0.2
"""How often it is looked whether something was committed: a follower hears of it within a second."""

IDLE_SECONDS = 10.0
"""How long nothing was committed until the lease is given back: an idle process writes nothing."""

AT_ONCE = 500
"""Most changes that are numbered in one step, while others wait (some 13 ms; 5,000 took 80)."""


class Sequencer(LeasedJob):
    """The thread that numbers changes while this process has the lease."""

    nice = 0  # followers wait for it

    def __init__(self, engine: Engine, committer: Committer, lease_holder: LeaseHolder) -> None:
        super().__init__(LEASE, engine, committer, lease_holder)
        self._is_needed = database_file(engine.url) is None
        self._needed_at = 0.0

    def start(self) -> None:
        """Start the thread, where the database needs it."""
        if self._is_needed:
            super().start()

    def _turn(self) -> float:
        self._number_all()
        return POLL_SECONDS

    def _number_all(self) -> None:
        """Number what was committed, if that is this process's to do."""
        with reading(self.engine) as conn:
            is_complete = sequence.is_complete(conn)
        if not is_complete:
            self._needed_at = time.monotonic()
            self._leased.want()
            self._number()
        elif time.monotonic() - self._needed_at > IDLE_SECONDS:
            self._leased.give_back()

    def _number(self) -> None:
        count = AT_ONCE
        while count == AT_ONCE and not self.is_ending and (lease := self._leased.lease):
            count = self._committer.later(partial(_step, lease=lease)).result()


def _step(conn: Connection, lease: Lease) -> int:
    leases.hold(conn, lease)
    return sequence.number(conn, AT_ONCE)
