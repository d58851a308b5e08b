"""Where a call would go, over the JSON API."""

import pytest

from web.api.conftest import SOURCE, Api, did

ROUTE = f"{did(SOURCE)}/route"


def test_every_step_and_what_asterisk_would_be_told(api):
    """The row that decides, its target, and the caller as they are read."""
    found = api.get(f"{ROUTE}?caller=%2B1+727+555+1212&name=Jane&server_ip=192.0.2.99").body

    assert {
        "dialled": SOURCE,
        "caller": "17275551212",
        "name": "Jane",
        "server_ip": "192.0.2.99",
        "did": SOURCE,
        "route": "EXTEN",
        "leads_to": "extension 8300 in the context trunkinbound",
        "target": {"context": "trunkinbound", "extension": "8300"},
        "nowhere": None,
        "steps": [
            {"rule": "did", "outcome": f"the DID {SOURCE}"},
            {"rule": "route", "outcome": "EXTEN: 8300 in trunkinbound"},
        ],
        "commands": ["SET CONTEXT trunkinbound", "SET EXTENSION 8300", "SET PRIORITY 1"],
        "gateways": None,
    } == found


def test_what_is_no_did(api):
    """It leads nowhere; the caller may be withheld."""
    found = api.get("/dids/5550199/route").body

    assert (None, None, []) == (found["did"], found["target"], found["commands"])
    assert "5550199 is no active DID, and there is no default" == found["nowhere"]


def test_nothing_is_written(api):
    """No log of calls has a row of it."""
    tables = ("vicidial_did_log", "call_log")
    api.get(f"{ROUTE}?caller=7275551212")

    assert [[(0,)]] * 2 == [api.server.sql(f"SELECT count(*) FROM {table}") for table in tables]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        (f"caller={'1' * 81}", "caller"),
        (f"name={'n' * 81}", "name"),
        (f"server_ip={'1' * 51}", "server_ip"),
        ("at=yesterday", "at"),
        ("at=1969-12-31T12:00:00Z", "at"),
        ("at=9999-12-31T12:00:00Z", "at"),
    ],
)
def test_what_cannot_be_meant_is_refused(api, query, pointer):
    """By the name of the parameter."""
    refused = api.get(f"{ROUTE}?{query}")

    assert (422, "invalid-request") == refused.problem
    assert pointer in refused.text


def test_a_token_asks_within_its_prefix(api):
    """With the scope that reading DIDs takes; others are not there."""
    token = {"name": "narrow", "scopes": ["dids:read"], "pattern_prefix": "1900"}
    made = api.post("/tokens", token).body["token"]

    assert (404, "did-not-found") == Api(api.server, token=made).get(ROUTE).problem
