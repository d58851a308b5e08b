"""Changes in tables without transactions, all or nothing all the same.

MyISAM, VICIdial's default, cannot roll back. So what is going to be done is written to the journal, an InnoDB
table of Didier's own, before the first row is touched, and taken out with the commit that says what was done.
What a crash or an error leaves half done is taken back: by the next start, before the next group, or as soon
as the database answers again.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.targets import run_of
from didier.errors import TableDamaged
from didier.storage.changes import change_log, journal
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED, Change, Image
from didier.storage.changes.journal import Entry
from didier.storage.dids import bulk, did_fields, dids
from didier.storage.dids.bulk import Block
from didier.storage.dids.did_fields import version_of
from didier.storage.dids.dids import STAMP
from didier.storage.statements import as_moment, as_text, is_transactional
from didier.storage.system import health
from didier.storage.tables import DIDS


def protect(conn: Connection, planned: Sequence[Change], now: datetime, block: Block | None = None) -> None:
    """Have *planned* taken back unless the transaction is committed, if the table cannot do that by itself.

    Updated and deleted DIDs are given as they are before, updated and created ones as they will be; *block*
    are created ones of which that is not said. What is written has *now* as the time of its last change.
    """
    if planned and not is_transactional(conn, DIDS):
        journal.write(conn, planned, dids.highest_id(conn), now, block)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What was left half done: what is as it was again, and what was kept because it was changed since."""

    restored: tuple[str, ...]
    kept: tuple[str, ...]


def is_clear(conn: Connection) -> bool:
    """Say whether nothing is left to be taken back, now or when another process is done with it."""
    return is_transactional(conn, DIDS) or journal.is_empty(conn)


def take_back(conn: Connection) -> list[TakenBack]:
    """Take back what was left half done; nobody was told that it was done.

    Raises `TableDamaged`.
    """
    if is_transactional(conn, DIDS) or not journal.left(conn):
        return []
    _check(conn)
    return [_take_back(conn, entry) for entry in journal.left(conn)]


def _check(conn: Connection) -> None:
    """See to it that all DIDs are seen: one that is not would come back when what made it is forgotten."""
    if health.hidden_damage(conn, DIDS):
        dids.highest_id(conn)  # MariaDB repairs the table as it is opened for that
        if health.hidden_damage(conn, DIDS):
            raise TableDamaged(DIDS)


def _take_back(conn: Connection, entry: Entry) -> TakenBack:
    by_action: dict[str, list[Change]] = {CREATED: [], UPDATED: [], DELETED: []}
    for change in entry.changes:
        by_action[change.action].append(change)
    restored, kept = _remove_created(conn, entry, by_action[CREATED])
    for more, others in (
        _set_back(conn, entry, by_action[UPDATED]),
        _put_back(conn, by_action[DELETED]),
    ):
        restored, kept = restored + more, kept + others
    change_log.record(conn, _as_they_are(conn, kept), entry.moment)
    journal.remove(conn, entry.journal_id)
    return TakenBack(tuple(restored), tuple(change.pattern for change in kept))


def _as_they_are(conn: Connection, kept: Sequence[Change]) -> list[Change]:
    """Return changes that stay, for the log: neither their batch nor a new snapshot was stored."""
    did_fields.change(conn, {change.did_id: {} for change in kept if change.action == UPDATED})
    gone = did_fields.of(conn, [change.did_id for change in kept if change.action == DELETED])
    versions = {did_id: version_of(known) for did_id, known in gone.items()}
    did_fields.delete(conn, versions)
    there = dids.images(conn, [change.did_id for change in kept if change.action != DELETED])
    return [
        replace(
            change,
            after=(image := there.get(change.did_id)),
            snapshot_id=None,
            batch_id=None if change.batch_id is None else 0,
            version=version_of(image) if image else versions.get(change.did_id, 1) + 1,
        )
        for change in kept
    ]


