"""What was refused of a batch, row by row as it was written: to be mended and sent again."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.targets import in_run
from didier.errors import BatchNotFound, NotPermitted
from didier.services.batches import batches
from didier.services.users.authentication import Caller
from didier.storage.batches import refused_rows
from didier.storage.batches.progress import PlacedItem
from didier.storage.batches.refused_rows import Cells

NOT_DONE = ("exists", "duplicate", "invalid", "implausible", "nowhere", "missing", "refused")
"""What becomes of targets to which nothing was done."""

PAGE = 1_000
"""How many items are read at a time."""


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A target to which nothing was done, and the row that it was read from, if it was one of a table."""

    position: int
    target: str
    outcome: str
    reason: str | None
    read: Cells | None = None


def names(conn: Connection, caller: Caller, batch_id: int) -> list[str] | NotPermitted | BatchNotFound:
    """Return the columns of the table in which the refused rows of a batch were."""
    batch = batches.get(conn, caller, batch_id)
    if isinstance(batch, NotPermitted | BatchNotFound):
        return batch
    return refused_rows.names(conn, batch_id)


def page(
    conn: Connection, caller: Caller, batch_id: int, after: int
) -> Sequence[RefusedRow] | NotPermitted | BatchNotFound:
    """Return the next refused rows of a batch behind the position *after*; none behind the last."""
    found = batches.items(conn, caller, batch_id, after, PAGE, NOT_DONE)
    if isinstance(found, NotPermitted | BatchNotFound):
        return found
    if not found:
        return ()
    cells = refused_rows.between(conn, batch_id, found[0].position, found[-1].last)
    return [row for placed in found for row in _rows(placed, cells) if row.position > after]


def _rows(placed: PlacedItem, cells: dict[int, Cells]) -> list[RefusedRow]:
    run = placed.item
    return [
        RefusedRow(
            placed.position + number,
            in_run(run.target, number),
            run.outcome,
            run.reason,
            cells.get(placed.position + number),
        )
        for number in range(run.size)
    ]
