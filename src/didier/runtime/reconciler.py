"""Looking for what was done to DIDs beside Didier: a job of one process of those on a database.

It goes through all ranges of ids, over and over, and takes a small share of the time. Most ranges are as they
are remembered, which is only read.
"""

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

import structlog
from sqlalchemy.engine import Connection, Engine

from didier.runtime.committer import Committer
from didier.runtime.leased_job import RETRY_SECONDS, LeasedJob
from didier.runtime.leases import LeaseHolder
from didier.services.changes import reconcile as services
from didier.services.changes.reconcile import Look, Settled
from didier.storage.changes import ranges, reconcile, sequence
from didier.storage.changes.change_log import Change
from didier.storage.changes.ranges import RangeRows
from didier.storage.changes.reconcile import Pass, Sign
from didier.storage.database import reading
from didier.storage.statements import is_transactional
from didier.storage.system.leases import Lease
from didier.storage.tables import DIDS

LEASE = "reconciler"

SECONDS = 300.0
"""How long after the beginning of a pass the next one begins, unless the settings say otherwise."""

LOOK_SECONDS = 5.0
"""How often it is looked whether a pass is due: another process may have made one."""

ATTEMPTS = 10
"""How often a range is looked at again that could not be settled; the pass is not complete without it."""

SETTLE_SECONDS = 1.0
"""How long a difference must last in tables without transactions, where others commit behind their writes."""

log = structlog.get_logger()


class Reconciler(LeasedJob):
    """The thread that compares DIDs with the change log while this process has the lease.

    *observe* is told each change that was found.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        seconds: float = SECONDS,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        super().__init__(LEASE, engine, committer, lease_holder)
        self._seconds = seconds
        self._clock = clock
        self._last: Pass | None = None
        self._hurried: Pass | None = None  # the last pass when a sign was seen that another one is wanted
        self._sign: Sign | None = None
        self.observe: Callable[[Change], None] = lambda _: None

    @property
    def lag_seconds(self) -> float:
        """Return how long ago the last complete pass began: what was done before then has been found."""
        return time.time() - self._last.began if self._last else float("nan")

    def _turn(self) -> float:
        """Make the pass that is due, if that is this process's to do; return how long to wait then."""
        with reading(self.engine) as conn:
            self._last = reconcile.last_pass(conn)
        due = self.due(self._last.began if self._last else None, self._seconds)
        if due > 0 and not self._is_hurried():
            self._leased.give_back()
            return min(due, LOOK_SECONDS)
        self._leased.want()
        if (lease := self._leased.lease) is None:
            return LOOK_SECONDS  # or until it is there
        self._sign = self.read(reconcile.sign)
        return 0.0 if _Round(self, lease).go() else RETRY_SECONDS

    def _is_hurried(self) -> bool:
        """Say whether something seems to have been done beside Didier since the last pass."""
        before, self._sign = self._sign, self.read(reconcile.sign)
        if before and before.newest == self._sign.newest and before.seen != self._sign.seen:
            self._hurried = self._last
        return self._hurried == self._last

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()


class _Round:
    """One pass over all ranges, under *lease*."""

    def __init__(self, reconciler: Reconciler, lease: Lease) -> None:
        self._reconciler = reconciler
        self._lease = lease
        self._floor: int | None = None  # the position of the last complete pass
        self._touched: set[int] = set()  # ranges that the log has changes of since; summaries do not tell all

    def go(self) -> bool:
        """Look at all ranges; say whether the pass is complete."""
        done = self._begin()
        left = [first for first in self._changed() if not self._settle(first)]
        for _ in range(ATTEMPTS):
            if left and not self._is_over:
                self._reconciler.wait(RETRY_SECONDS)
                left = [first for first in left if not self._settle(first)]
        if left or self._is_over:
            return False
        self._reconciler.store(lambda conn: reconcile.end_pass(conn, done), self._lease)
        return True

    @property
    def _is_over(self) -> bool:
        return self._reconciler.is_ending or not self._reconciler.has(self._lease)

    def _begin(self) -> Pass:
        """Learn what is known, and return what the pass will have come to."""
        if self._reconciler.read(reconcile.is_foreign):
            log.warning("reconciling_begins_anew")
            self._reconciler.store(reconcile.begin_anew, self._lease)
        began = time.time()

        def learn(conn: Connection) -> Pass:
            if last := reconcile.last_pass(conn):
                self._floor, self._touched = last.position, reconcile.touched(conn, last.position)
            return Pass(sequence.newest(conn), began)

        return self._reconciler.read(learn)

    def _changed(self) -> Iterator[int]:
        """Yield the ranges that may not be as they are remembered, in order."""
        first = 0
        while not self._is_over:
            following, is_same = self._reconciler.read(partial(self._glance, first=first))
            if following is None:
                return
            if not is_same:
                yield following
            first = following + ranges.SIZE

    def _glance(self, conn: Connection, first: int) -> tuple[int | None, bool]:
        following = ranges.following(conn, first, self._touched)
        if following is None or following in self._touched or self._floor is None:
            return following, False
        return following, services.is_same(conn, following)

    def _settle(self, first: int) -> bool:
        """Bring what was done beside Didier into the change log; say whether it has all of the range now."""
        while not self._is_over:
            seen = self._reconciler.read(lambda conn: services.look(conn, first, self._floor))
            if not seen.different:
                return self._keep(seen.content)
            settled = self._record(seen)
            if settled.is_complete or not settled.changes:
                return settled.is_complete
        return False

    def _keep(self, content: RangeRows | None) -> bool:
        if content:
            self._reconciler.store(lambda conn: ranges.keep(conn, content), self._lease)
        return content is not None

    def _record(self, seen: Look) -> Settled:
        if not self._reconciler.read(lambda conn: is_transactional(conn, DIDS)):
            self._reconciler.wait(SETTLE_SECONDS)
        step = partial(services.settle, seen=seen, floor=self._floor, now=self._reconciler.now())
        settled = self._reconciler.store(step, self._lease)
        for change in settled.changes:
            self._reconciler.observe(change)
        return settled
