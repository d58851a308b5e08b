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
from support.process import SECONDS, until
from support.receiver import Receiver
from support.sip import HOST, Caller, Gateway, free_port, sipp_calls, sipp_gateway

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
FAR = "127.0.0.5"
"""The address of a gateway that is in no network of carriers."""


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
    return [free_port(), free_port()]


@pytest.fixture(scope="module")
def trunk():
    """A gateway that calls."""
    with Caller(0) as one:
        yield one


@pytest.fixture(scope="module")
def sets(gateways, loaded, trunk):
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
        GatewaySet("trunk", 7, (member(trunk),), probing=False),
        GatewaySet("far", 8, (member(FAR),), probing=False),
    ]


@pytest.fixture(scope="module")
def edge(sets, tmp_path_factory):
    """A Kamailio with numbers of all kinds."""
    one = Kamailio(tmp_path_factory.mktemp("edge"), [HOST, "2001:db8::/32", "127.0.0.4"])
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
    both = gateways.high, gateways.low
    before = [len(one.asked("INVITE")) for one in both]
    statuses = [caller.status("200") for _ in range(5)]
    after = [len(one.asked("INVITE")) for one in both]

    assert [200] * 5 == statuses
    assert [before[0] + 5, before[1]] == after


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


# A proxy tells 503 of others as 500 (RFC 3261, 16.7): it is not the proxy that is out of service.
@pytest.mark.parametrize(("refused", "told"), [(500, 500), (503, 500), (404, 404)])
def test_every_gateway_refuses(caller, gateways, refused, told):
    """The caller is told what the last of them has said."""
    gateways.high.status, gateways.low.status = 503, refused
    status = caller.status("200")
    gateways.high.status = gateways.low.status = 200

    assert told == status


def test_every_gateway_falls_silent(agent, caller, gateways):
    """The caller is told so by 503."""
    gateways.spare.alive = False
    call = caller.invite("400")
    gateways.spare.alive = True

    assert 503 == call.status
    assert ["503", gateways.spare.uri] == report_of(agent, call)[6:]


def test_gateways_that_are_not_probed_stay_what_they_are(edge, caller, gateways):
    """Nobody would ask whether such a gateway is back: each call tries it first."""
    statuses = [caller.status("400"), caller.status("400")]

    assert [200, 200] == statuses
    assert "AX" == edge.states()[gateways.dead.uri]
    assert [] == gateways.dead.asked("OPTIONS")


def test_gateways_that_nothing_can_be_sent_to(edge, caller, gateways):
    """A name that does not resolve and a closed port are passed over; with TLS Kamailio has none at all."""
    assert 200 == caller.status("600")
    assert 1 == len(gateways.last.asked("INVITE"))
    assert f"sip:{HOST}:9;transport=tcp" in edge.states()
    assert f"sip:{HOST}:9;transport=tls" not in edge.states()


def test_calls_are_shared_by_weight(caller, gateways):
    """Of each hundred calls a gateway gets its part of the weights."""
    assert {200} == {caller.status("300") for _ in range(100)}
    assert (75, 25) == (len(gateways.heavy.asked("INVITE")), len(gateways.light.asked("INVITE")))


def test_all_calls_arrive_while_a_gateway_is_killed(edge, loaded, tmp_path):
    """A hundred numbers are called by SIPp; a gateway is killed meanwhile, and every call is answered."""
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(sipp_gateway(tmp_path / f"gateway{place}", port))
            for place, port in enumerate(loaded)
        )
        until(lambda: {edge.states()[f"sip:{HOST}:{port}"] for port in loaded} == {"AP"})
        numbers = [number for number, chosen in NUMBERS.items() if chosen == LOADED]
        calls = stack.enter_context(sipp_calls(tmp_path / "caller", edge.port, numbers, 300, 100))
        until(lambda: first.calls() > 20)
        first.kill()

        assert (300, 0) == calls.finished()
        assert 150 < second.calls() < 280


