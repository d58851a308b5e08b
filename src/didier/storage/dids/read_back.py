"""Rows that were created in bulk, read back: are they there, as ordered, and which were changed since?

All columns are compared in the database, so that a million rows are not fetched.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.storage import dialects
from didier.storage.changes import change_log
from didier.storage.changes.change_log import DELETED, UPDATED
from didier.storage.dialects import SqlDialect
from didier.storage.dids.bulk import Block, named, own_columns
from didier.storage.dids.did_fields import DEFAULTS
from didier.storage.dids.dids import STAMP, Did
from didier.storage.statements import as_json, columns_of, run, scalar
from didier.storage.tables import DIDS

INTEGER_DIGITS = 18
"""Most digits of a number that the databases' integers hold for certain."""


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What was found of a block: how many of its rows are there, and how many are as they were ordered."""

    there: int
    equal: int


def compare(conn: Connection, block: Block, ids: Sequence[int]) -> ReadBack:
    """Look for the rows of *block*, which were given *ids*: are they there, and is every column as ordered?

    A row that was changed since counts as equal no more.
    """
    found = _found(conn, block, ids, False)
    if found.equal == len(ids) or not dialects.of(conn).compares_by_checksum:
        return found
    return _found(conn, block, ids, True)


def _found(conn: Connection, block: Block, ids: Sequence[int], converted: bool) -> ReadBack:
    dialect = dialects.of(conn)
    names, values = named(conn, block)
    alike = _wanted(conn, names, values, converted)
    equal = _equal(dialect, names, converted)
    numbers = block.numbers
    if isinstance(ids, range) and ids and numbers and numbers.width <= INTEGER_DIGITS and not block.varying:
        shape = (numbers.prefix, numbers.width, numbers.first - ids.start)
        rows = run(conn, _read_numbers(dialect, equal), *alike, *shape, ids.start, ids[-1])
    elif isinstance(ids, range):
        sql = _read_back(dialect, equal, block.varying, True)
        rows = run(conn, sql, *alike, ids.start, as_json(block.rows()))
    else:
        given = Block(block.values, block.stamp, block.targets, (*block.varying, "did_id"), _with(block, ids))
        rows = run(conn, _read_back(dialect, equal, block.varying, False), *alike, as_json(given.rows()))
    return ReadBack(int(rows[0][0]), int(rows[0][1] or 0))


def _with(block: Block, ids: Sequence[int]) -> list[list[Any]]:
    own = block.own or [[]] * len(block.targets)
    return [[*values, did_id] for values, did_id in zip(own, ids, strict=True)]


@cache
def _read_back(dialect: SqlDialect, alike: str, varying: tuple[str, ...], consecutive: bool) -> str:
    equal = [alike]
    for place, name in enumerate(varying):
        if name in DEFAULTS:  # what Didier knows besides is in a table that loses nothing
            continue
        equal.append(dialect.same_text(f"d.`{name}`", f"r.own{place}"))
    equal.append(dialect.same_text("d.did_pattern", "r.target"))
    did_id = f"? + r.n - {dialect.first_row}" if consecutive else f"CAST(r.own{len(varying)} AS INTEGER)"
    source = dialect.targets(own_columns(len(varying) + (not consecutive)))
    return (
        f"SELECT count(*), sum({' AND '.join(equal)})"
        f" FROM (SELECT {did_id} AS did, r.* FROM {source}) AS r"
        f" {dialect.forced_join} {DIDS} AS d ON d.did_id = r.did"
    )


@cache
def _read_numbers(dialect: SqlDialect, equal: str) -> str:
    """Return the statement of `_read_back` for consecutive numbers, which needs no list of them."""
    number = dialect.padded("p.prefix", "d.did_id + p.more", "p.width")
    return (
        f"SELECT count(*), sum({equal} AND {dialect.exactly('d.did_pattern')} = {dialect.exactly(number)})"
        f" FROM (SELECT ? AS prefix, ? AS width, ? AS more) AS p"
        f" {dialect.forced_join} {DIDS} AS d ON d.did_id BETWEEN ? AND ?"
    )


def _wanted(conn: Connection, names: tuple[str, ...], values: list[Any], converted: bool) -> list[Any]:
    """Return what `_equal` compares with."""
    if not dialects.of(conn).compares_by_checksum or not names:
        return values
    return [scalar(conn, f"SELECT {_checksum(['?'] * len(names), converted)}", *values)]


@cache
def _equal(dialect: SqlDialect, names: tuple[str, ...], converted: bool) -> str:
    """Return the condition that the columns *names* of ``d`` are as wanted, to the letter."""
    if not names:
        return "1"
    if not dialect.compares_by_checksum:
        return " AND ".join(dialect.same_text(f"d.`{name}`", "?") for name in names)
    return f"{_checksum([f'd.`{name}`' for name in names], converted)} = ?"


def _checksum(values: Sequence[str], converted: bool) -> str:
    """Return the checksum of *values* as they are stored; *converted*: whatever their character sets.

    Old tables are latin1. Converting every row takes twice the time, so it is done where rows differ.
    """
    if not converted:
        return f"CRC32(CONCAT_WS(0x1F, {', '.join(f'IFNULL({value}, 0x00)' for value in values)}))"
    there = ", ".join(f"IFNULL({value}, _utf8mb4 0x00)" for value in values)
    return f"CRC32(CONVERT(CONCAT_WS(_utf8mb4 0x1F, {there}) USING utf8mb4))"


def changed(
    conn: Connection, values: Mapping[str, Any], first: int, last: int, stamp: str | None
) -> dict[int, str]:
    """Return those DIDs from id *first* to *last* whose columns are not *values* any more: id and pattern.

    With *stamp* also those that were changed at another time than it says.
    """
    names, wanted = named(conn, Block(values, "", ()))
    equal = _equal(dialects.of(conn), names, True)
    stamped = stamp is not None and STAMP in columns_of(conn, DIDS)
    later = f" OR d.{STAMP} <> ?" if stamped else ""
    sql = (
        f"SELECT d.did_id, d.did_pattern FROM {DIDS} AS d"
        f" WHERE d.did_id BETWEEN ? AND ? AND (NOT ({equal}){later})"
    )
    alike = _wanted(conn, names, wanted, True)
    rows = run(conn, sql, first, last, *alike, *([stamp] if stamped else []))
    return {row[0]: row[1] for row in rows}


def differing(conn: Connection, values: Mapping[str, Any], did_ids: Collection[int]) -> set[int]:
    """Return those of the DIDs *did_ids* in which some column is not as in *values*, to the letter."""
    names, wanted = named(conn, Block(values, "", ()))
    dialect = dialects.of(conn)
    source = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {DIDS} AS d ON d.did_id = r.value"
    sql = f"SELECT d.did_id FROM {source} WHERE NOT ({_equal(dialect, names, True)})"
    rows = run(conn, sql, as_json(list(did_ids)), *_wanted(conn, names, wanted, True))
    return {row[0] for row in rows}


def there(conn: Connection, first: int, last: int) -> dict[int, Did]:
    """Return the DIDs that there are with ids from *first* to *last*, by id."""
    sql = f"SELECT did_id, did_pattern, user_group FROM {DIDS} WHERE did_id BETWEEN ? AND ?"
    return {row[0]: Did(*row) for row in run(conn, sql, first, last)}


def touched(conn: Connection, first: int, last: int, stamp: str) -> int:
    """Return how many DIDs from id *first* to *last* were changed or deleted since *stamp*."""
    there = columns_of(conn, DIDS)
    found = change_log.changed_between(conn, first, last, (UPDATED, DELETED))
    if STAMP in there:
        sql = f"SELECT did_id FROM {DIDS} WHERE did_id BETWEEN ? AND ? AND {STAMP} <> ?"
        found |= {row[0] for row in run(conn, sql, first, last, stamp)}
    return len(found)
