"""The history of a DID: every change, also what was found beside Didier, and what it was copied from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotFound, NotPermitted
from didier.services.changes import images
from didier.services.dids import visibility
from didier.services.users.authentication import Caller
from didier.storage.changes import change_log
from didier.storage.changes.change_log import CREATED, DELETED, OUTSIDE, UNDO, UPDATED, Image, Place, Recorded
from didier.storage.changes.change_log import Change as Logged
from didier.storage.dids import dids, snapshots
from didier.storage.dids.dids import Value

ACTIONS: Mapping[str, str] = MappingProxyType({CREATED: "added", UPDATED: "updated", DELETED: "deleted"})


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a DID.

    The rows before and after are whole; None where there was no such DID then, or where the row is not
    known. Of copies of earlier releases the columns are left out in which targets had values of their own.
    """

    when: datetime
    user: str
    address: str
    action: str  # copied, added, updated, deleted, undone or restored
    batch_id: int | None
    source: str | None  # pattern of the DID that was copied, where it is visible
    before: Image | None
    after: Image | None
    cursor: str  # for *before*, to go on behind this change
    is_outside: bool = False  # done beside Didier, and found then: by nobody, in no batch
    version: int | None = None  # of the DID from this change on; None: not known

    @property
    def changed(self) -> dict[str, tuple[Value, Value]]:
        """The columns that differ, with the values before and after; without identity and time.

        Of a row that is known in part (see `services.changes.reconcile`) the columns that are.
        """
        before, after = self.before or {}, self.after or {}
        names = dict.fromkeys([*before, *after])
        if self.before and self.after:
            names = dict.fromkeys(name for name in before if name in after)
        pairs = {name: (before.get(name), after.get(name)) for name in names if name not in dids.IDENTITY}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def history(
    conn: Connection, caller: Caller, pattern: str, limit: int = 100, before: str | None = None
) -> list[HistoryEntry] | NotFound | NotPermitted:
    """Return the changes of the DIDs that have, or had, *pattern*; the newest first, *limit* at most.

    With *before*, a `HistoryEntry.cursor`, those behind it. Each row counts with the user group that
    it had then: what the caller would not have seen is not there, see `visibility.of_change`.
    """
    if missing := missing_rights(caller.user, "did_info"):
        return missing
    sight = caller.visibility
    did = dids.find(conn, [pattern]).get(pattern)
    name = did.pattern if did else pattern
    if not caller.may_touch(name):
        return NotFound(pattern)
    places = sorted(change_log.places(conn, name), key=_cursor, reverse=True)
    if sight.groups is None:
        found = _changes(conn, _behind(places, before)[:limit], name, sight)
        is_there = bool(did or places)
    else:
        visible = _visible(conn, places, name, sight)
        found = [change for change in visible if before is None or change.cursor < before][:limit]
        is_there = bool(visible) or (did is not None and sight.sees(did.group, name))
    return found if is_there else NotFound(pattern)


def _behind(places: Sequence[Place], before: str | None) -> Sequence[Place]:
    return [place for place in places if before is None or _cursor(place) < before]


def _cursor(place: Place) -> str:
    # By time first: what earlier releases recorded has its order from the tables that it was taken over from.
    return f"{place.changed_at.isoformat()}.{place.change_id:012}"


def _visible(
    conn: Connection, places: Sequence[Place], pattern: str, sight: Visibility
) -> list[HistoryEntry]:
    """Return the changes that are visible, as far as they are."""
    found = []
    rows: dict[int, Image | None] = {}  # of each DID, before the change that is looked at
    changes = _changes(conn, places, pattern, sight)
    for place, change in zip(reversed(places), reversed(changes), strict=True):
        if change.before is None and change.after is None:  # a copy was removed: it was as the one before
            seen = visibility.sees_row(sight, rows.get(place.did_id))
            found += [change] if seen else []
        elif shown := visibility.of_change(sight, change.before, change.after):
            found.append(replace(change, before=shown[0], after=shown[1], action=_word(change, *shown)))
        rows[place.did_id] = change.after
    return found[::-1]


def _word(change: HistoryEntry, before: Image | None, after: Image | None) -> str:
    """Return what a change is to whom it shows the rows *before* and *after* alone."""
    if change.before is None or change.after is None or (before and after):
        return change.action
    if after is None:
        return ACTIONS[DELETED]
    return ACTIONS[CREATED] if change.action == ACTIONS[UPDATED] else change.action


def _changes(
    conn: Connection, places: Sequence[Place], pattern: str, sight: Visibility
) -> list[HistoryEntry]:
    recorded = change_log.some(conn, [place.change_id for place in places])
    sources = snapshots.some(conn, {id_ for one in recorded.values() if (id_ := one.change.snapshot_id)})
    return [_change(recorded[place.change_id], place, pattern, sources, sight) for place in places]


def _change(
    recorded: Recorded, place: Place, pattern: str, sources: Mapping[int, Image], sight: Visibility
) -> HistoryEntry:
    logged = recorded.change
    source: Image = sources.get(logged.snapshot_id or 0, {})
    is_copy = logged.cause == "copy"
    is_seen = is_copy and sight.sees(source.get("user_group"), logged.source or "")
    return HistoryEntry(
        when=recorded.changed_at,
        user=logged.author.name,
        address=logged.author.address,
        action=_action(logged),
        batch_id=recorded.batch_id or None,
        source=logged.source if is_seen else None,
        before=logged.image_in_run(logged.before, place.did_id, pattern),
        after=images.left_by(logged, place.did_id, pattern, source),
        is_outside=logged.cause == OUTSIDE,
        cursor=_cursor(place),
        version=logged.version,
    )


def _action(logged: Logged) -> str:
    if logged.cause == UNDO:
        return "undone" if logged.after is None else "restored"
    return "copied" if logged.cause == "copy" else ACTIONS[logged.action]
