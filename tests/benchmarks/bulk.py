"""Measures large batches: rate beside a bare ``INSERT … SELECT``, memory, and what others notice of them."""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from asking import Client, order, wait
from databases import bare, prepared
from rows import Options, Row, alone, at_least_times, at_most, at_most_times, compared
from servers import didier, mariadb, memory, workplace

COUNT = 1_000_000
REQUESTS = 400
SPARSE = 40

Measured = dict[str, float]


def on_sqlite(options: Options) -> Iterator[Row]:
    """A million targets by range, on SQLite."""
    count = min(COUNT, options.largest)
    found = []
    for _ in range(options.rounds):
        with workplace() as directory:
            urls = [f"sqlite:///{directory}/{name}.db" for name in ("didier", "bare")]
            found.append(_batch(count, directory, *urls))
    yield from _rows(f"{count:,} targets, SQLite", count, found)


def on_mariadb(options: Options) -> Iterator[Row]:
    """The same on MariaDB with InnoDB."""
    count = min(COUNT, options.mariadb_largest)
    with workplace() as directory, mariadb() as server:
        found = [
            _batch(count, directory, server.database(), server.database()) for _ in range(options.rounds)
        ]
    yield from _rows(f"{count:,} targets, MariaDB", count, found)


def _batch(count: int, directory: Path, url: str, bare_url: str) -> Measured:
    """Measure one large batch in a new database, and the bare statement in another."""
    found: Measured = {}
    prepared(url).dispose()
    with didier(directory, url) as (pid, port):
        client = Client(port)
        client.send("GET", "/batches")
        found["idle"] = memory(pid)
        began = time.perf_counter()
        batch_id, found["taken in"] = order(client, count)
        wait(client, batch_id)
        found["seconds"] = time.perf_counter() - began
        found["more"] = memory(pid, "VmHWM") - found["idle"]
        began = time.perf_counter()
        status, answer = client.send("POST", f"/batches/{batch_id}/undo", {})
        assert status == 202, answer
        wait(client, batch_id, "undone")
        found["undo"] = time.perf_counter() - began
    engine = prepared(bare_url)
    found["bare"] = bare(engine, count)
    engine.dispose()
    return found


def _rows(name: str, count: int, found: list[Measured]) -> Iterator[Row]:
    rates = [(count / one["seconds"], count / one["bare"]) for one in found]
    yield compared(name, "/s", rates, "bare INSERT … SELECT", at_least_times(0.7))
    yield alone(f"{name}: memory above idle", "MB", [one["more"] for one in found], at_most(150))
    yield alone(f"{name}: request to 202", "ms", [one["taken in"] * 1000 for one in found])
    yield alone(f"{name}: undone", "/s", [count / one["undo"] for one in found])


def latency(options: Options) -> Iterator[Row]:
    """What a copy by the Non-Agent API takes while a large batch runs: asked again and again, and seldom."""
    count = min(COUNT, options.largest)
    with workplace() as directory, didier(directory) as (_, port):
        client = Client(port)
        calm = [client.copy(f"91{number:07}") for number in range(REQUESTS)]
        calm_seldom = _seldom(client, 94)
        watcher = Client(port)
        batch_id, _ = order(watcher, count)
        watching = threading.Thread(target=wait, args=(watcher, batch_id))
        watching.start()
        seldom = _seldom(client, 95)
        busy: list[float] = []
        while watching.is_alive() and len(busy) < REQUESTS * 10:
            busy.append(client.copy(f"92{len(busy):07}"))
        watching.join()
    beside = f"beside a batch of {count:,}"
    yield _latency(f"copy_did {beside}", busy, calm)
    yield _latency(f"copy_did every 50 ms, {beside}", seldom, calm_seldom)


def _seldom(client: Client, prefix: int) -> list[float]:
    found = []
    for number in range(SPARSE):
        time.sleep(0.05)
        found.append(client.copy(f"{prefix}{number:07}"))
    return found


def _latency(name: str, busy: list[float], calm: list[float]) -> Row:
    pair = statistics.median(busy) * 1000, statistics.median(calm) * 1000
    return compared(name, "ms", [pair], "without it", at_most_times(3))
