"""What is wrong with DIDs, over the JSON API."""

import pytest

from support.server import Didier
from web.api.conftest import SOURCE, Api

LOST = {"did_route": "VOICEMAIL", "voicemail_ext": None, "allow_nowhere": True}
NUMBERS = ["18005550100", "18005550101", "18005550102"]


@pytest.fixture
def wrong(api):
    """Three DIDs without a box; the last one's calls go to a context that is not known, too."""
    for number in NUMBERS:
        assert 201 == api.add(number, **LOST).status
    odd = {"exten_context": "odd", "did_description": "Odd line"}
    assert 200 == api.patch(f"/dids/{NUMBERS[-1]}", odd).status
    return NUMBERS


def finding(kind="no_destination", reason="no voicemail box is set"):
    return {"kind": kind, "reason": reason}


def test_each_did_has_its_findings(api, wrong):
    """By pattern; a DID with which nothing is wrong is none of them."""
    odd = finding("context", "calls go to the context odd, which is not known")
    found = api.get("/checks").body

    assert (wrong, None) == ([one["did"] for one in found["items"]], found["next"])
    assert {"did": wrong[-1], "description": "Odd line", "findings": [finding(), odd]} == found["items"][-1]
    assert [[odd]] == [one["findings"] for one in api.get("/checks?kind=context").body["items"]]
    assert [] == api.get("/checks?kind=loop").body["items"]


def test_pages_follow_each_other(api, wrong):
    """As those of other lists, with a link."""
    first = api.get("/checks?limit=2")
    second = api.get(f"/checks?limit=2&cursor={first.body['next']}")

    assert wrong == [one["did"] for page in (first, second) for one in page.body["items"]]
    assert "limit=2&cursor=" in first.headers["link"]
    assert (422, "invalid-cursor") == api.get("/checks?cursor=odd").problem


def test_lists_and_exports_of_those_with_a_finding(api, wrong):
    """By its kind, or any."""
    exported = api.get("/exports/dids.csv?check=context").text

    assert wrong == api.patterns("?check=any")
    assert wrong[-1:] == api.patterns("?check=context")
    assert [wrong[-1]] == [number for number in (*wrong, SOURCE) if number in exported]
    assert (422, "invalid-request") == api.get("/dids?check=odd").problem
    assert (422, "invalid-request") == api.get("/checks?kind=any").problem


def test_a_batch_mends_all_of_a_kind(api, wrong):
    """And is undone as others are."""
    order = {"verb": "update", "where": {"check": "no_destination"}, "values": {"did_active": "N"}}
    preview = api.post("/batches", {**order, "dry_run": True}).body
    done = api.post("/batches", order)
    mended = api.get("/checks").body["items"]
    undone = api.post(f"/batches/{done.body['id']}/undo", {})

    assert 3 == preview["totals"]["updated"]
    assert (201, []) == (done.status, mended)
    assert (200, wrong) == (undone.status, api.patterns("?check=any"))


def test_contexts_that_the_operator_names(tmp_path):
    """They are known by the setting, in all that checks."""
    database = f"sqlite:///{tmp_path}/didier.db"
    environment = {"DIDIER_DIALPLAN_CONTEXTS": "night, odd"}
    server = Didier(tmp_path, "--demo", "--database", database, environment=environment).start()
    try:
        api = Api(server)
        for number, context in zip(NUMBERS, ("night", "odd", "other"), strict=True):
            assert 201 == api.add(number, exten_context=context, extension="8300").status
        order = {"verb": "update", "where": {"check": "context"}, "values": {"did_active": "N"}}
        checked, listed = api.get("/checks").body["items"], api.patterns("?check=context")
        preview = api.post("/batches", {**order, "dry_run": True}).body
    finally:
        server.stop()

    assert (NUMBERS[-1:], NUMBERS[-1:]) == ([one["did"] for one in checked], listed)
    assert 1 == preview["totals"]["updated"]
