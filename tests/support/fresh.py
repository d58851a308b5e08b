"""Databases that are as new for each test: they are made once, then copied or put back."""

import re
import shutil
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url

from support.homes import ready
from support.mariadb import MariaDB


class FreshFile:
    """An embedded database, and copies of it."""

    def __init__(self, directory: Path, now: datetime) -> None:
        self._file = directory / "fresh.db"
        with ready(f"sqlite:///{self._file}", now):
            pass

    def url(self, directory: Path) -> str:
        """Put a copy into *directory*; return its URL."""
        shutil.copy(self._file, directory / "didier.db")
        return f"sqlite:///{directory}/didier.db"


class FreshDatabase:
    """A database on *mariadb* that is put back to what it was whenever it is asked for.

    Making tables takes MariaDB ten times as long as looking which of them were written to, and filling those
    anew. When a table was altered, or a trigger made, there is a new database.
    """

    def __init__(self, mariadb: MariaDB, now: datetime) -> None:
        self._mariadb = mariadb
        self._original = mariadb.database()
        with ready(self._original, now):
            pass
        self._engine = sa.create_engine(self._original, isolation_level="AUTOCOMMIT")
        with self._engine.connect() as conn:
            self._tables = _tables(conn, _name(self._original))
        self._url = self._copy()

    def url(self) -> str:
        """Return the URL of the database, which is as new; who had a connection to it has none now."""
        if not self._put_back():
            with self._engine.connect() as conn:
                conn.exec_driver_sql(f"DROP DATABASE `{_name(self._url)}`")
            self._url = self._copy()
        return self._url

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def _copy(self) -> str:
        url = self._mariadb.database()
        with self._engine.connect() as conn:
            for table in self._tables:
                conn.exec_driver_sql(f"CREATE TABLE `{_name(url)}`.`{table}` LIKE `{table}`")
                self._fill(conn, _name(url), table)
        return url

    def _put_back(self) -> bool:
        """Fill the tables anew that were written to; say whether all are what they were."""
        name = _name(self._url)
        with self._engine.connect() as conn:
            _end_others(conn, name)
            found = _tables(conn, name)
            if _shapes(found) != _shapes(self._tables) or _rows(conn, f"SHOW TRIGGERS FROM `{name}`"):
                return False
            for table in found:
                if found[table] != self._tables[table]:
                    conn.exec_driver_sql(f"TRUNCATE `{name}`.`{table}`")
                    self._fill(conn, name, table)
        return True

    def _fill(self, conn: Connection, name: str, table: str) -> None:
        conn.exec_driver_sql(f"INSERT INTO `{name}`.`{table}` SELECT * FROM `{table}`")


def _name(url: str) -> str:
    return str(make_url(url).database)


def _rows(conn: Connection, statement: str) -> list[tuple[object, ...]]:
    return [tuple(row) for row in conn.exec_driver_sql(statement)]


def _end_others(conn: Connection, name: str) -> None:
    """End the connections that a test has left: one in a transaction would keep its tables locked."""
    query = f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"
    for (id_,) in _rows(conn, query):
        with suppress(sa.exc.OperationalError):  # it has ended meanwhile
            conn.exec_driver_sql(f"KILL {id_}")


Table = tuple[str, object]
"""The statement that makes a table, and the checksum of its rows."""


def _tables(conn: Connection, name: str) -> dict[str, Table]:
    """Return the tables of the database *name*."""
    names = [str(row[0]) for row in _rows(conn, f"SHOW TABLES FROM `{name}`")]
    listed = ", ".join(f"`{name}`.`{table}`" for table in names)
    sums = [row[1] for row in _rows(conn, f"CHECKSUM TABLE {listed}")]
    made = [str(_rows(conn, f"SHOW CREATE TABLE `{name}`.`{table}`")[0][1]) for table in names]
    return dict(zip(names, zip(made, sums, strict=True), strict=True))


def _shapes(tables: dict[str, Table]) -> dict[str, str]:
    """Return what makes each table, but for the number that its next row gets."""
    return {name: re.sub(r" AUTO_INCREMENT=\d+", "", made) for name, (made, _) in tables.items()}
