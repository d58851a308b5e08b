"""Which change of the log created a DID: that of a copy says what it was copied from."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.dids import filters, visibility
from didier.storage.dids.filters import Filter, clause
from didier.storage.dids.pages import SORTS, Sort, Value, creation
from didier.storage.statements import as_json, run
from didier.storage.tables import DIDS


@dataclass(frozen=True, slots=True)
class Listed:
    """A DID of a list, and its place there."""

    did_id: int
    place: list[str | int]


def page(
    conn: Connection, wanted: Filter, sort: Sort, limit: int, after: Sequence[Value] | None = None
) -> list[Listed]:
    """Return *limit* of the DIDs that are *wanted*, behind the place *after*: short rows of a long list."""
    keys, direction = SORTS[sort.by], " DESC" if sort.descending else ""
    conditions, values = filters.conditions(conn, wanted)
    if after is not None:
        than = "<" if sort.descending else ">"
        conditions.append(f"({', '.join(keys)}) {than} ({', '.join('?' for _ in keys)})")
        values += after
    sql = (
        f"SELECT d.did_id, {', '.join(keys)} FROM {DIDS} AS d{clause(conditions)}"
        f" ORDER BY {', '.join(f'{key}{direction}' for key in keys)} LIMIT ?"
    )
    return [Listed(did_id, place) for did_id, *place in run(conn, sql, *values, limit)]


def creations(conn: Connection, did_ids: Collection[int]) -> dict[int, int]:
    """Return the changes that created the DIDs *did_ids*, those of DIDs that are gone too, if known."""
    if not did_ids:
        return {}
    source = dialects.of(conn).items("value", "BIGINT")
    rows = run(conn, f"SELECT r.value, {creation('r.value')} FROM {source}", as_json(list(did_ids)))
    return {did_id: change_id for did_id, change_id in rows if change_id is not None}


def copies_of_each(conn: Connection, sight: Visibility, patterns: Collection[str]) -> dict[str, int]:
    """Return how many DIDs that *sight* has were copied from each of *patterns*, if there are some."""
    if not patterns:
        return {}
    dialect = dialects.of(conn)
    limits, values = visibility.conditions(conn, sight)
    group = filters.source_group(dialect, sight)
    sql = (
        f"SELECT c.source_pattern, {group}, COUNT(*) FROM didier_changes AS c"
        f" JOIN {DIDS} AS d ON d.did_id BETWEEN c.did_id AND c.did_id + c.size - 1"
        f"{clause([f'c.source_pattern IN {dialect.texts}', *limits])} GROUP BY 1, 2"
    )
    found: dict[str, int] = {}
    for pattern, group, count in run(conn, sql, as_json(list(patterns)), *values):
        if sight.sees(group, pattern):
            found[pattern] = found.get(pattern, 0) + count
    return found
