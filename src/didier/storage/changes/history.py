"""What was changed in DIDs, with the rows before and after: table ``didier_history``.

Copies are not in it: the items of their batches tell which DIDs were made, and a batch what they were made
from. So the copy of a million numbers writes no million images.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage.dids.dids import Value
from didier.storage.statements import as_json, as_moment, as_text, insert, member_of, numbers_of, run

Image = Mapping[str, Value]
"""A whole row by column."""

UNDO = "undo"

_COLUMNS = (
    "did_id", "did_pattern", "size", "batch_id", "action", "changed_at", "user_name", "user_id", "address",
    "before_image", "after_image",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of a DID, or the removal of a run of *size* DIDs from *did_id* and *pattern* on."""

    did_id: int
    pattern: str
    batch_id: int
    action: str  # add, update, delete or undo
    user: str
    user_id: int | None
    address: str
    before: Image | None  # None: there was no such DID
    after: Image | None  # None: there is no such DID any more
    size: int = 1


def record(conn: Connection, entries: Sequence[Entry], now: datetime) -> None:
    """Store *entries* in one statement."""
    moment = as_text(now)
    rows = [
        (
            entry.did_id, entry.pattern, entry.size, entry.batch_id, entry.action, moment,
            entry.user[:20], entry.user_id, entry.address[:45], _text(entry.before), _text(entry.after),
        )
        for entry in entries
    ]  # fmt: skip
    insert(conn, "didier_history", _COLUMNS, rows)


def _text(image: Image | None) -> str | None:
    return None if image is None else orjson.dumps(image).decode()


def _image(text: str | None) -> dict[str, Value] | None:
    return orjson.loads(text) if text else None


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of an entry without its images."""

    history_id: int
    did_id: int
    size: int
    batch_id: int
    action: str
    changed_at: datetime
    user: str
    address: str


def rows(conn: Connection, pattern: str, did_id: int | None) -> list[Row]:
    """Return the entries of every DID that has, or had, *pattern*; *did_id* is that of the present one.

    A run is found by the ids alone, so only when one of the DIDs is there or has an entry of its own.
    """
    sql = f"SELECT {_ROW} FROM didier_history WHERE did_pattern = ? AND size = 1"
    own = [_row(row) for row in run(conn, sql, pattern)]
    ids = {row.did_id for row in own} | ({did_id} if did_id else set())
    sql = f"SELECT {_ROW} FROM didier_history WHERE size > 1 AND did_id <= ? AND did_id + size > ?"
    return own + [_row(row) for id_ in sorted(ids) for row in run(conn, sql, id_, id_)]


_ROW = "history_id, did_id, size, batch_id, action, changed_at, user_name, address"


def _row(row: tuple[Any, ...]) -> Row:
    history_id, did_id, size, batch_id, action, changed_at, user, address = row
    moment = as_moment(changed_at) or datetime.min
    return Row(history_id, did_id, size, batch_id, action, moment, user, address)


def images(
    conn: Connection, history_ids: Collection[int]
) -> dict[int, tuple[dict[str, Value] | None, dict[str, Value] | None]]:
    """Return the rows before and after of the entries *history_ids*."""
    if not history_ids:
        return {}
    wanted = numbers_of(conn.dialect.name)
    sql = f"SELECT history_id, before_image, after_image FROM didier_history WHERE history_id IN {wanted}"
    found = run(conn, sql, as_json(history_ids))
    return {history_id: (_image(before), _image(after)) for history_id, before, after in found}


def groups_of(conn: Connection, batch_ids: Collection[int]) -> dict[int, set[str | None]]:
    """Return the user groups in all rows, before and after, of the changes of each of the batches.

    Batches without such rows, as those that copied, are not among them; None stands for a row without group.
    """
    if not batch_ids:
        return {}
    found: dict[int, set[str | None]] = defaultdict(set)
    for batch_id, group in run(conn, _groups(conn.dialect.name), *[as_json(batch_ids)] * 2):
        found[batch_id].add(group)
    return found


@cache
def _groups(dialect: str) -> str:
    of_batches = f"batch_id IN {numbers_of(dialect)}"
    parts = (
        f"SELECT batch_id, {member_of(dialect, image, 'user_group')} FROM didier_history"
        f" WHERE {image} IS NOT NULL AND {of_batches}"
        for image in ("before_image", "after_image")
    )
    return " UNION ".join(parts)


def of_batch(conn: Connection, batch_id: int) -> list[Entry]:
    """Return the changes that batch *batch_id* made, in order; what its undo did is not among them."""
    sql = (
        "SELECT did_id, did_pattern, batch_id, action, user_name, user_id, address, before_image,"
        " after_image, size FROM didier_history WHERE batch_id = ? AND action <> ? ORDER BY history_id"
    )
    return [_entry(row) for row in run(conn, sql, batch_id, UNDO)]


def _entry(row: tuple[Any, ...]) -> Entry:
    did_id, pattern, batch, action, user, user_id, address, before, after, size = row
    return Entry(did_id, pattern, batch, action, user, user_id, address, _image(before), _image(after), size)


@dataclass(frozen=True, slots=True)
class Origin:
    """The batch in which a DID was copied."""

    did_id: int
    batch_id: int
    source_pattern: str
    created_at: datetime
    user: str
    address: str
    snapshot_id: int | None
    overrides: Mapping[str, Value]
    unknown: frozenset[str]  # columns whose value was the target's own


def origin(conn: Connection, did_id: int) -> Origin | None:
    """Return in which batch the DID was copied, None when it was not made by a copy of Didier's.

    Of the items with ids the last that begins at *did_id* or before is the run that holds it, if one does.
    """
    found = run(conn, _ORIGIN, did_id)
    if not found or found[0][0] + found[0][1] <= did_id or found[0][2] != "copy":
        return None
    _, _, _, batch_id, source, created_at, user, address, snapshot_id, overrides, template, own = found[0]
    unknown = frozenset(orjson.loads(own) if own else ()) | ({"did_description"} if template else frozenset())
    return Origin(
        did_id,
        batch_id,
        source,
        as_moment(created_at) or datetime.min,
        user,
        address,
        snapshot_id,
        orjson.loads(overrides) if overrides else {},
        unknown,
    )


_ORIGIN = (
    "SELECT i.did_id, i.size, b.kind, b.batch_id, b.source_pattern, b.created_at, b.user_name, b.address,"
    " b.snapshot_id, b.overrides, b.template, b.own_columns"
    " FROM (SELECT did_id, size, batch_id FROM didier_batch_items WHERE did_id <= ?"
    " ORDER BY did_id DESC LIMIT 1) AS i JOIN didier_batches AS b ON b.batch_id = i.batch_id"
)


def updated_between(conn: Connection, first: int, last: int) -> set[int]:
    """Return the ids from *first* to *last* whose DIDs were updated since they were made."""
    sql = "SELECT did_id FROM didier_history WHERE did_id BETWEEN ? AND ? AND action = 'update'"
    return {row[0] for row in run(conn, sql, first, last)}
