"""Users, their passwords as stored, and what the system's settings ask of a sign-in."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.storage.database import (
    as_json,
    as_moment,
    as_text,
    columns_of,
    insert,
    insert_one,
    run,
    scalar,
    values_of,
)
from didier.storage.tables import SYSTEM_SETTINGS, USER_GROUPS, USERS

_USER_COLUMNS = (
    "user_id", "user", "pass", "pass_hash", "active", "user_level", "user_group",
    "vdc_agent_api_access", "api_allowed_functions", "modify_inbound_dids", "delete_inbound_dids",
    "view_reports", "ignore_ip_list", "two_factor_override", "failed_login_count",
    "failed_login_attempts_today", "failed_login_count_today", "last_login_date", "last_ip",
)  # fmt: skip
_GROUP_COLUMNS = ("admin_viewable_groups", "api_ip_list")


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A password as it stands in the database: a hash, or VICIdial's plain text."""

    hash: str = field(repr=False)
    plain: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A user's row as far as signing in needs it."""

    user_id: int
    user: User
    password: StoredPassword
    active: bool
    failures: int  # failed_login_count
    attempts_today: int  # failed_login_attempts_today
    failures_today: int  # failed_login_count_today
    last_login: datetime | None
    last_ip: str
    ignores_ip_lists: bool
    two_factor_exempt: bool
    api_ip_list: str


@dataclass(frozen=True, slots=True)
class SignInSettings:
    """What ``system_settings`` asks of a sign-in; all off when there is no such row."""

    ip_lists: bool = False
    blacklist: str = ""
    two_factor: bool = False


def key(name: str) -> str:
    """Return the text under which two user names are the same user."""
    return name.rstrip(" ").casefold()


def accounts(conn: Connection, names: Collection[str]) -> dict[str, Account]:
    """Return the accounts that are there of the users *names*, by `key`."""
    of_user = _existing(columns_of(conn, USERS), _USER_COLUMNS)
    of_group = _existing(columns_of(conn, USER_GROUPS), _GROUP_COLUMNS)
    rows = run(conn, _accounts(conn.dialect.name, of_user, of_group), as_json(names))
    columns = of_user + of_group
    return {key(account.user.name): account for account in (_account(columns, row) for row in rows)}


