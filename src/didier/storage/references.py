"""What DID and user fields may point at: in-groups, call menus, servers, user groups."""

from sqlalchemy.engine import Connection

from didier.storage.statements import run, scalar


def exists(conn: Connection, reference: str, value: str) -> bool:
    """Say whether *value* stands in *reference*, a ``table.column`` of `domain.fields`."""
    table, column = reference.split(".")
    return bool(run(conn, f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", value))


def server_offset(conn: Connection) -> str | None:
    """Return the offset from UTC (hours, as text) of the first active server, None without one."""
    found: str | None = scalar(conn, "SELECT local_gmt FROM servers WHERE active = 'Y' LIMIT 1")
    return found
