"""Hours of the week by clocks on the wall, also where these change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from didier.domain.usage.weekly_hours import HOUR, WEEK, Hours, Look

BERLIN = ZoneInfo("Europe/Berlin")
HOURS = Hours(BERLIN)


def at(text, zone=BERLIN, fold=0):
    return int(datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp())


def walls(hour, zone=BERLIN):
    return [f"{datetime.fromtimestamp(each, zone):%m-%d %H:%M}" for each in Hours(zone).before(hour)]


def test_an_hour_is_compared_with_the_same_of_the_clock():
    """09:00 is 09:00 before and after clocks change, the latest first."""
    assert [
        "10-19 09:00", "10-12 09:00", "10-05 09:00", "09-28 09:00", "09-21 09:00", "09-14 09:00",
        "09-07 09:00", "08-31 09:00",
    ] == walls(at("2026-10-26T09:00"))  # fmt: skip


@pytest.mark.parametrize("fold", [0, 1])
def test_a_repeated_hour_is_compared_with_single_ones(fold):
    """Both hours from 02:00 of the day on which clocks are set back."""
    hour = at("2026-10-25T02:00", fold=fold)

    assert [at("2026-10-18T02:00"), at("2026-10-11T02:00")] == list(HOURS.before(hour)[:2])


def test_of_a_repeated_hour_the_first_counts():
    """A week later."""
    assert at("2026-10-25T02:00", fold=0) == HOURS.before(at("2026-11-01T02:00"))[0]


def test_a_missing_hour_is_left_out():
    """02:00 of the day on which clocks are set forward is in no comparison."""
    found = walls(at("2026-04-12T02:00"))

    assert ["04-05 02:00", "03-22 02:00"] == found[:2]
    assert 7 == len(found)


def test_clocks_that_show_half_hours_have_hours_too():
    """Those of India are half an hour beside the whole hours that are counted."""
    hour = int(datetime(2026, 3, 4, 5, tzinfo=UTC).timestamp())

    assert [hour - week * WEEK for week in range(1, 9)] == list(Hours(ZoneInfo("Asia/Kolkata")).before(hour))


def test_clocks_that_change_by_half_an_hour_are_compared_with_whole_hours():
    """Those of Lord Howe Island."""
    zone = ZoneInfo("Australia/Lord_Howe")
    found = Hours(zone).before(int(datetime(2026, 4, 8, 5, tzinfo=UTC).timestamp()))

    assert [0] * len(found) == [hour % HOUR for hour in found]


def test_hours_of_the_week_are_by_the_clock():
    """Monday 00:00 is the first, Sunday 23:00 the last."""
    assert 0 == HOURS.of_week(at("2026-03-02T00:00"))
    assert 167 == HOURS.of_week(at("2026-03-08T23:00"))


def test_a_look_has_a_day():
    """The latest hour first."""
    end = at("2026-03-04T10:00")
    recent = [hour for hour, _ in Look(HOURS, end).recent]

    assert [end - HOUR, end - 24 * HOUR] == [recent[0], recent[-1]]


def test_what_was_not_known_yet_is_not_compared():
    """Weeks before the first hour are no weeks without calls."""
    end = at("2026-03-04T10:00")

    assert [2, 1] == [len(before) for _, before in Look(HOURS, end).since(end - 2 * WEEK - HOUR)[::23]]
