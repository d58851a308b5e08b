"""Carrying out one large batch, from where it stands: check, make, read back, remove."""

from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.errors import Unavailable
from didier.services.batches import job_steps, rollback
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.services.batches.job_steps import Check, Made, MovedOn, TargetTaken
from didier.services.batches.planner import Planner
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.failures import is_passing, unavailable
from didier.storage.system.leases import LeaseLost

MOST_ROWS = 10_000
"""Most rows of a step, whatever the time: they are in memory."""

ATTEMPTS = 5
"""How often a chunk of a best-effort batch is decided on anew when another writer was faster."""

Outcome = TypeVar("Outcome")

log = structlog.get_logger()


class Steps(Protocol):
    """What carries a batch's steps out."""

    @property
    def stopping(self) -> bool:
        """Whether the batch is to be left where it is."""

    def store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> "Future[Outcome]":
        """Carry out a step that stores *rows* rows, unless another process is at the batch: `LeaseLost`."""

    def rows(self) -> int:
        """Return how many rows the next step may have."""

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection for reading."""

    def now(self) -> datetime:
        """Return the time."""


class _UnderWay:
    """A chunk that is being made."""

    def __init__(self, chunk: Chunk, store: "Callable[[], Future[Made]]") -> None:
        self.chunk = chunk
        self._store = store
        self.future = store()

    def again(self) -> None:
        """Make it once more."""
        self.future = self._store()


class Carrier:
    """Carries out one batch, from where it stands."""

    def __init__(self, steps: Steps, batch: StoredBatch) -> None:
        self._steps = steps
        self._batch = batch

    def carry_out(self) -> None:
        """Do what the batch's phase asks for until it is done or has to stop.

        Raises `LeaseLost` when another process carries it out by now.
        """
        batch_id = self._batch.batch_id
        try:
            # A step comes behind the recovery: what a crash left is taken back before targets are looked for.
            self._batch = self._store(lambda conn: progress.get(conn, batch_id)) or self._batch
            if self._batch.phase == "check":
                self._check()
            if self._batch.phase == "make":
                self._make()
            if self._batch.phase == "remove":
                self._remove()
        except (Unavailable, CancelledError, LeaseLost):
            raise
        except MovedOn:
            return  # once more, from where the database says
        except Exception as error:
            if isinstance(error, DBAPIError) and is_passing(error):
                return  # a deadlock: once more, from where the database says
            if trouble := unavailable(error):
                raise trouble from error
            log.exception("batch_failed", batch=batch_id)
            self._fail(f"unexpected: {type(error).__name__}")

    def _store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> Outcome:
        return self._steps.store(work, rows).result()

    def _fail(self, reason: str) -> None:
        self._reload()
        log.error("batch_failed", batch=self._batch.batch_id, reason=reason)
        self._store(lambda conn: job_steps.fail(conn, self._batch.batch_id, reason, self._steps.now()))
        self._reload()

    def _reload(self) -> None:
        with self._steps.reading() as conn:
            self._batch = progress.get(conn, self._batch.batch_id) or self._batch

    def _opened(self) -> tuple[CopySpec, Planner]:
        with self._steps.reading() as conn:
            spec = rollback.spec_of(conn, self._batch)
            if spec is None:
                raise ValueError("the batch has no snapshot of its source")
            return spec, job_steps.open_planner(conn, self._batch, spec)

    def _check(self) -> None:
        """Look at all targets before the first is made."""
        if self._batch.state == "pending":
            self._store(lambda conn: job_steps.begin_check(conn, self._batch))
        _, planner = self._opened()
        check = Check(planner)
        try:
            more = True
            while more and not self._steps.stopping:
                with self._steps.reading() as conn:
                    more = check.step(conn)
        finally:
            planner.close()
        if more:
            return  # stopped; the check begins anew with the next start
        if check.failure:
            self._store(lambda conn: job_steps.refuse(conn, self._batch, check, self._steps.now()))
        else:
            self._store(lambda conn: job_steps.begin(conn, self._batch))
        self._reload()

    def _make(self) -> None:
        if self._batch.state == "pending":
            self._store(lambda conn: job_steps.begin(conn, self._batch))
        if failure := self._unverified():
            self._fail(failure)
            return
        spec, planner = self._opened()
        try:
            failure = self._make_chunks(spec, planner)
        finally:
            planner.close()
        if self._steps.stopping and failure is None:
            return
        if failure:
            self._fail(failure)
        else:
            self._store(lambda conn: job_steps.finish(conn, self._batch, self._steps.now()))
            self._reload()

    def _make_chunks(self, spec: CopySpec, planner: Planner) -> str | None:
        """Make chunk after chunk, and read each back while the next is being made; return what failed."""
        made: Made | None = None
        under_way: _UnderWay | None = None
        while True:
            chunk = self._next(planner)
            if under_way:
                made, failure = self._made(under_way, planner)
                if failure:
                    return failure
            under_way = self._begin(spec, chunk) if chunk else None
            if made and (difference := self._difference(made)):
                if under_way:
                    self._made(under_way, planner)
                return difference
            made = None
            if under_way is None:
                return None

    def _next(self, planner: Planner) -> Chunk | None:
        """Take the next chunk; an atomic batch was decided on before."""
        chunk = None if self._steps.stopping else planner.take(self._steps.rows())
        if chunk and self._batch.mode == "best_effort":
            with self._steps.reading() as conn:
                planner.decide(conn, chunk)
        return chunk

    def _begin(self, spec: CopySpec, chunk: Chunk) -> "_UnderWay":
        work = partial(job_steps.make, batch=self._batch, spec=spec, chunk=chunk, now=self._steps.now())
        rows = len(chunk.targets)
        return _UnderWay(chunk, lambda: self._steps.store(work, rows))

    def _made(self, under_way: "_UnderWay", planner: Planner) -> tuple[Made | None, str | None]:
        """Wait for a chunk; return what was made, or why not.

        When another writer was faster, a best-effort batch decides anew on the chunk; an atomic one fails.
        """
        for _ in range(ATTEMPTS):
            try:
                return under_way.future.result(), None
            except (TargetTaken, IntegrityError):
                if self._batch.mode == "atomic":
                    return None, "a target that was free when the batch was checked exists by now"
                self._reload()
                with self._steps.reading() as conn:
                    planner.decide_again(conn, under_way.chunk)
                under_way.again()
        return None, "others were faster again and again"

    def _difference(self, made: Made) -> str | None:
        """Read a chunk back; return what is not as it was ordered."""
        with self._steps.reading() as conn:
            difference = job_steps.is_as_ordered(conn, made)
        return difference and f"verification failed: {difference}"

    def _unverified(self) -> str | None:
        """Read back what the last run may have made without reading it back: two chunks at most."""
        if not self._batch.position:
            return None
        after = max(0, self._batch.position - 2 * MOST_ROWS)
        with self._steps.reading() as conn:
            difference = job_steps.difference(conn, self._batch.batch_id, after)
        return difference and f"verification failed: {difference}"

    def _remove(self) -> None:
        finished = False
        while not finished and not self._steps.stopping:
            rows = self._steps.rows()
            work = partial(rollback.step, batch_id=self._batch.batch_id, limit=rows, now=self._steps.now())
            finished = self._store(work, rows)
        self._reload()
