"""Measures each verb over a block of DIDs, and its undo, beside one bare statement that does the same."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from asking import Client, wait
from databases import FIRST, bare, prepared
from rows import Options, Row, alone, at_least_times, compared
from servers import didier, mariadb, workplace
from sqlalchemy.engine import Engine

from didier.storage.statements import run
from didier.storage.tables import DIDS

COUNT = 100_000
VERBS = ("add", "update", "delete")
VALUES = {"did_description": "Line in bulk", "did_active": "N"}

Measured = dict[str, float]


def on_sqlite(options: Options) -> Iterator[Row]:
    """Orders by range, on SQLite."""
    with workplace() as directory:
        places = iter(range(2 * options.rounds))
        yield from _measured("SQLite", options, directory, lambda: f"sqlite:///{directory}/{next(places)}.db")


def on_mariadb(options: Options) -> Iterator[Row]:
    """The same on MariaDB with InnoDB."""
    with workplace() as directory, mariadb() as server:
        yield from _measured("MariaDB", options, directory, server.database)


def on_myisam(options: Options) -> Iterator[Row]:
    """The same on VICIdial's default tables."""
    with workplace() as directory, mariadb() as server:
        yield from _measured("MyISAM", options, directory, server.database, myisam=True)


def _measured(
    name: str, options: Options, directory: Path, url: Callable[[], str], *, myisam: bool = False
) -> Iterator[Row]:
    count = min(COUNT, options.mariadb_largest)
    found = [_round(count, directory, url, myisam=myisam) for _ in range(options.rounds)]
    for verb in VERBS:
        rates = [(count / one[verb], count / one[f"bare {verb}"]) for one in found]
        reference = f"bare {'INSERT … SELECT' if verb == 'add' else verb.upper()}"
        yield compared(f"{verb} {count:,} DIDs, {name}", "/s", rates, reference, at_least_times(0.7))
        undone = [count / one[f"undo {verb}"] for one in found]
        yield alone(f"{verb} {count:,} DIDs, {name}: undone", "/s", undone)


def _round(count: int, directory: Path, url: Callable[[], str], *, myisam: bool) -> Measured:
    """Measure each verb once, and its undo, in a new database; then the bare statements in another."""
    found: Measured = {}
    home = url()
    _ready(home, myisam=myisam).dispose()
    with didier(directory, home) as (_, port):
        client = Client(port)
        for verb in VERBS:
            began = time.perf_counter()
            batch_id = _order(client, verb, count)
            found[verb] = time.perf_counter() - began
            began = time.perf_counter()
            status, answer = client.send("POST", f"/batches/{batch_id}/undo", {})
            assert status == 202, answer
            wait(client, batch_id, "undone")
            found[f"undo {verb}"] = time.perf_counter() - began
            if verb != "delete":
                _order(client, verb, count)  # once more: the next verb needs it
    engine = _ready(url(), myisam=myisam)
    found |= {f"bare {verb}": seconds for verb, seconds in _bare(engine, count)}
    engine.dispose()
    return found


def _ready(url: str, *, myisam: bool) -> Engine:
    engine = prepared(url)
    if myisam:
        with engine.begin() as conn:
            conn.exec_driver_sql(f"ALTER TABLE {DIDS} ENGINE=MyISAM")
    return engine


def _order(client: Client, verb: str, count: int) -> int:
    """Have a block edited; return the batch when it is done."""
    body = {"verb": verb, "ranges": [f"{FIRST}-{FIRST + count - 1}"], "mode": "best_effort"}
    values = {} if verb == "delete" else {"values": VALUES}
    status, answer = client.send("POST", "/batches", body | values)
    assert status == 202, answer
    batch_id: int = json.loads(answer)["id"]
    wait(client, batch_id)
    return batch_id


def _bare(engine: Engine, count: int) -> Iterator[tuple[str, float]]:
    """Yield the seconds that one statement for the whole block takes, commit included."""
    yield "add", bare(engine, count)
    block = f"did_pattern BETWEEN '{FIRST}' AND '{FIRST + count - 1}'"
    values = ", ".join(f"{name} = '{value}'" for name, value in VALUES.items())
    statements = {"update": f"UPDATE {DIDS} SET {values}, modify_stamp = '2026-03-04 05:06:07' WHERE {block}",
                  "delete": f"DELETE FROM {DIDS} WHERE {block}"}  # fmt: skip
    for verb, statement in statements.items():
        with engine.connect() as conn:
            began = time.perf_counter()
            with conn.begin():
                run(conn, statement)
            yield verb, time.perf_counter() - began
