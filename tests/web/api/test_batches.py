"""Looking at batches, watching and undoing them."""

import json
from typing import Any

import pytest

from web.api.conftest import SOURCE, Api, Reply, did

LARGE = "5550000-5551499"


def copy(api: Api, **body: Any) -> dict[str, Any]:
    """Copy the tutorial's DID; return the batch."""
    reply = api.post("/copies", {"source": SOURCE, **body})
    assert reply.status in {201, 202}, reply.text
    found: dict[str, Any] = reply.body
    return found


def events(api: Api, batch_id: int) -> list[tuple[str, dict[str, Any]]]:
    """Watch a batch to its end; return the events and the batch in each."""
    reply = api.get(f"/batches/{batch_id}/events")
    assert "text/event-stream; charset=utf-8" == reply.headers["content-type"]
    found = []
    for event in reply.text.strip().split("\n\n"):
        name, data = event.split("\n")
        found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


def finished(api: Api, batch_id: int) -> dict[str, Any]:
    name, batch = events(api, batch_id)[-1]
    assert "end" == name
    return batch


def items(api: Api, batch_id: int, query: str = "") -> list[dict[str, Any]]:
    """Return all items of a batch, page by page."""
    found, path = [], f"/batches/{batch_id}/items?{query}"
    page = api.get(path).body
    found += page["items"]
    while page["next"]:
        page = api.get(f"{path}&cursor={page['next']}").body
        found += page["items"]
    return found


def undo(api: Api, batch_id: int, **body: Any) -> Reply:
    return api.post(f"/batches/{batch_id}/undo", body or None)


def listed(api: Api, query: str = "") -> list[int]:
    return [batch["id"] for batch in api.get(f"/batches{query}").body["items"]]


def test_a_batch_is_shown_with_its_source_as_it_was(api):
    """Who copied what with which changes, and the row of the source at that moment."""
    batch = copy(
        api, targets=["5550100"], overrides={"did_active": "N"}, description_template="Line {target}"
    )
    api.patch(did(SOURCE), {"did_description": "Changed since"})

    shown = api.get(f"/batches/{batch['id']}").body
    assert ("copy", "admin", "127.0.0.1", SOURCE, {"did_active": "N"}, "Line {target}") == tuple(
        shown[name] for name in ("kind", "caller", "address", "source", "overrides", "description_template")
    )
    assert (None, None, None, None) == tuple(shown[n] for n in ("phase", "failure", "undone_by", "undone_at"))
    assert "Tutorial sales line" == shown["source_snapshot"]["did_description"]


def test_batches_are_listed_newest_first(api):
    """Pages go on by cursor; filters leave out the others."""
    ids = [copy(api, targets=[f"555010{n}"])["id"] for n in range(5)]
    edited = api.add("5550199")
    assert 201 == edited.status
    everything = listed(api)

    assert ids[::-1] == [id_ for id_ in everything if id_ in ids]
    assert ids[::-1] == listed(api, "?kind=copy")
    assert ids[::-1] == listed(api, f"?source={SOURCE}&caller=ADMIN&state=done")
    assert [] == listed(api, "?state=failed")
    page = api.get("/batches?kind=copy&limit=2").body
    rest = api.get(f"/batches?kind=copy&limit=10&cursor={page['next']}").body
    assert (ids[::-1][:2], ids[::-1][2:], None) == (
        [batch["id"] for batch in page["items"]], [batch["id"] for batch in rest["items"]], rest["next"]
    )  # fmt: skip


