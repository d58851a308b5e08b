"""Commands on a genuine VICIdial, for which Didier's own Non-Agent API stands here."""

import re

import pytest

from cli.conftest import LOGIN, SOURCE
from support.commands import run
from support.server import Didier


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with the tutorial's user and DID."""
    directory = tmp_path_factory.mktemp("server")
    server = Didier(directory, "--demo", "--database", f"sqlite:///{directory}/didier.db").start()
    yield server
    server.stop()


@pytest.fixture
def vicidial(server, monkeypatch):
    """Run a command on it, signed in."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)
    return lambda *arguments, typed="": run(*arguments, "--server", server.url, "--vicidial", typed=typed)


def test_dids_are_added_copied_changed_and_deleted(vicidial, server):
    """With the words of the same commands on Didier."""
    added = vicidial("add", "5551000", "--set", "description=Front desk")
    copied = vicidial("copy", SOURCE, "5551001-5551003", SOURCE, "--description", "Copied line")
    changed = vicidial("update", "5551001", "--set", "active=N")
    row = server.did("5551001")
    deleted = vicidial("delete", "5551000", "5551001", "--yes")

    assert ["DID 5551000 was created."] == added.lines
    assert [f"{SOURCE} -> 555100{n} (DID " for n in (1, 2, 3)] == [
        re.sub(r"\d+\)$", "", line) for line in copied.lines
    ]
    assert (3, f"didier: DID {SOURCE} already exists\n") == (copied.status, copied.err)
    assert ["DID 5551001 was updated: did_active."] == changed.lines
    assert ("N", "Copied line") == (row["did_active"], row["did_description"])
    assert ["DID 5551000 was deleted.", "DID 5551001 was deleted."] == deleted.lines
    assert {"5551000", "5551001"}.isdisjoint(server.patterns())


def test_several_are_done_one_after_the_other(vicidial, server):
    """Each is named; what VICIdial refuses is an error of its own, with status 3."""
    added = vicidial("add", "5552000-5552002", "5552003,5552000", "--set", "description=Front desk")
    changed = vicidial("update", "5552000-5552001", "999", "--set", "active=N")
    row = server.did("5552001")
    deleted = vicidial("delete", "5552000-5552003", "--yes")

    assert [f"DID 555200{n} was created." for n in range(4)] == added.lines
    assert (3, 1) == (added.status, len(added.err.splitlines()))
    assert [f"DID 555200{n} was updated: did_active." for n in range(2)] == changed.lines
    assert (3, "N", True) == (changed.status, row["did_active"], "999" in changed.err)
    assert (0, [f"DID 555200{n} was deleted." for n in range(4)]) == (deleted.status, deleted.lines)


def test_a_csv_table_of_numbers_is_copied(vicidial, server):
    """In as many requests as it takes, as VICIdial takes 2,000 characters of numbers."""
    numbers = [str(5_560_000 + n) for n in range(300)]

    done = vicidial("copy", SOURCE, "--csv", "-", typed="\n".join(["target", *numbers]))

    assert (0, 300) == (done.status, len(done.lines))
    assert set() == set(numbers) - set(server.patterns())


def test_a_csv_table_with_columns_is_refused(vicidial):
    """VICIdial's copies differ in nothing but the description."""
    status, line = vicidial("copy", SOURCE, "--csv", "-", typed="target,extension\n5570000,8300\n").refusal

    assert (1, True) == (status, line.startswith("extension:"))


def test_users_are_made_shown_and_changed(vicidial):
    """Without API rights, which VICIdial's API does not give."""
    made = vicidial("user", "add", "crm", "--level", "7", "--password", typed="Marigold77\n")
    changed = vicidial("user", "set", "crm", "--full-name", "The CRM")
    shown = vicidial("user", "show", "crm", "--json").json

    assert (["User crm was created."], ["User crm was updated."]) == (made.lines, changed.lines), made.err
    assert ("The CRM", 7) == (shown["full_name"], shown["user_level"])


def test_calls_to_a_number(vicidial):
    """There were none."""
    assert [] == vicidial("calls", SOURCE, "2026-03-04", "--json").json


@pytest.mark.parametrize(
    "command",
    [
        "list", "show 5551000", "lock 5551000", "export", "import -", "batches list",
        "batches cancel 1 --yes", "undo 1 --yes", "log", "usage", "user list", "token list",
    ],
)  # fmt: skip
def test_what_vicidial_cannot_is_one_line(vicidial, command):
    """It names the command; status 2."""
    status, line = vicidial(*command.split()).refusal

    assert (2, True) == (status, line.startswith("VICIdial's API has no function for 'didier ")), line


@pytest.mark.parametrize(
    ("command", "option"),
    [
        ("copy 18001234567 5551 --dry-run", "--dry-run"),
        ("copy 18001234567 5551 --inactive", "--inactive"),
        ("copy 18001234567 5551 --set did_route=EXTEN", "--set"),
        ("copy 18001234567 5551 --atomic", "--atomic"),
        ("update 5551 --blank did_description", "--blank"),
        ("delete 5551 --force --yes", "--force"),
        ("delete --where active=N --yes", "--where"),
        ("delete --csv - --yes", "--csv"),
        ("update 5551 5552 --set did_active=N --dry-run", "--dry-run"),
        ("add 5551 5552 --atomic", "--atomic"),
        ("add 5551 5552 --json", "--json"),
        ("user add crm2 --functions copy_did", "--functions"),
    ],
)
def test_options_that_vicidial_does_not_have_are_named(vicidial, command, option):
    """Nothing is sent."""
    status, line = vicidial(*command.split()).refusal

    assert (2, True) == (status, line.startswith(f"{option}: ")), line


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("copy 999 5551", ["999"]),
        ("add 18001234567", ["18001234567"]),
        ("update 999 --set did_active=N", ["999"]),
        ("update 18001234567 --set did_active=X", ["active", "X"]),
        ("user show ghost", ["ghost"]),
    ],
)
def test_refusals_are_one_line(vicidial, command, words):
    """As on Didier."""
    status, line = vicidial(*command.split()).refusal

    assert (1, []) == (status, [word for word in words if word not in line]), line


def test_a_login_at_a_vicidial_stores_the_password_only_when_told(server, nothing_stored):
    """It has no tokens; the file is private."""
    address = ("login", server.url, "--user", "admin", "--vicidial")

    refused = run(*address, typed="1234\n").refusal
    done = run(*address, "--store-password", typed="1234\n")

    assert (2, True) == (refused[0], "--store-password" in refused[1])
    assert (0, 0o600) == (done.status, nothing_stored.stat().st_mode & 0o777)
    assert 0 == run("add", "5559999").status
    assert 2 == run("list").refusal[0]


def test_vicidial_needs_a_server():
    """A database has Didier's own functions."""
    assert (2, True) == (
        run("list", "--vicidial").refusal[0],
        "--server" in run("list", "--vicidial").refusal[1],
    )
