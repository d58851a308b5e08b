"""DIDs: rows of ``vicidial_inbound_dids``."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.storage.statements import (
    as_json,
    as_moment,
    as_text,
    cache_some,
    columns_of,
    insert_one,
    rows_from,
    run,
    run_insert,
    scalar,
    values_of,
)
from didier.storage.tables import DIDS, LETTERED

STAMP = "modify_stamp"
IDENTITY = ("did_id", "did_pattern", STAMP)
"""The columns in which a copy differs from its source whatever the order says."""


Value = str | int | None
"""What a column of a DID can hold, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a service must know of a DID to decide about it."""

    did_id: int
    pattern: str
    group: str | None  # user_group


@dataclass(frozen=True, slots=True)
class Copy:
    """A row to be made: the source's columns, but *overrides* where it names them."""

    source_id: int
    target: str
    overrides: Mapping[str, str | None]


class Found:
    """The DIDs that are there of some patterns, and when two patterns are the same DID here."""

    def __init__(self, keys: Mapping[str, str], there: dict[str, Did]) -> None:
        self._keys = keys
        self._there = there

    def key(self, pattern: str) -> str:
        """Return the text that *pattern*, one of those that were looked for, shares with its equals."""
        return self._keys[pattern]

    def get(self, pattern: str) -> Did | None:
        """Return the DID with *pattern*, one of those that were looked for."""
        return self._there.get(self._keys[pattern])

    def keys(self) -> set[str]:
        """Return the keys of the DIDs that are there."""
        return set(self._there)

    def forget(self, pattern: str) -> None:
        """Take a DID out that was deleted."""
        del self._there[self._keys[pattern]]


def find(conn: Connection, wanted: Collection[str]) -> Found:
    """Look for the patterns *wanted*.

    What is equal is the database's word: MariaDB's collation, which ignores case and accents. SQLite's
    own comparison ignores the case of a to z; the rows with other letters, which have an index of their
    own, are compared by `patterns.key`.
    """
    keys = _keys(conn, wanted)
    if conn.dialect.name == "sqlite" and not all(_NUMBER.fullmatch(pattern) for pattern in wanted):
        return Found(keys, _find_letters(conn, keys))
    rows = run(conn, _find(conn.dialect.name), as_json(wanted))
    return Found(keys, {keys[row[0]]: Did(*row[1:]) for row in rows})


def _find_letters(conn: Connection, keys: Mapping[str, str]) -> dict[str, Did]:
    folded = set(keys.values())
    rows = run(conn, _find(conn.dialect.name), as_json(folded))
    there = {row[0]: Did(*row[1:]) for row in rows}
    others = (Did(*row) for row in run(conn, _LETTERED))
    return there | {k: did for did in others if (k := patterns.key(did.pattern)) in folded}


def between(conn: Connection, first: str, last: str) -> list[Did]:
    """Return the DIDs whose patterns stand from *first* to *last* in the database's order, and are as long.

    Longer ones stand between too: a million may begin with 1800.
    """
    sql = (
        f"SELECT did_id, did_pattern, user_group FROM {DIDS}"
        " WHERE did_pattern BETWEEN ? AND ? AND length(did_pattern) = ?"
    )
    return [Did(*row) for row in run(conn, sql, first, last, len(first))]


_NUMBER = re.compile("[0-9+*#]*")
_LETTERED = f"SELECT did_id, did_pattern, user_group FROM {DIDS} WHERE {LETTERED}"


@cache
def _find(dialect: str) -> str:
    columns = "d.did_id, d.did_pattern, d.user_group"
    if dialect == "sqlite":
        source = "json_each(?) AS r"
        return f"SELECT r.value, {columns} FROM {source} CROSS JOIN {DIDS} AS d ON d.did_pattern = r.value"
    source = "JSON_TABLE(?, '$[*]' COLUMNS (v VARCHAR(255) PATH '$')) AS r"
    return f"SELECT r.v, {columns} FROM {source} STRAIGHT_JOIN {DIDS} AS d ON d.did_pattern = r.v"


