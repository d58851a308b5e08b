"""As whom a large batch goes on: the user who ordered it, with the rights that they have now."""

from collections.abc import Sequence

from sqlalchemy.engine import Connection

from didier.domain.users import User, missing_function, missing_rights
from didier.services.users.authentication import Caller
from didier.services.users.local_user import LOCAL_USER
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.users import users


class RightsLost(Exception):
    """Whoever ordered a batch may not do that any more: what is left of it is not done."""


def of_undo(conn: Connection, batch: StoredBatch, actions: Sequence[str]) -> User:
    """Return who undoes *batch*; raises `RightsLost` as `of` does."""
    return _allowed(conn, batch.undone_by or "", batch.undone_by_id, actions)


def of(conn: Connection, batch: StoredBatch, actions: Sequence[str]) -> Caller:
    """Return who ordered *batch*; raises `RightsLost` unless they still may do all *actions*."""
    user = _allowed(conn, batch.user_name, batch.user_id, actions)
    return Caller(
        user=user,
        name=batch.user_name,
        address=batch.address,
        pattern_prefix=batch.pattern_prefix,
        is_local=user is LOCAL_USER,
        origin=batch.origin or "",
    )


def _allowed(conn: Connection, name: str, user_id: int | None, actions: Sequence[str]) -> User:
    user = _user(conn, name, user_id)
    for action in actions:
        if missing := missing_function(user, action) or missing_rights(user, action):
            raise RightsLost(f"{name} no longer has the right to do it: {', '.join(missing.missing)}")
    return user


def _user(conn: Connection, name: str, user_id: int | None) -> User:
    if not user_id:  # ordered on the database itself
        return LOCAL_USER
    account = users.accounts_by_id(conn, [user_id]).get(user_id)
    if account is None or not account.active:
        raise RightsLost(f"user {name}, who ordered it, no longer exists or is inactive")
    return account.user
