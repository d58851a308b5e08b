"""kill -9 in the middle of large batches: totals, items and rows agree, and each batch ends as it must."""

import json
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.crashing import LEFT, MOST_SECONDS, SOURCE, Crashing, Item, crashing
from support.load import Copying
from support.mariadb import MariaDB, running_mariadb

ROUNDS = int(os.environ.get("BATCH_CRASH_ROUNDS", "50"))
"""Kills of the server, over both databases."""

MYISAM_ROUNDS = int(os.environ.get("BATCH_CRASH_MYISAM_ROUNDS", "6"))
DATABASE_ROUNDS = int(os.environ.get("BATCH_CRASH_DATABASE_ROUNDS", "3"))
"""Kills of the database server, with each of its storage engines."""


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A database server that these tests may kill."""
    with running_mariadb() as server:
        yield server


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


class Crashes(Crashing):
    """Copies of many targets, and their undo, in which something is killed."""

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
            assert batch["failure"].startswith(("some targets are not possible", "a target that was free"))
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
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str, str], Crashes]]:
    """Starts a server on a database of a kind."""
    with ExitStack() as stack:
        yield lambda kind, victim: stack.enter_context(
            crashing(Crashes, kind, victim, tmp_path, lambda: request.getfixturevalue("database"))
        )


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
