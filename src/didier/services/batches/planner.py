"""Taking the targets of an order in chunks, lazily, and deciding on each chunk.

Of each chunk the planner knows the targets, the values that are theirs alone, and which cannot be created.
"""

from collections.abc import Iterable

from sqlalchemy.engine import Connection

from didier.domain import inputs
from didier.domain.inputs import Entry, Row
from didier.domain.targets import Range
from didier.domain.visibility import EVERYTHING, Visibility
from didier.services.batches import decisions, notes
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.batches.copy_spec import CopySpec
from didier.services.batches.decisions import Asked, Chunk
from didier.services.batches.spellings import Spelled
from didier.storage.batches.duplicates import DuplicateTracker

_SMALL_BLOCK = 100
"""Ranges up to this size are decided on together with what stands beside them."""


_REMEMBERED = 1_000
"""How many targets are remembered at a time."""


class Planner:
    """Takes an order's targets in chunks and decides on each.

    *sight* is what the caller sees. *entries* are those behind the first *position* targets when the order
    goes on after a restart; then `remember` tells of the others.
    """

    def __init__(
        self,
        spec: CopySpec,
        entries: Iterable[Entry],
        sight: Visibility = EVERYTHING,
        position: int = 0,
        checks: Checks = NO_CHECKS,
    ) -> None:
        self._spec = spec
        self._checks = checks
        self._spelled = Spelled(checks.region)
        self._sight = sight
        self._entries = iter(entries)
        self._rest: Entry | None = None
        self._position = position
        self._named = DuplicateTracker()

    def remember(self, entries: Iterable[Entry], count: int) -> None:
        """Take the first *count* of *entries* for targets that were decided on before."""
        singles: list[str] = []
        for entry in entries:
            if count <= 0:
                break
            if isinstance(entry, Range):
                block = entry.slice(0, count)
                self._name(block, block)
            else:
                singles.append(entry.target)
            count -= inputs.size(entry)
            if len(singles) == _REMEMBERED:
                self._name(singles)
                singles = []
        self._name(singles)

    def _name(self, targets: Iterable[str], block: Range | None = None) -> tuple[set[int], set[int]]:
        """Name *targets*, or a *block* of them; return the places of those that were named before.

        First as they are, then in any spelling.
        """
        repeated = self._named.add_block(block) if block else self._named.add(list(targets))
        return repeated, self._spelled.add(targets, block)

    def close(self) -> None:
        """Forget the targets."""
        self._named.close()
        self._spelled.close()

    def take(self, size: int) -> Chunk | None:
        """Return the next targets, *size* at most, None behind the last; nothing is decided yet."""
        first = self._next()
        if first is None:
            return None
        if isinstance(first, Range) and first.size > _SMALL_BLOCK:
            block = first.slice(0, size)
            self._rest = first.slice(block.size, first.size) if block.size < first.size else None
            chunk = Chunk(self._position, list(block), block)
            if self._spec.template:
                chunk.own = self._spec.own_of(chunk.targets)
        else:
            rows = self._rows(first, size)
            targets = [row.target for row in rows]
            chunk = Chunk(self._position, targets, None, self._spec.own_of(rows), rows)
        self._position = chunk.end
        return chunk

    def _next(self) -> Entry | None:
        entry, self._rest = self._rest, None
        return entry or next(self._entries, None)

    def _rows(self, entry: Entry | None, size: int) -> list[Row]:
        rows: list[Row] = []
        while entry is not None and len(rows) < size:
            if isinstance(entry, Row):
                rows.append(entry)
            elif entry.size > _SMALL_BLOCK:
                self._rest = entry
                break
            else:
                part = entry.slice(0, size - len(rows))
                rows += map(Row, part)
                self._rest = entry.slice(part.size, entry.size) if part.size < entry.size else None
            entry = self._next() if len(rows) < size else None
        return rows

    def decide(self, conn: Connection, chunk: Chunk) -> Chunk:
        """Find the problems of *chunk*, the next one in order."""
        asked = Asked(chunk, self._spec, self._sight, self._checks)
        there = decisions.existing(conn, chunk)
        repeated, again = self._name(chunk.targets, chunk.block)
        [bad_values], [dead_ends] = decisions.bad_values(conn, [asked]), decisions.dead_ends(conn, [asked])
        decisions.decide(asked, there, repeated, bad_values, dead_ends)
        notes.look(conn, [asked], [again], [dead_ends])
        return chunk

    def decide_again(self, conn: Connection, chunk: Chunk) -> None:
        """Find the targets of *chunk*, decided on before, that others have made since."""
        for place, did in decisions.existing(conn, chunk).items():
            chunk.problems.setdefault(place, decisions.Problem("exists", "already exists", did))
