"""Files as people really have them, on the command line, in every home."""

import pytest

from cli.conftest import SOURCE, Place
from support.commands import Done
from support.field import FILES, NAMES, RIGHT

ORDERS = {
    "copy": ("copy", SOURCE, "--csv"),
    "add": ("add", "--csv"),
    "import": ("import", "--best-effort"),
}
WORDS = {"new", "similar", "added"}
"""What becomes of numbers that would be created."""


def test_every_file_has_its_expectation():
    """None is left out, and none is made up."""
    assert sorted(RIGHT) == NAMES


def dry_run(place: Place, order: str, name: str) -> Done:
    command = ORDERS[order]
    return place(*command, str(FILES / name), "--dry-run", "--json", "--limit", "0")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", NAMES)
def test_files_as_people_have_them(place, name, order):
    """What is a number is read, what is not is refused with its reason, row by row or as a whole."""
    done, right = dry_run(place, order, name), RIGHT[name]

    if right.whole:
        assert (1, True) == (done.status, right.whole in done.err), done
        return
    shown = done.json if order == "import" else done.json["items"]
    found = {item["target"]: item.get("status") or item["outcome"] for item in shown}
    reasons = {item["target"]: item.get("reason") or "" for item in shown}
    made = [target for target, status in found.items() if status in WORDS]
    expected = [] if order != "copy" and len(right.numbers) > 1_000 else list(right.numbers)
    assert expected == made
    assert set(right.refused) == {target for target in found if found[target] not in WORDS}
    assert [] == [
        (target, reasons[target]) for target, words in right.refused.items() if words not in reasons[target]
    ]


@pytest.mark.parametrize(
    ("name", "options", "numbers"),
    [
        ("freepbx-export-shape.csv", ["--column", "extension", "--ignore-columns"], ["18002220100"]),
        ("unknown-columns.csv", ["--ignore-columns"], ["+18002220100"]),
        ("two-number-columns.csv", ["--column", "Phone Number"], ["18002220100"]),
        ("two-number-columns.csv", ["--column", "2"], ["18002220100"]),
        (
            "delimiter-guess.csv",
            ["--map", "Description, with, commas, here=did_description"],
            ["18002220100"],
        ),
        ("dsiprouter-example-shape.csv", ["--map", "Name=description", "--ignore-columns"], None),
        (
            "dsiprouter-example-shape.csv",
            ["--map", "Name=did_description", "--map", "EndpointGroupID=ignore"],
            ["18002229001"],
        ),
        ("wildcards.csv", ["--allow-implausible", "--best-effort"], ["_1NXXNXXXXXX", "_X."]),
    ],
)
def test_columns_are_named_by_options(place, name, options, numbers):
    """--column, --map and --ignore-columns say what a file does not; --dry-run shows it."""
    done = place("copy", SOURCE, "--csv", str(FILES / name), "--dry-run", "--json", *options)

    if numbers is None:
        assert (1, True) == (done.status, "description is no field of a DID" in done.err)
    else:
        assert numbers == [one["target"] for one in done.json["items"] if one["status"] in WORDS]
