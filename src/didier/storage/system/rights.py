"""The rights that the database user has on the tables that Didier uses."""

import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError

from didier.errors import MissingRights
from didier.storage import dialects
from didier.storage.failures import is_denied
from didier.storage.statements import LOOK_AGAIN, run
from didier.storage.tables import DIDIER_RIGHTS, DIDIER_TABLES, OPTIONAL_OWN, OPTIONAL_RIGHTS, RIGHTS

# Each asks the database whether it would do it, and changes nothing: rights are looked at first, then most
# are explained only, there is no such column, and no table can have one column twice. Grants are not read,
# because they come by roles, patterns and levels too.
_PROBES = {
    "SELECT": "SELECT 1 FROM `{}` LIMIT 0",
    "INSERT": "EXPLAIN INSERT INTO `{}` () VALUES ()",
    "UPDATE": "EXPLAIN UPDATE `{}` SET didier_probe = 1",
    "DELETE": "EXPLAIN DELETE FROM `{}`",
    "INDEX": "CREATE INDEX didier_probe ON `{}` (didier_probe)",
    "ALTER": "ALTER TABLE `{}` DROP COLUMN didier_probe",
    "CREATE": "CREATE TABLE `{}` (didier_probe INT, didier_probe INT)",
}


# What migrations need on a table that is there, and on one that they make.
_MAKING = {"CREATE"}


@dataclass(frozen=True, slots=True)
class Lack:
    """Rights on a table that the database user does not have."""

    table: str
    rights: tuple[str, ...]

    def __str__(self) -> str:
        return f"{', '.join(self.rights)} on {self.table}"


def check(conn: Connection) -> None:
    """Raise `MissingRights` when the database user lacks a right that Didier cannot do without."""
    if dialects.of(conn).is_embedded:
        return
    if missing := [*lacking(conn, RIGHTS), *lacking_own(conn)]:
        raise MissingRights(tuple(map(str, missing)), tuple(grants(conn, missing)))


def lacking(conn: Connection, rights: Mapping[str, Sequence[str]]) -> list[Lack]:
    """Return what the database user lacks of *rights* by table.

    Without any right, a table that is not there cannot be told from one that is.
    """
    lacks = [
        Lack(table, tuple(r for r in needed if not _may(conn, r, table))) for table, needed in rights.items()
    ]
    return [lack for lack in lacks if lack.rights]


def lacking_own(conn: Connection) -> list[Lack]:
    """Return what the database user lacks on the tables of its own that Didier cannot do without."""
    return _lacking(conn, [table for table in DIDIER_TABLES if table not in OPTIONAL_OWN])


def _lacking(conn: Connection, own: Iterable[str]) -> list[Lack]:
    """Return what is lacking on *own* tables; making them counts until they are there."""
    there = tables(conn)
    needed = {
        table: tuple(right for right in DIDIER_RIGHTS if right not in _MAKING or table not in there)
        for table in own
    }
    return lacking(conn, needed)


def lacking_optional(conn: Connection) -> list[Lack]:
    """Return what the database user lacks on VICIdial's tables that may not be there, and on own ones."""
    return [*lacking(conn, OPTIONAL_RIGHTS), *_lacking(conn, OPTIONAL_OWN)]


def may_make(conn: Connection, table: str) -> bool:
    """Say whether the database user may make *table*, which is not there yet."""
    return dialects.of(conn).is_embedded or _may(conn, "CREATE", table)


def may(conn: Connection, table: str, wanted: tuple[str, ...]) -> bool:
    """Say whether the database user has the rights *wanted* on a table that is there.

    Asked again every `LOOK_AGAIN` seconds: what may be lacking is granted while Didier runs.
    """
    if dialects.of(conn).is_embedded:
        return True
    known, now = _known.setdefault(conn.dialect, {}), time.monotonic()
    found = known.get((table, wanted))
    if found is None or now - found[0] > LOOK_AGAIN:
        found = known[table, wanted] = (now, all(_may(conn, right, table) for right in wanted))
    return found[1]


_known: weakref.WeakKeyDictionary[sa.Dialect, dict[tuple[str, tuple[str, ...]], tuple[float, bool]]] = (
    weakref.WeakKeyDictionary()
)


def _may(conn: Connection, right: str, table: str) -> bool:
    try:
        run(conn, _PROBES[right].format(table))
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        return not is_denied(error)
    return True


def grants(conn: Connection, missing: Sequence[Lack]) -> Iterator[str]:
    """Yield the statements that give the database user what is *missing*."""
    [(account, database)] = run(conn, "SELECT current_user(), database()")
    user, _, host = account.rpartition("@")
    for lack in missing:
        # MariaDB takes a grant for a table that is not there yet only together with CREATE.
        wanted = DIDIER_RIGHTS if lack.table in DIDIER_TABLES else lack.rights
        yield f"GRANT {', '.join(wanted)} ON `{database}`.`{lack.table}` TO '{user}'@'{host}';"


def tables(conn: Connection) -> dict[str, str]:
    """Return the engines of the tables that the database user may see, by name."""
    sql = (
        "SELECT table_name, coalesce(engine, '') FROM information_schema.tables"
        " WHERE table_schema = database()"
    )
    return {str(name): str(engine) for name, engine in run(conn, sql)}
