"""A running `didier serve` and a client that speaks to it as VICIdial's users do."""

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from support.mariadb import free_port

PATH = "/vicidial/non_agent_api.php"
START_SECONDS = 30


class Didier:
    """A server process on a port of its own."""

    def __init__(self, directory: Path, *arguments: str, environment: Mapping[str, str] | None = None):
        self.directory = directory
        self.port = free_port()
        self.log = directory / "didier.log"
        self._arguments = arguments
        self._environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes]

    def start(self) -> "Didier":
        """Start the process and wait until it answers."""
        command = [sys.executable, "-m", "didier", "serve", "--port", str(self.port), *self._arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.directory, stdout=log, stderr=log, env=self._environment
            )
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

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        """End the process as a power failure would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End the process as an operator would; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def get(self, path: str) -> tuple[int, str]:
        """Return status and text of a page."""
        return self.request("GET", path)

    def request(
        self, method: str, path: str, body: str | bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """Send a request on a new connection; return status and text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def call(self, **parameters: str) -> str:
        """Call the Non-Agent API with GET; parameters whose value is None are left out."""
        sent = {name: value for name, value in parameters.items() if value is not None}
        return self.get(f"{PATH}?{urllib.parse.urlencode(sent)}")[1]

    def tutorial(self, source: str = "18001234567", target: str = "18002223333", **changes: str) -> str:
        """Send the tutorial's request with *changes*."""
        parameters = {
            "function": "copy_did",
            "user": "admin",
            "pass": "1234",
            "source": "DIDCopy",
            "did_pattern": source,
            "new_did_pattern": target,
            "did_active": "Y",
        }
        return self.call(**{**parameters, **changes})

    def vicidial(self, function: str, **parameters: str) -> str:
        """Call *function* as VICIdial's user admin."""
        return self.call(**{"function": function, "user": "admin", "pass": "1234", "source": "test"}, **parameters)
