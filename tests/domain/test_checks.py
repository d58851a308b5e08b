"""What is wrong with where a DID sends calls."""

import pytest

from didier.domain import checks
from didier.domain.checks import CONTAINERS, FILTER_GROUPS, KINDS, Finding
from didier.domain.fields import CAMPAIGNS, IN_GROUPS

SOUND = {"did_active": "Y", "did_route": "EXTEN", "extension": "8300", "exten_context": "default"}
BY_FILTER = {"filter_inbound_number": "DNC_INTERNAL", "filter_action": "IN_GROUP", "filter_group_id": "SALES"}


def findings(columns, gone=(), unknown=(), circle=(), state="missing"):
    return checks.findings({**SOUND, **columns}, dict.fromkeys(gone, state), unknown, circle)


def test_a_sound_did_has_none():
    """Nor has one whose filter, detours and limits are off, whatever else stands in their columns."""
    off = {
        "filter_inbound_number": "DISABLED", "filter_action": "IN_GROUP", "filter_exten_context": "odd",
        "filter_phone_group_id": "GHOST", "no_agent_ingroup_redirect": "DISABLED",
        "no_agent_ingroup_id": "GHOST", "max_queue_ingroup_calls": 0, "max_queue_ingroup_id": "GHOST",
        "pre_filter_phone_group_id": "GHOST", "pre_filter_extension": "",
        "pre_filter_recent_call": "DISABLED", "pre_filter_recent_extension": "8300",
    }  # fmt: skip
    ghosts = [(IN_GROUPS, "GHOST", ""), (FILTER_GROUPS, "GHOST", "")]

    assert [] == findings({})
    assert [] == findings(off, ghosts, ["odd"])


def test_an_inactive_did_has_none():
    """It takes no calls, which is what was wanted of it."""
    assert [] == findings({"did_active": "N", "extension": ""}, circle=["1", "2"])
    assert [] == list(checks.things({**SOUND, **BY_FILTER, "did_active": "N"}))


@pytest.mark.parametrize(
    ("columns", "gone", "state", "found"),
    [
        ({"extension": ""}, [], "missing", Finding("no_destination", "no extension is set")),
        ({"did_route": ""}, [], "missing", Finding("no_destination", "no route is set")),
        (
            {"did_route": "IN_GROUP", "group_id": "GHOST"}, [(IN_GROUPS, "GHOST", "")], "missing",
            Finding("missing", "the in-group GHOST does not exist"),
        ),
        (
            {"did_route": "IN_GROUP", "group_id": "NIGHT"}, [(IN_GROUPS, "NIGHT", "")], "inactive",
            Finding("inactive", "the in-group NIGHT is not active"),
        ),
    ],
)  # fmt: skip
def test_the_destination(columns, gone, state, found):
    """Not set, not there, not active: each is a kind of its own."""
    assert [found] == findings(columns, gone, state=state)


@pytest.mark.parametrize(
    ("columns", "gone", "reason"),
    [
        (
            BY_FILTER, (IN_GROUPS, "SALES"),
            "filter: for calls that it chooses the in-group SALES does not exist",
        ),
        (
            {**BY_FILTER, "filter_group_id": ""}, (IN_GROUPS, "SALES"),
            "filter: for calls that it chooses no in-group is set",
        ),
        (
            {**SOUND, "filter_inbound_number": "GROUP", "filter_action": "EXTEN", "filter_extension": "1",
             "filter_phone_group_id": "VIP,OLD"},
            (FILTER_GROUPS, "OLD"), "filter: the filter group OLD has no numbers",
        ),
        (
            {"filter_inbound_number": "DNC_CAMPAIGN", "filter_action": "EXTEN", "filter_extension": "1",
             "filter_dnc_campaign": "SPRING"},
            (CAMPAIGNS, "SPRING"), "filter: the campaign SPRING does not exist",
        ),
        (
            {"pre_filter_phone_group_id": "VIP", "pre_filter_extension": "1800"},
            (FILTER_GROUPS, "VIP"), "pre-filter: the filter group VIP has no numbers",
        ),
        (
            {"pre_filter_recent_call": "RECENT", "pre_filter_recent_extension": "1800"},
            (CONTAINERS, "RECENT"), "recent calls: the settings container RECENT does not exist",
        ),
        (
            {"no_agent_ingroup_redirect": "Y", "no_agent_ingroup_id": "GHOST",
             "no_agent_ingroup_extension": "8300"},
            (IN_GROUPS, "GHOST"), "no-agent redirect: the in-group GHOST does not exist",
        ),
        (
            {"max_queue_ingroup_calls": 5, "max_queue_ingroup_id": "GHOST",
             "max_queue_ingroup_extension": "1"},
            (IN_GROUPS, "GHOST"), "queue limit: the in-group GHOST does not exist",
        ),
        (
            {"max_queue_ingroup_calls": 5, "max_queue_ingroup_id": "SALES"},
            (IN_GROUPS, "GHOST"), "queue limit: no extension is set",
        ),
    ],
)  # fmt: skip
def test_detours_to_nowhere(columns, gone, reason):
    """A detour that is on, and needs what is not there: it is looked up, too."""
    thing = (*gone, "")

    assert [Finding("detour", reason)] == findings(columns, [thing])
    assert "is set" in reason or thing in set(checks.things({**SOUND, **columns}))


