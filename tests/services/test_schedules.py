"""Opening hours in each home: what is stored, who sees it, and how calls go by it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from didier.cli.local import CALLER
from didier.domain.calls.deciding import decide
from didier.domain.calls.questions import ScheduleOf
from didier.errors import DestinationInUse, DestinationNotFound, NotPermitted, SchedulesOff
from didier.services.calls import explain, routing
from didier.services.calls.explain import SupposedCall
from didier.services.dids import schedules
from didier.services.dids.named import DeleteNamed
from didier.services.dids.schedules import THINGS, PutSchedule
from didier.storage.calls import facts
from didier.storage.dids import did_fields, dids
from didier.storage.statements import run
from support.engines import opened
from support.homes import ready
from support.inbound import IP, add_did, call
from support.statements import sent

OFFICE = {"time_zone": "UTC", "hours": {"wednesday": ["09:00-17:00"]}, "outside": "EXTEN:8600@default"}
OPEN, CLOSED = datetime(2026, 3, 4, 12, tzinfo=UTC), datetime(2026, 3, 4, 20, tzinfo=UTC)
LIMITED = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))


def put(conn, now, name="office", by=CALLER, group=None, **values):
    [done] = schedules.put(conn, [PutSchedule(by, name, OFFICE | values, group)], now)
    return done


def have(conn, pattern, **fields):
    add_did(conn, pattern)
    did_fields.put(conn, {dids.find(conn, [pattern]).get(pattern).did_id: fields})


def targets(conn, at, *numbers):
    deciding = [decide(call(number), IP, at=at) for number in numbers]
    return [one.target.extension for one in routing.decide(conn, deciding, lambda _url: (0, ""))]


def test_calls_go_by_schedules(clean, now):
    """Each by that of its DID, in any case; one that is not there counts as open."""
    with clean.begin() as conn:
        put(conn, now)
        put(conn, now, "night", hours={}, outside="EXTEN:8700@default")
        have(conn, "1801", schedule="Office")
        have(conn, "1802", schedule="night")
        have(conn, "1803", schedule="ghost")
        found = [targets(conn, at, "1801", "1802", "1803") for at in (OPEN, CLOSED)]

    assert [["8301", "8700", "8301"], ["8600", "8700", "8301"]] == found


def test_an_explanation_agrees_with_the_decision_on_calls(clean, now):
    """Open and closed, and where the destination outside hours is gone."""
    with clean.begin() as conn:
        put(conn, now)
        run(conn, "INSERT INTO vicidial_call_menu (menu_id, menu_name) VALUES ('night', 'Night')")
        put(conn, now, "menu", outside="CALLMENU:night", hours={})
        run(conn, "DELETE FROM vicidial_call_menu")
        have(conn, "1801", schedule="office", fallbacks="EXTEN:1@default")
        have(conn, "1802", schedule="menu", fallbacks="CALLMENU:none EXTEN:2@default")
        pairs = [(number, at) for number in ("1801", "1802") for at in (OPEN, CLOSED)]
        supposed = [SupposedCall(number, server_ip=IP, at=at) for number, at in pairs]
        explained = [explain.explain(conn, CALLER, one, now).decision.target.extension for one in supposed]

        assert [targets(conn, at, number)[0] for number, at in pairs] == explained
        assert ["8301", "8600", "2", "2"] == explained


def test_what_is_stored_counts_at_once(clean, now):
    """For the next call."""
    with clean.begin() as conn:
        put(conn, now)
        have(conn, "1801", schedule="office")
        before = targets(conn, CLOSED, "1801")
        put(conn, now, "OFFICE", hours={"wednesday": ["00:00-24:00"]})
        after = targets(conn, CLOSED, "1801")

    assert (["8600"], ["8301"]) == (before, after)


def test_a_row_that_is_none_any_more_loses_no_call(clean, now):
    """Whatever somebody has stored there in SQL."""
    with clean.begin() as conn:
        put(conn, now)
        names = [ScheduleOf("office")]
        found = []
        for value in ("", "[]", "7", '{"time_zone": "Mars/Base"}', '{"hours": 7}', '{"dates": [1]}'):
            run(conn, "UPDATE didier_schedules SET value = ?", value)
            found += facts.answers(conn, names).values()

    assert [None] * 6 == found


def test_one_that_dids_have_is_not_deleted(clean, now):
    """Some are named, and those that are not seen are said to be there."""
    with clean.begin() as conn:
        put(conn, now, group="---ALL---")
        for n in range(12):
            have(conn, f"18{n:02}", schedule="OFFICE")
        [refused] = THINGS.delete(conn, [DeleteNamed(CALLER, "office")], now)
        [hidden] = THINGS.delete(conn, [DeleteNamed(LIMITED, "office")], now)
        for did_id in run(conn, "SELECT did_id FROM didier_did_fields"):
            did_fields.put(conn, {did_id[0]: {}})
        [deleted] = THINGS.delete(conn, [DeleteNamed(CALLER, "office")], now)

    assert isinstance(refused, DestinationInUse)
    assert [*(f"DID 18{n:02}" for n in range(10)), "further DIDs"] == list(refused.places)
    assert isinstance(hidden, DestinationInUse)
    assert "office" == deleted.schedule.name


def test_those_of_other_groups_are_not_there(clean, now):
    """Neither shown nor changed; tokens with a prefix have nothing to do with any."""
    with clean.begin() as conn:
        put(conn, now)
        run(conn, "UPDATE didier_schedules SET user_group = 'OTHERS'")
        own = put(conn, now, "own", by=LIMITED)
        [changed] = schedules.put(conn, [PutSchedule(LIMITED, "office", OFFICE)], now)
        [deleted] = THINGS.delete(conn, [DeleteNamed(LIMITED, "office")], now)
        listed, _ = THINGS.page(conn, LIMITED, "", 10, "")
        beyond = THINGS.page(conn, replace(CALLER, pattern_prefix="18"), "", 10, "")

    assert "SALES" == own.group
    assert {DestinationNotFound} == {type(changed), type(deleted)}
    assert ["own"] == [one.schedule.name for one in listed]
    assert isinstance(beyond, NotPermitted)


def test_a_home_without_the_table(empty_url, now):
    """Calls are routed as if all were open; what would be stored is refused."""
    with ready(empty_url, now) as engine, engine.begin() as conn:
        have(conn, "1801", schedule="office")
        run(conn, "DROP TABLE didier_schedules")
    with opened(empty_url) as engine, engine.begin() as conn:
        assert isinstance(put(conn, now), SchedulesOff)
        assert ([], None) == THINGS.page(conn, CALLER, "", 10, "")
        assert ["8301"] == targets(conn, CLOSED, "1801")


@pytest.mark.parametrize("size", [1, 16])
def test_statements_do_not_grow_with_calls(clean, now, size):
    """Schedules, and what may be gone, are looked up by set."""
    with clean.begin() as conn:
        put(conn, now)
        for n in range(16):
            have(conn, f"18{n:02}", schedule="office", fallbacks="CALLMENU:a IN_GROUP:b EXTEN:1")
        numbers = [f"18{n:02}" for n in range(size)]
        targets(conn, CLOSED, "1800")
        count = sent(conn, lambda: targets(conn, CLOSED, *numbers))

        assert sent(conn, lambda: targets(conn, CLOSED, "1800")) == count
