"""What calls look for is found as VICIdial finds it, in each home that Didier has."""

import pytest

from didier.domain.calls.questions import (
    ActiveDids,
    AgentsOf,
    Container,
    DialplanNumber,
    Listed,
    LiveAgent,
    NotToBeCalled,
    RecentCalls,
    Waiting,
)
from didier.storage.calls import facts
from didier.storage.calls.equality import local_now
from didier.storage.statements import as_text
from didier.storage.tables import (
    AUTO_CALLS,
    CAMPAIGN_DNC,
    CONTAINERS,
    DNC,
    FILTER_NUMBERS,
    LEADS,
    LISTS,
    PHONES,
)
from support.inbound import IP, add_did, emptied, live, outbound, put


def a_did(conn, stored, asked):
    add_did(conn, stored)
    return ActiveDids((asked, "default"))  # which is always asked for


def a_number(conn, stored, asked):
    put(conn, FILTER_NUMBERS, phone_number=stored, filter_phone_group_id="G")
    return Listed(("G",), (asked,))


def a_phone_group(conn, stored, asked):
    put(conn, FILTER_NUMBERS, phone_number="1", filter_phone_group_id=stored)
    return Listed((asked,), ("1",))


def a_dnc_number(conn, stored, asked):
    put(conn, DNC, phone_number=stored)
    return NotToBeCalled((asked,), None)


def a_dnc_campaign(conn, stored, asked):
    put(conn, CAMPAIGN_DNC, phone_number="1", campaign_id=stored)
    return NotToBeCalled(("1",), asked)


def a_container(conn, stored, asked):
    put(conn, CONTAINERS, container_id=stored, container_entry="entry", modify_stamp=as_text(local_now(conn)))
    return Container(asked)


def an_agent(conn, stored, asked):
    live(conn, user=stored)
    return LiveAgent(asked)


def an_in_group(conn, stored, asked):
    live(conn, closer_campaigns=f" X {stored} Y -")
    return AgentsOf(asked, "any")


def a_queue(conn, stored, asked):
    put(
        conn, AUTO_CALLS, server_ip=IP, campaign_id=stored, status="LIVE", lead_id=0,
        last_update_time=as_text(local_now(conn)),
    )  # fmt: skip
    return Waiting(asked)


def a_phone(conn, stored, asked):
    put(conn, PHONES, extension=stored, server_ip=IP, dialplan_number="101", template_id="")
    return DialplanNumber(IP, asked)


def a_called_number(conn, stored, asked):
    outbound(conn, phone_number=stored)
    return RecentCalls("outbound", "log", asked, 0, 1, None, None)


def a_campaign(conn, stored, asked):
    outbound(conn, campaign_id=stored)
    return RecentCalls("outbound", "log", "1", 0, 1, (asked,), None)


def a_status(conn, stored, asked):
    outbound(conn, status=stored)
    return RecentCalls("outbound", "log", "1", 0, 1, None, (asked,))


def a_list_of_a_campaign(conn, stored, asked):
    put(conn, LISTS, list_id=7, campaign_id=stored)
    put(conn, LEADS, list_id=7, phone_number="1", status="N", last_local_call_time=as_text(local_now(conn)))
    return RecentCalls("inbound", "lead", "1", 0, 1, (asked,), None)


COMPARED = (
    a_did, a_number, a_phone_group, a_dnc_number, a_dnc_campaign, a_container, an_agent, an_in_group, a_queue,
    a_phone, a_called_number, a_campaign, a_status, a_list_of_a_campaign,
)  # fmt: skip


@pytest.mark.parametrize("compare", COMPARED, ids=lambda compare: compare.__name__)
@pytest.mark.parametrize(
    ("stored", "asked", "is_there"),
    [
        ("Cafe", "Cafe", True),
        ("CAFE", "cafe", True),
        ("café", "CAFE", True),
        ("cafe", "CAFÉ", True),
        ("cafe", "\uff43\uff41\uff46\uff45", True),
        ("\uff18\uff11", "81", True),
        ("cafe", "cafe ", True),
        ("cafe ", "cafe", True),
        ("cafe", " cafe", False),
        ("18", "018", False),
        ("1%", "12", False),
        ("cafe", "caf", False),
        ("cafe", "caf\U0001f600", False),
        ("cafe", "caf\0", False),
        ("cafe", "c" * 300, False),
        ("cafe", "ca'fe\\", False),
    ],
)
def test_texts_are_compared_as_vicidial_does(clean, compare, stored, asked, is_there):
    """Without case, accents and width, blanks at the end do not count; nothing is a number or a pattern."""
    with clean.begin() as conn:
        emptied(conn)
        question = compare(conn, stored, asked)
        answer = facts.answers(conn, [question])[question]

    assert is_there == (any(answer) if isinstance(answer, tuple) else bool(answer))
