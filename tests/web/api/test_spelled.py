"""Numbers that are created although they exist in another spelling: every door tells it of what it made."""

from web.api.conftest import SOURCE
from web.api.test_batches import finished, items
from web.api.test_orders import order

SPELLED = "8001234567"
TOLD = f"the same number already exists as {SOURCE}"


def test_of_a_single_did(api):
    """The answer and its batch tell it; the DID itself, and one that is not odd, do not."""
    made = api.post("/dids", {"did_pattern": SPELLED})
    other = api.post("/dids", {"did_pattern": "5550100"})
    batch = api.get("/batches?limit=2").body["items"][1]["id"]

    assert (201, TOLD, None) == (made.status, made.body["reason"], other.body["reason"])
    assert [TOLD] == [item["reason"] for item in items(api, batch)]
    assert "reason" not in api.get(f"/dids/{SPELLED}").body
    assert made.headers["etag"] == api.get(f"/dids/{SPELLED}").headers["etag"]


def test_of_an_import(api):
    """At once, in a dry run too."""
    csv, sent = f"did_pattern\n{SPELLED}\n5550100\n", {"Content-Type": "text/csv"}
    dry = api.ask("POST", "/imports?dry_run=true", csv, sent).body
    done = api.ask("POST", "/imports", csv, sent).body

    assert [TOLD, None] == [item["reason"] for item in dry["items"]]
    assert [TOLD, None] == [item["reason"] for item in done["items"]]


def test_of_an_order(api):
    """In JSON and as a text; an update says nothing of it."""
    done = order(api, "add", targets=[SPELLED, "5550100"]).body["items"]
    text = api.ask("POST", "/batches?verb=add", f"+{SOURCE}", {"Content-Type": "text/plain"}).body["items"]
    updated = order(api, "update", targets=[SPELLED], values={"did_active": "N"}).body["items"]

    assert [TOLD, None] == [item["reason"] for item in done]
    assert ["the same number already exists as 8001234567"] == [item["reason"] for item in text]
    assert [None] == [item["reason"] for item in updated]


def test_of_a_large_order(api):
    """Of the few that are odd; the others are kept as runs."""
    accepted = order(api, "add", ranges=["8001234000-8001235499"])
    finished(api, accepted.body["id"])
    found = [item for item in items(api, accepted.body["id"]) if item["reason"]]

    assert [(SPELLED, TOLD)] == [(item["target"], item["reason"]) for item in found]
