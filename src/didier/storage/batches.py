"""Batches: which DIDs were made together, by whom, from what. Tables ``didier_batches`` and ``_items``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.storage.database import as_json, as_text, insert, insert_returning

_BATCH_COLUMNS = (
    "created_at", "user_name", "address", "source_id", "source_pattern", "overrides", "requested",
    "added", "state",
)  # fmt: skip
_ITEM_COLUMNS = ("batch_id", "position", "target", "did_id", "outcome")


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one target of a batch."""

    target: str
    outcome: str  # added, exists or invalid
    did_id: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A finished copy of one source to some targets."""

    user: str
    address: str
    source_id: int
    source_pattern: str
    overrides: Mapping[str, str | None]
    items: Sequence[Item]


def record(conn: Connection, batches: Sequence[Batch], now: datetime) -> list[int]:
    """Store *batches* with their items; return their ids in order."""
    date = as_text(now)
    rows = [
        (
            date, batch.user[:20], batch.address[:45], batch.source_id, batch.source_pattern,
            as_json(batch.overrides) if batch.overrides else None, len(batch.items),
            sum(item.did_id is not None for item in batch.items), "done",
        )
        for batch in batches
    ]  # fmt: skip
    ids = insert_returning(conn, "didier_batches", _BATCH_COLUMNS, rows, "batch_id")
    items = [
        (batch_id, position, item.target[:50], item.did_id, item.outcome)
        for batch_id, batch in zip(ids, batches, strict=True)
        for position, item in enumerate(batch.items, 1)
    ]
    insert(conn, "didier_batch_items", _ITEM_COLUMNS, items)
    return ids
