"""Counting calls: whatever the logs are, what is stored is what plain SQL finds in them."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from didier.storage.database import reading, writing
from didier.storage.statements import run
from didier.storage.usage import rollups
from didier.storage.usage.rollups import State
from support import call_history
from support.call_history import ZONE
from support.engines import opened
from support.usage import counted

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


def image(engine):
    """Return all that is stored, without ids that are given out in turn."""
    hours = (
        "SELECT h.hour, h.did_id, n.number, w.source, w.route, w.destination, w.outcome, h.calls,"
        " h.redirected, h.seconds, h.waited, h.wait_seconds, h.first_at, h.last_at, h.callers"
        " FROM didier_usage_hours AS h JOIN didier_usage_ways AS w ON w.way_id = h.way_id"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = h.number_id"
    )
    days = (
        "SELECT d.*, n.number FROM didier_usage_days AS d"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = d.number_id"
    )
    recent = (
        "SELECT r.*, n.number FROM didier_usage_recent AS r"
        " LEFT JOIN didier_usage_numbers AS n ON n.number_id = r.number_id"
    )
    with reading(engine) as conn:
        return {
            table: sorted(
                (tuple(value for name, value in row._mapping.items() if name != "number_id") for row in
                 conn.execute(sa.text(sql))), key=str)
            for table, sql in (("hours", hours), ("days", days), ("recent", recent))
        }  # fmt: skip


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
    begins = AUTUMN
    rows = call_history.history(2, begins, HOURS, 40, DIDS)
    for hours in itertools.count(0, 7):
        with writing(engine) as conn:
            due = [row for row in rows.did_log if hours <= _hours(row, begins) < hours + 7]
            ids = {row[0] for row in due}
            call_history.store(conn, call_history.Rows(
                due, [row for row in rows.call_log if row[0] in ids],
                [row for row in rows.closer_log if row[4] in ids],
            ))  # fmt: skip
        counted(engine, moment(begins, hours + 7))
        if hours > HOURS + 24:
            break
    step_by_step = image(engine)

    _forget(engine)
    counted(engine, moment(begins, hours + 7))
    assert step_by_step == image(engine)

    with writing(engine) as conn:
        rollups.keep_state(conn, State())
    assert counted(engine, moment(begins, hours + 7)) < 300  # states alone
    assert step_by_step == image(engine)


def _hours(row, begins):
    return (float(row[0]) - begins.replace(tzinfo=UTC).timestamp()) // 3600


def _forget(engine):
    with writing(engine) as conn:
        for table in ("hours", "days", "recent", "ways", "numbers"):
            run(conn, f"DELETE FROM didier_usage_{table}")
        rollups.keep_state(conn, State())
