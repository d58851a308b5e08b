"""DIDs that are locked against deletion: a field of Didier's own, see `did_fields`.

Earlier releases keep their locks in ``didier_locked_dids``: one that works beside this one may add some.
"""

from collections.abc import Collection

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.statements import as_json, run

_TABLES = ("didier_locked_dids WHERE", "didier_did_fields WHERE locked = 'Y' AND")


def locked(conn: Connection, did_ids: Collection[int]) -> set[int]:
    """Return those of *did_ids* that are locked."""
    if not did_ids:
        return set()
    among = f"did_id IN {dialects.of(conn).numbers}"
    sql = " UNION ".join(f"SELECT did_id FROM {table} {among}" for table in _TABLES)
    return {row[0] for row in run(conn, sql, *[as_json(list(did_ids))] * len(_TABLES))}


def forget(conn: Connection, did_ids: Collection[int]) -> None:
    """End the locks of earlier releases on *did_ids*."""
    row_sets.delete(conn, "didier_locked_dids", ("did_id",), [(did_id,) for did_id in did_ids])


def between(conn: Connection, first: int, last: int) -> list[int]:
    """Return the ids from *first* to *last* whose DIDs are locked."""
    sql = " UNION ".join(f"SELECT did_id FROM {table} did_id BETWEEN ? AND ?" for table in _TABLES)
    return [row[0] for row in run(conn, sql, *[first, last] * len(_TABLES))]