@pytest.mark.parametrize("limit", [1, 7, 500, 1000])
def test_items_of_runs_are_paged_one_by_one(api, limit):
    """However the pages divide the runs, each target comes once, in order, with its own id."""
    api.add("5550003")
    count = 20 if limit < 100 else 1500
    batch = copy(
        api,
        ranges=[f"5550000-{5_550_000 + count - 1}"],
        mode="best_effort",
        targets=["lobby", "x"],
        allow_implausible=True,
    )
    finished(api, batch["id"])

    found = items(api, batch["id"], f"limit={limit}")
    assert [*range(1, count + 3)] == [item["position"] for item in found]
    assert ["lobby", "x", *(str(5_550_000 + n) for n in range(count))] == [item["target"] for item in found]
    assert ["added", "invalid", "added", "added", "added", "exists", "added"] == [
        i["outcome"] for i in found[:7]
    ]
    there = dict(api.server.sql("SELECT did_pattern, did_id FROM vicidial_inbound_dids"))
    assert all(item["did_id"] == there[item["target"]] for item in found if item["outcome"] == "added")
    assert [None, None] == [item["did_id"] for item in found if item["outcome"] != "added"]


def test_items_of_one_outcome(api):
    """Only what is asked for is listed."""
    api.add("5550003")
    batch = copy(api, ranges=["5550000-5550009"], targets=["x"], mode="best_effort")

    assert [("x", 1), ("5550003", 5)] == [
        (item["target"], item["position"])
        for item in items(api, batch["id"], "outcome=invalid&outcome=exists&limit=1")
    ]
    assert 422 == api.get(f"/batches/{batch['id']}/items?outcome=colour").status


def test_events_end(api):
    """Progress only grows; the last event is the batch as it is shown; a finished one ends at once."""
    batch = copy(api, ranges=[LARGE])
    found = events(api, batch["id"])

    assert ["end"] == [name for name, _ in found if name != "progress"]
    done = [seen["totals"]["added"] for _, seen in found]
    assert (sorted(done), 1500) == (done, done[-1])
    shown = api.get(f"/batches/{batch['id']}").body
    assert {k: v for k, v in shown.items() if k != "source_snapshot"} == found[-1][1]
    assert [found[-1]] == events(api, batch["id"])


def test_a_small_batch_is_undone_with_the_answer(api):
    """Its DIDs are gone; the batch says who undid it; a second time is refused."""
    batch = copy(api, targets=["5550100", "5550101"])
    reply = undo(api, batch["id"])

    assert (200, "undone", 2, "admin", []) == (
        reply.status, reply.body["state"], reply.body["totals"]["removed"], reply.body["undone_by"],
        reply.body["kept"],
    )  # fmt: skip
    assert [SOURCE] == api.server.patterns()
    assert ["removed", "removed"] == [item["outcome"] for item in items(api, batch["id"])]
    assert (409, "not-undoable") == undo(api, batch["id"]).problem


def test_a_large_batch_is_undone_behind_the_others(api):
    """It is taken in, goes on and ends."""
    batch = copy(api, ranges=[LARGE])
    finished(api, batch["id"])
    reply = undo(api, batch["id"])

    assert (202, "running", "remove") == (reply.status, reply.body["state"], reply.body["phase"])
    assert ("undone", 1500) == (lambda b: (b["state"], b["totals"]["removed"]))(finished(api, batch["id"]))
    assert [SOURCE] == api.server.patterns()


def test_undo_names_what_it_kept(api):
    """A DID that was changed since stays unless it is forced; one that is locked stays always."""
    batch = copy(api, targets=["5550100", "5550101", "5550102"])
    api.patch(did("5550101"), {"did_description": "Changed since"})
    assert api.ask("PUT", f"{did('5550102')}/lock").status in {200, 201, 204}

    first = undo(api, batch["id"])
    forced = undo(api, batch["id"], force=True)

    assert (200, 1, ["5550101", "5550102"]) == (
        first.status,
        first.body["totals"]["removed"],
        first.body["kept"],
    )
    assert (200, 2, ["5550102"]) == (forced.status, forced.body["totals"]["removed"], forced.body["kept"])
    assert [SOURCE, "5550102"] == api.server.patterns()


def test_undo_is_done_once(api):
    """With a key the answer is repeated."""
    batch = copy(api, targets=["5550100"])
    first, again = (api.post(f"/batches/{batch['id']}/undo", {"force": False}, "key") for _ in range(2))

    assert (200, first.text, "true") == (again.status, again.text, again.headers["idempotency-replayed"])


