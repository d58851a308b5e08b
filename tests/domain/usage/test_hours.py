"""Hours by which calls are logged, over changes of the clock."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.usage.hours import bucket_of, day_bounds, local, log_hour

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    BERLIN,
    *map(ZoneInfo, ("America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC", "Asia/Kathmandu")),
]
MOMENTS = st.integers(1_600_000_000, 2_000_000_000)


def moment(*utc):
    return int(datetime(*utc, tzinfo=UTC).timestamp())


def test_the_hour_that_comes_twice_has_two_buckets():
    """The id of a call tells which one it is in; without one it is the first."""
    hour = log_hour(datetime(2026, 10, 25, 2, 30), BERLIN)
    first, second = moment(2026, 10, 25, 0), moment(2026, 10, 25, 1)
    logged = datetime(2026, 10, 25, 2, 10)

    assert (first, second) == hour.buckets
    assert [first, second, first, first] == [
        hour.bucket(logged, hint) for hint in (first + 601, second + 590, None, second + 86_400)
    ]


def test_times_that_there_were_not_count_for_the_hour_that_came_instead():
    hour = log_hour(datetime(2026, 3, 29, 2, 30), BERLIN)

    assert (datetime(2026, 3, 29, 2), datetime(2026, 3, 29, 4)) == (hour.begins, hour.ends)
    assert (moment(2026, 3, 29, 1),) == hour.buckets
    assert hour == log_hour(datetime(2026, 3, 29, 3, 1), BERLIN)


@pytest.mark.parametrize(("day", "hours"), [((2026, 10, 25), 25), ((2026, 3, 29), 23), ((2026, 7, 1), 24)])
def test_days_have_as_many_hours_as_there_were(day, hours):
    first, behind = day_bounds(date(*day), BERLIN)
    assert hours * 3600 == behind - first


@pytest.mark.parametrize("zone", ZONES, ids=str)
@given(at=MOMENTS)
def test_every_moment_is_in_the_bucket_of_its_hour(zone, at):
    """That which a report names, and that in which the log has it, by the id of the call."""
    hour = log_hour(local(at, zone), zone)
    bucket = hour.bucket(local(at, zone), at)

    assert bucket == bucket_of(at, zone)
    assert hour.begins <= local(at, zone) < hour.ends
    assert 0 <= at - bucket < 5400  # Lord Howe's clock is set back by half an hour


@pytest.mark.parametrize("zone", ZONES, ids=str)
@given(at=MOMENTS)
def test_hours_follow_each_other_without_a_gap(zone, at):
    """And none twice."""
    hour = log_hour(local(at, zone), zone)
    following = log_hour(hour.ends, zone)

    assert following.begins == hour.ends
    assert hour.buckets[-1] < following.buckets[0] <= hour.buckets[-1] + timedelta(hours=1.5).total_seconds()
