"""Calls that others report, in each home: what is stored once, and what usage makes of them."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from didier.cli.local import CALLER
from didier.domain.calls.reported import ReportedCall
from didier.domain.users import User
from didier.errors import InvalidField, NotPermitted, ReportedCallsOff
from didier.services.calls import reported
from didier.services.calls.reported import CallReport, Stored
from didier.services.usage import call_statistics
from didier.storage.failures import is_passing
from didier.storage.statements import run
from didier.storage.usage.reports import InboundCall
from support import outside
from support.engines import opened
from support.homes import ready
from support.statements import sent, settled
from support.usage import used

SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
PREFIXED = replace(CALLER, pattern_prefix="+44")
DAY = date(2026, 3, 4)
NOON = datetime(2026, 3, 4, 12).astimezone()
BEGIN, END = datetime(2026, 3, 1), datetime(2026, 4, 1)


def call(call_id="a", number="1801", at=NOON, **values):
    is_answered = values.get("result", "answered") == "answered"
    given = {
        "caller": "3125550001", "started_at": at,
        "answered_at": at + timedelta(seconds=5) if is_answered else None,
        "ended_at": at + timedelta(seconds=65), "result": "answered", "sip_status": 200,
        "gateway": "sip:10.0.0.5:5060",
    }  # fmt: skip
    return ReportedCall(call_id, number, **given | values)


def report(conn, now, *calls, source="edge", by=CALLER, days=400):
    [done] = reported.report(conn, [CallReport(by, source, calls, days)], now)
    return done


def add_did(conn, pattern, group="---ALL---"):
    values = {"did_pattern": pattern, "user_group": group, "did_active": "Y"}
    return outside.add(conn, values, datetime(2026, 3, 4))


def rows(conn, columns="call_id"):
    return run(conn, f"SELECT {columns} FROM didier_reported_calls ORDER BY reported_id")


def log(conn, number, did_id, came="2026-03-04 12:00:00"):
    run(
        conn,
        "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, caller_id_number, extension, call_date,"
        " did_id) VALUES ('u', 'c', '192.0.2.1', '1', ?, ?, ?)",
        number, came, str(did_id),
    )  # fmt: skip


def usage(conn, by=CALLER, since=BEGIN, until=END):
    found = [one.use for one in used(conn, by, since, until)]
    return [
        (one.did_id, one.measured.calls, f"{datetime.fromtimestamp(one.measured.last_at)}") for one in found
    ]


def listed(conn, number, by=CALLER, day=DAY):
    return call_statistics.calls(conn, by, number, day, 10)


@pytest.fixture
def conn(clean, now):
    """A database with two DIDs, 1 of everybody's and 2 of a group."""
    with clean.begin() as conn:
        yield conn


@pytest.fixture
def did_id(conn):
    """The DID 1801."""
    return add_did(conn, "1801")


def test_what_is_reported_is_stored_in_utc(conn, now, did_id):
    """With the DID that has the number."""
    done = report(conn, now, call(result="busy", sip_status=486, caller="", gateway=""))

    assert Stored(1, 0) == done
    columns = "source, call_id, number, caller, result, sip_status, gateway, did_id, answered_at"
    assert [("edge", "a", "1801", "", "busy", 486, "", did_id, None)] == rows(conn, columns)
    [moments] = rows(conn, "started_at, ended_at")
    began = NOON.astimezone(UTC).replace(tzinfo=None)
    assert [began, began + timedelta(seconds=65)] == [datetime.fromisoformat(str(one)) for one in moments]


def test_what_is_dialled_may_be_no_did_at_all(conn, now):
    """It is stored as it was dialled."""
    numbers = ["1", "ann@example.com", "1 800", "1" * 64, "\N{TELEPHONE RECEIVER}"]
    done = report(conn, now, *(call(str(n), number) for n, number in enumerate(numbers)))

    assert Stored(5, 0) == done
    assert {(number, None) for number in numbers} == set(rows(conn, "number, did_id"))


def test_a_known_call_changes_nothing(conn, now, did_id):
    """The same of another source is another; one that stands twice in a report is known the second time."""
    first = report(conn, now, call("a"), call("b"), call("b", caller="1"))
    again = report(conn, now, call("a", at=NOON + timedelta(hours=1)), call("c"))
    other = report(conn, now, call("a"), source="other")

    assert [Stored(2, 1), Stored(1, 1), Stored(1, 0)] == [first, again, other]
    assert [
        ("edge", "a", "1801"),
        ("edge", "b", "1801"),
        ("edge", "c", "1801"),
        ("other", "a", "1801"),
    ] == sorted(rows(conn, "source, call_id, number"))


