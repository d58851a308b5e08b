"""Making a large batch: each function is one step, in a transaction of its own.

An atomic batch is checked as a whole first (`check`), then made in chunks; if one of them fails, what was
made is removed again (`rollback`). A best-effort batch is checked chunk by chunk. After each step the
database says how far the batch has come, so that it goes on from there after a restart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import inputs
from didier.domain.targets import run_of
from didier.domain.visibility import EVERYTHING
from didier.errors import TargetProblem
from didier.services.batches import decisions, execute, rollback
from didier.services.batches.copies import PROBLEMS_SHOWN
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Chunk
from didier.services.batches.planner import Planner
from didier.services.batches.rows import block_of
from didier.services.changes.copied import Copies
from didier.storage.batches import progress
from didier.storage.batches.batches import Item
from didier.storage.batches.input_text import unpack
from didier.storage.batches.progress import PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.dids import read_back
from didier.storage.dids.bulk import Block
from didier.storage.statements import as_text

CHECKED = 5_000
"""How many targets are checked at a time."""


class MovedOn(Exception):
    """The batch is not where it was: another node is at it, or a step whose end was not seen."""


class TargetTaken(Exception):
    """A target that was free when the batch was checked exists by now."""


@dataclass(frozen=True, slots=True)
class Made:
    """A chunk that was made, to be read back."""

    block: Block
    ids: Sequence[int]


def open_planner(conn: Connection, batch: StoredBatch, spec: CopySpec) -> Planner:
    """Return the planner of a batch, behind the targets that are made already."""
    pieces = list(progress.pieces(conn, batch.batch_id))
    entries = inputs.skip(inputs.read(unpack(pieces)), batch.position)
    sight = replace(batch.caller_groups or EVERYTHING, prefix=batch.reach)
    planner = Planner(spec, entries, sight, batch.position)
    planner.remember(inputs.read(unpack(pieces)), batch.position)
    return planner


class Check:
    """Looks through the targets of an atomic batch, and gathers what keeps it from being made."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self.problems: list[TargetProblem] = []
        self.counts = {"exists": 0, "invalid": 0, "duplicate": 0}

    def step(self, conn: Connection) -> bool:
        """Look at the next targets; say whether there were any."""
        chunk = self._planner.take(CHECKED)
        if chunk is None:
            return False
        self._planner.decide(conn, chunk)
        for problem in decisions.target_problems(chunk):
            self.counts[problem.outcome] += 1
            if len(self.problems) < PROBLEMS_SHOWN:
                self.problems.append(problem)
        return True

    @property
    def failure(self) -> str | None:
        """Why the batch cannot be made, None when it can."""
        if not self.problems:
            return None
        total = sum(self.counts.values())
        more = f" and {total - 1} more" if total > 1 else ""
        return f"not every target can be made: {self.problems[0]}{more}"


def refuse(conn: Connection, batch: StoredBatch, check: Check, now: datetime) -> None:
    """Say that an atomic batch cannot be made; nothing was. Raises `MovedOn`."""
    there = _hold(conn, batch)
    problems = ((one.position, Item(one.target, one.outcome, None, 1, one.reason)) for one in check.problems)
    progress.add_items(conn, batch.batch_id, [PlacedItem(*problem) for problem in problems])
    progress.move(conn, there, "refuse", {
        "failure": check.failure, "finished_at": now, "existing": check.counts["exists"],
        "invalid": check.counts["invalid"], "duplicates": check.counts["duplicate"],
    })  # fmt: skip


def _hold(conn: Connection, batch: StoredBatch, position: int | None = None) -> StoredBatch:
    """Return a batch as it stands, and keep other nodes from it until this step is stored.

    Raises `MovedOn` unless it is in the phase in which it was, and at *position*.
    """
    there = progress.locked(conn, batch.batch_id)
    if there is None or there.phase != batch.phase:
        raise MovedOn
    if position is not None and there.position != position:
        raise MovedOn
    return there


def begin_check(conn: Connection, batch: StoredBatch) -> None:
    """Say that the targets of an atomic batch are being looked at. Raises `MovedOn`."""
    progress.move(conn, _hold(conn, batch), "check")


def begin(conn: Connection, batch: StoredBatch) -> None:
    """Say that the rows of a batch are being made. Raises `MovedOn`."""
    progress.move(conn, _hold(conn, batch), "make")


def make(conn: Connection, batch: StoredBatch, spec: CopySpec, chunk: Chunk, now: datetime) -> Made:
    """Create the possible targets of *chunk* and store what became of each.

    Raises `TargetTaken` when one exists by now, and `MovedOn` unless *chunk* is the next one.
    """
    _hold(conn, batch, chunk.position)
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
    change_log.record(conn, copies.changes(items, chunk.own, batch.batch_id, chunk.position), now)
    sizes: dict[str, int] = {}
    for placed in items:
        sizes[placed.item.outcome] = sizes.get(placed.item.outcome, 0) + placed.item.size
    counts = {_TOTALS[outcome]: size for outcome, size in sizes.items()}
    progress.advance(conn, batch.batch_id, chunk.end, counts)


_TOTALS: Mapping[str, str] = {
    "added": "added",
    "exists": "existing",
    "invalid": "invalid",
    "duplicate": "duplicates",
}


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
    return f"{wanted} DIDs were ordered, {found.there} are there, {found.equal} are as they were ordered"


def finish(conn: Connection, batch: StoredBatch, now: datetime) -> None:
    """Say that a batch is made. Raises `MovedOn`."""
    progress.move(conn, _hold(conn, batch), "finish", {"finished_at": now})
    if made := progress.get(conn, batch.batch_id):
        vicidial_logs.write_admin(conn, [_event(made)], now)


def _event(batch: StoredBatch) -> vicidial_logs.AdminEntry:
    return vicidial_logs.AdminEntry(
        user=batch.user_name,
        address=batch.address,
        type="COPY",
        record_id=str(batch.source_id),
        code="ADMIN API COPY DIDS",
        notes=f"DID Source: {batch.source_pattern} Inserts: {batch.added}"
        f" Insert Errors: {batch.requested - batch.added}",
        batch_id=batch.batch_id,
    )


def fail(conn: Connection, batch_id: int, reason: str, now: datetime) -> None:
    """Say why a batch failed; an atomic one that has made DIDs already has them removed next."""
    batch = progress.get(conn, batch_id)
    if batch is None:
        return
    if batch.mode == "atomic" and batch.added > batch.removed + batch.kept:
        progress.move(conn, batch, "roll back", {"failure": reason})
    else:
        progress.move(conn, batch, "fail", {"failure": reason, "finished_at": now})


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


def fail_orders(conn: Connection, orders: Sequence[tuple[int, str]]) -> list[None]:
    """Fail batches, each for its reason."""
    for batch_id, reason in orders:
        fail(conn, batch_id, reason, datetime.now())
    return [None] * len(orders)
