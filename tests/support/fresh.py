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
            self._made = _made(conn, _name(self._original))
            self._contents = _contents(conn, _name(self._original))
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
            for table in self._made:
                conn.exec_driver_sql(f"CREATE TABLE `{_name(url)}`.`{table}` LIKE `{table}`")
                self._fill(conn, _name(url), table)
            self._definitions = _definitions(conn)
        return url

    def _put_back(self) -> bool:
        """Fill the tables anew that were written to; say whether all are what they were."""
        name = _name(self._url)
        with self._engine.connect() as conn:
            _end_others(conn, name)
            if _definitions(conn) != self._definitions and self._is_altered(conn, name):
                return False
            found = _contents(conn, name)
            for table in found:
                if found[table] != self._contents[table]:
                    conn.exec_driver_sql(f"TRUNCATE `{name}`.`{table}`")
                    self._fill(conn, name, table)
            self._definitions = _definitions(conn)
        return True

    def _is_altered(self, conn: Connection, name: str) -> bool:
        return _made(conn, name) != self._made or bool(_rows(conn, f"SHOW TRIGGERS FROM `{name}`"))

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


def _definitions(conn: Connection) -> list[tuple[object, ...]]:
    """Count the statements that have made, altered or dropped something that stays, in any database.

    While there are no more of them, no table has to be looked at for how it is made: that takes 20 ms.
    """
    return _rows(
        conn,
        "SELECT SUM(variable_value) FROM information_schema.global_status WHERE variable_name"
        " REGEXP '^COM_(ALTER|CREATE|DROP|RENAME)_' AND variable_name NOT REGEXP 'TEMPORARY'",
    )


def _names(conn: Connection, name: str) -> list[str]:
    return [str(row[0]) for row in _rows(conn, f"SHOW TABLES FROM `{name}`")]


def _made(conn: Connection, name: str) -> dict[str, str]:
    """Return what makes each table of the database *name*, but for the number that its next row gets."""
    statements = {table: _rows(conn, f"SHOW CREATE TABLE `{name}`.`{table}`") for table in _names(conn, name)}
    return {table: re.sub(r" AUTO_INCREMENT=\d+", "", str(row[1])) for table, [row] in statements.items()}


def _contents(conn: Connection, name: str) -> dict[str, tuple[object, object]]:
    """Return the checksum of each table's rows in the database *name*, and the number of its next row."""
    query = f"SELECT table_name, auto_increment FROM information_schema.tables WHERE table_schema = '{name}'"
    following = {str(table): number for table, number in _rows(conn, query)}
    listed = ", ".join(f"`{name}`.`{table}`" for table in following)
    sums = _rows(conn, f"CHECKSUM TABLE {listed}")
    return {table: (found[1], following[table]) for table, found in zip(following, sums, strict=True)}
