"""What was done to DIDs beside Didier, by VICIdial or in SQL: found, and brought into the change log.

A range of ids is compared with what it should be: its rows as they were remembered, and what the change log
says was done to them since. Whatever Didier did itself stands in the log from the same commit on as in the
table, so it makes no difference, by whichever process. What is found becomes a change of its own, and from
then on the log says what there is.

Where tables have no transactions a row can be seen before its change is committed. There the log is read
behind the rows, nothing is settled while a journal is open, and only what `look` has seen already.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import patterns, targets
from didier.services.changes import images, versions
from didier.storage.changes import change_log, ranges, reconcile, sequence
from didier.storage.changes.change_log import CREATED, DELETED, OUTSIDE, UPDATED, Author, Change, Image
from didier.storage.changes.ranges import KnownRow, KnownRows, RangeRows
from didier.storage.dids import did_fields, dids, snapshots

MOST = 200
"""Most changes that are recorded in one step, while others wait."""

_AUTHOR = Author("", None, "", OUTSIDE)


@dataclass(frozen=True, slots=True)
class _Expected:
    """What a DID should be; a digest that is None is not known.

    *rebuild* returns the whole row as the change log has it; without it only what is remembered is known.
    """

    digest: int | None
    pattern: str
    group: str | None
    rebuild: Callable[[], Image | None] | None = None

    @property
    def row(self) -> KnownRow:
        """What is remembered of it."""
        return KnownRow(self.digest, self.pattern, self.group)


_Expectations = dict[int, _Expected]


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of a range.

    *different* are the DIDs that are not what they should be: the digest of each, None where there is no such
    DID; *before* are rows that the change log has of how they were. Without differences *content* is what is
    to be remembered; None where that cannot be said yet.
    """

    first_id: int
    different: Mapping[int, int | None]
    before: Mapping[int, Image]
    content: RangeRows | None


def is_same(conn: Connection, first_id: int) -> bool:
    """Say whether a range is as it is remembered. Changes that cancel each other out are not seen."""
    known = ranges.stored(conn, first_id)
    names = ranges.digested_columns(conn)
    if known is None or known.signature != ranges.signature_of(names):
        return False
    return known.summary == ranges.found(conn, first_id)


def look(conn: Connection, first_id: int, floor: int | None) -> Look:
    """Compare a range with the change log, in a transaction in which nothing was read before.

    *floor* is the position of the last complete pass. Before the first a range that is not known is learned.
    """
    if floor is None and ranges.stored(conn, first_id) is None:
        return Look(first_id, {}, {}, _learned(conn, first_id))
    compared = _compare(conn, first_id, floor or 0)
    if not compared.different:
        return Look(first_id, {}, {}, compared.content())
    return Look(first_id, compared.different, _before(conn, compared), None)


def _learned(conn: Connection, first_id: int) -> RangeRows | None:
    """Return a range as it is. What is committed meanwhile is behind its position, and looked at again."""
    if not reconcile.is_clear(conn):
        return None
    position = sequence.newest(conn)
    names = ranges.digested_columns(conn)
    return RangeRows(first_id, position, ranges.signature_of(names), ranges.rows(conn, first_id))


@dataclass(frozen=True, slots=True)
class Settled:
    """What a step has come to: what it recorded, and whether that was all that there was to."""

    changes: Sequence[Change]
    is_complete: bool


def settle(conn: Connection, seen: Look, floor: int | None, now: datetime) -> Settled:
    """Record what was done beside Didier in a range, of what `look` has *seen*, and remember the range.

    To be called in a transaction in which nothing was read before.
    """
    compared = _compare(conn, seen.first_id, floor or 0)
    if not reconcile.is_clear(conn):
        return Settled((), False)
    both = [id_ for id_, digest in compared.different.items() if seen.different.get(id_, -1) == digest]
    settled = _unmoved(conn, compared, both[:MOST])
    after = dids.images(conn, [did_id for did_id in settled if did_id in compared.there])
    found = _in_order(
        change
        for did_id in settled
        for change in _changes(conn, did_id, compared, after.get(did_id), seen.before)
    )
    changes = versions.raised(conn, found)
    change_log.record(conn, changes, now)
    ranges.keep(conn, compared.content(settled))
    return Settled(changes, len(settled) == len(compared.different))