def test_cancelled_while_it_rings(caller, gateways):
    """Whoever gives up is answered with 487, and so is the gateway told."""
    gateways.london.status = 180
    call = caller.invite("sales", enough=lambda status: status == 180)
    status = caller.cancel(call).status
    gateways.london.status = 200

    assert 487 == status
    assert call.call_id in {one.header("Call-ID") for one in gateways.london.asked("CANCEL")}


def methods_of(call, gateway):
    """The methods that *gateway* was asked in *call*, sorted; what comes again on a busy machine is one."""
    asked = {one.header("CSeq") for one in gateway.requests if one.header("Call-ID") == call.call_id}
    return sorted(one.split()[1] for one in asked)


def test_requests_within_a_call(caller, gateways, edge):
    """They reach the gateway by the edge, and those of the gateway reach the caller."""
    call = caller.invite("sales")
    methods = ["INVITE", "UPDATE", "INFO", "PRACK", "REFER", "NOTIFY", "OPTIONS", "BYE"]
    statuses = [caller.request(method, call, 2 + place) for place, method in enumerate(methods)]

    assert [200] * len(methods) == statuses
    assert sorted(["INVITE", "ACK", *methods]) == methods_of(call, gateways.london)


def test_a_gateway_hangs_up(caller, gateways, edge):
    """Its BYE goes to the caller, and the answer back."""
    call = caller.invite("sales")
    gateways.london.hang_up(gateways.london.asked("INVITE")[-1], edge.port)
    request = caller.receive()
    caller.answer(request)
    until(lambda: gateways.london.requests[-1].status == 200)

    assert "BYE" == request.method
    assert call.call_id == request.header("Call-ID")


# --- Who may do what --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def closed(sets, tmp_path_factory):
    """A Kamailio that nobody here may call."""
    one = Kamailio(tmp_path_factory.mktemp("closed"), ["192.0.2.0/24", "2001:db8::/32"])
    one.store(NUMBERS, [])
    yield one.start()
    one.stop()


