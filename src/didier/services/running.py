"""Carrying out large batches, one after the other, while everything else goes on.

One thread reads, decides and verifies on connections of its own; what it stores goes through the committer
in small steps, behind the orders of those who wait. So of two batches for the same targets the second finds
the rows of the first, and is told.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

import structlog
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.domain import inputs
from didier.errors import Unavailable
from didier.services import making, removing
from didier.services.making import Check, Made, MovedOn, TargetTaken
from didier.services.planning import Chunk, Planner
from didier.services.recipes import Recipe
from didier.storage import progress
from didier.storage.committer import Committer
from didier.storage.database import reading
from didier.storage.failures import is_passing
from didier.storage.guards import Guard
from didier.storage.inputs import unpack
from didier.storage.progress import StoredBatch

LEAST_STEP_SECONDS = 0.001
"""How long a step may always take: about what a copy of those takes who wait for it."""

MOST_STEP_SECONDS = 0.05
"""How long a step may take when nobody has ordered anything for long."""

SHARE = 0.02
"""Part of the silence since the last order that a step may take: so that who comes now and then, too, waits
little in proportion."""

MOST_ROWS = 10_000
"""Most rows of a step, whatever the time: they are in memory."""

LEAST_ROWS = 50

POLL_SECONDS = 5.0
"""How often batches are looked for that another node has left or taken in."""

RETRY_SECONDS = 1.0
"""How long to wait when the database does not answer."""

ATTEMPTS = 5
"""How often a chunk of a best-effort batch is decided on anew when another writer was faster."""

Outcome = TypeVar("Outcome")

log = structlog.get_logger()


class Pace:
    """How many rows a step may have, so that it takes as long as it may."""

    def __init__(self, committer: Committer) -> None:
        self._committer = committer
        self._seconds_a_row = 20e-6

    def rows(self) -> int:
        """Return the number of rows of the next step."""
        seconds = min(MOST_STEP_SECONDS, max(LEAST_STEP_SECONDS, self._committer.quiet_seconds * SHARE))
        return max(LEAST_ROWS, min(MOST_ROWS, int(seconds / self._seconds_a_row)))

    def took(self, rows: int, seconds: float) -> None:
        """Learn from a step."""
        if rows:
            self._seconds_a_row += (max(seconds / rows, 1e-6) - self._seconds_a_row) * 0.2


class Runner:
    """The thread that carries out large batches while the server runs."""

    def __init__(
        self, engine: Engine, committer: Committer, clock: Callable[[], datetime] = datetime.now
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._clock = clock
        self._pace = Pace(committer)
        self._wanted = threading.Event()
        self._stopping = False
        self.ended = 0  # how many batches have come to an end; those who watch them look at it
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; it goes on with what the last run has left."""
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Say that there is a batch to be worked on; the thread is started unless it was."""
        self._wanted.set()
        if self._thread is None and not self._stopping:
            self.start()

    def end(self) -> None:
        """Let the thread end behind the step that it is at; the batch goes on with the next start."""
        self._stopping = True
        self._wanted.set()

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self.end()
        if self._thread:
            self._thread.join()

    def _work(self) -> None:
        with suppress(OSError):  # those who wait for an answer come first
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 5)
        while not self._stopping:
            self._wanted.clear()
            try:
                self._carry_out_all()
            except CancelledError:
                return  # the committer has stopped
            except Unavailable as error:
                log.warning("batches_wait", reason=str(error))
                time.sleep(RETRY_SECONDS)
                continue
            except Exception:
                log.exception("batches_failed")
                time.sleep(RETRY_SECONDS)
                continue
            self._wanted.wait(POLL_SECONDS)

    def _carry_out_all(self) -> None:
        """Carry out what there is; nothing when another node is at it."""
        with reading(self._engine) as conn:
            if progress.under_way(conn) is None:
                return
        with Guard(self._engine, "didier.batches") as held:
            while held and not self._stopping and held.alive():
                with reading(self._engine) as conn:
                    batch = progress.under_way(conn)
                if batch is None:
                    return
                _Carrier(self, batch).carry_out()
                self.ended += 1

    @property
    def stopping(self) -> bool:
        """Whether the thread is to end."""
        return self._stopping

    def store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> "Future[Outcome]":
        """Hand a step to the committer; its pace is learned from."""
        pace = self._pace

        def timed(conn: Connection) -> Outcome:
            began = time.perf_counter()
            outcome = work(conn)
            pace.took(rows, time.perf_counter() - began)
            return outcome

        return self._committer.later(timed)

    def rows(self) -> int:
        """Return how many rows the next step may have."""
        return self._pace.rows()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading."""
        with reading(self._engine) as conn:
            yield conn

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()


class _UnderWay:
    """A chunk that is being made."""

    def __init__(self, chunk: Chunk, store: "Callable[[], Future[Made]]") -> None:
        self.chunk = chunk
        self._store = store
        self.future = store()

    def again(self) -> None:
        """Make it once more."""
        self.future = self._store()


