import itertools
import os
import random
import string
import threading
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from didier.domain.targets import in_run
from didier.storage.tables import vicidial_tables
from support.mariadb import MariaDB, running_mariadb
from support.measurements import note
from support.process import until
from support.server import PATH, Didier

ROUNDS = int(os.environ.get("LIST_CRASH_ROUNDS", "6"))
ENGINE = os.environ.get("LIST_CRASH_ENGINE", "MyISAM")
LENGTH = 4  # of the names, of which clients that are refused at once use up many
TARGETS = 2000 // (LENGTH + 1)  # as many as VICIdial's list of 2000 characters holds


@pytest.fixture(scope="module")
def database() -> Iterator[MariaDB]:
    """A MariaDB server of its own, to be killed."""
    with running_mariadb() as server:
        yield server


@pytest.fixture
def url(database: MariaDB) -> str:
    """A VICIdial database whose tables are MyISAM, as VICIdial makes them, or of the engine asked for."""
    url = database.database()
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        for table in vicidial_tables().tables:
            conn.exec_driver_sql(f"ALTER TABLE {table} ENGINE={ENGINE}")
    engine.dispose()
    return url


@pytest.fixture
def server(url: str, tmp_path) -> Iterator[Didier]:
    """A server on that database."""
    server = Didier(tmp_path, "--demo", "--database", url).start()
    yield server
    server.stop()


class Load:
    """Clients that copy to lists of numbers and write down what was acknowledged."""

    def __init__(self, server: Didier, lists: Iterator[tuple[str, ...]]) -> None:
        self.sent: list[tuple[str, ...]] = []
        self.acknowledged: list[tuple[str, ...]] = []
        self._server = server
        self._lists = lists
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._first = threading.Event()
        self._threads = [threading.Thread(target=self._work) for _ in range(3)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        assert self._first.wait(30)

    def stop(self) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while not self._end.is_set():
            with self._lock:
                targets = next(self._lists)
                self.sent.append(targets)
            query = {
                "function": "copy_did", "user": "admin", "pass": "1234", "source": "test",
                "source_did_pattern": "18001234567", "new_dids": ",".join(targets),
            }  # fmt: skip
            try:
                _, answer = self._server.get(f"{PATH}?{urllib.parse.urlencode(query)}")
            except OSError:
                return  # the server is gone
            if answer.endswith(f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|{TARGETS}|0\n"):
                self.acknowledged.append(targets)
            self._first.set()


def lists() -> Iterator[tuple[str, ...]]:
    names = map("".join, itertools.product(string.digits + string.ascii_lowercase, repeat=LENGTH))
    while batch := tuple(itertools.islice(names, TARGETS)):
        yield batch


@pytest.mark.parametrize("victim", ["didier", "mariadb"])
def test_a_kill_leaves_no_list_half_made(victim, url, database, server):
    """After a kill in the middle of long lists each is whole or not there, and the change log says which."""
    numbers, sent, acknowledged = lists(), [], []
    for _ in range(ROUNDS):
        load = Load(server, numbers)
        load.start()
        rows = database.rows(url, "vicidial_inbound_dids") if ENGINE == "MyISAM" else None
        in_the_middle(rows)
        (server if victim == "didier" else database).kill()
        load.stop()
        sent += load.sent
        acknowledged += load.acknowledged
        (server if victim == "didier" else database).start()
        server.call(function="version")  # the first call after the database is back puts it right

        check(url, sent, acknowledged)
        if ENGINE == "MyISAM":
            repair(url)  # brings back what was there and not seen
            check(url, sent, acknowledged)
    lists_made = len(acknowledged) * TARGETS
    note(f"SIGKILL of {victim} while lists of {TARGETS} are made, {ENGINE}", ROUNDS, lists_made, 0)


def in_the_middle(rows: Path | None) -> None:
    """Wait for a moment in the middle of the load: when *rows*, the file of a table, has a part of a list."""
    if rows is None:
        threading.Event().wait(random.uniform(0, 0.25))
        return
    size = rows.stat().st_size
    until(lambda: rows.stat().st_size > size, pause=0.0005)


def repair(url: str) -> None:
    """Repair the table of DIDs."""
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql("REPAIR TABLE vicidial_inbound_dids")
    engine.dispose()


def check(url: str, sent: list[tuple[str, ...]], acknowledged: list[tuple[str, ...]]) -> None:
    engine = sa.create_engine(url)
    with engine.connect() as conn:
        rows = conn.exec_driver_sql("SELECT * FROM vicidial_inbound_dids ORDER BY did_id").mappings().all()
        changes = conn.exec_driver_sql(
            "SELECT did_pattern, did_id, size FROM didier_changes WHERE kind = 'did'"
        ).all()
        left = conn.exec_driver_sql("SELECT COUNT(*) FROM didier_journal").scalar()
    engine.dispose()
    identity = {"did_id", "did_pattern", "modify_stamp"}
    source = {name: value for name, value in rows[0].items() if name not in identity}
    there = {row["did_pattern"]: row["did_id"] for row in rows[1:]}
    assert all(source == {n: v for n, v in row.items() if n not in identity} for row in rows)
    assert [] == [targets for targets in acknowledged if not there.keys() >= set(targets)]
    assert {0, TARGETS} >= {len(there.keys() & set(targets)) for targets in sent}
    assert there == {
        in_run(first, place): did_id + place for first, did_id, size in changes for place in range(size)
    }
    assert 0 == left
