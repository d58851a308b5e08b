"""Which DIDs somebody sees, as conditions on a row ``d`` of their table."""

from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import EVERY_GROUP
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.statements import as_json, escaped


def conditions(conn: Connection, seen: Visibility) -> tuple[list[str], list[Any]]:
    """Return the conditions for a DID ``d`` to be *seen*, and their values."""
    found, values = [], []
    if seen.prefix is not None:
        found.append("d.did_pattern LIKE ? ESCAPE '!'")
        values.append(f"{escaped(seen.prefix)}%")
    if seen.groups is not None:
        found.append(f"d.user_group IN {dialects.of(conn).texts}")
        values.append(as_json([*sorted(seen.groups), EVERY_GROUP]))
    return found, values
