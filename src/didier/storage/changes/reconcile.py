"""What the change log has of ranges of ids, and how far the comparison with them has come."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage import settings
from didier.storage.changes import change_log, journal, ranges, sequence
from didier.storage.changes.change_log import CREATED, DELETED, LONGEST_RUN, UPDATED, Recorded
from didier.storage.dids import dids
from didier.storage.dids.dids import STAMP
from didier.storage.statements import columns_of, is_transactional, run
from didier.storage.tables import DIDS

AT_ONCE = 5_000
"""How many changes are looked at in one statement."""


@dataclass(frozen=True, slots=True)
class Pass:
    """The last complete pass over all ranges: the number of the newest change when it began, and when."""

    position: int
    began: float  # seconds since 1970


def last_pass(conn: Connection) -> Pass | None:
    """Return the last complete pass; None before the first."""
    kept = settings.read(conn, _LAST)
    return Pass(*orjson.loads(kept)) if kept else None  # nothing is kept of it either when begun anew


def end_pass(conn: Connection, done: Pass) -> None:
    """Say that a pass is complete."""
    settings.write(conn, _LAST, orjson.dumps([done.position, done.began]).decode())


_LAST = "last_pass"


@dataclass(frozen=True, slots=True)
class Sign:
    """What shows without a pass that something may have been done to the newest DIDs: count, id, time.

    *newest* is the number of the last change: where that is another, it was Didier.
    """

    newest: int
    seen: tuple[Any, ...]


def sign(conn: Connection) -> Sign:
    """Return what there is of the `SIGN_IDS` highest ids: of all DIDs in most databases."""
    stamp = f"MAX({STAMP})" if STAMP in columns_of(conn, DIDS) else "NULL"
    sql = f"SELECT COUNT(*), MAX(did_id), {stamp} FROM {DIDS} WHERE did_id > ?"
    return Sign(sequence.newest(conn), run(conn, sql, dids.highest_id(conn) - SIGN_IDS)[0])


SIGN_IDS = 10_000
"""The time of a change has no index: reading those of so many rows takes 3 to 20 ms."""


def is_foreign(conn: Connection) -> bool:
    """Say whether what is remembered is of changes that the log does not have: it is of another database.

    So it is when tables were put back from a backup, others not.
    """
    done = last_pass(conn)
    known = max(ranges.highest_position(conn), done.position if done else 0)
    return not sequence.is_known(conn, known)


def begin_anew(conn: Connection) -> None:
    """Forget what is remembered: the next pass learns what there is, and finds nothing."""
    ranges.forget(conn)
    settings.write(conn, _LAST, "")


def is_clear(conn: Connection) -> bool:
    """Say whether nobody is writing DIDs without a transaction: then all that was is in the change log."""
    return is_transactional(conn, DIDS) or journal.is_empty(conn)


def touched(conn: Connection, after: int) -> set[int]:
    """Return the first ids of the ranges in which something was changed behind the number *after*.

    Also what has no number yet.
    """
    if sequence.is_by_ids(conn):
        return _touched(conn, "change_id", "TRUE", after)
    return _touched(conn, "sequence", "TRUE", after) | _touched(conn, "change_id", "sequence IS NULL", 0)


def _touched(conn: Connection, order: str, condition: str, after: int) -> set[int]:
    sql = (
        f"SELECT {order}, did_id, size FROM didier_changes WHERE {order} > ? AND {condition} AND kind = 'did'"
        f" ORDER BY {order} LIMIT ?"
    )
    found: set[int] = set()
    while rows := run(conn, sql, after, AT_ONCE):
        for after, did_id, size in rows:  # noqa: B007  # the next page goes on behind the last
            last = ranges.first_of(did_id + size - 1)
            found.update(range(ranges.first_of(did_id), last + 1, ranges.SIZE))
    return found


def changes(conn: Connection, first: int, last: int, after: int) -> list[Recorded]:
    """Return what was recorded of the DIDs from *first* to *last* behind the number *after*, in order.

    Also what has no number yet. Of one DID the ids of changes are in the order of the commits.
    """
    is_new = "change_id > ?" if sequence.is_by_ids(conn) else "(sequence > ? OR sequence IS NULL)"
    sql = f"SELECT change_id {_TOUCHING} AND {is_new}"
    begin = first - LONGEST_RUN + 1
    ids = [
        row[0]
        for action in (CREATED, UPDATED, DELETED)
        for row in run(conn, sql, action, begin, last, first, after)
    ]
    return _in_order(conn, ids)


_TOUCHING = (
    "FROM didier_changes WHERE action = ? AND did_id BETWEEN ? AND ? AND did_id + size > ? AND kind = 'did'"
)


def last_changes(conn: Connection, did_ids: Collection[int]) -> dict[int, Recorded]:
    """Return the last change of each of the DIDs *did_ids*, all of one range, as far as there is one."""
    if not did_ids:
        return {}
    first, last = min(did_ids), max(did_ids)
    sql = f"SELECT change_id, did_id, size {_TOUCHING}"
    newest: dict[int, int] = {}
    for action in (CREATED, UPDATED, DELETED):
        for change_id, did_id, size in run(conn, sql, action, first - LONGEST_RUN + 1, last, first):
            for one in did_ids if size > 1 else (did_id,):
                if did_id <= one < did_id + size:
                    newest[one] = max(change_id, newest.get(one, 0))
    wanted = {did_id: newest[did_id] for did_id in did_ids if did_id in newest}
    found = change_log.some(conn, set(wanted.values()))
    return {did_id: found[change_id] for did_id, change_id in wanted.items()}


def _in_order(conn: Connection, change_ids: Sequence[int]) -> list[Recorded]:
    found = change_log.some(conn, change_ids)
    return [found[change_id] for change_id in sorted(change_ids)]
