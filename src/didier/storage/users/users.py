"""Users, and their passwords as stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.storage import dialects, row_sets
from didier.storage.dialects import SqlDialect
from didier.storage.statements import (
    as_json,
    as_moment,
    columns_of,
    insert_one,
    known_columns,
    run,
)
from didier.storage.tables import SYSTEM_SETTINGS, USER_GROUPS, USERS

_USER_COLUMNS = (
    "user_id", "user", "pass", "pass_hash", "active", "user_level", "user_group",
    "vdc_agent_api_access", "api_allowed_functions", "modify_inbound_dids", "delete_inbound_dids",
    "view_reports", "modify_users", "delete_users", "ast_admin_access", "modify_same_user_level",
    "ignore_ip_list", "two_factor_override", "failed_login_count",
    "failed_login_attempts_today", "failed_login_count_today", "last_login_date", "last_ip",
)  # fmt: skip
_GROUP_COLUMNS = ("admin_viewable_groups", "api_ip_list")
_HASH_COLUMNS = ("pass_hash_enabled", "pass_key", "pass_cost")
_ARGON2 = "$argon2"


@dataclass(frozen=True, slots=True)
class VicidialHashing:
    """How VICIdial hashes all its passwords: bcrypt with one *key* and *cost* of ``system_settings``."""

    key: str = field(repr=False)
    cost: int


@dataclass(frozen=True, slots=True)
class StoredPassword:
    """A password as it stands in the database: a hash, or VICIdial's plain text.

    With *vicidial* the hash may be one of VICIdial's, and plain text does not count.
    """

    hash: str = field(repr=False)
    plain: str = field(repr=False)
    vicidial: VicidialHashing | None = None


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
    two_factor_exempt: bool


def accounts(conn: Connection, names: Collection[str]) -> dict[str, Account]:
    """Return the accounts that are there of the users *names*, by the name that was asked for.

    Which names are one is the database's word: MariaDB's collation ignores case and accents, SQLite the
    case of A to Z alone. Whoever has to tell users apart does so by their ids.
    """
    rows, columns = _accounts(conn, _Key.NAME, as_json(names))
    return {row[0]: _account(columns, row[1:]) for row in rows}


def accounts_by_id(conn: Connection, user_ids: Collection[int]) -> dict[int, Account]:
    """Return the accounts that are there of the users *user_ids*."""
    rows, columns = _accounts(conn, _Key.ID, as_json(list(user_ids)))
    return {row[0]: _account(columns, row[1:]) for row in rows}


class _Key(Enum):
    """By what accounts are looked for: the column, and its type in JSON."""

    NAME = ("user", "VARCHAR(255)")
    ID = ("user_id", "INTEGER")


def _accounts(conn: Connection, key: _Key, wanted: str) -> tuple[list[tuple[Any, ...]], tuple[str, ...]]:
    """Return rows, what was wanted before the columns of each, and the names of the columns."""
    of_user = known_columns(conn, USERS, _USER_COLUMNS)
    of_group = known_columns(conn, USER_GROUPS, _GROUP_COLUMNS)
    of_system = known_columns(conn, SYSTEM_SETTINGS, _HASH_COLUMNS)
    sql = _accounts_sql(dialects.of(conn), key, of_user, of_group, of_system)
    return run(conn, sql, wanted), of_user + of_group + of_system


@cache
def _accounts_sql(
    dialect: SqlDialect,
    key: _Key,
    of_user: tuple[str, ...],
    of_group: tuple[str, ...],
    of_system: tuple[str, ...],
) -> str:
    columns = [f"t.`{name}`" for name in of_user] + [f"g.{name}" for name in of_group]
    columns += [f"(SELECT {name} FROM {SYSTEM_SETTINGS} LIMIT 1) AS {name}" for name in of_system]
    groups = f" LEFT JOIN {USER_GROUPS} AS g ON g.user_group = t.user_group" if of_group else ""
    # vicidial_user_groups has no unique key: of two rows for one group any may be last and count.
    return f"SELECT r.value, {', '.join(columns)} FROM {row_sets.joined(dialect, USERS, *key.value)}{groups}"


def _account(columns: tuple[str, ...], values: tuple[Any, ...]) -> Account:
    row = dict(zip(columns, values, strict=True))
    user = User(
        user_id=row["user_id"],
        name=row["user"],
        level=row["user_level"] or 0,
        group=row["user_group"] or "",
        api_access=row["vdc_agent_api_access"] == "1",
        functions=frozenset((row.get("api_allowed_functions", " ALL_FUNCTIONS ") or "").split()),
        modify_dids=row["modify_inbound_dids"] == "1",
        delete_dids=row.get("delete_inbound_dids") == "1",
        view_reports=row["view_reports"] == "1",
        viewable_groups=row.get("admin_viewable_groups"),
        modify_users=row.get("modify_users") == "1",
        delete_users=row.get("delete_users") == "1",
        manage_servers=row.get("ast_admin_access") == "1",
        # Older versions have no such setting: whoever may change users may change those of the same level.
        modify_same_level=row.get("modify_same_user_level", "1") == "1",
        ignores_ip_lists=row.get("ignore_ip_list") == "1",
        api_ip_list=row.get("api_ip_list") or "",
    )
    return Account(
        user_id=row["user_id"],
        user=user,
        password=_password(row),
        active=row["active"] == "Y",
        failures=row.get("failed_login_count") or 0,
        attempts_today=row.get("failed_login_attempts_today") or 0,
        failures_today=row.get("failed_login_count_today") or 0,
        last_login=as_moment(row.get("last_login_date")),
        last_ip=row.get("last_ip") or "",
        two_factor_exempt=row.get("two_factor_override") == "DISABLED",
    )


def _password(row: Mapping[str, Any]) -> StoredPassword:
    hash_, plain = row.get("pass_hash") or "", row["pass"] or ""
    if row.get("pass_hash_enabled") == "1":
        return StoredPassword(
            hash_, "", VicidialHashing(row.get("pass_key") or "", row.get("pass_cost") or 0)
        )
    # A hash of VICIdial's does not count while hashing is off, and Didier empties the plain column when it
    # writes a hash: what stands there was put there later.
    return StoredPassword("" if plain or not hash_.startswith(_ARGON2) else hash_, plain)


def hashing(conn: Connection) -> VicidialHashing | None:
    """Return how VICIdial hashes its passwords, None when it stores them as they are."""
    row = system_settings(conn, _HASH_COLUMNS)
    return _password({"pass": "", **row}).vicidial


def update(conn: Connection, changes: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
    """Set columns of users: pairs of user id, each once, and the values by column."""
    row_sets.update_each(conn, USERS, "user_id", changes)


def add(conn: Connection, values: dict[str, Any]) -> int:
    """Make a user with the columns in *values*, defaults elsewhere; return the user's id."""
    known = columns_of(conn, USERS)
    return insert_one(conn, USERS, {name: v for name, v in values.items() if name in known}, "user_id")


