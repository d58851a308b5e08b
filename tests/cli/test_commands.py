"""Each command does the same on a server and on a local database, on SQLite and on MariaDB."""

import csv
import io
import json
import re
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from cli.conftest import SOURCE
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Author, Change

MISSING = "18009999999"


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def table(header, *lines):
    return "\n".join([header, *lines, ""])


def batch_of(place, **wanted):
    """Return the newest batch, which must be as *wanted*."""
    newest = place("batches", "list", "--limit", "1", "--json").json[0]
    assert wanted == {name: newest[name] for name in wanted}
    return str(newest["id"])


# single DIDs ---------------------------------------------------------------------------------------


def test_a_did_is_added_changed_and_deleted(place):
    """Each command says what it did, and the database has it."""
    number = place.number()

    added = place("add", number, "--set", "description=Front desk", "--set", "did_route=EXTEN")
    first = place.row(number)
    changed = place("update", number, "--set", "active=N", "--blank", "description")
    second = place.row(number)
    deleted = place("delete", number, "--yes")

    assert [f"DID {number} was created."] == added.lines
    assert ("Front desk", "Y") == (first["did_description"], first["did_active"])
    assert [f"DID {number} was updated: did_active, did_description."] == changed.lines
    assert ("", "N") == (second["did_description"], second["did_active"])
    assert ([f"DID {number} was deleted."], None) == (deleted.lines, place.row(number))
    assert (0, 0, 0) == (added.status, changed.status, deleted.status)


def test_show_says_where_calls_lead_and_what_happened(place):
    """All fields in their groups, the sentence, the source and the history."""
    number = place.number()
    place("copy", SOURCE, number)
    place("update", number, "--set", "extension=8301")

    shown = place("show", number)

    assert f"DID {number} (id " in shown.out
    assert "Calls go to extension 8301 in the context trunkinbound." in shown.out
    assert f"It was copied from {SOURCE}." in shown.out
    assert ["Identity", "Route", "Destination", "Redirects"] == [
        line for line in shown.lines if re.fullmatch("[A-Z][a-z]+", line)
    ][:4]
    assert re.search(r"^  extension +8301$", shown.out, re.M)
    assert re.search(r"updated by \S+ \(batch \d+\); extension '8300' -> '8301'$", shown.out, re.M)
    assert re.search(rf"copied from {SOURCE} by \S+ \(batch \d+\)$", shown.out, re.M)


def test_show_says_what_was_done_beside_didier(place):
    """Of the row before it has what is known: what else there was does not count as changed."""
    number = place.number()
    place("add", number, "--set", "did_route=EXTEN")
    row = place.row(number)
    after = {name: value for name, value in row.items() if name != "modify_stamp"}
    before = {"did_id": row["did_id"], "did_pattern": number, "user_group": "OLD"}
    nobody = Author("", None, "", "outside")
    change = Change(nobody, "updated", "outside", row["did_id"], number, 0, before=before, after=after)
    with place.engine.begin() as conn:
        change_log.record(conn, [change], datetime.now() + timedelta(minutes=1))

    shown = place("show", number)

    assert re.search(r"updated outside Didier; user_group 'OLD' -> '---ALL---'$", shown.out, re.M)


def test_show_for_a_pipe(place):
    """JSON has all columns, the sentence and the history."""
    shown = place("show", SOURCE, "--json").json

    assert (SOURCE, "8300") == (shown["did_pattern"], shown["extension"])
    assert shown["leads_to"].startswith("Calls go to extension 8300")
    assert isinstance(shown["history"], list)


def test_a_locked_did_is_not_deleted(place):
    """Not even by force; unlocked it is."""
    number = place.number()
    place("add", number)

    locked = place("lock", number)
    kept = place("delete", number, "--force", "--yes")
    unlocked = place("unlock", number)
    gone = place("delete", number, "--yes")

    assert [f"DID {number} is locked against deletion."] == locked.lines
    assert (1, f"DID {number} is locked against deletion") == kept.refusal
    assert [f"DID {number} can be deleted."] == unlocked.lines
    assert (0, None) == (gone.status, place.row(number))


def test_of_several_dids_those_are_deleted_that_can_be(place):
    """The others are named, with status 3; those that were are one batch."""
    number = place.number()
    place("add", number)

    done = place("delete", MISSING, number, "--yes")
    batch = batch_of(place, kind="delete", mode="best_effort", state="done")

    assert 3 == done.status
    assert [f"DID {number} was deleted.", f"Batch {batch} is done: 1 of 2 DIDs deleted."] == done.lines
    assert f"didier: there is no DID {MISSING}\n" == done.err


