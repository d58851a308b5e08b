"""`didier agi`: a process that tells Asterisk where calls go, and does nothing else."""

import http.client
import os
import signal
import socket
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.test_doctor import conf
from conformance.agi import replay_agi
from didier.storage.statements import run
from didier.storage.tables import (
    ARCHIVES,
    CALL_RIGHTS,
    DID_LOG,
    DIDIER_RIGHTS,
    DIDIER_TABLES,
    OPTIONAL_RIGHTS,
    RIGHTS,
)
from support.channel import Channel
from support.commands import command as didier
from support.engines import opened
from support.forking import Forked
from support.mariadb import free_port
from support.process import until
from support.restricted import restricted_user
from support.server import PATH, Didier

RECORDINGS = Path(replay_agi.__file__).parent / "recordings"


SERVES = "Asterisk asks"
"""What is said once calls may come."""


class Agi:
    """A running `didier agi` on a port of its own."""

    def __init__(self, directory, *arguments, environment=None, port=None):
        self.port = port or free_port()
        self.log = directory / "agi.log"
        before = self.log.read_text().count(SERVES) if self.log.exists() else 0
        with self.log.open("ab") as log, open(os.devnull) as nothing:
            self.process = Forked(
                ["agi", "--port", str(self.port), *arguments],
                directory,
                {**os.environ, **(environment or {})},
                [nothing.fileno(), log.fileno(), log.fileno()],
            )
        until(lambda: self.log.read_text().count(SERVES) > before or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    @property
    def address(self):
        return f"agi://127.0.0.1:{self.port}/did-route"

    def stop(self):
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def slow_web():
    """A web server that says 1 when it is let; yield address, being asked, and letting it."""
    asked, go_on = threading.Event(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.set()
            go_on.wait(60)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"1")

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", asked, go_on
    server.shutdown()
    server.server_close()


def add_did(url, **columns):
    with opened(url) as engine, engine.begin() as conn:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        sql = f"INSERT INTO vicidial_inbound_dids ({names}) VALUES ({marks})"
        run(conn, sql, *columns.values())


SLOW = {"DIDIER_AGI_SECONDS": "60", "DIDIER_AGI_URL_SECONDS": "60"}
SENT_ON = ["SET CONTEXT default", "SET EXTENSION 8600", "SET PRIORITY 1"]


def test_recorded_calls_are_routed(tmp_path, engine, database_url):
    """It gives the commands, and leaves the rows, that VICIdial's script does."""
    agi = Agi(tmp_path, "--database", database_url)
    recording = str(RECORDINGS / "routes.json")

    status = replay_agi.main(["--agi", agi.address, "--database", database_url, recording])

    assert (0, 0) == (status, agi.stop())


def test_it_says_where_it_is_asked(tmp_path, database_url):
    """Standard output has the line for the dialplan, and nothing of HTTP."""
    agi = Agi(tmp_path, "--database", database_url)
    agi.stop()

    assert f"Asterisk asks agi://127.0.0.1:{agi.port}/did-route where calls go" in agi.log.read_text()
    assert "http" not in agi.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_call_that_is_decided_on_is_sent_on_its_way(tmp_path, database_url, number):
    """A signal ends the process behind the calls that it has taken; others are refused meanwhile."""
    with slow_web() as (url, asked, go_on):
        add_did(
            database_url, did_pattern="18005550100", did_active="Y", did_route="EXTEN", extension="8500",
            filter_inbound_number="URL", filter_url=url, filter_action="EXTEN", filter_extension="8600",
            filter_exten_context="default",
        )  # fmt: skip
        agi = Agi(tmp_path, "--database", database_url, environment=SLOW)
        channel = Channel(agi.port, "18005550100")
        first = channel.told()
        asked.wait(60)
        agi.process.send_signal(number)
        until(lambda: _is_refused(agi.port))
        still_running = agi.process.poll() is None
        go_on.set()

        assert "GET VARIABLE VICIrecGatewayID" == first
        assert SENT_ON == channel.rest()
        assert (True, 0) == (still_running, agi.process.wait(60))
    with opened(database_url) as engine, engine.begin() as conn:
        assert [("F_EXTEN",)] == run(conn, "SELECT did_route FROM vicidial_did_log")


def _is_refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=60).close()
    except ConnectionRefusedError:
        return True
    return False


