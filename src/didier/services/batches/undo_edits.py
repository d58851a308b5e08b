"""Undoing edits: batches that added, updated, deleted or imported DIDs. `rollback` takes copies back.

The change log says what is to be taken back, the last change first, in steps of as many DIDs as a
transaction may have; a small batch is taken back in one transaction. A DID that was changed since, in what
the batch had changed, is kept and named; *force* takes it back all the same. A DID that is gone stays gone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.domain.visibility import EVERYTHING, Visibility
from didier.errors import (
    AlreadyExists,
    BatchNotFound,
    DeletionLocked,
    InUse,
    NotFound,
    NotPermitted,
    NotUndoable,
)
from didier.services.batches import batch_caller, execute, item_runs, rollback
from didier.services.batches.batch_caller import RightsLost
from didier.services.changes import record
from didier.services.changes.runs import in_runs
from didier.services.dids import in_use, visibility
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import change_log, vicidial_logs
from didier.storage.changes.change_log import CREATED, DELETED, UNDO, UPDATED, Author, Change, Image
from didier.storage.dids import deletion_locks, dids
from didier.storage.dids.did_fields import VERSION
from didier.storage.dids.dids import MARKS, Hold

Refused = NotPermitted | BatchNotFound | NotUndoable | NotFound | AlreadyExists | DeletionLocked | InUse

AT_ONCE = 1_000
"""Most DIDs that are taken back while others wait."""


@dataclass(frozen=True, slots=True)
class UndoneEdits:
    """What became of the DIDs that a batch had changed; of an undo that goes on in steps nothing yet."""

    batch_id: int
    removed: int  # added ones that were deleted
    restored: int  # updated or deleted ones that are as they were
    kept: tuple[str, ...]  # patterns of those that were changed since, and so left as they are


@dataclass(slots=True)
class _Plan:
    """What an undo does, the last change first, and which changes stay."""

    changes: list[Change]
    kept: list[Change]

    def of(self, action: str) -> list[Change]:
        """Return the changes that do *action*."""
        return [change for change in self.changes if change.action == action]

    def keep(self, stays: Callable[[Change], bool]) -> None:
        """Leave the DIDs as they are whose change *stays*."""
        self.kept += [change for change in self.changes if stays(change)]
        self.changes = [change for change in self.changes if not stays(change)]


def undo_edit(
    conn: Connection, batch_id: int, caller: Caller, now: datetime, force: bool = False
) -> UndoneEdits | Refused:
    """Take back the changes of a batch, at once or, when it is large, in steps from now on.

    Where all are kept the batch stays as it is, and can be undone by force later. A small batch is not
    undone while a DID that it added is locked or, unless forced, in use, or when a number that it deleted is
    there again; in a large one such DIDs are kept.
    """
    found = progress.get(conn, batch_id)
    if found is None or found.kind == "copy":
        return BatchNotFound(batch_id)
    if not (found.state == "done" or (found.state == "failed" and found.edited > found.taken_back)):
        return NotUndoable(batch_id, found.state)
    if found.edited > AT_ONCE:
        return _missing(caller, _actions(found)) or _begin(conn, found, caller, now, force)
    return _at_once(conn, found, caller, now, force)


def _actions(batch: StoredBatch) -> set[str]:
    """Return what a batch did to DIDs."""
    counts = {CREATED: batch.added, UPDATED: batch.updated, DELETED: batch.deleted}
    return {action for action, count in counts.items() if count}


def _missing(caller: Caller, actions: set[str]) -> NotPermitted | None:
    """Ask of *caller* what the changes back would ask: they are other changes, so other rights."""
    for action in sorted(actions):
        for right in _BACK[action]:
            if missing := missing_rights(caller.user, right):
                return missing
    return None


_BACK = {CREATED: ("update_did", "delete_did"), UPDATED: ("update_did",), DELETED: ("add_did",)}


def _begin(conn: Connection, batch: StoredBatch, caller: Caller, now: datetime, force: bool) -> UndoneEdits:
    rollback.begin(conn, batch, caller, now, force=force)
    progress.change(conn, batch.batch_id, {"undo_from": None})
    return UndoneEdits(batch.batch_id, 0, 0, ())


def _at_once(
    conn: Connection, batch: StoredBatch, caller: Caller, now: datetime, force: bool
) -> UndoneEdits | Refused:
    entries = _singles(change_log.of_batch(conn, batch.batch_id))
    if not entries:
        return NotUndoable(batch.batch_id, f"{batch.state} and has changed nothing")
    if missing := _missing(caller, {entry.action for entry in entries}):
        return missing
    there: Mapping[int, Image] = {}
    for hold in (Hold.NOT, Hold.CHANGE):  # who does not see a DID holds it from nobody
        there = dids.images(conn, [entry.did_id for entry in entries], hold)
        for entry in entries:
            if not _sees(caller.visibility, there, entry):
                return NotFound(entry.pattern)
    plan = _plan(entries, there, force, caller.author, batch.batch_id)
    if blocked := _blocked(conn, plan, caller.visibility, force):
        return next(iter(blocked.values()))
    _begin(conn, batch, caller, now, force)
    undone = progress.get(conn, batch.batch_id) or batch
    done = _take_back(conn, undone, plan, now)
    vicidial_logs.write_admin(conn, [record.event_of(change, batch.batch_id) for change in done], now)
    removed = len(plan.of(DELETED))
    _finish(conn, progress.get(conn, batch.batch_id) or undone, now)
    return UndoneEdits(
        batch.batch_id, removed, len(done) - removed, tuple(change.pattern for change in plan.kept)
    )


def _sees(sight: Visibility, there: Mapping[int, Image], entry: Change) -> bool:
    images = (there.get(entry.did_id), entry.before, entry.after)
    return all(visibility.sees_row(sight, image) for image in images if image)


def step(conn: Connection, batch_id: int, limit: int, now: datetime) -> bool:
    """Take back the next changes, *limit* or a run at most; say whether the batch is finished with that."""
    batch = progress.locked(conn, batch_id)
    if batch is None or batch.phase != "remove":
        return True
    try:
        sight = _sight(conn, batch)
    except RightsLost as error:
        progress.move(conn, batch, "fail", {"failure": str(error), "finished_at": now})
        return True
    recorded = _next(conn, batch, execute.most_at_once(conn, min(limit, rollback.CHUNK)))
    if not recorded:
        _finish(conn, batch, now)
        return True
    entries = _singles(recorded)
    there = dids.images(conn, [entry.did_id for entry in entries], Hold.CHANGE)
    plan = _plan(entries, there, batch.forced, batch.undoer, batch_id)
    blocked = _blocked(conn, plan, EVERYTHING, batch.forced)
    hidden = {entry.position for entry in entries if not _sees(sight, there, entry)}
    plan.keep(lambda change: change.position in hidden or change.did_id in blocked)
    _take_back(conn, batch, plan, now)
    progress.change(conn, batch_id, {"undo_from": recorded[-1].change_id})
    return False


def _sight(conn: Connection, batch: StoredBatch) -> Visibility:
    """Return what is seen by who undoes *batch*, by the rights that they have now; raises `RightsLost`.

    What an atomic batch has done before it failed is taken back whoever ordered it.
    """
    if batch.undone_by is None:
        return EVERYTHING
    rights = {right for action in _actions(batch) for right in _BACK[action]}
    return Visibility(groups=batch_caller.of_undo(conn, batch, sorted(rights)).visible_groups())


def _next(conn: Connection, batch: StoredBatch, limit: int) -> list[change_log.Recorded]:
    """Return the last changes that are still to be taken back, the last first."""
    found = change_log.of_batch_before(conn, batch.batch_id, batch.undo_from, limit)
    size = 0
    for place, one in enumerate(found):
        size += one.change.size
        if place and size > limit:
            return found[:place]
    return found


def _singles(recorded: Sequence[change_log.Recorded]) -> list[Change]:
    """Return the change of each DID, the last first."""
    runs = sorted(recorded, key=lambda one: -one.change_id)
    return [single for one in runs for single in reversed(list(one.change.singles()))]


def _take_back(conn: Connection, batch: StoredBatch, plan: _Plan, now: datetime) -> list[Change]:
    """Carry *plan* out and record it: changes, items and counts; return the changes in the batch's order."""
    planned = sorted(plan.changes, key=lambda change: change.position)
    done = execute.carry_out(conn, planned, now)
    change_log.record(conn, in_runs(done), now)
    words = {change.position: (change.pattern, "kept") for change in plan.kept}
    words |= {c.position: (c.pattern, "removed" if c.action == DELETED else "restored") for c in done}
    item_runs.rename(conn, batch.batch_id, words)
    removed = len(plan.of(DELETED))
    counts = {"removed": removed, "restored": len(done) - removed, "kept": len(plan.kept)}
    progress.advance(conn, batch.batch_id, batch.position, counts)
    return done


