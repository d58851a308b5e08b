"""Opening hours: table ``didier_schedules``, which Didier can do without."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson
from sqlalchemy.engine import Connection

from didier.domain import schedules
from didier.domain.schedules import Schedule
from didier.domain.users import EVERY_GROUP
from didier.errors import InvalidField
from didier.storage import dialects
from didier.storage.statements import as_json, as_text, columns_of, insert, like, run, run_change
from didier.storage.system.rights import may
from didier.storage.tables import DIDS, SCHEDULES

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_SELECT = f"SELECT name, user_group, value FROM {SCHEDULES}"


@dataclass(frozen=True, slots=True)
class StoredSchedule:
    """A schedule, and the user group that sees it."""

    schedule: Schedule
    group: str


def are_kept(conn: Connection) -> bool:
    """Say whether the table is there, and the database user may use it."""
    return bool(columns_of(conn, SCHEDULES)) and may(conn, SCHEDULES, _RIGHTS)


def by_name(conn: Connection, names: Collection[str]) -> dict[str, Schedule]:
    """Return the schedules that are called *names*, in any case, by the names that were asked for."""
    if not columns_of(conn, SCHEDULES):
        return {}
    found = run(conn, f"{_SELECT} WHERE name IN {dialects.of(conn).texts}", as_json(names))
    there = {name.lower(): _read(name, value) for name, _, value in found}
    known = {name: there.get(name.lower()) for name in names}
    return {name: schedule for name, schedule in known.items() if schedule}


def page(
    conn: Connection, text: str, groups: Collection[str] | None, limit: int, after: str
) -> list[StoredSchedule]:
    """Return *limit* schedules that *text* is a part of the names of, behind *after*, by name.

    With *groups* only those of these user groups.
    """
    where, values = "name > ? AND name LIKE ? ESCAPE '!'", [after, like(text)]
    if groups is not None:
        where += f" AND user_group IN {dialects.of(conn).texts}"
        values.append(as_json([*sorted(groups), EVERY_GROUP]))
    rows = run(conn, f"{_SELECT} WHERE {where} ORDER BY name LIMIT ?", *values, limit)
    read = [(_read(name, value), group) for name, group, value in rows]
    return [StoredSchedule(schedule, group) for schedule, group in read if schedule]


def every(conn: Connection) -> list[StoredSchedule]:
    """Return all schedules, by name; none where they are not kept."""
    if not columns_of(conn, SCHEDULES):
        return []
    read = [(_read(name, value), group) for name, group, value in run(conn, f"{_SELECT} ORDER BY name")]
    return [StoredSchedule(schedule, group) for schedule, group in read if schedule]


def one(conn: Connection, name: str) -> StoredSchedule | None:
    """Return the schedule called *name*."""
    rows = run(conn, f"{_SELECT} WHERE name = ?", name)
    schedule = _read(rows[0][0], rows[0][2]) if rows else None
    return StoredSchedule(schedule, rows[0][1]) if schedule else None


@lru_cache(maxsize=1024)
def _read(name: str, value: str) -> Schedule | None:
    """Return a schedule that is stored, None if it is none any more: no call may be lost over it."""
    try:
        return schedules.of(name, orjson.loads(value))
    except (InvalidField, ValueError, TypeError, AttributeError):
        return None


def put(conn: Connection, stored: StoredSchedule, now: datetime) -> None:
    """Store a schedule in the place of the one with its name."""
    remove(conn, stored.schedule.name)
    value = orjson.dumps(schedules.values_of(stored.schedule)).decode()
    row = (stored.schedule.name, stored.group, value, as_text(now))
    insert(conn, SCHEDULES, ("name", "user_group", "value", "updated_at"), [row])


def remove(conn: Connection, name: str) -> bool:
    """Delete a schedule; say whether there was one."""
    return run_change(conn, f"DELETE FROM {SCHEDULES} WHERE name = ?", name) > 0


def count(conn: Connection) -> int:
    """Return how many schedules there are."""
    return int(run(conn, f"SELECT COUNT(*) FROM {SCHEDULES}")[0][0])


def users(conn: Connection, name: str, limit: int) -> list[tuple[str, str | None]]:
    """Return pattern and user group of *limit* DIDs that have the schedule *name*."""
    sql = (
        f"SELECT d.did_pattern, d.user_group FROM didier_did_fields AS f JOIN {DIDS} AS d"
        " ON d.did_id = f.did_id WHERE LOWER(f.schedule) = LOWER(?) ORDER BY d.did_id LIMIT ?"
    )
    return [(str(pattern), group) for pattern, group in run(conn, sql, name, limit)]
