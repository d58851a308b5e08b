"""What is written of a user: columns, the admin log, and the change log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.services.users.authentication import Caller
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Change
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.statements import as_text
from didier.storage.users import users
from didier.storage.users.users import StoredPassword


def columns(
    conn: Connection, values: Mapping[str, str], password: StoredPassword | None, now: datetime
) -> dict[str, Any]:
    """Return what is stored where *values* are set, and *password* if there is one."""
    stored: dict[str, Any] = {**values, "modify_stamp": as_text(now)}
    if password is not None:
        stored |= {"pass": password.plain, "pass_hash": password.hash}
    if "phone_pass" in stored and not users.keeps_plain(conn):
        stored["phone_pass"] = ""
    return stored


def entry(caller: Caller, name: str, kind: str, action: str, notes: str = "", *, sql: str = "") -> AdminEntry:
    """Return the row of the admin log that says what *caller* did to the user *name*, and *sql* for it."""
    return AdminEntry(
        user=caller.name,
        address=caller.address,
        type=kind,
        record_id=name,
        code=f"ADMIN API {action}",
        notes=f"user: {name}{notes}",
        section="USERS",
        sql=sql,
    )


def log(conn: Connection, entries: Sequence[AdminEntry], now: datetime) -> None:
    """Write *entries* to the admin log."""
    vicidial_logs.write_admin(conn, entries, now)


@dataclass(frozen=True, slots=True)
class ToldUser:
    """A change of the user *name*, for those who follow changes: no value of it, and no secret.

    *before* and *after* are user groups: who sees neither does not hear of it. *names* are the columns that
    were set.
    """

    caller: Caller
    action: str  # of `storage.changes.change_log`
    name: str
    before: str | None = None
    after: str | None = None
    names: Collection[str] = ()


def tell(conn: Connection, told: Sequence[ToldUser], now: datetime) -> None:
    """Write changes of users to the change log."""
    if told:
        change_log.record(conn, [_change(one) for one in told], now, kind=change_log.USER)


_CAUSES = {CREATED: "add", UPDATED: "update", DELETED: "delete"}


def _change(one: ToldUser) -> Change:
    return Change(
        author=one.caller.author,
        action=one.action,
        cause=_CAUSES[one.action],
        did_id=0,
        pattern="",
        batch_id=0,
        group_before=one.before,
        group_after=one.after,
        details={"user": one.name, "fields": sorted(one.names)},
        version=None,
    )
