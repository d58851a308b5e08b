"""`didier drift` and `lineage`, and what `update` does about differences."""

import csv


def test_copies_that_differ_are_listed_set_back_and_kept(place):
    """Field by field; by `update` the source is applied again, or what differs becomes an exception."""
    source, first, second = place.number(), place.number(), place.number()
    place("add", source, "--set", "description=As it was", "--set", "extension=8300")
    place("copy", source, first, second)
    place("update", first, "--set", "description=Another")
    place("update", second, "--set", "extension=8399")
    shown, in_json, in_csv = place("drift", source), place("drift", source, "--json"), place("drift", "--csv")
    applied = place("update", first, "--drift", "apply")
    kept = place("update", "--where", f"copied_from={source}", "--drift", "keep", "--yes")
    left = place("drift", source, "--json")

    assert any(first in line and "As it was" in line and "Another" in line for line in shown.lines)
    assert [
        {"did": first, "description": "Another", "source": source, "field": "did_description",
         "source_value": "As it was", "value": "Another"},
        {"did": second, "description": "As it was", "source": source, "field": "extension",
         "source_value": "8300", "value": "8399"},
    ] == sorted(in_json.json, key=lambda line: line["field"])  # fmt: skip
    assert {"did", "source", "field", "source_value", "value"} < set(next(csv.DictReader(in_csv.lines)))
    assert (0, 3) == (applied.status, kept.status)  # the other copy does not differ any more
    assert [] == left.json


def test_the_lineage_is_a_tree(place):
    """The first source on top, copies of a copy below it."""
    source, first, second = place.number(), place.number(), place.number()
    place("add", source)
    place("copy", source, first)
    place("copy", first, second)
    shown, in_json = place("lineage", first), place("lineage", second, "--json")

    assert [source, f"  {first}: 1 copy", f"    {second}"] == shown.lines
    assert [first, source] == [one["did"] for one in in_json.json["sources"]]
    assert 0 == in_json.json["copies"]


def test_nothing_differs(place):
    """That is said, and is no error."""
    number = place.number()
    place("add", number)
    found = place("drift", number)

    assert (0, "There are none.") == (found.status, found.err.strip())
