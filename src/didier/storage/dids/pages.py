"""Whole rows of DIDs, page by page: each page begins behind the last row of the one before."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.fields import OWN_FIELDS
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.dids import did_fields, filters
from didier.storage.dids.filters import Filter, clause, source_group
from didier.storage.statements import as_json, as_text, columns_of, run
from didier.storage.tables import DIDS

Value = str | int | None
Row = Mapping[str, Value]
"""A DID by column, a DATETIME as its text; with what Didier knows besides, and ``copied_from``, the pattern
of its source."""

SORTS: Mapping[str, tuple[str, ...]] = {
    "did_id": ("d.did_id",),
    "did_pattern": ("d.did_pattern",),
    "did_description": ("COALESCE(d.did_description, '')", "d.did_id"),
}
"""By what DIDs may be sorted, and the expressions that make it an order without ties."""


@dataclass(frozen=True, slots=True)
class Sort:
    """How a list is sorted: by one of `SORTS`, backwards if *descending*."""

    by: str = "did_pattern"
    descending: bool = False


def page(
    conn: Connection, wanted: Filter, sort: Sort, limit: int, after: Sequence[Value] | None = None
) -> list[Row]:
    """Return *limit* of the DIDs that are *wanted*, behind the `place` *after* of a row."""
    is_wide = wanted.text is not None or filters.is_run(conn, wanted)
    if not is_wide or sort.by == "did_description":
        return _page(conn, wanted, sort, limit, after)
    near = _page(conn, wanted, sort, limit, after, near=True)
    return near if len(near) == limit else _page(conn, wanted, sort, limit, after)


NEAR = 5_000
"""How many rows are looked through in order for a text, or copies, before all of them are sought."""


def _page(
    conn: Connection,
    wanted: Filter,
    sort: Sort,
    limit: int,
    after: Sequence[Value] | None,
    *,
    near: bool = False,
) -> list[Row]:
    """Return rows of a page; with *near* those alone that are among the next `NEAR` rows of the list."""
    keys, direction = SORTS[sort.by], " DESC" if sort.descending else ""
    sorted_by = " ORDER BY " + ", ".join(f"{key}{direction}" for key in keys)
    than = "<" if sort.descending else ">"
    behind = f"({', '.join(keys)}) {than} ({', '.join('?' for _ in keys)})"
    place = ([behind], list(after)) if after is not None else ([], [])
    conditions, values = filters.conditions(conn, wanted, near=near)
    if near:
        looked_at = ", ".join(f"d.{name}" for name in filters.columns(conn, wanted))
        looked = f"SELECT {looked_at} FROM {DIDS} AS d{clause(place[0])}{sorted_by} LIMIT {NEAR}"
        table, given = f"({looked})", place[1] + values
    else:
        table, conditions, given = DIDS, conditions + place[0], values + place[1]
    chosen = f"SELECT d.did_id FROM {table} AS d{clause(conditions)}{sorted_by} LIMIT ?"
    which = f" WHERE d.did_id IN (SELECT c.did_id FROM ({chosen}) AS c){sorted_by}"
    return _rows(conn, wanted.sight, which, *given, limit)


def table(
    conn: Connection, wanted: Filter, names: Sequence[str], limit: int, offset: int
) -> list[tuple[Value, ...]]:
    """Return the columns *names* of *limit* DIDs that are *wanted*, by pattern, behind the first *offset*."""
    conditions, values = filters.conditions(conn, wanted, near=False)
    shown = ", ".join(f"d.`{name}`" for name in names)
    sql = f"SELECT {shown} FROM {DIDS} AS d{clause(conditions)} ORDER BY d.did_pattern LIMIT ? OFFSET ?"
    return [tuple(_values(row)) for row in run(conn, sql, *values, limit, offset)]


def patterns(conn: Connection, wanted: Filter, after: int, limit: int) -> list[tuple[int, str]]:
    """Return id and pattern of *limit* DIDs that are *wanted*, by id, behind the id *after*."""
    conditions, values = filters.conditions(conn, wanted, near=False)
    where = clause([*conditions, "d.did_id > ?"])
    sql = f"SELECT d.did_id, d.did_pattern FROM {DIDS} AS d{where} ORDER BY d.did_id LIMIT ?"
    return [tuple(row) for row in run(conn, sql, *values, after, limit)]


def columns(conn: Connection) -> tuple[str, ...]:
    """Return the names of all of VICIdial's columns that DIDs have."""
    return columns_of(conn, DIDS)


