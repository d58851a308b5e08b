"""Databases to measure on: like the server's, and filled with as many DIDs as wanted."""

import os
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection, Engine

from didier.services.system import demo
from didier.storage import migrations
from didier.storage.database import open_engine
from didier.storage.dids import bulk
from didier.storage.statements import columns_of, run
from didier.storage.tables import DIDS, vicidial_tables

SOURCE = "18001234567"
FIRST = 18_002_000_000


def prepared(url: str) -> Engine:
    """Return a database like the server's, with the tutorial's user and DID."""
    engine = open_engine(url, create=True)
    with engine.begin() as conn:
        vicidial_tables().create_all(conn)
        if engine.dialect.name != "sqlite":
            conn.exec_driver_sql(f"ALTER TABLE {DIDS} ENGINE=InnoDB")
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, datetime.now())
    return engine


def bare(engine: Engine, count: int) -> float:
    """Return the seconds that one ``INSERT … SELECT`` of *count* copies takes, commit included."""
    with engine.connect() as conn:
        with conn.begin():
            names = _copied(conn)
        began = time.perf_counter()
        with conn.begin():
            run(conn, _insertion(engine.dialect.name, names, FIRST, FIRST + count - 1, {"did_pattern": "n"}))
        return time.perf_counter() - began


def _copied(conn: Connection) -> list[str]:
    return [name for name in columns_of(conn, DIDS) if name not in bulk.NO_VALUES]


def _insertion(dialect: str, names: list[str], first: int, last: int, given: dict[str, str]) -> str:
    """Return the statement that copies the first DID for each number ``n`` from *first* to *last*.

    *given* are columns with values of their own.
    """
    values = {name: f"s.`{name}`" for name in names} | given
    columns, chosen = ", ".join(f"`{name}`" for name in values), ", ".join(values.values())
    source = f"(SELECT seq AS n FROM seq_{first}_to_{last}) AS q"
    numbers = ""
    if dialect == "sqlite":
        source = "q"
        numbers = f"WITH RECURSIVE q(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM q WHERE n < {last}) "
    insert = f"INSERT INTO {DIDS} ({columns}) SELECT {chosen} FROM {source}"
    return f"{numbers}{insert} CROSS JOIN {DIDS} AS s WHERE s.did_id = 1"


PLACES = 18_000_000_000
"""`grow` makes even numbers from here on, so that the odd ones are free everywhere among them."""


def number(place: int) -> str:
    """Return the number of the DID that `grow` makes at *place*."""
    return str(PLACES + 2 * place)


def description(place: int) -> str:
    """Return the description of the DID that `grow` makes at *place*."""
    return f"Line {place:08}"


STEP = 1_000_000


def grow(url: str, there: int, wanted: int) -> None:
    """Add DIDs from place *there* up to *wanted*; no server may run, as nothing is kept safe meanwhile."""
    engine = open_engine(url)
    dialect = engine.dialect.name
    counter = "printf('%08d', n)" if dialect == "sqlite" else "LPAD(n, 8, '0')"
    text = f"'Line ' || {counter}" if dialect == "sqlite" else f"CONCAT('Line ', {counter})"
    given = {"did_pattern": f"{PLACES} + 2 * n", "did_description": text}
    with engine.begin() as conn:
        names = _copied(conn)
    steps = [
        _insertion(dialect, names, first, min(first + STEP, wanted) - 1, given)
        for first in range(there, wanted, STEP)
    ]
    if dialect == "sqlite":
        engine.dispose()
        _fill(Path(engine.url.database or ""), steps)
        return
    for step in steps:
        with engine.begin() as conn:
            run(conn, step)
    engine.dispose()


def _fill(file: Path, steps: list[str]) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as conn:
        for pragma in ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-400000"):
            conn.execute(f"PRAGMA {pragma}")
        for step in steps:
            conn.execute(step)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())  # or the disk would be at it while something is measured
