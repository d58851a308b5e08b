"""Calls of now and of the last hour, as Asterisk makes them at a running server."""

import http.client
import json
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from support.channel import Channel
from support.mariadb import free_port
from support.server import Didier
from web.api.conftest import PREFIX, SOURCE, Api

NOBODY = "18005550199"


@pytest.fixture(scope="module")
def called(tmp_path_factory):
    """A server with FastAGI, its port, and calls: one sent on, one refused, one to no DID, a stranger's."""
    directory, port = tmp_path_factory.mktemp("called"), free_port()
    arguments = ("--demo", "--database", f"sqlite:///{directory}/didier.db", "--agi-port", str(port))
    server = Didier(directory, *arguments, environment={"DIDIER_RATE_LIMIT": "0"}).start()
    Channel(port, SOURCE, uniqueid="1.1").rest()
    refused = Channel(port, SOURCE, uniqueid="1.2")
    refused.told()
    refused.told(b"510 Invalid or unknown command\n")
    refused.rest()
    Channel(port, NOBODY, uniqueid="1.3").rest()
    Channel(port, NOBODY, script="other").rest()
    yield server, port
    server.stop()


@pytest.fixture
def api(called):
    """The API, as the administrator."""
    return Api(called[0])


def read(api, until, path="/calls/live"):
    """Return what is answered once *until* holds of it: the last call may still be on its way."""
    while True:
        found = api.get(path).body
        if until(found):
            return found


def counted(api):
    return read(api, lambda found: sum(found["turned_away"].values()) and found["hour"]["calls"] >= 3)


def test_calls_are_counted_by_how_they_ended(api):
    """Those of the last minute are among those of the hour."""
    found = counted(api)
    results = {"routed": 1, "unknown": 1, "refused": 1}

    assert results == {name: found["hour"]["results"].get(name) for name in results}
    assert found["hour"]["fallen_through"] == found["hour"]["results"]["unknown"]
    assert {"no_call": 1} == found["turned_away"]
    assert found["since"] is None


def test_the_last_calls_say_why(api):
    """Where they were sent, or why not, and how long that took."""
    latest = {call["result"]: call for call in counted(api)["latest"]}

    assert "8300 in trunkinbound" == latest["routed"]["target"]
    assert "Asterisk refused SET CONTEXT with 510" == latest["refused"]["reason"]
    assert "no DID has the number, and there is no default" == latest["unknown"]["reason"]
    assert (SOURCE, SOURCE, "7275551212", "EXTEN") == tuple(
        latest["routed"][name] for name in ("dialled", "did", "caller", "route")
    )
    assert latest["unknown"]["did"] is None
    assert all(call["seconds"] > 0 for call in latest.values())


def test_numbers_are_listed(api):
    """The most called one first."""
    first, second = counted(api)["numbers"][:2]

    assert (SOURCE, 2, {"routed": 1, "refused": 1}) == (first["dialled"], first["calls"], first["results"])
    assert (NOBODY, None) == (second["dialled"], second["did"])


def test_a_call_of_another_server_is_there(api, called):
    """Of it only the log is known; an old one is not."""
    for uniqueid, age in (("9.1", timedelta()), ("9.2", timedelta(hours=2))):
        called[0].sql(
            "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id)"
            " VALUES (?, 'c', '192.0.2.9', '18005550188', ?, '1')",
            uniqueid, (datetime.now() - age).isoformat(" ", "seconds"),
        )  # fmt: skip
    found = read(api, lambda found: found["hour"]["results"].get("logged"))
    [call] = [one for one in found["latest"] if one["dialled"] == "18005550188"]

    assert ("logged", "192.0.2.9", None, "") == tuple(
        call[name] for name in ("result", "server_ip", "seconds", "reason")
    )


def test_a_token_sees_its_dids_without_callers(api):
    """By its prefix; who called is of the scope reports."""
    token = api.post("/tokens", {"name": "live", "scopes": ["dids:read"], "pattern_prefix": "18005"}).body
    found = Api(api.server, token=token["token"]).get("/calls/live").body

    assert {NOBODY} == {one["dialled"] for one in found["latest"]} - {"18005550188"}
    assert {""} == {one["caller"] for one in found["latest"]}
    assert found["turned_away"] is None


def test_who_watches_sees_a_call_come(api, called):
    """The first event has what there is, one behind it the call."""
    server, port = called
    counted(api)
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        headers = {"Authorization": api.sign_in}
        connection.request("GET", f"{PREFIX}/calls/live/events?seconds=600", headers=headers)
        answer = connection.getresponse()
        first = event(answer)
        Channel(port, "18005550177", uniqueid="1.7").rest()
        following = event(answer)
        while following["latest"][0]["dialled"] != "18005550177":
            following = event(answer)

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert "18005550177" not in {call["dialled"] for call in first["latest"]}
    assert first["hour"]["calls"] < following["hour"]["calls"]


def event(answer):
    """Return the data of the next event."""
    name, data, end = (answer.readline() for _ in range(3))
    assert (b"event: calls\n", b"\n") == (name, end)
    return json.loads(data.removeprefix(b"data: "))


def test_watching_ends_when_it_is_told(api):
    """After the seconds that were asked for."""
    assert api.get("/calls/live/events?seconds=1").text.startswith("event: calls\ndata: {")


def test_metrics_count_calls(api, called):
    """By result, with the time that they waited; who asked for no call has none."""
    counted(api)
    _, page = called[0].get("/metrics")

    assert 'didier_calls_total{result="refused"} 1.0' in page
    assert 'didier_calls_total{result="no_call"} 1.0' in page
    assert 'didier_call_routing_seconds_bucket{le="5.0"}' in page
