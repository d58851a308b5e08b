"""Edges over the JSON API: reported, listed, forgotten."""

import pytest

REPORT = {"sequence": 0, "numbers": 3, "kamailio": "connected", "detail": "all well"}


def report(api, name="london-1", **values):
    return api.ask("PUT", f"/edges/{name}", REPORT | values)


def test_a_whole_life(api):
    """What an edge has said is listed, page by page; what is forgotten is there no more."""
    told = [report(api, name) for name in ("london-1", "Paris.example.com", "Oslo_2")]
    first = api.get("/edges?limit=2").body
    second = api.get(f"/edges?limit=2&cursor={first['next']}").body
    deleted = [
        api.ask("DELETE", f"/edges/{name}").status for name in ("LONDON-1", "paris.EXAMPLE.com", "oslo_2")
    ]

    assert [200] * 3 == [one.status for one in told], told[0].text
    assert {
        **REPORT,
        "name": "london-1",
        "user": "admin",
        "is_connected": True,
        "version": "",
        "pending_calls": 0,
    } == {name: value for name, value in told[0].body.items() if name not in {"address", "seen_at", "behind"}}
    assert [["london-1", "Oslo_2"], ["Paris.example.com"]] == [
        [one["name"] for one in page["items"]] for page in (first, second)
    ]
    assert [204] * 3 == deleted
    assert [] == api.get("/edges").body["items"]
    assert (404, "edge-not-found") == api.ask("DELETE", "/edges/paris").problem


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"sequence": -1}, "invalid-request"),
        ({"sequence": 2**63}, "invalid-request"),
        ({"numbers": "3"}, "invalid-request"),
        ({"pending_calls": 2**31}, "invalid-request"),
        ({"kamailio": "asleep"}, "invalid-request"),
        ({"detail": "x" * 201}, "invalid-request"),
        ({"detail": "\x00"}, "invalid-field"),
        ({"password": "x"}, "invalid-request"),
    ],
)
def test_what_is_wrong_is_refused(api, values, problem):
    """By its place, and nothing is stored."""
    refused = report(api, **values)

    assert (422, problem) == refused.problem
    assert [] == api.get("/edges").body["items"]
