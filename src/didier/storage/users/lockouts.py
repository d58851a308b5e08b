"""When users were locked out: table ``didier_lockouts``."""

from collections.abc import Collection, Mapping

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.storage import row_sets
from didier.storage.statements import insert

_TABLE = "didier_lockouts"


def locked_at(conn: Connection, users: Collection[User]) -> dict[int, float]:
    """Return when those of *users* were locked (seconds since the epoch) whom Didier ever locked, by id."""
    ids = [(user.user_id,) for user in users]
    found: dict[int, float] = dict(row_sets.find(conn, _TABLE, ("user_id",), ids, ("user_id", "locked_at")))
    return _without_id(conn, users) | found


def _without_id(conn: Connection, users: Collection[User]) -> dict[int, float]:
    """Return the locks that processes of the release before have stored, which write no ids."""
    ids = {_name(user): user.user_id for user in users}
    columns = ("user_name", "user_id", "locked_at")
    rows = row_sets.find(conn, _TABLE, ("user_name",), [(name,) for name in ids], columns)
    # Names that MariaDB takes for equal, as it ignores accents, are those of others.
    return {ids[name]: at for name, user_id, at in rows if user_id is None and name in ids}


def lock(conn: Connection, locks: Mapping[User, float]) -> None:
    """Remember that users are locked, each since a moment (seconds since the epoch)."""
    rows = {_name(user): (_name(user), user.user_id, at) for user, at in locks.items()}
    row_sets.delete(conn, _TABLE, ("user_id",), [(user.user_id,) for user in locks])
    row_sets.delete(conn, _TABLE, ("user_name",), [(name,) for name in rows])
    insert(conn, _TABLE, ("user_name", "user_id", "locked_at"), list(rows.values()))


def _name(user: User) -> str:
    """Return the name under which the release before finds the lock; other names may look alike."""
    return user.name.rstrip(" ").lower() if user.name.isascii() else f"#{user.user_id}"
