"""Measures durable copies of the Non-Agent API beside a bare HTTP server, on one process and several."""

import dataclasses
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import writer
from databases import prepared
from rows import Options, Row, Target, alone, at_least_times, compared
from servers import bare_server, didier, mariadb, workplace
from wrk import Load, together, wrk

from didier.storage.database import open_engine
from didier.storage.statements import scalar
from didier.storage.tables import DIDS, vicidial_tables

CONNECTIONS = (1, 8, 32, 128)
PROCESSES = 4
WARM_UP = 2

PHP = 340
"""Replies per second of VICIdial's ``non_agent_api.php``, with Apache and MariaDB on 2 cores: a given figure.

It was measured earlier on another machine of this size. VICIdial is not part of this repository.
"""


def on_sqlite(options: Options) -> Iterator[Row]:
    """Copies into an embedded database; at 32 connections also beside the driver alone."""
    with workplace() as directory:
        yield from _rates(options, directory, f"sqlite:///{directory}/didier.db", "SQLite")
    with workplace() as directory, didier(directory, f"sqlite:///{directory}/didier.db") as (_, port):
        wrk(port, 8, WARM_UP, "0")
        pairs = [
            (wrk(port, 32, options.seconds, f"{round_}").rate, writer.rate(options.seconds))
            for round_ in range(1, options.rounds + 1)
        ]
    name = "durable copy_did, SQLite, 32 connections, beside the writer"
    reference = "bare writer: the six rows of release 0.1, groups of 32"
    yield compared(name, "/s", pairs, reference, at_least_times(0.6))


def on_mariadb(options: Options) -> Iterator[Row]:
    """Copies into MariaDB with InnoDB."""
    with workplace() as directory, mariadb() as server:
        url = server.database()
        prepared(url).dispose()
        yield from _rates(options, directory, url, "MariaDB")


def on_myisam(options: Options) -> Iterator[Row]:
    """Copies into VICIdial's default tables, which know no transactions."""
    with workplace() as directory, mariadb() as server:
        url = server.database()
        engine = prepared(url)
        with engine.begin() as conn:
            for table in vicidial_tables().tables:
                conn.exec_driver_sql(f"ALTER TABLE {table} ENGINE=MyISAM")
        engine.dispose()
        yield from _rates(options, directory, url, "MariaDB/MyISAM", (32,))


def _rates(
    options: Options, directory: Path, url: str, home: str, among: tuple[int, ...] = CONNECTIONS
) -> Iterator[Row]:
    """Measure Didier and the bare server in turn, so that both see the same machine."""
    with bare_server(directory) as (_, bare), didier(directory, url) as (_, port):
        replies = wrk(port, 8, WARM_UP, "0").replies
        wrk(bare, 8, WARM_UP, "0")
        for connections in among:
            rounds: list[tuple[Load, Load]] = []
            for round_ in range(1, options.rounds + 1):
                prefix = f"{round_}{connections:03}"
                asked = {bare: "0", port: prefix} if round_ % 2 else {port: prefix, bare: "0"}
                told = {to: wrk(to, connections, options.seconds, what) for to, what in asked.items()}
                rounds.append((told[port], told[bare]))
            replies += sum(own.replies for own, _ in rounds)
            yield from _rows(home, connections, rounds)
    _check(url, replies)


def _rows(home: str, connections: int, rounds: list[tuple[Load, Load]]) -> Iterator[Row]:
    one = "1 connection" if connections == 1 else f"{connections} connections"
    name = f"durable copy_did, {home}, {one}"
    pairs = [(own.rate, bare.rate) for own, bare in rounds]
    promised = connections == 32 and home == "SQLite"
    yield compared(name, "/s", pairs, "bare server", at_least_times(0.25) if promised else None)
    yield alone(f"{name}: p99", "ms", [own.p99 for own, _ in rounds])
    if connections == 32:
        row = compared(
            name, "/s", [(rate, PHP) for rate, _ in pairs], "VICIdial's PHP, given, not measured here"
        )
        target = Target(20, ratio=True) if promised else None
        yield dataclasses.replace(row, name=f"{name}, beside VICIdial", target=target)


def _check(url: str, replies: int) -> None:
    """Look whether every DID is there that was acknowledged."""
    engine = open_engine(url)
    with engine.begin() as conn:
        there = scalar(conn, f"SELECT count(*) FROM {DIDS}")
    engine.dispose()
    assert there >= replies, f"{replies} copies were acknowledged, {there} DIDs are there"


def processes(options: Options) -> Iterator[Row]:
    """Copies by several server processes on one MariaDB, the clients spread over them."""
    connections = 64
    with workplace() as directory, mariadb() as server, ExitStack() as running:
        url = server.database()
        prepared(url).dispose()
        ports = [running.enter_context(didier(directory, url))[1] for _ in range(PROCESSES)]
        replies = sum(load.replies for load in together(ports, connections, WARM_UP, "0"))
        rates: dict[int, list[float]] = {count: [] for count in range(1, PROCESSES + 1)}
        for round_ in range(1, options.rounds + 1):
            for count, found in rates.items():
                loads = together(ports[:count], connections, options.seconds, f"{round_}{count}")
                replies += sum(load.replies for load in loads)
                found.append(sum(load.rate for load in loads))
        running.close()
        _check(url, replies)
    yield alone(f"copy_did, MariaDB, {connections} connections, 1 process", "/s", rates[1])
    for count in range(2, PROCESSES + 1):
        pairs = list(zip(rates[count], rates[1], strict=True))
        name = f"copy_did, MariaDB, {connections} connections, {count} processes"
        yield compared(name, "/s", pairs, "1 process")
