"""What DID fields may point at: in-groups, call menus, servers."""

from functools import cache

import sqlalchemy as sa
from sqlalchemy.engine import Connection


def exists(conn: Connection, reference: str, value: str) -> bool:
    """Say whether *value* stands in *reference*, a ``table.column`` of `domain.fields`."""
    return conn.execute(_exists(reference), {"value": value}).first() is not None


@cache
def _exists(reference: str) -> sa.TextClause:
    table, column = reference.split(".")
    return sa.text(f"SELECT 1 FROM {table} WHERE {column} = :value LIMIT 1")


_SERVER_OFFSET = sa.text("SELECT local_gmt FROM servers WHERE active = 'Y' LIMIT 1")


def server_offset(conn: Connection) -> str | None:
    """Return the offset from UTC (hours, as text) of the first active server, None without one."""
    offset: str | None = conn.execute(_SERVER_OFFSET).scalar_one_or_none()
    return offset
