"""What is wrong with DIDs is told when it begins, when it is something else, and when it ends."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from didier.cli.local import CALLER
from didier.domain.webhooks import Endpoint
from didier.services.batches import edits
from didier.services.batches.edits import UpdateOrder
from didier.services.changes import check_changes, feed
from didier.services.changes.feed import CheckChange, Follower
from didier.storage.changes import change_log, sequence
from didier.storage.dids import failed_checks
from didier.storage.statements import run
from support import outside

BEGIN = datetime(2026, 1, 1)
OF_SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
LOST = {"did_route": "EXTEN", "extension": "", "did_active": "Y", "user_group": "SALES"}
SOUND = {**LOST, "extension": "8300", "exten_context": "default"}
NO_EXTENSION = ["no extension is set"]


@pytest.fixture
def conn(clean):
    """A connection to a database with the tutorial's DID, with which nothing is wrong."""
    with clean.begin() as conn:
        yield conn


def looked(conn: Connection, now: datetime, *, is_told: bool = True) -> int:
    """Look at all DIDs; return of how many something was different."""
    after: int | None = 0
    count = 0
    while after is not None:
        found = check_changes.compare(conn, ("own",), after)
        for step in found.steps:
            check_changes.store(conn, step, now, is_told=is_told)
            count += len(step)
        after = found.following
    return count


def told(conn: Connection, caller=CALLER, **more: Any) -> list[tuple[str, str, str, list[str]]]:
    """Return what followers hear of checks: type, first and last number, reasons."""
    if not sequence.is_by_ids(conn):
        sequence.number(conn, 100_000)
    types = {"check.failed", "check.passed"}
    page = feed.page(conn, Follower(caller, types, 0, 10_000, BEGIN, **more))
    return [
        (event.type, event.data.pattern, event.data.last, [one.reason for one in event.data.findings])
        for event in page.events
        if isinstance(event.data, CheckChange)
    ]


def test_what_begins_and_ends_is_told_once(conn, now):
    """A DID loses its destination, then another one, then has one: an event each, however often one looks."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **SOUND}, now)
    before = looked(conn, now)
    for values in (LOST, {"did_route": "IN_GROUP", "group_id": "GHOST"}, SOUND):
        outside.update(conn, did_id, values, now)
        looked(conn, now)
        looked(conn, now)

    assert 0 == before
    assert [
        ("check.failed", "5550100", "5550100", NO_EXTENSION),
        ("check.failed", "5550100", "5550100", ["the in-group GHOST does not exist"]),
        ("check.passed", "5550100", "5550100", []),
    ] == told(conn)


def test_it_need_not_be_the_did_that_was_changed(conn, now):
    """Where the in-group is switched off, all DIDs that lead there are told as one run."""
    group = "(group_id, group_name, active) VALUES ('LATE', 'Late', 'Y')"
    run(conn, f"INSERT INTO vicidial_inbound_groups {group}")
    for number in range(5550100, 5550150):
        values = {"did_route": "IN_GROUP", "group_id": "LATE", "did_active": "Y", "user_group": "SALES"}
        outside.add(conn, {"did_pattern": str(number), **values}, now)
    before = looked(conn, now)
    run(conn, "UPDATE vicidial_inbound_groups SET active = 'N' WHERE group_id = 'LATE'")
    looked(conn, now)
    run(conn, "DELETE FROM vicidial_inbound_groups WHERE group_id = 'LATE'")

    assert 0 == before
    assert [("check.failed", "5550100", "5550149", ["the in-group LATE is not active"])] == told(conn)


def test_what_was_wrong_at_first_is_known_and_not_told(conn, now):
    """Followers hear of it when it is mended; what they do not hear of they find in the list."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **LOST}, now)
    looked(conn, now, is_told=False)
    known = failed_checks.within(conn, 0, 10**9)
    again = looked(conn, now)
    outside.update(conn, did_id, SOUND, now)
    looked(conn, now)

    assert ([did_id], 0) == ([*known], again)
    assert [("check.passed", "5550100", "5550100", [])] == told(conn)