# lists ---------------------------------------------------------------------------------------------


def test_list_finds_dids(place):
    """By a part of the number, whether they are active, and what they were copied from."""
    first, second, third = place.block(3)
    place("copy", SOURCE, first)
    place("copy", first, second, "--inactive")
    place("copy", first, third)

    found = place("list", "--copied-from", first, "--json").json
    inactive = place("list", "--copied-from", first, "--inactive", "--csv")
    searched = place("list", first)

    assert [second, third] == [did["did_pattern"] for did in found]
    assert [second] == [row["did_pattern"] for row in rows(inactive.out)]
    assert first in searched.out
    assert second not in searched.out.replace(first, "")


def test_a_table_is_cut_and_says_so(place):
    """JSON and CSV are not, unless that is asked for."""
    place("copy", SOURCE, *place.block(3))

    shown = place("list", "--limit", "2")
    whole = place("list", "--sort", "-did_id", "--json").json

    assert "The first 2 are shown; --limit 0 shows all.\n" == shown.err
    assert 2 == len(place("list", "--limit", "2", "--json").json)
    assert len(whole) == len(rows(place("list", "--csv").out)) > 3
    assert whole == sorted(whole, key=lambda did: -did["did_id"])


def test_an_empty_list_is_json_and_csv_too(place):
    """A pipe gets an empty array, and no row."""
    assert [] == place("list", "--copied-from", MISSING, "--json").json
    assert [] == rows(place("list", "--copied-from", MISSING, "--csv").out)


# copies --------------------------------------------------------------------------------------------


def test_copy_says_what_became_of_each_target(place):
    """Best effort is the default: status 3 when some were made and some not, 1 when none was."""
    first, second = place.block(2)

    partly = place("copy", SOURCE, first, SOURCE, f"{second},{second}", "5")
    none = place("copy", SOURCE, first)

    assert [f"{SOURCE} -> {first} (DID ", f"{SOURCE} -> {second} (DID "] == [
        re.sub(r"\d+\)$", "", line) for line in partly.lines
    ]
    assert [
        f"didier: DID {SOURCE} already exists",
        f"didier: {second} appears earlier in this order",
        "didier: '5' is not a valid DID: it must have 2 to 50 characters",
        f"didier: {first} and 1 more: it has 10 digits, its source 11",
    ] == partly.err.splitlines()
    assert (3, 1) == (partly.status, none.status)


def test_an_atomic_copy_is_all_or_nothing(place):
    """With one target that exists none is made: one line, status 1."""
    number = place.number()

    refused = place("copy", SOURCE, number, SOURCE, "--atomic")

    assert 1 == refused.refusal[0]
    assert SOURCE in refused.refusal[1]
    assert place.row(number) is None


def test_copies_differ_as_they_are_told(place):
    """--inactive, --set, --blank and a template of the description."""
    number = place.number()

    done = place(
        "copy", SOURCE, number, "--inactive", "--set", "extension=8999", "--blank", "exten_context",
        "--description-template", "Sales {target}",
    )  # fmt: skip

    made = place.row(number)
    assert 0 == done.status, done.err
    assert ("N", "8999", "", f"Sales {number}") == (
        made["did_active"], made["extension"], made["exten_context"], made["did_description"]
    )  # fmt: skip


def test_a_preview_writes_nothing(place):
    """--dry-run names each target with its status, and the totals; status 1 if it would be refused."""
    first, *_, last = place.block(3)

    best_effort = place("copy", SOURCE, f"{first}-{last}", SOURCE, "--dry-run")
    atomic = place("copy", SOURCE, f"{first}-{last}", SOURCE, "--dry-run", "--atomic")
    found = place("copy", SOURCE, first, SOURCE, "--dry-run", "--json").json

    assert "4 targets: 3 new, 1 exists" in best_effort.out
    assert (0, 1) == (best_effort.status, atomic.status)
    assert [(first, "new"), (SOURCE, "exists")] == [(one["target"], one["status"]) for one in found["items"]]
    assert place.row(first) is None


