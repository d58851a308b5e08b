"""What is shown of duplicates that were found: groups page by page, and every DID of them for exports."""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Self

from sqlalchemy.engine import Connection

from didier.domain import likeness, routes
from didier.domain.duplicate_kinds import Kind
from didier.domain.likeness import Difference, Row, Value
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotPermitted
from didier.services.reports.duplicates import ACTION, AT_ONCE, SORTS, Found
from didier.services.users.authentication import Caller
from didier.storage.reports import duplicates

SHOWN = 10
"""Most DIDs of a group, and most set-ups near to it, that are shown in a list of groups."""


@dataclass(frozen=True, slots=True)
class ShownDid:
    """A DID of a group."""

    did_id: int
    pattern: str
    description: str | None
    active: str | None
    destination: str  # in words
    user_group: str | None

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return a DID by its columns."""
        return cls(
            int(row["did_id"] or 0), str(row["did_pattern"]), _text(row["did_description"]),
            _text(row["did_active"]), routes.destination(row), _text(row.get("user_group")),
        )  # fmt: skip


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


@dataclass(frozen=True, slots=True)
class ShownVariant:
    """How many DIDs differ from the usual set-up of their group so, and some of them."""

    count: int
    differences: tuple[Difference, ...]
    dids: Sequence[ShownDid]


@dataclass(frozen=True, slots=True)
class ShownGroup:
    """A group: its *name*, how many DIDs it has, how many *alike*, and some of these.

    The name is the number, the destination, or the oldest number of those that are set up in the usual way.
    *variants* are some of the set-ups that are near to that, of as many as *near* says.
    """

    name: str
    count: int
    alike: int
    dids: Sequence[ShownDid]
    variants: Sequence[ShownVariant]
    near: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some groups, and the place behind which the next page begins; None behind the last."""

    groups: Sequence[ShownGroup]
    following: list[str | int] | None


def page(
    conn: Connection,
    caller: Caller,
    found: Found,
    region: str,
    sort: str,
    limit: int,
    after: Sequence[str | int] | None = None,
) -> Page | NotPermitted:
    """Return *limit* of the groups that were found, sorted by one of `SORTS`, behind the place *after*.

    Of its DIDs those are not shown that are there no longer, or that the caller does not see any more.
    """
    if missing := missing_rights(caller.user, ACTION):
        return missing
    every: Iterable[int] = range(len(found.groups))
    if after is not None:
        behind = tuple(after)
        every = (place for place in every if found.rank(place, sort) > behind)
    places = heapq.nsmallest(limit + 1, every, key=lambda place: found.rank(place, sort))
    following = list[str | int](found.rank(places[limit - 1], sort)) if len(places) > limit else None
    return Page(_shown(conn, caller.visibility, found, places[:limit], region), following)


def _shown(
    conn: Connection, sight: Visibility, found: Found, places: Sequence[int], region: str
) -> list[ShownGroup]:
    ids = {
        did_id
        for place in places
        for some in (found.groups[place], *(one.ids for one in found.variants.get(place, ())[:SHOWN]))
        for did_id in some[:SHOWN]
    }
    rows = _rows(conn, sight, ids)

    def dids(ids: Sequence[int]) -> list[ShownDid]:
        return [ShownDid.of(rows[did_id]) for did_id in ids[:SHOWN] if did_id in rows]

    shown = []
    for place in places:
        group, near = found.groups[place], found.variants.get(place, ())
        variants = [ShownVariant(len(one.ids), one.differences, dids(one.ids)) for one in near[:SHOWN]]
        name = _name(found.kind, rows.get(group[0]), region)
        shown.append(ShownGroup(name, found.count(place), len(group), dids(group), variants, len(near)))
    return shown


def _rows(conn: Connection, sight: Visibility, ids: Iterable[int]) -> dict[int, Row]:
    """Return those of the DIDs *ids* that are there and seen, by id."""
    there: dict[int, Row] = {}
    listed = sorted(ids)
    for start in range(0, len(listed), AT_ONCE):
        there |= duplicates.shown(conn, listed[start : start + AT_ONCE])
    return {
        did_id: row
        for did_id, row in there.items()
        if sight.sees(row.get("user_group"), str(row["did_pattern"]))
    }


def _name(kind: Kind, row: Row | None, region: str) -> str:
    """Return what a group is called whose oldest DID is in *row*; nothing once that is gone."""
    if row is None:
        return ""
    pattern = str(row["did_pattern"])
    if kind == "spelling":
        return likeness.number(pattern, region) or pattern
    return str(likeness.destination(row) or "") if kind == "destination" else pattern


# Exports --------------------------------------------------------------------------------------------

COLUMNS = (
    "group", "count", "did_id", "did_pattern", "did_description", "did_active", "destination", "user_group",
    "differences", "fields",
)  # fmt: skip
"""The columns of an export: a DID, its group with how many DIDs that has, and in what it differs from it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A DID in an export: the *place* of its group, and in what it differs from what is usual there."""

    place: int
    did_id: int
    differences: tuple[Difference, ...] = ()


def pieces(found: Found) -> Iterator[list[Line]]:
    """Yield all DIDs of all groups, the largest first, in pieces that are read at once: one at least."""
    lines = _lines(found)
    yield list(islice(lines, AT_ONCE))
    while piece := list(islice(lines, AT_ONCE)):
        yield piece


def _lines(found: Found) -> Iterator[Line]:
    for place in sorted(range(len(found.groups)), key=lambda place: found.rank(place, SORTS[0])):
        yield from (Line(place, did_id) for did_id in found.groups[place])
        for one in found.variants.get(place, ()):
            yield from (Line(place, did_id, one.differences) for did_id in one.ids)


def exported(
    conn: Connection, caller: Caller, found: Found, piece: Sequence[Line], region: str
) -> list[Row] | NotPermitted:
    """Return a piece of an export as rows with `COLUMNS`; DIDs that are gone, or unseen, are left out."""
    if missing := missing_rights(caller.user, ACTION):
        return missing
    firsts = {line.place: found.groups.first(line.place) for line in piece}
    rows = _rows(conn, caller.visibility, {*firsts.values(), *(line.did_id for line in piece)})
    names = {place: _name(found.kind, rows.get(first), region) for place, first in firsts.items()}
    return [
        dict(zip(COLUMNS, _cells(line, found, names, rows[line.did_id]), strict=True))
        for line in piece
        if line.did_id in rows
    ]


def _cells(line: Line, found: Found, names: Mapping[int, str], row: Row) -> Iterator[Value]:
    yield names[line.place]
    yield found.count(line.place)
    yield from (row[name] for name in COLUMNS[2:6])
    yield routes.destination(row)
    yield row.get("user_group")
    yield len(line.differences)
    yield "; ".join(map(str, line.differences))
