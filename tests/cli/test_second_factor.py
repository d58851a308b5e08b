"""Commands of a user who has a second factor."""

import pytest

from didier import environment
from support.authenticator import set_up
from support.commands import run


@pytest.fixture
def app(server, tmp_path, monkeypatch):
    """The app of the administrator of a server; commands find no database where they run."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    return set_up(server)


def login(app, *typed):
    """Sign in with these lines in a pipe."""
    lines = "".join(f"{line}\n" for line in typed)
    return run("login", app.server.url, "--user", "admin", typed=lines)


def test_login_asks_for_the_code(app):
    """Behind the password; the token that it makes works without."""
    done = login(app, "1234", app.shown())

    assert (0, "") == (done.status, done.err)
    assert run("list", "--json").json


def test_login_takes_the_code_from_the_environment(app, monkeypatch):
    """As it takes the password."""
    monkeypatch.setenv(environment.PASSWORD, "1234")
    monkeypatch.setenv(environment.CODE, app.shown())

    assert 0 == login(app).status


def test_login_takes_a_recovery_code(app):
    """For who has lost the telephone."""
    assert 0 == login(app, "1234", app.recovery[0]).status


def test_login_with_a_wrong_code_stores_nothing(app, nothing_stored):
    """It is one line, with status 1."""
    assert (1, "the code is wrong, or was used before") == login(app, "1234", "000000").refusal
    assert not nothing_stored.exists()


def test_login_asks_for_no_code_that_nobody_needs(server):
    """Who has no second factor types one line."""
    done = run("login", server.url, "--user", "admin", typed="1234\n")

    assert (0, "") == (done.status, done.err)


def test_tokens_are_kept_with_a_code(app, monkeypatch):
    """Commands that take the password take the code with it."""
    monkeypatch.setenv(environment.USER, "admin")
    monkeypatch.setenv(environment.PASSWORD, "1234")
    at = ("--server", app.server.url)

    def command(*arguments):
        monkeypatch.setenv(environment.CODE, app.fresh())
        return run(*arguments, *at)

    made = command("token", "add", "admin", "--name", "CRM", "--scope", "dids:read")
    listed = command("token", "list", "--json")
    revoked = command("token", "revoke", str(listed.json[0]["token_id"]))

    assert (0, 0, 0) == (made.status, listed.status, revoked.status)


def test_without_the_code_it_is_said_how_to_give_it(app, monkeypatch):
    """In a pipe nobody can be asked."""
    monkeypatch.setenv(environment.USER, "admin")
    monkeypatch.setenv(environment.PASSWORD, "1234")
    refused = run("token", "list", "--server", app.server.url)

    assert 2 == refused.status
    assert environment.CODE in refused.err


def test_a_wrong_password_counts_once(app, monkeypatch):
    """It is not tried a second time with a code."""
    monkeypatch.setenv(environment.USER, "admin")
    monkeypatch.setenv(environment.PASSWORD, "wrong")
    run("token", "list", "--server", app.server.url)

    assert [(1,)] == app.server.sql("SELECT failed_login_count FROM vicidial_users WHERE user = 'admin'")


def test_an_administrator_resets_it_from_afar(app, monkeypatch):
    """Who may set the user's password may do it."""
    database = f"sqlite:///{app.server.database}"
    run("user", "add", "boss", "--password", "--level", "9", "--database", database, typed="1234\n")
    app.server.sql(
        "UPDATE vicidial_users SET modify_users = '1', delete_users = '1', vdc_agent_api_access = '1',"
        " modify_inbound_dids = '1', delete_inbound_dids = '1', view_reports = '1', ast_admin_access = '1',"
        " modify_same_user_level = '1', api_allowed_functions = ' ALL_FUNCTIONS '"
    )
    monkeypatch.setenv(environment.USER, "boss")
    monkeypatch.setenv(environment.PASSWORD, "1234")
    done = run("user", "set", "admin", "--no-second-factor", "--server", app.server.url)

    assert (0, ["User admin was updated."]) == (done.status, done.lines)
    assert [] == app.server.sql("SELECT * FROM didier_second_factors")


def test_there_is_nothing_to_reset(server):
    """It is one line, with status 1."""
    refused = run("user", "set", "admin", "--no-second-factor", "--database", f"sqlite:///{server.database}")

    assert (1, "no second factor is set up") == refused.refusal