def _unmoved(conn: Connection, compared: "_Compared", did_ids: Sequence[int]) -> list[int]:
    """Return those of the DIDs that are still what was found, and keep others from them.

    So what Didier does to them from now on stands behind what is recorded here.
    """
    did_fields.hold(conn, did_ids)
    there = [did_id for did_id in did_ids if did_id in compared.there]
    gone = [did_id for did_id in did_ids if did_id not in compared.there]
    held = ranges.held(conn, there, absent=False)
    back = ranges.held(conn, gone, absent=True)
    same = [id_ for id_ in there if id_ in held and held[id_] == compared.there[id_]]
    return [*same, *(did_id for did_id in gone if did_id not in back)]


# Comparing ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Compared:
    """A range: what there is, what there should be, and where they differ (see `Look`)."""

    first_id: int
    position: int
    names: Sequence[str]
    there: KnownRows
    expected: _Expectations
    different: Mapping[int, int | None]

    def content(self, settled: Sequence[int] | None = None) -> RangeRows:
        """Return what is to be remembered when the differences *settled* are in the change log."""
        open_ones = self.different.keys() - set(settled or ())
        rows = {did_id: row for did_id, row in self.there.items() if did_id not in open_ones}
        rows |= {id_: self.expected[id_].row for id_ in open_ones if id_ in self.expected}
        return RangeRows(self.first_id, self.position, ranges.signature_of(self.names), rows)


def _compare(conn: Connection, first_id: int, floor: int) -> _Compared:
    # First the rows, then the log: of what was written without a transaction it has all by then.
    there = ranges.rows(conn, first_id)
    names = ranges.digested_columns(conn)
    known = ranges.read(conn, first_id) or RangeRows(first_id, floor, ranges.signature_of(names), {})
    expected = _expected(conn, known, max(known.position, floor), names)
    different = _different(conn, there, expected)
    return _Compared(first_id, sequence.newest(conn), names, there, expected, different)


def _expected(conn: Connection, known: RangeRows, after: int, names: Sequence[str]) -> _Expectations:
    """Return what the DIDs of a range should be: as they were, and as the change log has it since."""
    is_comparable = known.signature == ranges.signature_of(names)  # else VICIdial was upgraded
    expected = {
        did_id: _Expected(row.digest if is_comparable else None, row.pattern, row.group)
        for did_id, row in known.rows.items()
    }
    first, last = known.first_id, ranges.last_of(known.first_id)
    recorded = [one.change for one in reconcile.changes(conn, first, last, after)]
    sources = snapshots.some(conn, {change.snapshot_id for change in recorded if change.snapshot_id})
    for change in recorded:
        ids = range(max(first, change.did_id), min(last, change.did_id + change.size - 1) + 1)
        if change.action == DELETED:
            for did_id in ids:
                expected.pop(did_id, None)
        else:
            expected |= _left_by(conn, change, ids, sources.get(change.snapshot_id or 0, {}), names)
    return expected


def _left_by(
    conn: Connection, change: Change, ids: range, source: Image, names: Sequence[str]
) -> Iterator[tuple[int, _Expected]]:
    """Yield what *change* has made of the DIDs *ids*."""
    if change.size == 1 and (change.cause != "copy" or change.after is not None):
        yield change.did_id, _as_image(conn, change, change.after or {}, names)
        return
    places = [(did_id, _pattern(change, did_id)) for did_id in ids]
    if change.details.get("own"):
        rows = [images.left_by(change, *place, source) or {} for place in places]
        digests = [ranges.digest_of(conn, row, names) for row in rows]
        groups = [_group(row, change) for row in rows]
    else:
        row = images.left_by(change, *places[0], source) or {}
        digests = ranges.digests_of(conn, row, names, places)
        groups = [_group(row, change)] * len(places)
    for (did_id, pattern), digest, group in zip(places, digests, groups, strict=True):
        yield did_id, _Expected(digest, pattern, group, _rebuilding(change, did_id, pattern, source))


def _as_image(conn: Connection, change: Change, image: Image, names: Sequence[str]) -> _Expected:
    pattern = str(image.get("did_pattern", change.pattern))
    digest = ranges.digest_of(conn, image, names)
    return _Expected(digest, pattern, _group(image, change), lambda: image or None)


def _rebuilding(change: Change, did_id: int, pattern: str, source: Image) -> Callable[[], Image | None]:
    return lambda: images.left_by(change, did_id, pattern, source)


