"""Keeping users: adding, changing, listing; making a database ready."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier import characters
from didier.domain import accounts
from didier.domain.grants import DID_FUNCTIONS
from didier.domain.users import ALL_FUNCTIONS, EVERY_GROUP
from didier.errors import InvalidField, NotFound, UserExists
from didier.services.users.passwords import to_store
from didier.storage.statements import as_text
from didier.storage.users import groups, names, users
from didier.storage.users.users import Account

ADMIN = "admin"
ADMIN_GROUP = "ADMIN"


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Settings of a user; None leaves a setting as it is (in a new user: at its default)."""

    password: str | None = None
    level: int | None = None
    api_access: bool | None = None
    functions: str | None = None
    modify_dids: bool | None = None
    delete_dids: bool | None = None
    view_reports: bool | None = None
    modify_users: bool | None = None
    delete_users: bool | None = None
    manage_servers: bool | None = None
    active: bool | None = None
    group: str | None = None
    full_name: str | None = None


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """What was done: whether Modify DIDs was switched on because a DID function was allowed."""

    account: Account
    modify_dids_switched_on: bool = False


def add(conn: Connection, name: str, change: AccountSettings, now: datetime) -> AccountChanged:
    """Make user *name*; raise `UserExists` or `InvalidField`."""
    _check_name(name)
    if names.look_alikes(conn, [name]):
        raise UserExists(name)
    columns, switched_on = _columns(conn, change)
    defaults = {
        "user": name,
        "pass": "",
        "full_name": name,
        "user_group": ADMIN_GROUP,
        "user_level": 8,
        # VICIdial gives a new user all functions; Didier gives what is asked for.
        "api_allowed_functions": "",
        "modify_stamp": as_text(now),
    }
    users.add(conn, {**defaults, **columns})
    return AccountChanged(_account(conn, name), switched_on)


def change(conn: Connection, name: str, change: AccountSettings, now: datetime) -> AccountChanged:
    """Change user *name*; raise `NotFound` or `InvalidField`. A new password ends a lock."""
    account = users.accounts(conn, [name]).get(name)
    if account is None:
        raise NotFound(name)
    columns, switched_on = _columns(conn, change)
    if change.password is not None:
        columns["failed_login_count"] = 0
    users.update(conn, [(account.user_id, {**columns, "modify_stamp": as_text(now)})])
    return AccountChanged(_account(conn, name), switched_on and not account.user.modify_dids)


def everyone(conn: Connection) -> list[Account]:
    """Return all users by name."""
    return users.everyone(conn)


def _account(conn: Connection, name: str) -> Account:
    return users.accounts(conn, [name])[name]


def _check_name(name: str) -> None:
    if allowed := accounts.name(name):
        raise InvalidField("user", name, allowed)


_LONGEST = {"user_group": 20, "full_name": 50, "api_allowed_functions": 1000}


def _check_texts(columns: Mapping[str, Any]) -> None:
    for column, longest in _LONGEST.items():
        if len(columns.get(column, "")) > longest:
            raise InvalidField(column, columns[column], f"up to {longest} characters")
        if allowed := characters.refused(columns.get(column, "")):
            raise InvalidField(column, columns[column], allowed)


def _columns(conn: Connection, change: AccountSettings) -> tuple[dict[str, Any], bool]:
    """Return the columns that *change* sets, and whether it switches Modify DIDs on by itself."""
    columns: dict[str, Any] = {}
    if change.password is not None:
        if not change.password:
            raise InvalidField("password", "", "at least one character")
        stored = to_store(change.password, users.hashing(conn), keeps_plain=users.keeps_plain(conn))
        columns |= {"pass": stored.plain, "pass_hash": stored.hash}
    if change.level is not None:
        if not 1 <= change.level <= 9:
            raise InvalidField("level", str(change.level), "1 to 9")
        columns["user_level"] = change.level
    for column, flag in _flags(change).items():
        if flag is not None:
            columns[column] = "1" if flag else "0"
    if change.active is not None:
        columns["active"] = "Y" if change.active else "N"
    if change.group is not None:
        columns["user_group"] = change.group
    if change.full_name is not None:
        columns["full_name"] = change.full_name
    switched_on = False
    if change.functions is not None:
        allowed = change.functions.replace(",", " ").split()
        # VICIdial looks for the name with a space on each side, and for ALL_FUNCTIONS only.
        allowed = ["ALL_FUNCTIONS" if name == "ALL" else name for name in allowed]
        columns["api_allowed_functions"] = f" {' '.join(allowed)} " if allowed else ""
        if change.modify_dids is None and (DID_FUNCTIONS | ALL_FUNCTIONS).intersection(allowed):
            columns["modify_inbound_dids"] = "1"
            switched_on = True
    _check_texts(columns)
    return columns, switched_on


def _flags(change: AccountSettings) -> Mapping[str, bool | None]:
    return {
        "vdc_agent_api_access": change.api_access,
        "modify_inbound_dids": change.modify_dids,
        "delete_inbound_dids": change.delete_dids,
        "view_reports": change.view_reports,
        "modify_users": change.modify_users,
        "delete_users": change.delete_users,
        "ast_admin_access": change.manage_servers,
    }


def first_administrator(conn: Connection, password: str | None, now: datetime) -> str:
    """Make the group and user of the administrator; return the password, a random one if None was given."""
    password = password or secrets.token_urlsafe(15)
    groups.add(conn, ADMIN_GROUP, "Administrators", f" {EVERY_GROUP} ", now)
    everything = AccountSettings(
        password=password,
        level=9,
        api_access=True,
        functions="ALL",
        modify_dids=True,
        delete_dids=True,
        view_reports=True,
        modify_users=True,
        delete_users=True,
        manage_servers=True,
        full_name="Administrator",
    )
    add(conn, ADMIN, everything, now)
    return password
