"""What the JSON API refuses before it looks at what is asked: sizes, rates, formats, addresses."""

import pytest

from support.server import Didier
from web.api.conftest import Api


@pytest.mark.parametrize("path", ["/nothing", "/dids/1/2/3", "/dids/"])
def test_there_is_nothing_at_other_addresses(api, path):
    """The problem is a document like all others."""
    assert (404, "no-such-address") == api.get(path).problem


def test_a_wrong_method_is_told_the_right_ones(api):
    """In the header that is made for it."""
    refused = api.ask("PUT", "/dids", {})

    assert (405, "method-not-allowed") == refused.problem
    assert {"GET"} <= set(refused.headers["allow"].replace(" ", "").split(","))


def test_bodies_are_json(api):
    """Another format is refused as such."""
    refused = api.ask("POST", "/dids", "a=b", {"Content-Type": "text/plain"})

    assert (415, "unsupported-media-type") == refused.problem


@pytest.mark.parametrize("body", ["{", "[]", "null", '"text"', "1", '{"did_pattern": 1}', "{}"])
def test_bad_bodies_are_refused(api, body):
    """With a pointer to what is bad."""
    refused = api.post("/dids", body)

    assert (422, "invalid-request") == refused.problem
    assert "pointer" in refused.body


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/dids", {"did_pattern": 1}, "did_pattern: "),
        ("/tokens", {"name": "CRM", "scopes": ["users", 2]}, "scopes, item 2: "),
        ("/dids", "[]", ""),
    ],
)
def test_messages_name_places_as_people_do(api, path, body, said):
    """Names and numbers of items; the pointer is for programs."""
    refused = api.post(path, body).body

    assert refused["detail"].startswith(said)
    assert "/" not in refused["detail"]
    assert refused["pointer"] == "" or refused["pointer"].startswith("/")


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\U0001f600", "é" * 60])
def test_texts_that_cannot_be_stored_are_refused(api, text):
    """Half characters, zero bytes and letters beyond VICIdial's tables."""
    made = api.post("/dids", {"did_pattern": text, "did_description": text * 8})
    changed = api.patch("/dids/18001234567", {"did_description": text * 60})
    named = api.post("/dids", {text: "x"})

    assert [422, 422, 422] == [made.status, changed.status, named.status]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "sort=did_route", "search=" + "x" * 101]
)
def test_parameters_have_limits(api, query):
    """The problem names the parameter."""
    refused = api.get(f"/dids?{query}")

    assert (422, "invalid-request") == refused.problem
    assert query.partition("=")[0] == refused.body["pointer"]


@pytest.mark.parametrize(
    ("method", "path", "meant"),
    [
        ("GET", "/dids?serach=1", "search"),
        ("GET", "/dids?Search=1", "search"),
        ("GET", "/exports/dids.csv?actve=Y", "active"),
        ("GET", "/log?usr=admin", "user"),
        ("DELETE", "/dids/18001234567?froce=1", "force"),
        ("POST", "/imports?dryrun=1", "dry_run"),
        ("POST", "/copies?sorce=18001234567", "source"),
    ],
)
def test_unknown_parameters_are_refused(api, method, path, meant):
    """By name, with the nearest one that there is; nothing is done."""
    refused = api.ask(method, path, "did_pattern\n18005550000\n", {"Content-Type": "text/csv"})
    name = path.partition("?")[2].partition("=")[0]

    assert (422, "invalid-request") == refused.problem
    assert name == refused.body["pointer"]
    assert f"{name}: there is no such parameter; did you mean {meant}?" == refused.body["detail"]
    assert ["18001234567"] == api.patterns()


def test_all_unknown_parameters_are_named(api):
    """At once; nothing is suggested where none is like them."""
    refused = api.get("/dids?limit=1&qqq=1&zzz")

    assert [
        {"pointer": "qqq", "detail": "there is no such parameter"},
        {"pointer": "zzz", "detail": "there is no such parameter"},
    ] == refused.body["errors"]


def test_who_has_not_signed_in_hears_that_first(server):
    """An unknown parameter makes no difference."""
    assert 401 == server.exchange("GET", "/api/v1/dids?serach=1").status


def test_large_bodies_are_refused(api):
    """More than the setting allows."""
    assert (413, "too-large") == api.post("/dids", {"did_pattern": "1" * 1_100_000}).problem


def test_a_caller_may_send_so_much(tmp_path):
    """Further requests are told when the next one is taken; other callers are not held up."""
    database = f"sqlite:///{tmp_path}/didier.db"
    server = Didier(
        tmp_path, "--demo", "--database", database, environment={"DIDIER_RATE_LIMIT": "5"}
    ).start()
    try:
        api = Api(server)
        token = api.token("dids:read")
        replies = [api.get("/dids") for _ in range(5)]
        other = Api(server, "other").get("/dids")
        with_token = token.get("/dids")
        tutorial = server.tutorial()
    finally:
        server.stop()

    assert [200] * 4 == [reply.status for reply in replies[:4]]
    assert (429, "too-many-requests") == replies[4].problem
    assert 1 <= int(replies[4].headers["retry-after"]) <= 60
    assert '"caller";q=5;w=60' == replies[0].headers["ratelimit-policy"]
    assert replies[0].headers["ratelimit"].startswith('"caller";r=3;')
    assert 401 == other.status
    assert 200 == with_token.status
    assert "SUCCESS" in tutorial


def test_rates_may_be_without_limit(tmp_path):
    """With 0 nothing is counted, and nothing said about it."""
    database = f"sqlite:///{tmp_path}/didier.db"
    server = Didier(
        tmp_path, "--demo", "--database", database, environment={"DIDIER_RATE_LIMIT": "0"}
    ).start()
    try:
        reply = Api(server).get("/dids")
    finally:
        server.stop()

    assert 200 == reply.status
    assert "ratelimit" not in reply.headers


def test_answers_are_not_kept_by_others(api):
    """Neither in a cache nor under another type."""
    headers = api.get("/dids").headers

    assert ("no-store", "nosniff") == (headers["cache-control"], headers["x-content-type-options"])