@pytest.mark.parametrize("given", ["file", "standard input"])
def test_copy_from_a_csv_table(place, tmp_path, given):
    """Each row is a target with values of its own."""
    first, second = place.block(2)
    text = table("target,description,extension", f"{first},First line,8301", f"{second},,")
    (tmp_path / "numbers.csv").write_text(text)

    if given == "file":
        done = place("copy", SOURCE, "--csv", str(tmp_path / "numbers.csv"))
    else:
        done = place("copy", SOURCE, "--csv", "-", typed=text)

    assert (0, 2) == (done.status, len(done.lines))
    made = [
        (place.row(number)["did_description"], place.row(number)["extension"]) for number in (first, second)
    ]
    assert [("First line", "8301"), ("Tutorial sales line", "8300")] == made


def test_a_large_copy_is_watched_and_undone(place):
    """What is too large for one transaction is waited for; its items are listed; undo takes it back."""
    numbers = place.block(1_100)

    done = place("copy", SOURCE, f"{numbers[0]}-{numbers[-1]}", SOURCE)
    batch = batch_of(place, kind="copy", state="done", source=SOURCE)
    shown = place("batches", "show", batch)
    existing = place("batches", "show", batch, "--outcome", "exists", "--csv")
    watched = place("batches", "watch", batch)
    undone = place("undo", batch, "--yes")

    assert (3, [f"Batch {batch} is done: 1,100 of 1,101 targets created."]) == (done.status, done.lines)
    assert f"didier: DID {SOURCE} already exists\n" == done.err
    assert shown.out.startswith(f"Batch {batch} is done: 1,100 of 1,101 targets created")
    assert [SOURCE] == [row["target"] for row in rows(existing.out)]
    assert (3, done.lines) == (watched.status, watched.lines)
    assert (0, [f"Batch {batch} was undone: 1,100 DIDs deleted."]) == (undone.status, undone.lines)
    assert [False, False] == place.there([numbers[0], numbers[-1]])


def test_an_undo_keeps_what_was_changed(place):
    """It is named, with status 3; --force takes it too."""
    number = place.number()
    place("copy", SOURCE, number)
    batch = batch_of(place, kind="copy")
    place("update", number, "--set", "extension=8777")

    kept = place("undo", batch, "--yes")
    forced = place("undo", batch, "--yes", "--force")

    assert (3, f"didier: DID {number} was kept: it was changed or deleted since, or is locked\n") == (
        kept.status,
        kept.err,
    )
    assert (0, None) == (forced.status, place.row(number))


def test_a_change_is_undone_as_well(place):
    """A batch of one change puts back what was there."""
    number = place.number()
    place("add", number, "--set", "extension=8001")
    place("update", number, "--set", "extension=8002")

    done = place("undo", batch_of(place, kind="update"), "--yes")

    assert (0, "8001") == (done.status, place.row(number)["extension"])


# files ---------------------------------------------------------------------------------------------


def test_what_is_exported_can_be_imported(place, tmp_path):
    """The file is there whole, and makes the same DIDs again."""
    numbers = place.block(2)
    place("copy", SOURCE, numbers[0])
    place("copy", numbers[0], numbers[1], "--set", "did_description=+1 is no formula")
    file = tmp_path / "dids.csv"

    written = place("export", str(file), "--copied-from", numbers[0])
    place("delete", numbers[1], "--yes")
    dry = place("import", str(file), "--dry-run")
    before = place.row(numbers[1])
    done = place("import", str(file))

    told, since = written.err.splitlines()
    assert (0, f"1 DID written to {file}.") == (written.status, told)
    assert re.fullmatch(r"What has happened since: didier changes --after \d+", since)
    assert ["dids.csv"] == [path.name for path in tmp_path.iterdir() if path.suffix == ".csv"]
    assert ("Nothing was written: 1 added.", None) == (dry.lines[-1], before)
    assert re.fullmatch(r"Batch \d+: 1 added\.\n", done.out)
    assert "+1 is no formula" == place.row(numbers[1])["did_description"]


def test_an_export_to_standard_output(place):
    """A row for each DID, in either format, and nothing else."""
    as_csv = place("export", "--search", SOURCE)
    as_lines = place("export", "-", "--format", "ndjson", "--search", SOURCE)

    assert [SOURCE] == [row["did_pattern"] for row in rows(as_csv.out)]
    assert [SOURCE] == [json.loads(line)["did_pattern"] for line in as_lines.lines]


def test_an_import_that_updates_has_to_be_confirmed(place):
    """Where nobody can be asked, --yes has to be given."""
    number = place.number()
    place("add", number)
    text = table("did_pattern,extension", f"{number},8555")

    refused = place("import", "-", "--existing", "update", typed=text)
    done = place("import", "-", "--existing", "update", "--yes", typed=text)

    assert (2, "Update the DIDs that exist? There is no terminal to ask on: add --yes") == refused.refusal
    assert (0, "8555") == (done.status, place.row(number)["extension"])