def test_a_call_to_another_number_is_another(conn, now):
    """SIP lets a forked or forwarded INVITE keep its Call-ID; each is known when it is sent again."""
    calls = [call("a"), call("a", "1802"), call("a1", "801")]

    assert [Stored(3, 0), Stored(0, 3)] == [report(conn, now, *calls) for _ in range(2)]
    assert [("a", "1801"), ("a", "1802"), ("a1", "801")] == sorted(rows(conn, "call_id, number"))


def test_ids_are_compared_to_the_letter(conn, now):
    """In case, accents and blanks at the end, also the longest; all characters are kept."""
    ids = ["x", "X", "é", "e", "x ", "é" * 255, "é" * 254 + "e", "\N{TELEPHONE RECEIVER}"]
    done = report(conn, now, *map(call, ids))

    assert Stored(8, 0) == done
    assert set(ids) == {row[0] for row in rows(conn)}


@pytest.mark.parametrize("count", [1, 64, 1_000])
def test_a_report_takes_the_same_number_of_statements(conn, now, count):
    """Whatever its size."""
    report(conn, now, call())
    calls = [call(f"{n}", number=f"18{n:04}") for n in range(count)]

    assert 3 == settled(lambda: sent(conn, lambda: report(conn, now, *calls)))


def test_reports_at_the_same_time_are_stored_once(clean, now):
    """Of one that is sent again, in another order, each call counts for one of them alone."""
    ids, done = [f"id-{n}" for n in range(200)], []

    def work(order):
        try:
            with clean.begin() as conn:
                found = report(conn, now, *map(call, order))
        except DBAPIError as error:
            if is_passing(error):  # as the committer does
                work(order)
        else:
            done.append(found)

    threads = [threading.Thread(target=work, args=(order,)) for order in (ids, ids[::-1], ids)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (200, 400) == (sum(one.stored for one in done), sum(one.known for one in done))
    with clean.connect() as conn:
        assert 200 == len(rows(conn))


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("started_at", {"started_at": datetime(1970, 6, 1, tzinfo=UTC)}),
        ("ended_at", {"ended_at": NOON - timedelta(seconds=1)}),
        ("ended_at", {"ended_at": datetime(9500, 1, 1, tzinfo=UTC)}),
        ("answered_at", {"answered_at": NOON - timedelta(seconds=1)}),
        ("answered_at", {"answered_at": NOON + timedelta(seconds=99)}),
        ("answered_at", {"answered_at": None}),
        ("answered_at", {"answered_at": NOON, "result": "busy"}),
    ],
)
def test_one_call_that_cannot_be_refuses_all(conn, now, field, values):
    """It is named by its place, and nothing is stored."""
    refused = report(conn, now, call("a"), call("b", **values))

    assert isinstance(refused, InvalidField)
    assert f"calls/1/{field}" == refused.field
    assert [] == rows(conn)


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=1), timedelta(days=20_000)])
def test_a_call_ends_a_day_in_the_future_at_most(conn, now, ahead):
    """Clocks differ; what is further ahead would never be forgotten."""
    moment = now.astimezone() + timedelta(days=1) + ahead
    done = report(conn, now, call(started_at=moment, answered_at=moment, ended_at=moment))

    assert isinstance(done, InvalidField) is bool(ahead)
    assert ([] if ahead else ["a"]) == [row[0] for row in rows(conn)]


def test_calls_that_are_not_seen_count_for_no_did(conn, now):
    """As if no DID had the number; a token reports of the numbers alone that it reaches."""
    add_did(conn, "1801", "OTHERS")
    own = add_did(conn, "1802", "SALES")
    done = report(conn, now, call("a"), call("b", number="1802"), call("c", number="1803"), by=SALES)
    refused = report(conn, now, call("d", number="+441"), call("e"), by=PREFIXED)

    assert Stored(3, 0) == done
    assert {"a": None, "b": own, "c": None} == dict(rows(conn, "call_id, did_id"))
    assert isinstance(refused, NotPermitted)


