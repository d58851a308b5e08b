"""Who may act on and for whom: the rule of `domain.reach`, and that somebody always may manage users."""

from collections.abc import Mapping
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import reach
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import BeyondReach, LastManager
from didier.services.users.authentication import Caller
from didier.storage.users import users
from didier.storage.users.users import Account

NOTHING: Mapping[str, str] = MappingProxyType({})
"""Values of no column: the user stays as they are."""


def beyond_reach(caller: Caller, action: str, other: User) -> BeyondReach | None:
    """Refuse *action* on or for *other*, who reaches further than *caller*.

    The local command line is exempt.
    """
    lacks = () if caller.is_local else reach.lacking(caller.reach, reach.of(other))
    return BeyondReach(action, lacks, other.name) if lacks else None


def beyond_after(
    conn: Connection, caller: Caller, action: str, user_id: int, values: Mapping[str, str] = NOTHING
) -> BeyondReach | None:
    """Refuse *action* when the user *user_id*, or their copy, with *values* reaches further than *caller*."""
    return beyond_reach(caller, action, _after(conn, _account(conn, user_id), values))


def last_manager(
    conn: Connection, caller: Caller, user_id: int, values: Mapping[str, str] | None
) -> LastManager | None:
    """Refuse *values*, or a deletion (None), that leave no active user who may change users.

    The local command line is exempt: it can make somebody one again.
    """
    account = _account(conn, user_id)
    if caller.is_local or not account.active or not _manages(account.user):
        return None
    if values is not None and values.get("active", "Y") == "Y" and _manages(_after(conn, account, values)):
        return None
    others = users.others_who_change_users(conn, user_id)
    return None if any(map(_manages, others)) else LastManager(account.user.name)


def _account(conn: Connection, user_id: int) -> Account:
    return users.accounts_by_id(conn, [user_id])[user_id]


def _after(conn: Connection, account: Account, values: Mapping[str, str]) -> User:
    group = users.group_settings(conn, values.get("user_group", account.user.group))
    return reach.with_values(account.user, values, group)


def _manages(user: User) -> bool:
    return missing_rights(user, "update_user") is None and missing_function(user, "update_user") is None
