"""The history of a DID: every change that was made through Didier, and what the DID was copied from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain import fields
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotFound, NotPermitted
from didier.services.dids import visibility
from didier.services.users.authentication import Caller
from didier.storage.changes import history as entries
from didier.storage.changes.history import Image, Origin, Row
from didier.storage.dids import dids, snapshots
from didier.storage.dids.dids import STAMP, Did, Value

ACTIONS: Mapping[str, str] = MappingProxyType({"add": "added", "update": "updated", "delete": "deleted"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a DID.

    The rows before and after are whole; None where there was no such DID then, or where the row is not
    known (copies of earlier releases). Of a copy the columns are left out in which targets had values of
    their own.
    """

    when: datetime
    user: str
    address: str
    action: str  # copied, added, updated, deleted, undone or restored
    batch_id: int
    source: str | None  # pattern of the DID that was copied, where it is visible
    before: Image | None
    after: Image | None
    cursor: str  # for *before*, to go on behind this change

    @property
    def changed(self) -> dict[str, tuple[Value, Value]]:
        """The columns that differ, with the values before and after; without identity and time."""
        before, after = self.before or {}, self.after or {}
        names = dict.fromkeys([*before, *after])
        pairs = {name: (before.get(name), after.get(name)) for name in names if name not in dids.IDENTITY}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


_Place = tuple[str, int, int]
"""Where a change stands: moment, id of the DID, id of the entry (0: the copy, before all of the same DID)."""


@dataclass(frozen=True, slots=True)
class _Event:
    place: _Place
    row: Row | None
    origin: Origin | None


def history(
    conn: Connection, caller: Caller, pattern: str, limit: int = 100, before: str | None = None
) -> list[Change] | NotFound | NotPermitted:
    """Return the changes of the DIDs that have, or had, *pattern*; the newest first, *limit* at most.

    With *before*, a `Change.cursor`, those behind it. Each row counts with the user group that it had then:
    what the caller would not have seen is not there, see `visibility.of_change`.
    """
    if missing := missing_rights(caller.user, "did_info"):
        return missing
    sight = caller.visibility
    did = dids.find(conn, [pattern]).get(pattern)
    name = did.pattern if did else pattern
    if not caller.may_touch(name):
        return NotFound(pattern)
    events = _events(conn, entries.rows(conn, name, did.did_id if did else None), did)
    if sight.groups is None:
        found = _changes(conn, _behind(events, before)[:limit], name, sight)
        is_there = bool(did or events)
    else:
        visible = _visible(conn, events, name, sight)
        found = [change for change in visible if before is None or change.cursor < before][:limit]
        is_there = bool(visible) or (did is not None and sight.sees(did.group, name))
    return found if is_there else NotFound(pattern)


def _behind(events: Sequence["_Event"], before: str | None) -> Sequence["_Event"]:
    return [event for event in events if before is None or _cursor(event.place) < before]


def _events(conn: Connection, rows: Sequence[Row], did: Did | None) -> list[_Event]:
    """Return all changes, the newest first."""
    ids = sorted({row.did_id for row in rows if row.size == 1} | ({did.did_id} if did else set()))
    events = []
    for row in rows:
        did_id = row.did_id if row.size == 1 else _in_run(row, ids)
        events.append(_Event((row.changed_at.isoformat(), did_id, row.history_id), row, None))
    for origin in (entries.origin(conn, did_id) for did_id in ids):
        if origin:
            events.append(_Event((origin.created_at.isoformat(), origin.did_id, 0), None, origin))
    return sorted(events, key=lambda event: _cursor(event.place), reverse=True)


def _in_run(row: Row, ids: Sequence[int]) -> int:
    return next(did_id for did_id in ids if row.did_id <= did_id < row.did_id + row.size)


def _cursor(place: _Place) -> str:
    when, did_id, history_id = place
    return f"{when}.{did_id:010}.{history_id:010}"


def _visible(conn: Connection, events: Sequence[_Event], pattern: str, sight: Visibility) -> list[Change]:
    """Return the changes that are visible, as far as they are."""
    found = []
    rows: dict[int, Image | None] = {}  # of each DID, before the change that is looked at
    for event, change in zip(reversed(events), reversed(_changes(conn, events, pattern, sight)), strict=True):
        did_id = event.place[1]
        if change.before is None and change.after is None:  # a copy was removed: it was as the one before
            seen = visibility.sees_row(sight, rows.get(did_id))
            found += [change] if seen else []
        elif shown := visibility.of_change(sight, change.before, change.after):
            found.append(replace(change, before=shown[0], after=shown[1], action=_word(change, *shown)))
        rows[did_id] = change.after
    return found[::-1]


def _word(change: Change, before: Image | None, after: Image | None) -> str:
    """Return what a change is to whom it shows the rows *before* and *after* alone."""
    if change.before is None or change.after is None or (before and after):
        return change.action
    if after is None:
        return ACTIONS["delete"]
    return ACTIONS["add"] if change.action == ACTIONS["update"] else change.action


def _changes(conn: Connection, events: Sequence[_Event], pattern: str, sight: Visibility) -> list[Change]:
    images = entries.images(conn, [event.row.history_id for event in events if event.row])
    changes = []
    for event in events:
        if event.row:
            changes.append(_edited(event.row, *images[event.row.history_id], _cursor(event.place)))
        elif event.origin:
            changes.append(_copied(conn, event.origin, pattern, _cursor(event.place), sight))
    return changes


def _edited(row: Row, before: Image | None, after: Image | None, cursor: str) -> Change:
    action = ACTIONS.get(row.action) or ("restored" if after is not None else "undone")
    return Change(row.changed_at, row.user, row.address, action, row.batch_id, None, before, after, cursor)


def _stored(source: Image, overrides: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values of *overrides* as the columns of *source* hold them."""
    values = fields.stored({name: None if value is None else str(value) for name, value in overrides.items()})
    return {name: int(v) if isinstance(source.get(name), int) else v for name, v in values.items()}


def _copied(conn: Connection, origin: Origin, pattern: str, cursor: str, sight: Visibility) -> Change:
    """Return the change that made a copy; its row is put together as the copy was."""
    after: dict[str, Value] | None = None
    source: Mapping[str, Value] = {}
    name = origin.source_pattern
    if origin.snapshot_id is not None:
        identity = {"did_id": origin.did_id, "did_pattern": pattern}
        source = snapshots.read(conn, origin.snapshot_id)
        row = {**source, **_stored(source, origin.overrides), **identity}
        after = {name: row[name] for name in row if name not in origin.unknown and name != STAMP}
    return Change(
        when=origin.created_at,
        user=origin.user,
        address=origin.address,
        action="copied",
        batch_id=origin.batch_id,
        source=name if sight.sees(source.get("user_group"), name) else None,
        before=None,
        after=after,
        cursor=cursor,
    )
