"""`didier token` as an operator types it."""

import re
from datetime import datetime, timedelta, timezone

import pytest

from didier.cli.printing import when
from support.commands import command as didier


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A directory with a database and the user admin."""
    directory = tmp_path_factory.mktemp("home")
    assert 0 == didier(directory, "init").returncode
    return directory


def add(home, *arguments):
    return didier(home, "token", "add", "admin", "--name", "CRM", "--scope", "dids:read", *arguments)


def test_a_token_is_made_listed_and_revoked(home):
    """It is shown once; the list has its beginning, and whether it is accepted."""
    arguments = ("--scope", "dids:write", "--prefix", "+44", "--network", "192.0.2.0/24", "--days", "30")
    made = add(home, *arguments)
    number, token = re.search(
        r"Token (\d+) of admin \(shown only once\):\n(didier_\S+)\n", made.stdout
    ).groups()
    listed = didier(home, "token", "list", "admin").stdout
    revoked = didier(home, "token", "revoke", number)
    after = didier(home, "token", "list").stdout

    for shown in (token[:12], "dids:read dids:write", "+44", "192.0.2.0/24", "until "):
        assert shown in listed
    assert token not in listed
    assert (0, f"Token {number} was revoked.\n") == (revoked.returncode, revoked.stdout)
    assert "revoked" in after


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "ghost", "--name", "x", "--scope", "users"), "there is no user ghost"),
        (("add", "admin", "--name", "x", "--scope", "coffee"), "one or more of dids:read"),
        (("add", "admin", "--name", "x", "--scope", "users", "--network", "here"), "192.0.2.0/24"),
        (("revoke", "999"), "there is no token 999"),
        (("list", "ghost"), "there is no user ghost"),
    ],
)
def test_refusals_are_one_line(home, arguments, words):
    """On standard error, with status 1."""
    done = didier(home, "token", *arguments)

    assert 1 == done.returncode
    assert words in done.stderr
    assert 1 == len(done.stderr.splitlines())


def test_a_token_may_last_for_a_hundred_years(home):
    """The most days that can be asked for are taken and listed."""
    made = add(home, "--days", "36500")
    number = re.search(r"Token (\d+)", made.stdout).group(1)
    listed = didier(home, "token", "list", "admin")

    assert (0, 0) == (made.returncode, listed.returncode)
    assert re.search(rf"{number} .* until \d{{4}}-", listed.stdout)


def test_a_time_beyond_the_calendar_here_is_shown_as_it_is():
    """The last second of the year 9999 elsewhere is later than any second here."""
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-14)))

    assert "9999-12-31 23:59:59" == when(last)
