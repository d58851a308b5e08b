"""What calls leave in logs, while it can be written and while it cannot."""

import asyncio
from collections import Counter
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from didier.runtime.call_log import CallLog
from didier.runtime.committer import Committer
from didier.services.calls.records import Record
from didier.storage.statements import run
from didier.storage.tables import DID_LOG, RECORDING_LOG
from support.engines import opened

ON = {"channel": "SIP/1", "server_ip": "10.0.0.1", "extension": "18005550100"}
ROWS = [
    Record(DID_LOG, {**ON, "uniqueid": "1.1", "call_date": "2026-03-04 05:06:07", "did_route": "EXTEN"}),
    Record(RECORDING_LOG, {**ON, "start_time": "2026-03-04 05:06:07", "filename": "one"}),
]
SECONDS = 60.0


@asynccontextmanager
async def call_log(engine):
    """A log that counts what is lost."""
    committer = Committer(engine)
    committer.start()
    found = CallLog(committer)
    lost = Counter()
    found.observe = lambda table: lost.update([table])

    async def write(seconds=SECONDS):
        await found.write(ROWS, asyncio.get_running_loop().time() + seconds)

    yield write, lost
    await committer.stop()


def written(engine, table):
    with engine.begin() as conn:
        return run(conn, f"SELECT count(*) FROM {table}")[0][0]


def rename(engine, old, new):
    with engine.begin() as conn:
        run(conn, f"ALTER TABLE {old} RENAME TO {new}")


def test_rows_are_written(engine):
    """What a call leaves is there when it goes on."""

    async def scenario():
        async with call_log(engine) as (write, lost):
            await write()
            return lost

    assert Counter() == asyncio.run(scenario())
    assert [1, 1] == [written(engine, table) for table in (DID_LOG, RECORDING_LOG)]


def test_what_cannot_be_written_is_counted_and_said_once(engine, database_url):
    """A table that goes away costs its own rows, one line in the log, and no more; later one again."""
    with opened(database_url) as other, capture_logs() as logs:

        async def scenario():
            async with call_log(engine) as (write, lost):
                await write()
                rename(other, DID_LOG, "away")
                for _ in range(3):
                    await write()
                rename(other, "away", DID_LOG)
                await write()
                rename(other, DID_LOG, "away")
                await write()
                return lost

        lost = asyncio.run(scenario())

    assert {DID_LOG: 4} == lost
    said = Counter(line["table"] for line in logs if line["event"] == "call_log_not_written")
    assert {DID_LOG: 2} == said
    assert 6 == written(engine, RECORDING_LOG)


def test_a_call_does_not_wait_longer_than_it_may(engine):
    """Rows that are not written in time count as lost."""

    async def scenario():
        async with call_log(engine) as (write, lost):
            await write(seconds=0.0)
            return lost

    assert {DID_LOG: 1, RECORDING_LOG: 1} == asyncio.run(scenario())