def _pattern(change: Change, did_id: int) -> str:
    return targets.in_run(change.pattern, did_id - change.did_id)


def _group(image: Image, change: Change) -> str | None:
    group = image.get("user_group", change.group_after)
    return None if group is None else str(group)


def _different(conn: Connection, there: KnownRows, expected: _Expectations) -> dict[int, int | None]:
    """Return where *there* is not what is *expected*."""
    found: dict[int, int | None] = dict.fromkeys(expected.keys() - there.keys())
    doubtful = []
    for did_id, row in there.items():
        wanted = expected.get(did_id)
        if wanted is None:
            found[did_id] = row.digest
        elif wanted.digest != row.digest:
            doubtful.append(did_id)
    rows = dids.images(conn, [did_id for did_id in doubtful if expected[did_id].rebuild])
    for did_id in doubtful:
        if not _is_as_expected(there[did_id], expected[did_id], rows.get(did_id)):
            found[did_id] = there[did_id].digest
    return {did_id: found[did_id] for did_id in sorted(found)}


def _is_as_expected(row: KnownRow, expected: _Expected, image: Image | None) -> bool:
    """Say whether a row is as expected whose digest is not: that of the log may have been made otherwise."""
    wanted = expected.rebuild() if expected.rebuild else None
    if wanted and image:
        names = wanted.keys() & image.keys() - {dids.STAMP, *did_fields.DEFAULTS}
        return all(str(wanted[name]) == str(image[name]) for name in names)
    is_alike = row.pattern == expected.pattern and expected.group in {None, row.group}
    return expected.digest is None and is_alike


# Recording ------------------------------------------------------------------------------------------


def _before(conn: Connection, compared: _Compared) -> dict[int, Image]:
    """Return rows that differing DIDs were, where they were not changed since they were remembered.

    What is remembered is the row that the last change left, if it has the digest of that.
    """
    remembered = [
        id_ for id_ in compared.different if (one := compared.expected.get(id_)) and not one.rebuild
    ]
    recorded = {id_: one.change for id_, one in reconcile.last_changes(conn, remembered[:MOST]).items()}
    sources = snapshots.some(conn, {one.snapshot_id for one in recorded.values() if one.snapshot_id})
    rows = {
        did_id: images.left_by(
            change, did_id, _pattern(change, did_id), sources.get(change.snapshot_id or 0, {})
        )
        for did_id, change in recorded.items()
    }
    return {did_id: row for did_id, row in rows.items() if row}


def _changes(
    conn: Connection, did_id: int, compared: _Compared, after: Image | None, rows: Mapping[int, Image]
) -> Iterator[Change]:
    """Yield what was done to a DID. Another number is a deletion and a creation: each has its history."""
    before = _as_known(conn, did_id, compared, rows)
    number = str((before or {}).get("did_pattern"))
    new_number = str((after or {}).get("did_pattern"))
    is_renamed = before and after and patterns.key(number) != patterns.key(new_number)
    if before and (after is None or is_renamed):
        yield Change(_AUTHOR, DELETED, OUTSIDE, did_id, number, 0, before=before)
    if after and (before is None or is_renamed):
        group = None if before is None else compared.expected[did_id].group
        yield Change(_AUTHOR, CREATED, OUTSIDE, did_id, new_number, 0, group_before=group, after=after)
    if before and after and not is_renamed:
        yield Change(_AUTHOR, UPDATED, OUTSIDE, did_id, number, 0, before=before, after=after)


def _as_known(conn: Connection, did_id: int, compared: _Compared, rows: Mapping[int, Image]) -> Image | None:
    """Return the row that a DID was: as a whole, or what is remembered of it."""
    expected = compared.expected.get(did_id)
    if expected is None:
        return None
    row = expected.rebuild() if expected.rebuild else rows.get(did_id)
    if row and (expected.rebuild or ranges.digest_of(conn, row, compared.names) == expected.digest):
        return row
    return {"did_id": did_id, "did_pattern": expected.pattern, "user_group": expected.group}


def _in_order(changes: Iterator[Change]) -> list[Change]:
    """Return deletions first: numbers that were freed may have been given to others."""
    return sorted(changes, key=lambda change: _ORDER[change.action])


_ORDER = {DELETED: 0, UPDATED: 1, CREATED: 2}
