"""Following what happens, over HTTP."""

import http.client
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import get_args

from didier.domain import events
from didier.services.changes.event_shapes import (
    BatchType,
    CheckType,
    DidType,
    GatewaySetDeletedType,
    GatewaySetStoredType,
    UserType,
    WebhookType,
)
from web.api.conftest import PREFIX, SOURCE, Api, did


def newest(api: Api) -> int:
    """Return the number of what happened last."""
    return api.get("/changes").body["next"]


def told(api: Api, query: str = "") -> list[tuple[str, str]]:
    """Return type and number of what is told of DIDs."""
    items = api.get(f"/changes?types=did.*&{query}").body["items"]
    return [(item["type"], item["data"]["did_pattern"]) for item in items]


@contextmanager
def stream(api: Api, query: str = "", **headers: str) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of events."""
    with closing(http.client.HTTPConnection("127.0.0.1", api.server.port, timeout=60)) as connection:
        sent = {"Authorization": api.sign_in, "Accept": "text/event-stream", **headers}
        connection.request("GET", f"{PREFIX}/changes{query}", headers=sent)
        yield connection.getresponse()


def event(answer: http.client.HTTPResponse) -> dict[str, str]:
    """Return the next event that has data; comments are left out."""
    fields: dict[str, str] = {}
    while (line := answer.readline().decode()) != "":
        if line == "\n":
            if "data" in fields:
                return fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.rstrip("\n").partition(": ")
            fields[name] = value
    raise AssertionError("the stream has ended")


def test_types_are_those_of_the_document():
    """Each is told in the OpenAPI document."""
    assert [*events.TYPES] == [
        name
        for kind in (
            DidType,
            BatchType,
            UserType,
            GatewaySetStoredType,
            GatewaySetDeletedType,
            WebhookType,
            CheckType,
        )
        for name in get_args(kind)
    ]


def test_what_happened_is_told_in_order(api):
    """With what it takes to do the same elsewhere, and the way on."""
    begin = newest(api)
    api.post("/copies", {"source": SOURCE, "targets": ["5550001-5550003"]})
    api.patch(did("5550001"), {"extension": "8301"})
    found = api.get(f"/changes?after={begin}&types=did.*").body
    created, updated = found["items"]

    assert ("did.created", "copy", "json-api", "admin") == tuple(
        created[name] for name in ("type", "cause", "origin", "user")
    )
    assert ("5550001", "5550003", 3, SOURCE) == tuple(
        created["data"][name] for name in ("did_pattern", "last", "size", "source")
    )
    assert ["extension"] == updated["data"]["fields"]
    assert created["sequence"] < updated["sequence"] == found["next"] == found["newest"]
    assert [] == api.get(f"/changes?after={found['next']}").body["items"]


def test_pages_go_on_where_the_one_before_ended(api):
    """Every event comes once."""
    begin = newest(api)
    numbers = [f"555010{i}" for i in range(7)]
    for number in numbers:
        api.add(number)
    found, after = [], begin
    for _ in range(4):
        page = api.get(f"/changes?after={after}&limit=2").body
        found += [item["data"]["did_pattern"] for item in page["items"]]
        after = page["next"]

    assert numbers == found


def test_who_waits_hears_of_it_at_once(api):
    """An answer is kept back until there is an event; a change that is not wanted goes by."""
    begin = newest(api)
    with closing(http.client.HTTPConnection("127.0.0.1", api.server.port, timeout=60)) as connection:
        path = f"{PREFIX}/changes?after={begin}&wait=50&types=did.updated"
        connection.request("GET", path, headers={"Authorization": api.sign_in})
        api.add("5550200")
        api.patch(did("5550200"), {"extension": "8301"})
        found = json.loads(connection.getresponse().read())

    assert ["did.updated"] == [item["type"] for item in found["items"]]


def test_waiting_ends_without_events(api):
    """With the number to go on from."""
    begin = newest(api)

    assert {"items": [], "next": begin, "newest": begin} == api.get(f"/changes?after={begin}&wait=1").body


def test_a_stream_tells_events_as_they_happen(api):
    """By type, with the number from which to go on; who comes again gets what they have missed."""
    with stream(api) as answer:
        api.add("5550300")
        first = event(answer)
    api.add("5550301")
    with stream(api, "?types=did.*", **{"Last-Event-ID": first["id"]}) as answer:
        second = event(answer)

    assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
    assert ("did.created", "5550300") == (first["event"], json.loads(first["data"])["data"]["did_pattern"])
    assert "5550301" == json.loads(second["data"])["data"]["did_pattern"]
    assert int(second["id"]) == json.loads(second["data"])["sequence"]


def test_a_stream_says_how_far_it_is_without_events(api):
    """A number without data: who comes again does not begin where they were last told something."""
    begin = newest(api)
    with stream(api, f"?after={begin}&types=user.*") as answer:
        api.add("5550310")
        lines = [answer.readline(), answer.readline()]

    assert b"\n" == lines[1]
    assert int(lines[0].removeprefix(b"id: ")) > begin


def test_numbers_that_were_never_given_out_are_gone(api):
    """A page and a stream say so alike: an export is to be taken."""
    for headers in ({}, {"Accept": "text/event-stream"}):
        assert (410, "changes-gone") == api.get("/changes?after=999999", **headers).problem


def test_an_export_says_from_where_to_follow(api):
    """In a header, of both formats."""
    api.add("5550400")
    exports = [api.get(f"/exports/dids.{kind}").headers["didier-sequence"] for kind in ("ndjson", "csv")]
    api.add("5550401")

    assert [[("did.created", "5550401")]] * 2 == [told(api, f"after={number}") for number in exports]


def test_what_is_asked_wrongly_is_named(api):
    """Types that there are not, and numbers that are none."""
    refused = api.get("/changes?types=did.created,did.renamed")

    assert (422, "invalid-field") == refused.problem
    assert ("types", True) == (refused.body["pointer"], "did.renamed" in refused.body["detail"])
    for query in ("after=-1", "after=x", "wait=61", "limit=0", "limit=1001"):
        assert (422, "invalid-request") == api.get(f"/changes?{query}").problem


def test_a_token_follows_what_it_reaches(api):
    """Its prefix counts, and users are told to those alone who may see them."""
    token = api.token("dids:read", pattern_prefix="555050")
    begin = newest(api)
    api.post("/copies", {"source": SOURCE, "targets": ["5550499-5550501"]})
    api.post("/users", {"user": "heard", "password": "a-long-password", "user_level": 1,
                        "user_group": "ADMIN", "full_name": "Heard"})  # fmt: skip
    [item] = token.get(f"/changes?after={begin}").body["items"]

    assert ("5550500", "5550501", 2, None) == tuple(
        item["data"][name] for name in ("did_pattern", "last", "size", "source")
    )
    assert (403, "not-permitted") == token.get("/changes?types=user.created").problem
    assert "user.created" in {item["type"] for item in api.get(f"/changes?after={begin}").body["items"]}
    assert (403, "not-permitted") == api.token("reports").get("/changes").problem
    assert 200 == api.token("changes:read").get("/changes").status
    assert (403, "not-permitted") == api.token("changes:read").get("/dids").problem
