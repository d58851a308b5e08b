"""Rows of calls that the database does not take: kept, and delivered once, in order, with their times."""

import asyncio
from contextlib import asynccontextmanager
from datetime import datetime

import pytest

from didier.runtime.call_log import CallLog
from didier.runtime.call_spool import CallSpool
from didier.runtime.committer import Committer
from didier.runtime.outage import Outage
from didier.services.calls.records import Record
from didier.storage.calls import writers
from didier.storage.database import open_engine, reading
from didier.storage.statements import run, scalar
from didier.storage.tables import CALL_LOG, DID_AGENT_LOG, DID_LOG, GATEWAY_LOG, RECORDING_LOG, URL_LOG
from support.homes import ready
from support.inbound import emptied
from support.process import until

SECONDS = 60.0
TABLES = (DID_LOG, CALL_LOG, DID_AGENT_LOG, GATEWAY_LOG, RECORDING_LOG, URL_LOG)


def rows(n, second=7, **more):
    """What the call number *n* leaves in every log."""
    date = f"2026-03-04 05:06:{second:02}"
    uniqueid = f"{n}.1"
    on = {"uniqueid": uniqueid, "server_ip": "10.0.0.1"}
    at = {"extension": f"1800555{n:04}", "call_date": date}
    return [
        Record(GATEWAY_LOG, {**on, **at, "channel": "SIP/1", "VICIrecGatewayID": "x" * 20}),
        Record(DID_LOG, {**on, **at, "channel": "SIP/1", "did_route": "EXTEN", **more}),
        Record(CALL_LOG, {**on, "channel": "SIP/1", "extension": at["extension"], "start_time": date}),
        Record(DID_AGENT_LOG, {**on, **at, "did_route": "EXTEN", "user": "VDCL"}),
        Record(RECORDING_LOG, {"channel": "S", "vicidial_id": uniqueid, "start_time": date, "extension": ""}),
        Record(URL_LOG, {"uniqueid": uniqueid, "url_date": date, "url": "http://x/", "url_response": "1|1"}),
    ]  # fmt: skip


@pytest.fixture(scope="module", params=["innodb", "myisam"])
def database(request, mariadb):
    """A database of MariaDB."""
    with ready(mariadb.database(), datetime(2026, 3, 4), myisam=request.param == "myisam") as engine:
        yield engine


@pytest.fixture
def engine(database):
    """The same, without calls; and once it was renamed, with its tables again."""
    with database.begin() as conn:
        emptied(conn)
    return database


@pytest.fixture
def file(tmp_path):
    """Where the spool is."""
    return tmp_path / "calls.spool"


@asynccontextmanager
async def spooling(engine, file, outage):
    """A log of calls with a spool, on *engine*."""
    committer = Committer(engine)
    committer.start(patiently=True)
    spool = CallSpool(file, committer, outage)
    spool.start()
    log = CallLog(committer, spool)

    async def write(some):
        await log.write(some, asyncio.get_running_loop().time() + SECONDS)

    yield write, spool, log
    await spool.stop()
    await committer.stop()


async def delivered(spool):
    """Wait until nothing is in *spool* any more."""
    while spool.waiting:
        await asyncio.sleep(0.01)


def counts(engine):
    """How many rows each log has."""
    with reading(engine) as conn:
        return [int(scalar(conn, f"SELECT COUNT(*) FROM {table}")) for table in TABLES]


def logged(engine):
    """The calls in the log of DIDs, in their order."""
    with reading(engine) as conn:
        return run(conn, f"SELECT uniqueid, extension, call_date FROM {DID_LOG}")


def test_while_the_database_takes_them_nothing_is_kept(engine, file):
    """A call's rows are in the database when it goes on."""

    async def scenario():
        async with spooling(engine, file, Outage()) as (write, spool, _):
            await write(rows(1))
            return spool.waiting, counts(engine)

    assert (0, [1] * 6) == asyncio.run(scenario())


