"""With which DIDs something was wrong when all were looked at last: table ``didier_failed_checks``.

Didier can do without it; then nobody is told when that changes.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import row_sets, settings
from didier.storage.statements import as_json, columns_of, insert, run, scalar
from didier.storage.system.rights import may
from didier.storage.tables import DIDS, FAILED_CHECKS

_LAST_ROUND = "last_checks"


def are_kept(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may use it."""
    return bool(columns_of(conn, FAILED_CHECKS)) and may(conn, FAILED_CHECKS, ("SELECT", "INSERT", "DELETE"))


def last_round(conn: Connection) -> float | None:
    """Return when the last complete look at all DIDs began, in seconds since 1970; None before the first."""
    kept = settings.read(conn, _LAST_ROUND)
    return float(kept) if kept else None


def end_round(conn: Connection, began: float) -> None:
    """Say that all DIDs have been looked at."""
    settings.write(conn, _LAST_ROUND, repr(began))


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a DID: a *digest* of what was told, and the columns by which it was chosen."""

    digest: str
    chosen_by: Mapping[str, Any]


def within(conn: Connection, first: int, last: int) -> dict[int, Kept]:
    """Return what is kept of DIDs with ids from *first* to *last*, by id."""
    sql = f"SELECT did_id, digest, chosen_by FROM {FAILED_CHECKS} WHERE did_id BETWEEN ? AND ?"
    rows = run(conn, sql, first, last)
    return {did_id: Kept(digest, orjson.loads(chosen_by)) for did_id, digest, chosen_by in rows}


def following(conn: Connection, after: int) -> int | None:
    """Return the lowest id above *after* of a DID, or of one of which something is kept."""
    lowest = "SELECT MIN(did_id) AS did_id FROM {} WHERE did_id > ?"
    both = " UNION ALL ".join(map(lowest.format, (DIDS, FAILED_CHECKS)))
    found: int | None = scalar(conn, f"SELECT MIN(did_id) FROM ({both}) AS lowest", after, after)
    return found


def put(conn: Connection, found: Mapping[int, Kept]) -> None:
    """Keep what was *found*, by the ids of the DIDs, of which nothing is kept."""
    rows = [(did_id, kept.digest, as_json(kept.chosen_by)) for did_id, kept in found.items()]
    insert(conn, FAILED_CHECKS, ("did_id", "digest", "chosen_by"), rows)


def remove(conn: Connection, did_ids: Collection[int]) -> None:
    """Keep nothing of these DIDs any more."""
    row_sets.delete(conn, FAILED_CHECKS, ("did_id",), [(did_id,) for did_id in did_ids])
