"""The change log: every committed change of a DID, or of a run of them. Table ``didier_changes``.

It is written in the transaction of the change. A change that was ordered alone is a batch by itself, whose
id is that of the change; other batches take theirs from the change of the kind ``batch`` that says that they
were ordered (`storage.batches`). Their ends, and changes of users, stand here too, for those who follow.

A row suffices to rebuild what it tells. A DID that was copied is the row of its source as it was (the
snapshot), with the values of the order, with those of its own; the *details* have both:

- ``values``: columns by name, as they were ordered, alike for the whole run
- ``own``: a list of the same for each DID of the run; missing where none had any
- ``unknown``: columns in which DIDs had values of their own that were not stored (earlier releases)

and of a change that is a batch by itself what a batch has besides: ``mode``, ``reach``, ``groups``,
``source_id``, ``template``, and as ``note`` the reason of its item (see `storage.batches.own_batches`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy.engine import Connection

from didier.domain.targets import run_of
from didier.storage import dialects
from didier.storage.dids.dids import MARKS, Value
from didier.storage.statements import as_json, as_moment, as_text, insert_returning, run

Image = Mapping[str, Value]
"""A whole row of a DID by column."""

CREATED, UPDATED, DELETED = "created", "updated", "deleted"
"""What a change may do to a DID."""

DID, BATCH, USER, GATEWAYS, WEBHOOK, CHECK = "did", "batch", "user", "gateways", "webhook", "check"
"""What a change may be of."""

FAILED, PASSED = "failed", "passed"
"""How a check of a DID may have come out, which is what a change of the kind `CHECK` says.

Its *details* have the ``rows``, before and behind, by which followers choose, and what was found,
``findings``; that of a loop has the DIDs of its ``circle``, each with user group and pattern.
"""

RESTORE = "restore"
"""The kind of what marks in the log that a backup was put back, see `storage.changes.restores`."""

UNDO = "undo"
"""The cause of changes that take others back."""

OUTSIDE = "outside"
"""The cause of changes that were made beside Didier, and their door."""

LONGEST_RUN = 10_000
"""Most DIDs of a run: the runs that hold a number begin at most that many numbers before it."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who made a change: the user's name and id, from which address, and by which door (*origin*)."""

    name: str
    user_id: int | None
    address: str
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a DID, or of a run: *size* consecutive numbers with consecutive ids.

    An image is None where there was no such DID, and where the change tells otherwise what it was: of
    copies the snapshot of the source, see above. That of a run is the first DID's; the others have the next
    ids and numbers, and are otherwise alike.
    """

    author: Author
    action: str  # created, updated or deleted; of a check failed or passed
    cause: str  # copy, add, import, update, delete, undo, outside or check
    did_id: int
    pattern: str
    batch_id: int | None = None  # None: a batch by itself; 0: of none
    position: int = 1  # of the first in the batch
    size: int = 1
    group_before: str | None = None
    group_after: str | None = None
    source: str | None = None  # pattern of the DID that was copied
    snapshot_id: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    before: Image | None = None
    after: Image | None = None
    version: int | None = 1  # of the DID behind the change; None: not known

    @property
    def fields(self) -> list[str] | None:
        """The names of the columns that an update has set to something else; None where that is not known."""
        before, after = self.before, self.after
        if not before or not after or not before.keys() >= after.keys():
            return None
        return [name for name, value in after.items() if value != before[name] and name not in MARKS]

    def image_in_run(self, image: Image | None, did_id: int, pattern: str) -> Image | None:
        """Return *image*, that of the run's first DID, as it is of the DID *did_id* with *pattern*."""
        if image is None or did_id == self.did_id:
            return image
        return {**image, "did_id": did_id, "did_pattern": pattern}

    def singles(self) -> Iterator["Change"]:
        """Yield the change of each DID of a run."""
        if self.size == 1:
            yield self
            return
        for place, pattern in enumerate(run_of(self.pattern, self.size)):
            did_id = self.did_id + place
            yield replace(
                self,
                did_id=did_id,
                pattern=pattern,
                position=self.position + place,
                size=1,
                before=self.image_in_run(self.before, did_id, pattern),
                after=self.image_in_run(self.after, did_id, pattern),
            )


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as it stands in the log."""

    change_id: int
    changed_at: datetime
    change: Change
    kind: str = DID

    @property
    def batch_id(self) -> int:
        """The batch that it belongs to, or is."""
        return self.change_id if self.change.batch_id is None else self.change.batch_id


_COLUMNS = (
    "kind", "action", "cause", "origin", "changed_at", "user_name", "user_id", "address", "batch_id",
    "position", "did_id", "did_pattern", "size", "group_before", "group_after", "source_pattern",
    "snapshot_id", "details", "before_image", "after_image", "version", "fields",
)  # fmt: skip


def record(conn: Connection, changes: Sequence[Change], now: datetime, kind: str = DID) -> list[int]:
    """Store *changes* in one statement; return their ids in order."""
    moment = as_text(now)
    rows = [_row(change, moment, kind) for change in changes]
    return insert_returning(conn, "didier_changes", _COLUMNS, rows, "change_id")


def _row(change: Change, moment: str, kind: str) -> tuple[Any, ...]:
    if change.size > LONGEST_RUN:
        raise ValueError(f"a run of {change.size} DIDs")
    author, names = change.author, change.fields
    return (
        kind, change.action, change.cause, author.origin, moment, author.name[:20], author.user_id,
        author.address[:45], change.batch_id, change.position, change.did_id, change.pattern, change.size,
        _group(change.group_before, change.before), _group(change.group_after, change.after),
        change.source, change.snapshot_id, as_json(change.details) if change.details else None,
        _text(change.before), _text(change.after), change.version, None if names is None else ",".join(names),
    )  # fmt: skip


def _group(given: str | None, image: Image | None) -> Value:
    return given if image is None else image.get("user_group")


def _text(image: Image | None) -> str | None:
    return None if image is None else orjson.dumps(image).decode()


_SELECT = f"SELECT change_id, {', '.join(_COLUMNS)} FROM didier_changes"


def _recorded(row: Sequence[Any]) -> Recorded:
    change_id, kind, action, cause, origin, moment, name, user_id, address, batch_id, position, *rest = row
    did_id, pattern, size, group_before, group_after, source, snapshot_id, details, *rest = rest
    before, after, version, _ = rest
    change = Change(
        Author(name, user_id, address, origin),
        action,
        cause,
        did_id,
        pattern,
        batch_id,
        position,
        size,
        group_before,
        group_after,
        source,
        snapshot_id,
        orjson.loads(details) if details else {},
        orjson.loads(before) if before else None,
        orjson.loads(after) if after else None,
        version,
    )
    return Recorded(change_id, as_moment(moment) or datetime.min, change, kind)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a change of a DID stands; *did_id* is that of the DID itself, in a run too."""

    changed_at: datetime
    change_id: int
    did_id: int