def test_rows_wait_for_an_outage_to_end_and_keep_order_and_time(engine, file):
    """All of them, once each, as they came."""
    outage = Outage()
    outage.begin("it is away")
    away = open_engine("mysql+pymysql://root@127.0.0.1:1/none")  # nobody listens there

    async def scenario():
        async with spooling(away, file, outage) as (write, spool, _):
            for n in range(300):
                await write(rows(n, second=n % 60))
            assert 300 == spool.waiting
        async with spooling(engine, file, Outage()) as (write, spool, _):
            await write(rows(300))  # comes behind those that wait
            await delivered(spool)

    asyncio.run(scenario())

    assert [301] * 6 == counts(engine)
    expected = [(f"{n}.1", f"1800555{n:04}", datetime(2026, 3, 4, 5, 6, n % 60)) for n in range(300)]
    assert [*expected, ("300.1", "18005550300", datetime(2026, 3, 4, 5, 6, 7))] == logged(engine)


def test_rows_that_are_there_are_not_written_twice(engine, file):
    """The database had taken them and could not say so any more; others of the same call are no obstacle."""

    async def scenario():
        async with spooling(engine, file, Outage()) as (write, spool, _):
            await write(rows(1))
            await write(rows(1, second=8))  # the same call comes again, a second later
            await spool.add(rows(1))
            await spool.add(rows(2))
            await delivered(spool)

    asyncio.run(scenario())

    assert [3, 2, 3, 3, 3, 3] == counts(engine)


def test_a_process_that_was_killed_leaves_its_rows_to_the_next(engine, file):
    """What was acknowledged is on the disk: nothing has to be closed for that."""
    outage = Outage()
    outage.begin("it is away")

    async def killed():
        committer = Committer(open_engine("mysql+pymysql://root@127.0.0.1:1/none"))
        committer.start(patiently=True)
        spool = CallSpool(file, committer, outage)
        spool.start()
        await CallLog(committer, spool).write(rows(1), asyncio.get_running_loop().time() + SECONDS)

    asyncio.run(killed())

    async def next_process():
        async with spooling(engine, file, Outage()) as (_, spool, _log):
            assert 1 == spool.waiting
            await delivered(spool)

    asyncio.run(next_process())

    assert [1] * 6 == counts(engine)


def test_a_table_that_takes_nothing_loses_its_rows_alone(engine, file):
    """The others of the call are delivered, and the loss is told."""
    lost = []

    async def scenario():
        outage = Outage()
        outage.begin("it is away")
        async with spooling(engine, file, outage) as (write, spool, log):
            log.observe = lost.append
            await write(rows(1))
            await delivered(spool)

    with engine.begin() as conn:
        run(conn, f"ALTER TABLE {URL_LOG} RENAME TO away")
        run(
            conn, f"CREATE VIEW {URL_LOG} AS SELECT 1 AS uniqueid, 2 AS url_date, 3 AS url, 4 AS url_response"
        )
    try:
        asyncio.run(scenario())
    finally:
        with engine.begin() as conn:
            run(conn, f"DROP VIEW {URL_LOG}")
            run(conn, f"ALTER TABLE away RENAME TO {URL_LOG}")

    assert [URL_LOG] == lost
    assert [1, 1, 1, 1, 1, 0] == counts(engine)


def test_a_connection_that_was_given_up_has_to_end_first(engine):
    """It may still write what was sent on it: it is ended, and waited for."""
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.connect() as given_up, engine.connect() as conn:
        writer = writers.of(given_up)
        assert {writer} == writers.still_there(conn, [writer, writers.of(conn)])
        until(lambda: not writers.still_there(conn, [writer]))
    other.dispose()


def test_a_connection_to_a_server_that_was_started_anew_has_ended(engine):
    """Another one may have its number now, which is left alone."""
    other = open_engine(engine.url.render_as_string(hide_password=False))
    with other.connect() as another, engine.connect() as conn:
        own = writers.of(another)
        old = writers.Writer(own.server, own.started - 60, own.connection_id)
        elsewhere = writers.Writer("elsewhere:3306", own.started, own.connection_id)

        assert set() == writers.still_there(conn, [old, elsewhere])
        assert own == writers.of(another)
    other.dispose()
