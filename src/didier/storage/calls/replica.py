"""A replica of what calls find their way by, in an embedded database: for the time that MariaDB is away.

DIDs are compared by ranges of ids, whose digests MariaDB computes (`storage.changes.ranges`): one that is as
it was costs no transfer. Between these passes the change log says which DIDs are others now. The other tables
are small, and copied as a whole when their digest is another one.

What is not in the replica (`ROUTING` names what is) is for `facts` as in a VICIdial that does not have these
tables: nobody is there, nobody waits, nobody was called.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects, embedded
from didier.storage.changes import ranges, sequence
from didier.storage.changes.ranges import Summary
from didier.storage.dids import did_fields
from didier.storage.dids.did_fields import Fields
from didier.storage.statements import as_json, known_columns, rows_of, run, scalar
from didier.storage.system import rights
from didier.storage.tables import DIDS, ROUTING, SCHEDULES, routing_tables

OTHERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {name: columns for name, columns in ROUTING.items() if name != DIDS}
    | {SCHEDULES: ("name", "user_group", "value")}
)
"""The tables that are copied as a whole, and their columns."""

AT_ONCE = 500
"""How many changes are followed, or DIDs copied, at a time."""

_OWN = (
    "CREATE TABLE IF NOT EXISTS replica_ranges"
    " (first_id INTEGER PRIMARY KEY, size INTEGER NOT NULL, digest TEXT NOT NULL, signature TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS replica_tables"
    " (name TEXT PRIMARY KEY, size INTEGER NOT NULL, digest TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS replica_state (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    did_fields.IN_REPLICA,
    f"CREATE TABLE IF NOT EXISTS {SCHEDULES}"
    " (name TEXT PRIMARY KEY COLLATE NOCASE, user_group TEXT, value TEXT NOT NULL)",
)


@dataclass(frozen=True, slots=True)
class State:
    """How far a replica is.

    *source* names the database that it is of; *position* is the number of the last change that is in it,
    *checked_at* the moment (seconds since 1970) at which it was last known to be as the database; None until
    it has all there is.
    """

    source: str
    position: int = 0
    checked_at: float | None = None


def prepare(replica: Connection, source: str) -> State:
    """Make the tables of a replica of the database *source*; return its state.

    What is there of another database, or of an earlier release, is removed.
    """
    embedded.expand(replica, routing_tables())
    is_outdated = did_fields.is_outdated(replica)
    if is_outdated:
        run(replica, f"DROP TABLE {did_fields.TABLE}")
    for statement in _OWN:
        run(replica, statement)
    state = read_state(replica)
    if state is None or state.source != source or is_outdated:
        for table in (DIDS, *OTHERS, did_fields.TABLE, "replica_ranges", "replica_tables"):
            run(replica, f"DELETE FROM {table}")
        state = State(source)
        keep_state(replica, state)
    return state


def read_state(replica: Connection) -> State | None:
    """Return the state of a replica; None where there is none yet."""
    found = dict(run(replica, "SELECT name, value FROM replica_state"))
    if "source" not in found:
        return None
    checked = found.get("checked_at")
    return State(found["source"], int(found.get("position", 0)), float(checked) if checked else None)


def keep_state(replica: Connection, state: State) -> None:
    """Store the state of a replica."""
    kept = {"source": state.source, "position": state.position, "checked_at": state.checked_at}
    rows = [(name, str(value)) for name, value in kept.items() if value is not None]
    run(replica, "DELETE FROM replica_state")
    run(replica, _replace("replica_state", ("name", "value"), replica), as_json(rows))


def size(replica: Connection) -> int:
    """Return how many DIDs a replica has."""
    return int(scalar(replica, "SELECT SUM(size) FROM replica_ranges") or 0)


# DIDs by ranges -------------------------------------------------------------------------------------


def following(source: Connection, replica: Connection, first_id: int) -> int | None:
    """Return the next range from *first_id* on in which there is something, or was; None behind the last."""
    there = scalar(source, f"SELECT MIN(did_id) FROM {DIDS} WHERE did_id >= ?", first_id)
    known = scalar(replica, "SELECT MIN(first_id) FROM replica_ranges WHERE first_id >= ?", first_id)
    return min((ranges.first_of(int(one)) for one in (there, known) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Rows:
    """DIDs as they are in the database: *rows* of *columns*, and of Didier's own fields (*known*)."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]
    known: Mapping[int, Fields]


@dataclass(frozen=True, slots=True)
class RangeCopy:
    """What there is in a range: the *summary* of it with the *signature* of its columns, and the *rows*."""

    first_id: int
    summary: Summary
    signature: str
    content: Rows


def changed_range(source: Connection, replica: Connection, first_id: int) -> RangeCopy | None:
    """Return what there is in a range; None where the replica has it so."""
    found = ranges.found(source, first_id)
    signature = ranges.signature_of(ranges.digested_columns(source))
    sql = "SELECT size, digest, signature FROM replica_ranges WHERE first_id = ?"
    if run(replica, sql, first_id) == [(found.size, _digest(found), signature)]:
        return None
    columns = known_columns(source, DIDS, ROUTING[DIDS])
    listed = ", ".join(f"`{name}`" for name in columns)
    sql = f"SELECT {listed} FROM {DIDS} WHERE did_id BETWEEN ? AND ?"
    rows = run(source, sql, first_id, ranges.last_of(first_id))
    known = did_fields.between(source, first_id, ranges.last_of(first_id))
    return RangeCopy(first_id, found, signature, Rows(columns, rows, known))


