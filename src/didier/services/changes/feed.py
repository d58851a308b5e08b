"""The changes as those hear of them who follow: in order, without gaps, each as far as the caller sees it.

A page of DIDs and the events behind its number tell what there is at any later moment: an event has what it
takes to do the same elsewhere, and doing it twice does no harm. Left out is the time of the last change
(``modify_stamp``) of copies, which the database sets.

A DID that leaves what the caller sees is deleted to them, one that enters it is created. Of a change of many
numbers at once the caller may see some: then there are several events with its number, all on one page.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import events, gateways
from didier.domain.batch_states import ACTIVE
from didier.domain.checks import Finding
from didier.domain.gateways import GatewaySet
from didier.domain.scopes import missing_scope
from didier.domain.targets import in_run, run_of
from didier.domain.users import missing_function, missing_rights
from didier.domain.visibility import Visibility
from didier.errors import ChangesGone, InvalidField, NotPermitted
from didier.services.changes import images
from didier.services.dids import visibility
from didier.services.dids.destination_rules import not_reached
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.stored_batch import StoredBatch
from didier.storage.changes import sequence
from didier.storage.changes.change_log import (
    BATCH,
    CHECK,
    CREATED,
    DELETED,
    DID,
    GATEWAYS,
    UPDATED,
    USER,
    WEBHOOK,
    Change,
    Image,
)
from didier.storage.changes.sequence import Numbered
from didier.storage.dids import snapshots
from didier.storage.dids.dids import MARKS, Value

LOOKED_THROUGH = 5_000
"""Most changes that are looked through for a page: one who sees little gets a shorter one."""


@dataclass(frozen=True, slots=True)
class DidChange:
    """What happened to a DID, or to *size* DIDs with consecutive numbers and ids.

    *before* and *after* are rows by column, those of the first DID: whole ones of what was created or
    deleted, of an update the columns that differ. None: not known, or there is none. *own* are columns in
    which the DIDs of a run differ otherwise: a mapping for each, None where there are none. *names* are the
    columns that were set to something else, None where that is not known.
    """

    did_id: int
    pattern: str
    size: int
    version: int | None
    source: str | None
    names: Sequence[str] | None
    before: Image | None
    after: Image | None
    own: Sequence[Image] | None = None

    @property
    def last(self) -> str:
        """The last number of the run."""
        return in_run(self.pattern, self.size - 1)


@dataclass(frozen=True, slots=True)
class BatchChange:
    """A batch that was ordered, or that has ended, in *state*; *batch* is how it stands now."""

    batch: StoredBatch
    state: str


@dataclass(frozen=True, slots=True)
class UserChange:
    """A user that was changed, and the names of the columns that were set."""

    name: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class GatewaySetChange:
    """A gateway set that was *stored*, or deleted (None)."""

    name: str
    number: int
    stored: GatewaySet | None


@dataclass(frozen=True, slots=True)
class CheckChange:
    """What is wrong with a DID, or with *size* DIDs with consecutive numbers and ids, from now on."""

    did_id: int
    pattern: str
    size: int
    findings: Sequence[Finding]

    @property
    def last(self) -> str:
        """The last number of the run."""
        return in_run(self.pattern, self.size - 1)


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """An endpoint of webhooks that was disabled, and why."""

    webhook_id: int
    url: str
    reason: str


Data = DidChange | BatchChange | UserChange | GatewaySetChange | WebhookChange | CheckChange


@dataclass(frozen=True, slots=True)
class Event:
    """Something that has happened. *part* counts those of one number, from 0."""

    number: int
    part: int
    type: str
    at: datetime
    user: str
    origin: str
    cause: str
    batch_id: int | None
    data: Data

    @property
    def id(self) -> str:
        """What it is known by, whoever hears of it and however often."""
        return f"{self.number}.{self.part}" if self.part else str(self.number)


@dataclass(frozen=True, slots=True)
class Feed:
    """Some events; *after* is the number behind which the next page begins, *newest* the highest there is."""

    events: Sequence[Event]
    after: int
    newest: int


Wants = Callable[[str, Sequence[Image | None]], bool]
"""Says whether a change of a DID is told."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What somebody wants to hear of: events behind the number *after*, of these *types*.

    *since* is how far back the feed reaches. Of DIDs only those are told that *wants*, if there is one, says
    yes to: it is given a number, and what is known of the DID's row before and behind a change.
    """

    caller: Caller
    types: Collection[str]
    after: int
    limit: int
    since: datetime
    wants: "Wants | None" = None


def refused(caller: Caller, types: Collection[str]) -> NotPermitted | None:
    """Refuse *types* that *caller* may not hear of; without any in particular it is those they may."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    if set(types) == set(events.TYPES):
        return None
    return next((missing for name in sorted(types) if (missing := _unheard(caller, name))), None)


