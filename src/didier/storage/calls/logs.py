"""Writing the rows that calls leave in VICIdial's logs."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, IntegrityError

from didier.errors import TableDamaged
from didier.storage.calls.equality import key, rows_with
from didier.storage.failures import is_passing, unavailable
from didier.storage.statements import as_text, columns_of, insert
from didier.storage.system import rights
from didier.storage.tables import DID_AGENT_LOG, DID_LOG, GATEWAY_LOG, RECORDING_LOG, URL_LOG

Row = tuple[str, Mapping[str, Any]]
"""A table, and the values of a row of it by column."""

_KNOWN_BY: Mapping[str, tuple[str, ...]] = MappingProxyType({
    DID_LOG: ("uniqueid", "call_date", "extension"),
    DID_AGENT_LOG: ("uniqueid", "call_date", "extension"),
    GATEWAY_LOG: ("uniqueid", "call_date", "extension"),
    RECORDING_LOG: ("vicidial_id", "start_time", "extension"),
    URL_LOG: ("uniqueid", "url_date", "url"),
})  # fmt: skip
"""The columns by which a row is known in tables without a key for that, the one with an index first."""

_NOT_ALLOWED = "the database user lacks INSERT on it; didier doctor has the statement"


def missing(conn: Connection, rows: Sequence[Row]) -> list[Row]:
    """Return those of *rows* that may not be there yet: what has a key of its own is written once anyway."""
    there: dict[str, set[tuple[str, ...]]] = {}
    for table, columns in _KNOWN_BY.items():
        first, *others = columns
        wanted = {str(values[first]) for of, values in rows if of == table}
        if wanted and {*columns} <= {*columns_of(conn, table)}:
            found = rows_with(conn, table, first, wanted, ", ".join(f"t.{name}" for name in others))
            there[table] = {tuple(map(_comparable, row)) for row in found}
    return [row for row in rows if _name(row) not in there.get(row[0], ())]


def _name(row: Row) -> tuple[str, ...]:
    table, values = row
    return tuple(_comparable(values[name]) for name in _KNOWN_BY.get(table, ()))


def _comparable(value: Any) -> str:
    return key(as_text(value) if isinstance(value, datetime) else str(value))


def write(conn: Connection, rows: Iterable[Row]) -> dict[str, str]:
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
