"""What VICIdial's settings ask of a sign-in: address lists and a second factor of its own."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.storage import dialects
from didier.storage.failures import is_missing_table
from didier.storage.statements import as_text, bound_rows, run
from didier.storage.users.users import system_settings

_COLUMNS = (
    "allow_ip_lists", "system_ip_blacklist", "two_factor_auth_hours", "two_factor_container",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """What ``system_settings`` asks of a sign-in; all off when there is no such row."""

    ip_lists: bool = False
    blacklist: str = ""
    two_factor: bool = False


def read(conn: Connection) -> SignInSettings:
    """Read what the system asks of a sign-in."""
    row = system_settings(conn, _COLUMNS)
    if not row:
        return SignInSettings()
    return SignInSettings(
        ip_lists=row.get("allow_ip_lists", "0") not in {None, "", "0"},
        blacklist=row.get("system_ip_blacklist") or "",
        two_factor=(row.get("two_factor_auth_hours") or 0) > 0
        and (row.get("two_factor_container") or "---DISABLED---") != "---DISABLED---",
    )


def listed(conn: Connection, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of *wanted*, pairs of an IP list and what may stand in it, that stand there."""
    join = "vicidial_ip_list_entries AS e ON e.ip_list_id = r.list_id AND e.ip_address = r.place"
    return {(name, place) for name, place in _joined(conn, ("list_id", "place"), list(wanted), join)}


def inactive(conn: Connection, names: Collection[str]) -> set[str]:
    """Return those of the IP lists *names* that are switched off."""
    join = "vicidial_ip_lists AS l ON l.ip_list_id = r.list_id WHERE l.active = 'N'"
    return {name for (name,) in _joined(conn, ("list_id",), [(name,) for name in names], join)}


def confirmed(conn: Connection, names: Collection[str], now: datetime) -> set[str]:
    """Return those of the users *names* who have a confirmed two-factor session that has not expired."""
    join = "vicidial_two_factor_auth AS t ON t.user = r.name WHERE t.auth_stage = '1' AND t.auth_exp_date > ?"
    return {name for (name,) in _joined(conn, ("name",), [(name,) for name in names], join, as_text(now))}


def _joined(
    conn: Connection, columns: tuple[str, ...], rows: Sequence[Sequence[str]], join: str, *values: str
) -> list[tuple[Any, ...]]:
    """Return those of *rows* that *join* finds something for; none if VICIdial's version has no such table.

    A table that the database user may not read is an error: a list that forbids must not be overlooked.
    """
    if not rows:
        return []
    dialect = dialects.of(conn)
    source, bound = bound_rows(dialect, columns, rows)
    names = ", ".join(f"r.{name}" for name in columns)
    try:
        return run(conn, f"SELECT {names} FROM {source} {dialect.forced_join} {join}", *bound, *values)
    except DBAPIError as error:
        if is_missing_table(error):
            return []
        raise