_RIGHTS = {USER: ("user_details", "users"), WEBHOOK: ("manage_webhooks", "admin")}
"""The function and the scope that it takes to hear of what is no DID."""

_OF_GATEWAY_SETS = (events.GATEWAY_SET_STORED, events.GATEWAY_SET_DELETED)


def _unheard(caller: Caller, name: str) -> NotPermitted | None:
    """Return what *caller* lacks to hear of events of the type *name*."""
    subject = name.partition(".")[0]
    if name in _OF_GATEWAY_SETS:
        return not_reached(caller, "list_dids")
    if subject not in _RIGHTS:
        return None
    action, scope = _RIGHTS[subject]
    return (
        missing_scope(caller.scopes, scope, action)
        or missing_function(caller.user, action)
        or missing_rights(caller.user, action)
    )


def not_heard(caller: Caller, types: Collection[str]) -> NotPermitted | None:
    """Refuse to let others hear of *types* in the place of *caller*, who may not hear of all of them.

    With a password what they may not is left out; a token says what is wanted, and has the scopes for it.
    """
    if caller.scopes is None:
        return refused(caller, types)
    if not {"dids:read", "changes:read"} & caller.scopes:
        return missing_scope(caller.scopes, "changes:read", "list_dids")
    missing = missing_function(caller.user, "list_dids") or missing_rights(caller.user, "list_dids")
    return missing or next((no for name in sorted(types) if (no := _unheard(caller, name))), None)


def newest(conn: Connection) -> int:
    """Return the number of the last change, 0 without any."""
    return sequence.newest(conn)


def reach(now: datetime, days: int) -> datetime:
    """Return how far back a feed of so many *days* reaches."""
    return now - timedelta(days=days)


def page(conn: Connection, wanted: Follower) -> Feed | NotPermitted | ChangesGone:
    """Return up to about as many events as are wanted; what happened at once is never divided."""
    caller, last = wanted.caller, sequence.newest(conn)
    if missing := refused(caller, wanted.types):
        return missing
    if not sequence.is_known(conn, wanted.after):
        return ChangesGone(wanted.after, last, is_known=False)
    types = {name for name in wanted.types if _unheard(caller, name) is None}
    found: list[Event] = []
    after, looked = wanted.after, 0
    while len(found) < wanted.limit and looked < LOOKED_THROUGH:
        some = sequence.after(conn, after, min(wanted.limit - len(found), LOOKED_THROUGH - looked))
        if not some:
            break
        if not looked and some[0].recorded.changed_at < wanted.since:
            return ChangesGone(wanted.after, last)
        found += [event for event in _events(conn, wanted, some) if event.type in types]
        after, looked = some[-1].number, looked + len(some)
    return Feed(found, after, max(last, after))


def _events(conn: Connection, wanted: Follower, found: Sequence[Numbered]) -> Iterator[Event]:
    """Yield what a follower sees, and wants, of changes, in order."""
    caller = wanted.caller
    changes = [one.recorded.change for one in found]
    sources = snapshots.some(conn, {change.snapshot_id for change in changes if change.snapshot_id})
    batches = _batches(conn, caller, found)
    for one in found:
        match one.recorded.kind:
            case str(kind) if kind == DID:
                change = one.recorded.change
                shown: Sequence[_Shown] = list(_dids(change, caller.visibility, sources, wanted.wants))
            case str(kind) if kind == BATCH:
                shown = list(_batch(one, batches))
            case str(kind) if kind == USER:
                shown = list(_user(one.recorded.change, caller.visibility))
            case str(kind) if kind == GATEWAYS:
                shown = list(_gateway_set(one.recorded.change, caller.visibility))
            case str(kind) if kind == CHECK:
                shown = list(_check(one.recorded.change, caller.visibility, wanted.wants))
            case str(kind) if kind == WEBHOOK:
                shown = [(events.WEBHOOK_DISABLED, WebhookChange(**one.recorded.change.details))]
            case _:  # the mark of a restored backup, or of a later release, which may be at work beside this
                shown = ()
        for part, (name, data) in enumerate(shown):
            yield _event(one, part, name, data)


_Shown = tuple[str, Data]
"""The type of an event, and what it is about."""


def _event(one: Numbered, part: int, name: str, data: Data) -> Event:
    change = one.recorded.change
    return Event(
        number=one.number,
        part=part,
        type=name,
        at=one.recorded.changed_at,
        user=change.author.name,
        origin=change.author.origin,
        cause=change.cause,
        batch_id=_batch_id(one) or None,
        data=data,
    )


