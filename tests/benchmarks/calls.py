"""Measures how fast calls find their way, by FastAGI: decided, with their log rows on the disk."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from databases import PLACES, grow, prepared
from rows import Options, Row, alone, compared
from servers import didier, mariadb, workplace

from support.mariadb import free_port

AT_ONCE = (1, 8, 64)
SIZE = 1_000_000
PERL = 24.0
"""Calls a second of VICIdial's own script, which starts Perl for each; given, with two cores."""


def on_sqlite(options: Options) -> Iterator[Row]:
    """Calls to DIDs of an embedded database."""
    with workplace() as directory:
        yield from _measured(
            options, "SQLite", options.largest, directory, f"sqlite:///{directory}/didier.db"
        )


def on_mariadb(options: Options) -> Iterator[Row]:
    """The same with MariaDB and InnoDB."""
    with workplace() as directory, mariadb() as server:
        yield from _measured(options, "MariaDB", options.mariadb_largest, directory, server.database())


def _measured(options: Options, home: str, largest: int, directory: Path, url: str) -> Iterator[Row]:
    size = min(SIZE, largest)
    prepared(url).dispose()
    grow(url, 0, size)
    port = free_port()
    with didier(directory, url, DIDIER_AGI_PORT=str(port)):
        for calls in AT_ONCE:
            seconds = options.seconds / options.rounds
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
