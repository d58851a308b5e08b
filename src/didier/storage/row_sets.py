"""Many rows found, added, changed or removed by one statement, each by a key of its own.

MariaDB looks into the index of a key only where it joins: an ``UPDATE`` or ``DELETE`` with
``key IN (SELECT …)`` reads the whole table, and locks every row until the transaction ends (seen with 10.11).
A single row is asked for as such, which takes it half the time.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.statements import (
    bound_rows,
    cache_some,
    columns_of,
    defaults_of,
    insert,
    run,
    run_change,
)

Columns = tuple[str, ...]
"""Names of columns; of a key they hold whole numbers, or texts in ASCII such as digests."""


def find(
    conn: Connection, table: str, key: Columns, keys: Collection[Sequence[Any]], columns: Columns
) -> list[tuple[Any, ...]]:
    """Return *columns* of those rows of *table* whose columns *key* are one of *keys*."""
    if not keys:
        return []
    rows = list(keys)
    if len(rows) == 1:
        return run(conn, f"SELECT {_listed(columns)} FROM {table} AS t WHERE {_is(key)}", *rows[0])
    dialect = dialects.of(conn)
    source, values = bound_rows(dialect, _places(len(key)), rows)
    return run(conn, _find(dialect, table, source, _kinds(key, rows[0]), columns), *values)


@cache_some
def joined(dialect: SqlDialect, table: str, column: str, kind: str = "VARCHAR(255)") -> str:
    """Return the FROM item that reads a parameter, a list of values, as ``r``, and joins *table* as ``t``.

    Of the table it has the rows whose *column* is one of the values, compared as the column compares: unlike
    a key of the other functions here, it may hold texts of any letters. *kind* is the type of the values.
    """
    # The column stands first: SQLite compares by the collation of what stands there.
    source = dialect.items("value", kind)
    return f"{source} {dialect.forced_join} {table} AS t ON t.{column} = r.value"


def update(
    conn: Connection,
    table: str,
    key: Columns,
    columns: Columns,
    rows: Sequence[Sequence[Any]],
    where: str = "TRUE",
) -> int:
    """Set *columns* of rows of *table*; return how many there were.

    Each of *rows* is the values of *key*, by which it is found, and then those of *columns*. *where* is a
    condition that the rows have to meet besides.
    """
    if not rows:
        return 0
    if len(rows) == 1:
        assignments = ", ".join(f"`{name}` = ?" for name in columns)
        sql = f"UPDATE {table} AS t SET {assignments} WHERE {_is(key)} AND {where}"
        return run_change(conn, sql, *rows[0][len(key) :], *rows[0][: len(key)])
    dialect = dialects.of(conn)
    source, values = bound_rows(dialect, _places(len(key) + len(columns)), rows, any_letter=True)
    sql = _update(dialect, table, source, _kinds(key, rows[0]), columns, where)
    return run_change(conn, sql, *values)


def update_each(
    conn: Connection, table: str, key: str, changes: Iterable[tuple[Any, Mapping[str, Any]]]
) -> None:
    """Set columns of rows of *table*: pairs of the value of *key*, each once, and the new values by column.

    One statement for all rows of which the same columns are set; columns that the table lacks are left out.
    """
    known = columns_of(conn, table)
    rows: dict[Columns, list[tuple[Any, ...]]] = defaultdict(list)
    for value, values in changes:
        kept = tuple(name for name in values if name in known)
        if kept:
            rows[kept].append((value, *(values[name] for name in kept)))
    for columns, members in rows.items():
        update(conn, table, (key,), columns, members)


def insert_each(conn: Connection, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Add *rows*, values by column, to *table* in their order; columns that it lacks are left out.

    One statement for all rows that give the same of the columns whose defaults are not known: what else a
    row does not give is given its default.
    """
    known, defaults = columns_of(conn, table), defaults_of(conn, table)
    kept = [{name: value for name, value in row.items() if name in known} for row in rows]
    for _, alike in groupby(kept, key=lambda row: row.keys() - defaults.keys()):
        members = list(alike)
        columns = tuple(dict.fromkeys(name for row in members for name in row))
        values = [tuple(row.get(name, defaults.get(name)) for name in columns) for row in members]
        insert(conn, table, columns, values)


def delete(conn: Connection, table: str, key: Columns, keys: Collection[Sequence[Any]]) -> int:
    """Remove the rows of *table* whose columns *key* are one of *keys*; return how many there were."""
    if not keys:
        return 0
    rows = list(keys)
    dialect = dialects.of(conn)
    source, values = bound_rows(dialect, _places(len(key)), rows)
    return run_change(conn, _delete(dialect, table, source, _kinds(key, rows[0])), *values)


_Kinds = tuple[tuple[str, bool], ...]
"""The columns of a key, and whether each holds whole numbers."""


def _kinds(key: Columns, values: Sequence[Any]) -> _Kinds:
    return tuple((name, isinstance(value, int)) for name, value in zip(key, values, strict=False))


@cache_some
def _places(count: int) -> Columns:
    """Return the names of the columns of rows that are bound."""
    return tuple(f"v{place}" for place in range(count))


def _is(key: Columns) -> str:
    return " AND ".join(f"t.`{name}` = ?" for name in key)


def _listed(columns: Columns) -> str:
    return ", ".join(f"t.`{name}`" for name in columns)


def _matches(dialect: SqlDialect, kinds: _Kinds) -> str:
    values = (_value(dialect, f"r.v{place}", is_number) for place, (_, is_number) in enumerate(kinds))
    return " AND ".join(f"t.`{name}` = {value}" for (name, _), value in zip(kinds, values, strict=True))


def _value(dialect: SqlDialect, place: str, is_number: bool) -> str:
    return f"CAST({place} AS INTEGER)" if is_number else dialect.comparable(place)


@cache_some
def _find(dialect: SqlDialect, table: str, source: str, kinds: _Kinds, columns: Columns) -> str:
    joined = f"{source} {dialect.forced_join} {table} AS t"  # the few rows that are bound come first
    return f"SELECT {_listed(columns)} FROM {joined} ON {_matches(dialect, kinds)}"


@cache_some
def _update(dialect: SqlDialect, table: str, source: str, kinds: _Kinds, columns: Columns, where: str) -> str:
    new = ((name, f"r.v{place}") for place, name in enumerate(columns, len(kinds)))
    return dialect.update_joined(table, source, _matches(dialect, kinds), new, where)


@cache_some
def _delete(dialect: SqlDialect, table: str, source: str, kinds: _Kinds) -> str:
    key, chosen = ", ".join(f"`{name}`" for name, _ in kinds), ", ".join(_places(len(kinds)))
    return dialect.delete_joined(table, source, _matches(dialect, kinds), key, chosen)
