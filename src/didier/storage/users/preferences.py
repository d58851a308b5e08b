"""What users have chosen to see: table ``didier_preferences``, which Didier can do without."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import row_sets
from didier.storage.statements import as_text, columns_of, insert, run, run_change, scalar
from didier.storage.system.rights import may
from didier.storage.tables import PREFERENCES

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_COLUMNS = ("user_id", "kind", "name", "value", "shared", "updated_at")
_SELECT = f"SELECT user_id, kind, name, value, shared FROM {PREFERENCES}"


@dataclass(frozen=True, slots=True)
class Preference:
    """Something that a user has chosen; *value* is as JSON has it."""

    user_id: int
    kind: str
    name: str
    value: Mapping[str, Any]
    shared: bool


def are_kept(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may use it."""
    return bool(columns_of(conn, PREFERENCES)) and may(conn, PREFERENCES, _RIGHTS)


def seen(conn: Connection, user_id: int, kind: str) -> list[Preference]:
    """Return what *user_id* has of a kind, and what others share of it, by name."""
    sql = f"{_SELECT} WHERE kind = ? AND (user_id = ? OR shared = 1) ORDER BY name, user_id"
    return [_preference(*row) for row in run(conn, sql, kind, user_id)]


def one(conn: Connection, user_id: int, kind: str, name: str) -> Preference | None:
    """Return what *user_id* has under a name."""
    rows = run(conn, f"{_SELECT} WHERE user_id = ? AND kind = ? AND name = ?", user_id, kind, name)
    return _preference(*rows[0]) if rows else None


def _preference(user_id: int, kind: str, name: str, value: str, shared: int) -> Preference:
    return Preference(user_id, kind, name, orjson.loads(value), bool(shared))


def count(conn: Connection, user_id: int, kind: str) -> int:
    """Return how many of a kind *user_id* has."""
    sql = f"SELECT COUNT(*) FROM {PREFERENCES} WHERE user_id = ? AND kind = ?"
    return int(scalar(conn, sql, user_id, kind))


def oldest(conn: Connection, user_id: int, kind: str) -> str:
    """Return the name of what *user_id* has stored longest ago."""
    sql = f"SELECT name FROM {PREFERENCES} WHERE user_id = ? AND kind = ? ORDER BY updated_at, name LIMIT 1"
    return str(scalar(conn, sql, user_id, kind))


def put(conn: Connection, preference: Preference, now: datetime) -> None:
    """Store a preference in the place of what has its name."""
    remove(conn, preference.user_id, preference.kind, preference.name)
    row = (
        preference.user_id, preference.kind, preference.name, orjson.dumps(preference.value).decode(),
        int(preference.shared), as_text(now),
    )  # fmt: skip
    insert(conn, PREFERENCES, _COLUMNS, [row])


def remove(conn: Connection, user_id: int, kind: str, name: str) -> bool:
    """Forget a preference; say whether there was one."""
    sql = f"DELETE FROM {PREFERENCES} WHERE user_id = ? AND kind = ? AND name = ?"
    return run_change(conn, sql, user_id, kind, name) > 0


def forget(conn: Connection, user_ids: Collection[int]) -> None:
    """Forget all that users have stored, also what they share."""
    if user_ids and are_kept(conn):
        row_sets.delete(conn, PREFERENCES, ("user_id",), [(user_id,) for user_id in user_ids])
