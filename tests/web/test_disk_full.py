"""No room on the disk: nobody is told that a copy was made which was not, and all goes on when there is."""

import base64
import itertools
import json
import sys
from collections.abc import Iterator

import pytest

from support.disks import Disk, small_disk
from support.load import Copying, new_targets
from support.measurements import note
from support.process import until
from support.server import Didier
from web.admin.conftest import Browser
from web.test_crash import EACH, check

FULL = "ERROR: THE DISK OF THE DATABASE IS FULL, NOTHING WAS CHANGED, TRY AGAIN WHEN THERE IS ROOM\n"
SOURCE = "18001234567"
SIGN_IN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
JSON = {**SIGN_IN, "Content-Type": "application/json"}
RANGE = 80_000


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    """A disk with room for some thousand DIDs."""
    with small_disk(tmp_path / "disk", 16) as disk:
        yield disk


@pytest.fixture
def served(tmp_path, disk) -> Iterator[Didier]:
    """A server whose database is on that disk."""
    server = Didier(tmp_path, "--demo", "--database", f"sqlite:///{disk.path}/didier.db")
    server.database = disk.path / "didier.db"
    yield server.start()
    server.kill()


def lines(server, *events):
    logged = [json.loads(line) for line in server.logged().splitlines() if line.startswith("{")]
    return [line for line in logged if line["event"] in events]


def batch(server, batch_id):
    return json.loads(server.request("GET", f"/api/v1/batches/{batch_id}", headers=SIGN_IN)[1])


def filled(server, disk):
    """Copy until the disk that is filled meanwhile takes no more; return what was acknowledged."""
    load = Copying(server, new_targets(EACH))
    load.start(100)
    disk.fill()
    load.join()

    assert [(503, FULL)] * load.clients == load.others
    return load.acknowledged


def use_up(server):
    """Copy number after number until not even readiness finds a page for what it stores.

    SQLite's log, begun again from its start, has room of its own left where a whole group found none.
    """
    numbers = itertools.count(7_780_000)

    def is_used_up():
        body = json.dumps({"source": SOURCE, "targets": [str(next(numbers))]})
        copied = server.exchange("POST", "/api/v1/copies", body, JSON)
        return 503 == copied.status and 503 == server.get("/readyz")[0]

    until(is_used_up)


def test_a_full_disk_loses_nothing_acknowledged(served, disk):
    """Every client is told that the disk is full; what was acknowledged is there whole, and nothing else."""
    acknowledged = filled(served, disk)
    listed = served.request("GET", "/api/v1/dids?limit=1", headers=SIGN_IN)[0]
    disk.free()
    again = new_targets(EACH)
    more = [target for _ in range(2) for target in next(again)]
    more = [f"7{target[1:]}" for target in more]
    answers = [served.tutorial(target=",".join(more[place : place + EACH])) for place in (0, EACH)]

    assert 200 == listed
    assert [EACH, EACH] == [answer.count("SUCCESS: ") for answer in answers]
    assert sorted([SOURCE, *acknowledged, *more]) == sorted(served.patterns())
    note("disk full while copies are made, SQLite", 1, len(acknowledged), 0)
    check(served.database, [*acknowledged, *more])


def test_every_api_says_that_the_disk_is_full(served, disk):
    """The JSON API and the panel answer with a problem, readiness with 503; the panel's pages are shown."""
    browser = Browser(served)
    browser.sign_in()
    filled(served, disk)
    use_up(served)
    body = json.dumps({"source": SOURCE, "targets": ["7771"]})
    problem = served.exchange("POST", "/api/v1/copies", body, JSON)
    ready = served.get("/readyz")
    old = served.exchange("GET", "/vicidial/non_agent_api.php?function=copy_did&user=admin&pass=1234"
                                 "&source=test&source_did_pattern=18001234567&new_dids=7771")  # fmt: skip

    page = browser.get("/admin/dids")
    copied = browser.send("POST", "/copies", body)

    assert (200, 503, problem.text) == (page.status, copied.status, copied.text)
    assert (503, "5") == (problem.status, problem.headers["retry-after"])
    assert "/problems/disk-full" == json.loads(problem.text)["type"]
    assert (503, "5", FULL) == (old.status, old.headers["retry-after"], old.text)
    assert (503, "not ready: the disk of the database is full") == (ready[0], ready[1].partition(",")[0])


def test_the_log_says_once_that_the_disk_is_full(served, disk):
    """However many requests fail, one line says why and what to do, and one that it is over.

    SQLite's log, begun again from its start, may have room for one more group while the disk is full: then it
    was over for a moment, and both are said again.
    """
    filled(served, disk)
    disk.free()
    ready = served.get("/readyz")  # who asks finds out that it is over

    said = [line["event"] for line in lines(served, "database_unavailable", "database_available")]
    full = lines(served, "database_unavailable")
    assert (200, "ready\n") == ready
    assert ["database_unavailable", "database_available"] * len(full) == said
    assert {"free some space on the disk of the database"} == {
        line["repair"].partition(";")[0] for line in full
    }
    assert [] == lines(served, "order_failed")
    assert "Traceback" not in served.logged()


@pytest.mark.parametrize("mode", ["atomic", "best_effort"])
def test_a_large_batch_waits_for_room(served, disk, mode):
    """It is running still while there is no room, and goes on by itself; every row is made once."""
    body = json.dumps({"source": SOURCE, "ranges": [f"18100000000-181000{RANGE - 1:05}"], "mode": mode})
    answer = served.exchange("POST", "/api/v1/copies", body, JSON)
    batch_id = json.loads(answer.text)["id"]
    until(lambda: lines(served, "batches_wait"))
    halfway = batch(served, batch_id)
    disk.resize(200)
    until(lambda: batch(served, batch_id)["state"] == "done")

    assert (202, "running") == (answer.status, halfway["state"])
    assert 0 < halfway["totals"]["added"] < RANGE
    assert RANGE == batch(served, batch_id)["totals"]["added"]
    assert [SOURCE, *(f"181000{number:05}" for number in range(RANGE))] == served.patterns()
    assert [] == lines(served, "batch_failed")


def test_no_room_for_temporary_files(tmp_path, disk):
    """A preview that finds no room for its temporary files says so; it works when there is."""
    environment = {"SQLITE_TMPDIR": str(disk.path)}  # which SQLite reads as soon as it is loaded
    server = Didier(tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db",
                    environment=environment, python=sys.executable).start()  # fmt: skip
    # A quarter of them would fit into what SQLite keeps in memory.
    body = "\n".join(str(18_100_000_000 + 7 * number) for number in range(200_000))
    path, headers = f"/api/v1/copies?source={SOURCE}&dry_run=true", {**SIGN_IN, "Content-Type": "text/plain"}
    try:
        disk.fill()
        refused = server.exchange("POST", path, body, headers)
        disk.free()
        taken = server.exchange("POST", path, body, headers)
    finally:
        server.stop()

    assert (503, "/problems/disk-full") == (refused.status, json.loads(refused.text)["type"])
    assert "the disk of temporary files is full" in json.loads(refused.text)["detail"]
    assert 200 == taken.status
