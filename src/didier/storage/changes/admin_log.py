"""VICIdial's admin log as it is read: who changed what, and in which of Didier's batches."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.statements import as_json, as_moment, as_text, known_columns, run, scalar
from didier.storage.tables import ADMIN_LOG, DIDS, USERS
from didier.storage.usage.id_search import first_since


@dataclass(frozen=True, slots=True)
class AdminLogLine:
    """A line of the admin log, without VICIdial's SQL: it holds passwords."""

    id: int
    when: str
    user: str
    address: str
    section: str  # DIDS, USERS, …
    type: str  # ADD, COPY, MODIFY, DELETE, …
    record_id: str
    code: str
    notes: str
    batch_id: int | None


@dataclass(frozen=True, slots=True)
class ChangeFilter:
    """Which lines are wanted; None: whatever there is. *visible* are the users' groups."""

    user: str | None = None
    section: str | None = None
    type: str | None = None
    record_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None  # excluded
    visible: Collection[str] | None = None


_COLUMNS = (
    "admin_log_id", "event_date", "user", "ip_address", "event_section", "event_type", "record_id",
    "event_code", "event_notes", "event_sql",
)  # fmt: skip
_BATCH = re.compile(r"didier batch (\d{1,10})\|")


def newest(conn: Connection) -> int:
    """Return the highest id in the admin log, 0 without lines."""
    return int(scalar(conn, f"SELECT MAX(admin_log_id) FROM {ADMIN_LOG}") or 0)


def page(conn: Connection, wanted: ChangeFilter, limit: int, before: int, floor: int) -> list[AdminLogLine]:
    """Return *limit* of the lines that are *wanted*, the newest first, with ids from *floor* to *before*.

    That of *before* itself is not among them.
    """
    if wanted.until is not None:
        until = first_since(conn, ADMIN_LOG, "admin_log_id", "event_date", wanted.until)
        before = min(before, until)
    if wanted.since is not None:
        floor = max(floor, first_since(conn, ADMIN_LOG, "admin_log_id", "event_date", wanted.since))
    conditions, values = ["admin_log_id < ?", "admin_log_id >= ?"], [before, floor]
    equal = {"user": wanted.user, "event_section": wanted.section, "event_type": wanted.type,
             "record_id": wanted.record_id}  # fmt: skip
    given: list[Any] = [*values]
    for column, value in equal.items():
        if value is not None:
            conditions.append(f"{column} = ?")
            given.append(value)
    if wanted.visible is not None:
        groups = f"user_group IN {dialects.of(conn).texts}"
        conditions.append(f"user IN (SELECT user FROM {USERS} WHERE {groups})")
        given.append(as_json([*sorted(wanted.visible), EVERY_GROUP]))
    names = known_columns(conn, ADMIN_LOG, _COLUMNS)
    columns = ", ".join(f"`{name}`" for name in names)
    where = " AND ".join(conditions)
    sql = f"SELECT {columns} FROM {ADMIN_LOG} WHERE {where} ORDER BY admin_log_id DESC LIMIT ?"
    return [_changed(dict(zip(names, row, strict=True))) for row in run(conn, sql, *given, limit)]


def _changed(row: dict[str, Any]) -> AdminLogLine:
    when = row["event_date"]
    batch = _BATCH.match(row.get("event_sql") or "")
    return AdminLogLine(
        id=row["admin_log_id"],
        when=as_text(when) if isinstance(when, datetime) else str(when),
        user=row["user"] or "",
        address=row.get("ip_address") or "",
        section=row["event_section"] or "",
        type=row["event_type"] or "",
        record_id=row["record_id"] or "",
        code=row.get("event_code") or "",
        notes=row.get("event_notes") or "",
        batch_id=int(batch[1]) if batch else None,
    )


def patterns(conn: Connection, did_ids: Collection[int]) -> dict[int, tuple[str, str | None]]:
    """Return pattern and user group of those of the DIDs that are there."""
    ids = as_json([str(did_id) for did_id in did_ids])
    number = f"SELECT CAST(v AS INTEGER) FROM {dialects.of(conn).items('v', 'VARCHAR(20)')}"
    sql = f"SELECT did_id, did_pattern, user_group FROM {DIDS} WHERE did_id IN ({number})"
    return {row[0]: (row[1], row[2]) for row in run(conn, sql, ids)} if did_ids else {}


@dataclass(frozen=True, slots=True)
class BatchSummary:
    """What tells a batch from others: its kind, when, by whom, from what it was made, its first target."""

    batch_id: int
    kind: str
    when: str
    user: str
    source: str
    target: str


def batches_between(conn: Connection, first: datetime, last: datetime, limit: int) -> Sequence[BatchSummary]:
    """Return *limit* of the batches that were ordered from *first* until before *last*."""
    found: dict[int, BatchSummary] = {}
    for table, key, column, sql in _ORDERED:
        low, high = (first_since(conn, table, key, column, end) for end in (first, last))
        for batch_id, kind, when, user, source, target in run(conn, sql, low, high, limit):
            moment = as_text(as_moment(when) or last)
            found[batch_id] = BatchSummary(batch_id, kind, moment, user, source or "", target or "")
    return [found[batch_id] for batch_id in sorted(found)][:limit]


_ORDERED = (
    (
        "didier_changes",
        "change_id",
        "changed_at",
        "SELECT change_id, cause, changed_at, user_name, source_pattern, did_pattern FROM didier_changes"
        " WHERE batch_id IS NULL AND change_id >= ? AND change_id < ? ORDER BY change_id LIMIT ?",
    ),
    (
        "didier_batches",
        "batch_id",
        "created_at",
        "SELECT b.batch_id, b.kind, b.created_at, b.user_name, b.source_pattern, i.target"
        " FROM didier_batches AS b"
        " LEFT JOIN didier_batch_items AS i ON i.batch_id = b.batch_id AND i.position = 1"
        " WHERE b.batch_id >= ? AND b.batch_id < ? ORDER BY b.batch_id LIMIT ?",
    ),
)
"""Where batches stand: those of one change, and others; key, time and statement of each."""
