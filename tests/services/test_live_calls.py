"""The calls of the last hour as callers see them, in each home."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.calls.live import LiveCall
from didier.domain.visibility import Visibility
from didier.errors import NotPermitted
from didier.services.calls import live
from didier.services.calls.live import Sight
from didier.storage.statements import as_text, run
from didier.storage.tables import DID_LOG
from support.inbound import IP, add_did, put

NOW = datetime(2026, 3, 4, 5, 6, 7)
ALL = Sight(Visibility(), callers=True)


def call(conn, number, did_id, minutes=0.0, uniqueid="1.1"):
    put(
        conn, DID_LOG, uniqueid=uniqueid, channel="c", server_ip=IP, extension=number, did_id=str(did_id),
        caller_id_number="7275551212", call_date=as_text(NOW - timedelta(minutes=minutes)),
        did_route="EXTEN" if did_id else "",
    )  # fmt: skip


@pytest.fixture
def conn(clean):
    """One DID of SALES; calls to it, to another that is gone, and to none; one that is too old."""
    with clean.begin() as conn:
        run(conn, f"DELETE FROM {DID_LOG}")
        add_did(conn, "1800", user_group="SALES")
        [(did_id,)] = run(conn, "SELECT did_id FROM vicidial_inbound_dids WHERE did_pattern = '1800'")
        call(conn, "1800", did_id, 0.5, "1.4")
        call(conn, "1801", 9_999, 2, "1.3")
        call(conn, "1802", "", 59, "1.2")
        call(conn, "1800", did_id, 61, "1.1")
        yield conn


def dialled(found):
    return [one.dialled for one in found.latest]


def shown(conn, sight=ALL, own=(), turned_away=None):
    recent = live.with_own(live.logged(conn, NOW, None), own)
    return live.snapshot(recent, sight, NOW, turned_away or {})


def test_the_last_hour_is_read(conn):
    """The newest first: which DID took a call, or that none did."""
    found = shown(conn)

    assert [
        ("1800", "1800", "logged", "EXTEN"), ("1801", "", "logged", "EXTEN"), ("1802", "", "unknown", ""),
    ] == [(one.dialled, one.did, one.result, one.route) for one in found.latest]  # fmt: skip
    assert ({"logged": 1}, {"logged": 2, "unknown": 1}) == (found.now, found.hour)
    assert as_text(NOW - timedelta(seconds=30)) == found.latest[0].came_at


@pytest.mark.parametrize(
    ("dids", "seen"),
    [
        (Visibility(), ["1800", "1801", "1802"]),
        (Visibility(groups=frozenset({"sales"})), ["1800"]),
        (Visibility(groups=frozenset({"support"})), []),
        (Visibility(prefix="180"), ["1800", "1801", "1802"]),
        (Visibility(prefix="1802"), ["1802"]),
        (Visibility(groups=frozenset({"sales"}), prefix="1801"), []),
    ],
)
def test_calls_are_seen_with_their_dids(conn, dids, seen):
    """Those without a DID, or with one that is gone, only by who sees all groups."""
    found = shown(conn, Sight(dids, callers=True), turned_away={"stranger": 1})

    assert seen == dialled(found)
    assert len(seen) == sum(found.hour.values())
    assert (None if dids.is_limited else {"stranger": 1}) == found.turned_away


def test_who_called_is_for_some(conn):
    """The calls are there without."""
    found = shown(conn, replace(ALL, callers=False))

    assert (["1800", "1801", "1802"], {""}) == (dialled(found), {one.caller for one in found.latest})


def test_who_sees_what(conn):
    """List DIDs is asked for; who called is seen by who may read calls, with a token of that scope."""
    reader = replace(CALLER, scopes=frozenset({"dids:read"}), pattern_prefix="1800")
    both = replace(CALLER, scopes=frozenset({"dids:read", "reports"}))
    nobody = replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False))

    assert Sight(Visibility(prefix="1800"), callers=False) == live.sight_of(reader)
    assert ALL == live.sight_of(both) == live.sight_of(CALLER)
    assert isinstance(live.sight_of(nobody), NotPermitted)


def test_only_the_end_is_read_again(conn):
    """A row that is gone is still there, one that has come is too; what is too old goes."""
    before = live.logged(conn, NOW, None)
    run(conn, f"DELETE FROM {DID_LOG} WHERE uniqueid = '1.3'")
    call(conn, "1803", "", -0.5, "1.5")
    later = NOW + timedelta(minutes=2)

    assert ["1803", "1800", "1801"] == [one.dialled for one in live.logged(conn, later, before).calls]
    assert ["1803", "1800"] == [one.dialled for one in live.logged(conn, later, None).calls]


def test_a_clock_that_is_ahead_hides_nothing(conn):
    """Calls of other servers are found behind one that comes from tomorrow."""
    call(conn, "1809", "", -1_440, "1.9")
    before = live.logged(conn, NOW, None)
    call(conn, "1803", "", 0, "1.5")

    assert ["1809", "1803", "1800", "1801", "1802"] == [
        one.dialled for one in live.logged(conn, NOW, before).calls
    ]


def test_too_many_are_the_newest(conn):
    """It is said since when they are counted."""
    first = live.logged(conn, NOW, None, 2)

    assert (["1800", "1801"], as_text(NOW - timedelta(minutes=2))) == (
        [one.dialled for one in first.calls], first.since,
    )  # fmt: skip
    assert first.since == live.logged(conn, NOW, first, 2).since
    assert first.since == live.snapshot(first, ALL, NOW, {}).since


def test_what_a_process_knows_is_added(conn):
    """How the call ended, with the DID as it is now."""
    own = LiveCall(
        as_text(NOW), "1.4", IP, "1800", "7275551212", "1800", "OLD", "EXTEN", "refused", "510", "", 0.1
    )
    recent = live.with_own(live.logged(conn, NOW, None), [own])

    assert ("refused", "510", "SALES") == (
        recent.calls[0].result, recent.calls[0].reason, recent.calls[0].group,
    )  # fmt: skip
