"""What facts of calls are compared by: VICIdial's collation, and the database's clock."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage import dialects
from didier.storage.statements import scalar


def local_now(conn: Connection) -> datetime:
    """Return the database's time, in the zone in which VICIdial's tables have times."""
    found = scalar(conn, f"SELECT {dialects.of(conn).local_now}")
    return datetime.fromisoformat(found) if isinstance(found, str) else found


def key(text: str) -> str:
    """Return the text under which two texts are equal in VICIdial's collation."""
    return patterns.key(text).rstrip(" ")


def keys(names: Iterable[str] | None) -> set[str] | None:
    """Return the same for *names*; None for None."""
    return None if names is None else {key(name) for name in names}
