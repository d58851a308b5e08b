"""Looking at what is wrong with DIDs, so that followers hear when that changes: a job of one process.

The first time only what is found is kept: it was so before anybody asked.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.engine import Engine

from didier.runtime.committer import Committer
from didier.runtime.leased_job import RETRY_SECONDS, SHARE, LeasedJob
from didier.runtime.leases import LeaseHolder
from didier.services.changes import check_changes
from didier.services.changes.check_changes import Compared
from didier.storage.database import reading
from didier.storage.dids import failed_checks
from didier.storage.system.leases import Lease

LEASE = "checks"

SECONDS = 300.0
"""How long after the beginning of a round the next one begins, unless the settings say otherwise."""

TELLING_SHARE = 0.2
"""Part of the time that is spent, at most, as long as something is different: followers wait for it."""

LOOK_SECONDS = 5.0
"""How often it is looked whether a round is due: another process may have made one."""


class CheckWorker(LeasedJob):
    """The thread that compares what is wrong with DIDs while this process has the lease.

    A round begins *seconds* after the one before; without these there are none. *own_contexts* are in the
    dialplan beside those that the database knows.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        seconds: float = SECONDS,
        own_contexts: Sequence[str] = (),
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        super().__init__(LEASE, engine, committer, lease_holder)
        self._seconds = seconds
        self._own_contexts = own_contexts
        self._clock = clock

    def start(self) -> None:
        """Start the thread, unless there are to be no rounds."""
        if self._seconds:
            super().start()

    def _turn(self) -> float:
        with reading(self.engine) as conn:
            last = failed_checks.last_round(conn)
            is_possible = failed_checks.are_kept(conn)
        due = self.due(last, self._seconds)
        if due > 0 or not is_possible:
            self._leased.give_back()
            return min(due, LOOK_SECONDS) if is_possible else LOOK_SECONDS
        self._leased.want()
        if (lease := self._leased.lease) is None:
            return LOOK_SECONDS  # or until it is there
        return 0.0 if self._round(lease, is_first=last is None) else RETRY_SECONDS

    def _round(self, lease: Lease, *, is_first: bool) -> bool:
        """Look at all DIDs; say whether that was done to the end."""
        began = time.time()
        after: int | None = 0
        while after is not None:
            found, taken = self._compared(after)
            for step in found.steps:
                kept = partial(check_changes.store, step=step, now=self._clock(), is_told=not is_first)
                self.store(kept, lease, TELLING_SHARE)
            after = found.following
            if after is None:
                self.store(lambda conn: failed_checks.end_round(conn, began), lease)
            self.rest(taken, TELLING_SHARE if found.steps else SHARE)  # what was found is told first
            if self.is_ending or not self.has(lease):
                break
        return after is None

    def _compared(self, after: int) -> tuple[Compared, float]:
        """Return what is different behind an id, and how many seconds it took to find."""
        began = self._time()
        with reading(self.engine) as conn:
            found = check_changes.compare(conn, self._own_contexts, after)
        return found, self._time() - began