# users, tokens and reports -------------------------------------------------------------------------


def test_users_are_made_changed_and_listed(place):
    """The password of one who was made without is shown once; rights are those that were asked for."""
    name = f"crm{place.number()[-3:]}"

    made = place("user", "add", name, "--api-access", "--functions", "copy_did")
    again = place("user", "add", name)
    changed = place("user", "set", name, "--inactive", "--password", typed="Marigold77\n")
    shown = place("user", "show", name, "--json").json
    listed = place("user", "list", "--csv")

    assert re.match(rf"User {name} was created\. Password \S{{20}} \(shown only once\)$", made.lines[0])
    assert "Modify DIDs was switched on, because a DID function is allowed." == made.lines[1]
    assert (1, f"user {name} already exists") == again.refusal
    assert [f"User {name} was updated."] == changed.lines
    assert (["copy_did"], "N", True) == (
        shown["api_allowed_functions"], shown["active"], shown["modify_inbound_dids"]
    )  # fmt: skip
    assert name in [row["user"] for row in rows(listed.out)]


@pytest.fixture
def owner(place):
    """The name of a new user with two valid tokens and one that was revoked."""
    name = f"own{place.number()[-3:]}"
    place("user", "add", name)
    for _ in range(3):
        made = place("token", "add", name, "--name", "x", "--scope", "dids:read")
    place("token", "revoke", re.search(r"Token (\d+)", made.out)[1])
    return name


def tokens_of(place, user):
    """Return how many tokens of a user are not revoked."""
    return sum(token["revoked_at"] is None for token in place("token", "list", user, "--json").json)


@pytest.mark.parametrize("option", [[], ["--keep-tokens"]])
def test_a_new_password_keeps_the_tokens_in_a_script(place, owner, option):
    """It is said how many stay valid."""
    done = place("user", "set", owner, "--password", *option, typed="Marigold77\n")

    assert [
        f"User {owner} was updated.",
        f"2 tokens of {owner} stay valid; --revoke-tokens revokes them with the next password.",
    ] == done.lines
    assert 2 == tokens_of(place, owner)


def test_a_new_password_revokes_the_tokens(place, owner):
    """Those of this user alone."""
    other = place("token", "add", "admin", "--name", "x", "--scope", "dids:read")
    done = place("user", "set", owner, "--password", "--revoke-tokens", typed="Marigold77\n")

    assert [f"User {owner} was updated.", f"2 tokens of {owner} were revoked."] == done.lines
    assert 0 == tokens_of(place, owner)
    assert 0 == other.status
    assert 0 < tokens_of(place, "admin")


@pytest.mark.parametrize("option", ["--revoke-tokens", "--keep-tokens"])
def test_what_becomes_of_tokens_goes_with_a_password(place, option):
    """Nothing is changed without one."""
    done = place("user", "set", "admin", "--full-name", "Nobody", option)

    assert (2, True) == (done.status, "go with --password" in done.err)
    assert "Nobody" != place("user", "show", "admin", "--json").json["full_name"]


def test_a_change_of_a_user_has_something_to_change(place):
    """A command without settings says that it needs one, and a new password is not empty."""
    nothing = place("user", "set", "admin")
    empty = place("user", "set", "admin", "--password", typed="\n")

    assert (2, True) == (nothing.status, "at least one setting" in nothing.err)
    assert (1, True) == (empty.status, "at least one character" in empty.err)


@pytest.fixture
def restored(place):
    """Give the administrator back what a test takes away: other tests work with it."""
    yield
    with place.engine.begin() as conn:
        conn.execute(
            sa.text("UPDATE vicidial_users SET view_reports = '1', active = 'Y' WHERE user = 'admin'")
        )


def test_who_takes_something_from_themselves_says_yes(place, restored):
    """In a script nobody can be asked; on the local database nobody is signed in who could lose it."""
    refused = place("user", "set", "admin", "--no-view-reports", "--level", "9")

    if place.is_server:
        assert (
            2,
            "You will lose: View Reports. You may be signed out at once. Change your own user?"
            " There is no terminal to ask on: add --yes",
        ) == refused.refusal
    else:
        assert 0 == refused.status
    assert 0 == place("user", "set", "admin", "--no-view-reports", "--yes").status


