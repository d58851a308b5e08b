"""Reports of calls, against what is counted by hand in the very rows that were logged."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from didier.cli.local import CALLER
from didier.errors import NotPermitted
from didier.services.dids.lookup import Wanted
from didier.services.usage import use
from didier.services.usage.use import Question, Setting
from didier.storage.database import reading, writing
from didier.storage.usage import rollups
from didier.storage.usage.rollups import Way
from support import call_history, outside
from support.call_history import ZONE
from support.homes import ready
from support.usage import counted

BEGINS = datetime(2026, 10, 23, 22)  # UTC: midnight of 24 October; the clock is set back on the 25th
HOURS = 6 * 24 + 1
MADE = datetime(2026, 3, 4, 5, 6, 7)
NOW = BEGINS.replace(tzinfo=UTC).timestamp() + HOURS * 3600 + 13 * 3600  # 30 October, 13:00
SETTING = Setting(ZONE, NOW)
LIMITED = replace(CALLER, user=replace(CALLER.user, viewable_groups="SALES"))
GONE = 7777
"""The id of a DID that is there no longer."""


class World:
    """DIDs, and calls to them that were counted."""

    def __init__(self, engine):
        self.engine = engine
        with writing(engine) as conn:
            names = {"default": "ADMIN", "5550101": "SALES", "5550102": "SALES", "5550103": "ADMIN"}
            self.ids = {
                name: outside.add(conn, {"did_pattern": name, "user_group": group, "did_active": "Y"}, MADE)
                for name, group in names.items()
            }
            dids = {0: "", GONE: "5550177", **{one: name for name, one in self.ids.items()}}
            del dids[self.ids["5550103"]]  # nobody calls it
            self.rows = call_history.history(5, BEGINS, HOURS, 12, dids)
            call_history.store(conn, self.rows)
        counted(engine, NOW)

    def ask(self, report, *given):
        with reading(self.engine) as conn:
            return report(conn, *given)

    def logged(self, since=None, until=None):
        """Return the rows of calls between two moments in UTC, with the moment of each."""
        for row in self.rows.did_log:
            at = float(row[0].partition(".")[0])
            if (since is None or at >= since.timestamp()) and (until is None or at < until.timestamp()):
                yield at, row


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "myisam"])
def world(request, tmp_path_factory):
    """Counted once for all: who changes something puts it back."""
    url = f"sqlite:///{tmp_path_factory.mktemp('use')}/didier.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, MADE, myisam=request.param == "myisam") as engine:
        yield World(engine)


def by_did(world, since, until):
    return Counter(int(row[6]) for _, row in world.logged(since, until) if row[6])


LOCAL = {
    "yesterday": ((2026, 10, 29), (2026, 10, 30)),
    "7d": ((2026, 10, 23), (2026, 10, 30)),
    "30d": ((2026, 9, 30), (2026, 10, 30)),
}


@pytest.mark.parametrize("period", LOCAL)
def test_dids_with_calls(world, period):
    """Those with the most first; that which is gone too, as what it was called."""
    since, until = (datetime(*one, tzinfo=ZONE) for one in LOCAL[period])
    found = world.ask(use.used, CALLER, Question(Wanted(), period), SETTING, "calls", 100)

    assert by_did(world, since, until) == {one.use.did_id: one.use.measured.calls for one in found.dids}
    counts = [one.use.measured.calls for one in found.dids]
    assert sorted(counts, reverse=True) == counts
    [gone] = [one for one in found.dids if one.use.did_id == GONE]
    assert (None, "5550177") == (gone.use.pattern, gone.number)


@pytest.mark.parametrize("zone", [None, ZoneInfo("America/New_York"), ZoneInfo("Asia/Kolkata")])
def test_any_period_by_the_hour(world, zone):
    """Across the hour that comes twice, in whatever zone it is named."""
    named = datetime(2026, 10, 24, 23), datetime(2026, 10, 25, 3)
    since, until = (one.replace(tzinfo=zone or ZONE) for one in named)
    if zone and zone.utcoffset(named[0]) % timedelta(hours=1):  # an hour of the logs counts where it begins
        since, until = (one + timedelta(minutes=30) for one in (since, until))
    found = world.ask(use.used, CALLER, Question(Wanted(), named, zone), SETTING, "calls", 100)

    assert by_did(world, since, until) == {one.use.did_id: one.use.measured.calls for one in found.dids}
    assert (5 if zone is None else 4) == (found.period.behind - found.period.begins) // 3600


def test_callers_and_what_was_before(world):
    """Callers that showed a number, each once; the period before is as long."""
    found = world.ask(use.used, CALLER, Question(Wanted(), "yesterday"), SETTING, "calls", 100)
    day, day_before, end = (datetime(2026, 10, one, tzinfo=ZONE) for one in (29, 28, 30))
    callers = defaultdict(set)
    for _, row in world.logged(day, end):
        if row[6] and row[3]:
            callers[int(row[6])].add(row[3])

    assert {one.use.did_id: one.callers.count for one in found.dids} == {
        did_id: len(numbers) for did_id, numbers in callers.items()
    }
    before = by_did(world, day_before, day)
    assert {one.use.did_id: one.calls_before for one in found.dids} == {
        one.use.did_id: before[one.use.did_id] for one in found.dids
    }


def test_pages_have_each_did_once(world):
    seen, place = [], None
    while True:
        found = world.ask(use.used, CALLER, Question(Wanted(), "30d"), SETTING, "calls", 2, place)
        seen += [one.use.did_id for one in found.dids]
        if (place := found.following) is None:
            break
    assert sorted(by_did(world, None, None)) == sorted(seen)


@pytest.mark.parametrize("sort", use.SORTS)
def test_every_order_has_the_same(world, sort):
    found = world.ask(use.used, CALLER, Question(Wanted(), "30d"), SETTING, sort, 100)
    assert {*by_did(world, None, None)} == {one.use.did_id for one in found.dids}
    places = [one.use.place for one in found.dids]
    assert sorted(places, reverse=True) == places


def test_who_sees_some_dids_is_told_of_these(world):
    """Not of those that are gone, nor of numbers without a DID."""
    found = world.ask(use.used, LIMITED, Question(Wanted(), "30d"), SETTING, "calls", 100)
    assert {world.ids["5550101"], world.ids["5550102"]} == {one.use.did_id for one in found.dids}

    by_prefix = replace(CALLER, pattern_prefix="5550102")
    found = world.ask(use.used, by_prefix, Question(Wanted(), "30d"), SETTING, "calls", 100)
    assert [world.ids["5550102"]] == [one.use.did_id for one in found.dids]

    assert [] == world.ask(use.unknown, LIMITED, Question(Wanted(), "30d"), SETTING, "calls", 9).numbers
    idle = world.ask(use.idle, LIMITED, Wanted(), SETTING, 30, 1, 9)
    assert ["18001234567"] == [one.pattern for one in idle.dids]  # which is of all groups


def test_days_and_hours_add_up(world):
    """All calls are counted once, by day, by hour and by hour of the week."""
    arrived = {(row[0], row[2]) for _, row in world.logged()}
    for by in use.UNITS:
        found = world.ask(use.series, CALLER, Question(Wanted(), "7d"), SETTING, by)
        assert len(arrived) == sum(one.measured.calls for one in found.buckets)
    days = world.ask(use.series, CALLER, Question(Wanted(), "7d"), SETTING, use.DAY)
    expected = Counter(
        datetime.fromtimestamp(min(at for at, row in world.logged() if row[0] == key[0]), ZONE).date()
        for key in arrived
    )
    assert expected == {one.begins.date(): one.measured.calls for one in days.buckets if one.measured.calls}


def test_days_of_some_dids(world):
    """In another zone too, where days begin at other times."""
    for zone in (ZONE, ZoneInfo("America/New_York")):
        question = Question(Wanted(dids=["5550101"]), "7d", zone)
        found = world.ask(use.series, CALLER, question, SETTING, use.DAY)
        expected = Counter(
            datetime.fromtimestamp(at, zone).date() for at, row in world.logged() if row[4] == "5550101"
        )
        known = {one.begins.date(): one.measured.calls for one in found.buckets}
        assert {day: count for day, count in expected.items() if day < date(2026, 10, 30)} == {
            day: count for day, count in known.items() if count
        }


def test_numbers_without_a_did(world):
    """Each its own, also those that the DID `default` has taken; a number that a DID has is none."""
    found = world.ask(use.unknown, CALLER, Question(Wanted(), "30d"), SETTING, "calls", 100)
    expected = Counter(row[4] for _, row in world.logged() if not row[6] and row[4])
    assert expected == {one.found.number: one.found.measured.calls for one in found.numbers}
    first = {
        number: min(int(at) for at, row in world.logged() if not row[6] and row[4] == number)
        for number in expected
    }
    assert {one.found.number: one.found.first_at for one in found.numbers} == first

    with writing(world.engine) as conn:
        added = outside.add(conn, {"did_pattern": "8001234567", "user_group": "ADMIN"}, MADE)
    found = world.ask(use.unknown, CALLER, Question(Wanted(), "30d"), SETTING, "calls", 100)
    with writing(world.engine) as conn:
        outside.delete(conn, added)
    assert {*expected} - {"8001234567"} == {one.found.number for one in found.numbers}


def test_idle_dids(world):
    """Active ones without a call, or with few."""
    found = world.ask(use.idle, CALLER, Wanted(), SETTING, 30, 1, 100)
    assert {"5550103", "18001234567"} == {one.pattern for one in found.dids}
    assert {None} == {one.last_at for one in found.dids}

    calls = by_did(world, datetime(2026, 9, 30, tzinfo=ZONE), None)
    most = calls[world.ids["5550101"]] + 1
    found = world.ask(use.idle, CALLER, Wanted(), SETTING, 30, most, 100)
    assert {one.pattern: one.calls for one in found.dids} == {
        "5550103": 0, "18001234567": 0,
        **{name: calls[one] for name, one in world.ids.items() if 0 < calls[one] < most},
    }  # fmt: skip
    with writing(world.engine) as conn:
        outside.update(conn, world.ids["5550103"], {"did_active": "N"}, MADE)
    found = world.ask(use.idle, CALLER, Wanted(), SETTING, 30, 1, 100)
    with writing(world.engine) as conn:
        outside.update(conn, world.ids["5550103"], {"did_active": "Y"}, MADE)
    assert ["18001234567"] == [one.pattern for one in found.dids]


@pytest.mark.parametrize("caller", [CALLER, LIMITED], ids=["all", "some"])
@pytest.mark.parametrize("period", ["30d", "7d", (datetime(2026, 10, 25, 1), datetime(2026, 10, 27, 5))])
def test_totals_are_those_of_the_lists(world, caller, period):
    """Numbers without a DID, and the calls to them; those of days add up to all where days are whole."""
    question = Question(Wanted(), period)
    listed = world.ask(use.unknown, caller, question, SETTING, "calls", 1000).numbers
    found = world.ask(use.unknown_total, caller, question, SETTING)

    assert (len(listed), sum(one.found.measured.calls for one in listed)) == (found.numbers, found.calls)
    if isinstance(period, str):
        assert found.calls == sum(calls for _, calls in found.days)


@pytest.mark.parametrize("caller", [CALLER, LIMITED], ids=["all", "some"])
@pytest.mark.parametrize(("days", "fewer_than"), [(30, 1), (30, 200), (1, 5)])
def test_idle_dids_are_counted(world, caller, days, fewer_than):
    """As many as are listed."""
    listed = world.ask(use.idle, caller, Wanted(), SETTING, days, fewer_than, 1000)
    found = world.ask(use.idle_total, caller, Wanted(), SETTING, days, fewer_than)

    assert (len(listed.dids), listed.period) == (found.count, found.period)


def test_totals_ask_for_a_right(world):
    """As the lists do."""
    without = replace(CALLER, user=replace(CALLER.user, view_reports=False))
    question = Question(Wanted(), "7d")

    assert isinstance(world.ask(use.unknown_total, without, question, SETTING), NotPermitted)
    assert isinstance(world.ask(use.idle_total, without, Wanted(), SETTING, 30, 1), NotPermitted)


def test_sources_are_named_to_who_sees_everything(world):
    """To nobody else: they are users and edges."""
    with writing(world.engine) as conn:
        rollups.add_ways(conn, [Way("edge-1", "", "", "answered")])
    found = [world.ask(use.sources, caller) for caller in (CALLER, LIMITED)]

    assert [["edge-1"], []] == found
