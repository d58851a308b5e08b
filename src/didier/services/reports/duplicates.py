"""Duplicates among the DIDs that a caller sees, by the rules of `domain.likeness`. It only reads.

All DIDs are looked at, in short steps, between which others get their turn. What was found is compact, and
can be kept for a while; what is shown of it is read anew (`duplicate_groups`).
"""

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from didier.domain import likeness
from didier.domain.duplicate_kinds import FIELDS, Kind
from didier.domain.likeness import Difference, Gathered, Groups, Row
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotPermitted
from didier.services.users.authentication import Caller
from didier.storage.dids.filters import Filter
from didier.storage.reports import duplicates

ACTION = "did_log_export"
"""The function that opens all reports of DIDs."""

PIECE = 5_000
"""Ids, or DIDs, that are read in one step: tables without transactions are locked meanwhile."""

COMPARED_MOST = 5_000
"""Most set-ups, the most common ones, that are looked at for being near to each other."""

AT_ONCE = 1_000
"""How many rows are read at once."""

SORTS = ("-count", "count", "did_id", "-did_id")
"""By what groups may be sorted: the number of their DIDs, or the id of the oldest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which duplicates are looked for; of set-ups those as near that differ in up to so many *fields*.

    With a *user_group*, *route*, *prefix* of the pattern or *tag* only groups are told of which a DID has
    these: each as a whole, as the other spelling of a number may begin otherwise.
    """

    kind: Kind
    fields: int = FIELDS
    user_group: str | None = None
    route: str | None = None
    prefix: str | None = None
    tag: str | None = None

    @property
    def filter(self) -> Filter:
        """The condition that a DID of a group must meet."""
        return Filter(group=self.user_group, route=self.route, prefix=self.prefix, tag=self.tag)


@dataclass(frozen=True, slots=True)
class Variant:
    """DIDs that are set up alike, and nearly like others: in what they differ from these."""

    ids: Sequence[int]
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The groups that were found, and by the place of a group what is near to it.

    Unless it *is_whole*, there are so many set-ups that the rarest were not compared with the others.
    """

    kind: Kind
    groups: Groups
    variants: Mapping[int, Sequence[Variant]]
    is_whole: bool = True

    def count(self, place: int) -> int:
        """Return how many DIDs are in a group, with those that are near to it."""
        return self.groups.size(place) + sum(len(one.ids) for one in self.variants.get(place, ()))

    @property
    def dids(self) -> int:
        """How many DIDs have a duplicate."""
        return sum(map(self.count, range(len(self.groups))))

    def rank(self, place: int, sort: str) -> tuple[int, int]:
        """Return what sorts groups, and is another for each of them."""
        first, count = self.groups.first(place), self.count(place)
        sign = -1 if sort.startswith("-") else 1
        return (sign * count, first) if sort.endswith("count") else (sign * first, count)


NOTHING = Found("spelling", Groups(), {})


def search(caller: Caller, wanted: Wanted, region: str, piece: int = PIECE) -> "Search | NotPermitted":
    """Return what looks for duplicates among the DIDs that *caller* sees, whose numbers are of *region*."""
    return missing_rights(caller.user, ACTION) or Search(_groups(wanted, caller.visibility, region, piece))


Steps = Generator[None, Connection, Found]
"""Asks for a connection for each step, and returns what was found."""


class Search:
    """Looks for duplicates step by step: call `step` until it returns False, then they are `found`."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self.found = NOTHING
        next(steps)  # up to where it asks for the first connection

    def step(self, conn: Connection) -> bool:
        """Look on; return whether there is more to be looked at."""
        try:
            self._steps.send(conn)
        except StopIteration as end:
            self.found = end.value
            return False
        return True


def _groups(wanted: Wanted, sight: Visibility, region: str, piece: int) -> Steps:
    gathered, seen = Gathered(), Filter(sight=sight)
    if wanted.kind == "spelling":
        yield from _spellings(gathered, seen, wanted.filter, region, piece)
    elif wanted.kind == "destination":
        yield from _ranges(gathered, replace(seen, active="Y"), wanted.filter, piece, _destinations)
    else:
        yield from _ranges(gathered, seen, wanted.filter, piece, duplicates.configurations)
        return (yield from _alike(gathered, wanted.fields))
    yield
    groups = Groups()
    for ids, is_wanted in gathered.groups():
        if is_wanted and len(ids) > 1:
            groups.add(ids)
    return Found(wanted.kind, groups, {})


def _spellings(
    gathered: Gathered, seen: Filter, wanted: Filter, region: str, piece: int
) -> Generator[None, Connection, None]:
    """Gather DIDs by the number that each is; those that are no number are left out."""
    after: str | None = ""
    while after is not None:
        conn = yield
        rows = duplicates.patterns(conn, seen, wanted, after, piece)
        for did_id, is_wanted, pattern in rows:
            if number := likeness.number(pattern, region):
                gathered.add(did_id, likeness.key(number), wanted=is_wanted)
        after = rows[-1][2] if len(rows) == piece else None


Read = Callable[[Connection, Filter, Filter], Iterable[tuple[int, bool, int]]]


def _ranges(
    gathered: Gathered, seen: Filter, wanted: Filter, piece: int, read: Read
) -> Generator[None, Connection, None]:
    """Gather DIDs, range by range of their ids, by what *read* says of each."""
    after = 0
    while True:
        conn = yield
        first = duplicates.following(conn, after)
        if first is None:
            return
        after = first + piece - 1
        for did_id, is_wanted, key in read(conn, replace(seen, span=(first, after)), wanted):
            gathered.add(did_id, key, wanted=is_wanted)


def _destinations(conn: Connection, seen: Filter, wanted: Filter) -> Iterator[tuple[int, bool, int]]:
    for did_id, is_wanted, row in duplicates.destinations(conn, seen, wanted):
        if to := likeness.destination(row):
            # Names of things are compared without case.
            yield did_id, is_wanted, likeness.key(str(to).lower())


def _alike(gathered: Gathered, fields: int) -> Steps:
    """Return the groups of DIDs that are set up alike, with the set-ups that are near to each."""
    every, are_wanted = Groups(), bytearray()
    for ids, is_wanted in gathered.groups():
        every.add(ids)
        are_wanted.append(is_wanted)
    common = heapq.nsmallest(COMPARED_MOST, range(len(every)), key=every.rank)
    setups: dict[int, Row] = {}
    for start in range(0, len(common), AT_ONCE):
        conn = yield
        some = common[start : start + AT_ONCE]
        there = duplicates.setups(conn, [every.first(place) for place in some])
        setups |= {place: there[first] for place in some if (first := every.first(place)) in there}
    yield
    joined = likeness.joined(list(setups.values()), fields)
    looked_at = list(setups)
    under = {looked_at[place]: looked_at[usual] for place, usual in enumerate(joined)}
    near: dict[int, list[int]] = {}
    for place in range(len(every)):
        near.setdefault(under.get(place, place), []).append(place)
    groups, variants = Groups(), {}
    for usual, places in near.items():
        if any(are_wanted[place] for place in places) and sum(map(every.size, places)) > 1:
            others = sorted((place for place in places if place != usual), key=every.rank)
            if others:
                variants[len(groups)] = [
                    Variant(every[place], likeness.differences(setups[usual], setups[place]))
                    for place in others
                ]
            groups.add(every[usual])
    return Found("configuration", groups, variants, is_whole=len(joined) == len(every))
