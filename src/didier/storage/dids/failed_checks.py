"""With which DIDs something was wrong when all were looked at last: table ``didier_failed_checks``.

Didier can do without it; then nobody is told when that changes.
"""

from collections.abc import Collection, Mapping

from sqlalchemy.engine import Connection

from didier.storage import dialects, settings
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


def within(conn: Connection, first: int, last: int) -> dict[int, str]:
    """Return what is kept of DIDs with ids from *first* to *last*: digests by id."""
    sql = f"SELECT did_id, digest FROM {FAILED_CHECKS} WHERE did_id BETWEEN ? AND ?"
    return dict(map(tuple, run(conn, sql, first, last)))


def following(conn: Connection, after: int) -> int | None:
    """Return the lowest id above *after* of a DID, or of one of which something is kept."""
    lowest = "SELECT MIN(did_id) AS did_id FROM {} WHERE did_id > ?"
    both = " UNION ALL ".join(map(lowest.format, (DIDS, FAILED_CHECKS)))
    found: int | None = scalar(conn, f"SELECT MIN(did_id) FROM ({both}) AS lowest", after, after)
    return found


def put(conn: Connection, digests: Mapping[int, str]) -> None:
    """Keep *digests* by the ids of their DIDs, in the place of others."""
    remove(conn, digests)
    insert(conn, FAILED_CHECKS, ("did_id", "digest"), [*digests.items()])


def remove(conn: Connection, did_ids: Collection[int]) -> None:
    """Keep nothing of these DIDs any more."""
    if did_ids:
        listed = as_json(list(did_ids))
        run(conn, f"DELETE FROM {FAILED_CHECKS} WHERE did_id IN {dialects.of(conn).numbers}", listed)
