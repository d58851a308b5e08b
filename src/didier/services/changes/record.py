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
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Change, Image


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


def planned(
    kind: str,
    caller: Caller,
    pattern: str,
    values: Mapping[str, str | None] = MappingProxyType({}),
    before: Image | None = None,
    after: Image | None = None,
    import_id: int | None = None,
) -> Change:
    """Return the change of one DID that *caller* ordered by *values*, as the log will have it.

    *before* and *after* are its row, as it is and as it will be. With *import_id* it belongs to that batch,
    otherwise it is one by itself.
    """
    image = before or after or {}
    details: dict[str, Any] = {"values": values} if values else {}
    if import_id is None:
        details |= batches.described("atomic", caller.pattern_prefix, caller.visibility)
    return Change(
        author=caller.author,
        action=KINDS[kind].action,
        cause=kind if import_id is None else "import",
        did_id=int(image.get("did_id") or 0),
        pattern=str(image.get("did_pattern", pattern)),
        batch_id=import_id,
        details=details,
        before=before,
        after=after,
    )


def record(
    conn: Connection, kind: str, changes: Sequence[Change], named: Sequence[str], now: datetime
) -> list[int]:
    """Record *changes*, all of one *kind*, with one statement for each table; return their batches.

    *named* are the patterns as they were ordered.
    """
    own = [change for change in changes if change.batch_id is None]
    batch_ids = batches.record(conn, own, now) if own else [change.batch_id or 0 for change in changes]
    if not own:
        change_log.record(conn, changes, now)
    triples = zip(named, changes, batch_ids, strict=True)
    vicidial_logs.write_admin(conn, [event(KINDS[kind], *triple) for triple in triples], now)
    return batch_ids


def event(kind: Kind, pattern: str, change: Change, batch_id: int | None) -> vicidial_logs.AdminEntry:
    """Return the row of VICIdial's admin log that tells of *change*, in VICIdial's words."""
    return vicidial_logs.AdminEntry(
        user=change.author.name,
        address=change.author.address,
        type=kind.type,
        record_id=str(change.did_id),
        code=kind.code,
        notes=f"did: {pattern} did_id: {change.did_id}{kind.result}",
        batch_id=batch_id,
    )
