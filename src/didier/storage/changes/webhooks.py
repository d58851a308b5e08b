"""Endpoints of webhooks, how far each is, and attempts: ``didier_webhooks``, ``didier_webhook_attempts``.

Didier can do without these tables. An endpoint's progress is stored under the *edition* that it was read
with: once people have changed the endpoint, what was under way by then is not stored any more.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.domain.webhooks import Endpoint
from didier.storage import dialects
from didier.storage.statements import (
    as_moment,
    as_text,
    columns_of,
    insert,
    insert_one,
    run,
    run_change,
)
from didier.storage.system.rights import may
from didier.storage.tables import WEBHOOK_ATTEMPTS, WEBHOOKS

_RIGHTS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_PROGRESS = (
    "number", "part", "first_at", "attempts", "retry_at", "succeeded_at", "failing_since", "disabled_at",
    "disabled_reason",
)  # fmt: skip
_COLUMNS = (
    "webhook_id", "user_id", "user_name", "created_at", "value", "secret", "old_secret", "old_until",
    "edition", *_PROGRESS,
)  # fmt: skip
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM {WEBHOOKS}"
_FIELDS = tuple(one.name for one in fields(Endpoint))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an endpoint is.

    The change *number* and those before it are done with; of its events those up to *part*, None: all. The
    next event was tried *attempts* times since *first_at*, and is tried again at *retry_at*.
    """

    number: int
    part: int | None = None
    first_at: datetime | None = None
    attempts: int = 0
    retry_at: datetime | None = None
    succeeded_at: datetime | None = None
    failing_since: datetime | None = None
    disabled_at: datetime | None = None
    disabled_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Webhook:
    """An endpoint as it is stored, with its sealed secrets; the old one signs too until *old_until*."""

    webhook_id: int
    user_id: int
    user: str
    created_at: datetime
    endpoint: Endpoint
    edition: int
    progress: Progress
    secret: str = field(repr=False)
    old_secret: str | None = field(default=None, repr=False)
    old_until: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether events are sent to it."""
        return self.endpoint.is_enabled and self.progress.disabled_at is None


def are_kept(conn: Connection) -> bool:
    """Say whether the tables are there, and the database user may use them."""
    tables = (WEBHOOKS, WEBHOOK_ATTEMPTS)
    return all(columns_of(conn, table) and may(conn, table, _RIGHTS) for table in tables)


def every(conn: Connection, *, held: bool = False) -> list[Webhook]:
    """Return all endpoints, the oldest first; none where they are not kept. *held* is as for `one`."""
    if not columns_of(conn, WEBHOOKS):
        return []
    lock = dialects.of(conn).row_lock if held else ""
    return [_webhook(row) for row in run(conn, f"{_SELECT} ORDER BY webhook_id{lock}")]


def one(conn: Connection, webhook_id: int, *, held: bool = False) -> Webhook | None:
    """Return an endpoint; *held*: keep others from changing it until the transaction ends."""
    lock = dialects.of(conn).row_lock if held else ""
    rows = run(conn, f"{_SELECT} WHERE webhook_id = ?{lock}", webhook_id)
    return _webhook(rows[0]) if rows else None


def _webhook(values: Sequence[Any]) -> Webhook:
    row = dict(zip(_COLUMNS, values, strict=True))
    moments = {name: as_moment(row[name]) for name in row if name.endswith(("_at", "_until", "_since"))}
    row |= moments
    given = orjson.loads(row["value"])
    # What later releases add is left out: they may be at work beside this one.
    endpoint = Endpoint(**{name: _listed(given[name]) for name in _FIELDS if name in given})
    return Webhook(
        webhook_id=row["webhook_id"],
        user_id=row["user_id"],
        user=row["user_name"],
        created_at=row["created_at"],
        endpoint=endpoint,
        edition=row["edition"],
        progress=Progress(**{name: row[name] for name in _PROGRESS}),
        secret=row["secret"],
        old_secret=row["old_secret"],
        old_until=row["old_until"],
    )


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def add(conn: Connection, endpoint: Endpoint, user_id: int, user: str, number: int, now: datetime) -> int:
    """Store a new endpoint, still without a secret, that hears of what is behind *number*; return its id."""
    row = {
        "user_id": user_id, "user_name": user[:20], "created_at": as_text(now), "value": _value(endpoint),
        "secret": "", "edition": 1, "number": number,
    }  # fmt: skip
    return insert_one(conn, WEBHOOKS, row, "webhook_id")


def _value(endpoint: Endpoint) -> str:
    return orjson.dumps(asdict(endpoint)).decode()


def change(conn: Connection, webhook: Webhook) -> None:
    """Store what people have changed of an endpoint, as a new edition."""
    values: dict[str, Any] = {
        "value": _value(webhook.endpoint), "user_id": webhook.user_id, "user_name": webhook.user[:20],
        "secret": webhook.secret, "old_secret": webhook.old_secret, "old_until": webhook.old_until,
        **_values(webhook.progress),
    }  # fmt: skip
    names = ", ".join(f"{name} = ?" for name in values)
    sql = f"UPDATE {WEBHOOKS} SET edition = edition + 1, {names} WHERE webhook_id = ?"
    run(conn, sql, *map(_plain, values.values()), webhook.webhook_id)


def _values(progress: Progress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in _PROGRESS}


def _plain(value: Any) -> Any:
    return as_text(value) if isinstance(value, datetime) else value


def advance(conn: Connection, webhook_id: int, edition: int, progress: Progress) -> bool:
    """Store how far an endpoint is; say whether it has the *edition* still."""
    values = _values(progress)
    names = ", ".join(f"{name} = ?" for name in values)
    sql = f"UPDATE {WEBHOOKS} SET {names} WHERE webhook_id = ? AND edition = ?"
    return run_change(conn, sql, *map(_plain, values.values()), webhook_id, edition) == 1


def remove(conn: Connection, webhook_id: int) -> None:
    """Delete an endpoint and its attempts."""
    for table in (WEBHOOK_ATTEMPTS, WEBHOOKS):
        run(conn, f"DELETE FROM {table} WHERE webhook_id = ?", webhook_id)


def set_secret(conn: Connection, webhook_id: int, secret: str, old_secret: str | None) -> None:
    """Store the secrets of an endpoint, sealed again; it is the same edition."""
    sql = f"UPDATE {WEBHOOKS} SET secret = ?, old_secret = ? WHERE webhook_id = ?"
    run(conn, sql, secret, old_secret, webhook_id)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of sending an event to an endpoint; *attempt_id* is 0 before it is stored."""

    webhook_id: int
    at: datetime
    cause: str  # feed, resend or test
    event_id: str
    event_type: str
    number: int  # of the change; 0 for a test
    attempt: int
    outcome: str  # taken, repeated or failed
    status: int | None
    error: str
    answer: str
    milliseconds: int
    attempt_id: int = 0


