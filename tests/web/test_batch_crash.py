"""kill -9 in the middle of large batches: totals, items and rows agree, and each batch ends as it must."""

import base64
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from didier.storage.batches.progress import ACTIVE
from didier.storage.database import open_engine, reading
from didier.storage.tables import Timestamp
from support.homes import vicidial
from support.load import Copying, new_targets
from support.mariadb import MariaDB, running_mariadb
from support.server import Didier

ROUNDS = int(os.environ.get("BATCH_CRASH_ROUNDS", "50"))
"""Kills of the server, over both databases."""

MYISAM_ROUNDS = int(os.environ.get("BATCH_CRASH_MYISAM_ROUNDS", "6"))
DATABASE_ROUNDS = int(os.environ.get("BATCH_CRASH_DATABASE_ROUNDS", "3"))
"""Kills of the database server, with each of its storage engines."""

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


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A database server that these tests may kill."""
    with running_mariadb() as server:
        yield server


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
            left = conn.execute(sa.select(self.items).where(self.items.c.outcome.in_(LEFT))).mappings().all()
            alone = conn.execute(self._alone()).mappings().all()
            logged = conn.execute(self._logged()).mappings().all()
            missed = sa.select(self.items).where(self.items.c.outcome == "missing", self.items.c.did_id > 0)
            missing = [pattern for row in conn.execute(missed).mappings() for _, pattern in _run(row)]
            assert [] == self._wrong_totals(conn)
            assert self._is_gap_free(conn)
        named = [pair for row in (*left, *alone) for pair in _run(row) if pair[1] not in gone]
        source = {did_id: pattern for did_id, pattern in there.items() if pattern == SOURCE}

        assert [] == [pair for pair, count in Counter(named).items() if count > 1]
        assert source | dict(named) == there
        assert source | _left_by(logged, {*gone, *missing}) == there

    def _is_gap_free(self, conn) -> bool:
        """Say whether the changes that are numbered have all numbers up to the last."""
        c = self.changes.c
        number = c.change_id if conn.dialect.name == "sqlite" else c.sequence
        count, last = conn.execute(sa.select(sa.func.count(number), sa.func.max(number))).one()
        return count == (last or 0)

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
                targets = [_number(row["target"], place) for place in range(row["size"])]
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


def _number(target: str, place: int) -> str:
    """Return the number that comes *place* numbers behind *target*."""
    digits = target.removeprefix("+")
    return target if not place else f"{target[: -len(digits)]}{int(digits) + place:0{len(digits)}}"


def _left_by(logged: Sequence[Any], gone: Collection[str]) -> dict[int, str]:
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
    return [(row["did_id"] + place, _number(row["target"], place)) for place in range(row["size"])]


@dataclass(frozen=True)
class Order:
    """A large batch: its request, and its targets one by one."""

    mode: str
    targets: list[str]
    wishes: dict[str, Any]
    overrides: dict[str, str]
    template: bool = False

    @property
    def body(self) -> str:
        """The request."""
        more = {"description_template": "Sales {target}"} if self.template else {}
        return json.dumps(
            {"source": SOURCE, "mode": self.mode, "overrides": self.overrides, **self.wishes, **more}
        )

    def expected(self, existing: set[str]) -> list[str]:
        """Return what has to become of each target when what is possible is made."""
        named: set[str] = set()
        outcomes = []
        for target in self.targets:
            if len(target) < 2:
                outcomes.append("invalid")
            else:
                outcomes.append(
                    "duplicate" if target in named else "exists" if target in existing else "added"
                )
            named.add(target)
        return outcomes


def block(prefix: str, first: int, size: int) -> tuple[str, list[str]]:
    """Return the range of *size* numbers from *first* on, and the numbers."""
    numbers = [f"{prefix}{first + place}" for place in range(size)]
    return f"{numbers[0]}-{numbers[-1]}", numbers


def orders() -> Iterator[tuple[Order, list[str]]]:
    """Give orders of all kinds in turn, and for each the numbers that have to exist before it comes."""
    first = 20_000_000_000
    while True:
        for make in (whole, possible, scattered, refused):
            for prefix in ("", "+"):
                yield make(prefix, first, random.randint(5_000, 9_000))
                first += 100_000


def whole(prefix: str, first: int, size: int) -> tuple[Order, list[str]]:
    """All or nothing, and all are possible: two blocks."""
    one, numbers = block(prefix, first, size)
    other, others = block(prefix, first + size + 10, 700)
    overrides = {"did_active": "N", "did_description": "A batch of its own"}
    return Order("atomic", numbers + others, {"ranges": [one, other]}, overrides), []


def possible(prefix: str, first: int, size: int) -> tuple[Order, list[str]]:
    """What is possible: a block with existing numbers in it, and single ones, some twice or impossible."""
    text, numbers = block(prefix, first, size)
    existing = [numbers[place] for place in (0, 150, 151, size // 2, size - 1)]
    singles = [*numbers[size - 40 :], "x", *_scattered(prefix, first + size, 900), "y", *numbers[:3]]
    wishes = {"targets": singles, "ranges": [text]}
    return Order("best_effort", singles + numbers, wishes, {"extension": "8301"}, True), existing


def scattered(prefix: str, first: int, size: int) -> tuple[Order, list[str]]:
    """All or nothing, of numbers in no order."""
    singles = _scattered(prefix, first, size)
    return Order("atomic", singles, {"targets": singles}, {}, True), []


def refused(prefix: str, first: int, size: int) -> tuple[Order, list[str]]:
    """All or nothing, and one of the last is not possible."""
    text, numbers = block(prefix, first, size)
    return Order("atomic", numbers, {"ranges": [text]}, {}), [numbers[-10]]


def _scattered(prefix: str, first: int, size: int) -> list[str]:
    _, numbers = block(prefix, first, size)
    return random.sample(numbers[::2], size // 2) + random.sample(numbers[1::2], size // 2)


@dataclass
class Crashes:
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
            self.until(lambda: self.done(batch_id) >= share)
        self.kill()
        self.kills += 1
        self.halfway += self.home.batch(batch_id)["state"] in ACTIVE
        if self.exact:
            self.home.check(gone)
        self.start()

    def copy(self, order: Order, existing: list[str]) -> int:
        """Order a batch; crash; see that it ends as it must. Return its id."""
        if existing:
            new = {"source_did_pattern": SOURCE, "new_dids": ",".join(existing)}
            assert "SUCCESS" in self.server.vicidial("copy_did", **new)
        source = self.home.row(SOURCE)
        batch_id = self.send("/copies", order.body)
        self.home.change(SOURCE, voicemail_ext=f"V{batch_id}")  # what is copied is the row as it was
        taken = {*existing, *self.meddle(order)}
        for _ in range(random.choice([1, 1, 2])):
            self.crash(batch_id)
        self.end(batch_id)
        self.check_copy(order, batch_id, order.expected(taken), source)
        return batch_id

    def meddle(self, order: Order) -> list[str]:
        """Make one of the last targets by another request, if it comes first."""
        target = order.targets[-60]
        if random.random() < 0.6:
            return []
        time.sleep(random.uniform(0, MOST_SECONDS / 2))
        answer = self.server.tutorial(target=target)
        assert answer.startswith("SUCCESS") or answer == "ERROR: NEW DID ALREADY EXISTS\n", answer
        return [target] if answer.startswith("SUCCESS") else []

    def check_copy(self, order: Order, batch_id: int, expected: list[str], source: dict[str, Any]) -> None:
        """Check a batch that has ended."""
        self.home.check()
        batch, items = self.home.batch(batch_id), self.home.outcomes(batch_id)
        assert (len(order.targets), None) == (batch["requested"], batch["phase"])
        if order.mode == "atomic" and set(expected) != {"added"}:
            assert "failed" == batch["state"]
            assert batch["failure"].startswith(("not every target is possible", "a target that was free"))
            assert set() == {item.outcome for item in items} & set(LEFT)
            return
        assert ("done", None) == (batch["state"], batch["failure"])
        assert order.targets == [item.target for item in items]
        assert expected == [item.outcome for item in items]
        self.check_rows(order, items, source, batch["created_at"])

    def check_rows(self, order: Order, items: list[Item], source: dict[str, Any], made_at: datetime) -> None:
        """Check that every column of what was made is as the source was, but what the order says."""
        wanted = {name: value for name, value in source.items() if name not in {"did_id", "did_pattern"}}
        wanted |= {**order.overrides, "modify_stamp": made_at}
        added = [item for item in items if item.outcome == "added"]
        if order.template:
            del wanted["did_description"]
            described = self.home.descriptions()
            assert {item.target: f"Sales {item.target}" for item in added} == {
                item.target: described[item.target] for item in added
            }
        assert [] == [one for ids in _consecutive(added) for one in self.home.unlike(ids, wanted)]

    def undo(self, batch_id: int, *, force: bool) -> None:
        """Undo a batch; crash; see that nothing is left but what was changed since."""
        before, batch = self.home.outcomes(batch_id), self.home.batch(batch_id)
        *changed, gone = random.sample([item.target for item in before if item.outcome == "added"], 4)
        for target in changed:
            later = batch["created_at"] + timedelta(seconds=1)
            self.home.change(target, did_description="Changed since", modify_stamp=later)
        self.home.delete(gone)
        after = dict.fromkeys([] if force else changed, "kept") | {gone: "missing"}
        assert batch_id == self.send(f"/batches/{batch_id}/undo", json.dumps({"force": force}))
        self.crash(batch_id, [gone])
        self.end(batch_id)

        self.home.check()
        assert "undone" == self.home.batch(batch_id)["state"]
        assert [
            replace(item, outcome=after.get(item.target, "removed")) if item.outcome == "added" else item
            for item in before
        ] == self.home.outcomes(batch_id)

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
        done = batch["removed"] + batch["kept"] if batch["phase"] == "remove" else batch["position"]
        return min(0.999, done / batch["requested"])

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for *condition*."""
        deadline = time.monotonic() + END_SECONDS
        while not condition():
            assert time.monotonic() < deadline, self.server.log.read_text()[-3000:]
            time.sleep(0.003)

    def enough(self, rounds: int) -> bool:
        """Whether there were *rounds* kills, a third of them in the middle of a batch."""
        return self.kills >= rounds and self.halfway >= rounds // 3

    @contextmanager
    def copying(self) -> Iterator[None]:
        """Let others copy until the server is killed; what they were told of is there afterwards."""
        load = Copying(self.server, self.lists, clients=2)
        load.start(3)
        yield
        load.join()
        assert [] == load.others
        assert set(load.acknowledged) <= self.home.descriptions().keys()


