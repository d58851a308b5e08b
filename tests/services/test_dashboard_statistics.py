"""What the dashboard counts, on both databases."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.errors import NotPermitted
from didier.services.batches import copies
from didier.services.batches.copies import CopyOrder
from didier.services.usage import dashboard
from didier.storage.changes import vicidial_logs
from didier.storage.changes.vicidial_logs import ApiEntry
from didier.storage.statements import run
from didier.storage.usage.dashboard import DayCount, ReasonCount, RouteCount
from support import outside

SALES = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES SUPPORT "))
BEGIN = datetime(2026, 3, 1)


@pytest.fixture
def conn(engine, now):
    """The tutorial's DID (1), one of SALES (2), one inactive (3), and the one that catches the rest (4)."""
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN'")
        outside.add(
            conn, {"did_pattern": "+442079460000", "user_group": "SALES", "did_route": "IN_GROUP"}, now
        )
        outside.add(conn, {"did_pattern": "18005550000", "user_group": "ADMIN", "did_active": "N"}, now)
        outside.add(conn, {"did_pattern": "default", "user_group": "---ALL---"}, now)
        yield conn


def test_dids_are_counted_by_route(conn):
    """Active and inactive ones, of the groups that the caller sees; the most frequent route first."""
    assert [RouteCount("EXTEN", 2, 1), RouteCount("IN_GROUP", 1, 0)] == dashboard.dids_by_route(conn, CALLER)
    assert [RouteCount("EXTEN", 1, 0), RouteCount("IN_GROUP", 1, 0)] == sorted(
        dashboard.dids_by_route(conn, SALES), key=lambda one: one.route
    )


def test_copies_are_counted_by_day(conn, now):
    """Days without a copy are there too; what is older is not."""
    for days, count in ((0, 2), (1, 1), (9, 3)):
        targets = (*(f"1800{days}55000{number}" for number in range(count)), "x")  # one is not valid
        order = CopyOrder(CALLER, "18001234567", targets)
        copies.copy(conn, [order], now - timedelta(days=9 - days))
    found = dashboard.copies_by_day(conn, CALLER, now.date(), 9)

    assert [DayCount(date(2026, 2, 24), 1), DayCount(date(2026, 2, 25), 0)] == found[:2]
    assert (9, DayCount(now.date(), 3)) == (len(found), found[-1])
    assert {0} == {one.copies for one in dashboard.copies_by_day(conn, SALES, now.date(), 9)}


def test_copies_are_counted_with_the_group_that_they_were_given(conn, now):
    """A user who sees a group counts its copies, and not those of a colleague who sees more."""
    run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('SALES', 'Sales')")
    run(conn, "UPDATE vicidial_users SET user_group = 'SALES'")
    colleague = replace(CALLER, name="admin")
    rows = (Row("5550004", {"user_group": "SALES"}),)
    for order in (
        CopyOrder(colleague, "+442079460000", ("5550001",)),
        CopyOrder(colleague, "18001234567", ("5550002",), {"user_group": "SALES"}),
        CopyOrder(colleague, "18001234567", ("5550003",)),
        CopyOrder(colleague, "18001234567", ("5550004",), rows=rows),
        CopyOrder(replace(CALLER, name="ghost"), "+442079460000", ("5550005",)),
    ):
        copies.copy(conn, [order], now)
    everything, seen = (dashboard.copies_by_day(conn, who, now.date(), 1) for who in (CALLER, SALES))

    assert [[DayCount(now.date(), 5)], [DayCount(now.date(), 3)]] == [everything, seen]


def test_refused_requests_are_counted_by_reason(conn, now):
    """The most frequent reason first; those of users whom the caller does not see are not counted."""
    for days, result, reason in (
        (9, "ERROR", "old"), (1, "ERROR", "rare"), (1, "SUCCESS", "fine"), (1, "ERROR", "frequent"),
        (0, "ERROR", "frequent"),
    ):  # fmt: skip
        entry = ApiEntry("admin", "copy_did", result, reason, "crm", "", 0, "s", "h", "u", "192.0.2.1")
        vicidial_logs.write_api(conn, [entry], "host", now - timedelta(days=days))
    since = now - timedelta(days=7)

    assert [
        ReasonCount("frequent", 2, "2026-03-04 05:06:07"),
        ReasonCount("rare", 1, "2026-03-03 05:06:07"),
    ] == (dashboard.refusals(conn, CALLER, since, 5))
    assert [] == dashboard.refusals(conn, SALES, since, 5)


@pytest.mark.parametrize(
    ("count", "right"),
    [
        (lambda conn, who: dashboard.dids_by_route(conn, who), "level"),
        (lambda conn, who: dashboard.copies_by_day(conn, who, BEGIN.date(), 1), "level"),
        (lambda conn, who: dashboard.refusals(conn, who, BEGIN, 1), "view_reports"),
    ],
)
def test_figures_ask_for_rights(conn, count, right):
    """Those of the lists and reports that they are made of."""
    without = replace(CALLER, user=replace(CALLER.user, **{right: False}))

    assert isinstance(count(conn, without), NotPermitted)
