"""Many DIDs by one command: the same on a server and on a local database, on SQLite and on MariaDB."""

import re

import pytest

from cli.conftest import SOURCE

MISSING = "18009999999"


@pytest.fixture
def block(place):
    """Consecutive numbers that no other test uses, as DIDs with the description "Block" and the first."""
    numbers = place.block(6)
    done = place("add", f"{numbers[0]}-{numbers[-1]}", "--set", f"description=Block {numbers[0]}")
    assert 0 == done.status, done.err
    return numbers


def where(block):
    """Return the options that choose a block."""
    return "--where", f"search=Block {block[0]}"


def newest(place, **wanted):
    """Return the newest batch, which must be as *wanted*."""
    batch = place("batches", "list", "--limit", "1", "--json").json[0]
    assert wanted == {name: batch[name] for name in wanted}
    return str(batch["id"])


def states(place, numbers):
    """Return whether DIDs are active, None where there is none."""
    return [row and row["did_active"] for row in map(place.row, numbers)]


# several DIDs --------------------------------------------------------------------------------------


def test_several_are_added(place):
    """As numbers, lists and ranges; what is not possible is named, with status 3."""
    first, second, third, fourth = place.block(4)

    done = place("add", f"{first}-{second}", f"{third},{fourth}", first, "5", "--set", "did_route=EXTEN")
    batch = newest(place, kind="add", mode="best_effort", state="done")

    assert 3 == done.status
    assert [
        *(f"DID {number} was created." for number in (first, second, third, fourth)),
        f"Batch {batch} is done: 4 of 6 DIDs created.",
    ] == done.lines
    assert [
        f"didier: {first} appears earlier in this order",
        "didier: '5' is not a valid DID: it must have 2 to 50 characters",
    ] == done.err.splitlines()
    assert "EXTEN" == place.row(fourth)["did_route"]


def test_a_number_in_another_spelling_is_told(place):
    """On standard error, of one DID, of several, and of those of a file; it is created all the same."""
    first, second, third = (f"707{place.number()[3:]}" for _ in range(3))
    place("add", f"+1{first}", f"+1{second}", f"+1{third}")
    one = place("add", first)
    several = place("add", second, place.number())
    imported = place("import", "-", typed=f"did_pattern\n{third}\n")

    told = "didier: {0}: the same number already exists as +1{0}"
    assert (0, told.format(third)) == (imported.status, imported.err.strip())
    assert (0, told.format(first)) == (one.status, one.err.strip())
    assert (0, told.format(second)) == (several.status, several.err.strip())


def test_several_are_updated_and_restored(place, block):
    """The undo says what was restored."""
    done = place("update", f"{block[0]}-{block[2]}", MISSING, "--set", "active=N", "--blank", "description")
    batch = newest(place, kind="update")
    changed = states(place, block[:4])
    undone = place("undo", batch, "--yes")

    assert (3, f"didier: there is no DID {MISSING}\n") == (done.status, done.err)
    assert f"Batch {batch} is done: 3 of 4 DIDs updated." == done.lines[-1]
    assert ["N", "N", "N", "Y"] == changed
    assert (0, [f"Batch {batch} was undone: 3 DIDs restored."]) == (undone.status, undone.lines)
    assert ["Y"] * 4 == states(place, block[:4])


def test_tags_are_added_and_removed(place, block):
    """Of one DID or several, whatever tags each has; the batch says which."""
    place("update", block[0], "--set", "tags=a,vip")
    shown = place("update", *block[:2], "--add-tag", "new", "--add-tag", "b", "--dry-run")
    done = place("update", *block[:2], "--add-tag", "new", "--add-tag", "b", "--remove-tag", "VIP")
    tags = [place("show", number, "--json").json["tags"] for number in block[:2]]
    batch = " ".join(place("batches", "show", newest(place, kind="update")).lines)
    one = place("update", block[0], "--remove-tag", "new")

    assert ("2 DIDs: 2 updated", 0) == (shown.lines[-2], done.status)
    assert ["a,b,new", "b,new"] == tags
    assert re.search("added tags +new, b ", batch)
    assert re.search("removed tags +VIP ", batch)
    assert (0, "a,b") == (one.status, place("show", block[0], "--json").json["tags"])


def test_several_are_deleted_as_one_batch(place, block):
    """What is locked is kept, and named with the reason; the undo brings the others back."""
    place("lock", block[1])

    done = place("delete", f"{block[0]}-{block[2]}", "--yes")
    batch = newest(place, kind="delete")
    gone = place.there(block[:3])
    undone = place("undo", batch, "--yes")

    assert (3, f"didier: DID {block[1]} is locked against deletion\n") == (done.status, done.err)
    assert f"Batch {batch} is done: 2 of 3 DIDs deleted." == done.lines[-1]
    assert [False, True, False] == gone
    assert [f"Batch {batch} was undone: 2 DIDs restored."] == undone.lines
    assert [True, True, True] == place.there(block[:3])


