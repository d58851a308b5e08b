"""Copies that differ from their source, and what was copied from what, over the JSON API."""

import csv
import json

import pytest

from web.api.conftest import SOURCE, did

COPIES = ["18005550100", "18005550101", "18005550102"]


@pytest.fixture
def drifted(api):
    """Three copies, the last two of which have other descriptions than their source."""
    copied = api.post("/copies", {"source": SOURCE, "targets": COPIES, "overrides": {"did_active": "N"}})
    assert 201 == copied.status
    for place, number in enumerate(COPIES[1:]):
        assert 200 == api.patch(did(number), {"did_description": f"Line {place}"}).status
    return api.get(did(SOURCE)).body["did_description"]


def test_each_copy_has_what_differs(api, drifted):
    """Field by field, without what it was given when it was copied."""
    found = api.get("/reports/drift").body
    [first, second] = found["items"]

    assert (COPIES[1:], None) == ([one["did"] for one in found["items"]], found["next"])
    assert {"did_description": {"source": drifted, "copy": "Line 0"}} == first["differs"]
    assert (SOURCE, "Line 1") == (second["source"], second["description"])
    assert first["batch"] == api.get(f"/dids/{COPIES[1]}/lineage").body["sources"][0]["batch"]


def test_a_source_that_changes(api, drifted):
    """What it was is compared where that is asked for."""
    api.patch(did(SOURCE), {"did_description": "A new text"})

    assert COPIES == [one["did"] for one in api.get("/reports/drift").body["items"]]
    assert COPIES[1:] == [one["did"] for one in api.get("/reports/drift?against=then").body["items"]]


def test_filters_and_pages(api, drifted):
    """As in other lists, with a link to the next page."""
    first = api.get("/reports/drift?limit=1&sort=-did_pattern")
    second = api.get(f"/reports/drift?limit=1&sort=-did_pattern&cursor={first.body['next']}")

    assert COPIES[:0:-1] == [one["did"] for page in (first, second) for one in page.body["items"]]
    assert "cursor=" in first.headers["link"]
    assert [] == api.get(f"/reports/drift?source={COPIES[0]}").body["items"]
    assert 2 == len(api.get(f"/reports/drift?source={SOURCE}&prefix=1800555").body["items"])
    assert [] == api.get("/reports/drift?tag=none").body["items"]
    for odd in ("against=tomorrow", "route=NOWHERE", "sort=colour"):
        assert (422, "invalid-request") == api.get(f"/reports/drift?{odd}").problem
    assert (422, "invalid-cursor") == api.get("/reports/drift?cursor=odd").problem


def test_the_whole_report_as_csv_and_json_lines(api, drifted):
    """By the header Accept: a line for each field, or for each copy."""
    api.patch(did(COPIES[2]), {"did_description": "=1+1 is a formula"})
    table = api.ask("GET", "/reports/drift", headers={"Accept": "text/csv"})
    lines = api.ask("GET", "/reports/drift", headers={"Accept": "application/x-ndjson"})

    assert ("text/csv; charset=utf-8", 'attachment; filename="drift.csv"') == (
        table.headers["content-type"], table.headers["content-disposition"],
    )  # fmt: skip
    rows = list(csv.DictReader(table.text.splitlines()))
    assert [(COPIES[1], "Line 0"), (COPIES[2], "'=1+1 is a formula")] == [
        (row["did_pattern"], row["value"]) for row in rows
    ]
    assert {("did_description", drifted, SOURCE)} == {
        (row["field"], row["source_value"], row["copied_from"]) for row in rows
    }
    assert COPIES[1:] == [json.loads(line)["did"] for line in lines.text.splitlines()]


def test_an_empty_report_as_csv_has_its_header(api):
    """So that a program can read it."""
    table = api.ask("GET", "/reports/drift", headers={"Accept": "text/csv"})

    assert ["did_pattern,did_description,copied_from,field,source_value,value"] == table.text.splitlines()


ORDER = {"verb": "update", "targets": COPIES, "mode": "best_effort"}


def test_the_source_is_applied_again(api, drifted):
    """Previewed, carried out as a batch that says what it did, and undone."""
    order = {**ORDER, "drift": "apply"}
    preview = api.post("/batches", {**order, "dry_run": True}).body
    done = api.post("/batches", order)

    assert (1, 2) == (preview["totals"]["refused"], preview["totals"]["updated"])
    assert {"now": "Line 0", "would_be": drifted} == preview["sample"][0]["differs"]["did_description"]
    assert (201, "apply", []) == (done.status, done.body["drift"], done.body["drift_fields"])
    assert [] == api.get("/reports/drift").body["items"]
    api.post(f"/batches/{done.body['id']}/undo", {})
    assert COPIES[1:] == [one["did"] for one in api.get("/reports/drift").body["items"]]


def test_differences_are_kept_as_exceptions(api, drifted):
    """Of all copies of a DID, or by a text with parameters; then they are no drift."""
    where = {"verb": "update", "where": {"copied_from": SOURCE}, "mode": "best_effort", "drift": "keep"}
    done = api.post("/batches", {**where, "drift_fields": ["did_description"]})

    assert (201, "keep", ["did_description"]) == (
        done.status, done.body["drift"], done.body["drift_fields"],
    )  # fmt: skip
    assert "did_description" == api.get(did(COPIES[1])).body["exceptions"]
    assert [] == api.get("/reports/drift").body["items"]


def test_an_order_says_one_thing(api, drifted):
    """Drift beside values is refused, and fields that copies do not inherit."""
    both = api.post("/batches", {**ORDER, "drift": "apply", "values": {"did_active": "Y"}})
    odd = api.post("/batches", {**ORDER, "drift": "keep", "drift_fields": ["did_id"]})
    alone = api.post("/batches", {**ORDER, "values": {"did_active": "Y"}, "drift_fields": ["group_id"]})

    assert [(422, "/drift"), (422, "/drift_fields"), (422, "/drift_fields")] == [
        (one.status, one.body["errors"][0]["pointer"] if "errors" in one.body else one.body["pointer"])
        for one in (both, odd, alone)
    ]


def test_the_lineage_of_a_did(api, drifted):
    """Its sources, and a page of its copies with the number of theirs."""
    api.post("/copies", {"source": COPIES[0], "targets": ["18005550199"]})
    top = api.get(f"{did(SOURCE)}/lineage?limit=2").body
    rest = api.get(f"{did(SOURCE)}/lineage?limit=2&cursor={top['next']}").body
    last = api.get(f"{did('18005550199')}/lineage").body

    assert (3, []) == (top["copies"], top["sources"])
    assert [(COPIES[0], 1), (COPIES[1], 0), (COPIES[2], 0)] == [
        (one["did"], one["copies"]) for page in (top, rest) for one in page["items"]
    ]
    assert [COPIES[0], SOURCE] == [one["did"] for one in last["sources"]]
    assert (404, "did-not-found") == api.get(f"{did('18005550777')}/lineage").problem
