"""Recording changes of single DIDs: in the change log, and in VICIdial's admin log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.services.users.authentication import Caller
from didier.storage.batches import batches
from didier.storage.changes import event_sql, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Change, Image


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of change: its action, and what it is called in VICIdial's admin log."""

    action: str
    type: str
    code: str
    result: str = ""


KINDS: Mapping[str, Kind] = MappingProxyType({
    "add": Kind(CREATED, "ADD", "ADMIN API ADD DID", " inserted: 1"),
    "update": Kind(UPDATED, "MODIFY", "ADMIN API UPDATE DID"),
    "delete": Kind(DELETED, "DELETE", "ADMIN API DELETE DID"),
})  # fmt: skip


def planned(
    kind: str,
    caller: Caller,
    pattern: str,
    values: Mapping[str, str | None] = MappingProxyType({}),
    before: Image | None = None,
    after: Image | None = None,
) -> Change:
    """Return the change of one DID that *caller* ordered by *values*, as the log will have it.

    *before* and *after* are its row, as it is and as it will be.
    """
    image = before or after or {}
    return Change(
        author=caller.author,
        action=KINDS[kind].action,
        cause=kind,
        did_id=int(image.get("did_id") or 0),
        pattern=str(image.get("did_pattern", pattern)),
        details={"values": values} if values else {},
        before=before,
        after=after,
    )


def alone(change: Change, caller: Caller, note: str = "") -> Change:
    """Return a planned *change* of *caller*'s as a batch by itself; *note* says what is odd about it."""
    described = batches.described("atomic", caller.pattern_prefix, caller.visibility)
    noted = {"note": note} if note else {}
    return replace(change, details={**change.details, **described, **noted})


def record(
    conn: Connection, kind: str, changes: Sequence[Change], named: Sequence[str], now: datetime
) -> list[int]:
    """Record *changes*, batches by themselves and all of one *kind*; return their batches.

    *named* are the patterns as they were ordered.
    """
    batch_ids = batches.record(conn, changes, now)
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
        sql=_sql(change),
    )


def _sql(change: Change) -> str:
    """Return the change of a DID for people to read: of a run, that of its first number."""
    values = change.details.get("values")
    if change.action == CREATED and values is not None:
        return event_sql.of_did(None, {"did_pattern": change.pattern, **values})
    if change.action == DELETED:
        return event_sql.of_did(
            change.before or {"did_id": change.did_id, "did_pattern": change.pattern}, None
        )
    return event_sql.of_did(change.before if change.action == UPDATED else None, change.after or {})


def event_of(change: Change, batch_id: int | None) -> vicidial_logs.AdminEntry:
    """Return the row of VICIdial's admin log for *change*, as if its DID had been named by its number."""
    return event(_BY_ACTION[change.action], change.pattern, change, batch_id)


_BY_ACTION = {kind.action: kind for kind in KINDS.values()}
