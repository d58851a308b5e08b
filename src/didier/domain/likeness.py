"""Which DIDs are duplicates: one number in several spellings, set up alike, or with one destination.

Of a million DIDs each is kept as two numbers, its id and what it is compared by (`key`): 16 bytes. DIDs with
the same key are a group, so each is in one group at most, in whatever order they come.

DIDs are set up alike where all columns are the same that a copy takes from its source, descriptions aside:
those are of the number. An empty column is the same as one without a value. Such groups are near to each
other where they differ in a few fields only. The largest group, or among equals that with the oldest DID,
comes first: all that differ from it in at most *most* fields are joined under it. Then it is the next one's
turn that is joined under none, and so on. Nothing is joined under what was joined itself: two groups under
one may differ from each other in twice as many fields, but what is told is how each differs from the usual.
"""

import hashlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations, groupby
from operator import xor

from didier.domain import numbers, targets
from didier.domain.fields import NONE
from didier.domain.route_texts import BESIDE, DESTINATIONS, Destination

OF_THE_NUMBER = ("did_description", "did_carrier_description")
"""The columns that say something about a number: in these DIDs that are set up alike differ."""

Value = str | int | None
Row = Mapping[str, Value]

DESTINATION_COLUMNS = tuple(dict.fromkeys(("did_route", *DESTINATIONS.values(), *BESIDE.values())))
"""The columns that say where a DID's route leads."""


def key(text: str) -> int:
    """Return the number in place of *text*: of two texts of a million it is the same once in 10⁷ reports."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def number(pattern: str, region: str) -> str | None:
    """Return the number that *pattern* is with its country code, however it is written; None for no number.

    It is the rule by which new DIDs are found to exist in another spelling.
    """
    return numbers.international(targets.plain(pattern).replace(".", ""), region)


def destination(row: Row) -> Destination | None:
    """Return where calls to the DID with the columns *row* are sent; None where nothing is set."""
    route = _text(row.get("did_route"))
    named = _text(row.get(DESTINATIONS.get(route, "")))
    if not named:
        return None
    return Destination(route, named, _text(row.get(BESIDE.get(route, ""))))


def _text(value: Value) -> str:
    return "" if value is None or value == NONE else str(value)


# Groups ---------------------------------------------------------------------------------------------


class Groups:
    """Groups of DIDs by their ids: 8 bytes for each DID, and for each group."""

    def __init__(self) -> None:
        self._ids = array("q")
        self._ends = array("q", [0])

    def add(self, ids: Sequence[int]) -> None:
        """Add a group behind the others."""
        self._ids.extend(ids)
        self._ends.append(len(self._ids))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def __getitem__(self, place: int) -> Sequence[int]:
        return self._ids[self._ends[place] : self._ends[place + 1]]

    def size(self, place: int) -> int:
        """Return how many DIDs are in a group."""
        return self._ends[place + 1] - self._ends[place]

    def first(self, place: int) -> int:
        """Return the lowest id in a group: that of its oldest DID."""
        return self._ids[self._ends[place]]

    def rank(self, place: int) -> tuple[int, int]:
        """Return what sorts groups: the largest first, among equals that with the oldest DID."""
        return -self.size(place), self.first(place)


_PARTS = 256
"""Into how many parts DIDs are divided by their keys: sorting all at once would stop other threads."""


class Gathered:
    """DIDs with the key of each; some are *wanted*: only groups with one of these are told."""

    def __init__(self) -> None:
        self._parts = [(array("Q"), array("q"), bytearray()) for _ in range(_PARTS)]

    def add(self, did_id: int, key: int, *, wanted: bool = True) -> None:
        """Add a DID."""
        keys, ids, are_wanted = self._parts[key % _PARTS]
        keys.append(key)
        ids.append(did_id)
        are_wanted.append(wanted)

    def groups(self) -> Iterator[tuple[Sequence[int], bool]]:
        """Yield the ids of all DIDs with the same key, ascending, and whether one of them is wanted."""
        for keys, ids, are_wanted in self._parts:
            order = sorted(range(len(ids)), key=lambda place: (keys[place], ids[place]))
            for _, places in groupby(order, keys.__getitem__):
                group = list(places)
                yield array("q", (ids[place] for place in group)), any(are_wanted[p] for p in group)


# Near groups ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A *field* in which DIDs differ from those that are set up in the *usual* way."""

    field: str
    usual: Value
    value: Value

    def __str__(self) -> str:
        return f"{self.field}: {_quoted(self.usual)} → {_quoted(self.value)}"


def _quoted(value: Value) -> str:
    return "nothing" if value in _NOTHING else str(value)


def differences(usual: Row, row: Row) -> tuple[Difference, ...]:
    """Return in what *row* differs from the *usual* one, which has the same columns."""
    return tuple(
        Difference(name, value, row[name]) for name, value in usual.items() if not _same(value, row[name])
    )


def _same(one: Value, other: Value) -> bool:
    return one == other or (one in _NOTHING and other in _NOTHING)


_NOTHING = (None, "")

WORK_MOST = 200_000
"""Most keys by which near rows are found: these take some 20 MB, and two seconds."""


def joined(rows: Sequence[Row], most: int) -> list[int]:
    """Return for each of *rows* the place of that under which it is joined: its own for one under none.

    *rows* have the same columns, and come in the order of their turn. Two rows differ in at most *most*
    columns if they are the same without some *most* of them; so each is looked for once for every choice of
    those to be left out, among the columns that are not the same in all. Where these are many, only as many
    rows are looked at as `WORK_MOST` allows, and there are no places of the others.
    """
    varying = _varying(rows)
    left_out = [(names, hash(names)) for names in combinations(varying, min(most, len(varying)))]
    first: dict[int, int] = {}
    places: list[int] = []
    for place, row in enumerate(rows[: max(1, WORK_MOST // len(left_out))]):
        keys = _keys(row, varying, left_out)
        near = sorted({first[key] for key in keys if key in first})
        under = next((other for other in near if len(differences(rows[other], row)) <= most), place)
        if under == place:
            for key in keys:
                first.setdefault(key, place)
        places.append(under)
    return places


def _varying(rows: Sequence[Row]) -> list[str]:
    return [name for name in (rows[0] if rows else ()) if len({row[name] or "" for row in rows}) > 1]


def _keys(row: Row, varying: Sequence[str], left_out: Sequence[tuple[Sequence[str], int]]) -> list[int]:
    """Return a key of *row* without each of the choices of columns *left_out*, each with its own mark."""
    marks = {name: hash((name, row[name] if row[name] is not None else "")) for name in varying}
    whole = reduce(xor, marks.values(), 0)
    return [reduce(xor, (marks[name] for name in names), whole ^ mark) for names, mark in left_out]
