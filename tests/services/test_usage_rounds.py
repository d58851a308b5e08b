"""Counting calls: whatever the logs are, what is stored is what plain SQL finds in them."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from didier.domain.calls.reported import ReportedCall
from didier.services.usage.rounds import Counter
from didier.storage.calls import reported
from didier.storage.database import reading, writing
from didier.storage.statements import run
from didier.storage.usage import rollups
from didier.storage.usage.rollups import State
from support import call_history
from support.call_history import ZONE
from support.engines import opened
from support.usage import Work, counted, image

AUTUMN = datetime(2026, 10, 23, 22)  # UTC; the clock is set back on 25 October, at 01:00 UTC
SPRING = datetime(2026, 3, 27, 23)  # and forward on 29 March
DIDS = {0: "", 1: "default", 2: "18001234567", 3: "5550101", 4: "5550102", 77: "5550177"}
HOURS = 80


@pytest.fixture
def engine(url):
    with opened(url) as engine:
        yield engine


def moment(begins, hours):
    return (begins + timedelta(hours=hours)).replace(tzinfo=UTC).timestamp()


def as_logged(engine):
    """Return how many calls there are by local hour, DID, number and route, by plain SQL."""
    sql = (
        "SELECT SUBSTR(call_date, 1, 13), CASE WHEN did_id = '' THEN 0 ELSE did_id + 0 END AS did, extension,"
        " did_route, COUNT(*) FROM vicidial_did_log GROUP BY 1, 2, 3, 4"
    )
    with reading(engine) as conn:
        return {(at, int(did), number, route): count for at, did, number, route, count in run(conn, sql)}


def as_counted(engine):
    found = {}
    with reading(engine) as conn:
        sql = (
            "SELECT h.hour, h.did_id, n.number, w.route, SUM(h.calls) FROM didier_usage_hours AS h"
            " JOIN didier_usage_ways AS w ON w.way_id = h.way_id"
            " JOIN didier_usage_numbers AS n ON n.number_id = h.number_id WHERE h.did_id >= 0"
            " GROUP BY h.hour, h.did_id, n.number, w.route"
        )
        for hour, did_id, number, route, calls in run(conn, sql):
            at = datetime.fromtimestamp(hour, ZONE).strftime("%Y-%m-%d %H")
            key = at, did_id, number, route
            found[key] = found.get(key, 0) + int(calls)
    return found


@pytest.mark.parametrize("begins", [AUTUMN, SPRING], ids=["autumn", "spring"])
def test_calls_are_counted_as_plain_sql_counts_them(engine, begins):
    """By hour of the clock, DID, number as it was dialled, and route."""
    with writing(engine) as conn:
        call_history.store(conn, call_history.history(1, begins, HOURS, 40, DIDS))

    counted(engine, moment(begins, HOURS + 10))

    assert as_logged(engine) == as_counted(engine)
    with reading(engine) as conn:
        found = {hour for (hour,) in run(conn, "SELECT DISTINCT hour FROM didier_usage_hours")}
    assert {*call_history.epochs(begins, HOURS)} == found


def test_rounds_come_to_what_one_comes_to(engine):
    """Whenever they are made while calls come in, across the change of the clock."""
    rows = call_history.history(2, AUTUMN, HOURS, 40, DIDS)
    for hours in range(0, HOURS, 7):
        _log(engine, rows, lambda at, hours=hours: hours <= at < hours + 7)
        counted(engine, moment(AUTUMN, hours + 7))
    for hours in (HOURS + 7, HOURS + 30):
        counted(engine, moment(AUTUMN, hours))
    step_by_step = image(engine)

    assert step_by_step == _anew(engine, HOURS + 30)


def _log(engine, rows, chosen):
    """Store those of the rows whose calls began so many hours behind the first."""
    begins = AUTUMN.replace(tzinfo=UTC).timestamp()
    due = [row for row in rows.did_log if chosen((float(row[0]) - begins) / 3600)]
    ids = {row[0] for row in due}
    with writing(engine) as conn:
        call_history.store(conn, call_history.Rows(
            due,
            [row for row in rows.call_log if row[0] in ids],
            [row for row in rows.closer_log if row[4] in ids],
        ))  # fmt: skip


def _anew(engine, hours):
    """Return what is stored if all is counted for the first time."""
    with writing(engine) as conn:
        for table in ("hours", "days", "recent", "ways", "numbers"):
            run(conn, f"DELETE FROM didier_usage_{table}")
        rollups.keep_state(conn, State())
    counted(engine, moment(AUTUMN, hours))
    return image(engine)


def test_a_rebuild_changes_nothing(engine):
    """It works all out again, and finds nothing that is different."""
    _log(engine, call_history.history(3, AUTUMN, 30, 20, DIDS), lambda _: True)
    counted(engine, moment(AUTUMN, 60))
    before = image(engine)
    with writing(engine) as conn:
        rollups.want_anew(conn)

    assert counted(engine, moment(AUTUMN, 60)) < 80  # how far it is, hour by hour
    assert before == image(engine)


class Killed(Exception):
    pass


class Mortal(Work):
    """Ends before or behind a step."""

    def __init__(self, engine, steps, is_stored):
        super().__init__(engine)
        self.steps = steps
        self.is_stored = is_stored

    def store(self, work):
        self.steps -= 1
        if self.steps < 0 and not self.is_stored:
            raise Killed
        done = super().store(work)
        if self.steps < 0:
            raise Killed
        return done


def test_rounds_that_end_anywhere_are_made_up_for(engine):
    """After any step: the next round comes to the same."""
    _log(engine, call_history.history(4, AUTUMN, 30, 20, DIDS), lambda _: True)
    choose, kills, now = random.Random(4), 0, moment(AUTUMN, 60)
    while True:
        try:
            Counter(Mortal(engine, choose.randrange(12), choose.random() < 0.5), ZONE, 13).round(now)
        except Killed:
            kills += 1
        else:
            break
        if choose.random() < 0.1:
            counted(
                engine, moment(AUTUMN, choose.randrange(10, 60))
            )  # by another process, whose clock differs
    counted(engine, now)
    interrupted = image(engine)

    assert kills > 3
    assert interrupted == _anew(engine, 60)


def test_a_clock_that_was_ahead_and_is_set_back(engine):
    """What was logged with its times stays; what comes then is counted too."""
    rows = call_history.history(5, AUTUMN, 60, 15, DIDS)
    _log(engine, rows, lambda at: at < 20 or at >= 50)
    counted(engine, moment(AUTUMN, 60))
    for hours in (22, 26, 30):
        _log(engine, rows, lambda at, hours=hours: max(20, hours - 4) <= at < hours)
        counted(engine, moment(AUTUMN, hours))
    counted(engine, moment(AUTUMN, 90))
    then = image(engine)

    assert then == _anew(engine, 90)


def test_calls_that_are_logged_late_are_found(engine):
    """A day later: the count of the day is another one."""
    rows = call_history.history(6, AUTUMN, 48, 10, DIDS)
    _log(engine, rows, lambda at: not 10 <= at < 12)
    counted(engine, moment(AUTUMN, 54))
    _log(engine, rows, lambda at: 10 <= at < 12)
    counted(engine, moment(AUTUMN, 80))
    then = image(engine)

    assert then == _anew(engine, 80)


def test_calls_that_are_reported_late_are_found(engine):
    """By an edge that was away."""
    _log(engine, call_history.history(6, AUTUMN, 48, 3, DIDS), lambda _: True)
    counted(engine, moment(AUTUMN, 54))
    at = (AUTUMN + timedelta(hours=11)).replace(tzinfo=UTC)
    call = ReportedCall("late", "18001234567", "1", at, None, at + timedelta(seconds=9), "busy")
    with writing(engine) as conn:
        reported.add(conn, "edge", [(call, 2)])
    counted(engine, moment(AUTUMN, 80))
    then = image(engine)

    assert "edge" in {row[3] for row in then["hours"]}
    assert then == _anew(engine, 80)


def test_archives_count(engine):
    """Rows that are moved there, and those that are in both for a while."""
    rows = call_history.history(7, AUTUMN, 24, 20, DIDS)
    _log(engine, rows, lambda _: True)
    counted(engine, moment(AUTUMN, 60))
    before = image(engine)
    with writing(engine) as conn:
        for table in ("vicidial_did_log", "call_log", "vicidial_closer_log"):
            run(conn, f"CREATE TABLE {table}_archive AS SELECT * FROM {table}")
        run(conn, "DELETE FROM vicidial_did_log WHERE call_date < '2026-10-24 09:00:00'")
        run(conn, "DELETE FROM call_log WHERE start_time < '2026-10-24 12:00:00'")
        run(conn, "DELETE FROM vicidial_closer_log WHERE call_date < '2026-10-24 15:00:00'")
    with opened(
        str(engine.url.render_as_string(hide_password=False))
    ) as anew:  # which tables there are is kept
        assert before == _anew(anew, 60)


def test_what_is_old_is_forgotten_by_the_newest_call(engine):
    """Not by a clock that is years ahead."""
    old, new = AUTUMN - timedelta(days=70), AUTUMN
    with writing(engine) as conn:
        for begins in (old, new):
            call_history.store(conn, call_history.history(8, begins, 3, 10, DIDS))
    counted(engine, moment(AUTUMN, 40))
    known = image(engine)
    counted(engine, moment(AUTUMN, 24 * 120))
    assert known["hours"] == image(engine)["hours"]

    counted(engine, moment(AUTUMN, 40), months=1)
    left = {row[0] for row in image(engine)["hours"]}
    assert {*call_history.epochs(new, 3)} == left
