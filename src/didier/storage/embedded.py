"""VICIdial's tables in an embedded database, where nobody but Didier makes them.

They are only expanded: nothing is dropped or changed, so that a process of the release before may go on.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.schema import CreateColumn

from didier.storage.statements import run
from didier.storage.tables import NOT_EMBEDDED


def expand(conn: Connection, vicidial: sa.MetaData) -> None:
    """Make those tables, columns and indexes of *vicidial* that the database lacks.

    Rows that are there get the defaults of new columns. A new column that is required needs one.
    """
    tables = [table for name, table in vicidial.tables.items() if name not in NOT_EMBEDDED]
    vicidial.create_all(conn, tables=tables)
    there = _columns(conn)
    for table in tables:
        if missing := [column for column in table.columns if (table.name, column.name) not in there]:
            _add(conn, table.name, missing, [name for owner, name in there if owner == table.name])
    indexes = {name for (name,) in run(conn, "SELECT name FROM sqlite_master WHERE type = 'index'")}
    for index in (index for table in tables for index in table.indexes if index.name not in indexes):
        index.create(conn)


def _columns(conn: Connection) -> Collection[tuple[Any, ...]]:
    """Return the columns of all tables, each with its table's name before it, in order."""
    sql = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
    return dict.fromkeys(run(conn, sql))


def _add(conn: Connection, table: str, columns: Sequence["sa.Column[Any]"], there: Sequence[str]) -> None:
    definitions = [str(CreateColumn(column).compile(dialect=conn.dialect)) for column in columns]
    varying = any("CURRENT_TIMESTAMP" in definition for definition in definitions)
    with _emptied(conn, table, there) if varying else nullcontext():
        for definition in definitions:
            run(conn, f"ALTER TABLE {table} ADD COLUMN {definition}")


@contextmanager
def _emptied(conn: Connection, table: str, columns: Sequence[str]) -> Iterator[None]:
    """Take the rows out of *table* for a while, in the connection's transaction; ids are not given out again.

    SQLite adds columns whose default is not the same for all rows to empty tables alone, see "ALTER TABLE ADD
    COLUMN" in https://sqlite.org/lang_altertable.html.
    """
    names = ", ".join(columns)
    run(conn, f"CREATE TEMPORARY TABLE didier_rows AS SELECT {names} FROM {table}")
    run(conn, f"DELETE FROM {table}")
    yield
    run(conn, f"INSERT INTO {table} ({names}) SELECT {names} FROM didier_rows")
    run(conn, "DROP TABLE temp.didier_rows")