def _remove_created(
    conn: Connection, entry: Entry, changes: Sequence[Change]
) -> tuple[list[str], list[Change]]:
    """Delete the rows that were created, but those that somebody has changed since, or has created."""
    by_pattern = {pattern: change for change in changes for pattern in run_of(change.pattern, change.size)}
    created: dict[int, str] = {}
    kept = []
    for did_id, (pattern, changed_at) in _found(conn, entry, changes, by_pattern).items():
        if changed_at in {None, entry.moment}:
            created[did_id] = pattern
        else:
            kept.append(replace(by_pattern[pattern], did_id=did_id, pattern=pattern, size=1))
    wanted = {
        pattern: entry.rows.get(pattern) or by_pattern[pattern].after or {} for pattern in created.values()
    }
    ours = {
        did_id: created[did_id]
        for some in _in_parts(list(created))
        for did_id, image in dids.images(conn, some).items()
        if _is_as_planned(image, wanted[created[did_id]])
    }
    bulk.delete(conn, list(ours))
    return list(ours.values()), kept


def _found(
    conn: Connection, entry: Entry, changes: Sequence[Change], wanted: Collection[str]
) -> dict[int, tuple[str, datetime | None]]:
    """Return those of the DIDs *wanted* that were not there before: number and last change, by id.

    A DID that was to have its old id again was not there, the others have ids above all that were.
    """
    new = dids.made_after(conn, wanted, entry.high_water)
    back = dids.images(conn, [change.did_id for change in changes if change.did_id])
    found = {did_id: (pattern, changed_at) for pattern, (did_id, changed_at) in new.items()}
    for did_id, row in back.items():
        stamp = row.get(STAMP)
        found[did_id] = str(row["did_pattern"]), as_moment(str(stamp)) if stamp else None
    # The same number in other letters is somebody else's.
    return {did_id: one for did_id, one in found.items() if one[0] in wanted}


AT_ONCE = 1_000
"""How many whole rows are looked at together."""


def _in_parts(did_ids: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(did_ids), AT_ONCE):
        yield did_ids[first : first + AT_ONCE]


_NOT_COMPARED = {"did_id", STAMP, *did_fields.DEFAULTS}
"""What a row may have otherwise than planned: what Didier alone knows was rolled back."""


def _is_as_planned(image: Image, planned: Mapping[str, object]) -> bool:
    """Say whether a row is the one that was planned, and not one that another program created just then.

    Values are left out that a database may store in another way: none, and texts that are not plain ASCII.
    """
    return all(
        str(image[name]) == str(value)
        for name, value in planned.items()
        if name in image.keys() - _NOT_COMPARED and _is_stored_as_it_is(value)
    )


def _is_stored_as_it_is(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and value.isascii() and value == value.strip())


def _set_back(conn: Connection, entry: Entry, changes: Sequence[Change]) -> tuple[list[str], list[Change]]:
    """Set the columns back that were updated, but in rows that somebody has changed since."""
    there = dids.images(conn, [change.did_id for change in changes])
    old: dict[int, Mapping[str, object]] = {}
    restored, kept = [], []
    for change in changes:
        image, before, after = there.get(change.did_id), change.before or {}, change.after or {}
        if image is None or all(image.get(name) == before[name] for name in before):
            continue  # not updated yet, or deleted by somebody
        if _is_ours(entry, change, image):
            names = {STAMP, *(name for name in before if before[name] != after.get(name))}
            old[change.did_id] = {name: before[name] for name in names if name in before}
            restored.append(change.pattern)
        else:
            kept.append(change)
    bulk.update(conn, old)
    return restored, kept


def _is_ours(entry: Entry, change: Change, image: Image) -> bool:
    """Say whether nobody has changed a row since it was updated."""
    if STAMP in image:
        return image[STAMP] == as_text(entry.moment)
    after = change.after or {}
    return all(image[name] == after.get(name) for name in image.keys() - did_fields.DEFAULTS.keys())


def _put_back(conn: Connection, changes: Sequence[Change]) -> tuple[list[str], list[Change]]:
    """Create the rows again that were deleted, with their ids, unless somebody has their pattern by now."""
    there = dids.images(conn, [change.did_id for change in changes])
    gone = [change for change in changes if change.did_id not in there]
    rows = [change.before for change in gone if change.before]
    ids = bulk.create_where_free(conn, bulk.block_of(rows)) if rows else []
    pairs = list(zip(gone, ids, strict=True))
    restored = [change.pattern for change, did_id in pairs if did_id is not None]
    return restored, [change for change, did_id in pairs if did_id is None]