def _finish(conn: Connection, batch: StoredBatch, now: datetime) -> None:
    if batch.undone_by is None:
        event = "rolled back"
    else:
        event = "undone" if batch.removed + batch.restored or not batch.kept else "kept all"
    progress.move(conn, batch, event, {"finished_at": now})


def _plan(
    entries: Sequence[Change], there: Mapping[int, Image], force: bool, author: Author, batch_id: int
) -> _Plan:
    """Return what takes *entries* back, the last change first."""
    plan = _Plan([], [])
    for entry in entries:
        # What was deleted is created again: a row that has its id by now is in the way, see `_blocked`.
        image = None if entry.after is None else there.get(entry.did_id)
        gone = image is None and entry.after is not None
        if gone and entry.before is None:
            continue
        if gone or (image and entry.after and not force and _is_changed(entry, image)):
            plan.kept.append(entry)
            continue
        after = entry.before
        if image and after:
            after = {**image, **{name: after[name] for name in _changed(entry) if name in image}}
        elif after:  # it goes on where its deletion left it
            after = {**after, VERSION: (entry.version or 2) + 1}
        plan.changes.append(_back(entry, author, batch_id, image, after))
    return plan


def _changed(entry: Change) -> list[str]:
    """Return the columns that the change set, all of them where it added the DID."""
    before, after = entry.before or {}, entry.after or {}
    there = before if entry.before is not None else after
    return [
        name
        for name in there
        if name not in MARKS and (entry.before is None or before[name] != after.get(name, before[name]))
    ]


