"""What is odd about the numbers of copies, although they can be created."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlalchemy.engine import Connection

from didier.domain import numbers, plausibility
from didier.services.batches import decisions, spellings
from didier.services.batches.checks import Checks
from didier.services.batches.decisions import Asked
from didier.services.batches.spellings import NewNumber


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
    if place in chunk.similar:
        yield spellings.told(chunk.similar[place])
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
    singles = [(n, one) for n, one in enumerate(asked) if blocks[n] is None and one.checks.region]
    there = spellings.existing(conn, {
        (n, place): NewNumber(target, one.checks.region, one.sight)
        for n, one in singles
        for place, target in enumerate(one.chunk.targets)
    })  # fmt: skip
    found = [{} if of_block is None else of_block for of_block in blocks]
    for (n, place), pattern in there.items():
        found[n][place] = pattern
    return found


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
