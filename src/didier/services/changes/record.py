"""Recording changes of single DIDs: in the change log, and in VICIdial's admin log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.services.users.authentication import Caller
from didier.storage.batches import batches
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Image


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change: its action, and what it is called in items of batches and in VICIdial's admin log."""

    action: str
    outcome: str
    type: str
    code: str
    result: str = ""


KINDS: Mapping[str, Kind] = MappingProxyType({
    "add": Kind(CREATED, "added", "ADD", "ADMIN API ADD DID", " inserted: 1"),
    "update": Kind(UPDATED, "updated", "MODIFY", "ADMIN API UPDATE DID"),
    "delete": Kind(DELETED, "deleted", "DELETE", "ADMIN API DELETE DID"),
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
    conn: Connection, kind: str, changes: Sequence[Change], now: datetime, import_id: int | None = None
) -> list[int]:
    """Record *changes*, all of one *kind*, with one statement for each table; return their batches.

    With *import_id* they belong to a batch that is there, whose items are not stored here.
    """
    if not changes:
        return []
    if import_id is None:
        batch_ids = batches.record(conn, [_logged(kind, change, kind) for change in changes], now)
    else:
        logged = [_logged(kind, change, "import", import_id) for change in changes]
        change_log.record(conn, logged, now)
        batch_ids = [import_id] * len(changes)
    events = [event(KINDS[kind], *pair) for pair in zip(changes, batch_ids, strict=True)]
    vicidial_logs.write_admin(conn, events, now)
    return batch_ids


def _logged(kind: str, change: Change, cause: str, batch_id: int | None = None) -> change_log.Change:
    """Return the change as it is logged; without a batch it is one by itself."""
    image = change.before or change.after or {}
    details: dict[str, Any] = {"values": change.values} if change.values else {}
    if batch_id is None:
        details |= batches.described("atomic", change.caller.pattern_prefix, change.caller.visibility)
    return change_log.Change(
        author=change.caller.author,
        action=KINDS[kind].action,
        cause=cause,
        did_id=change.did_id,
        pattern=str(image.get("did_pattern", change.pattern)),
        batch_id=batch_id,
        details=details,
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
