"""What DID and user fields may point at: in-groups, call menus, servers, phones, users, campaigns."""

from collections.abc import Collection

from sqlalchemy.engine import Connection

from didier.storage.statements import as_json, columns_of, rows_of, run, scalar


def exists(conn: Connection, reference: str, value: str) -> bool:
    """Say whether *value* stands in *reference*, a ``table.column`` of `domain.fields`."""
    table, column = reference.split(".")
    return bool(run(conn, f"SELECT 1 FROM {table} WHERE {column} = ? LIMIT 1", value))


def missing(conn: Connection, reference: str, values: Collection[str]) -> set[str]:
    """Return those of *values* that do not stand in *reference*, compared as the database compares.

    None where there is no such table: older VICIdial versions and embedded databases lack some.
    """
    table, column = reference.split(".")
    if not values or column not in columns_of(conn, table):
        return set()
    rows = rows_of(conn.dialect.name, ("wanted",))
    there = f"SELECT 1 FROM {table} AS t WHERE t.{column} = r.wanted"
    sql = f"SELECT r.wanted FROM {rows} WHERE NOT EXISTS ({there})"
    return {row[0] for row in run(conn, sql, as_json([(value,) for value in values]))}


def server_offset(conn: Connection) -> str | None:
    """Return the offset from UTC (hours, as text) of the first active server, None without one."""
    found: str | None = scalar(conn, "SELECT local_gmt FROM servers WHERE active = 'Y' LIMIT 1")
    return found