def test_a_did_that_is_gone_has_not_passed(conn, now):
    """That it was deleted is told otherwise; one that takes no calls has passed."""
    gone = outside.add(conn, {"did_pattern": "5550100", **LOST}, now)
    idle = outside.add(conn, {"did_pattern": "5550200", **LOST}, now)
    looked(conn, now, is_told=False)
    outside.delete(conn, gone)
    outside.update(conn, idle, {"did_active": "N"}, now)
    looked(conn, now)

    assert {} == failed_checks.within(conn, 0, 10**9)
    assert [("check.passed", "5550200", "5550200", [])] == told(conn)


def test_many_are_compared_in_ranges(conn, now, monkeypatch):
    """Of more DIDs than are compared at once each is told once, as few runs, and passes."""
    for name, value in {"IDS": 15, "AT_ONCE": 7, "STEPS_MOST": 2}.items():
        monkeypatch.setattr(check_changes, name, value)
    ids = [outside.add(conn, {"did_pattern": str(5550100 + i), **LOST}, now) for i in range(40)]
    failed = looked(conn, now)
    for did_id in ids[5:20]:
        outside.update(conn, did_id, SOUND, now)
    looked(conn, now)
    events = told(conn)

    assert 40 == failed
    assert len(events) < 20
    assert 40 == sum(1 + int(last) - int(first) for name, first, last, _ in events if "failed" in name)
    assert 15 == sum(1 + int(last) - int(first) for name, first, last, _ in events if "passed" in name)
    assert 25 == len(failed_checks.within(conn, 0, 10**9))
    assert 0 == looked(conn, now)


def test_who_sees_some_hears_of_those(conn, now):
    """By the user group of the DID, as it was looked at; a run is told in parts."""
    for place, group in enumerate(("SALES", "OTHER", "SALES", "SALES")):
        outside.add(conn, {"did_pattern": str(5550100 + place), **LOST, "user_group": group}, now)
    looked(conn, now)

    assert [("5550100", "5550100"), ("5550102", "5550103")] == [one[1:3] for one in told(conn, OF_SALES)]
    assert 3 == len(told(conn))


def test_endpoints_choose_by_number_group_and_route(conn, now):
    """A run is divided where a part is not wanted."""
    for place in range(20):
        outside.add(conn, {"did_pattern": str(5550100 + place), **LOST}, now)
    looked(conn, now)

    def chosen(**conditions: tuple[str, ...]) -> list[tuple[str, str]]:
        endpoint = Endpoint("https://crm.example.com/", **conditions)
        return [one[1:3] for one in told(conn, wants=endpoint.wants)]

    assert [("5550110", "5550119")] == chosen(prefixes=("555011",))
    assert [("5550100", "5550119")] == chosen(groups=("SALES",), routes=("EXTEN",))
    assert [] == chosen(groups=("OTHER",))
    assert [] == chosen(routes=("IN_GROUP",))


def test_an_endpoint_hears_also_what_leaves_its_conditions(conn, now):
    """A DID that failed by one route passes by another: whoever was told the one is told the other."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **LOST}, now)
    looked(conn, now)
    outside.update(conn, did_id, {"did_route": "AGENT", "user_group": "OTHER", "user": "admin"}, now)
    looked(conn, now)
    endpoint = Endpoint("https://crm.example.com/", routes=("EXTEN",), groups=("SALES",))

    assert ["check.failed", "check.passed"] == [one[0] for one in told(conn, wants=endpoint.wants)]


def test_a_did_that_is_moved_while_it_fails_is_told_anew(conn, now):
    """Those who see it now hear of it, by the number that it has now."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **LOST, "user_group": "OTHER"}, now)
    looked(conn, now)
    outside.update(conn, did_id, {"did_pattern": "5550101", "user_group": "SALES"}, now)
    looked(conn, now)

    assert [("check.failed", "5550101", "5550101", NO_EXTENSION)] == told(conn, OF_SALES)
    assert 2 == len(told(conn))