@cache
def _existing(known: tuple[str, ...], wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of *wanted* that the table has: older VICIdial versions lack some."""
    return tuple(name for name in wanted if name in known)


@cache
def _accounts(dialect: str, of_user: tuple[str, ...], of_group: tuple[str, ...]) -> str:
    columns = [f"u.`{name}`" for name in of_user] + [f"g.{name}" for name in of_group]
    # vicidial_user_groups has no unique key: of two rows for one group any may be last and count.
    return (
        f"SELECT {', '.join(columns)} FROM {USERS} AS u"
        f" LEFT JOIN {USER_GROUPS} AS g ON g.user_group = u.user_group"
        f" WHERE u.user IN {values_of(dialect)}"
    )


def _account(columns: tuple[str, ...], values: tuple[Any, ...]) -> Account:
    row = dict(zip(columns, values, strict=True))
    user = User(
        name=row["user"],
        level=row["user_level"] or 0,
        group=row["user_group"] or "",
        api_access=row["vdc_agent_api_access"] == "1",
        functions=frozenset((row["api_allowed_functions"] or "").split()),
        modify_dids=row["modify_inbound_dids"] == "1",
        delete_dids=row["delete_inbound_dids"] == "1",
        view_reports=row["view_reports"] == "1",
        viewable_groups=row["admin_viewable_groups"],
    )
    return Account(
        user_id=row["user_id"],
        user=user,
        password=StoredPassword(hash=row.get("pass_hash") or "", plain=row["pass"] or ""),
        active=row["active"] == "Y",
        failures=row["failed_login_count"] or 0,
        attempts_today=row.get("failed_login_attempts_today") or 0,
        failures_today=row.get("failed_login_count_today") or 0,
        last_login=as_moment(row["last_login_date"]),
        last_ip=row["last_ip"] or "",
        ignores_ip_lists=row.get("ignore_ip_list") == "1",
        two_factor_exempt=row.get("two_factor_override") == "DISABLED",
        api_ip_list=row.get("api_ip_list") or "",
    )


def update(conn: Connection, changes: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """Set columns of users: pairs of user id and the values by column."""
    known = columns_of(conn, USERS)
    for user_id, values in changes:
        kept = {name: value for name, value in values.items() if name in known}
        assignments = ", ".join(f"`{name}` = ?" for name in kept)
        run(conn, f"UPDATE {USERS} SET {assignments} WHERE user_id = ?", *kept.values(), user_id)


def add(conn: Connection, values: dict[str, Any]) -> int:
    """Make a user with the columns in *values*, defaults elsewhere; return the user's id."""
    return insert_one(conn, USERS, values, "user_id")


def everyone(conn: Connection) -> list[Account]:
    """Return all accounts by name."""
    names = [row[0] for row in run(conn, f"SELECT user FROM {USERS} ORDER BY user")]
    found = accounts(conn, names)
    return [found[key(name)] for name in names]


def add_group(conn: Connection, name: str, title: str, viewable: str, now: datetime) -> None:
    """Make a user group that sees the DIDs of the groups in *viewable*."""
    columns = ("user_group", "group_name", "admin_viewable_groups", "modify_stamp")
    insert(conn, USER_GROUPS, columns, [(name, title, viewable, as_text(now))])


_SIGN_IN_COLUMNS = (
    "allow_ip_lists", "system_ip_blacklist", "two_factor_auth_hours", "two_factor_container",
)  # fmt: skip


def settings(conn: Connection) -> SignInSettings:
    """Read what the system asks of a sign-in."""
    row = _system_settings(conn, _SIGN_IN_COLUMNS)
    if not row:
        return SignInSettings()
    return SignInSettings(
        ip_lists=row.get("allow_ip_lists", "0") not in {None, "", "0"},
        blacklist=row.get("system_ip_blacklist") or "",
        two_factor=(row.get("two_factor_auth_hours") or 0) > 0
        and (row.get("two_factor_container") or "---DISABLED---") != "---DISABLED---",
    )


def non_latin(conn: Connection) -> bool:
    """Say whether letters of every script are kept in parameters (``use_non_latin``)."""
    return _system_settings(conn, ("use_non_latin",)).get("use_non_latin") == "1"


def _system_settings(conn: Connection, names: tuple[str, ...]) -> dict[str, Any]:
    existing = _existing(columns_of(conn, SYSTEM_SETTINGS), names)
    rows = run(conn, f"SELECT {', '.join(existing)} FROM {SYSTEM_SETTINGS} LIMIT 1")
    return dict(zip(existing, rows[0], strict=True)) if rows else {}


def is_listed(conn: Connection, name: str, address: str) -> bool:
    """Say whether the IP list *name* holds *address* or its first three numbers with ``.x``."""
    sql = "SELECT count(*) FROM vicidial_ip_list_entries WHERE ip_list_id = ? AND ip_address IN (?, ?)"
    return bool(scalar(conn, sql, name, address, address.rpartition(".")[0] + ".x"))


def is_list_inactive(conn: Connection, name: str) -> bool:
    """Say whether the IP list *name* is switched off."""
    sql = "SELECT active FROM vicidial_ip_lists WHERE ip_list_id = ?"
    return bool(scalar(conn, sql, name) == "N")


def second_factor_confirmed(conn: Connection, user: str, now: datetime) -> bool:
    """Say whether *user* has a confirmed two-factor session that has not expired."""
    sql = (
        "SELECT count(*) FROM vicidial_two_factor_auth"
        " WHERE user = ? AND auth_stage = '1' AND auth_exp_date > ?"
    )
    return bool(scalar(conn, sql, user, as_text(now)))


def locked_at(conn: Connection, user: str) -> float | None:
    """Return when *user* was locked (seconds since the epoch), None if Didier never locked them."""
    found: float | None = scalar(conn, "SELECT locked_at FROM didier_lockouts WHERE user_name = ?", key(user))
    return found


def lock(conn: Connection, user: str, at: float) -> None:
    """Remember that *user* is locked since *at* (seconds since the epoch)."""
    run(conn, "DELETE FROM didier_lockouts WHERE user_name = ?", key(user))
    run(conn, "INSERT INTO didier_lockouts (user_name, locked_at) VALUES (?, ?)", key(user), at)
