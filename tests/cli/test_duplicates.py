"""`didier duplicates`."""

import csv


def test_duplicates_are_listed(place):
    """As a table of groups, and with all fields; CSV has a line for each DID."""
    number = place.number()
    for pattern, extension in ((number, "8300"), (f"1{number}", "8301")):
        place("add", pattern, "--set", "did_route=EXTEN", "--set", f"extension={extension}")
    asked = ("duplicates", "spelling", "--prefix", number)
    table, in_json, in_csv = place(*asked), place(*asked, "--json"), place(*asked, "--csv")
    alike = place("duplicates", "configuration", "--prefix", number, "--fields", "3")

    assert [0] * 4 == [done.status for done in (table, in_json, in_csv, alike)]
    assert any(f"{number}, 1{number}" in line for line in table.lines)
    assert [(f"+1{number}", 2)] == [(one["name"], one["count"]) for one in in_json.json]
    assert [number, f"1{number}"] == [row["did_pattern"] for row in csv.DictReader(in_csv.lines)]
    assert any("extension: 830" in line for line in alike.lines)


def test_what_there_is_not_is_refused(place):
    """With what there is."""
    refused = place("duplicates", "odd")

    assert 2 == refused.status
    assert "spelling, configuration, destination" in refused.err
    assert 2 == place("duplicates", "--sort", "odd").status
