"""What a database tells about its own state, for `didier doctor`, and whether it takes changes."""

import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.errors import SchemaTooOld
from didier.storage import dialects
from didier.storage.database import database_file
from didier.storage.failures import is_denied
from didier.storage.statements import as_moment, columns_of, run, scalar
from didier.storage.tables import INDISPENSABLE, USERS, vicidial_tables


def can_store(conn: Connection, orders: Sequence[None]) -> Sequence[None]:
    """Store something and take it out again; what fails says why nothing can be stored."""
    run(conn, "INSERT INTO didier_settings (name, value) VALUES ('.stored', '')")
    run(conn, "DELETE FROM didier_settings WHERE name = '.stored'")
    return orders


@dataclass(frozen=True, slots=True)
class Embedded:
    """The state of an embedded database."""

    problems: tuple[str, ...]  # of its structure; none when it is whole
    journal_mode: str
    synchronous: int  # 2 is FULL, 3 is EXTRA
    mode: int  # permissions of the file


def embedded(conn: Connection) -> Embedded:
    """Look through the whole of an embedded database."""
    file = database_file(conn.engine.url)
    return Embedded(
        problems=_problems(conn),
        journal_mode=str(scalar(conn, "PRAGMA journal_mode")),
        synchronous=int(scalar(conn, "PRAGMA synchronous")),
        mode=stat.S_IMODE(file.stat().st_mode) if file else 0,
    )


def _problems(conn: Connection) -> tuple[str, ...]:
    try:
        found = [str(row[0]) for row in run(conn, "PRAGMA integrity_check")]
    except DBAPIError as error:
        return (str(error.orig),)
    return () if found == ["ok"] else tuple(found)


def version(conn: Connection) -> str:
    """Return the version of the database, as it names itself."""
    return str(scalar(conn, dialects.of(conn).version))


def variables(conn: Connection, names: Iterable[str]) -> dict[str, str]:
    """Return MariaDB's global variables *names*, those that this version has."""
    wanted = tuple(names)
    places = ", ".join("?" * len(wanted))
    return _pairs(conn, f"SHOW GLOBAL VARIABLES WHERE variable_name IN ({places})", wanted)


def status(conn: Connection, names: Iterable[str]) -> dict[str, str]:
    """Return MariaDB's status values *names*."""
    wanted = tuple(names)
    places = ", ".join("?" * len(wanted))
    return _pairs(conn, f"SHOW GLOBAL STATUS WHERE variable_name IN ({places})", wanted)


def _pairs(conn: Connection, sql: str, values: tuple[str, ...]) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in run(conn, sql, *values)}


def columns(conn: Connection, tables: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the columns that each of VICIdial's *tables* has; none of one that is not there."""
    return {table: columns_of(conn, table) for table in tables}


def known_columns() -> Mapping[str, tuple[str, ...]]:
    """Return the columns that each of VICIdial's tables has in the release that Didier knows."""
    tables = vicidial_tables().tables
    return {name: tuple(column.name for column in table.columns) for name, table in tables.items()}


def too_old(conn: Connection) -> list[str]:
    """Return the columns, with their tables, that this VICIdial lacks and without which nothing works.

    Of a table that is not there, or that the database user may not see, none.
    """
    there = {table: {str(row[0]) for row in run(conn, _COLUMNS, table)} for table in INDISPENSABLE}
    return [
        f"{table}.{name}"
        for table, needed in INDISPENSABLE.items()
        for name in needed
        if there[table] and name not in there[table]
    ]


_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = database() AND table_name = ?"
)


def check_schema(conn: Connection) -> None:
    """Raise `SchemaTooOld` for a VICIdial that lacks what Didier cannot do without."""
    if not dialects.of(conn).is_embedded and (lacking := too_old(conn)):
        raise SchemaTooOld(tuple(lacking))


def damage(conn: Connection, table: str) -> list[str]:
    """Return what ``CHECK TABLE`` says of a table that was not closed properly; nothing if it is whole.

    MariaDB skips tables that were closed properly, so this is quick.
    """
    return _damage(conn, f"CHECK TABLE `{table}` FAST QUICK")


def hidden_damage(conn: Connection, table: str) -> list[str]:
    """Return what is wrong with a table when all of it is looked at.

    A MyISAM table that was being written to when the server crashed is repaired by MariaDB as it is opened,
    by its index alone (``myisam_recover_options``, QUICK). Rows that the index does not have are not seen
    then, though it counts as whole. When this has found such a table out, MariaDB repairs it as a whole when
    it is opened next, and the rows are there.
    """
    return _damage(conn, f"CHECK TABLE `{table}`")


def _damage(conn: Connection, check: str) -> list[str]:
    try:
        rows = run(conn, check)
    except DBAPIError as error:
        if is_denied(error):
            return []
        raise
    # A warning is no damage: it says that a program has the table open.
    return [str(text) for _, _, kind, text in rows if str(kind).lower() == "error"]


def without_primary_key(conn: Connection) -> list[str]:
    """Return the tables of the database, as far as they may be seen, that have no primary key."""
    sql = (
        "SELECT t.table_name FROM information_schema.tables AS t WHERE t.table_schema = database()"
        " AND t.table_type = 'BASE TABLE' AND NOT EXISTS (SELECT 1 FROM information_schema.statistics AS s"
        " WHERE s.table_schema = t.table_schema AND s.table_name = t.table_name"
        " AND s.index_name = 'PRIMARY') ORDER BY t.table_name"
    )
    return [str(row[0]) for row in run(conn, sql)]


@dataclass(frozen=True, slots=True)
class Clock:
    """The time by the database's clock, in seconds since the epoch, and as its sessions write it."""

    epoch: float
    local: datetime


def clock(conn: Connection) -> Clock:
    """Return what time it is in the database."""
    [(epoch, local)] = run(conn, "SELECT unix_timestamp(now(6)), now(6)")
    return Clock(float(epoch), as_moment(local) or datetime.fromtimestamp(float(epoch)))


def plain_passwords(conn: Connection) -> int:
    """Return how many users have a password that stands there as it is."""
    return int(scalar(conn, f"SELECT count(*) FROM {USERS} WHERE pass <> ''") or 0)