def _batch_id(one: Numbered) -> int:
    """Return the batch of a change; that which says that a batch was ordered has its id."""
    recorded = one.recorded
    is_order = recorded.kind == BATCH and recorded.change.action == CREATED
    return recorded.change_id if is_order else recorded.batch_id


def _batches(conn: Connection, caller: Caller, found: Sequence[Numbered]) -> Mapping[int, StoredBatch]:
    ids = {_batch_id(one) for one in found if one.recorded.kind == BATCH}
    seen = visibility.of_batches(conn, caller, progress.some(conn, ids))
    return {batch.batch_id: batch for batch in seen}


def _batch(one: Numbered, batches: Mapping[int, StoredBatch]) -> Iterator[_Shown]:
    """Yield the event of a batch; one that was done as it was ordered has ended with that."""
    batch, change = batches.get(_batch_id(one)), one.recorded.change
    if batch is not None:
        state = str(change.details.get("state") or batch.state)
        is_order = change.action == CREATED and state in ACTIVE
        yield (events.BATCH_CREATED if is_order else events.BATCH_FINISHED), BatchChange(batch, state)


def _user(change: Change, sight: Visibility) -> Iterator[_Shown]:
    groups = [change.group_before] if change.action != CREATED else []
    groups += [change.group_after] if change.action != DELETED else []
    if any(_sees_users_of(sight, group) for group in groups):
        name, names = str(change.details.get("user", "")), change.details.get("fields", ())
        yield f"{USER}.{change.action}", UserChange(name, names)


def _sees_users_of(sight: Visibility, group: str | None) -> bool:
    return Visibility(sight.users).sees_group(group)


def _gateway_set(change: Change, sight: Visibility) -> Iterator[_Shown]:
    """Yield the event of a gateway set: one that leaves what is seen is deleted to who has *sight*."""
    stored = (
        _stored_set(change) if change.action != DELETED and sight.sees_group(change.group_after) else None
    )
    if stored or (change.action != CREATED and sight.sees_group(change.group_before)):
        name, number = str(change.details["name"]), int(change.details["number"])
        kind = events.GATEWAY_SET_STORED if stored else events.GATEWAY_SET_DELETED
        yield kind, GatewaySetChange(name, number, stored)


def _stored_set(change: Change) -> GatewaySet | None:
    """Return the set that a change has stored; None where it is none any more, and not shown elsewhere."""
    details = change.details
    try:
        return gateways.of(details["name"], details["number"], change.group_after or "", details["values"])
    except InvalidField:
        return None


def _check(change: Change, sight: Visibility, wants: Wants | None) -> Iterator[_Shown]:
    """Yield what is seen, and wanted, of how the check of a DID or a run of them has come out.

    To who does not see all DIDs of a circle there is none, as in lists of what is wrong.
    """
    findings = [
        Finding(one["kind"], one["reason"])
        for one in change.details["findings"]
        if "circle" not in one or _sees_circle(sight, one["circle"])
    ]
    name = events.CHECK_FAILED if findings else events.CHECK_PASSED
    for piece, (_, is_seen) in _pieces(change, sight, {}, wants):
        if is_seen:
            yield name, CheckChange(piece.did_id, piece.pattern, piece.size, findings)


def _sees_circle(sight: Visibility, circle: Sequence[tuple[str | None, str]] | None) -> bool:
    """Say whether all DIDs of a circle, by user group and pattern, are seen; None: there are too many."""
    if not sight.is_limited:
        return True
    return circle is not None and all(sight.sees(group, pattern) for group, pattern in circle)


def _dids(
    change: Change, sight: Visibility, sources: Mapping[int, Image], wants: Wants | None
) -> Iterator[_Shown]:
    """Yield what is seen, and wanted, of the change of a DID or a run of them."""
    source: Image = sources.get(change.snapshot_id or 0, {})
    for piece, (before, after) in _pieces(change, sight, source, wants):
        if before or after:
            action = UPDATED if before and after else CREATED if after else DELETED
            yield f"{DID}.{action}", _shown(piece, action, sight, source)


_Seen = tuple[bool, bool]
"""Whether a DID is seen as it was before a change, and as it was behind it."""


def _pieces(
    change: Change, sight: Visibility, source: Image, wants: Wants | None
) -> Iterator[tuple[Change, _Seen]]:
    """Yield a change and what is seen of it; a run in parts where that is not the same for all of it.

    What is not wanted is not seen.
    """
    groups = _groups_after(change, source)
    rows = _rows(change, source)
    if change.size == 1 or not (sight.is_limited or wants):
        before, after = _pattern(change.before, change), _pattern(change.after, change)
        is_wanted = wants is None or wants(after, rows(0))
        yield change, _seen(change, sight, groups[0], before, after) if is_wanted else _UNSEEN
        return
    numbers = list(run_of(change.pattern, change.size))
    groups = groups * change.size if len(groups) == 1 else groups

    def seen(place: int) -> _Seen:
        if wants is not None and not wants(numbers[place], rows(place)):
            return _UNSEEN
        return _seen(change, sight, groups[place], numbers[place], numbers[place])

    for found, run in groupby(range(change.size), key=seen):
        places = list(run)
        yield _part(change, places[0], len(places)), found