def test_when_none_is_possible_the_status_is_1(place):
    """The batch says so."""
    done = place("delete", MISSING, f"{MISSING}1", "--yes")

    assert (1, "0 of 2 DIDs deleted.") == (done.status, done.out[-21:].strip())
    assert 2 == len(done.err.splitlines())


def test_an_atomic_order_is_all_or_nothing(place, block):
    """One line, status 1."""
    refused = place("update", block[0], MISSING, "--set", "active=N", "--atomic").refusal

    assert (1, True) == (refused[0], MISSING in refused[1])
    assert "Y" == place.row(block[0])["did_active"]


def test_an_order_for_a_pipe(place, block):
    """JSON has the batch, and what became of each DID."""
    done = place("update", block[0], "--set", "active=N", "--json").json

    assert ("update", 1) == (done["kind"], done["totals"]["updated"])
    assert [(block[0], "updated")] == [(item["target"], item["outcome"]) for item in done["items"]]


@pytest.mark.parametrize("given", ["file", "standard input"])
def test_rows_of_a_table_have_values_of_their_own(place, block, tmp_path, given):
    """An empty cell leaves the field as it is."""
    text = f"target,description,extension\n{block[0]},First line,8301\n{block[1]},,8302\n"
    (tmp_path / "numbers.csv").write_text(text)

    if given == "file":
        done = place("update", "--csv", str(tmp_path / "numbers.csv"))
    else:
        done = place("update", "--csv", "-", typed=text)

    assert (0, 3) == (done.status, len(done.lines)), done.err
    assert [("First line", "8301"), (f"Block {block[0]}", "8302")] == [
        (row["did_description"], row["extension"]) for row in map(place.row, block[:2])
    ]


def test_a_table_is_added_and_deleted(place):
    """Where nobody can be asked, --yes has to be given to delete."""
    first, second = place.block(2)
    text = f"target,description\n{first},First line\n{second},Second line\n"

    added = place("add", "--csv", "-", typed=text)
    description = place.row(second)["did_description"]
    refused = place("delete", "--csv", "-", typed=text).refusal
    deleted = place("delete", "--csv", "-", "--yes", typed=text)

    assert (0, "Second line", 0) == (added.status, description, deleted.status)
    assert (2, "Delete the DIDs of standard input? There is no terminal to ask on: add --yes") == refused
    assert [False, False] == place.there([first, second])


# previews ------------------------------------------------------------------------------------------


def test_a_preview_writes_nothing(place, block):
    """It names what would become of each DID and why; status 1 if the order would be refused."""
    place("lock", block[1])

    shown = place("delete", f"{block[0]}-{block[1]}", "--dry-run")
    refused = place("delete", f"{block[0]}-{block[1]}", "--dry-run", "--atomic")
    piped = place("update", block[0], MISSING, "--set", "active=N", "--dry-run", "--json").json

    assert "2 DIDs: 1 deleted, 1 refused\nNothing was written.\n" in shown.out
    assert f"DID {block[1]} is locked against deletion" in shown.out
    assert (0, 1) == (shown.status, refused.status)
    assert refused.out.endswith("Nothing was written. The order would be refused.\n")
    assert [(block[0], "updated"), (MISSING, "missing")] == [
        (item["target"], item["outcome"]) for item in piped["items"]
    ]
    assert ["Y", "Y"] == states(place, block[:2])


# conditions ----------------------------------------------------------------------------------------


def test_those_are_changed_that_meet_conditions(place, block):
    """All of them; the batch says which they were."""
    place("update", block[0], "--set", "active=N")

    done = place("update", *where(block), "--where", "active=Y", "--set", "extension=8777", "--yes")
    shown = place("batches", "show", newest(place, kind="update"))

    assert (0, "5 of 5 DIDs updated.") == (done.status, done.lines[-1].partition(": ")[2]), done.err
    assert ["8777"] * 5 == [place.row(number)["extension"] for number in block[1:]]
    assert "8777" != place.row(block[0])["extension"]
    assert re.search(rf"^  where search +Block {block[0]}$", shown.out, re.M)


@pytest.mark.parametrize("command", [("delete",), ("update", "--set", "active=N")])
def test_conditions_have_to_be_confirmed(place, block, command):
    """The question has the number of DIDs; where nobody can be asked, nothing is done."""
    place("lock", block[0])
    count = "5 of 6" if command == ("delete",) else "6"

    refused = place(*command, *where(block)).refusal

    question = f"{command[0].capitalize()} {count} DIDs?"
    assert (2, f"{question} There is no terminal to ask on: add --yes") == refused
    assert ["Y"] * 6 == states(place, block)


def test_conditions_that_none_meets_are_refused(place):
    """One line, status 1."""
    status, line = place("delete", "--where", "search=nothing has this", "--yes").refusal

    assert (1, True) == (status, "no DID meets these conditions" in line)


