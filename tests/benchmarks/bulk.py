"""Measures large batches: rate beside a bare ``INSERT … SELECT``, memory, and what others notice of them."""

import base64
import http.client
import json
import statistics
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

from servers import didier, memory, workplace
from sqlalchemy.engine import Engine

from didier.services import demo
from didier.storage import blocks, dids, migrations
from didier.storage.database import open_engine
from didier.storage.statements import run
from didier.storage.tables import DIDS, vicidial_tables
from support.mariadb import running_mariadb
from support.server import PATH, TUTORIAL

FIRST = 18_002_000_000
SOURCE = "18001234567"
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"admin:1234").decode()}
ROUNDS = 3
REQUESTS = 400
SPARSE = 40

Row = tuple[str, ...]


class Client:
    """One connection to a server."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)

    def send(self, method: str, path: str, body: object = None) -> tuple[int, bytes]:
        """Send a request to the JSON API; return status and body."""
        content = None if body is None else json.dumps(body)
        headers = {**LOGIN, "Content-Type": "application/json"}
        self._connection.request(method, f"/api/v1{path}", content, headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def copy(self, target: str) -> float:
        """Copy the tutorial's DID by the Non-Agent API; return the seconds it took."""
        query = urlencode({**TUTORIAL, "new_did_pattern": target})
        began = time.perf_counter()
        self._connection.request("GET", f"{PATH}?{query}")
        answer = self._connection.getresponse().read()
        took = time.perf_counter() - began
        assert answer.startswith(b"SUCCESS"), answer
        return took


def order(client: Client, count: int, first: int = FIRST) -> tuple[int, float]:
    """Order the copy of *count* numbers; return the batch's id and the seconds until it was taken in."""
    began = time.perf_counter()
    body = {"source": SOURCE, "ranges": [f"{first}-{first + count - 1}"]}
    status, answer = client.send("POST", "/copies", body)
    taken_in = time.perf_counter() - began
    assert status == 202, answer
    return json.loads(answer)["id"], taken_in


def wait(client: Client, batch_id: int, state: str = "done") -> None:
    """Watch a batch until it ends."""
    _, events = client.send("GET", f"/batches/{batch_id}/events")
    last = json.loads(events.rsplit(b"data: ", 1)[1])
    assert last["state"] == state, last


def prepared(url: str) -> Engine:
    """Return a database like the server's."""
    engine = open_engine(url, create=True)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
    if url.startswith("mysql"):
        with engine.begin() as conn:
            conn.exec_driver_sql(f"ALTER TABLE {DIDS} ENGINE=InnoDB")
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, datetime.now())
    return engine


def bare(engine: Engine, count: int) -> float:
    """Return the seconds that one ``INSERT … SELECT`` of the same rows takes, commit included."""
    with engine.connect() as conn:
        with conn.begin():
            names = [name for name in dids.images(conn, [1])[1] if name not in blocks.NO_VALUES]
        columns = ", ".join(f"`{name}`" for name in names)
        values = ", ".join(f"s.`{name}`" for name in names)
        last = FIRST + count - 1
        if engine.dialect.name == "sqlite":
            numbers = (
                f"WITH RECURSIVE q(n) AS (SELECT {FIRST} UNION ALL SELECT n + 1 FROM q WHERE n < {last})"
            )
            insert = (
                f"{numbers} INSERT INTO {DIDS} (did_pattern, {columns}) SELECT CAST(q.n AS TEXT), {values}"
            )
            source = "q"
        else:
            insert = f"INSERT INTO {DIDS} (did_pattern, {columns}) SELECT q.seq, {values}"
            source = f"seq_{FIRST}_to_{last} AS q"
        began = time.perf_counter()
        with conn.begin():
            run(conn, f"{insert} FROM {source} CROSS JOIN {DIDS} AS s WHERE s.did_id = 1")
        return time.perf_counter() - began


