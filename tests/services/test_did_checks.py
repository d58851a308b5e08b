"""What is wrong with DIDs: found by set, and by the condition of lists."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.checks import ANY, KINDS
from didier.services.dids import checks, lookup
from didier.services.dids.lookup import Wanted
from didier.storage import row_sets
from didier.storage.database import reading
from didier.storage.dids.pages import Sort
from didier.storage.statements import run
from support import outside
from support.batches import SOURCE
from support.statements import sent, settled

SOUND = {"did_route": "EXTEN", "extension": "8300", "exten_context": "default", "did_active": "Y"}
BY_FILTER = {"filter_inbound_number": "DNC_INTERNAL", "filter_action": "IN_GROUP"}
ONWARD = {"did_route": "EXTEN", "exten_context": "trunkinbound"}
DIDS = {
    # number: columns, and what is wrong with it
    "5550100": ({}, {}),
    "5550101": ({"extension": ""}, {"no_destination": "no extension is set"}),
    "5550102": (
        {"did_route": "IN_GROUP", "group_id": "GHOST"}, {"missing": "the in-group GHOST does not exist"},
    ),
    "5550103": (
        {"did_route": "IN_GROUP", "group_id": "NIGHT"}, {"inactive": "the in-group NIGHT is not active"},
    ),
    "5550104": (
        {**ONWARD, "extension": "5550104"}, {"loop": "calls go in a circle: 5550104 → 5550104"},
    ),
    "5550105": (
        {**ONWARD, "extension": "5550106"},
        {"loop": "calls go in a circle: 5550105 → 5550106 → 5550105"},
    ),
    "5550106": (
        {"pre_filter_phone_group_id": "VIP", "pre_filter_extension": "5550105"},
        {"loop": "calls go in a circle: 5550106 → 5550105 → 5550106"},
    ),
    "5550107": ({**ONWARD, "extension": "5550105"}, {}),  # it leads there, and is not on it
    "5550108": ({**ONWARD, "extension": "8300"}, {}),  # no DID, but perhaps an extension of the dialplan
    "5550109": (
        {"exten_context": "odd"},
        {"context": "calls go to the context odd, which is not known"},
    ),
    "5550110": ({"exten_context": "own"}, {}),
    "5550111": ({"exten_context": "MAIN"}, {}),
    "5550112": ({"exten_context": "from-desk"}, {}),
    "5550113": (
        {**BY_FILTER, "filter_group_id": "GHOST"},
        {"detour": "filter: for calls that it chooses the in-group GHOST does not exist"},
    ),
    "5550114": ({**BY_FILTER, "filter_group_id": "SALES"}, {}),
    "5550115": (
        {"filter_inbound_number": "GROUP", "filter_phone_group_id": "VIP,OLD", "filter_action": "EXTEN",
         "filter_exten_context": "odd"},
        {
            "context": "calls that the filter chooses go to the context odd, which is not known",
            "detour": "filter: the filter group OLD has no numbers",
        },
    ),
    "5550116": (
        {"pre_filter_recent_call": "RECENT", "pre_filter_recent_extension": "8300"},
        {"detour": "recent calls: the settings container RECENT does not exist"},
    ),
    "5550117": ({"pre_filter_recent_call": "LATELY", "pre_filter_recent_extension": "8300"}, {}),
    "5550118": (
        {"no_agent_ingroup_redirect": "Y", "no_agent_ingroup_id": "GHOST"},
        {"detour": "no-agent redirect: the in-group GHOST does not exist"},
    ),
    "5550119": (
        {"max_queue_ingroup_calls": 3, "max_queue_ingroup_id": "SALES", "max_queue_ingroup_extension": ""},
        {"detour": "queue limit: no extension is set"},
    ),
    "5550120": ({**BY_FILTER, "filter_group_id": "GHOST", "did_active": "N"}, {}),
    "5550121": (
        {"extension": "", "no_agent_ingroup_redirect": "READY_ONLY", "no_agent_ingroup_id": "---NONE---"},
        {"no_destination": "no extension is set", "detour": "no-agent redirect: no in-group is set"},
    ),
}  # fmt: skip
THINGS = {
    "vicidial_inbound_groups": [
        {"group_id": "SALES", "group_name": "Sales line", "active": "Y"},
        {"group_id": "NIGHT", "group_name": "Night shift", "active": "N"},
    ],
    "vicidial_call_menu": [{"menu_id": "MAIN", "menu_name": "Main menu"}],
    "phones": [{"extension": "gs102", "server_ip": "192.0.2.10", "ext_context": "from-desk", "active": "Y"}],
    "vicidial_filter_phone_numbers": [{"phone_number": "7275551212", "filter_phone_group_id": "vip"}],
    "vicidial_settings_containers": [{"container_id": "LATELY", "container_entry": ""}],
}
OWN = ("own",)
"""A context that the operator has named."""


@pytest.fixture
def mixed(clean, now):
    """A database with DIDs with which all kinds of things are wrong, and with things to lead to."""
    with clean.begin() as conn:
        for table, rows in THINGS.items():
            run(conn, f"DELETE FROM {table}")
            row_sets.insert_each(conn, table, rows)
        for pattern, (columns, _) in DIDS.items():
            outside.add(conn, {**SOUND, **columns, "did_pattern": pattern}, now)
    yield clean
    with clean.begin() as conn:
        for table in THINGS:
            run(conn, f"DELETE FROM {table}")


def checked(engine, kind=None, caller=CALLER, limit=100, after=None):
    with reading(engine) as conn:
        return checks.page(conn, caller, kind, OWN, limit, after)


def told(page):
    return {one.row["did_pattern"]: {found.kind: found.reason for found in one.findings} for one in page.dids}


def test_what_is_wrong_with_many_dids(mixed):
    """Each finding says why; compared as the database compares."""
    assert {pattern: wrong for pattern, (_, wrong) in DIDS.items() if wrong} == told(checked(mixed))


@pytest.mark.parametrize("kind", list(KINDS))
def test_one_kind(mixed, kind):
    """Alone, and as the filter of a list."""
    expected = {pattern: {kind: wrong[kind]} for pattern, (_, wrong) in DIDS.items() if kind in wrong}
    with reading(mixed) as conn:
        listed = lookup.page(conn, CALLER, Wanted(check=kind, contexts=OWN), Sort(), 100).rows
        inactive = lookup.page(conn, CALLER, Wanted(check=kind, active="N"), Sort(), 100).rows

    assert expected == told(checked(mixed, kind))
    assert list(expected) == [row["did_pattern"] for row in listed]
    assert [] == inactive


def test_lists_with_a_text_look_near_first(mixed):
    """What is near has all columns that checks look at."""
    with reading(mixed) as conn:
        wanted = Wanted(search="55501", check=ANY, contexts=OWN)
        listed = lookup.page(conn, CALLER, wanted, Sort(), 3).rows
        unknown = lookup.page(conn, CALLER, Wanted(check="unheard-of"), Sort(), 3).rows

    assert ["5550101", "5550102", "5550103"] == [row["did_pattern"] for row in listed]
    assert [] == unknown


def test_pages_follow_each_other(mixed):
    """Each begins behind the last DID of the one before."""
    first = checked(mixed, limit=5)
    second = checked(mixed, limit=5, after=first.following)
    last = checked(mixed, limit=50, after=second.following)

    assert told(checked(mixed)) == {**told(first), **told(second), **told(last)}
    assert ["5550105"] == first.following
    assert last.following is None


def test_they_are_counted_by_kind(mixed):
    """A DID counts for each kind of what is wrong with it."""
    with reading(mixed) as conn:
        counts = checks.counted_page(conn, CALLER, ANY, OWN, 1).counts
        total = lookup.total(conn, CALLER, Wanted(check=ANY, contexts=OWN), exact=False)

    wrong = sum(bool(wrong) for _, wrong in DIDS.values())
    by_kind = {kind: sum(kind in wrong for _, wrong in DIDS.values()) for kind in KINDS}
    assert {ANY: wrong, **by_kind} == counts
    assert (wrong, True) == (total.count, total.is_exact)


def test_nothing_is_wrong_with_no_dids(clean):
    """Neither page nor figures have anything."""
    with clean.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids")
    with reading(clean) as conn:
        counts = checks.counted_page(conn, CALLER, ANY, (), 1).counts

    assert {} == told(checked(clean))
    assert dict.fromkeys((ANY, *KINDS), 0) == counts


def test_only_what_is_seen_is_told(mixed):
    """A circle over DIDs that are not seen is none: it would tell of them."""
    limited = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
    beyond = ("5550102", "5550106")
    with mixed.begin() as conn:
        for pattern in beyond:
            run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN' WHERE did_pattern = ?", pattern)
    with reading(mixed) as conn:
        counts = checks.counted_page(conn, limited, ANY, OWN, 1).counts

    assert ["5550104"] == list(told(checked(mixed, "loop", limited)))
    assert {} == told(checked(mixed, "missing", limited))
    assert (0, 1) == (counts["missing"], counts["loop"])


def test_numbers_that_are_no_did_go_to_the_default(mixed, now):
    """So that calls may come back to it; who does not see all DIDs is not told."""
    limited = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
    with mixed.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids WHERE did_pattern IN ('5550104', '5550105')")
        shared = {"did_route": "EXTEN", "exten_context": "trunkinbound", "did_active": "Y"}
        outside.add(conn, {"did_pattern": "default", "extension": "5550108", **shared}, now)

    assert {
        "5550108": {"loop": "calls go in a circle: 5550108 → default → 5550108"},
        "default": {"loop": "calls go in a circle: default → 5550108 → default"},
    } == told(checked(mixed, "loop"))
    assert {} == told(checked(mixed, "loop", limited))


def test_an_inactive_did_breaks_a_circle(mixed):
    """Calls to it go to the default, which there is not."""
    with mixed.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET did_active = 'N' WHERE did_pattern = '5550106'")

    assert ["5550104"] == list(told(checked(mixed, "loop")))


def test_contexts_that_are_written_out(mixed):
    """A part of a dialplan in the database names contexts, too."""
    with mixed.begin() as conn:
        written = "exten => 1,1,NoOp\n[odd]\nexten => s,1,Hangup"
        run(conn, "UPDATE vicidial_call_menu SET custom_dialplan_entry = ?", written)

    assert {} == told(checked(mixed, "context"))


@pytest.mark.parametrize("kind", [None, *KINDS])
def test_many_dids_take_as_many_statements_as_some(mixed, now, kind):
    """Whatever is wrong with them."""

    def count():
        with reading(mixed) as conn:
            return settled(lambda: sent(conn, lambda: checks.page(conn, CALLER, kind, OWN, 500)))

    some = count()
    with mixed.begin() as conn:
        for number, (columns, _) in enumerate([*DIDS.values()] * 3):
            outside.add(conn, {**SOUND, **columns, "did_pattern": f"666{number:04}"}, now)

    assert some == count() <= 30


def test_the_tutorials_did_is_sound(clean):
    """It leads to an extension of trunkinbound that is no DID."""
    assert SOURCE not in told(checked(clean))
