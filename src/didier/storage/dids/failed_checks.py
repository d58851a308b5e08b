"""With which DIDs something was wrong when all were looked at last: table ``didier_failed_checks``.

Didier can do without it; then nobody is told when that changes.
"""

from collections.abc import Collection, Mapping

from sqlalchemy.engine import Connection

from didier.storage import dialects, settings
from didier.storage.statements import as_json, columns_of, insert, run
from didier.storage.system.rights import may
from didier.storage.tables import FAILED_CHECKS

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


def between(conn: Connection, after: int, last: int | None) -> dict[int, str]:
    """Return what is kept of DIDs with ids above *after*, up to *last* if that is given: digests by id."""
    sql = f"SELECT did_id, digest FROM {FAILED_CHECKS} WHERE did_id > ?"
    upto, values = ("", []) if last is None else (" AND did_id <= ?", [last])
    return dict(map(tuple, run(conn, f"{sql}{upto}", after, *values)))


def put(conn: Connection, digests: Mapping[int, str]) -> None:
    """Keep *digests* by the ids of their DIDs, in the place of others."""
    remove(conn, digests)
    insert(conn, FAILED_CHECKS, ("did_id", "digest"), [*digests.items()])


def remove(conn: Connection, did_ids: Collection[int]) -> None:
    """Keep nothing of these DIDs any more."""
    if did_ids:
        listed = as_json(list(did_ids))
        run(conn, f"DELETE FROM {FAILED_CHECKS} WHERE did_id IN {dialects.of(conn).numbers}", listed)
