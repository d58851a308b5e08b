"""Whose tokens somebody may make, see and revoke: their own, and those of users whom they may change."""

from sqlalchemy.engine import Connection

from didier.domain import scopes
from didier.domain.users import User, missing_function, missing_rights
from didier.errors import LevelNotAllowed, NotPermitted, UserNotFound
from didier.services.users import authority
from didier.services.users.authentication import Caller
from didier.storage.users import users
from didier.storage.users.tokens import Token
from didier.storage.users.users import Account

Refused = NotPermitted | UserNotFound | LevelNotAllowed


def no_token(caller: Caller, action: str) -> NotPermitted | None:
    """Refuse *action* to who signed in with a token."""
    return scopes.missing_scope(caller.scopes, None, action)


def reachable(conn: Connection, caller: Caller, name: str, action: str) -> Account | Refused:
    """Return the account of *name* if the caller may have to do with its tokens."""
    if refused := no_token(caller, action):
        return refused
    account = users.accounts(conn, [name]).get(name)
    if account is not None and account.user_id == caller.user.user_id:
        return account
    if lacking := missing(caller.user):
        return lacking
    if account is None or not caller.user.sees_users_of(account.user.group):
        return UserNotFound(name)
    if not caller.user.may_change(account.user.level):
        return LevelNotAllowed(str(account.user.level))
    return authority.beyond_reach(caller, action, account.user) or account


def missing(user: User) -> NotPermitted | None:
    """Name what keeps *user* from the tokens of others: it takes what changing those users takes."""
    return missing_function(user, "update_user") or missing_rights(user, "update_user")


def may_act(caller: Caller, account: Account | None) -> bool:
    """Say whether *caller* may have to do with the tokens of the user of *account*; None: they are gone."""
    if account is None:
        return True
    user = account.user
    visible = caller.user.sees_users_of(user.group) and caller.user.may_change(user.level)
    return visible and authority.beyond_reach(caller, "update_user", user) is None


def may_revoke(conn: Connection, caller: Caller, token: Token) -> bool:
    """Say whether *token* is the caller's, or of a user whose tokens they may revoke."""
    if token.user_id == caller.user.user_id:
        return True
    account = users.accounts_by_id(conn, [token.user_id]).get(token.user_id)
    return missing(caller.user) is None and may_act(caller, account)
