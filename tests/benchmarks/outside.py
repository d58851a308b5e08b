"""Measures what it costs to look for what is done to DIDs beside Didier: passes over 1,000,000 of them."""

import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from asking import Client
from databases import grow, prepared
from rows import Options, Row, alone, at_most, at_most_times, compared
from servers import didier, mariadb, workplace

from didier.storage.changes import reconcile
from didier.storage.changes.reconcile import Pass
from didier.storage.database import open_engine, reading

MOST = 1_000_000
PASS_SECONDS, SHARE = 300, 2
"""What is promised: the longest pass, and the most percent of the time that it takes."""

ON = {"DIDIER_RECONCILE_SECONDS": "1"}
"""The next pass begins as soon as one has ended."""

OFF = {"DIDIER_RECONCILE": "false"}


def on_sqlite(options: Options) -> Iterator[Row]:
    """Passes over an embedded database."""
    size = min(MOST, options.largest)
    with workplace() as directory, workplace() as other:
        urls = f"sqlite:///{directory}/didier.db", f"sqlite:///{other}/didier.db"
        yield from _figures(options, "SQLite", urls, (directory, other), size, None)


def on_mariadb(options: Options) -> Iterator[Row]:
    """Passes over InnoDB."""
    size = min(MOST, options.mariadb_largest)
    with workplace() as directory, workplace() as other, mariadb() as server:
        assert server.process
        urls = server.database(), server.database()
        yield from _figures(options, "MariaDB", urls, (directory, other), size, server.process.pid)


def _figures(
    options: Options,
    home: str,
    urls: tuple[str, str],
    directories: tuple[Path, Path],
    size: int,
    database: int | None,
) -> Iterator[Row]:
    for url in urls:
        prepared(url).dispose()
        grow(url, 0, size)
    url = urls[0]
    suffix = f", {home}, {size:,} DIDs"
    with didier(directories[0], url, **ON) as (pid, _):
        began = time.perf_counter()
        first = _next(url, None)
        yield alone(f"learning what there is{suffix}", "s", [time.perf_counter() - began])
        before, began = _processor(pid, database), time.perf_counter()
        _next(url, first)
        taken = time.perf_counter() - began
        yield alone(f"a pass{suffix}", "s", [taken], at_most(PASS_SECONDS))
        percent = 100 * (_processor(pid, database) - before) / taken
        yield alone(f"processor during it{suffix}", "%", [percent], at_most(SHARE))
    yield from _latency(options, urls, directories, suffix)


def _latency(
    options: Options, urls: tuple[str, str], directories: tuple[Path, Path], suffix: str
) -> Iterator[Row]:
    """Copy in turn at two servers, of which one looks through its DIDs and the other does not."""
    with didier(directories[0], urls[0], **ON) as (_, on), didier(directories[1], urls[1], **OFF) as (_, off):
        clients = Client(on), Client(off)
        pairs = []
        for turn in range(options.rounds):
            taken = _copied(clients, f"7{turn}", options.seconds)
            pairs.append((taken[::2], taken[1::2]))
    for name, part in (("median", 0.5), ("p99", 0.99)):
        compared_pairs = [(_part(on, part), _part(off, part)) for on, off in pairs]
        target = at_most_times(1.1) if name == "median" else None
        yield compared(f"copy_did during passes, {name}{suffix}", "ms", compared_pairs, "without", target)


def _copied(clients: tuple[Client, Client], prefix: str, seconds: float) -> list[float]:
    """Return the milliseconds that each copy takes, at either of *clients* in turn, for *seconds*."""
    taken: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        taken += [client.copy(f"{prefix}{len(taken):07}") * 1000 for client in clients]
    return taken


def _part(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)] if part != 0.5 else statistics.median(values)


def _next(url: str, before: Pass | None) -> Pass:
    """Wait until another pass than the one *before* is complete; return it."""
    engine = open_engine(url)
    while True:
        with reading(engine) as conn:
            found = reconcile.last_pass(conn)
        if found and found != before:
            engine.dispose()
            return found
        time.sleep(0.2)


def _processor(*pids: int | None) -> float:
    """Return the seconds of the processor that processes have taken."""
    ticks = 0
    for pid in pids:
        if pid:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