def _is_changed(entry: Change, image: Image) -> bool:
    after = entry.after or {}
    return any(image.get(name, after[name]) != after[name] for name in _changed(entry))


def _blocked(
    conn: Connection, plan: _Plan, sight: Visibility, force: bool
) -> dict[int, AlreadyExists | DeletionLocked | InUse]:
    """Return why rows cannot be put back, or may not be removed, by did_id; *sight* is told of uses."""
    blocked: dict[int, AlreadyExists | DeletionLocked | InUse] = {}
    back = plan.of(CREATED)
    found = dids.find(conn, [change.pattern for change in back]) if back else None
    there = dids.images(conn, [change.did_id for change in back])
    for change in back:
        if change.did_id in there or (found and found.get(change.pattern)):
            blocked[change.did_id] = AlreadyExists(change.pattern)
    deletions = plan.of(DELETED)
    locked = deletion_locks.locked(conn, [change.did_id for change in deletions])
    used = in_use.places(conn, [] if force else [change.pattern for change in deletions], sight)
    for change in deletions:
        if change.did_id in locked:
            blocked[change.did_id] = DeletionLocked(change.pattern)
        elif change.pattern in used:
            blocked[change.did_id] = InUse(change.pattern, used[change.pattern])
    return blocked


def _back(change: Change, author: Author, batch_id: int, before: Image | None, after: Image | None) -> Change:
    """Return the change that takes *change* back."""
    return Change(
        author=author,
        action=CREATED if before is None else DELETED if after is None else UPDATED,
        cause=UNDO,
        did_id=change.did_id,
        pattern=change.pattern,
        batch_id=batch_id,
        position=change.position,
        before=before,
        after=after,
    )