@pytest.mark.parametrize(
    "arguments",
    [
        ["delete"],
        ["delete", SOURCE, "--csv", "-"],
        ["delete", SOURCE, "--where", "search=1800"],
        ["delete", "--where", "colour=red"],
        ["delete", "--where", "search="],
        ["delete", "--where", "search"],
        ["update", "--where", "active=Y", "--where", "active=N", "--set", "active=Y"],
        ["update", "--where", "active=Y"],
        ["add"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_explained(place, arguments):
    """With the usage of the command, and status 2; nothing is done."""
    done = place(*arguments)

    assert (2, "") == (done.status, done.out)
    assert "Usage: " in done.err
    assert place.row(SOURCE) is not None


# large ones ----------------------------------------------------------------------------------------


def test_large_orders_are_watched_and_undone(place):
    """Their outcome is said in one line, and what was not done with the reason; so is the undo's."""
    numbers = place.block(1_100)
    block = f"{numbers[0]}-{numbers[-1]}"
    added = place("add", block)
    place("lock", numbers[7])

    dry = place("delete", block, MISSING, "--dry-run")
    updated = place("update", block, MISSING, "--set", "active=N")
    deleted = place("delete", block, "--yes")
    batch = newest(place, kind="delete")
    shown = place("batches", "show", batch)
    undone = place("undo", batch, "--yes")
    after = place("batches", "show", batch)

    assert (0, "1,100 of 1,100 DIDs created.") == (added.status, added.lines[-1].partition(": ")[2])
    assert "1,101 DIDs: 1,099 deleted, 1 missing, 1 refused" in dry.lines
    assert (3, f"didier: there is no DID {MISSING}\n") == (updated.status, updated.err)
    assert "1,100 of 1,101 DIDs updated." == updated.lines[-1].partition(": ")[2]
    assert (3, f"didier: DID {numbers[7]} is locked against deletion\n") == (deleted.status, deleted.err)
    assert [f"Batch {batch} is done: 1,099 of 1,100 DIDs deleted."] == deleted.lines
    assert shown.out.startswith(f"Batch {batch} is done: 1,099 of 1,100 DIDs deleted\n")
    assert (0, [f"Batch {batch} was undone: 1,099 DIDs restored."]) == (undone.status, undone.lines)
    assert "1,099 of 1,100 DIDs deleted, 1,099 restored\n" in after.out
    assert ["N", "N"] == states(place, [numbers[0], numbers[-1]])


def test_a_large_atomic_order_that_is_not_possible(place):
    """It fails, and says why."""
    numbers = place.block(1_100)

    done = place("add", f"{numbers[0]}-{numbers[-1]}", SOURCE, "--atomic")

    status, line = done.refusal
    assert (1, True) == (status, re.match(rf"batch \d+ failed: .*{SOURCE}", line) is not None), line
    assert place.row(numbers[0]) is None


def test_a_large_import_is_watched(place, tmp_path):
    """It says what became of the rows; what is created and updated is told apart, also by the undo."""
    numbers = place.block(1_100)
    file = tmp_path / "dids.csv"
    file.write_text("\n".join(["did_pattern,did_description", *(f"{n},Line {n}" for n in numbers), ""]))
    place("add", f"{numbers[0]}-{numbers[99]}")

    dry = place("import", str(file), "--dry-run", "--limit", "1")
    refused = place("import", str(file)).refusal
    done = place("import", str(file), "--existing", "update", "--yes")
    batch = newest(place, kind="import", state="done")
    watched = place("batches", "watch", batch)
    undone = place("undo", batch, "--yes")
    skipped = place("import", str(file), "--existing", "skip", "--json")

    assert (1, "Nothing was written: 1,000 added, 100 exists. The import would be refused.") == (
        dry.status, dry.lines[-1],
    )  # fmt: skip
    assert (1, True) == (refused[0], " and 99 more" in refused[1])
    assert (0, [f"Batch {batch}: 1,000 added, 100 updated."]) == (done.status, done.lines), done.err
    assert [f"Batch {batch} is done: 1,100 of 1,100 rows imported (1,000 created, 100 updated)."] == (
        watched.lines
    )
    assert [f"Batch {batch} was undone: 1,000 DIDs deleted, 100 DIDs restored."] == undone.lines
    assert (0, 1_100) == (skipped.status, len(skipped.json))
    assert ["exists", "added"] == [skipped.json[place]["outcome"] for place in (0, -1)]


def test_a_batch_that_has_ended_is_not_cancelled(place, block):
    """One line, status 1; before that one is asked."""
    batch = newest(place, kind="add")

    asked = place("batches", "cancel", batch).refusal
    status, line = place("batches", "cancel", batch, "--yes").refusal

    assert (2, f"Cancel batch {batch}? There is no terminal to ask on: add --yes") == asked
    assert (1, True) == (status, line.startswith(f"batch {batch} is done")), line
