"""DIDs that are locked against deletion: table ``didier_locked_dids``."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.statements import as_json, as_text, insert, run


def locked(conn: Connection, did_ids: Collection[int]) -> set[int]:
    """Return those of *did_ids* that are locked."""
    if not did_ids:
        return set()
    sql = f"SELECT did_id FROM didier_locked_dids WHERE did_id IN {dialects.of(conn).numbers}"
    return {row[0] for row in run(conn, sql, as_json(did_ids))}


def lock(conn: Connection, users: Mapping[int, tuple[str, int]], now: datetime) -> None:
    """Lock DIDs, each for its user, by name and id; those that are locked already stay as they are."""
    there = locked(conn, users.keys())
    rows = [
        (did_id, as_text(now), name[:20], user_id)
        for did_id, (name, user_id) in users.items()
        if did_id not in there
    ]
    insert(conn, "didier_locked_dids", ("did_id", "locked_at", "user_name", "user_id"), rows)


def unlock(conn: Connection, did_ids: Collection[int]) -> None:
    """End the locks of *did_ids*."""
    if did_ids:
        sql = f"DELETE FROM didier_locked_dids WHERE did_id IN {dialects.of(conn).numbers}"
        run(conn, sql, as_json(did_ids))


def between(conn: Connection, first: int, last: int) -> list[int]:
    """Return the ids from *first* to *last* whose DIDs are locked."""
    sql = "SELECT did_id FROM didier_locked_dids WHERE did_id BETWEEN ? AND ?"
    return [row[0] for row in run(conn, sql, first, last)]
