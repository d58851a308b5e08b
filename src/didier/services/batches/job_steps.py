"""What happens to a large batch, of whatever kind: each function is one step, in a transaction of its own.

An atomic batch is checked as a whole first, then carried out in chunks; if one of them fails, what was done
is taken back again. A best-effort batch is checked chunk by chunk. After each step the database says how far
the batch has come, so that it goes on from there after a restart.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.inputs import Row
from didier.errors import TargetProblem
from didier.services.batches.copy_plans import PROBLEMS_SHOWN
from didier.storage.batches import progress, refused_rows
from didier.storage.batches.batches import TOTALS, BatchItem
from didier.storage.batches.progress import PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import vicidial_logs

CHECKED = 5_000
"""How many targets are checked at a time."""

LONGEST_FAILURE = 1_000
"""Most characters that are stored of why a batch failed: a target may be a line of a million."""


class MovedOn(Exception):
    """The batch is not where it was: another node is at it, or a step whose end was not seen."""


class TargetTaken(Exception):
    """Others have created or changed a target since the batch was checked."""

    def __init__(
        self, detail: str = "a target that was free when the batch was checked has been created since"
    ) -> None:
        super().__init__(detail)


@dataclass(slots=True)
class Findings:
    """What keeps an atomic batch from being carried out: the first problems, and how many there are."""

    problems: list[TargetProblem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)  # by outcome
    rows: dict[int, Row] = field(default_factory=dict)  # those of the problems, by position

    def add(self, found: Iterable[TargetProblem], rows: Sequence[Row], position: int) -> None:
        """Take more problems; *rows* are all that were looked at, behind the first *position* targets."""
        for problem in found:
            self.counts[problem.outcome] += 1
            if len(self.problems) < PROBLEMS_SHOWN:
                self.problems.append(problem)
                if rows:
                    self.rows[problem.position] = rows[problem.position - position - 1]

    @property
    def failure(self) -> str | None:
        """Why the batch cannot be carried out, None when it can."""
        if not self.problems:
            return None
        total = self.counts.total()
        more = f" and {total - 1} more" if total > 1 else ""
        return f"some targets are not possible: {self.problems[0]}{more}"


def refuse(conn: Connection, batch: StoredBatch, findings: Findings, now: datetime) -> None:
    """Say that an atomic batch cannot be carried out; nothing was. Raises `MovedOn`."""
    there = hold(conn, batch)
    problems = (
        (one.position, BatchItem(one.target, one.outcome, None, 1, one.reason)) for one in findings.problems
    )
    progress.add_items(conn, batch.batch_id, [PlacedItem(*problem) for problem in problems])
    counts: Counter[str] = Counter()
    for outcome, count in findings.counts.items():
        counts[TOTALS[outcome]] += count
    progress.advance(conn, batch.batch_id, there.position, counts)
    refused_rows.keep(conn, batch.batch_id, findings.rows)
    failure = (findings.failure or "")[:LONGEST_FAILURE]
    progress.move(conn, there, "refuse", {"failure": failure, "finished_at": now})


def hold(conn: Connection, batch: StoredBatch, position: int | None = None) -> StoredBatch:
    """Return a batch as it stands, and keep other nodes from it until this step is stored.

    Raises `MovedOn` unless it is in the phase in which it was, and at *position*.
    """
    there = progress.locked(conn, batch.batch_id)
    if there is None or there.phase != batch.phase:
        raise MovedOn
    if position is not None and there.position != position:
        raise MovedOn
    return there


def look(conn: Connection, batch: StoredBatch) -> None:
    """Raise `MovedOn` unless a batch is in the phase in which it was: it may have been cancelled."""
    there = progress.get(conn, batch.batch_id)
    if there is None or there.phase != batch.phase:
        raise MovedOn


def begin_check(conn: Connection, batch: StoredBatch) -> None:
    """Say that the targets of an atomic batch are being looked at. Raises `MovedOn`."""
    progress.move(conn, hold(conn, batch), "check")


def begin(conn: Connection, batch: StoredBatch) -> None:
    """Say that the rows of a batch are being made. Raises `MovedOn`."""
    progress.move(conn, hold(conn, batch), "make")


def finish(conn: Connection, batch: StoredBatch, now: datetime) -> None:
    """Say that a batch is carried out, or that it failed if its text is not complete. Raises `MovedOn`."""
    there = hold(conn, batch)
    if there.position < there.requested:
        fail(conn, batch.batch_id, "its list of targets is missing from the database", now)
        return
    progress.move(conn, there, "finish", {"finished_at": now})
    if done := progress.get(conn, batch.batch_id):
        vicidial_logs.write_admin(conn, [_event(done)], now)


def _event(batch: StoredBatch) -> vicidial_logs.AdminEntry:
    """Return the row of VICIdial's admin log that tells of a large batch as a whole."""
    left = batch.requested - batch.edited
    notes = f"DIDs: {batch.edited} Errors: {left}"
    if batch.kind == "copy":
        notes = f"DID Source: {batch.source_pattern} Inserts: {batch.edited} Insert Errors: {left}"
    return vicidial_logs.AdminEntry(
        user=batch.user_name,
        address=batch.address,
        type=_TYPES[batch.kind],
        record_id=str(batch.source_id),
        code=f"ADMIN API {batch.kind.upper()} DIDS",
        notes=notes,
        batch_id=batch.batch_id,
    )


_TYPES = {"copy": "COPY", "add": "ADD", "import": "ADD", "update": "MODIFY", "delete": "DELETE"}
"""VICIdial's words for what a batch does."""


def fail(conn: Connection, batch_id: int, reason: str, now: datetime) -> None:
    """Say why a batch failed; what an atomic one has done already is taken back next."""
    batch = progress.get(conn, batch_id)
    if batch is None:
        return
    if batch.mode == "atomic" and batch.edited > batch.taken_back:
        progress.move(conn, batch, "roll back", {"failure": reason[:LONGEST_FAILURE]})
    else:
        progress.move(conn, batch, "fail", {"failure": reason[:LONGEST_FAILURE], "finished_at": now})


def fail_there(conn: Connection, batch: StoredBatch, reason: str, now: datetime) -> None:
    """Say why a batch failed, unless it was cancelled in this moment: then that is why."""
    there = progress.locked(conn, batch.batch_id)
    if there and there.phase == batch.phase:
        fail(conn, batch.batch_id, reason, now)


def fail_orders(conn: Connection, orders: Sequence[tuple[int, str]]) -> list[None]:
    """Fail batches, each for its reason."""
    for batch_id, reason in orders:
        fail(conn, batch_id, reason, datetime.now())
    return [None] * len(orders)
