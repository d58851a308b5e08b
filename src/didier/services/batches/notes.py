"""What is odd about the numbers of copies, although they can be created."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.domain import numbers, plausibility
from didier.domain.targets import Range
from didier.domain.visibility import Visibility
from didier.services.batches import decisions
from didier.services.batches.checks import Checks
from didier.services.batches.decisions import Asked
from didier.storage.batches.duplicates import DuplicateTracker
from didier.storage.dids import dids


class Spelled:
    """The numbers that an order has named so far, however they were spelled, for callers in *region*."""

    def __init__(self, region: str) -> None:
        self._region = region
        self._named = DuplicateTracker()

    def close(self) -> None:
        """Forget the numbers."""
        self._named.close()

    def add(self, targets: Iterable[str], block: Range | None = None) -> set[int]:
        """Add *targets*, or a *block* of them; return the places of those that were named before."""
        if block and (whole := numbers.international_block(block, self._region)):
            return self._named.add_block(whole)
        found = spelled(targets, self._region)
        places = list(found)
        return {places[place] for place in self._named.add(list(found.values()))}


def spelled(targets: Iterable[str], region: str) -> dict[int, str]:
    """Return *targets* with their country codes, by place, but what is no number."""
    found = ((place, numbers.international(target, region)) for place, target in enumerate(targets))
    return {place: number for place, number in found if number}


def look(
    conn: Connection,
    asked: Sequence[Asked],
    again: Sequence[Collection[int]],
    dead_ends: Sequence[Mapping[int, str]],
) -> None:
    """Note what is odd about those targets of *asked* that can be created, where that is looked for.

    *again* are the places of those that were named before in another spelling, *dead_ends* why calls lead
    nowhere, each for one of *asked*.
    """
    for one, named, there, dead in zip(asked, again, _similar(conn, asked), dead_ends, strict=True):
        one.chunk.similar = {**dict.fromkeys(named, ""), **there}
        if one.checks.region:
            _note(one, dead)


def _note(asked: Asked, dead_ends: Mapping[int, str]) -> None:
    chunk = asked.chunk
    places = range(chunk.size) if _looks_odd(asked) else sorted(chunk.similar.keys() | dead_ends.keys())
    for place in places:
        if place not in chunk.problems and (told := "; ".join(_told(asked, place, dead_ends.get(place)))):
            chunk.notes[place] = told


def _looks_odd(asked: Asked) -> bool:
    """Say whether the numbers of *asked* have to be looked at one by one: those of a block are alike."""
    block, source = asked.chunk.block, _source(asked)
    if block is None or len(source.removeprefix("+")) != block.width:
        return True
    return not asked.checks.plausible and plausibility.block_doubt(block) is not None


def _told(asked: Asked, place: int, dead_end: str | None) -> Iterator[str]:
    chunk = asked.chunk
    if chunk.rows and chunk.rows[place].note:
        yield chunk.rows[place].note
    if other := chunk.similar.get(place):
        yield f"the same number already exists as {other}"
    elif place in chunk.similar:
        yield "the same number appears earlier in this order, in another spelling"
    yield from odd(_source(asked), chunk.targets[place], asked.checks)
    if dead_end:
        yield f"calls lead nowhere: {dead_end}"


def _source(asked: Asked) -> str:
    return str(asked.spec.image["did_pattern"])


def odd(source: str, target: str, checks: Checks) -> Iterator[str]:
    """Yield what is odd about a number by itself, that is copied from *source*."""
    digits, of_source = target.removeprefix("+"), source.removeprefix("+")
    if digits.isdigit() and of_source.isdigit() and len(digits) != len(of_source):
        yield f"it has {len(digits)} digits, its source {len(of_source)}"
    if not checks.plausible and (doubt := plausibility.doubt(target)):
        yield f"implausible: {doubt}"


def _similar(conn: Connection, asked: Sequence[Asked]) -> list[dict[int, str]]:
    """Return for each of *asked* the DIDs that are seen and are targets in other spellings, by place."""
    blocks = [_similar_block(conn, one) for one in asked]
    spellings = [
        {target: numbers.spellings(target, one.checks.region) for target in one.chunk.targets}
        if one.checks.region and found is None
        else {}
        for one, found in zip(asked, blocks, strict=True)
    ]
    known = dids.find(conn, {other for of_one in spellings for found in of_one.values() for other in found})
    similar = []
    for one, found, of_one in zip(asked, blocks, spellings, strict=True):
        there = ((place, of_one.get(target, ())) for place, target in enumerate(one.chunk.targets))
        if found is None:
            pairs = ((place, _seen(known, others, one.sight)) for place, others in there)
            found = {place: pattern for place, pattern in pairs if pattern}
        similar.append(found)
    return similar


def _seen(known: dids.Found, others: Sequence[str], sight: Visibility) -> str | None:
    """Return the first of *others* that is a DID which is seen."""
    found = filter(None, map(known.get, others))
    return next((did.pattern for did in found if sight.sees(did.group, did.pattern)), None)


def _similar_block(conn: Connection, asked: Asked) -> dict[int, str] | None:
    """Return what `_similar` does for a block whose numbers are spelled alike, None for others."""
    block = asked.chunk.block
    others = numbers.block_spellings(block, asked.checks.region) if block and asked.checks.region else None
    if others is None:
        return None
    found: dict[int, str] = {}
    for other in others:
        ends = [other.pattern(other.first), other.pattern(other.last)]
        there = decisions.existing(conn, replace(asked.chunk, targets=ends, block=other)).items()
        found |= {place: did.pattern for place, did in there if asked.sight.sees(did.group, did.pattern)}
    return found
