"""Who is there, who waits and who was called, in each home that Didier has."""

from datetime import timedelta

import pytest

from didier.domain.calls.questions import AgentsOf, Gone, LiveAgent, RecentCalls, Waiting
from didier.storage.calls import facts
from didier.storage.calls.equality import local_now
from didier.storage.statements import as_text
from didier.storage.tables import AUTO_CALLS, CLOSER_LOG, LEADS, LISTS
from support.inbound import IP, emptied, live, outbound, put


@pytest.fixture
def home(clean):
    """A database without calls, and without what they look for."""
    with clean.begin() as conn:
        emptied(conn)
    return clean


@pytest.mark.parametrize(
    ("seconds", "state", "states"),
    [
        (0, "READY", {"any", "ready", "not paused"}),
        (0, "CLOSER", {"any", "ready", "not paused"}),
        (0, "INCALL", {"any", "not paused"}),
        (0, "PAUSED", {"any"}),
        (0, None, {"any"}),
        (3600, "READY", set()),
        (-3600, "READY", {"any", "ready", "not paused"}),
    ],
)
def test_agents_who_are_there(home, seconds, state, states):
    """An agent of whom nothing was heard for some seconds is gone; the state says what for."""
    with home.begin() as conn:
        at = as_text(local_now(conn) - timedelta(seconds=seconds))
        live(conn, status=state, last_update_time=at, closer_campaigns=" A_B SALES -")
        questions = [AgentsOf("SALES", each) for each in ("any", "ready", "not paused")]
        others = [AgentsOf(name, "any") for name in ("SALE", "AxB", "A%", "", "ALES -")]
        found = facts.answers(conn, [*questions, *others, LiveAgent("6666"), LiveAgent("666")])

    assert states == {question.state for question in questions if found[question]}
    assert {False} == {found[question] for question in others}
    assert (bool(states), False) == (found[LiveAgent("6666")], found[LiveAgent("666")])


def test_calls_that_wait(home):
    """Those that wait, or are in a menu, and were there in the last minute."""
    with home.begin() as conn:
        for status, seconds in (("LIVE", 0), ("IVR", 30), ("CLOSER", 0), ("LIVE", 3600)):
            at = as_text(local_now(conn) - timedelta(seconds=seconds))
            row = {"server_ip": IP, "status": status, "lead_id": 0, "last_update_time": at}
            put(conn, AUTO_CALLS, campaign_id="SALES", **row)
        found = facts.answers(conn, [Waiting("SALES"), Waiting("OTHER")])

    assert [2, 0] == list(found.values())


@pytest.mark.parametrize(
    ("days", "first", "last", "is_hit"),
    [
        (0, 0, 0, True),
        (1, 0, 0, False),
        (1, 1, 1, True),
        (3, 1, 3, True),
        (4, 1, 3, False),
        (2, 3, 1, False),
        (0, 0, 999_999_999, True),
        (0, 1, 999_999_999, False),
    ],
)
def test_recent_calls_are_of_whole_days(home, days, first, last, is_hit):
    """From so many days ago to so many, by the database's clock, in each of the logs and among leads."""
    with home.begin() as conn:
        at = as_text(local_now(conn).replace(hour=12) - timedelta(days=days))
        outbound(conn, call_date=at)
        row = {"phone_number": "1", "status": "SALE", "list_id": 7}
        put(conn, CLOSER_LOG, lead_id=1, campaign_id="C", call_date=at, uniqueid="1", **row)
        put(conn, LEADS, last_local_call_time=at, **row)
        put(conn, LISTS, list_id=7, campaign_id="C")
        questions = [
            RecentCalls(side, of, "1", first, last, groups, ("SALE",))
            for side, of in (
                ("outbound", "log"),
                ("inbound", "log"),
                ("inbound", "lead"),
                ("outbound", "lead"),
            )
            for groups in (None, ("C", "D"))
        ]
        others = [
            RecentCalls("outbound", "log", "1", first, last, ("D",), None),
            RecentCalls("outbound", "lead", "1", first, last, ("D",), None),
            RecentCalls("inbound", "log", "1", first, last, None, ("NO",)),
            RecentCalls("inbound", "lead", "2", first, last, None, None),
        ]
        found = facts.answers(conn, [*questions, *others])

    assert {is_hit} == {found[question] for question in questions}
    assert {False} == {found[question] for question in others}


def test_what_is_gone(home):
    """Each question is told of its own things: what is missing, and what is not active."""

    def group(name):
        return ("vicidial_inbound_groups.group_id", name, "")

    with home.begin() as conn:
        put(conn, "vicidial_inbound_groups", group_id="NIGHT", group_name="Night", active="N")
        put(conn, "vicidial_inbound_groups", group_id="DAY", group_name="Day", active="Y")
        questions = [Gone(frozenset(map(group, names))) for names in (["NIGHT", "day"], ["NONE"], ["DAY"])]
        found = facts.answers(conn, questions)

    assert [{group("NIGHT"): "inactive"}, {group("NONE"): "missing"}, {}] == [found[one] for one in questions]
