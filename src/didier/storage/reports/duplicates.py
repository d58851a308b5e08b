"""What DIDs are compared by to find duplicates, piece by piece: each statement takes some tens of ms."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import likeness
from didier.storage.changes import ranges
from didier.storage.dids import did_fields, dids, filters
from didier.storage.dids.did_fields import DEFAULTS, NOT_COPIED
from didier.storage.dids.dids import IDENTITY, Value
from didier.storage.dids.filters import Filter, clause
from didier.storage.statements import columns_of, run, scalar
from didier.storage.tables import DIDS

Row = tuple[int, bool, Any]
"""The id of a DID, whether it is wanted, and what it is compared by."""

_OWN = tuple(name for name in DEFAULTS if name not in NOT_COPIED)
"""What copies have from their source of what Didier knows."""


def following(conn: Connection, after: int) -> int | None:
    """Return the lowest id above *after*; None without one."""
    found: int | None = scalar(conn, f"SELECT MIN(did_id) FROM {DIDS} WHERE did_id > ?", after)
    return found


def patterns(conn: Connection, seen: Filter, wanted: Filter, after: str, limit: int) -> list[Row]:
    """Return *limit* of the DIDs that are *seen*, by pattern, each with that.

    Of neighbours it is known how they are spelled (`domain.numbers`).
    """
    conditions, values = filters.conditions(conn, seen)
    mark, given = _mark(conn, wanted)
    where = clause(["d.did_pattern > ?", *conditions])
    order = "ORDER BY d.did_pattern LIMIT ?"
    sql = f"SELECT d.did_id, {mark}, d.did_pattern FROM {DIDS} AS d{where} {order}"
    return [(row[0], bool(row[1]), row[2]) for row in run(conn, sql, *given, after, *values, limit)]


def destinations(conn: Connection, seen: Filter, wanted: Filter) -> list[Row]:
    """Return the DIDs that are *seen*, each with the columns that say where its route leads."""
    names = [name for name in likeness.DESTINATION_COLUMNS if name in columns_of(conn, DIDS)]
    shown = ", ".join(f"d.`{name}`" for name in names)
    rows = _read(conn, shown, seen, wanted)
    return [(row[0], bool(row[1]), dict(zip(names, row[2:], strict=True))) for row in rows]


def configurations(conn: Connection, seen: Filter, wanted: Filter) -> list[Row]:
    """Return the DIDs that are *seen*, each with the digest of its set-up; they are a span of ids."""
    names = _compared_of_vicidial(conn)
    shown = ", ".join(f"COALESCE(d.`{name}`, '') AS `{name}`" for name in names)
    read = ranges.digest_reader(conn)
    first, last = seen.span or (0, 0)
    own = did_fields.between(conn, first, last)
    rows = _read(conn, shown, seen, wanted, f"did_id, is_wanted, {ranges.digest_sql(conn, names)}")
    return [(row[0], bool(row[1]), read(row[2]) ^ _own_key(own.get(row[0], DEFAULTS))) for row in rows]


def _read(
    conn: Connection, shown: str, seen: Filter, wanted: Filter, of_these: str = "*"
) -> Sequence[Sequence[Any]]:
    conditions, values = filters.conditions(conn, seen)
    mark, given = _mark(conn, wanted)
    source = f"SELECT d.did_id, {mark} AS is_wanted, {shown} FROM {DIDS} AS d{clause(conditions)}"
    return run(conn, f"SELECT {of_these} FROM ({source}) AS r", *given, *values)


def _mark(conn: Connection, wanted: Filter) -> tuple[str, list[Any]]:
    """Return the expression for a DID being *wanted*, and its values."""
    conditions, values = filters.conditions(conn, wanted)
    return (f"CASE WHEN {' AND '.join(conditions)} THEN 1 ELSE 0 END" if conditions else "1"), values


def _own_key(fields: Mapping[str, Value]) -> int:
    """Return what is 0 for the DIDs of which Didier knows nothing besides: nearly all."""
    own = {name: fields[name] for name in _OWN if fields[name] != DEFAULTS[name]}
    return likeness.key(repr(own)) if own else 0


def _compared_of_vicidial(conn: Connection) -> list[str]:
    apart = {*IDENTITY, *likeness.OF_THE_NUMBER}
    return [name for name in columns_of(conn, DIDS) if name not in apart]


def compared(conn: Connection) -> list[str]:
    """Return the columns in which DIDs that are set up alike are the same."""
    return [*_compared_of_vicidial(conn), *_OWN]


_SHOWN = (
    "did_id", "did_pattern", "did_description", "did_active", "user_group", *likeness.DESTINATION_COLUMNS,
)  # fmt: skip


def shown(conn: Connection, did_ids: Collection[int]) -> dict[int, dict[str, Value]]:
    """Return what is shown of DIDs, by id."""
    return dids.images(conn, did_ids, wanted=_SHOWN)


def setups(conn: Connection, did_ids: Collection[int]) -> dict[int, dict[str, Value]]:
    """Return the columns that are `compared` of DIDs, by id."""
    names = compared(conn)
    images = dids.images(conn, did_ids, wanted=("did_id", *names))
    return {did_id: {name: image[name] for name in names} for did_id, image in images.items()}