def keep_range(replica: Connection, copy: RangeCopy) -> None:
    """Store a range as it is in the database."""
    first, last = copy.first_id, ranges.last_of(copy.first_id)
    for table in (DIDS, did_fields.TABLE):
        run(replica, f"DELETE FROM {table} WHERE did_id BETWEEN ? AND ?", first, last)
    _add(replica, copy.content)
    run(replica, "DELETE FROM replica_ranges WHERE first_id = ?", first)
    if copy.summary.size:
        values = first, copy.summary.size, _digest(copy.summary), copy.signature
        run(replica, "INSERT INTO replica_ranges VALUES (?, ?, ?, ?)", *values)


def _digest(found: Summary) -> str:
    return f"{found.digest:016x}"


def _add(replica: Connection, content: Rows) -> None:
    # A number that has gone from one DID to another is the last one's.
    if content.rows:
        run(replica, _replace(DIDS, content.columns, replica), as_json(content.rows))
    did_fields.put(replica, {one: known for one, known in content.known.items() if _matters(known)})


def _matters(known: Fields) -> bool:
    return any(known[name] != did_fields.DEFAULTS[name] for name in ("schedule", "fallbacks"))


def _replace(table: str, columns: tuple[str, ...], replica: Connection) -> str:
    places = tuple(f"c{i}" for i in range(len(columns)))
    source = rows_of(dialects.of(replica), places)
    listed = ", ".join(f"`{name}`" for name in columns)
    return f"REPLACE INTO {table} ({listed}) SELECT {', '.join(places)} FROM {source} ORDER BY n"


# DIDs by the change log -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changed:
    """DIDs that were changed, created or removed: their ids, and the *position* up to which that is all."""

    did_ids: Sequence[int]
    position: int


def position(source: Connection) -> int:
    """Return the number of the newest change."""
    return sequence.newest(source)


def is_known(source: Connection, position: int) -> bool:
    """Say whether changes can be followed from *position*: not when a backup has undone it."""
    return sequence.is_known(source, position)


def changed(source: Connection, after: int) -> Changed:
    """Return what was changed behind the position *after*, `AT_ONCE` changes at most.

    What has no number yet is among it, now and until it has one.
    """
    numbered = run(source, _CHANGED.format("sequence > ?", "sequence"), after)
    rows = numbered or run(source, _CHANGED.format("sequence IS NULL", "change_id"))
    newest = numbered[-1][0] if numbered else after
    ids = {one: None for _, did_id, size in rows for one in range(did_id, did_id + size)}
    return Changed(list(ids), newest)


_CHANGED = (
    "SELECT sequence, did_id, size FROM didier_changes"
    f" WHERE {{}} AND kind = 'did' ORDER BY {{}} LIMIT {AT_ONCE}"
)


def rows_of_ids(source: Connection, did_ids: Collection[int]) -> Rows:
    """Return the DIDs with these ids, as far as they are there."""
    columns = known_columns(source, DIDS, ROUTING[DIDS])
    dialect = dialects.of(source)
    listed = ", ".join(f"d.`{name}`" for name in columns)
    joined = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {DIDS} AS d ON d.did_id = r.value"
    rows = run(source, f"SELECT {listed} FROM {joined}", as_json(did_ids))
    return Rows(columns, rows, did_fields.of(source, did_ids))


def keep_rows(replica: Connection, did_ids: Collection[int], content: Rows) -> None:
    """Store the DIDs *did_ids* as they are in the database."""
    for table in (DIDS, did_fields.TABLE):
        wanted = dialects.of(replica).numbers
        run(replica, f"DELETE FROM {table} WHERE did_id IN {wanted}", as_json(did_ids))
    _add(replica, content)


def forget_ranges(replica: Connection) -> None:
    """Have all ranges copied anew: what is known is of changes that the database does not have."""
    run(replica, "DELETE FROM replica_ranges")


# Other tables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TableCopy:
    """A table as it is in the database; without *rows* where it has too many."""

    table: str
    summary: Summary
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]] | None


def changed_table(source: Connection, replica: Connection, table: str, limit: int) -> TableCopy | None:
    """Return *table* with its rows, if these are not more than *limit*; None where the replica has it so."""
    columns = known_columns(source, table, OTHERS[table])
    if columns and not rights.may(source, table, ("SELECT",)):
        columns = ()
    found = _summary(source, table, columns, limit)
    sql = "SELECT size, digest FROM replica_tables WHERE name = ?"
    if run(replica, sql, table) == [(found.size, _digest(found))]:
        return None
    if found.size > limit:
        return TableCopy(table, found, columns, None)
    listed = ", ".join(f"`{name}`" for name in columns)
    rows = run(source, f"SELECT {listed} FROM {table} LIMIT {limit}") if columns else []
    return TableCopy(table, found, columns, rows)


def _summary(source: Connection, table: str, columns: tuple[str, ...], limit: int) -> Summary:
    """Return the summary of a table, only by the number of its rows where these are more than *limit*."""
    if not columns:
        return ranges.NOTHING
    # One more than the limit is as good as any number of them, and all that is counted.
    counted = f"(SELECT 1 FROM {table} LIMIT {limit + 1}) AS t"
    many = int(scalar(source, f"SELECT COUNT(*) FROM {counted}"))
    text = dialects.of(source).row_text(columns, is_unicode=False)
    return Summary(many, 0) if many > limit else ranges.summary_of(source, text, f"FROM {table}")


def keep_table(replica: Connection, copy: TableCopy) -> None:
    """Store a table as it is in the database."""
    run(replica, f"DELETE FROM {copy.table}")
    if copy.rows:
        run(replica, _replace(copy.table, copy.columns, replica), as_json(copy.rows))
    values = copy.table, copy.summary.size, _digest(copy.summary)
    run(replica, "REPLACE INTO replica_tables VALUES (?, ?, ?)", *values)
