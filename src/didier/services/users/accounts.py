"""Adding, copying, changing and deleting users as callers ask, within the callers' own rights.

Orders of a group are decided as if each came after those before it had been carried out. They are read and
written by sets all the same: a group is divided where an order depends on one before it.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import grants
from didier.domain.users import missing_rights
from didier.errors import NoSecondFactor, NothingToChange, NotPermitted, PasswordNotReset
from didier.masking import MASK
from didier.services.users import account_rules, rank_changes
from didier.services.users.account_orders import (
    AddUserOrder,
    ChangeRefused,
    CopyUserOrder,
    DeleteUserOrder,
    NewRefused,
    ResetOrder,
    ResetRefused,
    UnlockRefused,
    UnlockUserOrder,
    UpdateUserOrder,
    UserChanged,
)
from didier.services.users.account_rounds import Accounts, in_rounds
from didier.services.users.account_writing import ToldUser, columns, entry, log, tell
from didier.services.users.authentication import Caller
from didier.services.users.authority import Groups, Managers
from didier.services.users.new_accounts import add, copy
from didier.services.users.shown_users import Shown, details, locked, one, page, written
from didier.storage.changes import event_sql
from didier.storage.changes.change_log import DELETED, UPDATED
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.tables import USERS
from didier.storage.users import groups as user_groups
from didier.storage.users import phones, preferences, ranks, second_factors, tokens, users
from didier.storage.users.users import Account, Profile

__all__ = [
    "AddUserOrder",
    "ChangeRefused",
    "CopyUserOrder",
    "DeleteUserOrder",
    "NewRefused",
    "ResetOrder",
    "ResetRefused",
    "Shown",
    "UnlockRefused",
    "UnlockUserOrder",
    "UpdateUserOrder",
    "UserChanged",
    "add",
    "copy",
    "delete",
    "details",
    "locked",
    "one",
    "page",
    "reset_second_factor",
    "unlock",
    "update",
    "written",
]  # fmt: skip


def update(
    conn: Connection, orders: Sequence[UpdateUserOrder], now: datetime
) -> list[UserChanged | ChangeRefused]:
    """Change the users that *orders* name; each change ends a lock."""
    return in_rounds(conn, orders, now, _update)


def _update(
    conn: Connection, orders: Sequence[UpdateUserOrder], found: Accounts, now: datetime
) -> list[UserChanged | ChangeRefused]:
    named = [order.values["user_group"] for order in orders if "user_group" in order.values]
    groups, managers = user_groups.find(conn, set(named)), _managers(conn, orders, found)
    profiles = users.profiles(conn, {order.name for order in orders if order.reset_password})
    logins = {login for order in orders if (login := order.values.get("phone_login"))}
    no_phones, no_ranks = phones.missing(conn, logins), rank_changes.refused(conn, orders)
    outcomes: list[UserChanged | ChangeRefused] = []
    wanted = []
    for order in orders:
        before = found.get(order.name)
        outcomes.append(_change(order, before, groups, managers, profiles, no_phones, no_ranks))
        if before and _is_carried_out(outcomes[-1]):
            managers.note(before.user_id, account_rules.updated(order, before, groups))
            wanted.append((order, before))
    _write_updates(conn, wanted, now)
    return outcomes


def _managers(
    conn: Connection, orders: Sequence[UpdateUserOrder] | Sequence[DeleteUserOrder], found: Accounts
) -> Managers:
    """Read who may manage users, if that matters to any of *orders*."""
    changed = [order.name for order in orders if not order.caller.is_local]
    return Managers.read(conn, [found[name] for name in changed if name in found])


def _change(
    order: UpdateUserOrder,
    before: Account | None,
    groups: Groups,
    managers: Managers,
    profiles: Mapping[str, Profile],
    no_phones: Collection[str],
    no_ranks: rank_changes.Refused,
) -> UserChanged | ChangeRefused:
    account = account_rules.changeable(order.caller, order.name, before)
    if not isinstance(account, Account):
        return account
    if refused := account_rules.update_refused(order, account, groups, managers, no_phones):
        return refused
    if bad := next((no_ranks[new] for new in order.ranks if new in no_ranks), None):
        return bad
    not_reset = _not_reset(order, profiles[order.name]) if order.reset_password else None
    if not order.changes_user and not order.ranks:
        return not_reset or NothingToChange(order.name)
    return UserChanged(order.name, order.dry_run, not_reset, order.ranks, not order.changes_user)


def _not_reset(order: UpdateUserOrder, found: Profile) -> PasswordNotReset:
    """VICIdial mails a random password; Didier sends no mail, so that the password stays as it is."""
    email = order.values.get("email") or found.email
    name, _, host = email.partition("@")
    return PasswordNotReset(order.name, email, bool(name) and "." in host.strip("."))


def _is_carried_out(outcome: UserChanged | ChangeRefused) -> bool:
    return isinstance(outcome, UserChanged) and not outcome.dry_run


def _write_updates(
    conn: Connection, wanted: Sequence[tuple[UpdateUserOrder, Account]], now: datetime
) -> None:
    changed = [(order, account.user_id) for order, account in wanted if order.changes_user]
    users.update(conn, [(user_id, _new_values(conn, order, now)) for order, user_id in changed])
    revoked = tokens.revoke_all(conn, [user_id for order, user_id in changed if order.revoke_tokens], now)
    entries: list[AdminEntry] = []
    for order, account in wanted:
        entries += rank_changes.write(conn, order, account.user.name)
        if order.changes_user:
            count = revoked.get(account.user_id, 0)
            notes = f"   tokens revoked: {count}" if order.revoke_tokens else ""
            sql = event_sql.updated(USERS, _said(order), {"user": account.user.name})
            entries.append(entry(order.caller, order.name, "MODIFY", "UPDATE USER", notes, sql=sql))
    log(conn, entries, now)
    tell(conn, [_told(order, account) for order, account in wanted], now)


def _told(order: UpdateUserOrder, before: Account) -> ToldUser:
    group = before.user.group
    names = {*order.values, *(["pass"] if order.password else []), *(["ranks"] if order.ranks else [])}
    after = order.values.get("user_group", group)
    return ToldUser(order.caller, UPDATED, before.user.name, group, after, names)


def _said(order: UpdateUserOrder) -> dict[str, str]:
    """Return what the admin log says that *order* sets."""
    return {**order.values, **({"pass": MASK} if order.password else {}), "failed_login_count": "0"}


def _new_values(conn: Connection, order: UpdateUserOrder, now: datetime) -> dict[str, Any]:
    values = grants.completed(order.values, order.caller.user)
    return {**columns(conn, values, order.password, now), "failed_login_count": 0}


def delete(
    conn: Connection, orders: Sequence[DeleteUserOrder], now: datetime
) -> list[UserChanged | ChangeRefused]:
    """Delete the users that *orders* name; of two wishes for one the first gets it."""
    return in_rounds(conn, orders, now, _delete)


def _delete(
    conn: Connection, orders: Sequence[DeleteUserOrder], found: Accounts, now: datetime
) -> list[UserChanged | ChangeRefused]:
    managers = _managers(conn, orders, found)
    outcomes: list[UserChanged | ChangeRefused] = []
    wanted = []
    for order in orders:
        account = found.get(order.name)
        outcomes.append(_deletion(order, account, managers))
        if account and _is_carried_out(outcomes[-1]):
            managers.note(account.user_id, None)
            wanted.append((order, account.user_id))
    gone = [user_id for _, user_id in wanted]
    users.delete(conn, gone)
    ranks.forget(conn, [found[order.name].user.name for order, _ in wanted])
    second_factors.remove_each(conn, gone)
    preferences.forget(conn, gone)
    entries = [
        entry(o.caller, o.name, "DELETE", "DELETE USER", sql=event_sql.deleted(USERS, {"user": o.name}))
        for o, _ in wanted
    ]
    log(conn, entries, now)
    told = [(order, found[order.name].user) for order, _ in wanted]
    tell(conn, [ToldUser(order.caller, DELETED, user.name, user.group) for order, user in told], now)
    return outcomes


def _deletion(
    order: DeleteUserOrder, there: Account | None, managers: Managers
) -> UserChanged | ChangeRefused:
    account = account_rules.changeable(order.caller, order.name, there)
    if not isinstance(account, Account):
        return account
    return (
        missing_rights(order.caller.user, "delete_user")
        or managers.last(order.caller, account, None)
        or UserChanged(order.name, order.dry_run)
    )


def unlock(
    conn: Connection, orders: Sequence[UnlockUserOrder], now: datetime
) -> list[UserChanged | UnlockRefused]:
    """End the locks of the users that *orders* name; one who is not locked starts to count again."""
    return in_rounds(conn, orders, now, _unlock)


def _unlock(
    conn: Connection, orders: Sequence[UnlockUserOrder], found: Accounts, now: datetime
) -> list[UserChanged | UnlockRefused]:
    there = [account_rules.changeable(order.caller, order.name, found.get(order.name)) for order in orders]
    wanted = [(order, one) for order, one in zip(orders, there, strict=True) if isinstance(one, Account)]
    users.update(conn, [(account.user_id, {"failed_login_count": 0}) for _, account in wanted])
    names = [(order.caller, account.user.name) for order, account in wanted]
    log(conn, [entry(c, name, "MODIFY", "UNLOCK USER", sql=_unlocked(name)) for c, name in names], now)
    tell(conn, [_same_group(order.caller, account, "failed_login_count") for order, account in wanted], now)
    return [UserChanged(one.user.name) if isinstance(one, Account) else one for one in there]


def _same_group(caller: Caller, account: Account, name: str) -> ToldUser:
    group = account.user.group
    return ToldUser(caller, UPDATED, account.user.name, group, group, [name])


def _unlocked(name: str) -> str:
    return event_sql.updated(USERS, {"failed_login_count": 0}, {"user": name})


def reset_second_factor(
    conn: Connection, orders: Sequence[ResetOrder], now: datetime
) -> list[UserChanged | ResetRefused]:
    """Forget the second factors of the users that *orders* name: who may set a password may do this."""
    return in_rounds(conn, orders, now, _reset)


def _reset(
    conn: Connection, orders: Sequence[ResetOrder], found: Accounts, now: datetime
) -> list[UserChanged | ResetRefused]:
    holders = second_factors.holders(conn, [account.user_id for account in found.values()])
    outcomes = [_resetting(order, found.get(order.name), holders) for order in orders]
    wanted = [
        (order, done) for order, done in zip(orders, outcomes, strict=True) if isinstance(done, UserChanged)
    ]
    second_factors.remove_each(conn, [found[order.name].user_id for order, _ in wanted])
    log(conn, [entry(o.caller, done.name, "MODIFY", "RESET SECOND FACTOR") for o, done in wanted], now)
    tell(conn, [_same_group(o.caller, found[o.name], "second_factor") for o, _ in wanted], now)
    return outcomes


def _resetting(
    order: ResetOrder, there: Account | None, holders: Collection[int]
) -> UserChanged | ResetRefused:
    account = account_rules.changeable(order.caller, order.name, there)
    if not isinstance(account, Account):
        return account
    if account.user_id == order.caller.user.user_id and not order.caller.is_local:
        return NotPermitted("update_user", ("A one-time code, which your own second factor needs",))
    return UserChanged(account.user.name) if account.user_id in holders else NoSecondFactor()
