"""The journal: what is being done to tables without transactions. Table ``didier_journal``.

An entry is on the disk before the first row that it speaks of is touched, and is removed with the commit that
says what was done. So one that is there was left by a crash, unless its writer is still at it: that holds a
lock, the guard, which MariaDB frees when the connection ends, however it ends.
"""

import secrets
import zlib
from collections import ChainMap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.storage.changes.change_log import Author, Change
from didier.storage.dids.bulk import Block
from didier.storage.statements import as_text, run, scalar


@dataclass(frozen=True, slots=True)
class Entry:
    """What was to be done: *changes*, whose DIDs have no ids yet where they were to be created.

    *high_water* is the highest id of a DID before, *moment* the time that the new rows have. *rows* are what
    the new DIDs are, by their patterns, where the changes do not say that.
    """

    journal_id: int
    high_water: int
    moment: datetime
    changes: tuple[Change, ...]
    rows: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def write(
    conn: Connection, changes: Sequence[Change], high_water: int, now: datetime, block: Block | None = None
) -> None:
    """Write what is going to be done, for good, and take it out again with the commit of the transaction.

    The entry is stored on a connection of its own, at once, so nothing else of the transaction is. *block*
    are the DIDs that are going to be created.
    """
    content: dict[str, Any] = {"moment": as_text(now), "changes": [_sparse(change) for change in changes]}
    if block:
        content["rows"] = [block.values, block.varying, block.targets, block.own]
    values = _guard(conn), high_water, zlib.compress(orjson.dumps(content), 1)
    with conn.engine.begin() as beside:
        journal_id = int(scalar(beside, _WRITE, *values))
    remove(conn, journal_id)


_WRITE = "INSERT INTO didier_journal (guard, high_water, content) VALUES (?, ?, ?) RETURNING journal_id"


def remove(conn: Connection, journal_id: int) -> None:
    """Remove an entry: what it speaks of is done, or taken back."""
    run(conn, "DELETE FROM didier_journal WHERE journal_id = ?", journal_id)


def _sparse(change: Change) -> dict[str, Any]:
    """Return what a change has that others have not: there may be thousands in an entry."""
    given = ((name, getattr(change, name)) for name in _DEFAULTS)
    return {name: value for name, value in given if value != _DEFAULTS[name]}


_DEFAULTS = {
    field.name: field.default_factory() if callable(field.default_factory) else field.default
    for field in fields(Change)
}


def _guard(conn: Connection) -> str:
    """Return the name of the lock that this connection holds, to its end."""
    if _GUARD not in conn.info:
        name = f"didier.{secrets.token_hex(16)}"
        run(conn, "SELECT GET_LOCK(?, 0)", name)
        conn.info[_GUARD] = name
    return str(conn.info[_GUARD])


_GUARD = "didier.guard"


def is_empty(conn: Connection) -> bool:
    """Say whether nothing is being done, and nothing was left."""
    return not scalar(conn, "SELECT COUNT(*) FROM didier_journal")


def left(conn: Connection) -> list[Entry]:
    """Return the entries whose writers are gone, the last first: it may build on those before.

    This connection is not at one of its own any more.
    """
    sql = (
        "SELECT journal_id, high_water, content FROM didier_journal"
        " WHERE COALESCE(IS_USED_LOCK(guard), CONNECTION_ID()) = CONNECTION_ID() ORDER BY journal_id DESC"
    )
    return [_entry(*row) for row in run(conn, sql)]


def _entry(journal_id: int, high_water: int, packed: bytes) -> Entry:
    content = orjson.loads(zlib.decompress(packed))
    changes = (Change(**{**change, "author": Author(**change["author"])}) for change in content["changes"])
    moment = datetime.fromisoformat(content["moment"])
    return Entry(
        journal_id, high_water, moment, tuple(changes), _rows(*content.get("rows", ({}, (), (), ())))
    )


def _rows(
    alike: Mapping[str, Any], varying: Sequence[str], targets: Sequence[str], own: Sequence[Sequence[Any]]
) -> dict[str, Mapping[str, Any]]:
    if not varying:
        return dict.fromkeys(targets, alike)
    pairs = zip(targets, own, strict=True)
    return {target: ChainMap(dict(zip(varying, row, strict=True)), dict(alike)) for target, row in pairs}
