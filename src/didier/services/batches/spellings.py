"""Numbers that can be created although they are there, or in the same order, in another spelling."""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.engine import Connection

from didier.domain import numbers
from didier.domain.targets import Range
from didier.domain.visibility import Visibility
from didier.storage.batches.duplicates import DuplicateTracker
from didier.storage.dids import dids

Place = TypeVar("Place", bound=Hashable)


class Spelled:
    """The numbers that an order has named so far, however they were spelled, for callers in *region*.

    Without a region none is named before.
    """

    def __init__(self, region: str) -> None:
        self._region = region
        self._named = DuplicateTracker() if region else None

    def close(self) -> None:
        """Forget the numbers."""
        if self._named:
            self._named.close()

    def add(self, targets: Iterable[str], block: Range | None = None) -> set[int]:
        """Add *targets*, or a *block* of them; return the places of those that were named before."""
        if self._named is None:
            return set()
        if block and (whole := numbers.international_block(block, self._region)):
            return self._named.add_block(whole)
        found = spelled(targets, self._region)
        places = list(found)
        return {places[place] for place in self._named.add(list(found.values()))}


def spelled(targets: Iterable[str], region: str) -> dict[int, str]:
    """Return *targets* with their country codes, by place, but what is no number."""
    found = ((place, numbers.international(target, region)) for place, target in enumerate(targets))
    return {place: number for place, number in found if number}


def repeated(names: Mapping[int, str]) -> list[int]:
    """Return the places of the names that stand at an earlier one."""
    first: dict[str, int] = {}
    return [place for place, name in names.items() if first.setdefault(name, place) != place]


def again(targets: Iterable[str], region: str) -> set[int]:
    """Return the places of *targets* that repeat a number in another spelling; none without region."""
    return set(repeated(spelled(targets, region))) if region else set()


@dataclass(frozen=True, slots=True)
class NewNumber:
    """A number to be created by who has *sight*; dialled in *region*, empty if nobody asks for spellings."""

    pattern: str
    region: str
    sight: Visibility


def existing(conn: Connection, new: Mapping[Place, NewNumber]) -> dict[Place, str]:
    """Return a DID that is seen and is the number in another spelling, by place; one statement for all."""
    spellings = {
        place: numbers.spellings(one.pattern, one.region) for place, one in new.items() if one.region
    }
    wanted = {other for others in spellings.values() for other in others}
    if not wanted:
        return {}
    known = dids.find(conn, wanted)
    found: dict[Place, str] = {}
    for place, others in spellings.items():
        there = (did for other in others if (did := known.get(other)))
        seen = (did for did in there if new[place].sight.sees(did.group, did.pattern))
        if first := next(seen, None):
            found[place] = first.pattern
    return found


def told(other: str) -> str:
    """Say that a number exists as *other*, or if that is empty, that it is in the order before."""
    if other:
        return f"the same number already exists as {other}"
    return "the same number appears earlier in this order, in another spelling"
