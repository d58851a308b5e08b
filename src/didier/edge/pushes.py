"""What Kamailio has not been told yet of the numbers in the file.

It says by `tables.CURSOR` how far it is: behind that come the pushes that it lacks, each with the value that
the key has now. To be told twice changes nothing.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from didier.edge import tables
from didier.edge.digest import Digest, digest
from didier.edge.tables import CURSOR

KEPT = 100_000
"""How many pushes are kept behind the one that Kamailio has: it may start from an older copy of the file."""


class Push(NamedTuple):
    """A number that has changed, and the value that it has now; None: it is gone."""

    id: int
    number: str
    value: str | None


@dataclass(frozen=True, slots=True)
class Known:
    """How many numbers the file has, up to which change, and its last push."""

    numbers: int
    sequence: int | None
    cursor: int


class Pushes:
    """The file as it is read, by one thread."""

    def __init__(self, file: Path, kept: int = KEPT) -> None:
        self._connection = tables.connect(file)
        self._kept = kept

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def cursor(self) -> int:
        """The last push."""
        return tables.cursor(self._connection)

    @property
    def are_known(self) -> bool:
        """Whether there was a snapshot: before, the file says nothing."""
        return tables.progress(self._connection, tables.SNAPSHOT) is not None

    @property
    def gateways(self) -> int:
        """A number that grows whenever gateways change."""
        return tables.progress(self._connection, tables.GATEWAYS) or 0

    def known(self) -> Known:
        """Say what there is."""
        with tables.transaction(self._connection, "DEFERRED"):
            [count] = self._connection.execute("SELECT count(*) - 1 FROM numbers").fetchone()
            sequence = tables.progress(self._connection, tables.SEQUENCE)
            return Known(count, sequence, self.cursor)

    def after(self, cursor: int, most: int) -> Sequence[Push] | None:
        """Return the first pushes behind the one with the id *cursor*; None: that is none of this file's."""
        with tables.transaction(self._connection, "DEFERRED"):
            [oldest] = self._connection.execute("SELECT min(id) FROM pushes").fetchone()
            newest = self.cursor
            if not (newest if oldest is None else oldest - 1) <= cursor <= newest:
                return None
            found = self._connection.execute(
                "SELECT id, pushes.key_name, key_value FROM pushes LEFT JOIN numbers USING (key_name)"
                " WHERE id > ? ORDER BY id LIMIT ?",
                (cursor, most),
            )
            return [Push(*row) for row in found]

    def digest(self) -> tuple[int, Digest]:
        """Return the last push, and the digest of all numbers with it."""
        with tables.transaction(self._connection, "DEFERRED"):
            rows = self._connection.execute(
                "SELECT key_name, key_value FROM numbers WHERE key_name <> ?", (CURSOR,)
            )
            return self.cursor, digest((number, int(value)) for number, value in rows)

    def forget(self, told: int) -> None:
        """Delete pushes long behind the one that Kamailio was *told* last, unless the file is busy."""
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            self._connection.execute("DELETE FROM pushes WHERE id <= ?", (told - self._kept,))
        except sqlite3.OperationalError:
            return  # an export is being stored, and numbers do not wait for that
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {tables.LOCK_SECONDS * 1000:.0f}")
