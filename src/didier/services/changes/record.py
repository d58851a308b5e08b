"""Recording changes of DIDs: a batch and an entry of the history for each, and VICIdial's admin log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.services.users.authentication import Caller
from didier.storage.batches import batches
from didier.storage.changes import history, vicidial_logs
from didier.storage.changes.history import Image


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change: what it is called in the items of batches and in VICIdial's admin log."""

    outcome: str
    type: str
    code: str
    result: str = ""


KINDS: Mapping[str, Kind] = MappingProxyType({
    "add": Kind("added", "ADD", "ADMIN API ADD DID", " inserted: 1"),
    "update": Kind("updated", "MODIFY", "ADMIN API UPDATE DID"),
    "delete": Kind("deleted", "DELETE", "ADMIN API DELETE DID"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """A DID that was added, updated or deleted; *values* are those of the order."""

    caller: Caller
    pattern: str
    did_id: int
    values: Mapping[str, str | None]
    before: Image | None
    after: Image | None


def record(
    conn: Connection, kind: str, changes: Sequence[Change], now: datetime, batch_id: int | None = None
) -> list[int]:
    """Record *changes*, all of one *kind*, with one statement for each table; return their batches.

    With *batch_id* they belong to a batch that is there, whose items are not stored here.
    """
    if not changes:
        return []
    if batch_id is None:
        batch_ids = batches.record(conn, [_batch(kind, change) for change in changes], now)
    else:
        batch_ids = [batch_id] * len(changes)
    pairs = list(zip(changes, batch_ids, strict=True))
    history.record(conn, [_entry(kind, *pair) for pair in pairs], now)
    vicidial_logs.write_admin(conn, [event(KINDS[kind], *pair) for pair in pairs], now)
    return batch_ids


def _batch(kind: str, change: Change) -> batches.Batch:
    # Ids stand in the history alone: of the items with ids the nearest tells where a DID comes from.
    did_id = change.did_id if kind == "add" else None
    return batches.Batch(
        user=change.caller.name,
        user_id=change.caller.user.user_id,
        address=change.caller.address,
        source_id=0,
        source_pattern="",
        overrides=change.values,
        items=[batches.Item(change.pattern, KINDS[kind].outcome, did_id)],
        kind=kind,
        mode="atomic",
        reach=change.caller.pattern_prefix,
        caller_groups=change.caller.visibility,
    )


def _entry(kind: str, change: Change, batch_id: int) -> history.Entry:
    image = change.before or change.after or {}
    return history.Entry(
        did_id=change.did_id,
        pattern=str(image.get("did_pattern", change.pattern)),
        batch_id=batch_id,
        action=kind,
        user=change.caller.name,
        user_id=change.caller.user.user_id,
        address=change.caller.address,
        before=change.before,
        after=change.after,
    )


def event(kind: Kind, change: Change, batch_id: int | None) -> vicidial_logs.AdminEntry:
    """Return the row of VICIdial's admin log that tells of *change*, in VICIdial's words."""
    return vicidial_logs.AdminEntry(
        user=change.caller.name,
        address=change.caller.address,
        type=kind.type,
        record_id=str(change.did_id),
        code=kind.code,
        notes=f"did: {change.pattern} did_id: {change.did_id}{kind.result}",
        batch_id=batch_id,
    )