@pytest.mark.parametrize(("forms", "extension"), [("on", "8500"), ("off", "8501")])
def test_other_spellings_are_a_setting(tmp_path, database_url, forms, extension):
    """With it a number in another spelling has its calls; without, they go to the default."""
    add_did(database_url, did_pattern="18005550100", did_route="EXTEN", extension="8500")
    add_did(database_url, did_pattern="default", did_route="EXTEN", extension="8501")
    agi = Agi(tmp_path, "--database", database_url, environment={"DIDIER_AGI_NUMBER_FORMS": forms})

    commands = Channel(agi.port, "+18005550100").rest()

    assert f"SET EXTENSION {extension}" in commands
    assert 0 == agi.stop()


@pytest.mark.parametrize(
    ("networks", "known_as"), [("", "10.0.0.7"), ("10.0.0.0/8", "127.0.0.1")], ids=["alone", "for others"]
)
def test_the_server_is_the_one_of_vicidials_file(tmp_path, fresh_database, networks, known_as):
    """Where this machine alone may ask, calls arrive at the server that the file names."""
    url = fresh_database.url()
    file = conf(tmp_path, url)
    with open(file, "a") as more:
        more.write("VARserver_ip => 10.0.0.7\n")
    environment = {"DIDIER_AGI_NETWORKS": networks}
    agi = Agi(tmp_path, "--astguiclient-conf", file, environment=environment)

    Channel(agi.port, "18001234567").rest()

    assert 0 == agi.stop()
    with opened(url) as engine, engine.begin() as conn:
        assert [(known_as,)] == run(conn, "SELECT server_ip FROM vicidial_did_log")


def test_it_works_beside_a_server(tmp_path, engine, database_url):
    """Both write to one database; what HTTP creates is routed at once."""
    server = Didier(tmp_path, "--demo", "--database", database_url).start()
    agi = Agi(tmp_path, "--database", database_url)
    try:
        assert server.tutorial(target="18002223333").startswith("SUCCESS")
        commands = Channel(agi.port, "18002223333").rest()
    finally:
        stopped = [agi.stop(), server.stop()]

    assert "SET PRIORITY 1" == commands[-1]
    assert [0, 0] == stopped


def test_no_file_is_an_error(tmp_path):
    """Without an embedded database it says how one is created."""
    finished = didier(tmp_path, "agi")

    assert (2, True) == (finished.returncode, "'didier init' creates one" in finished.stderr)


def test_a_port_that_is_taken_is_named(tmp_path):
    """With the settings that say another."""
    didier(tmp_path, "init")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        finished = didier(tmp_path, "agi", "--port", str(taken.getsockname()[1]))

    assert 2 == finished.returncode
    assert "agi_host and agi_port: cannot listen on 127.0.0.1" in finished.stderr


def test_rows_that_are_lost_are_counted(tmp_path, fresh_database):
    """A log that may not be written costs no call; the metrics and the log name the table."""
    rights = {**RIGHTS, **OPTIONAL_RIGHTS, **dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS), **CALL_RIGHTS}
    there = {table: needed for table, needed in rights.items() if table not in ARCHIVES}
    url = restricted_user(fresh_database.url(), {**there, DID_LOG: ("SELECT",)})
    port = free_port()
    environment = {"DIDIER_AGI_PORT": str(port)}
    server = Didier(tmp_path, "--demo", "--database", url, environment=environment).start()
    try:
        calls = [Channel(port, "18001234567").rest() for _ in range(2)]
        metrics = server.get("/metrics")[1]
    finally:
        server.stop()

    assert ["SET PRIORITY 1"] * 2 == [commands[-1] for commands in calls]
    assert 'didier_call_log_rows_lost_total{table="vicidial_did_log"} 2.0' in metrics
    assert 1 == server.log.read_text().count("call_log_not_written")


def test_a_process_for_calls_alone_can_be_watched(tmp_path, database_url):
    """With a port for it: whether it is ready, and how calls ended; there is nothing else."""
    port = free_port()
    agi = Agi(tmp_path, "--database", database_url, environment={"DIDIER_AGI_METRICS_PORT": str(port)})
    Channel(agi.port, "18005550100").rest()
    until(lambda: 'didier_calls_total{result="unknown"} 1.0' in _page(port, "/metrics")[1])

    status, text = _page(port, "/readyz")
    assert (200, "ready") == (status, text.splitlines()[0])
    assert (200, "ok\n") == _page(port, "/healthz")
    assert {404} == {_page(port, path)[0] for path in ("/", "/admin/", "/api/v1/dids", PATH)}
    assert 0 == agi.stop()


def _page(port, path):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_two_ports_are_two(tmp_path):
    """The setting is named that is to be another."""
    didier(tmp_path, "init")
    refused = didier(tmp_path, "agi", environment={"DIDIER_AGI_METRICS_PORT": "4573"})

    assert 0 != refused.returncode
    assert "agi_metrics_port: it is the same as agi_port; it must be another" in refused.stderr