def test_it_needs_api_access_and_level_7(conn, now):
    """And nothing else of a user."""
    least = User("edge", 7, "X", True, frozenset({"report_calls"}), False, False, False, " --ALL-- ")
    may = replace(CALLER, user=least)

    assert Stored(1, 0) == report(conn, now, call(), by=may)
    for lacks in ({"level": 6}, {"api_access": False}):
        refused = report(conn, now, call(), by=replace(may, user=replace(least, **lacks)))
        assert isinstance(refused, NotPermitted)
        assert 1 == len(refused.missing)


def test_old_calls_are_forgotten(conn, now):
    """When the next are reported."""
    here = now.astimezone()
    report(conn, now, call("old", at=here - timedelta(days=11)), call("new", at=here - timedelta(days=9)))
    report(conn, now, call("last", at=here), days=10)

    assert ["new", "last"] == [row[0] for row in rows(conn)]


def test_usage_counts_what_is_reported(conn, now, did_id):
    """Whatever came of it, and also of a DID that was deleted since."""
    report(conn, now, call("a"), call("b", at=NOON + timedelta(hours=1), result="busy"), call("c", "1802"))
    counted = usage(conn)
    outside.delete(conn, did_id)

    assert [(did_id, 2, "2026-03-04 13:00:00")] == counted
    [gone] = used(conn, CALLER, BEGIN, END)
    assert (None, "1801", 2) == (gone.use.pattern, gone.number, gone.use.measured.calls)
    assert [] == usage(conn, until=NOON.replace(tzinfo=None))


def test_no_call_is_counted_twice(conn, now, did_id):
    """A day of a DID is that of VICIdial's log if it has calls of it then, else that of the reports."""
    other = add_did(conn, "1802")
    days = [NOON + timedelta(days=n) for n in range(3)]
    calls = [call(f"{number}{n}", number, at) for number in ("1801", "1802") for n, at in enumerate(days)]
    report(conn, days[-1], *calls, call("x", at=days[1] + timedelta(minutes=1)))
    log(conn, "1801", did_id)
    log(conn, "1801", did_id, "2026-03-04 12:00:09")

    assert [(did_id, 5, "2026-03-06 12:00:00"), (other, 3, "2026-03-06 12:00:00")] == usage(conn)


@pytest.mark.parametrize("by", [SALES, replace(CALLER, pattern_prefix="1802")])
def test_usage_of_what_is_seen(conn, now, by):
    """By group, and by the token's prefix."""
    add_did(conn, "1801", "OTHERS")
    own = add_did(conn, "1802", "SALES")
    report(conn, now, call("a"), call("b", "1802"))

    assert [(own, 1, "2026-03-04 12:00:00")] == usage(conn, by)


def test_calls_of_a_day(conn, now, did_id):
    """By local time, from start to end; of VICIdial's log where it has some."""
    midnight = datetime(2026, 3, 4).astimezone()
    report(
        conn, now, call("a", at=midnight + timedelta(hours=23, minutes=59, seconds=59)),
        call("b", at=midnight, caller=""), call("c", at=midnight - timedelta(seconds=1)),
    )  # fmt: skip
    found = listed(conn, "1801")
    log(conn, "1801", did_id)

    assert [
        InboundCall("", "2026-03-04 00:00:00", 65), InboundCall("3125550001", "2026-03-04 23:59:59", 65)
    ] == found  # fmt: skip
    assert [InboundCall("1", "2026-03-04 12:00:00", 0)] == listed(conn, "1801")


def test_calls_of_a_day_that_are_seen(conn, now):
    """Those to a number without a DID by who sees every group."""
    add_did(conn, "1801", "OTHERS")
    report(conn, now, call("a"), call("b", "1802"))

    assert [1, 1] == [len(listed(conn, number)) for number in ("1801", "1802")]
    assert [[], []] == [listed(conn, number, SALES) for number in ("1801", "1802")]


@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar(conn, now, did_id, day):
    """Nothing was reported then."""
    report(conn, now, call())

    assert [] == listed(conn, "1801", day=day)


def test_a_home_without_the_table(empty_url, now):
    """Reports are refused; usage is that of VICIdial's log."""
    with ready(empty_url, now) as engine, engine.begin() as conn:
        did_id = add_did(conn, "1801")
        run(conn, "DROP TABLE didier_reported_calls")
    with opened(empty_url) as engine, engine.begin() as conn:
        log(conn, "1801", did_id)

        assert isinstance(report(conn, now, call()), ReportedCallsOff)
        assert [(did_id, 1, "2026-03-04 12:00:00")] == usage(conn)
        assert [] == listed(conn, "1802")
