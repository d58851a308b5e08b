"""`didier webhook`: endpoints, and a receiver for those who write one."""

import http.client
import os
import signal
import threading
import time

import httpx2
import pytest

from didier.cli.webhook_listening import Receiver as Listener
from didier.domain import signatures
from support.commands import run
from support.forking import Forked
from support.process import until
from support.receiver import Receiver, status

NOWHERE = "https://203.0.113.7/hook"
SECRET = signatures.secret_of(b"0" * signatures.SECRET_BYTES)


@pytest.fixture(autouse=True)
def key(tmp_path_factory, monkeypatch):
    """Where commands on a local database have the key that seals secrets."""
    monkeypatch.setenv("DIDIER_KEY_FILE", str(tmp_path_factory.getbasetemp() / "didier.key"))


def made(place, *options):
    """Create a webhook; return its number and its secret."""
    said, secret = place("webhook", "add", NOWHERE, "--off", *options).lines
    return said.split()[1], secret


def test_a_whole_life(place):
    """Each command says what it did, and secrets are shown once."""
    number, secret = made(place, "--description", "CRM", "--type", "did.*", "--prefix", "1800")
    changed = place("webhook", "set", number, "--description", "Billing", "--prefix", "")
    shown = place("webhook", "show", number)
    listed = next(one for one in place("webhook", "list", "--json").json if number == str(one["id"]))
    rotated = place("webhook", "secret", number, "--overlap-hours", "1")
    deleted = place("webhook", "delete", number, "--yes")
    gone = place("webhook", "show", number)

    assert secret.startswith(signatures.PREFIX)
    assert [f"Webhook {number} was changed; it is off."] == changed.lines
    assert ("Billing", ["did.*"], []) == (listed["description"], listed["types"], listed["prefixes"])
    assert any(line.split() == ["prefixes", "all"] for line in shown.lines), shown.lines
    assert secret not in shown.out
    assert rotated.lines[0].startswith(f"Webhook {number} has another secret, beside the old one until ")
    assert rotated.lines[1] not in {"", secret}
    assert [f"Webhook {number} was deleted."] == deleted.lines
    assert (1, f"there is no webhook {number}") == gone.refusal


def test_what_came_of_messages(place):
    """What is not taken is a failure of the command, and an attempt that is listed."""
    number, _ = made(place)
    tested = place("webhook", "test", number)
    listed = place("webhook", "attempts", number, "--outcome", "failed", "--json").json
    since = place("webhook", "resend", number, "--since", "2026-01-01")
    unknown = place("webhook", "resend", number, "no-event")
    neither = place("webhook", "resend", number)
    place("webhook", "delete", number, "--yes")

    assert 1 == tested.status
    assert tested.err.startswith("The test message was not taken: 203.0.113.7 is no address")
    assert [("test", "failed")] == [(one["cause"], one["outcome"]) for one in listed]
    assert since.lines[0].startswith(f"Webhook {number} is off; ")
    assert (1, "there is no event no-event that this webhook hears of") == unknown.refusal
    assert 2 == neither.status


@pytest.fixture
def listen(capsys):
    """Make a receiver as the command does; return its address."""
    opened = []

    def make(secret=None, forward=None):
        listener = Listener(0, secret, forward)
        opened.append(listener)
        threading.Thread(target=listener.serve_forever, args=[0.05], daemon=True).start()
        return f"http://127.0.0.1:{listener.server_port}/hook"

    yield make
    for listener in opened:
        listener.shutdown()
        listener.server_close()


def send(url, body=b'{"type": "did.created"}', secret=SECRET, age=0):
    """Send a message as Didier does; return the status of the answer."""
    headers = signatures.headers([secret], "17", int(time.time()) - age, body)
    return httpx2.post(url, content=body, headers={"Content-Type": "application/json", **headers}).status_code


OTHER = signatures.secret_of(b"1" * signatures.SECRET_BYTES)


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({}, 204, "did.created 17: signed, answered 204"),
        ({"secret": OTHER}, 401, "NOT TO BE TRUSTED: it is not signed with this secret, answered 401"),
        ({"age": 600}, 401, "NOT TO BE TRUSTED: its timestamp is too old"),
        ({"body": b"\x1b[2J\xff"}, 204, "no event 17: signed"),
    ],
)
def test_messages_are_verified_and_printed(listen, capsys, more, status, words):
    """The secret and the age decide; what a message has says nothing to the terminal."""
    answered = send(listen(SECRET), **more)
    said = capsys.readouterr().out

    assert status == answered
    assert words in said
    assert "\x1b" not in said


def test_messages_are_sent_on(listen, capsys):
    """With their signature, to a program whose status is the answer; not what is not to be trusted."""
    with Receiver(status(418)) as program:
        url = listen(SECRET, program.url)
        answers = [send(url), send(url, secret=OTHER)]
        [message] = program.messages

    assert [418, 401] == answers
    assert signatures.is_signed(SECRET, message.headers, message.body)
    assert 502 == send(listen(SECRET, "http://127.0.0.1:1/"))
    assert "does not answer" in capsys.readouterr().out


def test_what_is_no_message(listen):
    """It is refused, and the next one is taken."""
    url = listen()
    place = url.removeprefix("http://").partition("/")[0]
    too_long = http.client.HTTPConnection(place, timeout=30)
    too_long.putrequest("POST", "/hook")
    too_long.putheader("Content-Length", "99999999")
    too_long.endheaders()
    statuses = [
        httpx2.get(url).status_code,
        httpx2.post(url, content=iter([b"{}"])).status_code,
        too_long.getresponse().status,
    ]
    too_long.close()

    assert [501, 411, 413] == statuses
    assert 204 == send(url)


def test_it_ends_with_ctrl_c(tmp_path):
    """The command says where it listens, verifies by the file, and ends without an error."""
    tmp_path.joinpath("secret.txt").write_text(f"{SECRET}\n")
    out = tmp_path / "out.txt"
    arguments = ("webhook", "listen", "--port", "0", "--secret-file", "secret.txt")
    with out.open("w") as file:
        process = Forked(
            arguments, tmp_path, os.environ, [os.open(os.devnull, os.O_RDONLY), *[file.fileno()] * 2]
        )
    until(lambda: "Ctrl-C" in out.read_text())
    answered = send(out.read_text().split()[2].rstrip(";"))
    os.kill(process.pid, signal.SIGINT)

    assert (204, 0) == (answered, process.wait(60))
    assert "did.created 17: signed" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--forward", "localhost:3000"], "an address begins with http://"),
        (["--secret-file", "-"], "no secret"),
        (["--port", "99999"], "less than or equal to 65535"),
    ],
)
def test_what_cannot_be_listened_with(arguments, words):
    """It is said before anything is listened to."""
    refused = run("webhook", "listen", *arguments, typed="not base64!\n")

    assert 2 == refused.status
    assert words in " ".join(refused.err.split())


def test_a_port_that_is_taken():
    """It is said in one line."""
    with Receiver() as other:
        port = other.url.rpartition(":")[2].partition("/")[0]
        refused = run("webhook", "listen", "--port", port)

    assert (2, f"--port: port {port} cannot be used: Address already in use") == refused.refusal
