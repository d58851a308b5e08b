"""A running `didier serve` and a client that speaks to it as VICIdial's users do."""

import base64
import http.client
import itertools
import os
import signal
import sqlite3
import ssl
import subprocess
import tempfile
import time
import urllib.parse
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.forking import Forked
from support.mariadb import free_port
from support.process import until

PATH = "/vicidial/non_agent_api.php"
START_SECONDS = 30
FORM = "application/x-www-form-urlencoded"
BASIC = {"Authorization": f"Basic {base64.b64encode(b'admin:1234').decode()}"}
"""How the tutorial's user signs in to the JSON API."""
TUTORIAL = {
    "function": "copy_did",
    "user": "admin",
    "pass": "1234",
    "source": "DIDCopy",
    "did_pattern": "18001234567",
    "new_did_pattern": "18002223333",
    "did_active": "Y",
}
"""The parameters of the tutorial's request."""


@dataclass(frozen=True)
class Answer:
    """An HTTP response; the names of *headers* are in lower case."""

    status: int
    headers: dict[str, str]
    text: str


HANG_SECONDS = 300
"""After which a command counts as one that does not end."""


def didier(
    directory: Path, *arguments: str, typed: str = "", environment: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run the command `didier` in *directory* with *typed* on its standard input, to its end.

    Nobody has signed in anywhere, also not who runs the tests.
    """
    settings = {**os.environ, "XDG_CONFIG_HOME": str(directory / "config"), **(environment or {})}
    with ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(3)]
        files[0].write(typed)
        files[0].seek(0)
        process = Forked(arguments, directory, settings, [file.fileno() for file in files])
        try:
            status = process.wait(HANG_SECONDS)
        finally:
            process.kill()
        for file in files:
            file.seek(0)
        return subprocess.CompletedProcess(arguments, status, files[1].read(), files[2].read())


def multipart(fields: Iterable[tuple[str, str]]) -> tuple[bytes, dict[str, str]]:
    """Return body and headers of a form with *fields* as a browser's FormData sends it."""
    mark = "didier-test-boundary"
    parts = "".join(
        f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    return f"{parts}--{mark}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={mark}"}


STILL = {"DIDIER_RECONCILE": "false", "DIDIER_CHECK_SECONDS": "0", "DIDIER_USAGE_SECONDS": "0"}
"""Settings of a server that stores nothing of itself."""


class Didier:
    """A server process on a port of its own; its embedded database is `database`.

    With *python* it is the command itself, run by that: libraries read *environment* too, as they are loaded.
    With *tls* it is asked over TLS. It `counts` calls itself unless the settings say that it does not.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        python: str | Path | None = None,
        tls: ssl.SSLContext | None = None,
    ):
        self._python = python
        self.tls = tls
        self.directory = directory
        self.port = free_port()
        self.log = directory / "didier.log"
        self.database = directory / "didier.db"
        self._arguments = arguments
        self._environment = {**os.environ, **(environment or {})}
        self.counts = self._environment.get("DIDIER_USAGE_SECONDS") != "0"
        self._marks = itertools.count()
        self.process: subprocess.Popen[bytes] | Forked

    def start(self) -> "Didier":
        """Start the process and wait until it answers."""
        with self.log.open("ab") as log:
            self.process = self._started(log.fileno())
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                if self.get("/readyz")[0] == 200:
                    return self
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.kill()
                raise AssertionError(f"didier serve: {self.log.read_text()[-3000:]}")
            time.sleep(0.02)

    def _started(self, log: int) -> "subprocess.Popen[bytes] | Forked":
        arguments = ["serve", "--port", str(self.port), *self._arguments]
        if self._python is None:
            with open(os.devnull) as nothing:
                return Forked(arguments, self.directory, self._environment, [nothing.fileno(), log, log])
        command = [str(self._python), "-m", "didier", *arguments]
        return subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log, env=self._environment)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End the process as a power failure would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End the process as an operator would; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def logged(self) -> str:
        """Return the log once it has the lines of all that was answered before.

        A line is written after its answer is sent; so a request of its own is waited for.
        """
        path = f"/marks/{next(self._marks)}"
        assert self.get(path)[0] == 404
        until(lambda: f'"{path}"' in self.log.read_text())
        return self.log.read_text()

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self.request("GET", path)

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """Send a request on a new connection; return status and text."""
        answer = self.exchange(method, path, body, headers)
        return answer.status, answer.text

    def exchange(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request on a new connection; return the whole answer."""
        connection = (
            http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=self.tls)
            if self.tls
            else http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        )
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            sent: dict[str, str] = {}
            for name, value in response.getheaders():  # a name that comes twice has its values in one line
                sent[name.lower()] = ", ".join(filter(None, (sent.get(name.lower()), value)))
            return Answer(response.status, sent, response.read().decode())
        finally:
            connection.close()

    def call(self, **parameters: str | None) -> str:
        """Call the Non-Agent API with GET; parameters whose value is None are left out."""
        return self.get(f"{PATH}?{_encoded(parameters)}")[1]

    def post(self, *, query: str = "", **parameters: str | None) -> str:
        """Call the Non-Agent API with a form; parameters whose value is None are left out."""
        path = f"{PATH}?{query}" if query else PATH
        return self.request("POST", path, _encoded(parameters), {"Content-Type": FORM})[1]

    def tutorial(self, did: str = "18001234567", target: str = "18002223333", **changes: str | None) -> str:
        """Send the tutorial's request to copy *did* to *target*, with *changes* of its parameters."""
        return self.call(**{**TUTORIAL, "did_pattern": did, "new_did_pattern": target, **changes})

    def vicidial(self, function: str, **parameters: str | None) -> str:
        """Call *function* as VICIdial's user admin."""
        login = {"function": function, "user": "admin", "pass": "1234", "source": "test"}
        return self.call(**{**login, **parameters})

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Run *statement* on the embedded database beside the server; return its rows."""
        with closing(sqlite3.connect(self.database, timeout=30)) as conn, conn:
            return conn.execute(statement, values).fetchall()

    def did(self, pattern: str) -> dict[str, Any]:
        """Return the row of the DID *pattern* by column."""
        with closing(sqlite3.connect(self.database, timeout=30)) as conn:
            conn.row_factory = sqlite3.Row
            [row] = conn.execute("SELECT * FROM vicidial_inbound_dids WHERE did_pattern = ?", [pattern])
            return dict(row)

    def patterns(self) -> list[str]:
        """Return the patterns of all DIDs in the order in which they were made."""
        return [row[0] for row in self.sql("SELECT did_pattern FROM vicidial_inbound_dids ORDER BY did_id")]


def _encoded(parameters: Mapping[str, str | None]) -> str:
    return urllib.parse.urlencode({name: value for name, value in parameters.items() if value is not None})
