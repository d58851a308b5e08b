"""What is written of a user: columns, and the admin log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.services.users.authentication import Caller
from didier.storage.changes import vicidial_logs
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
