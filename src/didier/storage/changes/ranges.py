"""Ranges of ids: what the DIDs in them were when they were last compared with the change log.

Table ``didier_ranges``. Of each DID are kept a digest of its columns, its number and its user group: enough
to say what has become of it, little enough for a million of them (some 15 MB). The time of the last change
(``modify_stamp``) is no part of a digest: it alone is no change, and the change log does not have that of
copies.
"""

import hashlib
import weakref
import zlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, reduce
from operator import xor
from typing import Any

import orjson
from sqlalchemy.engine import Connection, Dialect

from didier.storage import dialects
from didier.storage.dids.dids import STAMP, Value
from didier.storage.statements import as_json, columns_of, run, scalar
from didier.storage.tables import DIDS

SIZE = 1_000
"""Ids of a range: one that is the same takes 3 to 6 ms to be looked at."""


@dataclass(frozen=True, slots=True)
class KnownRow:
    """What is remembered of a DID; a *digest* that is None is that of any row."""

    digest: int | None
    pattern: str
    group: str | None


KnownRows = Mapping[int, KnownRow]
"""Rows by the ids of their DIDs."""


@dataclass(frozen=True, slots=True)
class RangeRows:
    """The DIDs that there were in the range that begins with *first_id*, as the change log has them.

    *position* is the number of a change: what was recorded up to there is in the *rows*, and maybe more.
    """

    first_id: int
    position: int
    signature: str  # of the columns that were digested
    rows: KnownRows


@dataclass(frozen=True, slots=True)
class Summary:
    """What tells one content of a range from another: how many DIDs, and a digest of all."""

    size: int
    digest: int


NOTHING = Summary(0, 0)


def first_of(did_id: int) -> int:
    """Return the first id of the range in which *did_id* is."""
    return did_id - did_id % SIZE


def last_of(first_id: int) -> int:
    """Return the last id of a range."""
    return first_id + SIZE - 1


def summary(rows: KnownRows) -> Summary:
    """Return the summary of *rows*, as `found` returns that of what is there."""
    return Summary(len(rows), reduce(xor, (row.digest or 0 for row in rows.values()), 0))


# What there is --------------------------------------------------------------------------------------


def following(conn: Connection, first_id: int, touched: Collection[int]) -> int | None:
    """Return the next range from *first_id* on in which there is something, or was; None behind the last.

    *touched* are ranges in which there may have been something since they were looked at.
    """
    there = scalar(conn, f"SELECT MIN(did_id) FROM {DIDS} WHERE did_id >= ?", first_id)
    known = scalar(conn, "SELECT MIN(first_id) FROM didier_ranges WHERE first_id >= ?", first_id)
    found = [first_of(int(one)) for one in (there, known) if one is not None]
    return min((*found, *(one for one in touched if one >= first_id)), default=None)


def found(conn: Connection, first_id: int) -> Summary:
    """Return the summary of what there is in a range."""
    digested = _digested(conn)
    where = f"FROM {DIDS} WHERE did_id BETWEEN ? AND ?"
    if not dialects.of(conn).has_digests:
        texts = run(conn, f"SELECT {digested} {where}", first_id, last_of(first_id))
        return Summary(len(texts), reduce(xor, (_digest(text) for (text,) in texts), 0))
    return summary_of(conn, digested, where, first_id, last_of(first_id))


def summary_of(conn: Connection, text: str, where: str, *values: Any) -> Summary:
    """Return the summary of rows (*where*: from FROM on) by the *text* of each; MariaDB computes it."""
    [(size, digest)] = run(conn, f"SELECT COUNT(*), BIT_XOR({_number(text)}) {where}", *values)
    return Summary(int(size), int(digest))


def rows(conn: Connection, first_id: int) -> dict[int, KnownRow]:
    """Return what there is in a range."""
    where = "WHERE did_id BETWEEN ? AND ?"
    return _rows(conn, f"{_select(conn)} FROM {DIDS} {where}", first_id, last_of(first_id))


def held(conn: Connection, did_ids: Collection[int], *, absent: bool) -> dict[int, KnownRow]:
    """Return what there is now of the DIDs *did_ids*, and keep others from changing it.

    Those that others are at are left out. With *absent* it is waited for these: there should be none, and
    none is to come. In an embedded database nobody else is at anything.
    """
    dialect = dialects.of(conn)
    source = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {DIDS} AS d ON d.did_id = r.value"
    lock = dialect.row_lock if absent else dialect.free_row_lock
    return _rows(conn, f"{_select(conn)} FROM {source}{lock}", as_json(did_ids)) if did_ids else {}


def _rows(conn: Connection, sql: str, *values: Any) -> dict[int, KnownRow]:
    read = digest_reader(conn)
    return {row[0]: KnownRow(read(row[1]), row[2], row[3]) for row in run(conn, sql, *values)}


def _select(conn: Connection) -> str:
    digest = digest_sql(conn, digested_columns(conn))
    group = "user_group" if "user_group" in columns_of(conn, DIDS) else "NULL"
    return f"SELECT did_id, {digest}, did_pattern, {group}"


# Digests --------------------------------------------------------------------------------------------


