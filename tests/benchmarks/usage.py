"""Measures how fast calls are counted, beside plain SQL, and how long reports over them take."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from databases import grow, prepared
from rows import Options, Row, alone, at_most, compared
from servers import mariadb, workplace
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.services.dids.lookup import Wanted
from didier.services.usage import use
from didier.services.usage.rounds import Counter
from didier.services.usage.use import Question, Setting
from didier.storage.database import open_engine, reading, writing
from didier.storage.statements import as_text, run
from support import call_history

DIDS = 100_000
DAYS = 30
PAGE_MS = 100
"""What is promised of a page."""

PIECE, SERVER = 20_000, "10.0.0.1"
TABLES = ("vicidial_did_log", "call_log", "vicidial_closer_log")


def on_sqlite(options: Options) -> Iterator[Row]:
    """Calls in an embedded database."""
    with workplace() as directory:
        yield from _figures(options, "SQLite", f"sqlite:///{directory}/didier.db")


def on_mariadb(options: Options) -> Iterator[Row]:
    """Calls in tables as VICIdial makes them."""
    with workplace(), mariadb() as server:
        yield from _figures(options, "MariaDB, logs in MyISAM", server.database())


class _Work:
    """Reads and stores without rests."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, work):  # type: ignore[no-untyped-def]
        with reading(self._engine) as conn:
            return work(conn)

    read_logs = read

    def store(self, work):  # type: ignore[no-untyped-def]
        with writing(self._engine) as conn:
            return work(conn)


def _figures(options: Options, home: str, url: str) -> Iterator[Row]:
    prepared(url).dispose()
    dids = min(DIDS, options.largest)
    grow(url, 0, dids)
    engine = open_engine(url)
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0, tzinfo=None)
    _log(engine, options.calls, now - timedelta(days=DAYS, hours=8), dids)
    suffix = f", {home}, {options.calls:,} calls to {dids:,} DIDs in {DAYS} days"
    moment = now.replace(tzinfo=UTC).timestamp()
    plain = _seconds(lambda: _grouped(engine))
    counted = _seconds(lambda: Counter(_Work(engine), UTC, 13).round(moment))
    rates = [(options.calls / counted, options.calls / plain)]
    yield compared(f"counting calls{suffix}", "/s", rates, "GROUP BY DID and hour")
    again = _seconds(lambda: Counter(_Work(engine), UTC, 13).round(moment))
    yield alone(f"the next round{suffix}", "s", [again])
    setting = Setting(UTC, moment)
    month, today = Question(Wanted(), "30d", UTC), Question(Wanted(), "today", UTC)
    reports: dict[str, Callable[..., object]] = {
        "use, 30 days": lambda conn: use.used(conn, CALLER, month, setting, "calls", 50),
        "use, 30 days, by waiting time": lambda conn: use.used(conn, CALLER, month, setting, "wait", 50),
        "use, today": lambda conn: use.used(conn, CALLER, today, setting, "calls", 50),
        "calls by day, all DIDs": lambda conn: use.series(conn, CALLER, month, setting, "day"),
        "hours of the week, all DIDs": lambda conn: use.series(conn, CALLER, month, setting, "dow"),
        "idle, 30 days": lambda conn: use.idle(conn, CALLER, Wanted(), setting, 30, 1, 50),
        "without a DID, 30 days": lambda conn: use.unknown(conn, CALLER, month, setting, "calls", 50),
    }
    for name, report in reports.items():
        taken = []
        for _ in range(options.rounds):
            with reading(engine) as conn:
                taken.append(1000 * _seconds(lambda report=report, conn=conn: report(conn)))  # type: ignore[misc]
        yield alone(f"report: {name}{suffix}", "ms", taken, at_most(PAGE_MS))
    engine.dispose()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _grouped(engine: Engine) -> int:
    sql = (
        "SELECT did_id, extension, SUBSTR(call_date, 1, 13), COUNT(*) FROM vicidial_did_log"
        " GROUP BY did_id, extension, SUBSTR(call_date, 1, 13)"
    )
    with reading(engine) as conn:
        return len(run(conn, sql))


def _log(engine: Engine, calls: int, begins: datetime, dids: int) -> None:
    """Log *calls* over `DAYS`: nine of ten DIDs are called, one of 50 calls has none, six of ten a queue."""
    if engine.dialect.name != "sqlite":
        with writing(engine) as conn:
            for table in TABLES:
                run(conn, f"ALTER TABLE {table} ENGINE=MyISAM")
    epoch, called = int(begins.replace(tzinfo=UTC).timestamp()), dids * 9 // 10 or 1
    for first in range(0, calls, PIECE):
        rows = call_history.Rows([], [], [])
        for n in range(first, min(first + PIECE, calls)):
            moment = epoch + n * DAYS * 86_400 // calls
            at = as_text(datetime.fromtimestamp(moment, UTC).replace(tzinfo=None))
            did, uniqueid, caller = 1 + n * 7919 % called, f"{moment}.{n}", f"727555{n % 9000}"
            dialled = (f"800{n % 3000}", "", "") if n % 50 == 0 else (f"18{did}", str(did), "IN_GROUP")
            rows.did_log.append((uniqueid, "SIP/a", SERVER, caller, dialled[0], at, *dialled[1:]))
            rows.call_log.append((uniqueid, "SIP/a", SERVER, at, moment, n % 600))
            if n % 10 < 6:
                user, reason = ("VDCL", "ABANDON") if n % 4 == 0 else ("6001", "AGENT")
                rows.closer_log.append((1, "SALES", at, n % 600, uniqueid, user, n % 60, reason))
        with writing(engine) as conn:
            call_history.store(conn, rows)
