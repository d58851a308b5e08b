"""Which server commands work on, and how they sign in there."""

import json
import stat

import pytest

from didier import environment
from didier.cli import login
from support.commands import run
from support.server import Didier

PASSWORD = "1234"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with the tutorial's user."""
    directory = tmp_path_factory.mktemp("server")
    server = Didier(directory, "--demo", "--database", f"sqlite:///{directory}/didier.db").start()
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def empty_directory(tmp_path, monkeypatch):
    """The working directory has no database: what works does so on the server."""
    monkeypatch.chdir(tmp_path)


def sign_in(server, *arguments, typed=f"{PASSWORD}\n"):
    return run("login", server.url, "--user", "admin", *arguments, typed=typed)


def test_login_stores_a_token_and_no_password(server, nothing_stored):
    """The file, which its owner alone may read, has a token that the commands sign in with."""
    done = sign_in(server)

    stored = json.loads(nothing_stored.read_text())
    assert (0, "") == (done.status, done.err)
    assert (0o600, 0o700) == tuple(
        stat.S_IMODE(path.stat().st_mode) for path in (nothing_stored, nothing_stored.parent)
    )
    assert {"server", "user", "token", "token_id"} == stored.keys()
    assert PASSWORD not in stored.values()
    assert stored["token"] not in done.out
    assert run("list", "--json").json


def test_the_token_of_a_login_ends(server, monkeypatch):
    """It has the scopes and the days that were asked for, and says where it was created."""
    sign_in(server, "--days", "3", "--scope", "dids:read")
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)
    token = run("token", "list", "--json").json[0]

    assert ["dids:read"] == token["scopes"]
    assert token["name"].startswith("didier login on ")
    assert token["expires_at"] is not None


def test_a_wrong_password_stores_nothing(server, nothing_stored):
    """It is one line, with status 1."""
    assert (1, "wrong user name or password") == sign_in(server, typed="wrong\n").refusal
    assert not nothing_stored.exists()


def test_a_token_that_is_there_can_be_stored(server, nothing_stored):
    """It is looked at first."""
    sign_in(server)
    token = json.loads(nothing_stored.read_text())["token"]
    run("logout")

    wrong = run("login", server.url, "--token", typed="didier_wrong\n")
    before = nothing_stored.exists()
    right = run("login", server.url, "--token", typed=f"{token}\n")

    assert (1, False, 0) == (wrong.status, before, right.status)
    assert run("list", "--json").json


def test_logout_forgets(server, nothing_stored):
    """It says which token is valid still."""
    sign_in(server)
    number = json.loads(nothing_stored.read_text())["token_id"]

    done = run("logout")

    assert [
        f"The login for {server.url} was removed.",
        f"Token {number} is still valid: 'didier token revoke {number}' ends it.",
    ] == done.lines
    assert not nothing_stored.exists()
    assert ["Nothing was stored."] == run("logout").lines


def test_logout_revokes(server, nothing_stored, monkeypatch):
    """With --revoke the token is accepted no more."""
    sign_in(server)
    token = json.loads(nothing_stored.read_text())["token"]
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)
    run("logout", "--revoke")
    monkeypatch.delenv(environment.PASSWORD)

    monkeypatch.setenv(environment.TOKEN, token)
    assert (1, True) == (run("list", "--server", server.url).status, not nothing_stored.exists())


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_login_whose_token_is_not_revoked_is_kept(server, nothing_stored, monkeypatch, password):
    """Without a password, or with a wrong one; it is said what to do, and how to forget it all the same."""
    sign_in(server)
    if password:
        monkeypatch.setenv(environment.PASSWORD, password)
    done = run("logout", "--revoke")
    monkeypatch.delenv(environment.PASSWORD, raising=False)

    assert (1 if password else 2, "", True) == (done.status, done.out, nothing_stored.exists())
    assert "so the login is kept: try again" in done.err.splitlines()[-1]
    assert "use 'didier logout'" in done.err.splitlines()[-1]
    assert run("list", "--json").json


def test_a_login_is_kept_when_the_server_does_not_answer(nothing_stored, monkeypatch):
    """The token may be valid: the status says that it may be tried again."""
    login.write(login.Login("http://127.0.0.1:9", "admin", token="didier_x", token_id=1))
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)

    assert (4, True) == (run("logout", "--revoke").status, nothing_stored.exists())


def test_a_login_whose_token_is_gone_is_forgotten(server, nothing_stored, monkeypatch):
    """There is nothing left to revoke."""
    sign_in(server)
    stored = json.loads(nothing_stored.read_text())
    nothing_stored.write_text(json.dumps({**stored, "token_id": 999}))
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)
    done = run("logout", "--revoke")

    assert (0, "Token 999 of admin no longer exists.") == (done.status, done.lines[0])
    assert not nothing_stored.exists()


def test_a_token_without_a_number_is_not_forgotten_as_revoked(server, nothing_stored):
    """Of a token that was made elsewhere it is said how to revoke it; the login stays."""
    sign_in(server)
    token = json.loads(nothing_stored.read_text())["token"]
    run("login", server.url, "--token", typed=f"{token}\n")
    done = run("logout", "--revoke")

    assert (2, True) == (done.status, nothing_stored.exists())
    assert "'didier token list' shows it" in done.err


def test_a_login_that_cannot_be_read_is_not_forgotten_as_revoked(server, nothing_stored):
    """Others may have read the token: it is said what to do."""
    sign_in(server)
    nothing_stored.chmod(0o644)

    status, line = run("logout", "--revoke").refusal

    assert (2, True, True) == (status, "chmod 600" in line, nothing_stored.exists())