def digested_columns(conn: Connection) -> tuple[str, ...]:
    """Return the columns that digests are of: all but the time of the last change."""
    return tuple(name for name in columns_of(conn, DIDS) if name != STAMP)


def signature_of(names: Sequence[str]) -> str:
    """Return what tells these columns from others: digests of different ones are not compared."""
    return hashlib.md5("\0".join(names).encode(), usedforsecurity=False).hexdigest()[:16]


def digests_of(
    conn: Connection, image: Mapping[str, Value], names: Sequence[str], places: Iterable[tuple[int, str]]
) -> list[int | None]:
    """Return the digests of rows like *image*, but for ids and numbers; None where it lacks some of *names*.

    They may differ from those of rows that are the same: texts of old tables, numbers that are written as
    texts. Then the rows themselves say.
    """
    if any(name not in image for name in names):
        return [None for _ in places]
    # As `SqlDialect.row_text` puts rows together.
    has_digests = dialects.of(conn).has_digests
    write, begin, between, end = (_as_text, "", "\x1f", "") if has_digests else (_as_json, "[", ",", "]")
    parts = [write(image[name]) for name in names]
    of_id, of_pattern = names.index("did_id"), names.index("did_pattern")
    digests: list[int | None] = []
    for did_id, pattern in places:
        parts[of_id], parts[of_pattern] = write(did_id), write(pattern)
        digests.append(_digest(f"{begin}{between.join(parts)}{end}"))
    return digests


def digest_of(conn: Connection, image: Mapping[str, Value], names: Sequence[str]) -> int | None:
    """Return the digest of the row *image*, as `digests_of` does."""
    place = int(image.get("did_id") or 0), str(image.get("did_pattern"))
    return digests_of(conn, image, names, [place])[0]


def _as_json(value: Value) -> str:
    return orjson.dumps(value).decode()


def _as_text(value: Value) -> str:
    return "\0" if value is None else str(value)


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.md5(text.encode(), usedforsecurity=False).digest()[:8], "big")


def digest_sql(conn: Connection, names: Sequence[str]) -> str:
    """Return the expression of the digest of a row's columns *names*, as `digest_reader` reads it."""
    text = dialects.of(conn).row_text(names, _is_unicode(conn))
    return _number(text) if dialects.of(conn).has_digests else text


def digest_reader(conn: Connection) -> Callable[[Any], int]:
    """Return what reads the values of `digest_sql`: where the database has no digests they are texts."""
    return int if dialects.of(conn).has_digests else _digest


def _digested(conn: Connection) -> str:
    return dialects.of(conn).row_text(digested_columns(conn), _is_unicode(conn))


@cache
def _number(text: str) -> str:
    # Not a checksum: those of two rows that were changed alike cancel each other out.
    return f"CAST(CONV(LEFT(MD5({text}), 16), 16, 10) AS UNSIGNED)"


def _is_unicode(conn: Connection) -> bool:
    """Say whether all texts of DIDs are stored as UTF-8; in old databases they are latin1."""
    if dialects.of(conn).is_embedded:
        return True
    if conn.dialect not in _unicode:
        _unicode[conn.dialect] = not scalar(conn, _OTHERS, DIDS)
    return _unicode[conn.dialect]


_unicode: weakref.WeakKeyDictionary[Dialect, bool] = weakref.WeakKeyDictionary()
_OTHERS = (
    "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = database() AND table_name = ?"
    " AND LEFT(character_set_name, 4) <> 'utf8'"
)


# What was there -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """What is remembered of a range, its rows aside."""

    position: int
    signature: str
    summary: Summary


def stored(conn: Connection, first_id: int) -> Stored | None:
    """Return what is remembered of a range, None when it was never looked at."""
    sql = "SELECT position, signature, size, digest FROM didier_ranges WHERE first_id = ?"
    for position, signature, size, digest in run(conn, sql, first_id):
        return Stored(position, signature, Summary(size, int(digest, 16)))
    return None


def read(conn: Connection, first_id: int) -> RangeRows | None:
    """Return a range as it is remembered, None when it was never looked at."""
    sql = "SELECT position, signature, content FROM didier_ranges WHERE first_id = ?"
    for position, signature, content in run(conn, sql, first_id):
        kept = orjson.loads(zlib.decompress(content))
        return RangeRows(first_id, position, signature, {did_id: KnownRow(*row) for did_id, *row in kept})
    return None


def keep(conn: Connection, content: RangeRows) -> None:
    """Remember a range."""
    of_all = summary(content.rows)
    kept = [(did_id, row.digest, row.pattern, row.group) for did_id, row in content.rows.items()]
    packed = zlib.compress(orjson.dumps(kept), 1)
    values = content.position, of_all.size, f"{of_all.digest:016x}", content.signature, packed
    run(conn, _KEEP, content.first_id, *values)


_KEEP = (
    "REPLACE INTO didier_ranges (first_id, position, size, digest, signature, content)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)


def highest_position(conn: Connection) -> int:
    """Return the highest position of a range, 0 without any."""
    return int(scalar(conn, "SELECT MAX(position) FROM didier_ranges") or 0)


def forget(conn: Connection) -> None:
    """Forget all ranges."""
    run(conn, "DELETE FROM didier_ranges")
