"""What Didier knows of DIDs beyond VICIdial's columns. Table ``didier_did_fields``.

A DID without a row there has the `DEFAULTS`. Every change of a DID raises its version, which so says which of
two changes came later. Whoever changes a DID holds its row here first, then that in VICIdial's table.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.storage import dialects, row_sets
from didier.storage.dialects import SqlDialect
from didier.storage.dids import deletion_locks
from didier.storage.failures import Outrun
from didier.storage.statements import as_json, bound_rows, cache_some, run

Value = str | int | None
Fields = Mapping[str, Value]

VERSION = "version"
DEFAULTS: Fields = MappingProxyType({
    VERSION: 1, "tags": "", "gateway_set": "", "schedule": "", "fallbacks": "", "managed_by": "",
    "locked": "N", "exceptions": "",
})  # fmt: skip
"""What a DID has of which nothing else is known."""

NOT_COPIED: Fields = MappingProxyType(
    {name: DEFAULTS[name] for name in (VERSION, "tags", "managed_by", "locked", "exceptions")}
)
"""What a copy has whatever its source has."""

_VALUES = tuple(name for name in DEFAULTS if name != VERSION)
TABLE = "didier_did_fields"
_COLUMNS = ("did_id", *DEFAULTS)
_LISTED = ", ".join(_COLUMNS)

IN_REPLICA = f"CREATE TABLE IF NOT EXISTS {TABLE} ({_LISTED}, PRIMARY KEY (did_id)) WITHOUT ROWID"
"""The statement that makes the table in a replica; elsewhere a migration does."""


def is_outdated(replica: Connection) -> bool:
    """Say whether the table in a replica is that of an earlier release, which knew fewer fields."""
    there = {row[0] for row in run(replica, "SELECT name FROM pragma_table_info(?)", TABLE)}
    return bool(there) and there != {*_COLUMNS}


def version_of(row: Fields | None) -> int:
    """Return the version of a DID whose *row* is given, or what is known of it; 1 where that says none."""
    return int((row or DEFAULTS).get(VERSION) or 1)


def of(conn: Connection, did_ids: Collection[int], *, held: bool = False) -> dict[int, Fields]:
    """Return what is known of each of the DIDs *did_ids*, by id.

    Of those that are *held* (`hold`) it is what was committed last, whenever the transaction began.
    """
    dialect = dialects.of(conn)
    sql = _of(dialect) + (dialect.row_lock if held else "")
    known = _known(run(conn, sql, as_json(list(did_ids)))) if did_ids else {}
    return {did_id: known.get(did_id, DEFAULTS) for did_id in did_ids}


def hold(conn: Connection, did_ids: Collection[int]) -> None:
    """Keep other processes from changing DIDs until the transaction ends, also where tables have none.

    Each has a row here then, which is what is held: a lock on one that is missing would be on all between its
    neighbours, and two who want to add theirs would wait for each other. SQLite has one writer anyway.
    """
    dialect = dialects.of(conn)
    if did_ids and not dialect.has_one_writer:
        run(conn, _hold(dialect), as_json(sorted(did_ids)))


@cache_some
def _hold(dialect: SqlDialect) -> str:
    source = dialect.items("value", "BIGINT")
    upsert = dialect.upsert("did_id", [("did_id", f"{TABLE}.did_id")])
    return f"INSERT INTO {TABLE} (did_id) SELECT r.value FROM {source} WHERE TRUE {upsert}"


@cache_some
def _of(dialect: SqlDialect) -> str:
    source = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {TABLE} AS f ON f.did_id = r.value"
    return f"SELECT {_LISTED} FROM {source}"


def between(conn: Connection, first: int, last: int) -> dict[int, Fields]:
    """Return what is known of those DIDs from id *first* to *last* that have a row, by id."""
    return _known(run(conn, f"SELECT {_LISTED} FROM {TABLE} WHERE did_id BETWEEN ? AND ?", first, last))


def _known(rows: Iterable[Sequence[Value]]) -> dict[int, Fields]:
    return {int(row[0] or 0): dict(zip(DEFAULTS, row[1:], strict=True)) for row in rows}


def differing(conn: Connection, first: int, last: int, wanted: Fields) -> set[int]:
    """Return the ids from *first* to *last* of which other than *wanted* is known, versions aside."""
    alike = {name: wanted.get(name, DEFAULTS[name]) for name in _VALUES}
    known = between(conn, first, last)
    others = {did_id for did_id, fields in known.items() if any(fields[n] != alike[n] for n in alike)}
    if any(value != DEFAULTS[name] for name, value in alike.items()):
        others |= set(range(first, last + 1)) - known.keys()
    return others


def put(conn: Connection, known: Mapping[int, Fields]) -> None:
    """Store what is *known* of DIDs, by id; what is not said of one has its default."""
    if known:
        rows = [(did_id, *map(fields.get, DEFAULTS, DEFAULTS.values())) for did_id, fields in known.items()]
        dialect = dialects.of(conn)
        source, values = bound_rows(dialect, _COLUMNS, rows, any_letter=True)
        run(conn, f"REPLACE INTO {TABLE} ({_LISTED}) SELECT {_LISTED} FROM {source}", *values)


def change(conn: Connection, changes: Mapping[int, Fields]) -> None:
    """Raise the versions of DIDs, by id, and set what the changes say besides."""
    if not changes:
        return
    dialect = dialects.of(conn)
    run(conn, _raise(dialect), as_json(list(changes)))
    given = {did_id: {n: fields[n] for n in _VALUES if n in fields} for did_id, fields in changes.items()}
    row_sets.update_each(conn, TABLE, "did_id", given.items())
    deletion_locks.forget(conn, [did_id for did_id, fields in given.items() if fields.get("locked") == "N"])


@cache_some
def _raise(dialect: SqlDialect) -> str:
    upsert = dialect.upsert("did_id", [(VERSION, f"{TABLE}.{VERSION} + 1")])
    source = dialect.items("value", "BIGINT")
    return f"INSERT INTO {TABLE} (did_id, {VERSION}) SELECT r.value, 2 FROM {source} WHERE TRUE {upsert}"


def delete(conn: Connection, versions: Mapping[int, int]) -> None:
    """Forget DIDs that are deleted, by id; raises `Outrun` when one has another version than is said."""
    if dialects.of(conn).has_one_writer:
        forget(conn, versions)
        return
    # What was read without a lock may be old: what another process has changed meanwhile is left.
    row_sets.delete(conn, TABLE, ("did_id", VERSION), list(versions.items()))
    if forget(conn, versions):
        raise Outrun


def forget(conn: Connection, did_ids: Collection[int]) -> int:
    """Forget DIDs that are not there any more; return of how many something was known."""
    return row_sets.delete(conn, TABLE, ("did_id",), [(did_id,) for did_id in did_ids])
