"""Writing the rows that calls leave in VICIdial's logs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.errors import TableDamaged
from didier.storage.failures import is_passing, unavailable
from didier.storage.statements import columns_of, insert
from didier.storage.system import rights

_NOT_ALLOWED = "the database user lacks INSERT on it; didier doctor has the statement"


def write(conn: Connection, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, str]:
    """Add *rows*, each with its table, with one statement for each table.

    Tables and columns that this VICIdial does not have are left out. A value that does not fit is made to,
    and a call that has its row in ``call_log`` already gets none: no row takes others with it. Returns the
    tables that could not be written, and why: calls are not refused for a log.
    """
    by_table: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for table, values in rows:
        by_table[table].append(values)
    failed = {table: _failure(conn, table, of_table) for table, of_table in by_table.items()}
    return {table: failure for table, failure in failed.items() if failure}


def _failure(conn: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> str | None:
    if not rights.may(conn, table, ("INSERT",)):
        return _NOT_ALLOWED
    try:
        _add(conn, table, rows)
    except DBAPIError as error:  # it fails that statement alone; the transaction goes on
        if not _is_of_the_table(error):
            raise
        return str(error.orig)
    return None


def _add(conn: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    there = columns_of(conn, table)
    by_names: dict[tuple[str, ...], list[list[Any]]] = defaultdict(list)
    for values in rows:
        if names := tuple(name for name in values if name in there):
            by_names[names].append([values[name] for name in names])
    for names, alike in by_names.items():
        insert(conn, table, names, alike, new_only=True)


def _is_of_the_table(error: DBAPIError) -> bool:
    """Say whether *error* concerns one table, and not the database or the transaction as a whole."""
    trouble = unavailable(error)
    is_outrun = is_passing(error) and not isinstance(error, IntegrityError)
    return not is_outrun and (trouble is None or isinstance(trouble, TableDamaged))
