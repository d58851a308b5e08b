"""Duplicates among DIDs, over the JSON API."""

import csv
import json

import pytest

NUMBERS = ["18005550100", "8005550100", "+18005550101", "18005550101"]
PATH = "/reports/duplicates"


@pytest.fixture
def doubled(api):
    """Two numbers in two spellings each; three are set up alike, and one nearly so."""
    for number in NUMBERS:
        columns = {"extension": "8301" if number == NUMBERS[-1] else "8300"}
        assert 201 == api.add(number, did_description=f"Line {number}", **columns).status
    return NUMBERS


def test_groups_with_their_dids(api, doubled):
    """The largest first, each with the first of its DIDs."""
    found = api.get(f"{PATH}?kind=spelling").body
    first = found["items"][0]

    assert ["+18005550100", "+18005550101"] == [one["name"] for one in found["items"]]
    assert (2, 4, True, None) == tuple(found[name] for name in ("groups", "dids", "complete", "next"))
    assert NUMBERS[:2] == [did["pattern"] for did in first["dids"]]
    assert {
        "pattern": NUMBERS[0], "description": f"Line {NUMBERS[0]}", "active": "Y",
        "destination": "extension 8300 in the context default", "user_group": "---ALL---",
    }.items() <= first["dids"][0].items()  # fmt: skip


def test_what_nearly_alike_dids_differ_in(api, doubled):
    """Each field with what is usual, and what is there instead."""
    [group, *_] = api.get(f"{PATH}?kind=configuration&fields=1").body["items"]
    variant = next(one for one in group["variants"] if one["dids"][0]["pattern"] == NUMBERS[3])

    assert 3 == group["alike"] <= group["count"]
    assert len(group["variants"]) == group["near"]
    assert [{"field": "extension", "usual": "8300", "value": "8301"}] == variant["differences"]
    assert [NUMBERS[3]] == [did["pattern"] for did in variant["dids"]]


def test_a_first_page_is_of_now(api, doubled):
    """A duplicate that was deleted is none any more."""
    before = api.get(f"{PATH}?kind=spelling").body["groups"]
    assert 204 == api.ask("DELETE", f"/dids/{NUMBERS[1]}").status

    assert (2, 1) == (before, api.get(f"{PATH}?kind=spelling").body["groups"])


def test_pages_follow_each_other(api, doubled):
    """As those of other lists, with a link."""
    first = api.get(f"{PATH}?kind=spelling&limit=1")
    second = api.get(f"{PATH}?kind=spelling&limit=1&cursor={first.body['next']}")
    names = [one["name"] for page in (first, second) for one in page.body["items"]]

    assert ["+18005550100", "+18005550101"] == names
    assert "kind=spelling&limit=1&cursor=" in first.headers["link"]
    assert second.body["next"] is None
    for asked in ("kind=destination", "kind=spelling&sort=count"):
        assert (422, "invalid-cursor") == api.get(f"{PATH}?{asked}&cursor={first.body['next']}").problem


@pytest.mark.parametrize(
    ("asked", "headers"), [("", {"Accept": "text/csv"}), ("&format=csv", {"Accept": "application/json"})]
)
def test_csv_has_a_line_for_each_did(api, doubled, asked, headers):
    """Of all groups, whatever a page would have; a number with a plus sign stays a text."""
    found = api.get(f"{PATH}?kind=spelling&limit=1{asked}", **headers)
    rows = list(csv.DictReader(found.text.splitlines()))

    assert "text/csv; charset=utf-8" == found.headers["content-type"]
    assert 'attachment; filename="duplicates-spelling.csv"' == found.headers["content-disposition"]
    assert [NUMBERS[0], NUMBERS[1], f"'{NUMBERS[2]}", NUMBERS[3]] == [row["did_pattern"] for row in rows]
    assert ["'+18005550100", "2"] == [rows[0]["group"], rows[0]["count"]]


def test_json_lines(api, doubled):
    """One object for each DID, with what it differs in."""
    found = api.get(f"{PATH}?kind=configuration&fields=1", Accept="application/x-ndjson")
    rows = {row["did_pattern"]: row for row in map(json.loads, found.text.splitlines())}

    assert "application/x-ndjson; charset=utf-8" == found.headers["content-type"]
    assert (1, "extension: 8300 → 8301") == tuple(
        rows[NUMBERS[3]][name] for name in ("differences", "fields")
    )


def test_an_export_without_duplicates(api):
    """CSV has the names of its columns all the same."""
    found = api.get(f"{PATH}?kind=spelling&format=csv").text

    assert ["group,count,did_id"] == [line[:18] for line in found.splitlines()]
    assert "" == api.get(f"{PATH}?kind=spelling&format=ndjson").text


@pytest.mark.parametrize(
    "asked",
    ["", "kind=odd", "kind=spelling&fields=4", "kind=spelling&route=ODD", "kind=spelling&sort=odd",
     "kind=spelling&limit=0", "kind=spelling&limit=201", "kind=spelling&prefx=1"],
)  # fmt: skip
def test_bad_requests(api, asked):
    """What is not understood is refused by its place."""
    assert (422, "invalid-request") == api.get(f"{PATH}?{asked}").problem


def test_filters(api, doubled):
    """Groups of which one DID has it, as a whole."""
    found = api.get(f"{PATH}?kind=spelling&prefix=800").body["items"]

    assert [NUMBERS[:2]] == [[did["pattern"] for did in one["dids"]] for one in found]
    assert [] == api.get(f"{PATH}?kind=spelling&tag=vip").body["items"]
