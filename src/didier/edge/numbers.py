"""What an edge knows: DIDs, gateway sets, and from both the number of the set for each number.

What is told is stored in one transaction with the number of the change. So Kamailio starts from the file
while the server is away, and the agent goes on where it was, whatever is killed.
"""

import json
import random
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from didier.client.events import ChangedDid, ChangeEvent
from didier.domain import gateways, patterns
from didier.domain.gateways import Choices, GatewaySet
from didier.domain.targets import in_run
from didier.edge import dispatcher, tables
from didier.edge.tables import COLUMNS, CURSOR, GATEWAYS, INACTIVE, SEQUENCE, SNAPSHOT, key

FIRST_PUSH_MOST, LAST_PUSH = 500_000_000, 2_000_000_000
"""Pushes begin anywhere below the first, so that those of another file do not pass as this one's."""


Row = Mapping[str, Any]


class Numbers:
    """The file as it is written: by one thread of one process."""

    def __init__(self, file: Path) -> None:
        """Open the file, with the tables in it."""
        self._connection = tables.connect(file)
        self._execute = self._connection.execute
        self._connection.executescript(tables.SCHEMA)
        self._execute("CREATE TEMP TABLE wanted (key_name TEXT PRIMARY KEY, key_value TEXT) WITHOUT ROWID")
        with tables.transaction(self._connection):
            if not self._execute("SELECT 1 FROM numbers WHERE key_name = ?", (CURSOR,)).fetchone():
                self._begin_pushes()
        self._choices = Choices.of(self._sets())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    @property
    def sequence(self) -> int | None:
        """The last change that is in here; None: there was no snapshot yet."""
        return tables.progress(self._connection, SEQUENCE)

    @property
    def are_there(self) -> bool:
        """Whether any are known."""
        return self._execute("SELECT 1 FROM numbers WHERE key_name <> ?", (CURSOR,)).fetchone() is not None

    def forget_sequence(self) -> None:
        """Have a snapshot taken; until then the numbers stay as they are."""
        self._execute("DELETE FROM progress WHERE name = ?", (SEQUENCE,))

    def replace(self, dids: Iterable[Row], sets: Iterable[Row], sequence: int) -> None:
        """Know these DIDs and sets alone, all that there were at the change *sequence*."""
        with tables.transaction(self._connection):
            self._execute("DELETE FROM dids")
            self._insert(dids)
            self._execute("DELETE FROM gateway_sets")
            for one in sets:
                self._store_set(one)
            self._settle_sets()
            self._store_progress(SEQUENCE, sequence)
            self._store_progress(SNAPSHOT, sequence)

    def apply(self, events: Iterable[ChangeEvent], sequence: int) -> None:
        """Do what events tell, up to the change *sequence*; twice does no harm."""
        with tables.transaction(self._connection):
            changed: set[str] = set()
            are_sets_changed = False
            for event in events:
                if isinstance(event.data, ChangedDid):
                    changed |= self._apply_did(event.type, event.data)
                elif event.type.startswith("gateway_set."):
                    self._apply_set(event.type, event.members["data"])
                    are_sets_changed = True
            if are_sets_changed:
                self._settle_sets()
            elif changed:
                self._settle(changed)
            self._store_progress(SEQUENCE, sequence)

    # DIDs

    def _apply_did(self, type: str, change: ChangedDid) -> set[str]:
        """Do what is told of DIDs; return the numbers that they had and have."""
        ends = change.did_id, change.did_id + change.size - 1
        before = self._patterns(ends)
        if type == "did.updated":
            self._update(ends, change.after or {})
        else:
            self._execute("DELETE FROM dids WHERE did_id BETWEEN ? AND ?", ends)
        if type == "did.created":
            self._insert(_created(change))
        return before | self._patterns(ends)

    def _patterns(self, ends: tuple[int, int]) -> set[str]:
        found = self._execute("SELECT did_pattern FROM dids WHERE did_id BETWEEN ? AND ?", ends)
        return {pattern for (pattern,) in found}

    def _update(self, ends: tuple[int, int], after: Row) -> None:
        values = {name: _text(after[name]) for name in COLUMNS[1:] if name in after}
        if values:
            setting = ", ".join(f"{name} = ?" for name in values)
            self._execute(
                f"UPDATE dids SET {setting} WHERE did_id BETWEEN ? AND ?", (*values.values(), *ends)
            )

    def _insert(self, dids: Iterable[Row]) -> None:
        self._connection.executemany(
            f"INSERT OR REPLACE INTO dids VALUES ({', '.join('?' * len(COLUMNS))})", map(_values, dids)
        )

    # Gateway sets

    def _sets(self) -> list[GatewaySet]:
        found = self._execute("SELECT definition FROM gateway_sets ORDER BY name").fetchall()
        return [_set(json.loads(definition)) for (definition,) in found]

    def _apply_set(self, type: str, told: Row) -> None:
        if type == "gateway_set.deleted":
            self._execute("DELETE FROM gateway_sets WHERE name = ?", (told["name"],))
        else:
            self._store_set(told)

    def _store_set(self, told: Row) -> None:
        _set(told)  # what a newer server means by it is not guessed
        values = told["name"], json.dumps(told, ensure_ascii=False)
        self._execute("INSERT OR REPLACE INTO gateway_sets VALUES (?, ?)", values)

    def _settle_sets(self) -> None:
        """Have the gateways, and the set of each number, as the sets say now."""
        sets = self._sets()
        self._choices = Choices.of(sets)
        self._settle_gateways(sets)
        self._settle(None)

    def _settle_gateways(self, sets: Iterable[GatewaySet]) -> None:
        columns = ", ".join(dispatcher.Row._fields)
        rows = dispatcher.rows(sets)
        if rows == self._execute(f"SELECT {columns} FROM dispatcher ORDER BY id").fetchall():
            return
        self._execute("DELETE FROM dispatcher")
        holders = ", ".join("?" * len(dispatcher.Row._fields))
        self._connection.executemany(f"INSERT INTO dispatcher ({columns}) VALUES ({holders})", rows)
        self._store_progress(GATEWAYS, (tables.progress(self._connection, GATEWAYS) or 0) + 1)

    # Numbers

    def _settle(self, numbers: Iterable[str] | None) -> None:
        """Have in Kamailio's table what the DIDs say, for these *numbers* or for all; note what changed."""
        self._execute("DELETE FROM wanted")
        self._connection.executemany("INSERT OR REPLACE INTO wanted VALUES (?, ?)", self._wanted(numbers))
        changed = self._execute(
            "INSERT INTO pushes (key_name) SELECT key_name FROM wanted LEFT JOIN numbers USING (key_name)"
            " WHERE wanted.key_value IS NOT numbers.key_value"
        ).rowcount
        if not changed:
            return
        self._execute(
            "DELETE FROM numbers WHERE key_name IN (SELECT key_name FROM wanted WHERE key_value IS NULL)"
        )
        self._execute(
            "INSERT INTO numbers (key_name, key_value) SELECT * FROM wanted WHERE key_value IS NOT NULL"
            " ON CONFLICT (key_name) DO UPDATE SET key_value = excluded.key_value"
            " WHERE key_value <> excluded.key_value"
        )
        self._store_cursor()
        if tables.cursor(self._connection) > LAST_PUSH:  # Kamailio's numbers have 32 bits
            self._begin_pushes()

    def _wanted(self, numbers: Iterable[str] | None) -> Iterator[tuple[str, str | None]]:
        """Yield keys, first all with nothing, then those that have a value with it."""
        columns = ", ".join(COLUMNS)
        if numbers is None:
            keys = self._execute("SELECT key_name FROM numbers WHERE key_name <> ?", (CURSOR,))
            rows = self._execute(f"SELECT {columns} FROM dids ORDER BY did_id")
        else:
            chosen = json.dumps(list(numbers))
            keys = self._execute("SELECT value FROM json_each(?)", (chosen,))
            rows = self._execute(
                f"SELECT {columns} FROM dids WHERE did_pattern IN (SELECT value FROM json_each(?))"
                " ORDER BY did_id",
                (chosen,),
            )
        for (there,) in keys:
            yield key(there), None
        for row in rows:
            did = dict(zip(COLUMNS, row, strict=True))
            if patterns.PREFIX.fullmatch(did["did_pattern"]):  # others cannot be dialled, nor told in a line
                yield key(did["did_pattern"]), self._value(did)

    def _value(self, did: Row) -> str | None:
        """Return what Kamailio is to do with calls to a DID: one without a set is unknown to it."""
        if did["did_active"].upper() != "Y":
            return str(INACTIVE)
        choice = self._choices.choose(did)
        return str(choice.chosen.number) if choice else None

    def _begin_pushes(self) -> None:
        first = random.randrange(FIRST_PUSH_MOST)  # noqa: S311  # no secret
        self._execute("DELETE FROM pushes")
        self._execute("DELETE FROM sqlite_sequence WHERE name = 'pushes'")
        self._execute("INSERT INTO sqlite_sequence VALUES ('pushes', ?)", (first,))
        self._store_cursor()

    def _store_cursor(self) -> None:
        self._execute(
            "INSERT INTO numbers (key_name, key_value)"
            " SELECT ?, seq FROM sqlite_sequence WHERE name = 'pushes'"
            " ON CONFLICT (key_name) DO UPDATE SET key_value = excluded.key_value",
            (CURSOR,),
        )

    def _store_progress(self, name: str, value: int) -> None:
        self._execute("INSERT OR REPLACE INTO progress VALUES (?, ?)", (name, value))


def _created(change: ChangedDid) -> Iterator[Row]:
    """Yield the rows of DIDs that were created."""
    for place in range(change.size):
        counted = {"did_id": change.did_id + place, "did_pattern": in_run(change.did_pattern, place)}
        own = change.own[place] if change.own else {}
        yield {**(change.after or {}), **counted, **own}


def _set(told: Row) -> GatewaySet:
    """Return a gateway set as the domain has it; raises `InvalidField`."""
    return gateways.of(told["name"], told["number"], told["user_group"], told)


def _values(did: Row) -> list[Any]:
    """Return the columns of a DID. Raises `KeyError` where it has no id or number, or no state."""
    needed = did["did_id"], did["did_pattern"], did["did_active"]
    return [needed[0], *map(_text, needed[1:]), *(_text(did.get(name)) for name in COLUMNS[3:])]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
