"""What a process knows of calls, and reading VICIdial's log once for all who watch."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from didier.cli.local import CALLER
from didier.domain.calls.live import LiveCall
from didier.errors import NotPermitted, Unavailable
from didier.runtime.live_calls import CALLS_MOST, LOOK_SECONDS, WHOLE_SECONDS, CallBoard, LiveCalls
from didier.runtime.readers import Readers
from didier.storage.statements import as_text, run
from didier.storage.tables import DID_LOG
from support.inbound import IP, put

SALES = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES "))


def made(number="1800", result="routed", uniqueid="1.1"):
    return LiveCall(as_text(datetime.now()), uniqueid, IP, number, "", "", None, "", result, "", "", 0.1)


def logged(engine, number, uniqueid="1.1", when=None):
    with engine.begin() as conn:
        put(
            conn, DID_LOG, uniqueid=uniqueid, channel="c", server_ip=IP, extension=number, did_id="1",
            call_date=as_text(when or datetime.now()),
        )  # fmt: skip


class Board(CallBoard):
    """Reads when its clock says so; counts its readings."""

    def __init__(self, engine):
        self.calls, self.time, self.readings = LiveCalls(), 0.0, 0
        super().__init__(self.calls, Readers(engine, "readers", 1, 100), lambda: self.time)
        sa.event.listen(engine, "checkout", self._count)

    def _count(self, *_):
        self.readings += 1


def test_those_who_watch_share_a_reading(engine):
    """Within a second nothing is read; those who see less read nothing of their own either."""
    logged(engine, "1800")

    async def test():
        board = Board(engine)
        first = await asyncio.gather(*(board.snapshot(who) for who in (CALLER, SALES) * 20))
        board.time += LOOK_SECONDS / 2
        await board.snapshot(CALLER)
        within = board.readings
        board.time += LOOK_SECONDS
        await board.snapshot(CALLER)
        return within, board.readings, {len(one.latest) for one in first[::2]}

    assert (1, 2, {1}) == asyncio.run(test())


def test_calls_come_as_they_are_made(engine):
    """In the log, by another process, and by this one; the whole is read at times."""
    old = datetime.now() - timedelta(minutes=5)

    async def test():
        board, seen = Board(engine), []
        for step in (lambda: logged(engine, "1800"), lambda: board.calls.add(made("1801", uniqueid="1.2")),
                     lambda: logged(engine, "1802", "1.3", old)):  # fmt: skip
            step()
            board.time += LOOK_SECONDS
            seen.append(sorted(one.dialled for one in (await board.snapshot(CALLER)).latest))
        board.time += WHOLE_SECONDS
        seen.append(sorted(one.dialled for one in (await board.snapshot(CALLER)).latest))
        return seen

    late = ["1800", "1801", "1802"]
    assert [["1800"], ["1800", "1801"], ["1800", "1801"], late] == asyncio.run(test())


def test_a_failure_is_not_kept(engine):
    """Who asks next has it read anew, whatever time it is."""
    with engine.begin() as conn:
        run(conn, f"ALTER TABLE {DID_LOG} RENAME TO elsewhere")

    async def test():
        board = Board(engine)
        with pytest.raises((Unavailable, sa.exc.DBAPIError)):
            await board.snapshot(CALLER)
        with engine.begin() as conn:
            run(conn, f"ALTER TABLE elsewhere RENAME TO {DID_LOG}")
        return (await board.snapshot(CALLER)).latest

    assert [] == asyncio.run(test())


def test_nothing_is_read_for_who_may_not(engine):
    """The refusal names the right."""
    nobody = replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False))

    async def test():
        board = Board(engine)
        return await board.snapshot(nobody), board.readings

    refusal, readings = asyncio.run(test())
    assert isinstance(refusal, NotPermitted)
    assert 0 == readings


def test_what_is_remembered_is_bounded():
    """Of calls, and of strangers who knock."""
    calls = LiveCalls()
    for number in range(CALLS_MOST + 5):
        calls.add(made(str(number)))
        calls.turn_away("stranger", datetime.now())

    assert CALLS_MOST == len(calls.since(""))
    assert {"stranger": CALLS_MOST} == calls.turned_away_since(datetime.min)
