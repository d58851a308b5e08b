"""Making the copies of a large batch: what `job` does of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import inputs, kept_inputs
from didier.domain.targets import run_of
from didier.domain.visibility import EVERYTHING
from didier.services.batches import decisions, execute, job_steps, rollback
from didier.services.batches.checks import Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.services.batches.job_steps import Findings, TargetTaken
from didier.services.batches.planner import Planner
from didier.services.batches.rows import block_of
from didier.services.changes.copied import Copies
from didier.storage.batches import progress, refused_rows
from didier.storage.batches.batches import totals
from didier.storage.batches.input_text import unpack
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import change_log
from didier.storage.dids import read_back
from didier.storage.dids.bulk import Block
from didier.storage.statements import as_text


@dataclass(frozen=True, slots=True)
class Made:
    """A chunk that was made, to be read back."""

    block: Block
    ids: Sequence[int]


def _planner(conn: Connection, batch: StoredBatch, spec: CopySpec) -> Planner:
    """Return the planner of a batch, behind the targets that are made already."""
    pieces = list(progress.pieces(conn, batch.batch_id))
    entries = inputs.skip(kept_inputs.read(unpack(pieces)), batch.position)
    sight = replace(batch.caller_groups or EVERYTHING, prefix=batch.pattern_prefix)
    planner = Planner(spec, entries, sight, batch.position, Checks.of(batch.options))
    planner.remember(kept_inputs.read(unpack(pieces)), batch.position)
    return planner


def _make(conn: Connection, batch: StoredBatch, spec: CopySpec, chunk: Chunk, now: datetime) -> Made:
    """Create the possible targets of *chunk* and store what became of each.

    Raises `TargetTaken` when one exists by now, and `MovedOn` unless *chunk* is the next one.
    """
    job_steps.hold(conn, batch, chunk.position)
    block = block_of([(spec, chunk)], as_text(batch.created_at))
    copies = Copies(batch.author, batch.source_pattern, batch.snapshot_id, spec)
    ids = execute.create(conn, block, lambda: copies.planned(chunk, batch.batch_id), batch.created_at)
    if isinstance(ids, range):
        made = Made(block, ids)
    elif None not in ids:
        made = Made(block, [did_id for did_id in ids if did_id])
    elif batch.mode == "atomic":
        raise TargetTaken
    else:
        made = _only_made(block, ids)
    _store(conn, batch, copies, chunk, ids, now)
    return made


def _only_made(block: Block, ids: Sequence[int | None]) -> Made:
    places = [place for place, did_id in enumerate(ids) if did_id is not None]
    own = [block.own[place] for place in places] if block.own else ()
    there = [block.targets[place] for place in places]
    only = Block(block.values, block.stamp, there, block.varying, own)
    return Made(only, [did_id for did_id in ids if did_id])


def _store(
    conn: Connection,
    batch: StoredBatch,
    copies: Copies,
    chunk: Chunk,
    ids: Sequence[int | None],
    now: datetime,
) -> None:
    items = decisions.items(chunk, ids)
    progress.add_items(conn, batch.batch_id, items)
    refused_rows.keep(conn, batch.batch_id, decisions.refused_rows_of(chunk))
    change_log.record(conn, copies.changes(items, chunk.own, batch.batch_id, chunk.position), now)
    progress.advance(conn, batch.batch_id, chunk.end, totals(placed.item for placed in items))


def is_as_ordered(conn: Connection, made: Made) -> str | None:
    """Read back what was made, after its commit; say what differs from what was ordered, None if nothing.

    Count, ids and every column are compared. A row that somebody has changed or deleted since is told
    from one that was stored wrongly by the moment of its last change, and by its history.
    """
    wanted = len(made.block.targets)
    if not wanted:
        return None
    found = read_back.compare(conn, made.block, made.ids)
    if found.equal == wanted:
        return None
    touched = read_back.touched(conn, made.ids[0], made.ids[-1], made.block.stamp)
    if wanted - found.equal <= touched:
        return None
    return f"{wanted} DIDs were ordered, {found.there} exist, {found.equal} have the ordered values"


def difference(conn: Connection, batch_id: int, after: int = 0) -> str | None:
    """Read back what a batch has made behind the position *after*; say what differs.

    It goes by what is stored of the batch: columns in which targets have values of their own are left out,
    as are DIDs that were changed since.
    """
    batch = progress.get(conn, batch_id)
    spec = rollback.spec_of(conn, batch) if batch else None
    if batch is None or spec is None:
        return None
    values = {name: value for name, value in spec.values.items() if name not in batch.own_columns}
    targets: list[str] = []
    ids: list[int] = []
    for placed in progress.items(conn, batch_id, after, batch.requested, ("added",)):
        run = placed.item
        targets += run_of(run.target, run.size)
        ids += range(run.did_id or 0, (run.did_id or 0) + run.size)
    return is_as_ordered(conn, Made(Block(values, as_text(batch.created_at), targets), ids))


class CopyJob:
    """A batch that copies a DID, from where it stands; see `job.Job`."""

    def __init__(self, conn: Connection, batch: StoredBatch) -> None:
        spec = rollback.spec_of(conn, batch)
        if spec is None:
            raise ValueError("the batch has no snapshot of its source")
        self._batch, self._spec = batch, spec
        self._planner = _planner(conn, batch, spec)

    def check(self, conn: Connection, findings: Findings) -> bool:
        """Look at the next targets; say whether there were any."""
        chunk = self._planner.take(job_steps.CHECKED)
        if chunk is None:
            return False
        problems = decisions.target_problems(self._planner.decide(conn, chunk))
        findings.add(problems, chunk.rows, chunk.position)
        return True

    def take(self, size: int) -> Chunk | None:
        """Return the next targets, *size* at most, None behind the last."""
        return self._planner.take(size)

    def decide(self, conn: Connection, chunk: Chunk) -> None:
        """Find the targets that cannot be created; those of an atomic batch were looked at before."""
        if self._batch.mode == "best_effort":
            self._planner.decide(conn, chunk)

    def decide_again(self, conn: Connection, chunk: Chunk) -> None:
        """Find those that others have created since."""
        self._planner.decide_again(conn, chunk)

    def carry_out(self, conn: Connection, chunk: Chunk, now: datetime) -> Made:
        """Create the possible targets and store what became of each; raises `MovedOn`, `TargetTaken`."""
        return _make(conn, self._batch, self._spec, chunk, now)

    def difference(self, conn: Connection, made: Made) -> str | None:
        """Read a chunk back; say what is not as it was ordered."""
        return is_as_ordered(conn, made)

    def difference_behind(self, conn: Connection, position: int) -> str | None:
        """Read back what was created behind *position*."""
        return difference(conn, self._batch.batch_id, position)

    def close(self) -> None:
        """Forget the targets."""
        self._planner.close()
