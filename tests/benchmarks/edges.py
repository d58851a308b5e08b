"""Measures how soon a change is one for calls: from the answer to it until Kamailio does as it says."""

import itertools
import statistics
import time
from collections.abc import Callable, Iterator

from databases import grow, prepared
from rows import Options, Row, alone, at_most
from servers import mariadb, workplace

from support.edge import Edge, arrived, running
from support.process import Process, until

SOURCE = "18001234567"
TIMES = 100
BLOCK = 10_000
SIZE = 1_000_000
SECOND = at_most(1.0)

_numbers = itertools.count(5_550_000_000)


def on_sqlite(options: Options) -> Iterator[Row]:
    """Changes of an embedded database."""
    with workplace() as directory:
        url = f"sqlite:///{directory}/didier.db"
        size = min(SIZE, options.largest)
        prepared(url).dispose()
        grow(url, 0, size)
        with running(directory, url, DIDIER_RATE_LIMIT="0") as edge:
            yield from _measured(edge, "SQLite", size)


def on_mariadb(options: Options) -> Iterator[Row]:
    """The same with MariaDB and InnoDB."""
    with workplace() as directory, mariadb() as server:
        url = server.database()
        size = min(SIZE, options.mariadb_largest)
        prepared(url).dispose()
        grow(url, 0, size)
        with running(directory, url, DIDIER_RATE_LIMIT="0") as edge:
            yield from _measured(edge, "MariaDB", size)


def _measured(edge: Edge, place: str, size: int) -> Iterator[Row]:
    began = time.monotonic()
    until(lambda: "took an export" in edge.said and edge.is_told)
    yield alone(f"edge: a new one knows {size:,} DIDs, {place}", "s", [time.monotonic() - began])
    assert edge.agent
    yield alone(f"edge: memory of its agent then, {place}", "MB", [Process(edge.agent.pid).megabytes])
    for name, change in _CHANGES.items():
        seconds = sorted(_seconds(edge, change) for _ in range(TIMES))
        yield alone(f"edge: a number is {name}, median, {place}", "s", [statistics.median(seconds)])
        worst = seconds[int(TIMES * 0.99) - 1]
        yield alone(f"edge: a number is {name}, 99 of 100, {place}", "s", [worst], SECOND)
    yield alone(f"edge: {BLOCK:,} numbers are copied, {place}", "s", [_block(edge)])


def _seconds(edge: Edge, change: Callable[[Edge, str], Callable[[], bool]]) -> float:
    number = str(next(_numbers))
    happened = change(edge, number)
    began = time.monotonic()
    until(happened)
    return time.monotonic() - began


def _copied(edge: Edge, number: str) -> Callable[[], bool]:
    edge.client.copy(SOURCE, [number])
    return lambda: edge.status(number) == 200


def _there(edge: Edge, number: str) -> None:
    until(_copied(edge, number))


def _updated(edge: Edge, number: str) -> Callable[[], bool]:
    _there(edge, number)
    edge.client.update(number, gateway_set="paris")
    return lambda: edge.status(number) == 200 and number in arrived(edge.paris)


def _deactivated(edge: Edge, number: str) -> Callable[[], bool]:
    _there(edge, number)
    edge.client.update(number, did_active="N")
    return lambda: edge.status(number) == 480


def _deleted(edge: Edge, number: str) -> Callable[[], bool]:
    _there(edge, number)
    edge.client.delete(number)
    return lambda: edge.status(number) == 404


def _undone(edge: Edge, number: str) -> Callable[[], bool]:
    batch = edge.client.copy(SOURCE, [number])
    until(lambda: edge.status(number) == 200)
    edge.client.undo(batch.id)
    return lambda: edge.status(number) == 404


_CHANGES = {
    "copied": _copied, "sent elsewhere": _updated, "deactivated": _deactivated, "deleted": _deleted,
    "undone": _undone,
}  # fmt: skip


def _block(edge: Edge) -> float:
    first = 5_560_000_000
    edge.client.copy(SOURCE, f"{first}-{first + BLOCK - 1}").wait()
    began = time.monotonic()
    until(lambda: edge.status(str(first + BLOCK - 1)) == 200)
    return time.monotonic() - began