class _Carrier:
    """Carries out one batch, from where it stands."""

    def __init__(self, runner: Runner, batch: StoredBatch) -> None:
        self._runner = runner
        self._batch = batch

    def carry_out(self) -> None:
        """Do what the batch's phase asks for until it is done or the runner stops."""
        batch_id = self._batch.batch_id
        try:
            if self._batch.phase == "check":
                self._check()
            if self._batch.phase == "make":
                self._make()
            if self._batch.phase == "remove":
                self._remove()
        except (Unavailable, CancelledError):
            raise
        except MovedOn:
            return  # once more, from where the database says
        except Exception as error:
            if isinstance(error, DBAPIError) and is_passing(error):
                return  # a deadlock: once more, from where the database says
            log.exception("batch_failed", batch=batch_id)
            self._fail(f"unexpected: {type(error).__name__}")

    def _store(self, work: Callable[[Connection], Outcome], rows: int = 0) -> Outcome:
        return self._runner.store(work, rows).result()

    def _fail(self, reason: str) -> None:
        self._reload()
        if self._batch.phase == "make":
            self._take_back_chunk()
        log.error("batch_failed", batch=self._batch.batch_id, reason=reason)
        self._store(lambda conn: making.fail(conn, self._batch.batch_id, reason, self._runner.now()))
        self._reload()

    def _reload(self) -> None:
        with self._runner.reading() as conn:
            self._batch = progress.get(conn, self._batch.batch_id) or self._batch

    def _opened(self) -> tuple[Recipe, Planner]:
        with self._runner.reading() as conn:
            recipe = removing.recipe_of(conn, self._batch)
            if recipe is None:
                raise ValueError("the batch has no snapshot of its source")
            return recipe, making.open_planner(conn, self._batch, recipe)

    def _check(self) -> None:
        """Look at all targets before the first is made."""
        if self._batch.state == "pending":
            self._store(lambda conn: progress.change(conn, self._batch.batch_id, {"state": "running"}))
        _, planner = self._opened()
        check = Check(planner)
        try:
            more = True
            while more and not self._runner.stopping:
                with self._runner.reading() as conn:
                    more = check.step(conn)
        finally:
            planner.close()
        if more:
            return  # stopped; the check begins anew with the next start
        if check.failure:
            self._store(lambda conn: making.refuse(conn, self._batch, check, self._runner.now()))
        else:
            self._store(lambda conn: making.begin(conn, self._batch))
        self._reload()

    def _make(self) -> None:
        self._take_back_chunk()
        if self._batch.state == "pending":
            self._store(lambda conn: making.begin(conn, self._batch))
        if failure := self._unverified():
            self._fail(failure)
            return
        recipe, planner = self._opened()
        try:
            failure = self._make_chunks(recipe, planner)
        finally:
            planner.close()
        if self._runner.stopping and failure is None:
            return
        if failure:
            self._fail(failure)
        else:
            self._store(lambda conn: making.finish(conn, self._batch, self._runner.now()))
            self._reload()

    def _make_chunks(self, recipe: Recipe, planner: Planner) -> str | None:
        """Make chunk after chunk, and read each back while the next is being made; return what failed."""
        made: Made | None = None
        under_way: _UnderWay | None = None
        while True:
            chunk = self._next(planner)
            if under_way:
                made, failure = self._made(under_way, planner)
                if failure:
                    return failure
            under_way = self._begin(recipe, chunk) if chunk else None
            if made and (difference := self._difference(made)):
                if under_way:
                    self._made(under_way, planner)
                return difference
            made = None
            if under_way is None:
                return None

    def _next(self, planner: Planner) -> Chunk | None:
        """Take the next chunk; an atomic batch was decided on before."""
        chunk = None if self._runner.stopping else planner.take(self._runner.rows())
        if chunk and self._batch.mode == "best_effort":
            with self._runner.reading() as conn:
                planner.decide(conn, chunk)
        return chunk

    def _begin(self, recipe: Recipe, chunk: Chunk) -> "_UnderWay":
        work = partial(making.make, batch=self._batch, recipe=recipe, chunk=chunk, now=self._runner.now())
        rows = len(chunk.targets)
        return _UnderWay(chunk, lambda: self._runner.store(work, rows))

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
                self._take_back_chunk()
                with self._runner.reading() as conn:
                    planner.decide_again(conn, under_way.chunk)
                under_way.again()
        return None, "others were faster again and again"

    def _difference(self, made: Made) -> str | None:
        """Read a chunk back; return what is not as it was ordered."""
        with self._runner.reading() as conn:
            difference = making.is_as_ordered(conn, made)
        return difference and f"verification failed: {difference}"

    def _unverified(self) -> str | None:
        """Read back what the last run may have made without reading it back: two chunks at most."""
        if not self._batch.position:
            return None
        after = max(0, self._batch.position - 2 * MOST_ROWS)
        with self._runner.reading() as conn:
            difference = making.difference(conn, self._batch.batch_id, after)
        return difference and f"verification failed: {difference}"

    def _take_back_chunk(self) -> None:
        """Remove what a crash left of a chunk in tables without transactions."""
        planned = self._batch.planned
        if planned is None:
            return
        with self._runner.reading() as conn:
            pieces = list(progress.pieces(conn, self._batch.batch_id))
        entries = inputs.skip(inputs.read(unpack(pieces)), self._batch.position)
        targets = [row.target for row in islice(inputs.rows(entries), planned)]
        self._store(lambda conn: making.take_back_chunk(conn, self._batch, targets))
        self._reload()

    def _remove(self) -> None:
        finished = False
        while not finished and not self._runner.stopping:
            rows = self._runner.rows()
            work = partial(removing.step, batch_id=self._batch.batch_id, limit=rows, now=self._runner.now())
            finished = self._store(work, rows)
        self._reload()
