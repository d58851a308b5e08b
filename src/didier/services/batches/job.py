"""Carrying out one large batch, from where it stands: check, make, read back, take back."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.errors import Unavailable
from didier.services.batches import job_steps, rollback, undo_edits
from didier.services.batches.batch_caller import RightsLost
from didier.services.batches.copy_job import CopyJob
from didier.services.batches.edit_job import EditJob
from didier.services.batches.job_steps import Findings, MovedOn, TargetTaken
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.failures import Outrun, is_passing, unavailable
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


class Job(Protocol):
    """What is done of a batch, by its kind; it is taken up where the batch stands, and closed at the end."""

    def check(self, conn: Connection, findings: Findings) -> bool:
        """Look at the next targets of an atomic batch; say whether there were any."""

    def take(self, size: int) -> Any:
        """Return the next targets as a chunk, of *size* at most; None behind the last."""

    def decide(self, conn: Connection, chunk: Any) -> None:
        """Decide on a chunk what can be decided before the step that carries it out."""

    def decide_again(self, conn: Connection, chunk: Any) -> None:
        """Decide on it once more: others have changed something since."""

    def carry_out(self, conn: Connection, chunk: Any, now: datetime) -> Any:
        """Carry a chunk out, and store what became of its targets, in one step.

        Raises `MovedOn`, and `TargetTaken` when others were faster.
        """

    def difference(self, conn: Connection, done: Any) -> str | None:
        """Read back what `carry_out` returned, after its commit; say what is not as it was ordered."""

    def difference_behind(self, conn: Connection, position: int) -> str | None:
        """Read back what was done behind *position*."""

    def close(self) -> None:
        """Forget the targets."""


def _job(conn: Connection, batch: StoredBatch) -> Job:
    return CopyJob(conn, batch) if batch.kind == "copy" else EditJob(conn, batch)


class _UnderWay:
    """A chunk that is being carried out."""

    def __init__(self, chunk: Any, store: "Callable[[], Future[Any]]") -> None:
        self.chunk = chunk
        self._store = store
        self.future = store()

    def again(self) -> None:
        """Carry it out once more."""
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
        except RightsLost as error:
            self._fail(str(error))
        except Exception as error:
            if isinstance(error, Outrun) or (isinstance(error, DBAPIError) and is_passing(error)):
                return  # another writer was faster: once more, from where the database says
            if trouble := unavailable(error):
                raise trouble from error
            log.exception("batch_failed", batch=batch_id)
            self._fail(f"unexpected: {type(error).__name__}")

    def _store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> Outcome:
        return self._steps.store(work, rows).result()

    def _fail(self, reason: str) -> None:
        log.error("batch_failed", batch=self._batch.batch_id, reason=reason)
        self._store(lambda conn: job_steps.fail_there(conn, self._batch, reason, self._steps.now()))
        self._reload()

    def _reload(self) -> None:
        with self._steps.reading() as conn:
            self._batch = progress.get(conn, self._batch.batch_id) or self._batch

    @contextmanager
    def _job(self) -> Iterator[Job]:
        """Take the batch up where it stands."""
        with self._steps.reading() as conn:
            job = _job(conn, self._batch)
        try:
            yield job
        finally:
            job.close()

    def _check(self) -> None:
        """Look at all targets before the first is carried out."""
        if self._batch.state == "pending":
            self._store(lambda conn: job_steps.begin_check(conn, self._batch))
        findings, more = Findings(), True
        with self._job() as job:
            while more and not self._steps.stopping:
                with self._steps.reading() as conn:
                    job_steps.look(conn, self._batch)
                    more = job.check(conn, findings)
        if more:
            return  # stopped; the check begins anew with the next start
        if findings.failure:
            self._store(lambda conn: job_steps.refuse(conn, self._batch, findings, self._steps.now()))
        else:
            self._store(lambda conn: job_steps.begin(conn, self._batch))
        self._reload()

    def _make(self) -> None:
        if self._batch.state == "pending":
            self._store(lambda conn: job_steps.begin(conn, self._batch))
        with self._job() as job:
            failure = self._unverified(job) or self._make_chunks(job)
        if failure:
            self._fail(failure)
        elif not self._steps.stopping:
            self._store(lambda conn: job_steps.finish(conn, self._batch, self._steps.now()))
            self._reload()

    def _make_chunks(self, job: Job) -> str | None:
        """Carry out chunk after chunk, and read each back while the next is under way; return what failed."""
        done: Any = None
        under_way: _UnderWay | None = None
        while True:
            chunk = self._next(job)
            if under_way:
                done, failure = self._done(under_way, job)
                if failure:
                    return failure
            under_way = self._begin(job, chunk) if chunk else None
            if done and (difference := self._difference(job, done)):
                if under_way:
                    self._done(under_way, job)
                return difference
            done = None
            if under_way is None:
                return None

    def _next(self, job: Job) -> Any:
        """Take the next chunk."""
        chunk = None if self._steps.stopping else job.take(self._steps.rows())
        if chunk:
            with self._steps.reading() as conn:
                job.decide(conn, chunk)
        return chunk

    def _begin(self, job: Job, chunk: Any) -> "_UnderWay":
        work = partial(job.carry_out, chunk=chunk, now=self._steps.now())
        return _UnderWay(chunk, lambda: self._steps.store(work, chunk.size))

    def _done(self, under_way: "_UnderWay", job: Job) -> tuple[Any, str | None]:
        """Wait for a chunk; return what was done, or why not.

        When another writer was faster the chunk is decided on anew; an atomic batch fails if that has taken a
        target.
        """
        for _ in range(ATTEMPTS):
            try:
                return under_way.future.result(), None
            except (TargetTaken, IntegrityError, Outrun) as error:
                if self._batch.mode == "atomic" and not isinstance(error, Outrun):
                    return None, str(error) if isinstance(error, TargetTaken) else str(TargetTaken())
                self._reload()
                with self._steps.reading() as conn:
                    job.decide_again(conn, under_way.chunk)
                under_way.again()
        return None, "others kept changing the same DIDs at the same time"

    def _difference(self, job: Job, done: Any) -> str | None:
        """Read a chunk back; return what is not as it was ordered."""
        with self._steps.reading() as conn:
            difference = job.difference(conn, done)
        return difference and f"verification failed: {difference}"

    def _unverified(self, job: Job) -> str | None:
        """Read back what the last run may have done without reading it back: two chunks at most."""
        if not self._batch.position:
            return None
        after = max(0, self._batch.position - 2 * MOST_ROWS)
        with self._steps.reading() as conn:
            difference = job.difference_behind(conn, after)
        return difference and f"verification failed: {difference}"

    def _remove(self) -> None:
        finished = False
        while not finished and not self._steps.stopping:
            rows = self._steps.rows()
            step = rollback.step if self._batch.kind == "copy" else undo_edits.step
            work = partial(step, batch_id=self._batch.batch_id, limit=rows, now=self._steps.now())
            finished = self._store(work, rows)
        self._reload()
