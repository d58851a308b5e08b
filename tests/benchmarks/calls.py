"""Measures how fast calls find their way, by FastAGI: decided, with their log rows on the disk."""

import json
import re
import signal
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from databases import PLACES, grow, prepared
from rows import Options, Row, alone, compared
from servers import didier, mariadb, workplace

from support.mariadb import MariaDB, free_port

AT_ONCE = (1, 8, 64)
SIZE = 1_000_000
PERL = 24.0
"""Calls a second of VICIdial's own script, which starts Perl for each; given, with two cores."""


def on_sqlite(options: Options) -> Iterator[Row]:
    """Calls to DIDs of an embedded database."""
    with workplace() as directory:
        url = f"sqlite:///{directory}/didier.db"
        size = _grown(url, options.largest)
        with _routing(directory, url) as (_, port):
            yield from _measured(options, port, "SQLite", size)


def on_mariadb(options: Options) -> Iterator[Row]:
    """The same with MariaDB and InnoDB: without a replica, beside its passes, and by it."""
    with workplace() as directory, mariadb() as server:
        url = server.database()
        size = _grown(url, options.mariadb_largest)
        with _routing(directory, url, DIDIER_AGI_REPLICA="false") as (_, port):
            yield from _measured(options, port, "MariaDB", size)
        with _routing(directory, url) as (web, port):
            began = time.monotonic()
            _until_complete(web)
            filled = time.monotonic() - began
            yield alone(f"calls: the replica is complete, {size:,} DIDs", "s", [filled])
            yield from _measured(options, port, "MariaDB with a replica", size)
            with _away(server):
                yield from _measured(options, port, "the replica", size)


def _grown(url: str, largest: int) -> int:
    size = min(SIZE, largest)
    prepared(url).dispose()
    grow(url, 0, size)
    return size


@contextmanager
def _routing(directory: Path, url: str, **settings: str) -> Iterator[tuple[int, int]]:
    """Run Didier; yield its ports for the web and for calls."""
    port = free_port()
    with didier(directory, url, DIDIER_AGI_PORT=str(port), **settings) as (_, web):
        yield web, port


def _until_complete(port: int) -> None:
    """Wait until the replica has had everything: the figure of its DIDs is that of the passes that ended."""
    while True:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            if not re.search(r"^didier_replica_age_seconds NaN$", answer.read().decode(), re.MULTILINE):
                return
        time.sleep(0.2)


@contextmanager
def _away(server: MariaDB) -> Iterator[None]:
    """Stop MariaDB while this lasts."""
    assert server.process
    server.process.send_signal(signal.SIGSTOP)
    yield
    server.process.send_signal(signal.SIGCONT)


def _measured(options: Options, port: int, home: str, size: int) -> Iterator[Row]:
    for calls in AT_ONCE:
        seconds = options.seconds / options.rounds
        _play(port, calls, seconds, size)  # what is read the first time, or waits for an answer in vain
        rounds = [_play(port, calls, seconds, size) for _ in range(options.rounds)]
        name = f"calls, {calls} at once, {home}, {size:,} DIDs"
        rates = [(played["rate"], PERL) for played in rounds]
        yield compared(name, "/s", rates, "VICIdial's script, as given")
        yield alone(f"{name}: half of them", "ms", [statistics.median(p["took"]) for p in rounds])
        yield alone(f"{name}: 99 of 100", "ms", [_of_100(p["took"], 99) for p in rounds])


def _play(port: int, calls: int, seconds: float, size: int) -> dict:
    script = str(Path(__file__).with_name("playing.py"))
    arguments = [port, calls, seconds, PLACES, 2, size]
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _of_100(took: list[float], place: int) -> float:
    return statistics.quantiles(took, n=100)[place - 1] if len(took) > 1 else took[0]
