"""Servers and databases that are killed in the middle of large batches, and what is looked at beside them."""

import base64
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from didier.storage.batches.progress import ACTIVE
from didier.storage.database import open_engine, reading
from didier.storage.tables import Timestamp
from support.homes import vicidial
from support.load import new_targets
from support.mariadb import MariaDB
from support.server import Didier

SOURCE = "18001234567"
MOST_SECONDS = 0.3
"""Longest wait from the acceptance of a batch to the crash."""

END_SECONDS = 60
SIGN_IN = "Basic " + base64.b64encode(b"admin:1234").decode()
JSON = {"Authorization": SIGN_IN, "Content-Type": "application/json"}
LEFT = ("added", "kept")
"""Outcomes of items whose DIDs are there."""

MADE = (*LEFT, "removed")
"""Outcomes of items whose DIDs were made; where a batch was undone also those that are missing."""


@dataclass(frozen=True)
class Item:
    """What became of a target."""

    target: str
    outcome: str
    did_id: int | None


class Home:
    """A database, looked at beside the server."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        tables = sa.MetaData()
        names = ["vicidial_inbound_dids", "didier_batches", "didier_batch_items", "didier_changes"]
        tables.reflect(self.engine, only=names)
        self.dids = tables.tables["vicidial_inbound_dids"]
        self.batches = tables.tables["didier_batches"]
        self.items = tables.tables["didier_batch_items"]
        self.changes = tables.tables["didier_changes"]

    def batch(self, batch_id: int) -> dict[str, Any]:
        """Return the row of a batch."""
        with reading(self.engine) as conn:
            return dict(self._batch(conn, batch_id))

    def _batch(self, conn, batch_id):
        wanted = sa.select(self.batches).where(self.batches.c.batch_id == batch_id)
        return conn.execute(wanted).mappings().one()

    def row(self, pattern: str) -> dict[str, Any]:
        """Return the row of a DID."""
        with reading(self.engine) as conn:
            wanted = sa.select(self.dids).where(self.dids.c.did_pattern == pattern)
            return dict(conn.execute(wanted).mappings().one())

    def change(self, pattern: str, **values: Any) -> None:
        """Change a DID as another program would."""
        with self.engine.begin() as conn:
            conn.execute(self.dids.update().where(self.dids.c.did_pattern == pattern).values(values))

    def delete(self, pattern: str) -> None:
        """Delete a DID as another program would."""
        with self.engine.begin() as conn:
            conn.execute(self.dids.delete().where(self.dids.c.did_pattern == pattern))

    def mark_source(self) -> None:
        """Give the source a value of its own in each column that takes a text or a number."""
        values: dict[str, Any] = {}
        for place, column in enumerate(self.dids.c):
            if column.name in {"did_id", "did_pattern", "modify_stamp", "user_group", "did_route"}:
                continue
            if isinstance(column.type, sa.Enum):
                continue
            if isinstance(column.type, sa.String) and (column.type.length or 100) >= 10:
                values[column.name] = f"Wert {place}"
            elif isinstance(column.type, sa.Integer):
                values[column.name] = place
        self.change(SOURCE, **values)

    def check(self, gone: Collection[str] = ()) -> None:
        """Check that totals, items, changes and rows agree: after each commit they do, so at any moment.

        *gone* are DIDs that another program has deleted; an undo finds that out on its way.
        """
        with reading(self.engine) as conn:
            there = dict(conn.execute(sa.select(self.dids.c.did_id, self.dids.c.did_pattern)).all())
            left = conn.execute(self._runs(self.items.c.outcome.in_(LEFT))).mappings().all()
            alone = conn.execute(self._alone()).mappings().all()
            logged = conn.execute(self._logged()).mappings().all()
            missed = self._runs(self.items.c.outcome == "missing", self.items.c.did_id > 0)
            missing = [pattern for row in conn.execute(missed).mappings() for _, pattern in _run(row)]
            assert [] == self._wrong_totals(conn)
            assert self._is_gap_free(conn)
        named = [pair for row in (*left, *alone) for pair in _run(row) if pair[1] not in gone]
        source = {did_id: pattern for did_id, pattern in there.items() if pattern == SOURCE}

        assert [] == [pair for pair, count in Counter(named).items() if count > 1]
        assert source | dict(named) == there
        assert source | left_by(logged, {*gone, *missing}) == there

    def check_edits(self) -> None:
        """Check the same of batches that edit DIDs."""
        with reading(self.engine) as conn:
            there = dict(conn.execute(sa.select(self.dids.c.did_id, self.dids.c.did_pattern)).all())
            logged = conn.execute(self._logged()).mappings().all()
            batches = conn.execute(sa.select(self.batches)).mappings().all()
            items = conn.execute(sa.select(self.items)).mappings().all()
            assert self._is_gap_free(conn)
        counts: Counter[tuple[int, str]] = Counter()
        for item in items:
            counts[item["batch_id"], item["outcome"]] += item["size"]
        left = left_by(logged, ())
        assert left == {did_id: pattern for did_id, pattern in there.items() if did_id in left}
        for batch in batches:
            found = {word: counts[batch["batch_id"], word] for word in ("removed", "restored", "kept")}
            assert found == {word: batch[word] for word in found}
            done = sum(counts[batch["batch_id"], word] for word in ("added", "updated", "deleted"))
            assert batch["added"] + batch["updated"] + batch["deleted"] == done + sum(found.values())

    def _is_gap_free(self, conn) -> bool:
        """Say whether the changes that are numbered have all numbers up to the last."""
        c = self.changes.c
        number = c.change_id if conn.dialect.name == "sqlite" else c.sequence
        count, last = conn.execute(sa.select(sa.func.count(number), sa.func.max(number))).one()
        return count == (last or 0)

    def _runs(self, *conditions: "sa.ColumnElement[bool]") -> "sa.Select[Any]":
        """Return the query for the DIDs of items."""
        return sa.select(self.items.c.did_id, self.items.c.target, self.items.c.size).where(*conditions)

    def _alone(self) -> "sa.Select[Any]":
        """Return the query for copies that are batches by themselves."""
        c = self.changes.c
        of_others = sa.select(self.batches.c.batch_id)
        return sa.select(c.did_id, c.did_pattern.label("target"), c.size).where(
            c.batch_id.is_(None), c.action == "created", c.change_id.not_in(of_others)
        )

    def _logged(self) -> "sa.Select[Any]":
        c = self.changes.c
        shown = sa.select(c.action, c.did_id, c.did_pattern.label("target"), c.size)
        return shown.where(c.kind == "did").order_by(c.change_id)

    def _wrong_totals(self, conn) -> list[Any]:
        b, i = self.batches.c, self.items.c
        made = i.outcome.in_(MADE) | ((i.outcome == "missing") & (b.undone_by.is_not(None)))
        others = [i.outcome == outcome for outcome in ("exists", "invalid", "duplicate", "removed", "kept")]
        sizes = [
            sa.func.coalesce(sa.func.sum(sa.case((condition, i.size), else_=0)), 0)
            for condition in (made, *others)
        ]
        totals = (b.added, b.existing, b.invalid, b.duplicates, b.removed, b.kept)
        joined = self.batches.outerjoin(self.items, b.batch_id == i.batch_id)
        found = conn.execute(
            sa.select(b.batch_id, *totals, *sizes).select_from(joined).group_by(b.batch_id, *totals)
        )
        return [row for row in found if list(row[1:7]) != [int(size) for size in row[7:]]]

    def outcomes(self, batch_id: int) -> list[Item]:
        """Return what became of each target of a batch, in order."""
        rows = sa.select(self.items).where(self.items.c.batch_id == batch_id).order_by(self.items.c.position)
        found: list[Item] = []
        with reading(self.engine) as conn:
            for row in conn.execute(rows).mappings():
                ids = range(row["did_id"], row["did_id"] + row["size"]) if row["did_id"] else [None]
                targets = numbers_in_run(row["target"], row["size"])
                ids = [*ids, *[None] * (row["size"] - len(ids))]
                found += map(Item, targets, [row["outcome"]] * row["size"], ids)
        return found

    def unlike(self, ids: list[int], expected: dict[str, Any]) -> list[str]:
        """Return the DIDs with these consecutive *ids* that differ from what is *expected*."""
        columns = [self.dids.c[name].is_distinct_from(_value(value)) for name, value in expected.items()]
        differing = sa.select(self.dids.c.did_pattern).where(
            self.dids.c.did_id.between(min(ids), max(ids)), sa.or_(*columns)
        )
        with reading(self.engine) as conn:
            return list(conn.execute(differing).scalars())

    def descriptions(self) -> dict[str, str]:
        """Return the description of each DID."""
        with reading(self.engine) as conn:
            found = conn.execute(sa.select(self.dids.c.did_pattern, self.dids.c.did_description))
            return dict(found.all())

    def integrity(self) -> str:
        """Return what SQLite says of its file."""
        if self.engine.dialect.name != "sqlite":
            return "ok"
        with reading(self.engine) as conn:
            return str(conn.exec_driver_sql("PRAGMA integrity_check").scalar())


def _value(value: Any) -> Any:
    # SQLite compares moments as texts.
    return sa.literal(value, Timestamp) if isinstance(value, datetime) else value


def numbers_in_run(target: str, size: int) -> list[str]:
    """Return the *size* numbers from *target* on."""
    digits = target.removeprefix("+")
    if size == 1:
        return [target]
    sign, first, width = target[: -len(digits)], int(digits), len(digits)
    return [f"{sign}{number:0{width}}" for number in range(first, first + size)]


def left_by(logged: Sequence[Any], gone: Collection[str]) -> dict[int, str]:
    """Return the DIDs that are there after the changes that were *logged*."""
    there: dict[int, str] = {}
    for row in logged:
        for did_id, pattern in _run(row):
            if row["action"] == "created" and pattern not in gone:
                assert did_id not in there
                there[did_id] = pattern
            elif row["action"] == "deleted":
                there.pop(did_id, None)
    return there


def _run(row: Any) -> list[tuple[int, str]]:
    first, size = row["did_id"], row["size"]
    return list(zip(range(first, first + size), numbers_in_run(row["target"], size), strict=True))


@dataclass
class Crashing:
    """A server and a database, one of which is killed again and again, and what was seen."""

    server: Didier
    home: Home
    kill: Callable[[], None]
    start: Callable[[], None]
    exact: bool  # whether rows and items agree at any moment: not without transactions
    keys: Iterator[int] = field(default_factory=count)
    kills: int = 0
    halfway: int = 0
    lists: Iterator[list[str]] = field(default_factory=lambda: new_targets(3))

    def crash(self, batch_id: int, gone: Collection[str] = ()) -> None:
        """Kill at a random moment, look at what is there, and start again."""
        if random.random() < 0.5:
            time.sleep(random.uniform(0, MOST_SECONDS))
        else:
            share = random.random()
            self.until(lambda: self.done(batch_id) >= share, 0.005)
        self.kill()
        self.kills += 1
        self.halfway += self.home.batch(batch_id)["state"] in ACTIVE
        if self.exact:
            self.look(gone)
        self.start()

    def look(self, gone: Collection[str] = ()) -> None:
        """Check that all that is stored agrees."""
        self.home.check(gone)

    def send(self, path: str, body: str) -> int:
        """Send a request to the JSON API that is taken in, again where it says so; return the batch's id."""
        headers = {**JSON, "Idempotency-Key": f"{path} {next(self.keys)}"}
        deadline = time.monotonic() + END_SECONDS
        status, text = 503, ""
        while status == 503 and time.monotonic() < deadline:
            status, text = self.server.request("POST", f"/api/v1{path}", body, headers)
        assert 202 == status, text
        batch_id: int = json.loads(text)["id"]
        return batch_id

    def end(self, batch_id: int) -> None:
        """Wait until a batch is done with."""
        self.until(lambda: self.done(batch_id) == 1)

    def done(self, batch_id: int) -> float:
        """Return which part of a batch is done with."""
        batch = self.home.batch(batch_id)
        if batch["state"] not in ACTIVE:
            return 1
        done = (
            batch["removed"] + batch["restored"] + batch["kept"]
            if batch["phase"] == "remove"
            else batch["position"]
        )
        return min(0.999, done / batch["requested"])

    def until(self, condition: Callable[[], bool], pause: float = 0.03) -> None:
        """Wait for *condition*, with a *pause* in seconds between two looks: each of them computes, too."""
        deadline = time.monotonic() + END_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.server.log.read_text()[-3000:]
            time.sleep(pause)

    def enough(self, rounds: int) -> bool:
        """Whether there were *rounds* kills, a third of them in the middle of a batch."""
        return self.kills >= rounds and self.halfway >= rounds // 3


Kind = TypeVar("Kind", bound=Crashing)


@contextmanager
def crashing(
    form: type[Kind], kind: str, victim: str, directory: Path, database: Callable[[], MariaDB]
) -> Iterator[Kind]:
    """Start a server on a database of a *kind*, of which *victim* is killed: didier or the database."""
    url = f"sqlite:///{directory}/didier.db" if kind == "sqlite" else vicidial(database(), kind)
    environment = {"DIDIER_RATE_LIMIT": "0", "DIDIER_LEASE_SECONDS": "1"}
    server = Didier(directory, "--demo", "--database", url, environment=environment).start()
    with ExitStack() as stack:
        stack.callback(server.stop)
        home = Home(url)
        stack.callback(home.engine.dispose)
        home.mark_source()
        if victim == "didier":
            yield form(server, home, server.kill, server.start, kind != "MyISAM")
        else:
            yield form(server, home, lambda: _restart(database(), home), lambda: None, kind != "MyISAM")


def _restart(database: MariaDB, home: Home) -> None:
    """Kill the database and start it again; repair a table that MyISAM has left damaged, as one has to."""
    database.kill()
    database.start()
    with home.engine.begin() as conn:
        conn.exec_driver_sql("REPAIR TABLE vicidial_inbound_dids")
