"""Removing what a batch has made: to undo it, or because an atomic one cannot be made whole.

DIDs that were changed since are kept, unless the undo is forced. Kept always are DIDs that are locked against
deletion, that have another number by now, and that whoever undoes does not see.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, groupby

from sqlalchemy.engine import Connection

from didier.domain.targets import in_run, run_of
from didier.domain.templates import Template
from didier.domain.users import is_visible
from didier.services.batches import execute
from didier.services.batches.copy_spec import CopySpec
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.batches import BatchItem
from didier.storage.batches.progress import PlacedItem
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import change_log
from didier.storage.changes.change_log import DELETED, UNDO, Change
from didier.storage.dids import deletion_locks, did_fields, read_back, snapshots
from didier.storage.dids.did_fields import version_of
from didier.storage.dids.dids import Did
from didier.storage.statements import as_json, as_text

CHUNK = 5_000
"""Most items that are looked at in one step."""


def begin(conn: Connection, batch: StoredBatch, caller: Caller, now: datetime, *, force: bool) -> None:
    """Say that a batch is being undone; a `step` does it. What an undo kept before is looked at again."""
    groups = caller.user.visible_groups()
    if batch.kind == "copy":
        progress.rename_outcome(conn, batch.batch_id, "kept", "added")
    progress.move(conn, batch, "undo", {
        "forced": int(force), "undone_by": caller.name[:20],
        "undone_by_id": caller.user.user_id, "undone_origin": caller.origin,
        "undone_at": now, "undo_groups": None if groups is None else as_json(sorted(groups)), "kept": 0,
    })  # fmt: skip


def finish_at_once(conn: Connection, batch_id: int, now: datetime) -> None:
    """Remove everything in this transaction."""
    while not step(conn, batch_id, CHUNK, now):
        pass


def spec_of(conn: Connection, batch: StoredBatch) -> CopySpec | None:
    """Return what the DIDs of a batch were made of, None for one of an earlier release."""
    if batch.snapshot_id is None:
        return None
    template = Template(batch.template) if batch.template else None
    return CopySpec(snapshots.read(conn, batch.snapshot_id), batch.overrides, template)


def step(conn: Connection, batch_id: int, limit: int, now: datetime) -> bool:
    """Remove *limit* DIDs of a batch at most; say whether it is finished with that."""
    batch = progress.locked(conn, batch_id)
    if batch is None or batch.phase != "remove":
        return True
    limit = execute.most_at_once(conn, min(limit, CHUNK))
    found = progress.items(conn, batch_id, 0, limit, ("added",))
    if not found:
        _finish(conn, batch, now)
        return True
    gone: dict[int, int] = {}
    for interval in _intervals(found, limit):
        gone |= _decide(conn, batch, interval, now)
    execute.delete(conn, gone, batch.undoer, batch.batch_id, now)
    return False


def _finish(conn: Connection, batch: StoredBatch, now: datetime) -> None:
    progress.move(conn, batch, "undone" if batch.undone_by else "rolled back", {"finished_at": now})


@dataclass(frozen=True, slots=True)
class _Interval:
    """Items whose DIDs have consecutive ids; of the last the first *taken* DIDs are looked at."""

    items: Sequence[PlacedItem]
    taken: int

    @property
    def first(self) -> int:
        return self.items[0].item.did_id or 0

    @property
    def last(self) -> int:
        return (self.items[-1].item.did_id or 0) + self.taken - 1


def _intervals(found: Sequence[PlacedItem], limit: int) -> Iterator[_Interval]:
    """Divide items where their ids do not go on, up to *limit* DIDs."""
    group: list[PlacedItem] = []
    for placed in found:
        if limit <= 0:
            break
        before = group[-1].item if group else None
        if before and (before.did_id or 0) + before.size != placed.item.did_id:
            yield _Interval(group, before.size)
            group = []
        group.append(placed)
        taken = min(placed.item.size, limit)
        limit -= taken
        if taken < placed.item.size:
            yield _Interval(group, taken)
            return
    if group:
        yield _Interval(group, group[-1].item.size)


def _decide(conn: Connection, batch: StoredBatch, interval: _Interval, now: datetime) -> dict[int, int]:
    """Store what becomes of the DIDs of *interval*; return what is to be deleted: ids, versions."""
    first, last = interval.first, interval.last
    there = read_back.there(conn, first, last)
    kept = set(deletion_locks.between(conn, first, last)) | _others(batch, interval, there)
    if not batch.forced:
        kept |= _changed(conn, batch, first, last)
    outcomes = dict.fromkeys(kept & there.keys(), "kept")
    items = list(_outcomes(interval, outcomes, there))
    begin, end = interval.items[0].position, interval.items[-1].position
    # Between them may stand targets that were not made: their neighbours have consecutive ids all the same.
    progress.replace_items(conn, batch.batch_id, begin, end, items, "added")
    deleted = there.keys() - kept
    counts = {"removed": len(deleted), "kept": len(outcomes)}
    progress.advance(conn, batch.batch_id, batch.position, counts)
    known = did_fields.between(conn, first, last)
    versions = {did_id: version_of(known.get(did_id)) for did_id in deleted}
    gone = [placed for placed in items if placed.item.outcome == "removed"]
    removals = [change for placed in gone for change in _removals(batch, placed, there, versions)]
    change_log.record(conn, removals, now)
    return versions


def _removals(
    batch: StoredBatch, placed: PlacedItem, there: Mapping[int, Did], versions: Mapping[int, int]
) -> Iterator[Change]:
    """Yield the changes that remove a run, by version and group; their rows stand in the log already."""
    first = placed.item.did_id or 0

    def alike(did_id: int) -> tuple[int, str | None]:
        return versions[did_id], there[did_id].group

    for (version, group), run in groupby(range(first, first + placed.item.size), key=alike):
        ids = list(run)
        yield Change(
            author=batch.undoer,
            action=DELETED,
            cause=UNDO,
            did_id=ids[0],
            pattern=in_run(placed.item.target, ids[0] - first),
            batch_id=batch.batch_id,
            position=placed.position + ids[0] - first,
            size=len(ids),
            group_before=group,
            version=version + 1,
        )


def _others(batch: StoredBatch, interval: _Interval, there: Mapping[int, Did]) -> set[int]:
    """Return the DIDs that have another number than the batch gave them, or are not seen by who undoes it."""
    targets = chain.from_iterable(run_of(placed.item.target, placed.item.size) for placed in interval.items)
    made = dict(zip(range(interval.first, interval.last + 1), targets, strict=False))
    groups = batch.undo_groups
    return {
        did_id
        for did_id, did in there.items()
        if did.pattern != made[did_id] or not (groups is None or is_visible(did.group, groups))
    }


def _changed(conn: Connection, batch: StoredBatch, first: int, last: int) -> set[int]:
    spec = spec_of(conn, batch)
    if spec is None or batch.undone_by is None:
        # An atomic batch is taken back with what was stored otherwise than it was ordered: only the moment of
        # a change, and the history, tell of somebody else.
        changed = set(read_back.changed(conn, {}, first, last, as_text(batch.created_at)))
        return changed | change_log.changed_between(conn, first, last)
    values = {name: value for name, value in spec.values.items() if name not in batch.own_columns}
    stamp = as_text(batch.created_at) if batch.own_columns else None
    changed = set(read_back.changed(conn, values, first, last, stamp))
    if batch.own_columns:
        return changed | change_log.changed_between(conn, first, last)
    return changed | did_fields.differing(conn, first, last, values)


def _outcomes(interval: _Interval, kept: Mapping[int, str], there: Mapping[int, Did]) -> Iterator[PlacedItem]:
    """Yield the items of *interval* as they are now, in runs of the same outcome."""
    for placed in interval.items:
        size = interval.taken if placed is interval.items[-1] else placed.item.size
        first = placed.item.did_id or 0
        words = [kept.get(i) or ("removed" if i in there else "missing") for i in range(first, first + size)]
        words += ["added"] * (placed.item.size - size)
        begin = 0
        for place in range(1, len(words) + 1):
            if place == len(words) or words[place] != words[begin]:
                run = replace(
                    placed.item,
                    target=in_run(placed.item.target, begin),
                    outcome=words[begin],
                    did_id=first + begin,
                    size=place - begin,
                )
                yield PlacedItem(placed.position + begin, run)
                begin = place


def kept_items(conn: Connection, batch_id: int, limit: int) -> list[BatchItem]:
    """Return the items of an undone batch that were kept, *limit* at most."""
    return [placed.item for placed in progress.items(conn, batch_id, 0, limit, ("kept",))]
