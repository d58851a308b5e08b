"""Counting calls by hour and day, as the logs of them grow: a job of one process."""

import time
from collections.abc import Callable
from concurrent.futures import CancelledError
from datetime import tzinfo
from typing import TypeVar

from sqlalchemy.engine import Connection, Engine

from didier.runtime.committer import Committer
from didier.runtime.leased_job import LeasedJob
from didier.runtime.leases import LeaseHolder
from didier.services.usage.rounds import Counter
from didier.storage.database import reading
from didier.storage.system.leases import Lease
from didier.storage.usage import rollups

LEASE = "usage"

SECONDS = 300.0
"""How long after a round the next one begins, unless the settings say otherwise."""

MONTHS = 13
"""How many months are kept, unless the settings say otherwise."""

SHARE = 0.2
"""Part of the time that is spent on it, at most."""

LOOK_SECONDS = 5.0
"""How often it is looked whether all is to be counted anew, and whether the lease is free."""

Outcome = TypeVar("Outcome")


class UsageWorker(LeasedJob):
    """The thread that counts calls while this process has the lease.

    A round begins *seconds* after the one before; without these there are none. Logs are read in *source*,
    the database itself or a copy of it; their times are those of *zone*. *months* are kept.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        zone: tzinfo,
        seconds: float = SECONDS,
        months: int = MONTHS,
        source: Engine | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(LEASE, engine, committer, lease_holder)
        self._source = source or engine
        self._zone = zone
        self._seconds = seconds
        self._months = months
        self._clock = clock
        self._done_at: float | None = None

    def start(self) -> None:
        """Start the thread, unless there are to be no rounds."""
        if self._seconds:
            super().start()

    def _turn(self) -> float:
        with reading(self.engine) as conn:
            is_possible = rollups.are_kept(conn)
            is_due = rollups.is_wanted_anew(conn) or self._passed() >= self._seconds
        if not (is_possible and is_due):
            self._leased.give_back()
            return (
                min(max(self._seconds - self._passed(), 0.0), LOOK_SECONDS) if is_possible else LOOK_SECONDS
            )
        self._leased.want()
        if (lease := self._leased.lease) is None:
            return LOOK_SECONDS  # or until it is there
        Counter(_Work(self, lease, self._source), self._zone, self._months).round(self._clock())
        self._done_at = time.monotonic()
        return 0.0

    def _passed(self) -> float:
        return float("inf") if self._done_at is None else time.monotonic() - self._done_at


class _Work:
    """What a round reads and stores under a lease, with rests between."""

    def __init__(self, job: UsageWorker, lease: Lease, source: Engine) -> None:
        self._job = job
        self._lease = lease
        self._source = source
        self._rested_at = time.perf_counter()

    def read_logs(self, work: Callable[[Connection], Outcome]) -> Outcome:
        return self._read(self._source, work)

    def read(self, work: Callable[[Connection], Outcome]) -> Outcome:
        return self._read(self._job.engine, work)

    def store(self, work: Callable[[Connection], Outcome]) -> Outcome:
        return self._job.store(work, self._lease, SHARE)

    def _read(self, engine: Engine, work: Callable[[Connection], Outcome]) -> Outcome:
        if self._job.is_ending:
            raise CancelledError  # not the lease: that is given back
        with reading(engine) as conn:
            found = work(conn)
        # What was done with what was read before counts too.
        self._job.rest(time.perf_counter() - self._rested_at, SHARE)
        self._rested_at = time.perf_counter()
        return found