def _consecutive(items: list[Item]) -> list[range]:
    """Return the ids of *items* in runs."""
    runs: list[range] = []
    for did_id in sorted(item.did_id for item in items):
        if runs and runs[-1].stop == did_id:
            runs[-1] = range(runs[-1].start, did_id + 1)
        else:
            runs.append(range(did_id, did_id + 1))
    return runs


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Crashes]]:
    """Starts a server on a database of a kind."""
    with ExitStack() as stack:

        def start(kind: str, victim: str) -> Crashes:
            url = f"sqlite:///{tmp_path}/didier.db"
            if kind != "sqlite":
                url = vicidial(request.getfixturevalue("database"), kind)
            server = Didier(
                tmp_path,
                "--demo",
                "--database",
                url,
                environment={"DIDIER_RATE_LIMIT": "0", "DIDIER_LEASE_SECONDS": "1"},
            ).start()
            stack.callback(server.stop)
            home = Home(url)
            stack.callback(home.engine.dispose)
            home.mark_source()
            if victim == "didier":
                return Crashes(server, home, server.kill, server.start, kind != "MyISAM")
            database = request.getfixturevalue("database")
            return Crashes(server, home, lambda: _restart(database, home), lambda: None, kind != "MyISAM")

        yield start


def _restart(database: MariaDB, home: Home) -> None:
    """Kill the database and start it again; repair a table that MyISAM has left damaged, as one has to."""
    database.kill()
    database.start()
    with home.engine.begin() as conn:
        conn.exec_driver_sql("REPAIR TABLE vicidial_inbound_dids")


@pytest.mark.parametrize(
    ("kind", "rounds"), [("sqlite", ROUNDS // 2), ("InnoDB", ROUNDS - ROUNDS // 2), ("MyISAM", MYISAM_ROUNDS)]
)
def test_the_server_is_killed(made, kind, rounds):
    """However often, each batch is made, or undone, as if nothing had happened."""
    crashes = made(kind, "didier")
    for number, (order, existing) in enumerate(orders()):
        with crashes.copying() if number % 3 == 2 else nullcontext():
            batch_id = crashes.copy(order, existing)
        if crashes.home.batch(batch_id)["state"] == "done":
            crashes.undo(batch_id, force=number % 2 == 0)
        assert "ok" == crashes.home.integrity()
        if crashes.enough(rounds):
            return


@pytest.mark.parametrize("kind", ["InnoDB", "MyISAM"])
def test_the_database_is_killed(made, kind):
    """The server goes on by itself with the batch that it was at."""
    crashes = made(kind, "database")
    for number, (order, existing) in enumerate(orders()):
        batch_id = crashes.copy(order, existing)
        if crashes.home.batch(batch_id)["state"] == "done":
            crashes.undo(batch_id, force=number % 2 == 0)
        if crashes.enough(DATABASE_ROUNDS):
            return
