"""The calls of today beside those of the same weekday before, against the very rows that were logged."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from didier.cli.local import CALLER
from didier.errors import NotPermitted
from didier.services.usage import use
from didier.services.usage.use import Setting
from didier.storage.database import reading, writing
from didier.storage.usage import rollups
from didier.storage.usage.rollups import State
from support import call_history, outside
from support.call_history import ZONE
from support.homes import ready
from support.usage import counted

BEGINS = datetime(2026, 10, 17, 22)  # UTC: midnight of Sunday 18 October; the clock is set back on the 25th
HOURS = 9 * 24
TODAY = datetime(2026, 10, 25)
NOW = datetime(2026, 10, 25, 10, 30, tzinfo=ZONE).timestamp()
MADE = datetime(2026, 3, 4, 5, 6, 7)
LIMITED = replace(CALLER, user=replace(CALLER.user, viewable_groups="SALES"))


@pytest.fixture(scope="module", params=["sqlite", "mariadb", "myisam"])
def home(request, tmp_path_factory):
    """A database with the calls of nine days; and their rows, with whether SALES sees each."""
    url = f"sqlite:///{tmp_path_factory.mktemp('today')}/didier.db"
    if request.param != "sqlite":
        url = request.getfixturevalue("mariadb").database()
    with ready(url, MADE, myisam=request.param == "myisam") as engine:
        with writing(engine) as conn:
            ids = {
                outside.add(conn, {"did_pattern": name, "user_group": group}, MADE): name
                for name, group in (("5550101", "SALES"), ("5550102", "ADMIN"))
            }
            rows = call_history.history(6, BEGINS, HOURS, 5, ids)
            call_history.store(conn, rows)
        counted(engine, NOW)
        yield engine, [(row, ids[int(row[6])] == "5550101") for row in rows.did_log]


def ask(home, caller=CALLER, now=NOW):
    with reading(home[0]) as conn:
        return use.today(conn, caller, Setting(ZONE, now))


def by_hand(home, day, hours, *, of_sales=False):
    """Count the calls from midnight until before an hour, each once; or those to the DID of SALES."""
    until = day + timedelta(hours=hours)
    found = [row for row, is_sales in home[1] if day <= began(row) < until and (is_sales or not of_sales)]
    return len(found) if of_sales else len({row[0] for row in found})


def began(row):
    at = datetime.fromtimestamp(int(row[0].partition(".")[0]), UTC).astimezone(ZONE)
    return at.replace(tzinfo=None)


def test_today_beside_last_week(home):
    """Until the last full hour, on the clock, also where an hour comes twice."""
    found = ask(home)

    assert by_hand(home, TODAY, 24) >= found.calls > found.by_then
    assert (by_hand(home, TODAY, 10), TODAY + timedelta(hours=10)) == (found.by_then, found.until)
    assert (by_hand(home, TODAY - timedelta(days=7), 10), 1) == (found.usual, found.weeks)
    assert found.calls == sum(hour.measured.calls for hour in found.hours)


def test_today_of_who_sees_a_group(home):
    """Its calls alone; without the right none."""
    without = replace(CALLER, user=replace(CALLER.user, view_reports=False))
    found = ask(home, LIMITED)

    assert by_hand(home, TODAY, 10, of_sales=True) == found.by_then
    assert by_hand(home, TODAY - timedelta(days=7), 10, of_sales=True) == found.usual
    assert isinstance(ask(home, without), NotPermitted)


@pytest.mark.parametrize(
    ("day", "hour"), [(24, 10), (25, 0), (29, 9)], ids=["no week before", "just begun", "not counted"]
)
def test_what_is_not_known_is_not_said(home, day, hour):
    """What is usual is told of full hours alone that were counted, and of days that are known."""
    found = ask(home, now=datetime(2026, 10, day, hour, 30, tzinfo=ZONE).timestamp())

    assert (None, 0) == (found.usual, found.weeks)


def test_nothing_was_counted_yet(home):
    """Nothing is there, and nothing fails."""
    with writing(home[0]) as conn:
        state = rollups.state(conn)
        rollups.keep_state(conn, State())
    found = ask(home)
    with writing(home[0]) as conn:
        rollups.keep_state(conn, state)

    assert (TODAY, None) == (found.until, found.usual)