def test_a_batch_under_way_is_not_undone(api):
    """Only what has ended can be undone; a failed one that has made nothing cannot."""
    api.add("5550777")
    batch = finished(api, copy(api, ranges=[LARGE])["id"])

    assert "failed" == batch["state"]
    assert (409, "not-undoable") == undo(api, batch["id"]).problem


@pytest.mark.parametrize("path", ["", "/items", "/events"])
def test_a_batch_that_is_not_there(api, path):
    """It is not found; an id that can be none is a wrong parameter."""
    assert (404, "batch-not-found") == api.get(f"/batches/4711{path}").problem
    assert 422 == api.get(f"/batches/x{path}").problem[0]
    assert 422 == api.get(f"/batches/0{path}").problem[0]


def test_undo_of_nothing(api):
    """A batch that is not there cannot be undone; a word too many in the body is refused."""
    assert (404, "batch-not-found") == undo(api, 4711).problem
    assert 422 == undo(api, 4711, forced=True).problem[0]


@pytest.mark.parametrize("path", ["", "/items", "/events"])
def test_batches_of_others_are_hidden(api, path):
    """Who does not see the source's group, or whose token does not reach it, does not see the batch."""
    api.server.sql("UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    batch = copy(api, targets=["5550100"])
    token = api.token("dids:read", pattern_prefix="555")
    assert 404 == token.get(f"/batches/{batch['id']}{path}").status
    assert [] == listed(token, "?kind=copy")

    api.server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' SALES '")
    api.server.sql("UPDATE didier_changes SET user_name = 'other'")
    assert 404 == api.get(f"/batches/{batch['id']}{path}").status
    assert [] == listed(api, "?kind=copy")
    assert 404 == undo(api, batch["id"]).status


def test_rights_are_asked_for_by_name(api):
    """To look takes the right to list DIDs, to undo that to delete them: the setting is named."""
    batch = copy(api, targets=["5550100"])
    api.server.sql("UPDATE vicidial_users SET delete_inbound_dids = '0' WHERE user = 'admin'")
    refused = undo(api, batch["id"])
    assert (403, ["Delete DIDs must be 1"]) == (refused.problem[0], refused.body["missing"])

    api.server.sql("UPDATE vicidial_users SET user_level = 6 WHERE user = 'admin'")
    for path in ("/batches", f"/batches/{batch['id']}", f"/batches/{batch['id']}/items"):
        assert "User Level must be 7 or higher" in api.get(path).body["missing"], path
    assert [SOURCE, "5550100"] == api.server.patterns()


def test_a_token_needs_its_scopes(api):
    """Reading and writing are apart."""
    batch = copy(api, targets=["5550100"])
    reader, writer = api.token("dids:read"), api.token("dids:write")

    assert [200, 403] == [reader.get(f"/batches/{batch['id']}").status, undo(reader, batch["id"]).status]
    assert [403, 200] == [writer.get(f"/batches/{batch['id']}").status, undo(writer, batch["id"]).status]


def test_a_batch_goes_on_after_a_restart(own_server):
    """Whatever it was at when the server was stopped, it is finished by the next one, every row once."""
    api = Api(own_server)
    batch = copy(api, ranges=["5500000-5599999"], mode="best_effort")
    own_server.stop()
    before = own_server.sql("SELECT state, position FROM didier_batches")
    own_server.start()

    assert ("done", 100_000) == (lambda b: (b["state"], b["totals"]["added"]))(finished(api, batch["id"]))
    assert [("pending",), ("running",)][before[0][0] == "running"] == before[0][:1]
    [(count, distinct)] = own_server.sql(
        "SELECT count(*), count(DISTINCT did_pattern) FROM vicidial_inbound_dids"
    )
    assert (100_001, 100_001) == (count, distinct)
