"""What a person at a terminal sees: bars that move, questions, and what Ctrl-C says."""

import json
import re
import shutil
import sqlite3
from contextlib import closing
from datetime import datetime

import pytest

from cli.conftest import LOGIN, SOURCE
from support.commands import run
from support.homes import ready
from support.server import Didier, didier
from support.terminals import Terminal

ROWS = 100_000
LOCAL = ("--database", "sqlite:///didier.db")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A database with the tutorial's user and DID, and a CSV table of 100,000 numbers."""
    directory = tmp_path_factory.mktemp("made")
    with ready(f"sqlite:///{directory}/didier.db", datetime(2026, 3, 4, 5, 6, 7)):
        pass
    lines = ["target,description", *(f"1800{n:07},Line {n:07}" for n in range(ROWS))]
    (directory / "numbers.csv").write_text("\n".join([*lines, ""]))
    return directory


@pytest.fixture
def home(made, tmp_path, monkeypatch):
    """A working directory with both."""
    shutil.copy2(made / "didier.db", tmp_path)
    shutil.copy2(made / "numbers.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def server(home):
    """A server on the database."""
    server = Didier(home, "--demo", *LOCAL).start()
    yield server
    server.stop()


def percentages(text, what):
    """Return the percentages that the bar of *what* has shown."""
    return [int(found) for found in re.findall(rf"{what}\b[^\r\n]*?(\d+)%", text)]


def dids(directory):
    with closing(sqlite3.connect(directory / "didier.db", timeout=30)) as conn:
        return conn.execute("SELECT count(*) FROM vicidial_inbound_dids").fetchone()[0] - 1


def copying_to(place, request):
    """Return the options, the environment and the words about what goes on, of a place."""
    if place == "local":
        return LOCAL, {}, "stops here"
    server = request.getfixturevalue("server")
    return ("--server", server.url), LOGIN, "continues on the server"


@pytest.mark.parametrize("place", ["local", "server"])
def test_the_bar_of_a_large_copy_moves(place, home, request, record_property):
    """Of 100,000 rows: the part that is done grows, with rate and time left; then the bar is gone."""
    options, environment, _ = copying_to(place, request)

    terminal = Terminal(home, "copy", SOURCE, "--csv", "numbers.csv", *options, environment=environment)
    status = terminal.finish()

    record_property("session", terminal.session)
    shown = percentages(terminal.text, "Copying")
    assert 0 == status, terminal.text[-500:]
    assert shown == sorted(shown)
    assert len(set(shown)) >= 3
    assert re.search(r"Copying .*\d+% +\d+/100000 +[\d,]+/s", terminal.text)
    assert re.search(r"\d:\d\d:\d\d", terminal.text)
    assert f"Batch 1 is done: {ROWS:,} of {ROWS:,} targets created." == terminal.text.splitlines()[-1].strip()
    assert ROWS == dids(home)


@pytest.mark.parametrize("place", ["local", "server"])
def test_ctrl_c_says_what_state_a_batch_is_in(place, home, request):
    """It says where it goes on and how to watch and undo it; watching it makes all."""
    options, environment, words = copying_to(place, request)

    terminal = Terminal(home, "copy", SOURCE, "--csv", "numbers.csv", *options, environment=environment)
    terminal.until(lambda text: any(percentages(text, "Copying")))
    terminal.interrupt()
    status = terminal.finish()
    said = " ".join(terminal.text.splitlines()[-2:])

    assert 130 == status, terminal.text[-500:]
    assert re.search(r"interrupted; batch 1 is running: [\d,]+ of 100,000 targets created", said), said
    assert words in said
    assert "'didier batches watch 1'" in said
    assert "'didier undo 1'" in said
    assert "Traceback" not in terminal.text
    done = didier(home, "batches", "watch", "1", *options, environment=environment)
    assert (0, ROWS) == (done.returncode, dids(home)), done.stderr


@pytest.mark.parametrize("place", ["local", "server"])
def test_an_order_under_way_is_cancelled(place, home, request):
    """What it has done stays, and the undo takes that back; Ctrl-C has said how to cancel it."""
    options, environment, _ = copying_to(place, request)

    terminal = Terminal(home, "add", "18000000000-18000099999", *options, environment=environment)
    terminal.until(lambda text: any(percentages(text, "Creating")))
    terminal.interrupt()
    status = terminal.finish()
    cancelled = didier(home, "batches", "cancel", "1", "--yes", *options, environment=environment)
    made = dids(home)
    undone = didier(home, "undo", "1", "--yes", *options, environment=environment)

    assert (130, True) == (status, "'didier batches cancel 1'" in terminal.text), terminal.text[-500:]
    assert f"Batch 1 was cancelled: {made:,} of {ROWS:,} DIDs created.\n" == cancelled.stdout
    assert (0, True) == (cancelled.returncode, "'didier undo 1'" in cancelled.stderr), cancelled.stderr
    assert (f"Batch 1 was undone: {made:,} DIDs deleted.\n", 0) == (undone.stdout, dids(home)), undone.stderr


def test_in_a_pipe_there_is_no_bar(home):
    """Nothing but the outcome."""
    (home / "few.csv").write_text("\n".join((home / "numbers.csv").read_text().splitlines()[:2_001]))

    done = didier(home, "copy", SOURCE, "--csv", "few.csv", *LOCAL)

    assert ("Batch 1 is done: 2,000 of 2,000 targets created.\n", "") == (done.stdout, done.stderr)


def test_a_batch_beside_a_server_is_carried_out_once(server, home):
    """Orders of a command and of the server on one file are made one after the other, each target once."""
    first = Terminal(home, "copy", SOURCE, "18000000000-18000019999", *LOCAL)
    order = {"source": SOURCE, "ranges": ["18000010000-18000029999"], "mode": "best_effort"}
    headers = {"Content-Type": "application/json", "Authorization": "Basic YWRtaW46MTIzNA=="}
    taken = server.exchange("POST", "/api/v1/copies", json.dumps(order), headers)

    status = first.finish()
    watched = run("batches", "watch", str(json.loads(taken.text)["id"]), *LOCAL)

    assert 202 == taken.status
    assert [0, 3] == sorted([status, watched.status])  # who comes second finds what the first has made
    assert 30_000 == dids(home)
    with closing(sqlite3.connect(home / "didier.db")) as conn:
        states = conn.execute("SELECT state, sum(added) FROM didier_batches GROUP BY state").fetchall()
    assert [("done", 30_000)] == states


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1)])
def test_what_destroys_asks_first(home, answer, left):
    """Whoever says no has lost nothing."""
    run("copy", SOURCE, "5551234", *LOCAL)

    terminal = Terminal(home, "delete", "5551234", *LOCAL)
    terminal.until(lambda text: "Delete 5551234? [y/N]:" in text)
    terminal.type(answer)

    assert (left, left) == (terminal.finish(), dids(home))


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 2)])
def test_how_many_dids_are_chosen_is_asked_first(home, answer, left):
    """The number is that of the preview."""
    run("copy", SOURCE, "5551234", "5551235", *LOCAL)

    terminal = Terminal(home, "delete", "--where", f"copied_from={SOURCE}", *LOCAL)
    terminal.until(lambda text: "Delete 2 DIDs? [y/N]:" in text)
    terminal.type(answer)

    assert (bool(left), left) == (terminal.finish(), dids(home))