@pytest.mark.parametrize(
    "command",
    [("list",), ("add", "admin", "--name", "x", "--scope", "users"), ("revoke", "999")],
    ids=lambda command: command[0],
)
def test_what_no_token_opens_asks_for_the_password(server, command):
    """Where nobody can be asked, the variable is named, and why a token does not do."""
    sign_in(server)

    assert run("token", *command).refusal == (
        2,
        f"DIDIER_PASSWORD: set the password of admin at {server.url};"
        " no token creates, lists or revokes tokens",
    )


def test_tokens_are_listed_beside_a_login_by_token(server, monkeypatch):
    """The password in the environment is enough: the login knows the user."""
    sign_in(server)
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)

    assert 0 == run("token", "list").status


def test_a_token_without_a_name_does_not_say_whose_password(server, nothing_stored, monkeypatch):
    """The user has to be named, with the token or for the command."""
    sign_in(server)
    token = json.loads(nothing_stored.read_text())["token"]
    run("login", server.url, "--token", typed=f"{token}\n")
    unknown = run("token", "list").refusal
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)
    half = run("token", "list").refusal
    run("login", server.url, "--token", "--user", "admin", typed=f"{token}\n")

    assert (2, True) == (
        unknown[0], unknown[1].startswith("DIDIER_USER and DIDIER_PASSWORD: give a user at"),
    )  # fmt: skip
    assert (2, f"DIDIER_USER: give a user at {server.url}") == half
    assert 0 == run("token", "list").status


def test_the_environment_is_enough(server, monkeypatch):
    """A server and a user with password, or a token, without any login."""
    monkeypatch.setenv(environment.SERVER, server.url)
    monkeypatch.setenv(environment.USER, "admin")
    monkeypatch.setenv(environment.PASSWORD, PASSWORD)
    made = run("token", "add", "admin", "--name", "x", "--scope", "dids:read").lines[1]
    by_password = run("list", "--json").json
    monkeypatch.delenv(environment.PASSWORD)
    monkeypatch.setenv(environment.TOKEN, made)

    assert by_password == run("list", "--json").json != []
    assert 1 == run("add", "5551234").status


def test_without_a_way_to_sign_in_the_command_says_so(server):
    """Nobody waits for an answer in a pipe."""
    status, line = run("list", "--server", server.url).refusal

    assert (2, True) == (status, environment.USER in line and "didier login" in line)


def test_a_stored_token_goes_to_its_server_alone(server, tmp_path):
    """Another server, also on another port, gets nothing of it."""
    sign_in(server)

    status, line = run("list", "--server", "http://127.0.0.1:9").refusal

    assert (2, True) == (status, environment.USER in line)


def test_a_database_that_is_named_counts_more_than_the_login(server):
    """A flag counts most; both at once are refused."""
    sign_in(server)

    local = run("list", "--database", "sqlite:///nowhere.db").refusal
    both = run("list", "--database", "sqlite:///nowhere.db", "--server", server.url).refusal

    assert (2, True) == (local[0], "nowhere.db" in local[1])
    assert (2, True) == (both[0], "--server" in both[1])


def test_a_database_in_the_environment_counts_more_than_the_login(server, monkeypatch):
    """But less than a server that is named."""
    sign_in(server)
    monkeypatch.setenv("DIDIER_DATABASE", "sqlite:///nowhere.db")

    assert "nowhere.db" in run("list").refusal[1]
    assert run("list", "--server", server.url, "--json").json


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_login_that_others_may_read_is_refused(server, nothing_stored, mode):
    """The command names the file and what to do."""
    sign_in(server)
    nothing_stored.chmod(mode)

    status, line = run("list").refusal

    assert (2, True) == (status, f"chmod 600 {nothing_stored}" in line)
    assert 0 == run("logout").status


def test_a_login_that_is_damaged_is_refused(nothing_stored):
    """It is named."""
    nothing_stored.parent.mkdir(parents=True)
    nothing_stored.touch(0o600)
    nothing_stored.write_text("{")

    assert (2, True) == (run("list").refusal[0], str(nothing_stored) in run("list").refusal[1])


@pytest.mark.parametrize(
    "address", ["didier.example.com", "ftp://didier.example.com", "http://", "http://a:b@c"]
)
def test_an_address_that_is_none_is_refused(address):
    """By both commands; a password in it is not repeated."""
    for done in (run("login", address, "--user", "admin", typed="x\n"), run("list", "--server", address)):
        assert (2, True) == (done.refusal[0], "is not an address" in done.refusal[1])
        assert "a:b" not in done.err


def test_a_server_that_does_not_answer_is_named():
    """The status says that it may be tried again."""
    typed = run("login", "http://127.0.0.1:9", "--user", "admin", typed="x\n")

    assert 4 == typed.refusal[0]


def test_passwords_over_http_are_warned_of(monkeypatch):
    """Unless it is this machine."""
    elsewhere = run("login", "http://didier.invalid", "--user", "admin", typed="x\n")

    assert "can be read in transit" in elsewhere.err.splitlines()[0]


def test_no_text_of_a_login_has_its_secrets():
    """Neither password nor token is in what Python shows of it."""
    shown = repr(login.Login("http://x", "admin", "Marigold77", "didier_abc"))

    assert "Marigold77" not in shown
    assert "didier_abc" not in shown


def test_variables_of_the_client_are_no_unknown_settings(tmp_path, monkeypatch):
    """The server starts beside them."""
    for name in environment.VARIABLES:
        monkeypatch.setenv(name, "x")

    assert 0 == run("init", "--database", f"sqlite:///{tmp_path}/new.db").status
