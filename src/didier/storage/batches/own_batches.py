"""Batches of one change: the row of the change log is the batch, and tells its only item.

Once something happens to such a batch, an undo or a verification that fails, it has a state, and gets a row
of its own (`keep`).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.domain.batch_states import DONE
from didier.storage import dialects
from didier.storage.batches.batches import BatchItem, NewBatch, insert_items, store
from didier.storage.batches.stored_batch import StoredBatch, what_was_seen
from didier.storage.statements import as_json, as_moment, run

OUTCOMES: Mapping[str, str] = MappingProxyType(
    {"created": "added", "updated": "updated", "deleted": "deleted"}
)
"""What became of the target, by what was done to the DID."""


@dataclass(frozen=True, slots=True)
class OwnBatch:
    """A batch of one change, and its item."""

    batch: StoredBatch
    item: BatchItem


_SELECT = (
    "SELECT change_id, action, cause, origin, changed_at, user_name, user_id, address, did_id, did_pattern,"
    " size, source_pattern, snapshot_id, details FROM didier_changes AS c"
)
# One that something has happened to has a row of its own.
_OWN = "batch_id IS NULL AND NOT EXISTS (SELECT 1 FROM didier_batches AS b WHERE b.batch_id = c.change_id)"


def some(conn: Connection, batch_ids: Collection[int]) -> dict[int, OwnBatch]:
    """Return those of the batches that are one change, by id."""
    if not batch_ids:
        return {}
    sql = f"{_SELECT} WHERE {_OWN} AND change_id IN {dialects.of(conn).numbers}"
    return {row[0]: _own_batch(row) for row in run(conn, sql, as_json(list(batch_ids)))}


def page(
    conn: Connection, user: str | None, source: str | None, kind: str | None, before: int | None, limit: int
) -> list[StoredBatch]:
    """Return *limit* of the batches that are one change, newest first, below the id *before*.

    Those alone that *user* ordered, with *source* as the DID that was copied, of a *kind*; None: all.
    """
    pairs = {
        "lower(user_name) = ?": user and user.lower(),
        "source_pattern = ?": source,
        "cause = ?": kind,
        "change_id < ?": before,
    }
    given = {condition: value for condition, value in pairs.items() if value is not None}
    where = "".join(f" AND {condition}" for condition in given)
    sql = f"{_SELECT} WHERE {_OWN}{where} ORDER BY change_id DESC LIMIT ?"
    return [_own_batch(row).batch for row in run(conn, sql, *given.values(), limit)]


def _own_batch(row: Sequence[Any]) -> OwnBatch:
    change_id, action, cause, origin, moment, user, user_id, address, *rest = row
    did_id, pattern, size, source, snapshot_id, stored = rest
    details = orjson.loads(stored) if stored else {}
    when = as_moment(moment) or datetime.min
    is_new = action == "created"
    counts = {"added": 0, "updated": 0, "deleted": 0, OUTCOMES[action]: size}
    batch = StoredBatch(
        batch_id=change_id, kind=cause, mode=details.get("mode", "best_effort"), state=DONE.state, phase=None,
        created_at=when, finished_at=when, user_name=user, user_id=user_id,
        address=address, origin=origin, source_id=details.get("source_id", 0), source_pattern=source or "",
        snapshot_id=snapshot_id, overrides=details.get("values", {}),
        own_columns=tuple(sorted({name for own in details.get("own", ()) for name in own})),
        template=details.get("template"), pattern_prefix=details.get("reach"), options={}, requested=size,
        **counts, existing=0, invalid=0, duplicates=0, missing=0, refused=0, removed=0, restored=0, kept=0,
        position=0, failure=None, forced=False, undone_by=None, undone_by_id=None,
        undone_origin=None, undo_groups=None, undone_at=None, undo_from=None,
        caller_groups=what_was_seen(details["groups"]) if "groups" in details else None,
    )  # fmt: skip
    item = BatchItem(pattern, OUTCOMES[action], did_id if is_new else None, size, details.get("note"))
    return OwnBatch(batch, item)


def keep(conn: Connection, batch_id: int) -> None:
    """Give the batch a row of its own if it has none yet, and its item too."""
    found = some(conn, [batch_id]).get(batch_id)
    if found is None:
        return
    of = found.batch
    batch = NewBatch(
        author=of.author, items=[found.item], changes=(), overrides=of.overrides, kind=of.kind, mode=of.mode,
        source_id=of.source_id, source_pattern=of.source_pattern, snapshot_id=of.snapshot_id,
        template=of.template, pattern_prefix=of.pattern_prefix, own_columns=of.own_columns,
        caller_groups=of.caller_groups,
    )  # fmt: skip
    store(conn, [batch_id], [batch], of.created_at)
    insert_items(conn, [(batch_id, 1, found.item)])
