"""What is odd about the numbers of a copy, although they can be created."""

from collections.abc import Iterator

from sqlalchemy.engine import Connection

from didier.domain import numbers, plausibility
from didier.domain.targets import Range
from didier.domain.visibility import Visibility
from didier.services.batches import decisions
from didier.services.batches.checks import Checks
from didier.services.batches.decisions import Chunk
from didier.storage.batches.duplicates import DuplicateTracker


class Notes:
    """Looks through the numbers of an order that copies *source*, chunk by chunk."""

    def __init__(self, source: str, checks: Checks) -> None:
        self._source = source
        self._checks = checks
        self._spelled = DuplicateTracker() if checks.region else None

    def close(self) -> None:
        """Forget the numbers."""
        if self._spelled:
            self._spelled.close()

    def look(self, conn: Connection, chunk: Chunk, sight: Visibility) -> None:
        """Note what is odd about targets of *chunk* that can be created."""
        if self._spelled is None:
            return
        again = dict.fromkeys(self._again(self._spelled, chunk), "")
        chunk.similar = {**again, **decisions.similar(conn, chunk, self._checks.region, sight)}
        is_alike = chunk.block and not _differs_in_length(self._source, chunk.block)
        for place in sorted(chunk.similar) if is_alike else range(chunk.size):
            if place not in chunk.problems and (told := self._told(chunk, place)):
                chunk.notes[place] = told

    def _told(self, chunk: Chunk, place: int) -> str:
        told = [chunk.rows[place].note] if chunk.rows else []
        if other := chunk.similar.get(place):
            told.append(f"the same number already exists as {other}")
        elif place in chunk.similar:
            told.append("the same number appears earlier in this order, in another spelling")
        told += odd(self._source, chunk.targets[place], self._checks)
        return "; ".join(filter(None, told))

    def _again(self, spelled: DuplicateTracker, chunk: Chunk) -> set[int]:
        """Return the places of the targets that were named before in another spelling."""
        region = self._checks.region
        if chunk.block and (block := numbers.international_block(chunk.block, region)):
            return spelled.add_block(block)
        found = [numbers.international(target, region) for target in chunk.targets]
        places = [place for place, one in enumerate(found) if one and place not in chunk.problems]
        return {places[place] for place in spelled.add([found[place] or "" for place in places])}


def odd(source: str, target: str, checks: Checks) -> Iterator[str]:
    """Yield what is odd about a number by itself, that is copied from *source*."""
    digits, of_source = target.removeprefix("+"), source.removeprefix("+")
    if digits.isdigit() and of_source.isdigit() and len(digits) != len(of_source):
        yield f"it has {len(digits)} digits, its source {len(of_source)}"
    if not checks.plausible and (doubt := plausibility.doubt(target)):
        yield f"implausible: {doubt}"


def _differs_in_length(source: str, block: Range) -> bool:
    return len(source.removeprefix("+")) != block.width
