"""Writing the rows that calls leave in VICIdial's logs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.storage.failures import damaged_table, is_denied
from didier.storage.statements import columns_of, insert
from didier.storage.system import rights
from didier.storage.tables import CALL_LOG

_ONCE = frozenset({CALL_LOG})
"""Logs that have one row of a call, however often it comes."""


def write(conn: Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> set[str]:
    """Add *rows*, each with its table, with one statement for each table.

    Tables and columns that this VICIdial does not have are left out. Returns the tables that could not be
    written: the database user lacks the right, or the table is damaged.
    """
    by_table: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = defaultdict(list)
    for table, values in rows:
        there = columns_of(conn, table)
        names = tuple(name for name in values if name in there)
        by_table[table, names].append([values[name] for name in names])
    return {
        table
        for (table, names), of_table in by_table.items()
        if not _is_written(conn, table, names, of_table)
    }


def _is_written(conn: Connection, table: str, names: tuple[str, ...], rows: list[list[Any]]) -> bool:
    if not rights.may(conn, table, ("INSERT",)):
        return False
    try:
        if names:
            insert(conn, table, names, rows, new_only=table in _ONCE)
    except DBAPIError as error:  # it fails that statement alone; the transaction goes on
        if not is_denied(error) and not damaged_table(error):
            raise
        return False
    return True
