"""Sudden changes of one number: louder, quieter, silent; and what is none."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain.usage.activity import Activity, expected_since, in_hour, window
from didier.domain.usage.findings import judge, unjudged
from didier.domain.usage.weekly_hours import HOUR, RECENT, WEEK, Hours, Look

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = Hours(BERLIN)
OFFICE = {day * 24 + hour for day in range(5) for hour in range(9, 17)}


def at(text):
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


NOON = at("2026-03-04T12:00")


def steady(count, end=NOON, weeks=10, hours=frozenset(range(168)), **latest):
    """Return a number with *count* calls in each of its *hours* of the week, but in the *latest*: h1=0 …"""
    since = end - weeks * WEEK
    calls = {h: count for h in range(since, end, HOUR) if HOURS.of_week(h) in hours}
    for name, other in latest.items():
        calls[end - int(name[1:]) * HOUR] = other
    return Activity("1800", {hour: n for hour, n in calls.items() if n}, since)


def judged(activity, end=NOON):
    return judge(activity, Look(HOURS, end))


def kind(activity, end=NOON):
    found = judged(activity, end)
    return found and found.kind


def test_a_number_is_louder():
    """With the hour, what came, what was expected, and how improbable that is."""
    found = judged(steady(10, h1=60))

    assert ("louder", "number:more:1800", NOON - HOUR, NOON) == (
        found.kind,
        found.key,
        found.start,
        found.end,
    )
    assert (60, 8) == (found.figures.observed, found.figures.weeks)
    assert pytest.approx(10, rel=0.05) == found.figures.expected
    assert found.figures.z > 5
    assert found.figures.p < 1e-7


def test_a_number_is_quieter():
    """In as many hours as show it, of which the first is told."""
    found = judged(steady(20, h1=2, h2=1, h3=2))

    assert ("quieter", NOON - 3 * HOUR, 5) == (found.kind, found.start, found.figures.observed)
    assert pytest.approx(60, rel=0.05) == found.figures.expected
    assert found.figures.p < 1e-6


def test_a_number_is_silent_within_a_day():
    """No call came where many were expected."""
    found = judged(steady(20, h1=0, h2=0, h3=0))

    assert ("silent", "number:fewer:1800", NOON - 3 * HOUR, 0) == (
        found.kind, found.key, found.start, found.figures.observed,
    )  # fmt: skip


def test_a_number_is_silent_since_its_last_call():
    """However long ago it was; the key is that of the hours in which it became so."""
    end = NOON + 3 * WEEK
    found = judged(steady(1), end)

    assert ("silent", "number:fewer:1800", NOON, end) == (found.kind, found.key, found.start, found.end)
    assert pytest.approx(3 * 168) == found.figures.expected


def test_a_few_calls_are_no_change():
    """Less than 10 calls do not make a number louder; nor does it become quieter in an hour with few."""
    assert kind(steady(0, h1=9)) is None
    assert kind(steady(5, h1=0)) is None


def test_a_number_without_calls_is_nothing():
    """It has nothing to be compared with."""
    assert kind(Activity("1800", {}, NOON - 10 * WEEK)) is None
    assert "rare" == unjudged(Activity("1800", {}, NOON - 10 * WEEK), Look(HOURS, NOON))


def test_new_numbers_are_not_judged():
    """Of less than four weeks; it is said why."""
    new, known = steady(20, weeks=4, h1=0, h2=0), steady(20, weeks=6, h1=0, h2=0)

    assert (None, "new") == (kind(new), unjudged(new, Look(HOURS, NOON)))
    assert ("silent", None) == (kind(known), unjudged(known, Look(HOURS, NOON)))


@pytest.mark.parametrize(
    "end", ["2026-03-02T08:00", "2026-03-07T12:00", "2026-03-08T23:00", "2026-03-04T03:00"]
)
def test_closed_hours_are_expected(end):
    """No call at night and at weekends is usual where there never are."""
    assert kind(steady(50, at(end), hours=OFFICE), at(end)) is None


def test_what_begins_in_the_last_open_hours_is_found_in_the_morning():
    """The night between is no reason to forget them."""
    end = at("2026-03-04T11:00")

    assert "silent" == kind(steady(6, end, hours=OFFICE, h1=0, h2=0, h19=0, h20=0, h21=0, h22=0), end)


def test_it_is_over_once_the_latest_hours_are_usual():
    """Whatever was in those before."""
    assert "silent" == kind(steady(20, h1=0, h2=0, h3=0))
    assert kind(steady(20, h2=0, h3=0, h4=0)) is None


@pytest.mark.parametrize("hours", range(0, 30))
@pytest.mark.parametrize("day", ["2026-03-29T00:00", "2026-10-25T00:00"])
def test_clocks_that_change_are_no_finding(day, hours):
    """Neither the missing hour nor the repeated one, nor a day with opening hours."""
    end = at(day) + hours * HOUR

    assert kind(steady(40, end), end) is None
    assert kind(steady(40, end, hours={*OFFICE, *range(6 * 24 + 1, 6 * 24 + 4)}), end) is None


@pytest.mark.parametrize("weekly", [1.1, 1.05, 0.9])
def test_steady_growth_is_no_change(weekly):
    """Ten percent a week are more than a half behind eight weeks."""
    since = NOON - 10 * WEEK
    calls = {hour: round(40 * weekly ** ((hour - since) / WEEK)) for hour in range(since, NOON, HOUR)}

    assert kind(Activity("1800", calls, since)) is None


def test_a_fewer_number_becomes_usual():
    """What has been so for a week is not sudden any more."""
    calls = {hour: 20 if hour < NOON - WEEK else 3 for hour in range(NOON - 10 * WEEK, NOON, HOUR)}

    assert kind(Activity("1800", calls, NOON - 10 * WEEK)) is None


def test_a_call_a_month_is_silent_after_years():
    """Not after months, though it never was for so long."""
    calls = {NOON - month * 30 * 24 * HOUR: 1 for month in range(1, 14)}
    number = Activity("1800", calls, NOON - 60 * WEEK)

    assert kind(number, NOON + 26 * WEEK) is None
    assert kind(number, NOON + 52 * WEEK) is None
    assert "silent" == kind(number, NOON + 520 * WEEK)


def test_a_call_a_day_is_silent_after_weeks():
    """By its own rate: the same silence says something of one and nothing of the other."""
    calls = {NOON - day * 24 * HOUR: 1 for day in range(1, 100)}
    number = Activity("1800", calls, NOON - 100 * 24 * HOUR)

    assert kind(number, NOON + WEEK) is None
    assert "silent" == kind(number, NOON + 4 * WEEK)


def test_hours_are_expected_as_one_or_by_one():
    """A window is the sum of its hours."""
    number, look = steady(7, hours=OFFICE, h1=3, h30=11), Look(HOURS, NOON)
    seen = window(number, look, RECENT)
    hours = [in_hour(number, hour, look) for hour in range(NOON - RECENT * HOUR, NOON, HOUR)]

    assert (sum(n for n, _ in hours), sum(n for _, n in hours)) == (seen.observed, seen.expected)
    assert seen.expected == expected_since(number, NOON - RECENT * HOUR, look)


COUNTS = st.lists(st.integers(0, 60), min_size=9, max_size=9)


def with_weeks(counts):
    """Return a number with so many calls in each hour of a day, by weeks, the latest last."""
    calls = {}
    for week, count in enumerate(counts):
        end = NOON - (8 - week) * WEEK
        calls |= {hour: count for hour in range(end - WEEK, end, HOUR) if count}
    return calls


@settings(max_examples=30, deadline=None)
@given(COUNTS, st.randoms(use_true_random=False))
def test_the_order_of_hours_does_not_matter(counts, chance):
    """Nor does it matter that hours without calls are named."""
    calls = with_weeks(counts)
    mixed = list({hour: calls.get(hour, 0) for hour in range(NOON - 9 * WEEK, NOON, HOUR)}.items())
    chance.shuffle(mixed)

    since = NOON - 9 * WEEK
    first, second = judged(Activity("1800", calls, since)), judged(Activity("1800", dict(mixed), since))

    assert (first and first.kind) == (second and second.kind)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=8, max_size=8), st.integers(0, 300), st.integers(0, 300))
def test_more_calls_are_no_less_loud(before, one, other):
    """If an hour is louder, one with more calls is; if it is quieter, one with fewer is."""
    few, many = sorted([one, other])

    def kind_with(count):
        calls = with_weeks([*before, before[-1]]) | {NOON - HOUR: count}
        return kind(Activity("1800", calls, NOON - 9 * WEEK))

    assert "louder" != kind_with(few) or "louder" == kind_with(many)
