"""Measures what DIDs that are there cost: the same requests with 1,000 and with 10,000,000 of them.

A second server with 1,000 DIDs runs beside the one that grows, and is asked in turn with it. So the figures
tell the growth from what else the machine does; at 1,000 they tell how far two like servers differ.
"""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asking import Client
from databases import description, grow, number, prepared
from rows import Options, Row, alone, at_most_times, compared
from servers import didier, mariadb, workplace
from starting import starts

from didier.web.api import cursors

SIZES = (1_000, 100_000, 1_000_000, 10_000_000)
SMALL = SIZES[0]
ROUNDS = 15
WARM_UP_SECONDS = 0.2
SPREADING = 7_368_787
"""A prime: its multiples go all over the numbers that are there."""

SEARCHED = 200
"""The places in the middle that searches find, of which they ask for a hundred: nothing is added there."""

Ask = Callable[[Client, int, int], None]
"""Asks once; told how many DIDs there are and how often was asked before."""


def _place(size: int, turn: int) -> int:
    return (turn + 1) * SPREADING % size


def _copy(client: Client, size: int, turn: int) -> None:
    """Copy to a number between two that are there, but none of those that are searched for."""
    place = _place(size - SEARCHED, turn)
    if place >= size // 2 - SEARCHED // 4:
        place += SEARCHED
    client.copy(f"{int(number(place)) + 1}*{turn}")


def _did_info(client: Client, size: int, turn: int) -> None:
    pattern = number(_place(size, turn))
    answer = client.call(function="did_info", did_pattern=pattern)
    assert pattern.encode() in answer, answer
    assert b"ERROR" not in answer, answer


def _get(client: Client, size: int, turn: int) -> None:
    client.take(f"/dids/{number(_place(size, turn))}")


def _first_page(client: Client, size: int, turn: int) -> None:
    assert b'"next":"' in client.take("/dids")


def _middle_page(client: Client, size: int, turn: int) -> None:
    place = number(_place(size // 2, turn) + size // 4)
    assert place.encode() not in client.take("/dids", cursor=cursors.write("did_pattern", [place]))


def _search(what: Callable[[int], str]) -> Ask:
    """Return a search for a DID that is in the middle of all."""

    def ask(client: Client, size: int, turn: int) -> None:
        place = size // 2 + turn % 100
        assert number(place).encode() in client.take("/dids", search=what(place), limit="200")

    return ask


def _delete(client: Client, size: int, turn: int) -> None:
    pattern = f"77{turn:08}"
    client.copy(pattern)
    status, answer = client.send("DELETE", f"/dids/{pattern}")
    assert status == 204, answer


REQUESTS: dict[str, Ask] = {
    "copy_did": _copy,
    "did_info": _did_info,
    "GET /dids/{pattern}": _get,
    "list, first page": _first_page,
    "list, a page in the middle": _middle_page,
    "search, a whole number": _search(number),
    "search, the beginning of a number": _search(lambda place: number(place)[:-2]),
    "search, a part of a number": _search(lambda place: number(place)[3:-1]),
    "search, a part of a description": _search(lambda place: description(place)[2:]),
    "copy and delete": _delete,
}


def on_sqlite(options: Options) -> Iterator[Row]:
    """Growth of an embedded database."""
    with workplace() as directory, workplace() as other:
        urls = [f"sqlite:///{place}/didier.db" for place in (directory, other)]
        yield from _sizes(options, "SQLite", options.largest, (directory, other), *urls)


def on_mariadb(options: Options) -> Iterator[Row]:
    """Growth of MariaDB with InnoDB."""
    with workplace() as directory, mariadb() as server:
        urls = server.database(), server.database()
        yield from _sizes(options, "MariaDB", options.mariadb_largest, (directory, directory), *urls)


def _sizes(
    options: Options, home: str, largest: int, places: tuple[Path, Path], url: str, small_url: str
) -> Iterator[Row]:
    for database in (url, small_url):
        prepared(database).dispose()
        grow(database, 0, SMALL)
    with didier(places[1], small_url) as (_, small):
        there = SMALL
        for size in (size for size in SIZES if size <= largest):
            grow(url, there, size)
            there = size
            suffix = f", {home}, {size:,} DIDs"
            yield from starts(options, places[0], url, suffix)
            with didier(places[0], url) as (_, port):
                for name, ask in REQUESTS.items():
                    yield from _growth(options, f"{name}{suffix}", ask, (port, size), (small, SMALL))


def _growth(
    options: Options, name: str, ask: Ask, grown: tuple[int, int], small: tuple[int, int]
) -> Iterator[Row]:
    """Ask both servers in turn, each for a share of the time, at least once; in fewer rounds what is slow."""
    servers = [_Server(Client(port), size, ask, grown[1]) for port, size in (grown, small)]
    for server in servers:
        server.take(WARM_UP_SECONDS)
    blocks: list[list[list[float]]] = []
    until = time.perf_counter() + 2 * options.seconds
    while len(blocks) < ROUNDS and (len(blocks) < 2 or time.perf_counter() < until):
        blocks.append([server.take(options.seconds / ROUNDS / 4) for server in servers])
    pairs = [(statistics.median(own), statistics.median(other)) for own, other in blocks]
    promised = name.startswith("copy_did") and "SQLite, 10,000,000" in name
    reference = f"with {SMALL:,} DIDs"
    yield compared(name, "ms", pairs, reference, at_most_times(1.3) if promised else None)
    together = sorted(one for own, _ in blocks for one in own)
    if len(together) >= 100:
        yield alone(f"{name}: p99", "ms", [together[len(together) * 99 // 100]])


@dataclass(slots=True)
class _Server:
    """A server that is asked one thing; *turn* counts, so that no number is copied to twice.

    It begins with the size, as the small server is asked again at each size of the other.
    """

    client: Client
    size: int
    ask: Ask
    turn: int

    def take(self, seconds: float) -> list[float]:
        """Ask for *seconds*, at least once; return the milliseconds that each answer took."""
        taken: list[float] = []
        until = time.perf_counter() + seconds
        while not taken or time.perf_counter() < until:
            self.turn += 1
            began = time.perf_counter()
            self.ask(self.client, self.size, self.turn)
            taken.append((time.perf_counter() - began) * 1000)
        return taken


EXPORTED = 100_000


def exports(options: Options) -> Iterator[Row]:
    """Exports of all columns beside SQLite's own reading of the same rows."""
    with workplace() as directory:
        file = directory / "didier.db"
        prepared(f"sqlite:///{file}").dispose()
        grow(f"sqlite:///{file}", 0, EXPORTED)
        with didier(directory) as (_, port):
            client = Client(port)
            for kind in ("csv", "ndjson"):
                pairs = []
                for _ in range(options.rounds):
                    began = time.perf_counter()
                    lines = client.take(f"/exports/dids.{kind}").count(b"\n")
                    taken = time.perf_counter() - began
                    assert lines >= EXPORTED
                    began = time.perf_counter()
                    with sqlite3.connect(file) as conn:
                        conn.execute("SELECT * FROM vicidial_inbound_dids").fetchall()
                    pairs.append((EXPORTED / taken, EXPORTED / (time.perf_counter() - began)))
                yield compared(f"export as {kind}, {EXPORTED:,} DIDs", "/s", pairs, "bare SELECT")