def _keys(conn: Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return for each pattern the text that it shares with its equals."""
    if conn.dialect.name == "sqlite" or all(pattern.isascii() for pattern in wanted):
        return {pattern: patterns.key(pattern) for pattern in wanted}
    long = {pattern: patterns.key(pattern) for pattern in wanted if len(pattern) > patterns.MAX_LENGTH}
    short = [pattern for pattern in wanted if pattern not in long]
    return long | {row[0]: row[1] for row in run(conn, _WEIGHTS, as_json(short))}


# The bytes by which MariaDB compares; VICIdial's tables are utf8mb3_unicode_ci.
_WEIGHTS = (
    "SELECT v, HEX(WEIGHT_STRING(CONVERT(v USING utf8mb3) COLLATE utf8mb3_unicode_ci))"
    " FROM JSON_TABLE(?, '$[*]' COLUMNS"
    " (v VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PATH '$')) AS r"
)


def copy(conn: Connection, copies: Sequence[Copy], now: datetime) -> list[int]:
    """Make *copies* in one statement, whatever their sources; return the new ids in order.

    Every column that the table has is copied, also those that a later VICIdial added. Raises
    `sqlalchemy.exc.IntegrityError` when a target exists, also if another process was faster.
    """
    if not copies:
        return []
    statement, values = _copy(conn, copies, free=False, now=now)
    return run_insert(conn, statement, "did_id", len(copies), *values)


def copy_where_free(conn: Connection, copies: Sequence[Copy], now: datetime) -> dict[str, int]:
    """Make those of *copies* whose target does not exist yet; return the new ids by pattern.

    For tables without transactions, where a statement that fails half way keeps what it has made: this
    one does not fail when another process was faster, it leaves that target out.
    """
    statement, values = _copy(conn, copies, free=True, now=now)
    made = run(conn, f"{statement} RETURNING did_id, did_pattern", *values)
    return {pattern: did_id for did_id, pattern in made}


def _copy(conn: Connection, copies: Sequence[Copy], *, free: bool, now: datetime) -> tuple[str, list[Any]]:
    overridden = tuple(sorted({column for copy in copies for column in copy.overrides}))
    moment = as_text(now)
    rows = [_row(copy, overridden, moment) for copy in copies]
    source, values = rows_from(conn.dialect.name, _row_columns(overridden), rows)
    return _copy_statement(source, columns_of(conn, DIDS), overridden, free), values


def _row(copy: Copy, overridden: tuple[str, ...], now: str) -> list[Any]:
    row: list[Any] = [copy.source_id, copy.target, now]
    for column in overridden:
        row += (int(column in copy.overrides), copy.overrides.get(column))
    return row


@cache_some
def _row_columns(overridden: tuple[str, ...]) -> tuple[str, ...]:
    names = ["source_id", "target", "stamp"]
    for column in overridden:
        names += (f"given_{column}", f"new_{column}")
    return tuple(names)


@cache_some
def _copy_statement(source: str, columns: tuple[str, ...], overridden: tuple[str, ...], free: bool) -> str:
    values = {"did_pattern": "r.target"}
    if STAMP in columns:
        values[STAMP] = "r.stamp"
    for column in columns:
        if column in overridden:
            values[column] = f"CASE WHEN r.given_{column} = 1 THEN r.new_{column} ELSE s.`{column}` END"
        elif column not in IDENTITY:
            values[column] = f"s.`{column}`"
    names = ", ".join(f"`{name}`" for name in values)
    where = f" WHERE NOT EXISTS (SELECT 1 FROM {DIDS} AS t WHERE t.did_pattern = r.target)" if free else ""
    return (
        f"INSERT INTO {DIDS} ({names}) SELECT {', '.join(values.values())}"
        f" FROM {source}"
        f" CROSS JOIN {DIDS} AS s ON s.did_id = CAST(r.source_id AS INTEGER){where} ORDER BY r.n"
    )


def add(conn: Connection, values: Mapping[str, Any], now: datetime) -> int:
    """Make one DID with the columns in *values*, defaults elsewhere; return its id."""
    return insert_one(conn, DIDS, _known(conn, {**values, STAMP: as_text(now)}), "did_id")


def update(conn: Connection, did_id: int, values: Mapping[str, Any], now: datetime) -> None:
    """Set the columns in *values* of a DID."""
    changed = _known(conn, {**values, STAMP: as_text(now)})
    if not changed:
        return
    assignments = ", ".join(f"`{name}` = ?" for name in changed)
    run(conn, f"UPDATE {DIDS} SET {assignments} WHERE did_id = ?", *changed.values(), did_id)


def _known(conn: Connection, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of *values* whose column is there; older VICIdial versions lack some."""
    there = columns_of(conn, DIDS)
    return {name: value for name, value in values.items() if name in there}


def delete(conn: Connection, did_id: int) -> None:
    """Delete a DID."""
    run(conn, f"DELETE FROM {DIDS} WHERE did_id = ?", did_id)


class Hold(Enum):
    """Until the end of the transaction, rows that were read are held against changes of other nodes."""

    NOT = ""
    READ = " LOCK IN SHARE MODE"  # others may hold them so too
    CHANGE = " FOR UPDATE"


def images(conn: Connection, did_ids: Collection[int], hold: Hold = Hold.NOT) -> dict[int, dict[str, Value]]:
    """Return the whole rows of the DIDs *did_ids*, by id; ids that are not there are left out.

    A row has every column that the table really has; moments are texts, as both databases write them.
    """
    if not did_ids:
        return {}
    columns = columns_of(conn, DIDS)
    # SQLite has one writer, which holds everything.
    held = "" if conn.dialect.name == "sqlite" else hold.value
    rows = run(conn, _images(conn.dialect.name, columns) + held, as_json(did_ids))
    images = ({name: _plain(value) for name, value in zip(columns, row, strict=True)} for row in rows)
    return {int(image["did_id"] or 0): image for image in images}


def _plain(value: Any) -> Value:
    return as_text(value) if isinstance(value, datetime) else value


@cache
def _images(dialect: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(f"d.`{name}`" for name in columns)
    if dialect == "sqlite":
        return f"SELECT {names} FROM json_each(?) AS r CROSS JOIN {DIDS} AS d ON d.did_id = r.value"
    source = "JSON_TABLE(?, '$[*]' COLUMNS (v BIGINT PATH '$')) AS r"
    return f"SELECT {names} FROM {source} STRAIGHT_JOIN {DIDS} AS d ON d.did_id = r.v"


def count(conn: Connection) -> int:
    """Return how many DIDs there are."""
    return int(scalar(conn, f"SELECT count(*) FROM {DIDS}"))


def highest_id(conn: Connection) -> int:
    """Return the highest id that there is, 0 without DIDs."""
    return int(scalar(conn, f"SELECT max(did_id) FROM {DIDS}") or 0)


def made_after(
    conn: Connection, wanted: Collection[str], high_water: int
) -> dict[str, tuple[int, datetime | None]]:
    """Return id and time of the last change of those DIDs *wanted* whose id is above *high_water*."""
    stamp = STAMP if STAMP in columns_of(conn, DIDS) else "NULL"
    sql = (
        f"SELECT did_pattern, did_id, {stamp} FROM {DIDS}"
        f" WHERE did_pattern IN {values_of(conn.dialect.name)} AND did_id > ?"
    )
    rows = run(conn, sql, as_json(wanted), high_water)
    return {row[0]: (row[1], as_moment(row[2])) for row in rows}
