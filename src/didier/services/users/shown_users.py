"""Users as others see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import User, missing_rights
from didier.errors import NotPermitted, UserNotFound
from didier.services.users import lockouts
from didier.storage.users import users
from didier.storage.users.users import Account, Profile


def details(conn: Connection, user: User, name: str) -> Profile | NotPermitted | UserNotFound:
    """Return the user *name*, if visible to *user*."""
    if missing := missing_rights(user, "user_details"):
        return missing
    found = users.profile(conn, name)
    return found if found and user.sees_users_of(found.group) else UserNotFound(name)


@dataclass(frozen=True, slots=True)
class Shown:
    """A user as others see them: the row, and the rights in it."""

    profile: Profile
    account: Account


def page(
    conn: Connection, caller: User, limit: int, after: str | None = None
) -> tuple[list[Shown], str | None] | NotPermitted:
    """Return *limit* of the users visible to *caller* whose names come after *after*, and the last of these.

    The last is None where there are no more.
    """
    if missing := missing_rights(caller, "user_details"):
        return missing
    found: list[Shown] = []
    while len(found) <= limit:
        names = users.names_after(conn, after, limit + 1)
        found += [shown for shown in _shown(conn, names) if caller.sees_users_of(shown.profile.group)]
        if len(names) <= limit:
            break
        after = names[-1]
    return found[:limit], found[limit - 1].profile.name if len(found) > limit else None


def one(conn: Connection, caller: User, name: str) -> Shown | NotPermitted | UserNotFound:
    """Return the user *name*, if visible to *caller*."""
    if missing := missing_rights(caller, "user_details"):
        return missing
    found = _shown(conn, [name])
    return found[0] if found and caller.sees_users_of(found[0].profile.group) else UserNotFound(name)


def written(conn: Connection, name: str) -> Shown:
    """Return a user whom a service has written in this transaction; who may see them is decided."""
    return _shown(conn, [name])[0]


def _shown(conn: Connection, names: Sequence[str]) -> list[Shown]:
    there = users.accounts(conn, names)
    profiles = users.profiles(conn, there.keys())
    return [Shown(profiles[name], there[name]) for name in names if name in profiles]


def locked(conn: Connection, shown: Sequence[Shown], now: datetime) -> set[str]:
    """Return the names of those of the users *shown* whom wrong passwords have locked out."""
    ids = lockouts.locked(conn, [one.account for one in shown], now)
    return {one.profile.name for one in shown if one.account.user_id in ids}