_ATTEMPT = (
    "webhook_id", "attempted_at", "cause", "event_id", "event_type", "number", "attempt", "outcome", "status",
    "error", "answer", "milliseconds",
)  # fmt: skip


def record(conn: Connection, attempts: Sequence[Attempt]) -> None:
    """Store attempts."""
    rows = [
        (one.webhook_id, as_text(one.at), one.cause, one.event_id[:40], one.event_type[:30], one.number,
         one.attempt, one.outcome, one.status, one.error[:255], one.answer, one.milliseconds)
        for one in attempts
    ]  # fmt: skip
    insert(conn, WEBHOOK_ATTEMPTS, _ATTEMPT, rows)


def attempts(
    conn: Connection, webhook_id: int, limit: int, before: int | None = None, outcome: str | None = None
) -> list[Attempt]:
    """Return *limit* attempts of an endpoint, the newest first, below the id *before*; of one *outcome*."""
    where = "webhook_id = ?"
    given: list[Any] = [webhook_id]
    for condition, value in (("attempt_id < ?", before), ("outcome = ?", outcome)):
        if value is not None:
            where += f" AND {condition}"
            given.append(value)
    sql = f"SELECT attempt_id, {', '.join(_ATTEMPT)} FROM {WEBHOOK_ATTEMPTS} WHERE {where}"
    return [_attempt(row) for row in run(conn, f"{sql} ORDER BY attempt_id DESC LIMIT ?", *given, limit)]


def _attempt(values: Sequence[Any]) -> Attempt:
    row = dict(zip(("attempt_id", *_ATTEMPT), values, strict=True))
    row["at"] = as_moment(row.pop("attempted_at")) or datetime.min
    return Attempt(**row | {name: row[name] or "" for name in ("error", "answer")})


def tidy(conn: Connection, webhook_ids: Collection[int], most: int, since: datetime) -> None:
    """Forget attempts before *since*, and of each endpoint those beyond the last *most*."""
    run(conn, f"DELETE FROM {WEBHOOK_ATTEMPTS} WHERE attempted_at < ?", as_text(since))
    for webhook_id in webhook_ids:
        if rows := run(conn, _BEYOND, webhook_id, most):
            forget = f"DELETE FROM {WEBHOOK_ATTEMPTS} WHERE webhook_id = ? AND attempt_id <= ?"
            run(conn, forget, webhook_id, rows[0][0])


_BEYOND = (
    f"SELECT attempt_id FROM {WEBHOOK_ATTEMPTS} WHERE webhook_id = ?"
    " ORDER BY attempt_id DESC LIMIT 1 OFFSET ?"
)