def settable(conn: Connection) -> set[str]:
    """Return the names of all columns that DIDs may be given."""
    return {*columns(conn), *(field.column for field in OWN_FIELDS)}


def place(row: Row, sort: Sort) -> list[str | int]:
    """Return what `page` needs to know of the last row of the page before."""
    if sort.by == "did_description":
        return [row["did_description"] or "", row["did_id"] or 0]
    return [row[sort.by] or 0]


def place_kinds(sort: Sort) -> tuple[type[Any], ...]:
    """Return the types of the values in a `place`."""
    return {"did_id": (int,), "did_pattern": (str,), "did_description": (str, int)}[sort.by]


def one(conn: Connection, did_id: int, sight: Visibility) -> Row | None:
    """Return a DID, with its source if *sight* has that."""
    rows = _rows(conn, sight, " WHERE d.did_id = ?", did_id)
    return rows[0] if rows else None


def creation(did_id: str) -> str:
    """Return the expression for the change that created the DID *did_id*, NULL where it is not known.

    It is the last that begins at its id or before, if its run reaches so far. What an undo has put back was
    created before that; so was what got another number outside, and had a group before.
    """
    return (
        f"(SELECT CASE WHEN c.did_id + c.size > {did_id} THEN c.change_id END FROM didier_changes AS c"
        f" WHERE c.action = 'created' AND c.did_id <= {did_id} AND c.cause <> 'undo'"
        " AND c.group_before IS NULL ORDER BY c.did_id DESC LIMIT 1)"
    )


_CREATION = creation("d.did_id")


def _rows(conn: Connection, sight: Visibility, which: str, *values: Any) -> list[Row]:
    names = columns_of(conn, DIDS)
    columns = ", ".join(f"d.`{name}`" for name in names)
    found = run(conn, f"SELECT {columns}, {_CREATION} FROM {DIDS} AS d{which}", *values)
    sources = _sources(conn, sight, {row[-1] for row in found if row[-1] is not None})
    rows = [dict(zip(names, _values(row[:-1]), strict=True)) for row in found]
    known = did_fields.of(conn, [int(row["did_id"] or 0) for row in rows])
    return [
        {**row, **known[int(row["did_id"] or 0)], "copied_from": sources.get(place[-1])}
        for row, place in zip(rows, found, strict=True)
    ]


_PLAIN = {str, int, type(None)}


def _values(row: Sequence[Any]) -> Sequence[Value]:
    """Return a row with its moments as texts; most rows are returned as they are."""
    return row if _PLAIN.issuperset(map(type, row)) else [*map(_value, row)]


def _value(value: Any) -> Value:
    if isinstance(value, int | None):
        return value
    return as_text(value) if isinstance(value, datetime) else str(value)


def _sources(conn: Connection, sight: Visibility, change_ids: Collection[int]) -> dict[int, str]:
    """Return the patterns of the sources of changes that copied one, of those alone that are seen."""
    if not change_ids:
        return {}
    dialect = dialects.of(conn)
    sql = (
        f"SELECT change_id, source_pattern, {source_group(dialect, sight)} FROM didier_changes AS c"
        f" WHERE source_pattern IS NOT NULL AND change_id IN {dialect.numbers}"
    )
    rows = run(conn, sql, as_json(list(change_ids)))
    return {change_id: pattern for change_id, pattern, group in rows if sight.sees(group, pattern)}
