"""What is wrong with schedules and fallbacks: findings agree with what is decided on calls."""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from didier.cli.local import CALLER
from didier.domain.checks import ANY, DEAD_ENDS, KINDS
from didier.errors import Refusal
from didier.services.calls import explain
from didier.services.calls.explain import SupposedCall
from didier.services.dids import checks, lookup, nowhere, schedules
from didier.services.dids.lookup import Wanted
from didier.services.dids.schedules import PutSchedule
from didier.storage import row_sets
from didier.storage.database import reading
from didier.storage.dids import did_fields
from didier.storage.dids.pages import Sort
from didier.storage.statements import run
from support import outside
from support.statements import sent, settled

OPEN = datetime(2026, 3, 2, 10, tzinfo=UTC)  # a Monday
CLOSED = datetime(2026, 3, 2, 20, tzinfo=UTC)
HOURS = {"time_zone": "UTC", "hours": {"monday": ["09:00-17:00"]}}
SCHEDULES = {
    # name: where calls go outside its hours
    "box": "VOICEMAIL:200", "ghost-group": "IN_GROUP:GHOST", "no-group": "IN_GROUP:SALES",
    "gone-menu": "CALLMENU:GONE", "odd-context": "EXTEN:1@odd", "circle": "EXTEN:5550107@trunkinbound",
}  # fmt: skip
DEAD = {"did_route": "IN_GROUP", "group_id": "GHOST"}
SOUND = {"did_route": "EXTEN", "extension": "8300", "exten_context": "default"}
THINGS = {
    "vicidial_inbound_groups": [
        {"group_id": "SALES", "group_name": "Sales line", "active": "Y"},
        {"group_id": "NIGHT", "group_name": "Night shift", "active": "N"},
    ],
    "vicidial_call_menu": [{"menu_id": "MAIN", "menu_name": "Main menu"}],
    "phones": [{"extension": "gs102", "server_ip": "192.0.2.10", "dialplan_number": "8602", "active": "Y"}],
    "servers": [{"server_id": "one", "server_ip": "192.0.2.10", "active": "Y", "ext_context": "default"}],
}
DIDS = {
    # number: columns, schedule, fallbacks, and what is wrong with it
    "5550100": (SOUND, "box", "VOICEMAIL:200 CALLMENU:MAIN", {}),
    "5550101": (
        DEAD, "", "CALLMENU:MAIN",
        {"fallback_only": ["the in-group GHOST does not exist: calls go to fallbacks"]},
    ),
    "5550102": (
        DEAD, "", "CALLMENU:GONE IN_GROUP:NIGHT",
        {
            "missing": ["the in-group GHOST does not exist, and none of its fallbacks is there"],
            "detour": [
                "fallback CALLMENU:GONE: the call menu GONE does not exist",
                "fallback IN_GROUP:NIGHT: the in-group NIGHT is not active",
            ],
        },
    ),
    "5550103": (
        SOUND, "unheard-of", "",
        {"schedule": ["the schedule unheard-of does not exist: calls go as if it were open"]},
    ),
    "5550104": (
        SOUND, "GHOST-group", "",
        {"schedule": ["outside the hours of GHOST-group: the in-group GHOST does not exist"]},
    ),
    "5550113": (
        SOUND, "ghost-group", "",
        {"schedule": ["outside the hours of ghost-group: the in-group GHOST does not exist"]},
    ),
    "5550105": (
        SOUND, "no-group", "",
        {"schedule": [
            "outside the hours of no-group: the DID has to name it, too, where VICIdial's script looks"
        ]},
    ),
    "5550106": (
        SOUND, "odd-context", "EXTEN:2@strange",
        {"context": [
            "outside the hours of odd-context: the context odd is not known",
            "fallback EXTEN:2@strange: the context strange is not known",
        ]},
    ),
    "5550107": (
        SOUND, "circle", "", {"loop": ["calls go in a circle: 5550107 → 5550107"]},
    ),
    "5550108": (
        SOUND, "", "EXTEN:5550109@trunkinbound",
        {"loop": ["calls go in a circle: 5550108 → 5550109 → 5550108"]},
    ),
    "5550109": (
        {"did_route": "EXTEN", "extension": "5550108", "exten_context": "trunkinbound"}, "", "",
        {"loop": ["calls go in a circle: 5550109 → 5550108 → 5550109"]},
    ),
    "5550110": (SOUND, "circle", "", {}),  # it leads there, and is not on it
    "5550111": (
        {"did_route": "IN_GROUP", "group_id": "SALES", "filter_action": "IN_GROUP",
         "filter_group_id": "NIGHT"}, "no-group", "IN_GROUP:SALES",
        {},
    ),
    "5550112": (
        DEAD, "box", "",  # calls go to the box at night, and are lost by day
        {"missing": ["the in-group GHOST does not exist"]},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def furnished(kept_home):
    """A database with things to lead to and schedules."""
    engine, _ = kept_home
    now = datetime(2026, 3, 4, 5, 6, 7)
    with engine.begin() as conn:
        run(conn, "DELETE FROM didier_schedules")
        for table, rows in THINGS.items():
            run(conn, f"DELETE FROM {table}")
            row_sets.insert_each(conn, table, rows)
        row_sets.insert_each(conn, "vicidial_inbound_groups", [{"group_id": "GHOST", "group_name": "Gone"}])
        row_sets.insert_each(conn, "vicidial_call_menu", [{"menu_id": "GONE", "menu_name": "Gone"}])
        orders = [PutSchedule(CALLER, name, HOURS | {"outside": to}) for name, to in SCHEDULES.items()]
        assert not any(isinstance(done, Refusal) for done in schedules.put(conn, orders, now))
        run(conn, "DELETE FROM vicidial_inbound_groups WHERE group_id = 'GHOST'")
        run(conn, "DELETE FROM vicidial_call_menu WHERE menu_id = 'GONE'")
    yield engine
    with engine.begin() as conn:
        for table in (*THINGS, "didier_schedules"):
            run(conn, f"DELETE FROM {table}")


@pytest.fixture
def mixed(furnished, clean, now):
    """DIDs with schedules and fallbacks, with which all kinds of things are wrong."""
    with furnished.begin() as conn:
        for pattern, (columns, schedule, fallbacks, _) in DIDS.items():
            have(conn, now, pattern, columns, schedule, fallbacks)
    return furnished


def have(conn, now, pattern, columns, schedule, fallbacks):
    did_id = outside.add(conn, {"did_active": "Y", **columns, "did_pattern": pattern}, now)
    did_fields.put(conn, {did_id: {"schedule": schedule, "fallbacks": fallbacks}})
    return did_id


def told(engine, kind=None):
    found = {}
    with reading(engine) as conn:
        for one in checks.page(conn, CALLER, kind, (), 1000).dids:
            kinds = {each.kind: [] for each in one.findings}
            for each in one.findings:
                kinds[each.kind].append(each.reason)
            found[one.row["did_pattern"]] = kinds
    return found


def test_what_is_wrong_with_many_dids(mixed):
    """Each destination beside the route is looked at as the decision on a call looks at it."""
    assert {pattern: wrong for pattern, (*_, wrong) in DIDS.items() if wrong} == told(mixed)


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_kind(mixed, kind):
    """Alone, as the filter of a list, and counted."""
    expected = {pattern: {kind: wrong[kind]} for pattern, (*_, wrong) in DIDS.items() if kind in wrong}
    with reading(mixed) as conn:
        listed = lookup.page(conn, CALLER, Wanted(check=kind), Sort(), 100).rows
        counts = checks.counted_page(conn, CALLER, ANY, (), 1).counts

    assert expected == told(mixed, kind)
    assert sorted(expected) == [row["did_pattern"] for row in listed]
    assert len(expected) == counts[kind]


def test_lists_of_those_that_lead_nowhere(mixed):
    """They have no DID whose calls a fallback takes; nor is that said of it."""
    with reading(mixed) as conn:
        dead = lookup.page(conn, CALLER, Wanted(leads_nowhere="Y"), Sort(), 100).rows
        others = lookup.page(conn, CALLER, Wanted(leads_nowhere="N"), Sort(), 100).rows
        reasons = nowhere.reasons(conn, others)

    assert ["5550102", "5550112"] == [row["did_pattern"] for row in dead]
    assert "5550101" in {row["did_pattern"] for row in others}
    assert {None} == {*reasons}


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_many_dids_take_as_many_statements_as_some(mixed, now, kind):
    """Whatever is wrong with them."""

    def count():
        with reading(mixed) as conn:
            return settled(lambda: sent(conn, lambda: checks.page(conn, CALLER, kind, (), 500)))

    some = count()
    with mixed.begin() as conn:
        for number, (columns, schedule, fallbacks, _) in enumerate([*DIDS.values()] * 3):
            have(conn, now, f"666{number:04}", columns, schedule, fallbacks)

    assert some == count() <= 40


ROUTES = st.one_of(
    st.fixed_dictionaries({
        "did_route": st.just("IN_GROUP"), "group_id": st.sampled_from(["", "SALES", "NIGHT", "GHOST"]),
    }),
    st.fixed_dictionaries({
        "did_route": st.just("CALLMENU"), "menu_id": st.sampled_from(["", "MAIN", "GONE"]),
    }),
    st.fixed_dictionaries({
        "did_route": st.just("EXTEN"), "extension": st.sampled_from(["", "8300"]),
        "exten_context": st.just("default"),
    }),
    st.fixed_dictionaries({
        "did_route": st.just("PHONE"), "phone": st.sampled_from(["gs102", "gs999"]),
        "server_ip": st.sampled_from(["192.0.2.10", "192.0.2.99"]),
    }),
    st.fixed_dictionaries({
        "did_route": st.just("AGENT"), "user": st.just("ghost"),
        "user_unavailable_action": st.just("IN_GROUP"), "group_id": st.sampled_from(["SALES", "GHOST"]),
    }),
)  # fmt: skip
FILTERS = st.fixed_dictionaries({
    "filter_action": st.sampled_from(["EXTEN", "IN_GROUP"]),
    "filter_group_id": st.sampled_from(["", "SALES", "NIGHT"]),
})  # fmt: skip
TEXTS = (
    "VOICEMAIL:200", "EXTEN:8300@default", "IN_GROUP:SALES", "IN_GROUP:sales", "IN_GROUP:NIGHT",
    "CALLMENU:MAIN", "CALLMENU:GONE", "PHONE:gs102@192.0.2.10", "PHONE:gs102", "PHONE:gs999@192.0.2.10",
    "AGENT:ghost",
)  # fmt: skip
MADE_UP = st.tuples(
    ROUTES, FILTERS, st.sampled_from(["", "unheard-of", *SCHEDULES]),
    st.lists(st.sampled_from(TEXTS), max_size=3).map(" ".join),
)  # fmt: skip


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(dids=st.lists(MADE_UP, min_size=30, max_size=60))
def test_a_did_is_reported_when_its_calls_are_lost(furnished, now, dids):
    """Calls are lost, by day or at night, exactly where a DID is said to have no destination."""
    with furnished.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids")
        run(conn, "DELETE FROM didier_did_fields")
        for number, (route, filters, schedule, fallbacks) in enumerate(dids):
            columns = {**route, **filters, "filter_inbound_number": "DISABLED"}
            have(conn, now, f"777{number:04}", columns, schedule, fallbacks)
    with reading(furnished) as conn:
        lost = {
            pattern
            for pattern in (f"777{number:04}" for number in range(len(dids)))
            for at in (OPEN, CLOSED)
            if explain.explain(
                conn, CALLER, SupposedCall(pattern, server_ip="192.0.2.10", at=at), now
            ).nowhere
        }
        listed = {
            row["did_pattern"]
            for row in lookup.page(conn, CALLER, Wanted(leads_nowhere="Y"), Sort(), 1000).rows
        }
        counts = checks.counted_page(conn, CALLER, ANY, (), 1).counts
    reported = {pattern for pattern, kinds in told(furnished).items() if kinds.keys() & {*DEAD_ENDS}}

    assert lost == reported == listed
    assert len(told(furnished)) == counts[ANY]
    assert all(len(told(furnished, kind)) == counts[kind] for kind in KINDS)
