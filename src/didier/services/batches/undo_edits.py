"""Undoing edits: batches that added, updated or deleted DIDs. `rollback` takes copies back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import (
    AlreadyExists,
    BatchNotFound,
    DeletionLocked,
    InUse,
    NotFound,
    NotPermitted,
    NotUndoable,
)
from didier.services.batches.edits import places
from didier.services.changes.record import KINDS, Change, event
from didier.services.dids import visibility
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UNDO, UPDATED, Image
from didier.storage.changes.change_log import Change as Logged
from didier.storage.dids import deletion_locks, dids
from didier.storage.dids.dids import STAMP, Hold

Refused = NotPermitted | BatchNotFound | NotUndoable | NotFound | AlreadyExists | DeletionLocked | InUse


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of the DIDs that a batch had changed."""

    batch_id: int
    removed: int  # added ones that were deleted
    restored: int  # updated or deleted ones that are as they were
    kept: tuple[str, ...]  # patterns of those that were changed since, and so left as they are


@dataclass(slots=True)
class _Plan:
    """What an undo does: the changes that are taken back, and the patterns of what it keeps."""

    deletions: list[Logged]
    updates: list[tuple[Logged, Image]]  # with the values that are set
    insertions: list[Logged]
    kept: list[str]


def undo_edit(
    conn: Connection, batch_id: int, caller: Caller, now: datetime, force: bool = False
) -> Undone | Refused:
    """Take back the changes of a batch that added, updated or deleted DIDs.

    A DID that was changed since, in what the batch had changed, is kept and named; *force* takes it back all
    the same. A DID that is gone stays gone. Where all are kept the batch stays as it is, and can be undone
    by force later. What was added is not removed while it is locked or, unless forced, in use.
    """
    found = progress.get(conn, batch_id)
    entries = [recorded.change for recorded in change_log.of_batch(conn, batch_id)]
    if found is None or found.kind == "copy" or not entries:
        return BatchNotFound(batch_id)
    if found.state != "done":
        return NotUndoable(batch_id, found.state)
    now_there = dids.images(conn, [entry.did_id for entry in entries], Hold.CHANGE)
    if refused := _refused(caller, entries, now_there):
        return refused
    plan = _plan(entries, now_there, force)
    if blocked := _blocked(conn, plan, caller, force):
        return blocked
    _carry_out(conn, plan, caller, batch_id, now)
    removed, restored = len(plan.deletions), len(plan.updates) + len(plan.insertions)
    if removed or restored or not plan.kept:
        progress.move(conn, found, "undone", {
            "undone_by": caller.name[:20], "undone_by_id": caller.user.user_id,
            "undone_origin": caller.origin, "undone_at": now, "removed": removed, "kept": len(plan.kept),
        })  # fmt: skip
    return Undone(batch_id, removed, restored, tuple(plan.kept))


def _refused(caller: Caller, entries: Sequence[Logged], there: Mapping[int, Image]) -> Refused | None:
    """Ask of the caller what the change back would ask: it is another change, so another right."""
    for entry in entries:
        actions = ("update_did", "delete_did") if entry.action == CREATED else ("update_did",)
        for action in ("add_did",) if entry.action == DELETED else actions:
            if missing := missing_rights(caller.user, action):
                return missing
        for image in (there.get(entry.did_id), entry.before, entry.after):
            if image and not visibility.sees_row(caller.visibility, image):
                return NotFound(entry.pattern)
    return None


def _plan(entries: Sequence[Logged], there: Mapping[int, Image], force: bool) -> _Plan:
    plan = _Plan([], [], [], [])
    for entry in reversed(entries):
        image = there.get(entry.did_id)
        if entry.after is None:
            plan.insertions.append(entry)
        elif image is None:
            if entry.before is not None:
                plan.kept.append(entry.pattern)
        elif not force and _is_changed(entry, image):
            plan.kept.append(entry.pattern)
        elif entry.before is None:
            plan.deletions.append(entry)
        else:
            plan.updates.append((entry, {name: entry.before[name] for name in _changed(entry)}))
    return plan


def _changed(entry: Logged) -> list[str]:
    """Return the columns that the change set, all of them where it added the DID."""
    before, after = entry.before or {}, entry.after or {}
    there = before if entry.before is not None else after
    return [
        name
        for name in there
        if name != STAMP and (entry.before is None or before[name] != after.get(name, before[name]))
    ]


def _is_changed(entry: Logged, image: Image) -> bool:
    after = entry.after or {}
    return any(image.get(name, after[name]) != after[name] for name in _changed(entry))


def _blocked(conn: Connection, plan: _Plan, caller: Caller, force: bool) -> Refused | None:
    """Say why rows cannot be put back, or may not be removed."""
    back = [entry.pattern for entry in plan.insertions]
    found = dids.find(conn, back) if back else None
    there = dids.images(conn, [entry.did_id for entry in plan.insertions])
    for entry in plan.insertions:
        if entry.did_id in there or (found and found.get(entry.pattern)):
            return AlreadyExists(entry.pattern)
    locked = deletion_locks.locked(conn, [entry.did_id for entry in plan.deletions])
    removed = [] if force else [entry.pattern for entry in plan.deletions]
    used = places(conn, removed, caller.visibility)
    for entry in plan.deletions:
        if entry.did_id in locked:
            return DeletionLocked(entry.pattern)
        if entry.pattern in used:
            return InUse(entry.pattern, used[entry.pattern])
    return None


def _carry_out(conn: Connection, plan: _Plan, caller: Caller, batch_id: int, now: datetime) -> None:
    entries = [*plan.deletions, *(entry for entry, _ in plan.updates), *plan.insertions]
    ids = [entry.did_id for entry in entries]
    before = dids.images(conn, ids)
    for entry in plan.deletions:
        dids.delete(conn, entry.did_id)
    for entry, values in plan.updates:
        dids.update(conn, entry.did_id, values, now)
    for entry in plan.insertions:
        dids.add(conn, entry.before or {}, now)
    after = dids.images(conn, ids)
    done = [_back(e, caller, batch_id, before.get(e.did_id), after.get(e.did_id)) for e in entries]
    change_log.record(conn, done, now)
    vicidial_logs.write_admin(conn, [_event(entry, caller) for entry in done], now)


def _back(change: Logged, caller: Caller, batch_id: int, before: Image | None, after: Image | None) -> Logged:
    """Return the change that takes *change* back."""
    action = CREATED if before is None else DELETED if after is None else UPDATED
    return Logged(
        author=caller.author,
        action=action,
        cause=UNDO,
        did_id=change.did_id,
        pattern=change.pattern,
        batch_id=batch_id,
        before=before,
        after=after,
    )


def _event(entry: Logged, caller: Caller) -> vicidial_logs.AdminEntry:
    kind = "add" if entry.before is None else "delete" if entry.after is None else "update"
    change = Change(caller, entry.pattern, entry.did_id, {}, entry.before, entry.after)
    return event(KINDS[kind], change, entry.batch_id)