@pytest.mark.parametrize("method", ["INVITE", "REGISTER", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE"])
def test_strangers_are_refused(closed, method):
    """Whoever is in no network of carriers gets 403, whatever is asked."""
    with Caller(closed.port) as stranger:
        assert 403 == stranger.request(method, stranger.new("sales"))


def test_strangers_reach_nobody_by_a_route_of_their_own(closed):
    """What looks like a request within a call is refused, and an ACK is dropped."""
    with Caller(closed.port) as stranger, Gateway() as victim:
        call = stranger.new("sales")
        call.to += ";tag=made-up"
        call.routes = [f"<sip:{HOST}:{closed.port};lr>", f"<sip:{HOST}:{victim.port};lr>"]
        call.uri = victim.uri
        stranger.send("ACK", call, 1, "z")
        statuses = [stranger.request(method, call) for method in ("BYE", "INFO", "INVITE")]

        assert [481, 481, 481] == statuses
        assert [] == victim.requests


def test_responses_to_nothing_reach_nobody(closed):
    """They would go to whatever host their second Via names, over UDP or by a new connection."""
    with Caller(closed.port) as stranger, Gateway() as victim, socket.create_server((HOST, 0)) as listener:
        stranger.respond(f"UDP {HOST}:{victim.port}")
        stranger.respond(f"TCP {HOST}:{listener.getsockname()[1]}")
        statuses = [stranger.request("OPTIONS", stranger.new("sales")) for _ in range(8)]
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()

        assert [403] * 8 == statuses
        assert [] == victim.requests


def test_half_requests_of_strangers_do_not_stay(closed):
    """A thousand of them leave control as it was, and are gone when nothing comes."""
    with ExitStack() as stack:
        there = [
            stack.enter_context(socket.create_connection((HOST, closed.port), SECONDS)) for _ in range(1100)
        ]
        for one in there:
            one.sendall(b"INVITE sip:x SIP/2.0\r\nVia: x")
        with httpx2.Client(headers=closed.http.headers, base_url=closed.http.base_url) as anew:
            answer = anew.get("/cursor")

        assert 200 == answer.status_code
        assert b"" == there[0].recv(1000)


@pytest.mark.parametrize(("host", "tag"), [("127.0.0.2", ""), ("127.0.0.3", ";tag=made-up")])
def test_strangers_are_not_answered_for_ever(closed, host, tag):
    """Whoever asks often gets no more answers, as within a call, while others do."""
    with Caller(closed.port, host) as flood, Caller(closed.port) as other:
        for place in range(300):
            call = flood.new("sales")
            call.to += tag
            flood.send("OPTIONS", call, 1, f"{call.call_id}-{place}")
        status = other.request("OPTIONS", other.new("sales"))
        answered = len(flood.received())

        assert 403 == status
        assert 0 < answered < 150


def within(call, edge, uri):
    """Make *call* look like one that was answered by *uri*, over *edge*."""
    call.to += ";tag=made-up"
    call.routes = [f"<sip:{HOST}:{edge.port};lr>"]
    call.uri = uri
    return call


@pytest.mark.parametrize("routed", [False, True])
def test_carriers_reach_gateways_alone_by_a_route_of_their_own(edge, caller, gateways, routed):
    """In calls that are not known, as after a restart; neither the request nor a route names others."""
    with Caller(edge.port, "127.0.0.2") as victim:
        elsewhere = f"sip:127.0.0.2:{victim.port}"
        call = within(caller.new("sales"), edge, gateways.london.uri if routed else elsewhere)
        if routed:
            call.routes.append(f"<{elsewhere};lr>")
        caller.send("ACK", call, 1, f"{call.call_id}-ack")
        statuses = [caller.request(method, call) for method in ("BYE", "INFO", "INVITE", "MESSAGE")]

        assert [481, 481, 481, 405] == statuses
        assert [] == victim.received()
    assert 200 == caller.request("BYE", within(caller.new("sales"), edge, gateways.london.uri))


def test_carriers_do_not_reach_each_other(edge, gateways):
    """In calls that are not known, as after a restart; gateways they do."""
    with Caller(edge.port, "127.0.0.4") as carrier, Caller(edge.port, "127.0.0.4") as other:
        uris = gateways.london.uri, f"sip:127.0.0.4:{other.port}"
        statuses = [carrier.request("BYE", within(carrier.new("sales"), edge, uri)) for uri in uris]

        assert [200, 481] == statuses
        assert [] == other.received()


def test_strangers_reach_no_gateway(edge, caller, gateways):
    """An ACK within a call that is not known is dropped, as it is never answered."""
    with Caller(edge.port, "127.0.0.2") as stranger:
        call = within(stranger.new("sales"), edge, gateways.london.uri)
        stranger.send("ACK", call, 1, f"{call.call_id}-ack")
        status = stranger.request("BYE", call)
    behind = caller.status("sales")

    assert (481, 200) == (status, behind)
    assert [] == methods_of(call, gateways.london)


def test_gateways_reach_carriers_in_calls_that_are_not_known(edge):
    """As after a restart; whoever has the address of a gateway stands for it, from whatever port."""
    with Caller(edge.port, FAR) as gateway, Caller(edge.port, "127.0.0.4") as carrier:
        call = within(gateway.new("sales"), edge, f"sip:127.0.0.4:{carrier.port}")
        gateway.send("BYE", call, 2, f"{call.call_id}-bye")

        assert ("BYE", call.call_id) == ((told := carrier.receive()).method, told.header("Call-ID"))


def test_parties_of_a_call_may_have_addresses_of_their_own(edge, caller, gateways):
    """As a phone behind a gateway, that Kamailio knows by the call alone."""
    call = caller.invite("sales")
    with Caller(edge.port, "127.0.0.2") as party:
        status = party.request("BYE", call)

    assert (200, ["ACK", "BYE", "INVITE"]) == (status, methods_of(call, gateways.london))


def test_only_requests_of_calls_go_within_them(edge, caller, gateways):
    """Others are refused, though the call is known."""
    call = caller.invite("sales")
    statuses = [caller.request(method, call) for method in ("MESSAGE", "REGISTER", "SUBSCRIBE", "BYE")]

    assert [405, 405, 405, 200] == statuses
    assert ["ACK", "BYE", "INVITE"] == methods_of(call, gateways.london)


def test_calls_go_to_gateways_alone(caller, gateways, edge):
    """A carrier names other hosts in the request and in a route: the number decides all the same."""
    with Gateway() as elsewhere:
        call = caller.new("sales")
        call.uri = f"sip:sales@{HOST}:{elsewhere.port}"
        call.routes = [f"<sip:{HOST}:{edge.port};lr>", f"<sip:{HOST}:{elsewhere.port};lr>"]
        caller.send("INVITE", call, 1, f"{call.call_id}-1")
        status = caller.follow(call).status
        arrived = next(one for one in gateways.london.requests if one.header("Call-ID") == call.call_id)

        assert 200 == status
        assert [] == elsewhere.requests
        assert [] == arrived.all("Route")


def test_gateways_do_not_call(trunk, edge):
    """Calls from a gateway are refused, whatever network it is in; it may ask whether the edge is there."""
    trunk.edge = edge.port

    assert 403 == trunk.status("sales")
    assert 200 == trunk.request("OPTIONS", trunk.new("sales"))


@pytest.mark.parametrize(
    ("method", "status"), [("OPTIONS", 200), ("REGISTER", 405), ("MESSAGE", 405), ("BYE", 405)]
)
def test_carriers_may_call(caller, method, status):
    """And ask whether the edge is there; nothing else."""
    assert status == caller.request(method, caller.new("sales"))


def test_too_many_hops(caller):
    """A request that has gone in circles ends."""
    caller.hops = 0

    assert 483 == caller.request("OPTIONS", caller.new("sales"))


def test_unknown_numbers_with_a_set(sets, caller, gateways, tmp_path):
    """With a default set they are called there; numbers that are not active are still refused."""
    one = Kamailio(tmp_path, default_set=LONDON)
    one.store({"inactive": 0, "!cursor": 2}, sets[:1])
    one.start()
    caller.edge = one.port
    statuses = [caller.status(number) for number in ("anything", "!cursor", "inactive")]
    one.stop()

    assert [200, 200, 480] == statuses


def test_nobody_knows_numbers_before_the_first_export(caller, tmp_path):
    """Carriers are told to try again, until there are numbers; afterwards others do not exist."""
    one = Kamailio(tmp_path)
    one.store({"!cursor": CURSOR})
    one.start()
    caller.edge = one.port
    before = caller.status("sales")
    one.push("+1500=0\n")
    after = caller.status("sales")
    one.stop()

    assert (503, 404) == (before, after)


# --- Control over HTTP ------------------------------------------------------------------------------------


def test_lines_change_numbers(edge, caller):
    """They are taken in order: set, changed, deleted; the last one says where the table stands."""
    before = [caller.status("+1500"), edge.http.get("/cursor").text]
    answer = edge.push("+1500=0\n+1501=1\n+1500=1\n+1501=\n!cursor=8\n")
    statuses = [caller.status("+1500"), caller.status("+1501")]
    cursor = edge.http.get("/cursor").text
    edge.push(f"+1500=\n!cursor={CURSOR}\n")

    assert [404, f"{CURSOR}\n"] == before
    assert (200, "5\n") == (answer.status_code, answer.text)
    assert [200, 404] == statuses
    assert "8\n" == cursor
    assert 404 == caller.status("+1500")


def test_a_thousand_lines_at_once(edge):
    """The longest numbers there are fit in a request as well."""
    numbers = {f"{place:050}": place % 1000 for place in range(1000)}
    set_ = edge.push("".join(f"{number}={value}\n" for number, value in numbers.items()))
    said = edge.http.get("/digest").text
    deleted = edge.push("".join(f"{number}=\n" for number in numbers))

    assert ["1000\n", "1000\n"] == [set_.text, deleted.text]
    assert said_of(NUMBERS | numbers) == said


def said_of(numbers):
    """What Kamailio should say of *numbers*."""
    expected = digest(numbers.items())
    return f"{expected.numbers} {expected.total} {CURSOR}\n"


@pytest.mark.parametrize("line", ["no value", "=1", "+1500=-1", "+1500=1x", "+1500=1234567890"])
def test_lines_that_are_none(edge, line):
    """They are refused, with the number of lines that were taken."""
    answer = edge.push(f"+1500=1\n{line}\n")
    edge.push("+1500=\n")

    assert (400, "1\n") == (answer.status_code, answer.text)


def test_the_digest_is_that_of_the_table(edge):
    """Python computes the same of the same numbers; one other value is seen, and so is a loss."""
    whole = edge.http.get("/digest").text
    edge.push("sales=2\n")
    changed = edge.http.get("/digest").text
    edge.push("sales=\n")
    missing = edge.http.get("/digest").text
    edge.push("sales=1\n")

    assert said_of(NUMBERS) == whole
    assert said_of(NUMBERS | {"sales": 2}) == changed
    assert said_of({number: value for number, value in NUMBERS.items() if number != "sales"}) == missing


@pytest.mark.parametrize("path", ["/RPC", "/numbers", "/digest", "/cursor"])
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": ""}])
def test_control_needs_the_secret(edge, path, headers):
    """Without it nothing is told or done."""
    url = f"http://{HOST}:{edge.installation.control_port}{path}"

    assert 401 == httpx2.post(url, headers=headers, content="sales=0\n").status_code


def test_control_is_at_its_own_address(edge):
    """The address of SIP speaks no HTTP, even to who has the secret, and the one of HTTP no SIP."""
    request = (
        f"OPTIONS sip:{HOST} SIP/2.0\r\nVia: SIP/2.0/TCP {HOST};branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"
    )
    request += "To: <sip:a@b>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    secret = edge.http.headers["Authorization"]
    refused = httpx2.get(f"http://{HOST}:{edge.port}/cursor", headers={"Authorization": secret})
    with socket.create_connection((HOST, edge.installation.control_port)) as there:
        there.sendall(request.encode() + b"GET /cursor HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = there.recv(1000)

    assert 403 == refused.status_code
    assert b"HTTP/1.1 401" == answer[:12]


def test_a_cold_start(edge, caller):
    """After a kill everything is as the tables say, without anybody else, and calls from before can end."""
    call = caller.invite("sales")
    edge.push("+1500=1\n!cursor=9\n")
    edge.kill()
    edge.start()

    assert 200 == caller.request("BYE", call)
    assert [200, 404] == [caller.status("sales"), caller.status("+1500")]
    assert said_of(NUMBERS) == edge.http.get("/digest").text


# --- Calls reported ---------------------------------------------------------------------------------------


@pytest.fixture
def agent(edge):
    """Whoever takes the calls."""
    with Receiver(receiver.status(200), edge.installation.calls_port) as one:
        yield one


def reports(agent):
    """The lines that have come, by their Call-IDs."""
    lines = [line.split("\t") for message in agent.messages for line in message.body.decode().splitlines()]
    return {unquote(line[0]): line for line in lines}


def report_of(agent, call):
    """Wait for the report of *call*; return it."""
    until(lambda: call.call_id in reports(agent))
    return reports(agent)[call.call_id]


def test_a_call_that_was_answered(agent, edge, caller, gateways):
    """When it began, was answered and ended, by whom it was taken; with the secret."""
    call = caller.invite("%2B442079460000", "%2B44700;x%20y")
    caller.request("BYE", call)
    _, number, who, started, answered, ended, status, gateway = report_of(agent, call)

    assert ("+442079460000", "+44700;x y") == (unquote(number), unquote(who))
    assert 0 < int(started) <= int(answered) <= int(ended)
    assert ("200", gateways.london.uri) == (status, gateway)
    assert edge.http.headers["Authorization"] == agent.messages[-1].headers["authorization"]
    assert "/calls" == agent.messages[-1].path


# Reports come once a second: calls of a kind are made before the first is waited for.
def reports_of(agent, calls):
    """Wait for the reports of *calls*; return them."""
    return [report_of(agent, call) for call in calls]


def test_calls_that_the_edge_refuses(agent, edge, caller):
    """They are reported as well, without a gateway."""
    statuses = {"442079460000": "404", "inactive": "480", "900": "503"}
    edge.push("900=900\n")
    calls = [caller.invite(number, "anonymous") for number in statuses]
    edge.push("900=\n")
    rows = reports_of(agent, calls)

    assert [[number, "", "0", status, ""] for number, status in statuses.items()] == [
        [number, who, answered, status, gateway] for _, number, who, _, answered, _, status, gateway in rows
    ]
    assert [row[3] for row in rows] == [row[5] for row in rows]


def test_odd_numbers_and_callers(agent, caller):
    """What would break a report is not unescaped, and what is too long is cut."""
    odd = ["1%0A2", "1%092", "1%002", "9" * 65, "%"]
    calls = [caller.invite(one, one) for one in odd]
    rows = reports_of(agent, calls)

    assert [(404, 8)] * len(odd) == [(call.status, len(row)) for call, row in zip(calls, rows, strict=True)]
    assert [one[:64] for one in odd] == [unquote(row[1]) for row in rows]
    assert ["", "", "", "9" * 64, ""] == [row[2] for row in rows]


def test_what_is_not_ascii_is_reported(agent, caller):
    """As it was sent, each call for itself; it is no number that anybody has."""
    numbers = ["é123", "%C3%A9123"]
    calls = [caller.new(number, "4é4") for number in numbers]
    for number, call in zip(numbers, calls, strict=True):
        call.call_id = f"é-{call.call_id}"
        caller.send("INVITE", call, 1, f"{number}-1")
        caller.follow(call)
    rows = reports_of(agent, calls)

    assert [404, 404] == [call.status for call in calls]
    assert [(number, "4é4") for number in numbers] == [(unquote(row[1]), unquote(row[2])) for row in rows]


def test_calls_that_the_gateway_refuses(agent, caller, gateways):
    """The status is that which the caller was told."""
    calls = []
    for status in (486, 404, 603):
        gateways.london.status = status
        calls.append(caller.invite("sales"))
    gateways.london.status = 200
    rows = reports_of(agent, calls)

    assert ["486", "404", "603"] == [row[6] for row in rows]
    assert [("0", gateways.london.uri)] * 3 == [(row[4], row[7]) for row in rows]


def test_a_call_that_was_cancelled(agent, caller, gateways):
    """It has the status 487."""
    gateways.london.status = 180
    call = caller.invite("sales", enough=lambda status: status == 180)
    caller.cancel(call)
    gateways.london.status = 200

    assert ["0", "487", gateways.london.uri] == [report_of(agent, call)[place] for place in (4, 6, 7)]


def test_a_call_that_was_passed_on(agent, caller, gateways):
    """The gateway is the one that took it."""
    gateways.high.status = 503
    call = caller.invite("200")
    caller.request("BYE", call)
    gateways.high.status = 200

    assert ["200", gateways.low.uri] == report_of(agent, call)[6:]


def test_calls_wait_for_the_agent(edge, caller):
    """While it is away, and while it cannot take them, calls go on; it gets all of them afterwards."""
    calls = [caller.invite("404") for _ in range(250)]
    with Receiver(receiver.status(503), edge.installation.calls_port) as agent:
        until(lambda: len(agent.messages) > 1)
        first = agent.messages[0].body
        agent.behave = receiver.status(200)
        until(lambda: {call.call_id for call in calls} <= reports(agent).keys())

    assert 200 >= len(first.splitlines())
    assert first == agent.messages[1].body
