"""What users have chosen to see in lists and of files, for themselves or for everybody."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier import characters
from didier.errors import InvalidField, PreferenceNotFound, PreferencesOff
from didier.services.users.authentication import Caller
from didier.storage.users import preferences, users
from didier.storage.users.preferences import Preference

COLUMNS, FILTER, MAPPING = "columns", "filter", "mapping"
KINDS = (COLUMNS, FILTER, MAPPING)
MOST = 100
"""Most preferences of a kind that a user has; of mappings the oldest makes room."""

NAME_LIMIT = 100
VALUE_LIMIT = 8_000
"""Most bytes of a value, as JSON."""


@dataclass(frozen=True, slots=True)
class PutOrder:
    """A wish to store *value* under a kind and a name; *shared*: everybody is to see it."""

    caller: Caller
    kind: str
    name: str
    value: Mapping[str, Any]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOrder:
    """A wish to forget what the caller has stored under a kind and a name."""

    caller: Caller
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A preference, the name of its user, and whether it is the caller's own."""

    preference: Preference
    user: str
    is_own: bool


def are_kept(conn: Connection) -> bool:
    """Say whether preferences are stored here."""
    return preferences.are_kept(conn)


def listed(conn: Connection, caller: Caller, kind: str) -> list[Shown]:
    """Return what *caller* has of a kind, and what users whom they see share of it."""
    if not preferences.are_kept(conn):
        return []
    found = preferences.seen(conn, caller.user.user_id, kind)
    accounts = users.accounts_by_id(conn, {one.user_id for one in found})
    shown = []
    for one in found:
        is_own = one.user_id == caller.user.user_id
        account = accounts.get(one.user_id)
        # Filters name groups and numbers: whose users are not seen, theirs are not either.
        if account and (is_own or _sees(caller, account.user.group)):
            shown.append(Shown(one, account.user.name, is_own))
    return shown


def _sees(caller: Caller, group: str) -> bool:
    return group.lower() == caller.user.group.lower() or caller.user.sees_users_of(group)


def value_of(conn: Connection, caller: Caller, kind: str, name: str) -> Mapping[str, Any] | None:
    """Return what *caller* has stored under a kind and a name."""
    # What a token may know of its user ends with its scopes.
    if caller.token_id is not None or not preferences.are_kept(conn):
        return None
    found = preferences.one(conn, caller.user.user_id, kind, name)
    return found.value if found else None


def put(
    conn: Connection, orders: Sequence[PutOrder], now: datetime
) -> list[Shown | InvalidField | PreferencesOff]:
    """Store preferences, each in the place of the caller's own with its kind and name."""
    return [_put(conn, order, now) for order in orders]


def _put(conn: Connection, order: PutOrder, now: datetime) -> Shown | InvalidField | PreferencesOff:
    if not preferences.are_kept(conn):
        return PreferencesOff()
    order = replace(order, name=order.name.strip())
    if bad := _bad_field(order):
        return bad
    user = order.caller.user
    if not preferences.one(conn, user.user_id, order.kind, order.name):
        if order.kind != MAPPING and preferences.count(conn, user.user_id, order.kind) >= MOST:
            return InvalidField("name", order.name, f"one of the {MOST} that are there, or delete some first")
        _make_room(conn, user.user_id, order.kind)
    preference = Preference(user.user_id, order.kind, order.name, order.value, order.shared)
    preferences.put(conn, preference, now)
    return Shown(preference, user.name, is_own=True)


def _make_room(conn: Connection, user_id: int, kind: str) -> None:
    while preferences.count(conn, user_id, kind) >= MOST:
        preferences.remove(conn, user_id, kind, preferences.oldest(conn, user_id, kind))


def _bad_field(order: PutOrder) -> InvalidField | None:
    if order.kind not in KINDS:
        return InvalidField("kind", order.kind, f"one of {', '.join(KINDS)}")
    if not 1 <= len(order.name) <= NAME_LIMIT:
        return InvalidField("name", order.name, f"1 to {NAME_LIMIT} characters")
    if bad := characters.refused(order.name):
        return InvalidField("name", order.name, bad)
    size = len(orjson.dumps(order.value))
    if size > VALUE_LIMIT:
        return InvalidField("value", f"{size} bytes", f"up to {VALUE_LIMIT} bytes of JSON")
    if order.shared and order.kind != FILTER:
        return InvalidField("shared", "true", "false, unless it is a filter")
    return None


def delete(
    conn: Connection, orders: Sequence[DeleteOrder], now: datetime
) -> list[DeleteOrder | PreferenceNotFound]:
    """Forget preferences of the callers' own."""
    return [_delete(conn, order) for order in orders]


def _delete(conn: Connection, order: DeleteOrder) -> DeleteOrder | PreferenceNotFound:
    there = preferences.are_kept(conn)
    if there and preferences.remove(conn, order.caller.user.user_id, order.kind, order.name.strip()):
        return order
    return PreferenceNotFound()


def mapping_name(headers: Sequence[str]) -> str:
    """Return the name under which it is remembered what becomes of columns with *headers*."""
    joined = ",".join(characters.visible(header.strip()) for header in headers)
    if len(joined) <= NAME_LIMIT:
        return joined
    return f"sha256:{hashlib.sha256(joined.encode('utf-8', 'surrogatepass')).hexdigest()}"
