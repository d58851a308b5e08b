"""Writing the rows that calls leave in VICIdial's logs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage.statements import columns_of, insert
from didier.storage.tables import CALL_LOG

_ONCE = frozenset({CALL_LOG})
"""Logs that have one row of a call, however often it comes."""


def write(conn: Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
    """Add *rows*, each with its table, with one statement for each table.

    Tables and columns that this VICIdial does not have are left out.
    """
    by_table: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = defaultdict(list)
    for table, values in rows:
        there = columns_of(conn, table)
        if names := tuple(name for name in values if name in there):
            by_table[table, names].append([values[name] for name in names])
    for (table, names), of_table in by_table.items():
        insert(conn, table, names, of_table, new_only=table in _ONCE)