def test_who_writes_the_own_name_in_another_case_is_asked(place, restored):
    """Names are those of the server."""
    assert (2 if place.is_server else 0) == place("user", "set", "ADMIN", "--inactive").status


def test_who_takes_nothing_from_themselves_is_not_asked(place):
    """What stays as it is, is no loss."""
    assert 0 == place("user", "set", "admin", "--view-reports", "--level", "9", "--active").status


def test_changes_to_others_are_not_asked_about(place, owner):
    """Whatever they take away."""
    assert 0 == place("user", "set", owner, "--inactive", "--level", "1").status


def test_tokens_are_made_listed_and_revoked(place):
    """What a token says is shown when it is made, and never again."""
    made = place("token", "add", "admin", "--name", "CRM", "--scope", "dids:read", "--days", "30")
    number = re.match(r"Token (\d+) of admin", made.out)[1]
    secret = made.lines[1]

    listed = place("token", "list", "admin", "--json")
    revoked = place("token", "revoke", number)
    after = place("token", "list", "admin")

    [token] = [one for one in listed.json if str(one["token_id"]) == number]
    assert ("CRM", ["dids:read"], True) == (token["name"], token["scopes"], secret.startswith(token["hint"]))
    assert secret not in listed.out + after.out
    assert ([f"Token {number} was revoked."], True) == (revoked.lines, "revoked" in after.out)


def test_the_log_has_what_was_asked(place):
    """Each request, by its function and result."""
    place("show", MISSING)

    found = place("log", "--function", "did_info", "--result", "ERROR", "--limit", "1", "--json").json

    assert [("did_info", "ERROR", MISSING)] == [
        (line["function"], line["result"], line["data"]) for line in found
    ]
    assert "did_info" in place("log", "--limit", "5").out


def test_reports_of_calls(place):
    """DIDs without calls are in no report."""
    assert [] == place("usage", "--json").json
    assert [] == place("calls", SOURCE, "2026-03-04", "--json").json


# refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["show", MISSING], 1, ["there is no DID", MISSING]),
        (["add", SOURCE], 1, [SOURCE, "already exists"]),
        (["add", "5"], 1, ["did_pattern", "'5' is not a valid DID"]),
        (["update", SOURCE, "--set", "did_active=X"], 1, ["did_active", "'X'", "one of Y, N"]),
        (["update", SOURCE, "--set", "coffee=black"], 1, ["coffee"]),
        (["update", SOURCE, "--set", "group_id=NOWHERE"], 1, ["group_id", "NOWHERE", "in-group"]),
        (["copy", MISSING, "5550001"], 1, ["there is no DID", MISSING]),
        (["copy", SOURCE, "5550001", "--set", "did_route=BY_SEA"], 1, ["did_route", "BY_SEA"]),
        (["copy", SOURCE, "--csv", "/nowhere.csv"], 2, ["/nowhere.csv", "No such file"]),
        (["copy", SOURCE, "--csv", "-"], 1, ["no target is given"]),
        (["export", "/nowhere/dids.csv"], 2, ["/nowhere/dids.csv", "No such file"]),
        (["delete", SOURCE], 2, [SOURCE, "--yes"]),
        (["undo", "999999", "--yes"], 1, ["there is no batch 999999"]),
        (["undo", "1"], 2, ["--yes"]),
        (["batches", "show", "999999"], 1, ["there is no batch 999999"]),
        (["list", "--sort", "colour"], 1, ["sort"]),
        (["user", "show", "ghost"], 1, ["ghost"]),
        (["token", "revoke", "999999"], 1, ["there is no token 999999"]),
        (["log", "--result", "PERHAPS"], 1, ["result"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else str(value),
)
def test_a_refusal_is_one_line_that_names_the_field(place, arguments, status, words):
    """On standard error, with the status that the reference documents."""
    found, line = place(*arguments).refusal

    assert (status, []) == (found, [word for word in words if word not in line]), line


@pytest.mark.parametrize(
    "arguments",
    [
        ["copy", SOURCE],
        ["copy", SOURCE, "5550001", "--csv", "-"],
        ["update", SOURCE],
        ["update", SOURCE, "--set", "did_active"],
        ["update", SOURCE, "--set", "did_active=N", "--blank", "active"],
        ["list", "--json", "--csv"],
        ["export", "--format", "xml"],
        ["user", "set", "admin"],
        ["log", "--since", "yesterday"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_explained(place, arguments):
    """With the usage of the command, and status 2."""
    done = place(*arguments)

    assert (2, "") == (done.status, done.out)
    assert "Usage: " in done.err