def test_a_preview_is_coloured(home):
    """On a terminal, each status in its colour; with NO_COLOR there is none."""
    command = ("copy", SOURCE, "5551234", SOURCE, "--dry-run", *LOCAL)

    coloured = Terminal(home, *command)
    plain = Terminal(home, *command, environment={"NO_COLOR": "1"})
    statuses = coloured.finish(), plain.finish()

    assert (0, 0) == statuses
    assert "\x1b[32mnew" in coloured.session
    assert "\x1b[31mexists" in coloured.session
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain.session)
    assert "2 targets: 1 new, 1 exists" in plain.text


def test_a_login_asks_for_the_password_and_does_not_show_it(server, home, nothing_stored):
    """What is typed is not on the terminal."""
    terminal = Terminal(home, "login", server.url, "--user", "admin")
    terminal.until(lambda text: "Password of admin: " in text)  # the blank comes when nothing is echoed
    terminal.type("1234\n")

    assert 0 == terminal.finish(), terminal.text
    assert "1234" not in terminal.text.replace(server.url, "")
    assert nothing_stored.exists()


def test_the_password_is_asked_for_where_no_token_does(server, home):
    """It is said why; the user is known from the login."""
    run("login", server.url, "--user", "admin", typed="1234\n")

    terminal = Terminal(home, "token", "list")
    terminal.until(lambda text: "Password of admin: " in text)
    terminal.type("1234\n")

    assert 0 == terminal.finish(), terminal.text
    assert "This asks for the password: no token creates, lists or revokes tokens." in terminal.text
    assert "didier login on" in terminal.text


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 2)])
def test_a_new_password_asks_about_the_tokens(home, answer, left):
    """How many there are is said; they are revoked, or not."""
    for _ in range(2):
        run("token", "add", "admin", "--name", "x", "--scope", "users", *LOCAL)

    terminal = Terminal(home, "user", "set", "admin", "--password", *LOCAL)
    for prompt in ("Password: ", "Repeat for confirmation: "):
        terminal.until(lambda text, prompt=prompt: prompt in text)
        terminal.type("Marigold77\n")
    terminal.until(lambda text: "Revoke 2 valid tokens of admin too? [y/n]: " in text)
    terminal.type(answer)
    status = terminal.finish()

    tokens = run("token", "list", "admin", "--json", *LOCAL).json
    assert (0, left) == (status, sum(token["revoked_at"] is None for token in tokens)), terminal.text


