"""Which targets an order has named so far, however many there are."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import orjson

from didier.domain import patterns
from didier.domain.targets import Range
from didier.errors import DiskFull
from didier.storage.failures import is_full

_INTEGER_DIGITS = 18
"""Most digits of a number that SQLite's integers hold for certain."""


@contextmanager
def _room() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if is_full(error):
            raise DiskFull("temporary files") from error
        raise


class DuplicateTracker:
    """The targets that were named so far, in a temporary file: a million do not fill the memory.

    Adding raises `DiskFull` when there is no room for it.
    """

    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE seen (name TEXT PRIMARY KEY) WITHOUT ROWID")
        self._database.execute(
            "CREATE TABLE blocks (prefix TEXT, width INTEGER, first INTEGER, last INTEGER)"
        )
        self._database.execute("BEGIN")
        self._blocks = 0
        self._singles = 0

    @_room()
    def add(self, targets: Sequence[str]) -> set[int]:
        """Add *targets*; return the places of those that were named before, in *targets* too."""
        repeated, now = set(), set()
        # SQLite reads a text in JSON up to its first NUL only; none is a pattern.
        names = [patterns.key(target).replace("\0", "\ufffd") for target in targets]
        for place, name in enumerate(names):
            if name in now:
                repeated.add(place)
            now.add(name)
        there = self._named(names)
        repeated |= {place for place, name in enumerate(names) if name in there}
        new = orjson.dumps([(name,) for name in now - there])
        self._database.execute("INSERT INTO seen SELECT value ->> 0 FROM json_each(?)", [new.decode()])
        self._singles += len(now - there)
        return repeated

    def _named(self, names: Sequence[str]) -> set[str]:
        wanted = orjson.dumps(names).decode()
        sql = "SELECT name FROM seen WHERE name IN (SELECT value FROM json_each(?))"
        there = {name for (name,) in self._database.execute(sql, [wanted])}
        if self._blocks:
            there |= {name for name in names if self._in_block(name)}
        return there

    def _in_block(self, name: str) -> bool:
        prefix, digits = ("+", name[1:]) if name[:1] == "+" else ("", name)
        if not (digits.isascii() and digits.isdigit() and len(digits) <= _INTEGER_DIGITS):
            return False
        sql = "SELECT 1 FROM blocks WHERE prefix = ? AND width = ? AND ? BETWEEN first AND last LIMIT 1"
        return bool(self._database.execute(sql, [prefix, len(digits), int(digits)]).fetchone())

    @_room()
    def add_block(self, block: Range) -> set[int]:
        """Add the numbers of *block*; return the places of those that were named before."""
        if block.width > _INTEGER_DIGITS:
            return self.add(list(block))
        shape = [block.prefix, block.width]
        sql = "SELECT first, last FROM blocks WHERE prefix = ? AND width = ? AND first <= ? AND last >= ?"
        repeated: set[int] = set()
        for first, last in self._database.execute(sql, [*shape, block.last, block.first]):
            repeated.update(
                range(max(first, block.first) - block.first, min(last, block.last) - block.first + 1)
            )
        if self._singles:
            ends = [block.pattern(block.first), block.pattern(block.last)]
            sql = "SELECT name FROM seen WHERE name BETWEEN ? AND ? AND length(name) = length(?)"
            for (name,) in self._database.execute(sql, [*ends, ends[0]]):
                if name.isascii() and name.removeprefix(block.prefix).isdigit():
                    repeated.add(int(name.removeprefix(block.prefix)) - block.first)
        self._add_block(block)
        return repeated

    def _add_block(self, block: Range) -> None:
        """Remember *block*; one that goes on where another ends makes it longer."""
        shape = [block.prefix, block.width]
        sql = "UPDATE blocks SET last = ? WHERE prefix = ? AND width = ? AND last = ?"
        if self._database.execute(sql, [block.last, *shape, block.first - 1]).rowcount:
            return
        self._database.execute("INSERT INTO blocks VALUES (?, ?, ?, ?)", [*shape, block.first, block.last])
        self._blocks += 1

    def close(self) -> None:
        """Remove the temporary file."""
        self._database.close()
