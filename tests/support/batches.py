"""Large batches on any database: ordered, carried out by a real runner and committer, and looked at."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection, Engine

from didier.cli.local import CALLER
from didier.domain.targets import in_run
from didier.domain.templates import Template
from didier.runtime.batch_worker import BatchWorker
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.services.batches import batches, journal
from didier.services.batches.batches import BatchOrder, UndoOrder
from didier.services.batches.order_text import Text, read_text
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.input_text import pack
from didier.storage.batches.progress import ACTIVE, StoredBatch
from didier.storage.database import reading
from didier.storage.dids import dids
from didier.storage.statements import run

SOURCE = "18001234567"
PATIENCE = 60
"""Seconds after which something that should have happened has not."""


def text(targets: str, template: Template | None = None) -> Text:
    """Return the text of an order."""
    return read_text(list(pack([targets.encode()])), 1_000_000, template)


def order(
    targets: str,
    *,
    atomic: bool = True,
    overrides: Mapping[str, str | None] | None = None,
    template: str | None = None,
    caller: Caller = CALLER,
    source: str = SOURCE,
) -> BatchOrder:
    """Return a wish to copy the tutorial's DID to *targets*."""
    made_of = Template(template) if template else None
    return BatchOrder(caller, source, text(targets, made_of), overrides or {}, made_of, atomic)


def accept(engine: Engine, wish: BatchOrder, now: datetime) -> int:
    """Take an order in; return the id of its batch."""
    with engine.begin() as conn:
        [accepted] = batches.accept(conn, [wish], now)
    assert isinstance(accepted, StoredBatch), accepted
    return accepted.batch_id


def undo(
    engine: Engine, batch_id: int, now: datetime, *, force: bool = False, caller: Caller = CALLER
) -> Any:
    """Order a batch to be undone; return the outcome."""
    with engine.begin() as conn:
        return batches.undo(conn, [UndoOrder(caller, batch_id, force)], now)[0]


class Halting(BatchWorker):
    """A runner with steps of *pace* rows that is told of each, and ends with the one numbered *last*.

    A server that is stopped ends behind the step that it is at; with *abruptly* the step is not stored any
    more, as if the process had died.
    """

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        lease_holder: LeaseHolder,
        clock: Callable[[], datetime],
        pace: int | None = None,
        last: int | None = None,
        abruptly: bool = False,
        told: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(engine, committer, lease_holder, clock)
        self.lease_holder = lease_holder
        self._rows = pace
        self._last = last
        self._abruptly = abruptly
        self._told = told
        self.steps = 0

    def rows(self) -> int:
        """Return the number of rows of a step."""
        return self._rows or super().rows()

    def store(self, work: Callable[[Connection], Any], rows: int = 0) -> "Future[Any]":
        """Count the step."""
        self.steps += 1
        if self._told:
            self._told(self.steps)
        if self.steps == self._last:
            self.end()
            if self._abruptly:
                raise CancelledError
        return super().store(work, rows)

    @property
    def has_lease(self) -> bool:
        """Whether it is the one of several that works."""
        return any(leased.lease for leased in self.lease_holder.all)

    @property
    def has_ended(self) -> bool:
        """Whether the thread has ended by itself."""
        return self._thread is not None and not self._thread.is_alive()


@contextmanager
def running(engine: Engine, now: datetime, **settings: Any) -> Iterator[Halting]:
    """Run a committer and a runner, as the server does."""
    committer = Committer(engine, recover=lambda conn: not journal.take_back(conn) and journal.is_clear(conn))
    lease_holder = LeaseHolder(engine, committer)
    runner = Halting(engine, committer, lease_holder, lambda: now, **settings)
    committer.start()
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()
        lease_holder.stop()
        asyncio.run(committer.stop())


def finish(engine: Engine, now: datetime, *batch_ids: int, **settings: Any) -> list[StoredBatch]:
    """Carry out what waits until *batch_ids* are done with."""
    with running(engine, now, **settings):
        wait_until(lambda: all(stored(engine, batch_id).state not in ACTIVE for batch_id in batch_ids))
    return [stored(engine, batch_id) for batch_id in batch_ids]


def interrupted(engine: Engine, now: datetime, **settings: Any) -> int:
    """Carry out what waits, up to the step where the runner ends; return how many steps there were."""
    with running(engine, now, **settings) as runner:
        wait_until(lambda: runner.has_ended or _next(engine) is None)
    return runner.steps


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for something, but not for ever."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _next(engine: Engine) -> StoredBatch | None:
    with reading(engine) as conn:
        return progress.under_way(conn)


def stored(engine: Engine, batch_id: int) -> StoredBatch:
    """Return a batch as it stands."""
    with reading(engine) as conn:
        found = progress.get(conn, batch_id)
    assert found is not None
    return found


@dataclass(frozen=True)
class One:
    """What became of one target."""

    position: int
    target: str
    outcome: str
    did_id: int | None
    reason: str | None


def each(engine: Engine, batch_id: int) -> list[One]:
    """Return what became of each target, runs written out."""
    with reading(engine) as conn:
        found = progress.items(conn, batch_id, 0, 1_000_000)
    return [
        One(
            placed.position + number,
            in_run(placed.item.target, number),
            placed.item.outcome,
            None if placed.item.did_id is None else placed.item.did_id + number,
            placed.item.reason,
        )
        for placed in found
        for number in range(placed.item.size)
    ]


def outcomes(engine: Engine, batch_id: int) -> dict[str, str]:
    """Return the outcome of each target."""
    return {one.target: one.outcome for one in each(engine, batch_id)}


def table(engine: Engine) -> dict[str, dict[str, Any]]:
    """Return all DIDs by pattern."""
    with reading(engine) as conn:
        ids = [row[0] for row in run(conn, "SELECT did_id FROM vicidial_inbound_dids ORDER BY did_id")]
        return {str(image["did_pattern"]): dict(image) for image in dids.images(conn, ids).values()}


def assert_agree(engine: Engine, batch_id: int) -> None:
    """Batch, items and rows tell the same: totals are sums of items, and what was made and kept is there."""
    batch, items, there = stored(engine, batch_id), each(engine, batch_id), table(engine)
    counts = Counter(one.outcome for one in items)
    left = counts["added"] + counts["kept"]
    assert batch.added == left + counts["removed"] + counts["missing"]
    assert (batch.existing, batch.invalid, batch.duplicates, batch.removed, batch.kept) == tuple(
        counts[outcome] for outcome in ("exists", "invalid", "duplicate", "removed", "kept")
    )
    positions = [one.position for one in items]
    assert positions == sorted(set(positions))
    if batch.added or batch.mode == "best_effort":
        assert positions == list(range(1, (batch.position or batch.requested) + 1))
    for one in items:
        if one.outcome in {"added", "kept"}:
            assert one.did_id == there[one.target]["did_id"]
        elif one.outcome in {"removed", "missing"}:
            assert one.did_id not in {row["did_id"] for row in there.values()}