def test_a_new_password_by_token_asks_about_all_tokens(server, home):
    """How many there are no token knows; the one of the login is revoked too, and that is said."""
    with closing(sqlite3.connect(home / "didier.db", timeout=30)) as conn, conn:  # a token opens no others
        conn.execute(
            "UPDATE vicidial_users SET api_allowed_functions = ' user_details update_user list_dids '"
        )
    run("login", server.url, "--user", "admin", typed="1234\n")

    terminal = Terminal(home, "user", "set", "admin", "--password")
    for prompt in ("Password: ", "Repeat for confirmation: "):
        terminal.until(lambda text, prompt=prompt: prompt in text)
        terminal.type("Marigold77\n")
    terminal.until(lambda text: "Revoke all tokens of admin too? [y/n]: " in text)
    terminal.type("y\n")

    assert 0 == terminal.finish(), terminal.text
    assert "All tokens of admin were revoked." in terminal.text
    assert "'didier login' creates a new one." in terminal.text
    assert (1, "the token is not valid: it was revoked") == run("list").refusal


@pytest.mark.parametrize(("answer", "level"), [("y\n", 8), ("n\n", 9)])
def test_a_loss_of_ones_own_asks_first(server, home, answer, level):
    """It says what is lost; whoever says no has lost nothing."""
    run("login", server.url, "--user", "admin", "--store-password", typed="1234\n")

    terminal = Terminal(home, "user", "set", "admin", "--level", "8")
    terminal.until(lambda text: "Change your own user? [y/N]: " in text)
    terminal.type(answer)
    status = terminal.finish()

    assert (0 if level == 8 else 1) == status, terminal.text
    assert "You will lose: User Level 9 (it becomes 8)." in terminal.text
    assert level == run("user", "show", "admin", "--json").json["user_level"]
