"""Editing the DIDs of a large batch: what `job` does of it."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from sqlalchemy.engine import Connection

from didier.domain import inputs, kept_inputs
from didier.domain.inputs import Row
from didier.services.batches import batch_caller, edit_parts, execute, item_runs, job_steps, spellings
from didier.services.batches.edit_parts import Part
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.job_steps import Findings, TargetTaken
from didier.storage.batches import progress, refused_rows
from didier.storage.batches.batches import totals
from didier.storage.batches.duplicates import DuplicateTracker
from didier.storage.batches.input_text import unpack
from didier.storage.batches.stored_batch import StoredBatch

_REMEMBERED = 5_000
"""How many targets are remembered at a time."""


class EditJob:
    """A batch that adds, updates, deletes or imports DIDs, from where it stands; see `job.Job`.

    Each chunk is decided on in the transaction that carries it out: what its DIDs are counts then.
    """

    def __init__(self, conn: Connection, batch: StoredBatch) -> None:
        self._batch, self._spec = batch, EditSpec.of(batch)
        self._named = DuplicateTracker()
        self._rows = _rows(conn, batch)
        self._most = execute.most_at_once(conn, job_steps.CHECKED)
        self._position = batch.position
        behind = islice(self._rows, batch.position)
        while some := [row.target for row in islice(behind, _REMEMBERED)]:
            self._named.add(some)

    def check(self, conn: Connection, findings: Findings) -> bool:
        """Look at the next DIDs; say whether there were any."""
        part = self._part(job_steps.CHECKED)
        if part is None:
            return False
        caller = batch_caller.of(conn, self._batch, self._spec.actions)
        problems = edit_parts.decide(conn, caller, self._spec, part, dry_run=True).problems()
        findings.add(problems, part.rows, part.position)
        return True

    def take(self, size: int) -> Part | None:
        """Return the next DIDs, *size* at most, None behind the last."""
        return self._part(min(size, self._most))

    def _part(self, size: int) -> Part | None:
        rows = list(islice(self._rows, size))
        if not rows:
            return None
        targets = [row.target for row in rows]
        respelled = spellings.again(targets, self._spec.checks.region)
        part = Part(self._position, rows, self._named.add(targets), respelled)
        self._position += len(rows)
        return part

    def decide(self, conn: Connection, chunk: Part) -> None:
        """Decide on nothing yet."""

    def decide_again(self, conn: Connection, chunk: Part) -> None:
        """Decide on nothing yet."""

    def carry_out(self, conn: Connection, chunk: Part, now: datetime) -> None:
        """Edit the DIDs and store what became of each; raises `MovedOn`, `TargetTaken`, `Outrun`.

        An atomic batch was checked as a whole: what is refused now was changed since.
        """
        batch = self._batch
        job_steps.hold(conn, batch, chunk.position)
        caller = batch_caller.of(conn, batch, self._spec.actions)
        plan = edit_parts.decide(conn, caller, self._spec, chunk)
        if plan.refused and batch.mode == "atomic":
            raise TargetTaken(f"changed since the batch was checked: {plan.problems()[0]}")
        items, _ = edit_parts.carry_out(conn, plan, self._spec, batch.batch_id, now)
        progress.add_items(conn, batch.batch_id, item_runs.in_runs(items, chunk.position + 1))
        refused_rows.keep(conn, batch.batch_id, plan.refused_rows())
        progress.advance(conn, batch.batch_id, chunk.position + chunk.size, totals(items))

    def difference(self, conn: Connection, done: None) -> str | None:
        """Say nothing: the rows were read in the transaction that wrote them."""

    def difference_behind(self, conn: Connection, position: int) -> str | None:
        """Say nothing, as of a chunk."""

    def close(self) -> None:
        """Forget the targets."""
        self._named.close()


def _rows(conn: Connection, batch: StoredBatch) -> Iterator[Row]:
    """Yield the rows that were ordered."""
    text = unpack(list(progress.pieces(conn, batch.batch_id)))
    return kept_inputs.exact(text) if "where" in batch.options else inputs.rows(kept_inputs.read(text))
