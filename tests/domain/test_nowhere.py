"""Why calls to a DID lead nowhere."""

import pytest

from didier.domain import fallbacks, nowhere
from didier.domain.fields import IN_GROUPS, PHONES, ROUTES, SERVERS, USERS


def row(route, **columns):
    return {"did_active": "Y", "did_route": route, **columns}


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        (row("EXTEN", extension="8300"), None),
        (row("EXTEN", extension=""), "no extension is set"),
        (row("EXTEN", extension=" "), "no extension is set"),
        (row("VOICEMAIL", voicemail_ext="85026"), None),
        (row("VOICEMAIL", voicemail_ext=None), "no voicemail box is set"),
        (row("VMAIL_NO_INST"), "no voicemail box is set"),
        (row("IN_GROUP", group_id="SALES"), None),
        (row("IN_GROUP", group_id="---NONE---"), "no in-group is set"),
        (row("CALLMENU", menu_id=""), "no call menu is set"),
        (row("PHONE", phone="", server_ip="192.0.2.10"), "no phone is set"),
        (row("AGENT", user="", user_unavailable_action="EXTEN", extension="8300"), None),
        (
            row("AGENT", user="", user_unavailable_action="VOICEMAIL"),
            "no agent is set, and for calls that no agent takes no voicemail box is set",
        ),
        (row("AGENT", user=None, user_unavailable_action=None), "no agent is set"),
        (row(""), "no route is set"),
        (row(None), "no route is set"),
        ({**row("EXTEN"), "did_active": "N"}, None),
        ({**row("EXTEN"), "did_active": None}, None),
    ],
)
def test_what_a_route_needs_is_set(columns, why):
    """An active DID leads nowhere without it; one that is not active takes no calls anyway."""
    assert why == nowhere.reason(columns, {})


@pytest.mark.parametrize(
    ("columns", "thing", "named"),
    [
        (row("IN_GROUP", group_id="SALES"), (IN_GROUPS, "SALES", ""), "the in-group SALES"),
        (
            row("PHONE", phone="gs102", server_ip="192.0.2.10"),
            (PHONES, "gs102", "192.0.2.10"),
            "the phone gs102 on the server 192.0.2.10",
        ),
        (row("PHONE", phone="gs102"), (PHONES, "gs102", ""), "the phone gs102 without a server"),
        (
            row("VOICEMAIL", voicemail_ext="85026", server_ip="192.0.2.10"),
            (SERVERS, "192.0.2.10", ""),
            "the server 192.0.2.10",
        ),
    ],
)
@pytest.mark.parametrize(("state", "word"), [("missing", "does not exist"), ("inactive", "is not active")])
def test_what_it_refers_to_is_there(columns, thing, named, state, word):
    """It is among the things that are looked up, and what is not there or not in use is named."""
    assert thing in set(nowhere.things(columns))
    assert f"{named} {word}" == nowhere.reason(columns, {thing: state})
    assert nowhere.reason(columns, {}) is None


def test_an_agent_who_is_not_there_is_no_dead_end_with_another_route():
    """Calls take the other route then: VICIdial looks for the agent alone."""
    gone = {(USERS, "6666", ""): "missing"}
    agent = row("AGENT", user="6666", user_unavailable_action="IN_GROUP")

    assert nowhere.reason({**agent, "group_id": "SALES"}, gone) is None
    assert (
        "the agent 6666 does not exist, and for calls that no agent takes no in-group is set"
        == nowhere.reason(agent, gone)
    )


def test_nothing_is_looked_up_for_a_did_that_takes_no_calls():
    """Nor what stands in columns that the route does not use."""
    assert [] == list(nowhere.things({**row("IN_GROUP", group_id="SALES"), "did_active": "N"}))
    assert [] == list(nowhere.things(row("EXTEN", extension="8300", group_id="SALES")))


def test_every_route_is_known():
    """What a route needs is said of each that a DID may have."""
    assert set(ROUTES) == nowhere.NEEDS.keys()


def test_a_change_of_other_columns_touches_nothing():
    """Only what says where calls go does."""
    before = row("EXTEN", extension="", did_description="Old line")

    assert not fallbacks.is_touched(before, {**before, "did_description": "New line"})
    assert not fallbacks.is_touched(before, {**before, "extension": None})
    assert fallbacks.is_touched(before, {**before, "extension": "8300"})
    assert fallbacks.is_touched(before, {**before, "did_active": "N"})
    assert fallbacks.is_touched(before, {**before, "fallbacks": "EXTEN:8300"})