_UNSEEN: _Seen = (False, False)


def _rows(change: Change, source: Image) -> Callable[[int], Sequence[Image | None]]:
    """Return what tells of each place of a run what is known of the row before a change and behind it.

    Of what an undo has removed the user group alone is known; of a check what the log says of the row.
    """
    if rows_then := change.details.get("rows"):
        return lambda _: rows_then
    before = change.before
    if before is None and change.action != CREATED and change.group_before is not None:
        before = {"user_group": change.group_before}
    own = change.details.get("own") or ()
    rest = {name: value for name, value in change.details.items() if name != "own"}
    after = images.left_by(replace(change, details=rest), change.did_id, change.pattern, source)

    def rows(place: int) -> Sequence[Image | None]:
        return before, {**after, **own[place]} if own and after else after

    return rows


def _pattern(image: Image | None, change: Change) -> str:
    return str((image or {}).get("did_pattern", change.pattern))


def _seen(change: Change, sight: Visibility, group: str | None, before: str, after: str) -> _Seen:
    """Say what is seen of a DID that has the patterns *before* and *after*, and is in *group* behind it."""
    return (
        change.action != CREATED and sight.sees(change.group_before, before),
        change.action != DELETED and sight.sees(group, after),
    )


def _groups_after(change: Change, source: Image) -> list[str | None]:
    """Return the user group behind a change: of each DID of a run, or one for all of them.

    Where copies have groups of their own the log has none for the run.
    """
    own = change.details.get("own") or ()
    if change.action != CREATED or change.group_after is not None or not own:
        return [change.group_after]
    given = (change.details.get("values") or {}).get("user_group") or source.get("user_group")
    groups = [one.get("user_group") or given for one in own]
    return [None if group is None else str(group) for group in groups]


def _part(change: Change, first: int, size: int) -> Change:
    """Return *size* DIDs of a run, from the place *first* on."""
    did_id, pattern = change.did_id + first, in_run(change.pattern, first)
    details = change.details
    if own := details.get("own"):
        details = {**details, "own": own[first : first + size]}
    return replace(
        change,
        did_id=did_id,
        pattern=pattern,
        position=change.position + first,
        size=size,
        details=details,
        before=change.image_in_run(change.before, did_id, pattern),
        after=change.image_in_run(change.after, did_id, pattern),
    )


def _shown(change: Change, action: str, sight: Visibility, source: Image) -> DidChange:
    """Return a change that is *action* to who has *sight*."""
    before = change.before
    after = images.left_by(change, change.did_id, change.pattern, source)
    names: Sequence[str] | None = None
    if action == UPDATED:
        names = change.fields
        before, after = _differing(change) if names is not None else (before, after)
    is_source_seen = sight.sees(source.get("user_group"), change.source or "")
    return DidChange(
        did_id=change.did_id,
        pattern=str((after or {}).get("did_pattern", change.pattern)),
        size=change.size,
        version=change.version,
        source=change.source if is_source_seen else None,
        names=names,
        before=before if action != CREATED else None,
        after=after if action != DELETED else None,
        own=_own(change, after or {}, source) if action == CREATED and change.size > 1 else None,
    )


def _differing(change: Change) -> tuple[Image, Image]:
    """Return those columns before and behind an update that differ, with the marks that it left."""
    before, after = change.before or {}, change.after or {}
    names = [*(change.fields or ()), *(mark for mark in MARKS if mark in after)]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}


def _own(change: Change, first: Image, source: Image) -> Sequence[Mapping[str, Value]] | None:
    """Return the columns in which the DIDs of a run of copies differ, as each of them has them."""
    own: Sequence[Mapping[str, Any]] = change.details.get("own") or ()
    names = [name for name in dict.fromkeys(name for one in own for name in one) if name in first]
    if not names:
        return None
    rest = {name: value for name, value in change.details.items() if name != "own"}
    plain = images.left_by(replace(change, details=rest), change.did_id, change.pattern, source) or {}
    return [{name: _stored(plain, name, one) for name in names} for one in own]


def _stored(plain: Image, name: str, own: Mapping[str, Any]) -> Value:
    return images.stored(plain, {name: own[name]})[name] if name in own else plain.get(name)
