"""Active DIDs whose calls lead nowhere, over the JSON API."""

import pytest

from web.api.conftest import SOURCE, did

NUMBER = "18005550100"
BOXLESS = {"did_route": "VOICEMAIL", "voicemail_ext": None}
WHY = "no voicemail box is set"


@pytest.fixture
def dead(api):
    """A DID that leads nowhere."""
    assert 201 == api.add(NUMBER, **BOXLESS, allow_nowhere=True).status
    return NUMBER


def test_one_that_would_lead_nowhere_is_refused(api):
    """With the reason; the same is done when it is allowed, and the DID says the reason itself."""
    refused = api.add(NUMBER, **BOXLESS)
    allowed = api.add(NUMBER, **BOXLESS, allow_nowhere=True)

    assert (422, "leads-nowhere") == refused.problem
    assert f"calls to {NUMBER} would lead nowhere: {WHY}" == refused.body["detail"]
    assert (201, WHY) == (allowed.status, allowed.body["nowhere"])
    assert WHY == api.get(did(NUMBER)).body["nowhere"]
    assert api.get(did(SOURCE)).body["nowhere"] is None


def test_a_change_that_leaves_one_is_refused(api):
    """Not so an inactive one, and not what changes other columns of one that leads nowhere already."""
    refused = api.patch(did(SOURCE), {"extension": None})
    inactive = api.patch(did(SOURCE), {"extension": None, "did_active": "N"})
    activated = api.patch(did(SOURCE), {"did_active": "Y"})
    allowed = api.patch(did(SOURCE), {"did_active": "Y", "allow_nowhere": True})
    described = api.patch(did(SOURCE), {"did_description": "Still nowhere"})

    assert [(422, "leads-nowhere")] * 2 == [refused.problem, activated.problem]
    assert (200, None) == (inactive.status, inactive.body["nowhere"])
    assert ["no extension is set"] * 2 == [allowed.body["nowhere"], described.body["nowhere"]]


def test_they_are_listed_and_exported(api, dead):
    """Alone, or without them."""
    assert [dead] == api.patterns("?leads_nowhere=Y")
    assert [SOURCE] == api.patterns("?leads_nowhere=N")
    assert [WHY] == [one["nowhere"] for one in api.get("/dids?leads_nowhere=Y").body["items"]]
    assert dead in api.get("/exports/dids.csv?leads_nowhere=Y").text
    assert SOURCE not in api.get("/exports/dids.csv?leads_nowhere=Y").text
    assert (422, "invalid-request") == api.get("/dids?leads_nowhere=yes").problem


def test_the_mark_is_no_part_of_the_state(api, dead):
    """What a DID leads to may change without the DID: its ETag stays."""
    etag = api.get(did(dead)).headers["etag"]

    assert 200 == api.patch(did(dead), {"did_description": "Shop line"}, **{"If-Match": etag}).status


@pytest.mark.parametrize("count", [2, 1_200])
def test_copies_are_refused_unless_they_are_allowed(api, dead, count):
    """A preview counts them; a small order and a large one come to the same."""
    first = 18002220000
    order = {"source": dead, "ranges": [f"{first}-{first + count - 1}"]}
    preview = api.post("/copies", {**order, "dry_run": True}).body
    allowed = api.post("/copies", {**order, "dry_run": True, "allow_nowhere": True}).body

    assert (False, count) == (preview["possible"], preview["totals"]["nowhere"])
    assert ("nowhere", f"calls would lead nowhere: {WHY}") == (
        preview["items"][0]["status"], preview["items"][0]["reason"],
    )  # fmt: skip
    assert (True, count, 0) == (allowed["possible"], allowed["totals"]["new"], allowed["totals"]["nowhere"])


def test_an_atomic_copy_names_them(api, dead):
    """The problem has the targets, with their outcome."""
    refused = api.post("/copies", {"source": dead, "targets": ["18002220000"]})

    assert (409, "not-all-possible") == refused.problem
    assert ["nowhere"] == [one["outcome"] for one in refused.body["targets"]]


def test_text_bodies_allow_it_by_a_parameter(api, dead):
    """As JSON does in the body; a deletion has no such parameter."""
    text = {"Content-Type": "text/plain"}
    asked = f"/copies?source={dead}&mode=best_effort"
    refused = api.ask("POST", asked, "18002220000\n", text)
    allowed = api.ask("POST", f"{asked}&allow_nowhere=true", "18002220000\n", text)
    deleted = api.ask("POST", "/batches?verb=delete&allow_nowhere=true", "18002220000\n", text)

    assert ["nowhere"] == [one["outcome"] for one in refused.body["items"]]
    assert ["added"] == [one["outcome"] for one in allowed.body["items"]]
    assert (422, "invalid-request") == deleted.problem


@pytest.mark.parametrize("allowed", [False, True])
def test_batches_choose_and_count_them(api, dead, allowed):
    """All that lead nowhere can be edited at once; what leads nowhere then is refused or not."""
    where = {"leads_nowhere": "Y"}
    edit = {"verb": "update", "where": where, "values": {"did_route": "CALLMENU"}, "dry_run": True}
    preview = api.post("/batches", {**edit, "allow_nowhere": allowed}).body
    mended = api.post("/batches", {"verb": "update", "where": where, "values": {"voicemail_ext": "85026"}})

    assert (1, 0) == (preview["totals"]["updated" if allowed else "nowhere"],
                      preview["totals"]["nowhere" if allowed else "updated"])  # fmt: skip
    assert (201, []) == (mended.status, api.patterns("?leads_nowhere=Y"))


def test_an_import_says_which_rows_lead_nowhere(api):
    """In best effort the others are imported."""
    table = f"did_pattern,did_route,extension\n{NUMBER},EXTEN,8300\n18005550101,EXTEN,\n"
    sent = {"Content-Type": "text/csv"}
    done = api.ask("POST", "/imports?mode=best_effort", table, sent)
    allowed = api.ask("POST", "/imports?existing=skip&allow_nowhere=true", table, sent)

    assert ["added", "nowhere"] == [one["outcome"] for one in done.body["items"]]
    assert ["exists", "added"] == [one["outcome"] for one in allowed.body["items"]]
