"""What may stand in the fields of a DID that refer to something: for lists in forms. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.fields import KINDS, USER_GROUPS, USERS
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.users.authentication import Caller
from didier.storage.dids import destinations

BY_KIND = {kind: reference for reference, kind in KINDS.items()}
"""The column that holds the things of each kind, such as "in-group"."""

_SEEN_AS_USERS = frozenset({USERS, USER_GROUPS})


@dataclass(frozen=True, slots=True)
class Choice:
    """A value, and what it is called."""

    value: str
    name: str


def found(
    conn: Connection, caller: Caller, kind: str, text: str, limit: int
) -> Sequence[Choice] | NotPermitted:
    """Return *limit* things of *kind* whose value or name *text* is a part of, of groups the caller sees."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    reference = BY_KIND[kind]
    as_users = reference in _SEEN_AS_USERS and caller.user.sees_users_of(None)
    groups = None if as_users else caller.user.visible_groups()
    return [Choice(*pair) for pair in destinations.choices(conn, reference, text, groups, limit)]
