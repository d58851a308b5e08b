"""`didier schedule`, and what `didier route` says of schedules."""

import json

import pytest

from support.commands import run

OFFICE = {
    "time_zone": "UTC", "hours": {"monday": ["09:00-17:00"]}, "outside": "EXTEN:8600@default",
    "dates": [{"date": "12-24", "name": "Christmas Eve"}],
}  # fmt: skip


@pytest.fixture
def here(demo_url):
    """Commands on an embedded database."""

    def command(*arguments):
        return run(*arguments, "--database", demo_url)

    return command


@pytest.fixture
def office(tmp_path):
    """A file with a schedule."""
    file = tmp_path / "office.json"
    file.write_text(json.dumps(OFFICE))
    return str(file)


def test_a_whole_life(here, office, tmp_path):
    """What is shown as JSON can be stored again."""
    stored = here("schedule", "set", "office", office)
    shown = here("schedule", "show", "office")
    in_json = here("schedule", "show", "office", "--json")
    again = tmp_path / "again.json"
    again.write_text(in_json.out)
    here("schedule", "set", "copy", str(again))
    listed = here("schedule", "list", "--json").json
    deleted = here("schedule", "delete", "copy", "--yes")
    gone = here("schedule", "show", "copy")

    assert stored.lines[0].startswith("The schedule office was stored; it is ")
    assert any(line.split() == ["monday", "09:00-17:00"] for line in shown.lines), shown.lines
    assert any("Christmas Eve" in line for line in shown.lines)
    assert ["copy", "office"] == [one["name"] for one in listed]
    assert listed[0]["hours"] == listed[1]["hours"] == in_json.json["hours"]
    assert ["The schedule copy was deleted."] == deleted.lines
    assert (1, "didier: there is no schedule copy\n") == (gone.status, gone.err)


@pytest.mark.parametrize(
    ("text", "status", "words"),
    [
        ("{", 2, "no JSON"),
        ("[]", 2, "is an object"),
        (json.dumps({**OFFICE, "time_zone": "Mars/Base"}), 1, "time_zone 'Mars/Base' is not allowed"),
        (json.dumps({**OFFICE, "closed": True}), 1, "closed"),
    ],
)
def test_files_that_are_none(here, tmp_path, text, status, words):
    """The field is named, and nothing is stored."""
    file = tmp_path / "bad.json"
    file.write_text(text)
    refused = here("schedule", "set", "office", str(file))

    assert status == refused.status
    assert words in " ".join(refused.err.split())


def test_a_call_at_a_moment(here, office):
    """The schedule decides by the moment that is asked about, also in another zone."""
    here("schedule", "set", "office", office)
    here("add", "18005550100", "--set", "did_route=EXTEN", "--set", "extension=8300",
         "--set", "schedule=office")  # fmt: skip
    found = [
        here("route", "18005550100", "--at", at, "--json").json["target"]["extension"]
        for at in ("2026-03-02T10:00:00+0000", "2026-03-02T10:00:00+0200", "2026-12-24T10:00:00+0000")
    ]
    bad = here("route", "18005550100", "--at", "noon")

    assert ["8300", "8600", "8600"] == found
    assert 2 == bad.status
