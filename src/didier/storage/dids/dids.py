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
from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.dids import did_fields
from didier.storage.dids.did_fields import NOT_COPIED, VERSION
from didier.storage.statements import (
    as_json,
    as_moment,
    as_text,
    columns_of,
    known_columns,
    run,
    scalar,
)
from didier.storage.tables import DIDS, LETTERED

STAMP = "modify_stamp"
MARKS = (STAMP, VERSION)
"""What every change of a DID sets, whatever it is."""

IDENTITY = ("did_id", "did_pattern", *MARKS)
"""In what a copy differs from its source whatever the order says."""


Value = str | int | None
"""What a column of a DID can hold, as JSON has it."""


@dataclass(frozen=True, slots=True)
class Did:
    """What a service must know of a DID to decide about it."""

    did_id: int
    pattern: str
    group: str | None  # user_group


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
    if not dialects.of(conn).has_collations and not all(_NUMBER.fullmatch(pattern) for pattern in wanted):
        return Found(keys, _find_letters(conn, keys))
    rows = run(conn, _find(dialects.of(conn)), as_json(wanted))
    return Found(keys, {keys[row[0]]: Did(*row[1:]) for row in rows})


def _find_letters(conn: Connection, keys: Mapping[str, str]) -> dict[str, Did]:
    folded = set(keys.values())
    rows = run(conn, _find(dialects.of(conn)), as_json(folded))
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
def _find(dialect: SqlDialect) -> str:
    return (
        f"SELECT r.value, d.did_id, d.did_pattern, d.user_group FROM {dialect.items('value', 'VARCHAR(255)')}"
        f" {dialect.forced_join} {DIDS} AS d ON d.did_pattern = r.value"
    )


def _keys(conn: Connection, wanted: Collection[str]) -> dict[str, str]:
    """Return for each pattern the text that it shares with its equals."""
    if not dialects.of(conn).has_collations or all(pattern.isascii() for pattern in wanted):
        return {pattern: patterns.key(pattern) for pattern in wanted}
    long = {pattern: patterns.key(pattern) for pattern in wanted if len(pattern) > patterns.MAX_LENGTH}
    short = [pattern for pattern in wanted if pattern not in long]
    source = dialects.of(conn).items("v", "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
    return long | {row[0]: row[1] for row in run(conn, f"SELECT v, {_WEIGHT} FROM {source}", as_json(short))}


# The bytes by which MariaDB compares; VICIdial's tables are utf8mb3_unicode_ci.
_WEIGHT = "HEX(WEIGHT_STRING(CONVERT(v USING utf8mb3) COLLATE utf8mb3_unicode_ci))"


class Hold(Enum):
    """Until the end of the transaction, rows that were read are held against changes of other nodes."""

    NOT = "not"
    READ = "read"  # others may hold them so too
    CHANGE = "change"


def images(
    conn: Connection,
    did_ids: Collection[int],
    hold: Hold = Hold.NOT,
    *,
    wanted: Collection[str] | None = None,
) -> dict[int, dict[str, Value]]:
    """Return the rows of the DIDs *did_ids*, by id; ids that are not there are left out.

    A row has every column that the table really has, of those *wanted* if these are named (``did_id`` is one
    of them), and what Didier knows besides (`did_fields`); moments are texts, as both databases write them.
    """
    if not did_ids:
        return {}
    if hold is Hold.CHANGE:
        did_fields.hold(conn, did_ids)
    columns = columns_of(conn, DIDS) if wanted is None else known_columns(conn, DIDS, wanted)
    dialect = dialects.of(conn)
    locks = {Hold.NOT: "", Hold.READ: dialect.shared_lock, Hold.CHANGE: dialect.row_lock}
    rows = run(conn, _images(dialect, columns) + locks[hold], as_json(did_ids))
    images = (dict(zip(columns, _plain(row), strict=True)) for row in rows)
    by_id = {int(image["did_id"] or 0): image for image in images}
    for did_id, known in did_fields.of(conn, by_id, held=hold is Hold.CHANGE).items():
        by_id[did_id].update(known)
    if hold is Hold.CHANGE:
        did_fields.forget(conn, {*did_ids} - by_id.keys())
    return by_id


def sources(conn: Connection, did_ids: Collection[int], hold: Hold = Hold.NOT) -> dict[int, dict[str, Value]]:
    """Return the rows that `images` does as copies inherit them: what is not copied has its default."""
    return {did_id: {**image, **NOT_COPIED} for did_id, image in images(conn, did_ids, hold).items()}


def _plain(row: tuple[Any, ...]) -> Sequence[Value]:
    if datetime not in map(type, row):
        return row
    return [as_text(value) if isinstance(value, datetime) else value for value in row]


@cache
def _images(dialect: SqlDialect, columns: tuple[str, ...]) -> str:
    names = ", ".join(f"d.`{name}`" for name in columns)
    source = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {DIDS} AS d ON d.did_id = r.value"
    return f"SELECT {names} FROM {source}"


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
        f" WHERE did_pattern IN {dialects.of(conn).texts} AND did_id > ?"
    )
    rows = run(conn, sql, as_json(list(wanted)), high_water)
    return {row[0]: (row[1], as_moment(row[2])) for row in rows}
