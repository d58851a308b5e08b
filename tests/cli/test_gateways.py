"""`didier gateway`, and what `didier route` says of gateway sets."""

import json

import pytest

from support.commands import run

LONDON = {
    "gateways": [{"address": "10.0.0.5", "priority": 1, "description": "London 1"}, {"address": "pbx:5070"}],
    "rules": [{"prefix": "1800", "route": "EXTEN"}, {"default": True}],
}


@pytest.fixture
def here(demo_url):
    """Commands on an embedded database."""

    def command(*arguments):
        return run(*arguments, "--database", demo_url)

    return command


@pytest.fixture
def london(tmp_path):
    """A file with a gateway set."""
    file = tmp_path / "london.json"
    file.write_text(json.dumps(LONDON))
    return str(file)


def test_a_whole_life(here, london, tmp_path):
    """What is shown as JSON can be stored again."""
    stored = here("gateway", "set", "london", london)
    shown = here("gateway", "show", "london")
    in_json = here("gateway", "show", "london", "--json")
    again = tmp_path / "again.json"
    again.write_text(in_json.out)
    same = here("gateway", "set", "LONDON", str(again))
    listed = here("gateway", "list", "--json").json
    deleted = here("gateway", "delete", "london", "--yes")
    gone = here("gateway", "show", "london")

    assert ["The gateway set london was stored; its number is 1."] == stored.lines == same.lines
    lines = [line.split(maxsplit=1) for line in shown.lines]
    assert ["gateway", "sip:10.0.0.5:5060, priority 1, weight 1 (London 1)"] in lines
    assert ["rule", "number begins with 1800 and route EXTEN"] in lines
    assert ["rule", "default"] in lines
    assert [in_json.json] == listed
    assert ["The gateway set london was deleted."] == deleted.lines
    assert (1, "didier: there is no gateway set london\n") == (gone.status, gone.err)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("{", 2, "no JSON"),
        ("[]", 2, "is an object"),
        (json.dumps({**LONDON, "gateways": [{"address": "pbx;lr"}]}), 1, "address 'pbx;lr' is not allowed"),
        (json.dumps({**LONDON, "open": True}), 1, "open"),
    ],
)
def test_files_that_are_none(here, tmp_path, text, status, words):
    """The field is named, and nothing is stored."""
    file = tmp_path / "bad.json"
    file.write_text(text)
    refused = here("gateway", "set", "london", str(file))

    assert status == refused.status
    assert words in " ".join(refused.err.split())
    assert 1 == here("gateway", "show", "london").status


def test_a_call_by_an_edge(here, london):
    """The set that takes it, with the reason; nothing where there is none."""
    before = here("route", "18001234567")
    here("gateway", "set", "london", london)
    here("update", "18001234567", "--set", "gateway_set=london")
    found = here("route", "18001234567")

    sent = "A SIP edge sends its calls to set 1 (london): sip:10.0.0.5:5060, sip:pbx:5070 (the DID names it)."
    assert "SIP edge" not in before.out
    assert sent in " ".join(found.out.split())


def test_changes_are_listed_by_name(here, london):
    """A set has no number of a DID, and is listed all the same."""
    here("gateway", "set", "london", london)
    shown = here("changes", "--types", "gateway_set.*")

    assert [True, True] == [word in shown.out for word in ("london", "gateway_set.stored")]