def test_circles_are_told_to_who_sees_all_of_them(conn, now):
    """Others are told that nothing is wrong, as the list tells them; no number of the circle leaks."""
    onward = {**SOUND, "exten_context": "trunkinbound"}
    outside.add(conn, {"did_pattern": "5550100", **onward, "extension": "5550200"}, now)
    outside.add(
        conn, {"did_pattern": "5550200", **onward, "extension": "5550100", "user_group": "OTHER"}, now
    )
    outside.add(conn, {"did_pattern": "5550300", **onward, "extension": "5550400"}, now)
    outside.add(conn, {"did_pattern": "5550400", **onward, "extension": "5550300"}, now)
    looked(conn, now)

    assert 4 == len([one for one in told(conn) if one[3]])
    assert [
        ("5550100", []),
        ("5550300", ["calls go in a circle: 5550300 → 5550400 → 5550300"]),
        ("5550400", ["calls go in a circle: 5550400 → 5550300 → 5550400"]),
    ] == [(one[1], one[3]) for one in told(conn, OF_SALES)]


def test_a_long_circle_is_told_to_who_sees_all_dids(conn, now, monkeypatch):
    """Whether somebody else sees all DIDs on it is not looked at."""
    monkeypatch.setattr(check_changes, "CIRCLE_MOST", 2)
    onward = {**SOUND, "exten_context": "trunkinbound"}
    for number, onto in (("5550100", "5550200"), ("5550200", "5550300"), ("5550300", "5550100")):
        outside.add(conn, {"did_pattern": number, **onward, "extension": onto}, now)
    looked(conn, now)

    assert 3 == len([one for one in told(conn) if one[3]])
    assert [] == [one for one in told(conn, OF_SALES) if one[3]]


@pytest.mark.parametrize("done", ["delete", "mend", "renumber", "move"])
def test_what_is_done_between_a_look_and_its_step_counts(conn, now, done):
    """What was found is not told any more; the next look finds how it is then."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **LOST}, now)
    found = check_changes.compare(conn, (), 0)
    after = {"mend": SOUND, "renumber": {"did_pattern": "5550101"}, "move": {"user_group": "OTHER"}}
    if done == "delete":
        outside.delete(conn, did_id)
    else:
        outside.update(conn, did_id, after[done], now)
    for step in found.steps:
        check_changes.store(conn, step, now, is_told=True)
    at_once = told(conn)
    looked(conn, now)

    assert [] == at_once
    wrong = {"renumber": [("5550101", NO_EXTENSION)], "move": [("5550100", NO_EXTENSION)]}.get(done, [])
    assert wrong == [(one[1], one[3]) for one in told(conn)]


def test_a_step_looks_at_its_own_rows_alone(conn, now):
    """It takes as many statements and rows however many are kept."""
    for number in range(5550100, 5550110):
        outside.add(conn, {"did_pattern": str(number), **LOST}, now)
    few = rows_read(conn, now)
    kept = failed_checks.Kept("0" * 32, {"did_route": "EXTEN", "user_group": "SALES"})
    failed_checks.put(conn, dict.fromkeys(range(1000000, 1003000), kept))

    assert rows_read(conn, now) <= few + 50


def rows_read(conn: Connection, now: datetime) -> int:
    """Return how many rows MariaDB reads to store a step; 0 on SQLite, which does not say."""
    step = check_changes.compare(conn, (), 0).steps[0]
    if conn.dialect.name == "sqlite":
        return 0
    before = handled(conn)
    check_changes.store(conn, step[:10], now, is_told=False)
    read = handled(conn) - before
    failed_checks.remove(conn, [one.did_id for one in step[:10]])
    return read


def handled(conn: Connection) -> int:
    sql = "SELECT SUM(variable_value) FROM information_schema.session_status WHERE variable_name LIKE ?"
    return int(run(conn, sql, "HANDLER_READ%")[0][0])


def test_a_history_has_changes_alone(conn, now):
    """How checks have come out is not among what was done to a DID."""
    did_id = outside.add(conn, {"did_pattern": "5550100", **SOUND}, now)
    edits.update(conn, [UpdateOrder(CALLER, "5550100", {"extension": "8301"})], now)
    outside.update(conn, did_id, LOST, now)
    looked(conn, now)
    places = change_log.places(conn, "5550100")

    assert [("check.failed", "5550100", "5550100", NO_EXTENSION)] == told(conn)
    assert 1 == len(places)
