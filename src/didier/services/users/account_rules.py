"""What callers may order about users: pure decisions on what was read before."""

from collections.abc import Collection, Mapping

from didier.domain import accounts, grants, reach
from didier.domain.grants import ALL
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import (
    GroupNotFound,
    InvalidField,
    LastManager,
    LevelNotAllowed,
    NotPermitted,
    UserNotFound,
)
from didier.services.users import authority
from didier.services.users.account_orders import (
    AddUserOrder,
    CopyUserOrder,
    NewRefused,
    UnlockRefused,
    UpdateUserOrder,
)
from didier.services.users.authentication import Caller
from didier.services.users.authority import Groups, Managers
from didier.storage.users.users import Account


def add_refused(order: AddUserOrder, groups: Groups) -> NewRefused | None:
    """Say what keeps *order* from being carried out, but for its name being taken."""
    user, values = order.caller.user, order.values
    return (
        missing_rights(user, "add_user")
        or _bad_place(user, values["user_level"], values["user_group"], groups)
        or _bad_name(order.name)
        or _bad_field(user, values, groups)
        or authority.beyond_reach(order.caller, "add_user", _new(order, groups))
    )


def completed(order: AddUserOrder) -> dict[str, str]:
    """Return the columns of the new user, who gets no functions that the caller may not call.

    VICIdial's default is all functions; who may not call all of them gives their own.
    """
    user = order.caller.user
    values = grants.completed(order.values, user)
    if grants.FUNCTIONS not in values and not grants.may_allow(user, ALL):
        values[grants.FUNCTIONS] = grants.listed(reach.within(user, {ALL}))
    return values


def _new(order: AddUserOrder, groups: Groups) -> User:
    """Return the user that *order* asks for: VICIdial's defaults are no API Access and no rights."""
    values = completed(order)
    default = User(
        name=order.name,
        level=1,
        group=values["user_group"],
        api_access=False,
        functions=frozenset({ALL}),
        modify_dids=False,
        delete_dids=False,
        view_reports=False,
        viewable_groups=None,
        modify_same_level=True,
    )
    return reach.with_values(default, values, groups[values["user_group"]])


def visible(user: User, account: Account | None) -> Account | None:
    """Return *account*, unless it is hidden from *user*."""
    return account if account and user.sees_users_of(account.user.group) else None


def copied_settings(order: CopyUserOrder, source: Account | None) -> dict[str, str]:
    """Return the settings of the copy that differ from those of its *source*."""
    functions = source.user.functions if source else frozenset()
    # Fewer functions than the source's where those are more than the caller may allow.
    kept = reach.within(order.caller.user, functions)
    limited = {} if set(kept) == functions else {grants.FUNCTIONS: grants.listed(kept)}
    return {"full_name": order.full_name, **limited}


def copy_refused(order: CopyUserOrder, source: Account | None, groups: Groups) -> NewRefused | None:
    """Say what keeps *order* from being carried out, but for its name being taken.

    *source* is None if the caller sees none.
    """
    return (
        missing_rights(order.caller.user, "copy_user")
        or (_bad_source(order, source, groups) if source else None)
        or _bad_name(order.name)
        or _bad_field(order.caller.user, {"full_name": order.full_name}, groups)
        # VICIdial looks for the source's group, and clients know no other answer.
        or (_copy_beyond(order, source) if source else GroupNotFound(""))
    )


def _bad_source(
    order: CopyUserOrder, source: Account, groups: Groups
) -> LevelNotAllowed | GroupNotFound | None:
    user = source.user
    return _bad_place(order.caller.user, str(user.level), user.group, groups, copied=True)


def _copy_beyond(order: CopyUserOrder, source: Account) -> NotPermitted | None:
    after = authority.with_values(source, copied_settings(order, source), {})
    return authority.beyond_reach(order.caller, "copy_user", after.user)


def changeable(caller: Caller, name: str, account: Account | None) -> Account | UnlockRefused:
    """Return the *account* of the user *name*, None if there is none, if *caller* may change it."""
    user = caller.user
    # The caller was let in with the function; an order before this one may have taken it from them.
    if missing := missing_rights(user, "update_user") or missing_function(user, "update_user"):
        return missing
    if account is None or not user.sees_users_of(account.user.group):
        return UserNotFound(name)
    if not user.may_change(account.user.level):
        return LevelNotAllowed(str(account.user.level))
    return authority.beyond_reach(caller, "update_user", account.user) or account


def update_refused(
    order: UpdateUserOrder,
    before: Account,
    groups: Groups,
    managers: Managers,
    no_phones: Collection[str],
) -> InvalidField | NotPermitted | LastManager | None:
    """Say what keeps the new values of *order* from a user whom its caller may change.

    *no_phones* are logins that no phone has. VICIdial looks for them here alone, not for a new user.
    """
    return (
        _bad_revocation(order)
        or _bad_field(order.caller.user, order.values, groups, no_phones)
        or _beyond_or_last(order, before, groups, managers)
    )


def _beyond_or_last(
    order: UpdateUserOrder, before: Account, groups: Groups, managers: Managers
) -> NotPermitted | LastManager | None:
    after = updated(order, before, groups)
    return authority.beyond_reach(order.caller, "update_user", after.user) or managers.last(
        order.caller, before, after
    )


def updated(order: UpdateUserOrder, before: Account, groups: Groups) -> Account:
    """Return the account as *order* leaves it."""
    return authority.with_values(before, grants.completed(order.values, order.caller.user), groups)


def _bad_revocation(order: UpdateUserOrder) -> InvalidField | None:
    # A token may set passwords, as far as its user may, but not revoke tokens: that takes a password.
    if order.revoke_tokens and order.password is None:
        return InvalidField("revoke_tokens", "true", "only together with a new password")
    return None


def _bad_place(
    user: User, level: str, group: str, groups: Groups, *, copied: bool = False
) -> LevelNotAllowed | GroupNotFound | None:
    """Say whether *user* may make users of *level* in *group*; a *copied* level may be none that is given."""
    bad = not copied and accounts.BY_COLUMN["user_level"].rule(level)
    if bad or not user.may_give(int(level)):
        return LevelNotAllowed(level)
    return None if _is_group(user, group, groups) else GroupNotFound(group)


def _is_group(user: User, group: str, groups: Groups) -> bool:
    return user.sees_users_of(group) and group in groups


def _bad_name(name: str) -> InvalidField | None:
    allowed = accounts.name(name)
    return InvalidField("user", name, allowed) if allowed else None


def _bad_field(
    user: User, values: Mapping[str, str], groups: Groups, no_phones: Collection[str] = ()
) -> InvalidField | None:
    """Return the first of *values*, in the order of the fields, that is not allowed or not to this caller."""
    for field in accounts.USER_FIELDS:
        value = values.get(field.column)
        if value is None or value == field.empty:
            continue
        allowed = field.rule(value)
        if not allowed and field.column == "user_level" and not user.may_change(int(value)):
            allowed = "a level that the caller may give"
        if not allowed and field.column == "user_group" and not _is_group(user, value, groups):
            allowed = "a user group that the caller sees"
        if not allowed and field.column == "phone_login" and value in no_phones:
            allowed = "the login of a phone, or an alias"
        if allowed:
            return InvalidField(field.column, value, allowed)
    return grants.problem(user, values)
