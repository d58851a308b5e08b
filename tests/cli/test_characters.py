"""What is stored, and what a server says, commands no terminal: it is shown as what it is."""

import csv
import io
import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa

import didier.cli
from cli.conftest import LOGIN
from didier.characters import refused
from support.commands import run
from support.terminals import Terminal

TEXT = "red\x1b[31m\x9b2J\u202e\u2066\x7f\r\nDID 1 was deleted."
SHOWN = r"red\x1b[31m\x9b2J\u202e\u2066\x7f\r\nDID 1 was deleted."

LISTS = [("list",), ("log",), ("token", "list"), ("user", "list"), ("batches", "list"), ("usage",)]
COMMANDS = [
    *LISTS,
    *((*command, "--json") for command in LISTS),
    ("show", "{number}"), ("show", "{number}", "--json"), ("user", "show", "wanda"),
    ("user", "show", "wanda", "--json"), ("batches", "show", "1"), ("batches", "show", "1", "--json"),
    ("copy", "{number}", "{number}", "--dry-run"), ("copy", "{number}", "{number}"), ("show", TEXT),
    ("delete", TEXT, "--yes"), ("update", "{number}", "--set", TEXT), ("list", f"--{TEXT}"), (TEXT,),
    ("list", "--search", TEXT), ("import", TEXT), ("user", "show", TEXT),
    ("route", "{number}", "--name", TEXT), ("route", TEXT, "--from", TEXT, "--json"),
]  # fmt: skip


@pytest.fixture(scope="module")
def number(where) -> str:
    """A DID with controls in its description, and users, tokens and logs with them."""
    pattern = where.number()
    statements = [
        "UPDATE vicidial_inbound_dids SET did_description = :text WHERE did_pattern = :did",
        "UPDATE vicidial_inbound_dids SET custom_one = :text WHERE did_pattern = :did",
        "UPDATE vicidial_users SET full_name = :text, email = :text WHERE user = 'wanda'",
        "UPDATE didier_tokens SET name = :text",
        "UPDATE vicidial_api_log SET data = :text, source = 'a\x1bb'",
    ]
    sign_in = LOGIN if where.is_server else {}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sign_in.items():
            patch.setenv(name, value)
        assert 0 == where("add", pattern).status
        where("user", "add", "wanda")
        where("token", "add", "admin", "--name", "x", "--scope", "dids:read")
    with where.engine.begin() as conn:
        for statement in statements:
            conn.execute(sa.text(statement), {"text": TEXT, "did": pattern})
    return pattern


def commands_nothing(text: str) -> bool:
    """Say whether *text*, which may have lines, holds nothing that a terminal obeys."""
    return all(refused(line) is None for line in text.split("\n"))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: ascii(" ".join(command))[:50])
def test_no_command_prints_controls_in_a_pipe(place, number, command):
    """Tables, JSON and errors show controls by their codes, and no value makes a line of its own."""
    done = place(*(part.replace("{number}", number) for part in command))

    assert commands_nothing(done.out)
    assert commands_nothing(done.err)
    assert not any(line.startswith("DID 1 was") for line in [*done.lines, *done.err.splitlines()])


def test_texts_are_shown_by_their_codes(place, number):
    """The table and the page of a DID show what stands there."""
    assert SHOWN in place("list", number).out
    assert f"  custom_one                      {SHOWN}"[-60:] in place("show", number).out


def test_json_holds_what_is_stored(place, number):
    """JSON escapes the controls, and means what is stored."""
    assert TEXT == place("show", number, "--json").json["did_description"]
    assert [TEXT] == [did["did_description"] for did in place("list", number, "--json").json]


def test_csv_in_a_pipe_is_as_stored(place, number):
    """A file of CSV loses nothing."""
    [row] = csv.DictReader(io.StringIO(place("list", number, "--csv").out, newline=""))

    assert TEXT == row["did_description"]


@pytest.mark.parametrize(
    "command",
    [("list",), ("list", "--csv"), ("list", "--json"), ("show", "{number}"), ("export",),
     ("export", "--format", "ndjson"), ("copy", "{number}", TEXT.replace("\n", " ")), ("show", "x\x1b[2Jx")],
    ids=lambda command: ascii(" ".join(command))[:40],
)  # fmt: skip
def test_no_command_prints_controls_on_a_terminal(place, number, command, tmp_path):
    """On a terminal nothing but Rich's own colours gets through, of CSV and exports too."""
    parts = [part.replace("{number}", number) for part in command]
    environment = {**(LOGIN if place.is_server else {}), "XDG_CONFIG_HOME": str(tmp_path)}

    terminal = Terminal(tmp_path, *parts, *place.options, environment=environment, width=400)
    terminal.finish()

    session = re.sub(r"\x1b\[([0-9;]*m|\?25[lh]|[0-9]*[AK]|2K)|\r", "", terminal.session)
    assert commands_nothing(session)
    assert r"\x1b" in session or r"\u001b" in session


class _Hostile(BaseHTTPRequestHandler):
    """Answers everything with a refusal that is full of controls."""

    def _answer(self) -> None:
        problem = {"type": f"/problems/{TEXT}", "title": TEXT, "status": 409, "detail": TEXT, "pointer": TEXT}
        body = json.dumps(problem).encode() if "vicidial" not in self.path else f"ERROR: {TEXT}".encode()
        self.send_response(409)
        self.send_header("content-type", "application/problem+json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def hostile() -> Iterator[str]:
    """The address of a server that answers with controls."""
    server = HTTPServer(("127.0.0.1", 0), _Hostile)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("options", [(), ("--vicidial",)], ids=["Didier", "VICIdial"])
@pytest.mark.parametrize(
    "command",
    [("list",), ("show", "1"), ("add", "123"), ("delete", "123", "--yes"), ("copy", "123", "124"),
     ("user", "show", "wanda"), ("calls", "123", "2026-03-04")],
    ids=lambda command: command[0],
)  # fmt: skip
def test_no_server_commands_the_terminal(hostile, command, options, monkeypatch):
    """What a hostile server says as an error is shown, and obeyed as little."""
    for name, value in LOGIN.items():
        monkeypatch.setenv(name, value)

    done = run(*command, "--server", hostile, *options)

    assert 0 != done.status
    assert commands_nothing(done.out + done.err)


def test_there_is_one_way_to_the_terminal():
    """No other module of the command line prints by itself."""
    files = [file for file in Path(didier.cli.__file__).parent.rglob("*.py") if file.name != "terminal.py"]
    printing = re.compile(
        r"(?<!\.)\bprint\(|\becho\(|typer\.(prompt|confirm)|std(out|err)\.(write|buffer)|secho"
    )

    assert {} == {file.name: found[0] for file in files if (found := printing.search(file.read_text()))}