def test_a_web_address_that_redirects_needs_no_route_of_the_filter():
    """Its answer is where calls go."""
    by_web = {**BY_FILTER, "filter_inbound_number": "URL", "filter_group_id": ""}

    assert ["detour"] == [one.kind for one in findings(by_web)]
    assert [] == findings({**by_web, "filter_url_did_redirect": "Y"})


def test_contexts():
    """Those of routes that send calls into one, and of the filter; an empty one is VICIdial's default."""
    by_filter = {
        "filter_inbound_number": "DNC_INTERNAL", "filter_action": "EXTEN", "filter_extension": "1",
        "filter_exten_context": "odd",
    }  # fmt: skip

    assert ["calls go to the context odd, which is not known"] == [
        one.reason for one in findings({"exten_context": "odd"}, unknown=["odd"])
    ]
    assert ["context"] == [one.kind for one in findings(by_filter, unknown=["odd"])]
    assert [] == findings({"did_route": "IN_GROUP", "group_id": "SALES", "exten_context": "odd"}, (), ["odd"])
    assert [("calls", "default")] == list(checks.contexts(SOUND))
    assert [] == list(checks.contexts({**SOUND, "exten_context": None}))


@pytest.mark.parametrize(
    ("columns", "numbers"),
    [
        ({"exten_context": "trunkinbound"}, ["8300"]),
        ({"exten_context": "TrunkInbound"}, ["8300"]),
        ({"exten_context": "default"}, []),
        ({"did_route": "AGENT", "user_unavailable_action": "EXTEN", "exten_context": "trunkinbound"}, []),
        ({"pre_filter_phone_group_id": "VIP", "pre_filter_extension": "1"}, ["1"]),
        ({"pre_filter_phone_group_id": "---NONE---", "pre_filter_extension": "1"}, []),
        ({"pre_filter_recent_call": "RECENT", "pre_filter_recent_extension": "2"}, ["2"]),
        (
            {"filter_inbound_number": "GROUP", "filter_action": "EXTEN", "filter_extension": "3",
             "filter_exten_context": "trunkinbound"},
            ["3"],
        ),
        ({"no_agent_ingroup_redirect": "Y", "no_agent_ingroup_extension": "4"}, []),
    ],
)  # fmt: skip
def test_where_calls_are_sent_on(columns, numbers):
    """To the context in which calls arrive; what an agent does not take, and redirects, go to another."""
    assert numbers == checks.sent_on({**SOUND, **columns})


@pytest.mark.parametrize(
    ("onward", "circling"),
    [
        ({}, set()),
        ({1: []}, set()),
        ({1: [1]}, {1}),
        ({1: [2]}, set()),
        ({1: [2], 2: [1]}, {1, 2}),
        ({1: [2], 2: [3], 3: [2]}, {2, 3}),
        ({1: [2, 3], 2: [4], 3: [4], 4: []}, set()),
        ({1: [2], 2: [1, 3], 3: [4], 4: [5], 5: [4]}, {1, 2, 4, 5}),
        ({1: [2], 2: [3, 1], 3: [1]}, {1, 2, 3}),
        ({n: [n + 1] for n in range(5_000)} | {5_000: [0]}, set(range(5_001))),
    ],
)
def test_circles(onward, circling):
    """Those over which calls come back, not those that only lead there or lie between."""
    assert circling == checks.circling(onward)
    assert len(circling) > 9 or circling == {one for one in onward if checks.way_back(one, onward)}


def test_the_way_back_is_the_shortest():
    """From the DID on, without the return; a long one is cut where it is told."""
    onward = {1: [2, 3], 2: [4], 3: [1], 4: [1]}
    numbers = [str(n) for n in range(8)]

    assert [1, 3] == checks.way_back(1, onward)
    assert [4, 1, 2] == checks.way_back(4, onward)
    assert [] == checks.way_back(5, onward)
    assert "calls go in a circle: 1 → 2 → 1" == findings({}, circle=["1", "2"])[0].reason
    assert findings({}, circle=numbers)[0].reason.endswith("4 → 5 → 2 more → 0")


def test_every_kind_has_a_name():
    """The kinds are those of the type."""
    assert set(checks.Kind.__args__) == set(KINDS)
