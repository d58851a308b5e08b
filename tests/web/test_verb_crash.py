"""kill -9 during imports, updates, deletions, copies and undo: each is whole or not there, on every home.

Meanwhile another program takes some of the numbers, so that an import that is all or nothing is refused.
"""

import base64
import itertools
import json
import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from didier.storage.database import open_engine, reading
from didier.storage.tables import vicidial_tables
from support.homes import vicidial
from support.mariadb import MariaDB, running_mariadb
from support.measurements import note
from support.server import Didier

ROUNDS = int(os.environ.get("VERB_CRASH_ROUNDS", "2"))
CLIENTS = 3
SOURCE = "18001234567"
POOL = 200
"""Numbers of each client that are imported, updated and deleted again and again."""

FRESH = 120
"""Numbers of an import or a copy that were never used before."""

SIGN_IN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
CSV = {**SIGN_IN, "Content-Type": "text/csv"}
JSON = {**SIGN_IN, "Content-Type": "application/json"}
OUTSIDE = "By another program"

Rows = dict[str, str]
"""Descriptions by number."""


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A database server that these tests may kill."""
    with running_mariadb() as server:
        yield server


@dataclass
class Client:
    """One who changes numbers of their own, one request after the other, and knows what must be there.

    While a request is on its way there may be what was there *before* it or *after* it, and nothing between.
    """

    name: int
    server: Didier
    home: Engine
    before: Rows = field(default_factory=dict)
    after: Rows | None = None
    contested: set[str] = field(default_factory=set)
    answered: int = 0
    error: BaseException | None = None
    last: tuple[int, Rows] | None = None  # the batch that may be undone, and what was there before it
    serial: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _fresh: Iterator[int] = field(default_factory=lambda: itertools.count(5_000_000))

    def work(self, ended: threading.Event) -> None:
        """Change numbers until the server is gone."""
        acts = (self.imports, self.imports_new, self.updates, self.deletes, self.copies, self.undoes)
        try:
            while not ended.is_set():
                random.choice(acts)()
        except (OSError, HTTPException):
            pass  # the server is gone, or its database: the request on its way was done, or was not
        except BaseException as error:
            self.error = error

    def number(self, place: int) -> str:
        return f"3{self.name}{place:08}"

    def fresh(self) -> list[str]:
        return [self.number(next(self._fresh)) for _ in range(FRESH)]

    def imports(self) -> None:
        """Import a table, some of whose numbers are there."""
        numbers = random.sample([self.number(place) for place in range(POOL)], POOL // 2)
        text = f"Import {next(self.serial)}"
        self._import(dict.fromkeys(numbers, text), "update")

    def imports_new(self) -> None:
        """Import numbers of which another program takes one, or is too late."""
        wanted = dict.fromkeys(self.fresh(), f"Import {next(self.serial)}")
        taken = random.choice(list(wanted))
        self.contested.add(taken)
        taking = threading.Timer(random.uniform(0, 0.02), self._take, [taken])
        taking.start()
        self._import(wanted, "refuse")
        taking.join()

    def _take(self, number: str) -> None:
        values = {"did_pattern": number, "did_description": OUTSIDE}
        with suppress(DBAPIError), self.home.begin() as conn:
            conn.execute(sa.insert(vicidial_tables().tables["vicidial_inbound_dids"]).values(values))

    def _import(self, wanted: Rows, existing: str) -> None:
        body = "did_pattern,did_description\n" + "".join(f"{n},{text}\n" for n, text in wanted.items())
        self.after = self.before | wanted
        status, text = self.server.request("POST", f"/api/v1/imports?existing={existing}", body, CSV)
        if self._answered(status, {201}, {409}, text) == 201:
            self.last = json.loads(text)["batch"], self._earlier
        else:
            assert existing == "refuse", text

    def updates(self) -> None:
        """Describe a number otherwise."""
        if number := self._one():
            text = f"Update {next(self.serial)}"
            self.after = self.before | {number: text}
            body = json.dumps({"did_description": text})
            self._answered(*self._request("PATCH", f"/api/v1/dids/{number}", body))

    def deletes(self) -> None:
        """Delete a number."""
        if number := self._one():
            self.after = {n: text for n, text in self.before.items() if n != number}
            status, text = self.server.request("DELETE", f"/api/v1/dids/{number}", "", SIGN_IN)
            if self._answered(status, {204}, set(), text) == 204:
                status, text = self.server.request("GET", f"/api/v1/dids/{number}/history", "", SIGN_IN)
                if status == 200:  # or the database is gone by now
                    self.last = json.loads(text)["items"][0]["batch_id"], self._earlier

    def copies(self) -> None:
        """Copy the tutorial's DID to numbers that are free."""
        numbers, text = self.fresh(), f"Copy {next(self.serial)}"
        self.after = self.before | dict.fromkeys(numbers, text)
        body = json.dumps({"source": SOURCE, "targets": numbers, "overrides": {"did_description": text}})
        status, answer = self.server.request("POST", "/api/v1/copies", body, JSON)
        self._answered(status, {201}, set(), answer)

    def undoes(self) -> None:
        """Take the last import or deletion back."""
        if self.last:
            batch_id, self.after = self.last
            self._answered(*self._request("POST", f"/api/v1/batches/{batch_id}/undo", "{}"))

    def _request(self, method: str, path: str, body: str) -> tuple[int, set[int], set[int], str]:
        status, text = self.server.request(method, path, body, JSON)
        return status, {200}, set(), text

    def _answered(self, status: int, done: set[int], refused: set[int], text: str) -> int:
        """Learn from the answer what is there."""
        if status == 503:
            raise ConnectionError(text)
        assert status in done | refused, text
        assert self.after is not None
        self._earlier, self.last = self.before, None
        if status in done:
            self.before = self.after
            self.answered += 1
        self.after = None
        return status

    def _one(self) -> str | None:
        known = [number for number in self.before if number[2:] < "05000000"]
        return random.choice(known) if known else None

    def check(self, there: Rows) -> None:
        """Check that what was acknowledged is there, and what was on its way as a whole or not at all."""
        if self.error:
            raise self.error
        mine = {n: text for n, text in there.items() if n.startswith(self.number(0)[:2])}
        taken = {n for n, text in mine.items() if text == OUTSIDE}
        assert taken <= self.contested
        mine = {n: text for n, text in mine.items() if n not in taken}
        possible = [self.before] if self.after is None else [self.before, self.after]
        assert mine in possible, (
            f"{_differences(mine, self.before)}; by another program: {sorted(taken)[-3:]}"
        )
        self.before, self.after, self.last = mine, None, None