def rates(name: str, count: int, directory: Path, url: str, bare_url: str) -> Iterator[Row]:
    """Measure one large batch in a new database, and the bare statement in another."""
    prepared(url).dispose()
    with didier(directory, url) as (pid, port):
        client = Client(port)
        client.send("GET", "/batches")
        idle = memory(pid)
        began = time.perf_counter()
        batch_id, taken_in = order(client, count)
        wait(client, batch_id)
        took = time.perf_counter() - began
        more = memory(pid, "VmHWM") - idle
        began = time.perf_counter()
        status, answer = client.send("POST", f"/batches/{batch_id}/undo", {})
        assert status == 202, answer
        wait(client, batch_id, "undone")
        undone = time.perf_counter() - began
    engine = prepared(bare_url)
    reference = bare(engine, count)
    engine.dispose()
    yield (
        name,
        f"{count / took:,.0f}/s",
        f"INSERT … SELECT {count / reference:,.0f}/s",
        f"{reference / took:.1%}",
        "70 %",
    )
    yield f"{name}: memory above idle", f"{more:.0f} MB", f"idle {idle:.0f} MB", "", "150 MB"
    yield f"{name}: request to 202", f"{taken_in * 1000:.1f} ms", "", "", ""
    yield f"{name}: undone", f"{count / undone:,.0f}/s", "", "", ""


def median(rows: list[list[Row]]) -> Iterator[Row]:
    """Yield of each row that of the round whose ratio, or value, is in the middle."""
    for same in zip(*rows, strict=True):
        yield sorted(
            same, key=lambda row: float((row[3] or row[1]).split()[0].strip("%/s").replace(",", ""))
        )[len(same) // 2]


def sqlite(_: float) -> Iterator[Row]:
    """A million targets by range, on SQLite."""
    rounds = []
    for _ in range(ROUNDS):
        with workplace() as directory:
            urls = (f"sqlite:///{directory}/{name}.db" for name in ("didier", "bare"))
            rounds.append(list(rates("1,000,000 targets, SQLite", 1_000_000, directory, *urls)))
    yield from median(rounds)


def mariadb(_: float) -> Iterator[Row]:
    """The same of 200,000, on MariaDB with InnoDB."""
    rounds = []
    with workplace() as directory, running_mariadb(on_disk=True) as server:
        for _ in range(ROUNDS):
            urls = server.database(), server.database()
            rounds.append(list(rates("200,000 targets, MariaDB/InnoDB", 200_000, directory, *urls)))
    yield from median(rounds)


def latency(_: float) -> Iterator[Row]:
    """What a copy by the Non-Agent API takes while a large batch runs: asked again and again, and seldom."""
    with workplace() as directory, didier(directory) as (_, port):
        client = Client(port)
        calm = statistics.median(client.copy(f"91{number:07}") for number in range(REQUESTS))
        calm_seldom = statistics.median(_seldom(client, 94))
        busy: list[float] = []
        seldom: list[float] = []
        watcher = Client(port)
        batch_id, _ = order(watcher, 1_000_000)
        watching = threading.Thread(target=wait, args=(watcher, batch_id))
        watching.start()
        seldom += _seldom(client, 95)
        number = 0
        while watching.is_alive() and number < REQUESTS * 10:
            busy.append(client.copy(f"92{number:07}"))
            number += 1
        beside = "beside a million-row batch"
        yield _latency(f"copy_did {beside}", busy, calm)
        yield _latency(f"one every 50 ms, {beside}", seldom, calm_seldom)
        watching.join()


def _seldom(client: Client, prefix: int) -> list[float]:
    found = []
    for number in range(SPARSE):
        time.sleep(0.05)
        found.append(client.copy(f"{prefix}{number:07}"))
    return found


def _latency(name: str, found: list[float], calm: float) -> Row:
    middle = statistics.median(found)
    without = f"without it {calm * 1000:.2f} ms"
    return name, f"{middle * 1000:.2f} ms", without, f"{middle / calm:.1f}", "under 3"
