"""Schedules over the JSON API: stored, shown, used by DIDs, asked about."""

import pytest

from web.api.conftest import SOURCE, did

OFFICE = {
    "time_zone": "America/New_York",
    "hours": {"monday": ["09:00-12:00", "13:00-17:30"], "friday": ["22:00-02:00"]},
    "country": "US",
    "subdivision": "NY",
    "dates": [{"date": "12-24", "name": "Christmas Eve", "hours": ["9:00-12:00"]}],
    "outside": "exten:8600@default",
}


def put(api, name="office", **values):
    return api.ask("PUT", f"/schedules/{name}", OFFICE | values)


def test_a_whole_life(api):
    """What is stored is shown, with how it stands; another in its place; it is deleted."""
    stored = put(api)
    shown = api.get("/schedules/OFFICE")
    listed = api.get("/schedules?search=fic")
    changed = put(api, "Office", hours={}, country="", subdivision="", dates=[])
    deleted = api.ask("DELETE", "/schedules/office")

    week = {day: [] for day in ("tuesday", "wednesday", "thursday", "saturday", "sunday")}
    assert 200 == stored.status, stored.text
    assert {**OFFICE["hours"], **week} == shown.body["hours"]
    assert ("office", "EXTEN:8600@default", "---ALL---") == tuple(
        shown.body[name] for name in ("name", "outside", "user_group")
    )
    assert [{"date": "12-24", "name": "Christmas Eve", "hours": ["09:00-12:00"]}] == shown.body["dates"]
    assert 10 == len(shown.body["upcoming"])
    assert ["office"] == [one["name"] for one in listed.body["items"]]
    assert ("office", False, None, []) == tuple(
        changed.body[name] for name in ("name", "open", "next_opening", "upcoming")
    )
    assert 204 == deleted.status
    assert (404, "destination-not-found") == api.get("/schedules/office").problem


@pytest.mark.parametrize(
    ("values", "problem", "pointer"),
    [
        ({"time_zone": "Mars/Base"}, "invalid-field", "/time_zone"),
        ({"hours": {"monday": ["9-5"]}}, "invalid-field", "/hours/monday"),
        ({"hours": {"someday": []}}, "invalid-field", "/hours"),
        ({"country": "XX"}, "invalid-field", "/country"),
        ({"subdivision": "XX"}, "invalid-field", "/subdivision"),
        ({"dates": [{"date": "2026-13-01"}]}, "invalid-field", "/dates/0/date"),
        ({"outside": "nowhere"}, "invalid-field", "/outside"),
        ({"outside": "CALLMENU:GHOST"}, "unknown-reference", "/outside"),
        ({"user_group": "GHOST"}, "unknown-reference", "/user_group"),
        ({"closed": True}, "invalid-request", "/closed"),
    ],
)
def test_what_is_wrong_is_pointed_at(api, values, problem, pointer):
    """By its place in the body; nothing is stored."""
    refused = put(api, **values)

    assert ((422, problem), pointer) == (refused.problem, refused.body["pointer"])
    assert 404 == api.get("/schedules/office").status


def test_names_have_letters_and_digits(api):
    """They stand in addresses, and in lists of DIDs."""
    refused = put(api, "a%20b")

    assert ((422, "invalid-field"), "name") == (refused.problem, refused.body["pointer"])


def test_dids_have_schedules_that_are_there(api):
    """One that is in use is not deleted, and who uses it is named; copies have it."""
    ghost = api.patch(did(SOURCE), {"schedule": "office"})
    put(api)
    changed = api.patch(did(SOURCE), {"schedule": "office"})
    api.post("/copies", {"source": SOURCE, "targets": ["18005550100"]})
    used = api.ask("DELETE", "/schedules/office")

    assert ((422, "unknown-reference"), "/schedule") == (ghost.problem, ghost.body["pointer"])
    assert (200, "office") == (changed.status, changed.body["schedule"])
    assert "office" == api.get(did("18005550100")).body["schedule"]
    assert (409, "destination-in-use") == used.problem
    assert [f"DID {SOURCE}", "DID 18005550100"] == used.body["places"]


@pytest.mark.parametrize(
    ("at", "route", "outcome"),
    [
        ("2026-03-02T10:00:00-05:00", "EXTEN", "office is open: by the hours of the week"),
        ("2026-03-02T12:30:00-05:00", "SCH_EXTEN",
         "office is closed: by the hours of the week; it opens 2026-03-02 13:00 America/New_York"),
        ("1970-01-01T00:00:00Z", "SCH_EXTEN",
         "office is closed: by the hours of the week; it opens 1970-01-02 22:00 America/New_York"),
        ("2100-12-31T23:59:59Z", "SCH_EXTEN",
         "office is closed: New Year's Day (observed); it opens 2101-01-03 09:00 America/New_York"),
        ("2026-05-25T10:00:00-04:00", "SCH_EXTEN",
         "office is closed: Memorial Day; it opens 2026-05-29 22:00 America/New_York"),
    ],
)  # fmt: skip
def test_an_explanation_is_of_a_moment(api, at, route, outcome):
    """What the schedule says then, and where the call would go."""
    put(api)
    api.patch(did(SOURCE), {"schedule": "office"})
    found = api.get(f"{did(SOURCE)}/route?at={at.replace('+', '%2B')}")

    assert (200, route) == (found.status, found.body["route"])
    assert outcome in [step["outcome"] for step in found.body["steps"] if step["rule"] == "schedule"]