def _differences(there: Rows, wanted: Rows) -> str:
    names = [n for n in {*there, *wanted} if there.get(n) != wanted.get(n)]
    some = {n: (there.get(n), wanted.get(n)) for n in sorted(names)[:5]}
    return f"{len(names)} of {len(wanted)} numbers are neither as before nor as after: {some}"


def rows(home: Engine) -> Rows:
    """Return the DIDs that are there, but the tutorial's."""
    with reading(home) as conn:
        found = conn.exec_driver_sql("SELECT did_pattern, did_description FROM vicidial_inbound_dids")
        return {pattern: text for pattern, text in found if pattern != SOURCE}


def logged(home: Engine) -> set[str]:
    """Return the numbers that are there by what the change log says."""
    sql = "SELECT action, did_pattern, size FROM didier_changes WHERE kind = 'did' ORDER BY change_id"
    there: set[str] = set()
    with reading(home) as conn:
        for action, first, size in conn.exec_driver_sql(sql):
            numbers = {str(int(first) + place) for place in range(size)}
            there = there - numbers if action == "deleted" else there | numbers
    return there


@pytest.mark.parametrize(
    ("kind", "victim"),
    [
        ("SQLite", "didier"),
        ("InnoDB", "didier"),
        ("MyISAM", "didier"),
        ("InnoDB", "mariadb"),
        ("MyISAM", "mariadb"),
    ],
)
def test_a_kill_leaves_nothing_half_done(kind, victim, tmp_path: Path, request):
    """Rows, change log and answers agree, whatever was going on."""
    database = None if kind == "SQLite" else request.getfixturevalue("database")
    url = vicidial(database, kind) if database else f"sqlite:///{tmp_path}/didier.db"
    environment = {"DIDIER_RATE_LIMIT": "0", "DIDIER_LEASE_SECONDS": "1"}
    server = Didier(tmp_path, "--demo", "--database", url, environment=environment).start()
    home = open_engine(url)
    clients = [Client(name, server, home) for name in range(CLIENTS)]
    try:
        for _ in range(ROUNDS):
            _crash(clients, server if victim == "didier" else database, server, home, kind)
    finally:
        server.stop()
        home.dispose()
    tried, answered = ROUNDS, sum(client.answered for client in clients)
    note(f"SIGKILL of {victim} during imports, updates, deletions, copies, undo, {kind}", tried, answered, 0)


def _crash(clients, victim, server: Didier, home: Engine, kind: str) -> None:
    """Kill at a random moment, start again, and look at what is there."""
    ended = threading.Event()
    threads = [threading.Thread(target=client.work, args=[ended]) for client in clients]
    answered = sum(client.answered for client in clients)
    for thread in threads:
        thread.start()
    _until(lambda: sum(c.answered for c in clients) >= answered + 5 or any(c.error for c in clients))
    threading.Event().wait(random.uniform(0, 0.3))  # a moment in the middle of the load
    victim.kill()
    ended.set()
    for thread in threads:
        thread.join()
    victim.start()
    if kind == "MyISAM" and victim is not server:  # as one has to when MyISAM was killed
        with home.begin() as conn:
            conn.exec_driver_sql("REPAIR TABLE vicidial_inbound_dids")
    _until(lambda: server.get("/readyz")[0] == 200)
    server.call(function="version")  # a group comes behind what puts right what was left
    there = rows(home)
    for client in clients:
        client.check(there)
    assert {n for n, text in there.items() if text != OUTSIDE} == logged(home) - {
        n for n, text in there.items() if text == OUTSIDE
    }


def _until(happened: Callable[[], bool]) -> None:
    """Wait for something, but not for ever."""
    for _ in range(6_000):
        if happened():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen")
