"""`didier check`."""

import csv

WHY = "no voicemail box is set"
BOXLESS = ("--set", "did_route=VOICEMAIL", "--allow-nowhere")


def test_what_is_wrong_is_listed(place):
    """By kind and with the reason, and status 1 as long as there is something."""
    number = place.number()
    good = place("check", "--json")
    place("add", number, *BOXLESS, "--set", "exten_context=odd", "--set", "description=Odd line")
    bad, in_json, in_csv = place("check"), place("check", "--json"), place("check", "--csv")
    of_kind, other = place("check", "--kind", "context"), place("check", "--kind", "loop")
    listed = place("list", "--check", "context", "--json")
    place("update", "--where", "check=any", "--set", "active=N", "--yes")
    mended = place("check")

    context = "calls go to the context odd, which is not known"
    assert (0, []) == (good.status, good.json)
    assert [1] * 4 == [done.status for done in (bad, in_json, in_csv, of_kind)]
    assert any(number in line and WHY in line and "no_destination" in line for line in bad.lines)
    assert [
        {"did": number, "description": "Odd line", "kind": "no_destination", "reason": WHY},
        {"did": number, "description": "Odd line", "kind": "context", "reason": context},
    ] == in_json.json
    assert in_json.json == list(csv.DictReader(in_csv.lines))
    assert not any(WHY in line for line in of_kind.lines)
    assert any(context in line for line in of_kind.lines)
    assert (0, ["There are no such findings."]) == (other.status, other.lines)
    assert [number] == [one["did_pattern"] for one in listed.json]
    assert (0, ["Nothing is wrong with any active DID."]) == (mended.status, mended.lines)


def test_an_unknown_kind_is_refused(place):
    """With those that there are."""
    refused = place("check", "--kind", "odd")

    assert 1 == refused.status
    assert "'missing'" in refused.err


def test_an_export_of_those_with_a_finding(place, tmp_path):
    """As other conditions of lists."""
    number = place.number()
    place("add", number, *BOXLESS)
    place("export", str(tmp_path / "dids.csv"), "--check", "no_destination")
    place("delete", number, "--yes")

    assert [number] == [
        row["did_pattern"] for row in csv.DictReader(tmp_path.joinpath("dids.csv").read_text().splitlines())
    ]
