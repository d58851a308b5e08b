"""The sequence of the change log: numbers without gaps, in the order of commits.

SQLite has one writer, so the ids of changes are that. On MariaDB an id is given out when a row is written,
and the transaction with the lower one may be committed later: there whoever has the lease of the sequencer
numbers what was committed. A reader that has seen a number never sees a smaller one appear. Of one DID the
ids are in the order of the commits, as its row is locked before its change is written; so are their numbers.

There is one kind of gap: before the mark of a restored backup are the numbers of what it has undone (see
`storage.changes.restores`), which are never given out again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.changes import change_log
from didier.storage.changes.change_log import RESTORE, Recorded
from didier.storage.statements import run, scalar
from didier.storage.usage.id_search import first_since

GAP = 100_000_000
"""How many numbers are passed over where nobody knows how many a backup has undone: more than those."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """A change and its number."""

    number: int
    recorded: Recorded


def is_by_ids(conn: Connection) -> bool:
    """Say whether the ids of changes are their numbers."""
    return dialects.of(conn).has_one_writer


def is_complete(conn: Connection) -> bool:
    """Say whether all that was committed is numbered."""
    return is_by_ids(conn) or not run(conn, "SELECT 1 FROM didier_changes WHERE sequence IS NULL LIMIT 1")


def number(conn: Connection, limit: int) -> int:
    """Number *limit* of the changes that are not yet; return how many there were.

    To be called by who has the lease, in a transaction in which nothing was read before: it has to see what
    the one before has numbered.
    """
    last = int(scalar(conn, "SELECT MAX(sequence) FROM didier_changes") or 0)
    found = run(
        conn,
        "SELECT change_id, kind FROM didier_changes WHERE sequence IS NULL ORDER BY change_id LIMIT ?",
        limit,
    )
    steps = (GAP if kind == RESTORE else 1 for _, kind in found)
    places = accumulate(steps, initial=last)
    next(places)
    rows = [(change_id, place) for (change_id, _), place in zip(found, places, strict=True)]
    row_sets.update(conn, "didier_changes", ("change_id",), ("sequence",), rows)
    return len(rows)


def newest(conn: Connection) -> int:
    """Return the highest number, 0 without changes."""
    return int(scalar(conn, f"SELECT MAX({_column(conn)}) FROM didier_changes") or 0)


def before(conn: Connection, moment: datetime) -> int:
    """Return the number of the last change before *moment*, 0 if there is none."""
    since = first_since(conn, "didier_changes", "change_id", "changed_at", moment)
    first = scalar(conn, f"SELECT MIN({_column(conn)}) FROM didier_changes WHERE change_id >= ?", since)
    return newest(conn) if first is None else _last_below(conn, int(first))


def _last_below(conn: Connection, number: int) -> int:
    column = _column(conn)
    return int(scalar(conn, f"SELECT MAX({column}) FROM didier_changes WHERE {column} < ?", number) or 0)


def is_known(conn: Connection, number: int) -> bool:
    """Say whether whoever has seen *number* may go on from it.

    Not from one that was never given out, nor from one that a restored backup has undone: of those the log
    has none, and the next that it has is the mark.
    """
    column = _column(conn)
    sql = f"SELECT {column}, kind FROM didier_changes WHERE {column} > ? ORDER BY {column} LIMIT 1"
    for behind, kind in run(conn, sql, number):
        return kind != RESTORE or number <= _last_below(conn, behind)
    return number <= newest(conn)


def after(conn: Connection, seen: int, limit: int) -> Sequence[Numbered]:
    """Return *limit* changes behind the number *seen*, in order."""
    column = _column(conn)
    sql = f"SELECT {column}, change_id FROM didier_changes WHERE {column} > ? ORDER BY {column} LIMIT ?"
    numbers = run(conn, sql, seen, limit)
    found = change_log.some(conn, [change_id for _, change_id in numbers])
    return [Numbered(place, found[change_id]) for place, change_id in numbers]


def _column(conn: Connection) -> str:
    return "change_id" if is_by_ids(conn) else "sequence"
