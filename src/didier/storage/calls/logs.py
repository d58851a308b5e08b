"""Writing the rows that calls leave in VICIdial's logs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.errors import TableDamaged
from didier.storage.failures import is_passing, unavailable
from didier.storage.statements import columns_of, insert


def write(conn: Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Add *rows*, each with its table, with one statement for each table; return which failed, and why.

    Tables and columns that this VICIdial does not have are left out. A value that does not fit is made to,
    and a call that has its row in ``call_log`` already gets none: no row takes others with it. Nor does a
    table that cannot be written to: calls are not refused for it.
    """
    by_table: dict[tuple[str, tuple[str, ...]], list[list[Any]]] = defaultdict(list)
    for table, values in rows:
        there = columns_of(conn, table)
        if names := tuple(name for name in values if name in there):
            by_table[table, names].append([values[name] for name in names])
    failed: dict[str, str] = {}
    for (table, names), of_table in by_table.items():
        try:
            insert(conn, table, names, of_table, new_only=True)
        except DBAPIError as error:
            _check(error)
            failed[table] = str(error.orig)
    return failed


def _check(error: DBAPIError) -> None:
    """Raise *error* where it is one of the database or of the transaction, and not of a table."""
    trouble = unavailable(error)
    outrun = is_passing(error) and not isinstance(error, IntegrityError)  # such is refused by the table
    if outrun or (trouble and not isinstance(trouble, TableDamaged)):
        raise error