def add_each(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Make users with the columns in *rows*, defaults elsewhere."""
    row_sets.insert_each(conn, USERS, rows)


@dataclass(frozen=True, slots=True)
class Profile:
    """What stands in a user's row, as far as others see and change it."""

    user_id: int
    name: str
    full_name: str
    level: int
    group: str
    active: str
    email: str


_PROFILE_COLUMNS = ("user_id", "user", "full_name", "user_level", "user_group", "active", "email")


def profile(conn: Connection, name: str) -> Profile | None:
    """Return the user *name*."""
    return profiles(conn, [name]).get(name)


def profiles(conn: Connection, names: Collection[str]) -> dict[str, Profile]:
    """Return the users that are there of *names*, by the name that was asked for."""
    if not names:
        return {}
    columns = known_columns(conn, USERS, _PROFILE_COLUMNS)
    rows = run(conn, _profiles_sql(dialects.of(conn), columns), as_json(names))
    return {row[0]: _profile(dict(zip(columns, row[1:], strict=True))) for row in rows}


@cache
def _profiles_sql(dialect: SqlDialect, columns: tuple[str, ...]) -> str:
    joined = row_sets.joined(dialect, USERS, *_Key.NAME.value)
    return f"SELECT r.value, {', '.join(f't.`{name}`' for name in columns)} FROM {joined}"


def _profile(row: Mapping[str, Any]) -> Profile:
    return Profile(
        user_id=row["user_id"],
        name=row["user"],
        full_name=row["full_name"] or "",
        level=row["user_level"] or 0,
        group=row["user_group"] or "",
        active=row["active"] or "",
        email=row.get("email") or "",
    )


def delete(conn: Connection, user_ids: Collection[int]) -> None:
    """Delete the users with the ids *user_ids*."""
    row_sets.delete(conn, USERS, ("user_id",), [(user_id,) for user_id in user_ids])


def keeps_plain(conn: Connection) -> bool:
    """Say whether passwords stand in the database as they are, for VICIdial to read: never in our own."""
    return not dialects.of(conn).is_embedded


def names_after(conn: Connection, name: str | None, limit: int) -> list[str]:
    """Return *limit* names of users that come after *name*, in order."""
    where, values = (" WHERE user > ?", [name]) if name is not None else ("", [])
    rows = run(conn, f"SELECT user FROM {USERS}{where} ORDER BY user LIMIT ?", *values, limit)
    return [row[0] for row in rows]


def names(conn: Connection) -> list[str]:
    """Return the names of all users."""
    return [row[0] for row in run(conn, f"SELECT user FROM {USERS} ORDER BY user_id")]


def everyone(conn: Connection) -> list[Account]:
    """Return all accounts by name."""
    ids = [row[0] for row in run(conn, f"SELECT user_id FROM {USERS} ORDER BY user")]
    found = accounts_by_id(conn, ids)
    return [found[user_id] for user_id in ids]


def who_change_users(conn: Connection) -> list[Account]:
    """Return the active users who have Modify Users and API Access."""
    sql = (
        f"SELECT user_id FROM {USERS} WHERE active = 'Y' AND modify_users = '1'"
        " AND vdc_agent_api_access = '1'"
    )
    return list(accounts_by_id(conn, [row[0] for row in run(conn, sql)]).values())


def non_latin(conn: Connection) -> bool:
    """Say whether letters of every script are kept in parameters (``use_non_latin``)."""
    return system_settings(conn, ("use_non_latin",)).get("use_non_latin") == "1"


def system_settings(conn: Connection, names: tuple[str, ...]) -> dict[str, Any]:
    """Return those of the settings *names* that this version has; none without a row of settings."""
    existing = known_columns(conn, SYSTEM_SETTINGS, names)
    if not existing:
        return {}
    rows = run(conn, f"SELECT {', '.join(existing)} FROM {SYSTEM_SETTINGS} LIMIT 1")
    return dict(zip(existing, rows[0], strict=True)) if rows else {}
