"""What Kamailio does with the configuration that Didier writes: calls, control over HTTP, calls reported."""

import socket
from contextlib import ExitStack
from types import SimpleNamespace
from urllib.parse import unquote

import httpx2
import pytest

from didier.domain.gateways import Gateway as Member
from didier.domain.gateways import GatewaySet
from didier.domain.sip_addresses import Address
from didier.edge.digest import digest
from support import receiver
from support.kamailio import Kamailio
from support.process import until
from support.receiver import Receiver
from support.sip import HOST, Caller, Gateway, Sipp, free_ports, sipp_calls, sipp_gateway

LONDON, ORDERED, SHARED, UNPROBED, LOADED, UNREACHABLE = range(1, 7)
NUMBERS = {
    "+442079460000": LONDON,
    "00442079460000": LONDON,
    "inactive": 0,
    "sales": LONDON,
    "200": ORDERED,
    "300": SHARED,
    "400": UNPROBED,
    "600": UNREACHABLE,
    **{f"+4420{place:08}": LOADED for place in range(100)},
}
CURSOR = 7


def member(address, priority=0, weight=1):
    """A gateway of a set."""
    return Member(Address.of(getattr(address, "uri", address)), priority, weight)


@pytest.fixture(scope="module")
def gateways():
    """Gateways by their names; the module's tests put back what they change."""
    names = ("london", "high", "low", "heavy", "light", "dead", "spare", "last")
    with ExitStack() as stack:
        yield SimpleNamespace(**{name: stack.enter_context(Gateway()) for name in names})


@pytest.fixture(scope="module")
def loaded():
    """The ports of the gateways that SIPp is."""
    return [free_ports(), free_ports()]


@pytest.fixture(scope="module")
def sets(gateways, loaded):
    """The gateway sets of all tests."""
    gateways.dead.alive = False
    return [
        GatewaySet("london", LONDON, (member(gateways.london),)),
        GatewaySet("ordered", ORDERED, (member(gateways.low), member(gateways.high, priority=10))),
        GatewaySet("shared", SHARED, (member(gateways.heavy, weight=3), member(gateways.light, weight=1))),
        GatewaySet(
            "unprobed", UNPROBED, (member(gateways.dead, priority=1), member(gateways.spare)), probing=False
        ),
        GatewaySet("loaded", LOADED, tuple(member(f"sip:{HOST}:{port}") for port in loaded)),
        GatewaySet(
            "unreachable",
            UNREACHABLE,
            (
                member("nowhere.invalid", priority=3),
                member(f"sip:{HOST}:9;transport=tls", priority=2),
                member(f"sip:{HOST}:9;transport=tcp", priority=1),
                member(gateways.last),
            ),
            probing=False,
        ),
    ]


@pytest.fixture(scope="module")
def edge(sets, tmp_path_factory):
    """A Kamailio with numbers of all kinds."""
    one = Kamailio(tmp_path_factory.mktemp("edge"))
    one.store(NUMBERS | {"!cursor": CURSOR}, sets)
    yield one.start()
    one.stop()


@pytest.fixture
def caller(edge):
    """Somebody who may call."""
    with Caller(edge.port) as one:
        yield one


@pytest.mark.parametrize(
    ("dialled", "status"),
    [
        ("+442079460000", 200),
        ("%2B442079460000", 200),
        ("442079460000", 404),
        ("00442079460000", 200),
        ("0442079460000", 404),
        ("+4420794600001", 404),
        ("+44207946000", 404),
        ("inactive", 480),
        ("Sales", 200),
        ("!cursor", 404),
        ("%21cursor", 404),
    ],
)
def test_numbers_are_exact(caller, dialled, status):
    """Each sign of a number counts, but for how it is written and the case of letters."""
    assert status == caller.status(dialled)


def test_the_gateway_gets_the_number_as_it_was_dialled(edge, caller, gateways):
    """The request goes to the gateway with the number in it, however it is written."""
    call = caller.invite("%2B442079460000")
    arrived = [one.uri for one in gateways.london.asked("INVITE") if one.header("Call-ID") == call.call_id]

    assert [f"sip:%2B442079460000@{HOST}:{edge.port}"] == arrived


def test_the_higher_priority_comes_first(caller, gateways):
    """Calls go to the gateway with the highest priority alone, while it answers."""
    before = len(gateways.high.asked("INVITE"))
    statuses = [caller.status("200") for _ in range(5)]

    assert [200] * 5 == statuses
    assert before + 5 == len(gateways.high.asked("INVITE"))
    assert [] == gateways.low.asked("INVITE")


@pytest.mark.parametrize("refused", [408, 500, 503])
def test_a_gateway_that_cannot_gives_way(caller, gateways, refused):
    """A gateway that refuses because of itself is followed by the one of the next priority."""
    gateways.high.status = refused
    before = len(gateways.low.asked("INVITE"))
    status = caller.status("200")
    gateways.high.status = 200

    assert 200 == status
    assert before + 1 == len(gateways.low.asked("INVITE"))


@pytest.mark.parametrize("refused", [404, 486, 603])
def test_what_the_callee_says_is_the_answer(caller, gateways, refused):
    """Busy, declined and not found are told to the caller, and no other gateway is tried."""
    gateways.high.status = refused
    before = len(gateways.low.asked("INVITE"))
    status = caller.status("200")
    gateways.high.status = 200

    assert refused == status
    assert before == len(gateways.low.asked("INVITE"))


def test_a_gateway_that_says_nothing(edge, caller, gateways):
    """It is passed over, not asked again until it answers OPTIONS, and then it is."""
    gateways.high.alive = False
    first, second = caller.status("200"), caller.status("200")
    state = edge.states()[gateways.high.uri]
    gateways.high.alive = True
    until(lambda: edge.states()[gateways.high.uri] == "AP")
    before = len(gateways.high.asked("INVITE"))
    third = caller.status("200")

    assert [200, 200, 200] == [first, second, third]
    assert "IP" == state
    assert before + 1 == len(gateways.high.asked("INVITE"))


def test_no_gateway_is_left(edge, caller, gateways):
    """Calls are refused with 503 while no gateway of a set answers."""
    gateways.london.alive = False
    until(lambda: edge.states()[gateways.london.uri] == "IP")
    status = caller.status("sales")
    gateways.london.alive = True
    until(lambda: edge.states()[gateways.london.uri] == "AP")

    assert 503 == status
    assert 200 == caller.status("sales")


def test_gateways_that_are_not_probed_stay_what_they_are(edge, caller, gateways):
    """Nobody would ask whether such a gateway is back: each call tries it first."""
    statuses = [caller.status("400"), caller.status("400")]

    assert [200, 200] == statuses
    assert "AX" == edge.states()[gateways.dead.uri]
    assert [] == gateways.dead.asked("OPTIONS")


def test_gateways_that_nothing_can_be_sent_to(caller, gateways):
    """A name that does not resolve, a transport that is not there and a closed port are passed over."""
    assert 200 == caller.status("600")
    assert 1 == len(gateways.last.asked("INVITE"))


def test_calls_are_shared_by_weight(caller, gateways):
    """Of each hundred calls a gateway gets its part of the weights."""
    assert {200} == {caller.status("300") for _ in range(100)}
    assert (75, 25) == (len(gateways.heavy.asked("INVITE")), len(gateways.light.asked("INVITE")))
