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
from didier.services.batches import execute
from didier.services.changes.record import KINDS, event
from didier.services.dids import in_use, visibility
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UNDO, UPDATED, Change, Image
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
    """What an undo does, and the patterns of what it keeps."""

    changes: list[Change]
    kept: list[str]

    def of(self, action: str) -> list[Change]:
        """Return the changes that do *action*."""
        return [change for change in self.changes if change.action == action]


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
    plan = _plan(entries, now_there, force, caller, batch_id)
    if blocked := _blocked(conn, plan, caller, force):
        return blocked
    done = execute.carry_out(conn, plan.changes, now)
    change_log.record(conn, done, now)
    vicidial_logs.write_admin(conn, [_event(change) for change in done], now)
    removed = len(plan.of(DELETED))
    if done or not plan.kept:
        progress.move(conn, found, "undone", {
            "undone_by": caller.name[:20], "undone_by_id": caller.user.user_id,
            "undone_origin": caller.origin, "undone_at": now, "removed": removed, "kept": len(plan.kept),
        })  # fmt: skip
    return Undone(batch_id, removed, len(done) - removed, tuple(plan.kept))


def _refused(caller: Caller, entries: Sequence[Change], there: Mapping[int, Image]) -> Refused | None:
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


def _plan(
    entries: Sequence[Change], there: Mapping[int, Image], force: bool, caller: Caller, batch_id: int
) -> _Plan:
    plan = _Plan([], [])
    for entry in reversed(entries):
        # What was deleted is created again: a row that has its id by now is in the way, see `_blocked`.
        image = None if entry.after is None else there.get(entry.did_id)
        gone = image is None and entry.after is not None
        if gone and entry.before is None:
            continue
        if gone or (image and entry.after and not force and _is_changed(entry, image)):
            plan.kept.append(entry.pattern)
            continue
        after = entry.before
        if image and after:
            after = {**image, **{name: after[name] for name in _changed(entry)}}
        plan.changes.append(_back(entry, caller, batch_id, image, after))
    return plan


def _changed(entry: Change) -> list[str]:
    """Return the columns that the change set, all of them where it added the DID."""
    before, after = entry.before or {}, entry.after or {}
    there = before if entry.before is not None else after
    return [
        name
        for name in there
        if name != STAMP and (entry.before is None or before[name] != after.get(name, before[name]))
    ]


def _is_changed(entry: Change, image: Image) -> bool:
    after = entry.after or {}
    return any(image.get(name, after[name]) != after[name] for name in _changed(entry))


def _blocked(conn: Connection, plan: _Plan, caller: Caller, force: bool) -> Refused | None:
    """Say why rows cannot be put back, or may not be removed."""
    back = plan.of(CREATED)
    found = dids.find(conn, [change.pattern for change in back]) if back else None
    there = dids.images(conn, [change.did_id for change in back])
    for change in back:
        if change.did_id in there or (found and found.get(change.pattern)):
            return AlreadyExists(change.pattern)
    deletions = plan.of(DELETED)
    locked = deletion_locks.locked(conn, [change.did_id for change in deletions])
    used = in_use.places(conn, [] if force else [change.pattern for change in deletions], caller.visibility)
    for change in deletions:
        if change.did_id in locked:
            return DeletionLocked(change.pattern)
        if change.pattern in used:
            return InUse(change.pattern, used[change.pattern])
    return None


def _back(change: Change, caller: Caller, batch_id: int, before: Image | None, after: Image | None) -> Change:
    """Return the change that takes *change* back."""
    return Change(
        author=caller.author,
        action=CREATED if before is None else DELETED if after is None else UPDATED,
        cause=UNDO,
        did_id=change.did_id,
        pattern=change.pattern,
        batch_id=batch_id,
        before=before,
        after=after,
    )


_KINDS = {CREATED: "add", UPDATED: "update", DELETED: "delete"}


def _event(change: Change) -> vicidial_logs.AdminEntry:
    return event(KINDS[_KINDS[change.action]], change.pattern, change, change.batch_id)
