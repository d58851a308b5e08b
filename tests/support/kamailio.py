"""A running Kamailio with the very files that `didier kamailio init` writes."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2

from didier.domain.gateways import GatewaySet
from didier.edge import dispatcher
from didier.edge.installation import CONFIGURATION, Installation, read_secret, write
from support import missing
from support.mariadb import free_port
from support.process import until

MODULES = ("db_sqlite", "http_client")
"""Modules that are not in Debian's package kamailio itself."""


def program() -> str:
    """Return the path of Kamailio, if it can run here with all that it is set up with."""
    found = missing.program("kamailio", "kamailio")
    there = {file.stem for file in Path("/usr/lib").glob("*/kamailio/modules/*.so")}
    for module, package in zip(MODULES, ("kamailio-sqlite-modules", "kamailio-utils-modules"), strict=True):
        if module not in there:
            missing.cannot_run(f"Kamailio's module {module} (Debian package {package})")
    return found


class Kamailio:
    """Kamailio in *directory*, with SIP at *port* of the loopback address, by UDP and TCP."""

    def __init__(
        self, directory: Path, sources: Iterable[str] = ("127.0.0.0/8",), default_set: int = 0
    ) -> None:
        self._program = program()
        self.port = free_port()
        self.installation = Installation(
            directory,
            tuple(f"{transport}:127.0.0.1:{self.port}" for transport in ("udp", "tcp")),
            tuple(sources),
            "http://127.0.0.1:8080",
            directory / "token",
            directory / "edge.db",
            Path("/usr/bin/didier"),
            default_set,
            free_port(),
            free_port(),
            "root" if os.geteuid() == 0 else "kamailio",
        )
        write(self.installation)
        self.log = directory / "kamailio.log"
        self._process: subprocess.Popen[bytes]
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.installation.control_port}",
            headers={"Authorization": f"Bearer {read_secret(self.installation.secret_file)}"},
            timeout=60,
        )

    def store(self, numbers: Mapping[str, int], sets: Iterable[GatewaySet] = ()) -> None:
        """Write *numbers* and *sets* into the tables, in place of what is there."""
        columns = ", ".join(dispatcher.Row._fields)
        with closing(sqlite3.connect(self.installation.database)) as connection, connection:
            connection.execute("DELETE FROM numbers")
            connection.executemany("INSERT INTO numbers (key_name, key_value) VALUES (?, ?)", numbers.items())
            connection.execute("DELETE FROM dispatcher")
            connection.executemany(
                f"INSERT INTO dispatcher ({columns}) VALUES (?, ?, ?, ?, ?, ?)", dispatcher.rows(sets)
            )

    def start(self) -> "Kamailio":
        """Start it, and wait until it has loaded the tables and answers."""
        folder = self.installation.directory
        command = [
            self._program, "-DD", "-E", "-f", str(folder / CONFIGURATION), "-P", str(folder / "kamailio.pid"),
            "-Y", str(folder), "-m", "512", "-M", "512", "-x", "tlsf", "-X", "tlsf",
        ]  # fmt: skip
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        until(self._answers)
        return self

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()[-3000:]
        with suppress(httpx2.TransportError):
            return self.http.get("/cursor").status_code == 200
        return False

    def kill(self) -> None:
        """End it as a power failure would, with all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as an operator would, and what is left of it."""
        if self._process.poll() is None:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self.kill()

    def push(self, text: str) -> httpx2.Response:
        """Send lines of numbers."""
        return self.http.post("/numbers", content=text)

    def rpc(self, method: str, *params: Any) -> Any:
        """Return what a command says, its result or its error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = self.http.post("/RPC", json=body).json()
        return answer.get("result", answer.get("error"))

    def states(self) -> dict[str, str]:
        """Return the flags of each gateway: AP is active and probed, IP is not active."""
        records = self.rpc("dispatcher.list").get("RECORDS", [])
        return {
            one["DEST"]["URI"]: one["DEST"]["FLAGS"] for record in records for one in record["SET"]["TARGETS"]
        }
