"""Opening hours over holidays, midnights, and changes of clocks."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.domain import schedules
from didier.domain.schedules import DAYS, Span, is_open, next_opening, of, state, values_of
from didier.errors import InvalidField

BERLIN = ZoneInfo("Europe/Berlin")
NINE_TO_FIVE = {day: ["09:00-17:00"] for day in DAYS[:5]}
OFFICE = {"time_zone": "Europe/Berlin", "hours": NINE_TO_FIVE, "outside": "VOICEMAIL:200"}


def schedule(**values):
    return of("office", {**OFFICE, **values})


def at(text, zone=BERLIN, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-04 08:59:59", False),
        ("2026-03-04 09:00:00", True),
        ("2026-03-04 16:59:59", True),
        ("2026-03-04 17:00:00", False),
        ("2026-03-07 12:00:00", False),
    ],
)
def test_hours_begin_and_end(moment, expected):
    """The first minute is in them, the last is not; a day without hours is closed."""
    assert expected is is_open(schedule(), at(moment))


def test_hours_are_those_of_the_schedule_zone():
    """Wherever the moment was told: 09:30 in Berlin is 03:30 in New York."""
    moment = at("2026-03-04 03:30:00", ZoneInfo("America/New_York"))

    assert is_open(schedule(), moment)
    assert not is_open(schedule(time_zone="America/New_York"), moment)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-06 21:59:00", False),
        ("2026-03-06 22:00:00", True),
        ("2026-03-07 00:00:00", True),
        ("2026-03-07 05:59:00", True),
        ("2026-03-07 06:00:00", False),
        ("2026-03-07 22:30:00", False),
        ("2026-03-09 00:00:00", True),
        ("2026-03-09 23:59:00", True),
        ("2026-03-10 00:00:00", False),
    ],
)
def test_hours_pass_midnight(moment, expected):
    """Those of Friday night end on Saturday; 24:00 is the end of the day."""
    hours = {"friday": ["22:00-06:00"], "monday": ["00:00-24:00"]}

    assert expected is is_open(schedule(hours=hours), at(moment))


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 3, 29, 0, 59, tzinfo=UTC), False),  # 01:59, before clocks go to 03:00
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), True),  # 03:00
        (datetime(2026, 3, 29, 1, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 29, 2, 0, tzinfo=UTC), False),  # 04:00
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), True),  # 02:30
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), True),  # 02:30 once more
        (datetime(2026, 10, 25, 3, 0, tzinfo=UTC), False),  # 04:00
    ],
)
def test_hours_when_clocks_change(moment, expected):
    """From 02:30 to 04:00: half of it is passed over in spring, and is there twice in autumn."""
    assert expected is is_open(schedule(hours={"sunday": ["02:30-04:00"]}), moment)


@pytest.mark.parametrize(
    ("moment", "opening"),
    [
        ("2026-03-04 08:00", "2026-03-04 09:00+01:00"),
        ("2026-03-06 17:00", "2026-03-09 09:00+01:00"),
        ("2026-03-27 17:00", "2026-03-30 09:00+02:00"),
        ("2026-10-23 17:00", "2026-10-26 09:00+01:00"),
        ("2026-04-02 17:00", "2026-04-07 09:00+02:00"),  # Easter
        ("2026-12-30 17:00", "2027-01-04 09:00+01:00"),
    ],
)
def test_the_next_opening(moment, opening):
    """Over week-ends, holidays, and both changes of clocks."""
    dates = [{"date": "12-31", "name": "New Year's Eve"}]
    found = next_opening(schedule(country="DE", subdivision="BE", dates=dates), at(moment))

    assert datetime.fromisoformat(opening) == found
    assert "Europe/Berlin" == found.tzinfo.key


def test_hours_that_begin_in_what_clocks_pass_over():
    """They begin with the first minute that is there."""
    found = next_opening(schedule(hours={"sunday": ["02:30-05:00"]}), at("2026-03-28 12:00"))

    assert datetime(2026, 3, 29, 1, 0, tzinfo=UTC) == found


def test_a_schedule_without_hours_never_opens():
    """It is closed, and nothing is said of when it opens; also where calendars end."""
    closed = schedule(hours={})

    assert (False, None) == (
        is_open(closed, at("2026-03-04 12:00")),
        next_opening(closed, at("2026-03-04 12:00")),
    )
    assert None is next_opening(closed, datetime(9999, 12, 30, tzinfo=UTC))


def test_holidays_and_own_dates():
    """A date of its own comes before a holiday, that of one year before that of all."""
    dates = [
        {"date": "2026-04-03", "hours": ["10:00-12:00"], "name": "Open on Good Friday"},
        {"date": "12-24", "name": "Christmas Eve"},
        {"date": "2026-12-24", "hours": ["09:00-11:00"]},
    ]
    some = schedule(country="DE", dates=dates)
    told = [state(some, at(f"{moment} 10:30")) for moment in (
        "2026-04-03", "2026-05-01", "2026-12-24", "2027-12-24", "2026-03-04", "2026-03-07",
    )]  # fmt: skip

    assert [
        (True, "Open on Good Friday"), (False, "Labor Day"), (True, "2026-12-24"), (False, "Christmas Eve"),
        (True, "by the hours of the week"), (False, "by the hours of the week"),
    ] == [(one.is_open, one.reason) for one in told]  # fmt: skip
    assert ["Open on Good Friday", "Easter Monday"] == [
        one.name for one in schedules.upcoming(some, date(2026, 3, 1), 2)
    ]


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"time_zone": "Berlin"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"hours": {"Monday": ["09:00-17:00"]}}, "hours"),
        ({"hours": {"monday": ["9-17"]}}, "hours/monday"),
        ({"hours": {"monday": ["09:00-09:00"]}}, "hours/monday"),
        ({"hours": {"monday": ["09:00-25:00"]}}, "hours/monday"),
        ({"hours": {"monday": ["24:00-12:00"]}}, "hours/monday"),
        ({"hours": {"monday": ["09:00-17:60"]}}, "hours/monday"),
        ({"hours": {"monday": ["0٩:00-17:00"]}}, "hours/monday"),
        ({"hours": {"friday": ["09:00-10:00"] * 9}}, "hours/friday"),
        ({"country": "XX"}, "country"),
        ({"country": "de"}, "country"),
        ({"country": "DE", "subdivision": "XX"}, "subdivision"),
        ({"subdivision": "BE"}, "subdivision"),
        ({"dates": [{"date": "2026-02-29"}]}, "dates/0/date"),
        ({"dates": [{"date": "24.12."}]}, "dates/0/date"),
        ({"dates": [{"date": "12-24"}, {"date": "12-24"}]}, "dates/1/date"),
        ({"dates": [{"date": "12-24", "hours": ["x"]}]}, "dates/0/hours"),
        ({"dates": [{"date": "12-24", "name": "x" * 41}]}, "dates/0/name"),
        ({"dates": [{"date": "12-24", "name": "\n"}]}, "dates/0/name"),
        ({"dates": [{"date": f"{year}-12-24"} for year in range(2026, 2227)]}, "dates"),
        ({"outside": ""}, "outside"),
        ({"outside": "200"}, "outside"),
        ({"outside": "VOICEMAIL:" + "1" * 11}, "outside"),
    ],
)
def test_what_is_wrong_is_named(values, place):
    """The first bad value, by its place."""
    with pytest.raises(InvalidField) as refused:
        schedule(**values)

    assert place == refused.value.field


@pytest.mark.parametrize("name", ["", "a b", "x" * 51, "ä", "a/b", "a\n"])
def test_names_go_into_addresses(name):
    """They have letters, digits, - and _ alone."""
    with pytest.raises(InvalidField):
        of(name, OFFICE)


MINUTES = st.integers(0, 24 * 60 - 1)
SPANS = st.builds(Span, MINUTES, st.integers(0, 24 * 60)).filter(lambda span: span.start != span.end)
WEEKS = st.fixed_dictionaries({day: st.lists(SPANS.map(str), max_size=3) for day in DAYS})
ZONES = st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))


@given(WEEKS, ZONES)
def test_what_is_stored_is_read_again(hours, zone):
    """As it was."""
    values = {"hours": hours, "time_zone": zone, "country": "US", "subdivision": "CA",
              "dates": [{"date": "02-29", "name": "Leap day", "hours": ["10:00-11:00"]}]}  # fmt: skip
    made = schedule(**values)

    assert made == of("office", values_of(made))


@given(WEEKS, ZONES, MOMENTS)
@settings(max_examples=30, deadline=None)
def test_it_opens_at_the_next_opening_and_not_before(hours, zone, moment):
    """Minute by minute, whatever clocks do."""
    some = schedule(hours=hours, time_zone=zone)
    if is_open(some, moment):
        return
    found = next_opening(some, moment)
    opening = found and found.astimezone(UTC)  # moments of two zones are never equal where one is there twice
    minute = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    for _ in range(2 * 24 * 60):
        if is_open(some, minute):
            assert minute == opening
            return
        minute += timedelta(minutes=1)
    assert opening is None or opening >= minute


@pytest.mark.parametrize("day", ["2026-03-28", "2026-03-29", "2026-10-24", "2026-10-25"])
@given(WEEKS, MINUTES)
@settings(max_examples=10, deadline=None)
def test_the_next_opening_around_changes_of_clocks(day, hours, minute):
    """The same, where it matters."""
    moment = at(f"{day} 00:00").astimezone(UTC) + timedelta(minutes=minute)
    test_it_opens_at_the_next_opening_and_not_before.hypothesis.inner_test(hours, "Europe/Berlin", moment)
