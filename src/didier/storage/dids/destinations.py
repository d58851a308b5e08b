"""What DID and user fields may point at: in-groups, menus, servers, phones, users, campaigns, schedules …"""

from collections.abc import Collection

from sqlalchemy.engine import Connection

from didier.domain.fields import (
    CALL_MENUS,
    CAMPAIGNS,
    GATEWAYS,
    IN_GROUPS,
    PHONES,
    SCHEDULES,
    SERVERS,
    USER_GROUPS,
    USERS,
)
from didier.domain.users import EVERY_GROUP
from didier.storage import dialects
from didier.storage.statements import as_json, columns_of, like, rows_of, run, scalar
from didier.storage.tables import FILLED_BY_VICIDIAL

_NAMES = {
    CALL_MENUS: "menu_name",
    CAMPAIGNS: "campaign_name",
    IN_GROUPS: "group_name",
    PHONES: "fullname",
    SERVERS: "server_description",
    USERS: "full_name",
    USER_GROUPS: "group_name",
    SCHEDULES: "name",
    GATEWAYS: "name",
}
"""The column beside each that fields refer to in which people find what it is called."""


def missing(
    conn: Connection, reference: str, values: Collection[str], groups: Collection[str] | None = None
) -> set[str]:
    """Return those of *values* that do not stand in *reference*, compared as the database compares.

    With *groups* only what belongs to one of these user groups stands there. None where there is no such
    table: older VICIdial versions and embedded databases lack some.
    """
    table, column = reference.split(".")
    if not values or not is_known(conn, reference):
        return set()
    columns = columns_of(conn, table)
    there = f"SELECT 1 FROM {table} AS t WHERE t.{column} = r.wanted"
    given = [as_json([(value,) for value in values])]
    if groups is not None and "user_group" in columns:
        there += f" AND t.user_group IN {dialects.of(conn).texts}"
        given.append(as_json([*sorted(groups), EVERY_GROUP]))
    rows = rows_of(dialects.of(conn), ("wanted",))
    return {row[0] for row in run(conn, f"SELECT r.wanted FROM {rows} WHERE NOT EXISTS ({there})", *given)}


def is_known(conn: Connection, reference: str) -> bool:
    """Say whether it is known what stands in *reference*: the table is there, and somebody fills it."""
    table, column = reference.split(".")
    return column in columns_of(conn, table) and not _is_unfilled(conn, table)


def _is_unfilled(conn: Connection, table: str) -> bool:
    is_empty_here = table in FILLED_BY_VICIDIAL and dialects.of(conn).is_embedded
    return is_empty_here and not run(conn, f"SELECT 1 FROM {table} LIMIT 1")


def choices(
    conn: Connection, reference: str, text: str, groups: Collection[str] | None, limit: int
) -> list[tuple[str, str]]:
    """Return *limit* of the values in *reference*, and their names, that *text* is a part of.

    With *groups* only what belongs to one of these user groups. None where there is no such table.
    """
    table, column = reference.split(".")
    there = columns_of(conn, table)
    if column not in there:
        return []
    name = _NAMES[reference] if _NAMES[reference] in there else column
    where, values = f"({column} LIKE ? ESCAPE '!' OR {name} LIKE ? ESCAPE '!')", [like(text)] * 2
    if groups is not None and "user_group" in there:
        where += f" AND user_group IN {dialects.of(conn).texts}"
        values.append(as_json([*sorted(groups), EVERY_GROUP]))
    sql = f"SELECT DISTINCT {column}, {name} FROM {table} WHERE {where} ORDER BY {column} LIMIT ?"
    return [(str(row[0]), str(row[1] or "")) for row in run(conn, sql, *values, limit)]


def server_offset(conn: Connection) -> str | None:
    """Return the offset from UTC (hours, as text) of the first active server, None without one."""
    found: str | None = scalar(conn, "SELECT local_gmt FROM servers WHERE active = 'Y' LIMIT 1")
    return found
