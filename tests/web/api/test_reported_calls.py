"""Calls that are reported over the JSON API, and what usage makes of them."""

import json
from datetime import datetime

import pytest

from didier.domain.calls.reported import RESULTS
from didier.web.api.reported_calls import EXAMPLE
from support.usage import count_for
from web.api.conftest import SOURCE, Api

CALL = EXAMPLE["calls"][0]


def report(api, *calls, **values):
    return api.post("/calls", {"source": "edge-london", "calls": list(calls), **values})


def day():
    return datetime.fromisoformat(CALL["started_at"]).astimezone().date().isoformat()


def test_what_is_reported_is_counted(api):
    """Once, however often it is sent; the calls of the day show it."""
    first = report(api, CALL, CALL | {"call_id": "b", "result": "busy", "answered_at": None})
    again = report(api, CALL)
    count_for(api.server)
    [usage] = api.get("/usage?since=2026-03-01&until=2026-04-01").body["items"]
    listed = api.get(f"/calls?number={SOURCE}&date={day()}").body["items"]

    assert (200, {"stored": 2, "known": 0}) == (first.status, first.body), first.text
    assert {"stored": 0, "known": 1} == again.body
    assert (SOURCE, 2) == (usage["pattern"], usage["calls"])
    assert [("3125550001", 65)] * 2 == [(one["caller"], one["seconds"]) for one in listed]


def test_one_call_id_may_have_several_numbers(api):
    """Each is a call, and known when it is sent again."""
    calls = [CALL, CALL | {"number": "18009999999"}]

    assert [{"stored": 2, "known": 0}, {"stored": 0, "known": 2}] == [
        report(api, *calls).body for _ in range(2)
    ]


def test_what_may_be_left_out(api):
    """What a call that nobody answered does not have."""
    least = {name: CALL[name] for name in ("call_id", "number", "started_at", "ended_at")}

    assert {"stored": 1, "known": 0} == report(api, least | {"result": "failed"}).body


def test_every_result_is_taken(api):
    """And no other."""
    answered = {"answered": CALL["answered_at"]}
    calls = [CALL | {"call_id": name, "result": name, "answered_at": answered.get(name)} for name in RESULTS]

    assert len(RESULTS) == report(api, *calls).body["stored"]


@pytest.mark.parametrize(
    ("values", "problem", "pointer"),
    [
        ({"call_id": ""}, "invalid-request", "call_id"),
        ({"call_id": "x" * 256}, "invalid-request", "call_id"),
        ({"call_id": "a\nb"}, "invalid-request", "call_id"),
        ({"call_id": 5}, "invalid-request", "call_id"),
        ({"number": ""}, "invalid-request", "number"),
        ({"number": "1" * 65}, "invalid-request", "number"),
        ({"number": "1\x00"}, "invalid-request", "number"),
        ({"caller": "1" * 65}, "invalid-request", "caller"),
        ({"started_at": "2026-03-04T05:06:07"}, "invalid-request", "started_at"),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, "invalid-request", "started_at"),
        ({"started_at": "1960-01-01T00:00:00Z"}, "invalid-field", "started_at"),
        ({"started_at": 1772600767}, "invalid-request", "started_at"),
        ({"started_at": "1772600767"}, "invalid-request", "started_at"),
        ({"answered_at": 1772600767.5}, "invalid-request", "answered_at"),
        ({"started_at": "2026-03-04"}, "invalid-request", "started_at"),
        ({"ended_at": None}, "invalid-request", "ended_at"),
        ({"ended_at": "2099-03-04T05:06:07Z"}, "invalid-field", "ended_at"),
        ({"answered_at": None}, "invalid-field", "answered_at"),
        ({"result": "busy"}, "invalid-field", "answered_at"),
        ({"ended_at": "2026-03-04T05:06:06Z"}, "invalid-field", "ended_at"),
        ({"answered_at": "2026-03-04T05:06:06Z"}, "invalid-field", "answered_at"),
        ({"answered_at": "2026-03-04T05:07:13Z"}, "invalid-field", "answered_at"),
        ({"result": "done"}, "invalid-request", "result"),
        ({"sip_status": 99}, "invalid-request", "sip_status"),
        ({"sip_status": 700}, "invalid-request", "sip_status"),
        ({"sip_status": "200"}, "invalid-request", "sip_status"),
        ({"gateway": "x" * 129}, "invalid-request", "gateway"),
        ({"did_id": 1}, "invalid-request", "did_id"),
    ],
)
def test_one_bad_call_refuses_the_request(api, values, problem, pointer):
    """It is named by its place; nothing is stored."""
    refused = report(api, CALL, CALL | {"call_id": "b"} | values)

    assert (422, problem) == refused.problem, refused.text
    assert f"/calls/1/{pointer}" == refused.body["pointer"]
    assert {"stored": 1, "known": 0} == report(api, CALL).body


@pytest.mark.parametrize("source", ["", "x" * 51, "a b", "a\tb", "a/b", None])
def test_a_source_has_a_plain_name(api, source):
    """Of letters, digits, points, dashes and low lines."""
    refused = report(api, CALL, source=source)

    assert (422, "invalid-request", "/source") == (*refused.problem, refused.body["pointer"])


@pytest.mark.parametrize("count", [0, 1_001])
def test_reports_have_a_size(api, count):
    """Of one call at least."""
    refused = report(api, *(CALL | {"call_id": str(n)} for n in range(count)))

    assert (422, "invalid-request", "/calls") == (*refused.problem, refused.body["pointer"])


def test_the_largest_report_is_taken(api):
    """With the longest call ids that are plain."""
    calls = [CALL | {"call_id": f"{n:0255}"} for n in range(1_000)]

    assert {"stored": 1_000, "known": 0} == report(api, *calls).body


def test_other_bodies(api):
    """JSON alone is read."""
    text = api.ask(
        "POST", "/calls", json.dumps({"source": "x", "calls": [CALL]}), {"Content-Type": "text/plain"}
    )
    broken = api.ask("POST", "/calls", "{")

    assert (415, "unsupported-media-type") == text.problem
    assert (422, "invalid-request") == broken.problem


def test_a_token_of_its_own(api):
    """That for reports, and no other; it opens nothing else."""
    edge, other = api.token("calls:write"), api.token("dids:write", "reports")

    assert 200 == report(edge, CALL).status
    assert (403, "not-permitted") == edge.get("/usage").problem
    assert (403, "not-permitted") == edge.get("/dids").problem
    assert (403, "not-permitted") == report(other, CALL).problem
    assert ["Scopes of the token must contain calls:write"] == report(other, CALL).body["missing"]


def test_a_user_of_its_own(api):
    """Level 7, API access and this one function are enough."""
    made = api.post("/users", {
        "user": "edge", "password": "edge-pass", "user_level": 7, "user_group": "ADMIN",
        "vdc_agent_api_access": True, "api_allowed_functions": ["report_calls"],
    })  # fmt: skip
    edge = Api(api.server, "edge", "edge-pass")
    token = edge.token("calls:write")

    assert 201 == made.status, made.text
    assert [200, 200] == [report(edge, CALL).status, report(token, CALL).status]
    assert (403, "not-permitted") == edge.get("/dids").problem


def test_reports_are_logged(api):
    """With the source, and how many there were."""
    report(api, CALL)
    [line] = api.get("/log?function=report_calls").body["items"]

    assert ("SUCCESS", "POST 200", "") == (line["result"], line["reason"], line["data"])