def places(conn: Connection, pattern: str) -> list[Place]:
    """Return the changes of every DID that has, or had, *pattern*, alone and in runs."""
    sql = (
        "SELECT changed_at, change_id, did_id FROM didier_changes"
        " WHERE did_pattern = ? AND size = 1 AND kind = 'did'"
    )
    return [_place(row) for row in run(conn, sql, pattern)] + _in_runs(conn, pattern)


def _in_runs(conn: Connection, pattern: str) -> list[Place]:
    """Return the changes of runs in which the number *pattern* is."""
    prefix = "+" if pattern.startswith("+") else ""
    digits = pattern[len(prefix) :]
    if not (digits.isascii() and digits.isdigit()):
        return []
    least = f"{prefix}{max(0, int(digits) - LONGEST_RUN + 1):0{len(digits)}}"
    sql = (
        "SELECT changed_at, change_id, did_id, did_pattern, size FROM didier_changes"
        " WHERE did_pattern BETWEEN ? AND ? AND size > 1 AND LENGTH(did_pattern) = ? AND kind = 'did'"
    )
    found = []
    for moment, change_id, did_id, first, size in run(conn, sql, least, pattern, len(pattern)):
        place = int(digits) - int(first[len(prefix) :])
        if place < size:
            found.append(_place((moment, change_id, did_id + place)))
    return found


def _place(row: Sequence[Any]) -> Place:
    moment, change_id, did_id = row
    return Place(as_moment(moment) or datetime.min, change_id, did_id)


def some(conn: Connection, change_ids: Collection[int]) -> dict[int, Recorded]:
    """Return those of the changes that are there, by id."""
    if not change_ids:
        return {}
    sql = f"{_SELECT} WHERE change_id IN {dialects.of(conn).numbers}"
    return {row[0]: _recorded(row) for row in run(conn, sql, as_json(list(change_ids)))}


def of_batch(conn: Connection, batch_id: int) -> list[Recorded]:
    """Return the changes that a batch made, in order; what its undo did is not among them."""
    of_shared = f"{_SELECT} WHERE batch_id = ? AND cause <> '{UNDO}' AND kind = 'did' ORDER BY change_id"
    found = run(conn, f"{_SELECT} WHERE change_id = ? AND batch_id IS NULL", batch_id)
    return [_recorded(row) for row in found or run(conn, of_shared, batch_id)]


def of_batch_before(conn: Connection, batch_id: int, before: int | None, limit: int) -> list[Recorded]:
    """Return the last *limit* changes of a large batch below the id *before*, the last first."""
    sql = (
        f"{_SELECT} WHERE batch_id = ? AND cause <> '{UNDO}' AND kind = 'did' AND change_id < ?"
        " ORDER BY change_id DESC LIMIT ?"
    )
    return [_recorded(row) for row in run(conn, sql, batch_id, 2**62 if before is None else before, limit)]


def groups_of(conn: Connection, batch_ids: Collection[int]) -> dict[int, set[str | None]]:
    """Return the user groups that DIDs had before and after the changes of each of the batches.

    Only changes with images count, so batches that copied are not among them; None stands for a row without
    group.
    """
    if not batch_ids:
        return {}
    wanted = dialects.of(conn).numbers
    of_batches = (f"batch_id IN {wanted}", f"change_id IN {wanted} AND batch_id IS NULL")
    parts = [
        f"SELECT COALESCE(batch_id, change_id), group_{side} FROM didier_changes"
        f" WHERE {condition} AND {side}_image IS NOT NULL"
        for side in ("before", "after")
        for condition in of_batches
    ]
    found: dict[int, set[str | None]] = defaultdict(set)
    for batch_id, group in run(conn, " UNION ".join(parts), *[as_json(list(batch_ids))] * len(parts)):
        found[batch_id].add(group)
    return found


def changed_between(
    conn: Connection, first: int, last: int, actions: Collection[str] = (UPDATED,)
) -> set[int]:
    """Return the ids from *first* to *last* of DIDs that were updated, or whatever *actions* say."""
    found: set[int] = set()
    for action in actions:
        begin = first - LONGEST_RUN + 1
        for did_id, size in run(conn, _BETWEEN, action, begin, last, first):
            found.update(range(max(did_id, first), min(did_id + size - 1, last) + 1))
    return found


_BETWEEN = (
    "SELECT did_id, size FROM didier_changes"
    " WHERE action = ? AND did_id BETWEEN ? AND ? AND did_id + size > ?"
)
