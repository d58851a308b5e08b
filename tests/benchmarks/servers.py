"""Processes that are measured, their memory, and a place on a real disk."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.mariadb import MariaDB, free_port, running_mariadb


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until *server* answers on *port*."""
    deadline = time.monotonic() + 60
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline or server.poll() is not None:
                raise AssertionError(f"the server does not answer: {log.read_text()[-2000:]}") from None
            time.sleep(0.005)


@contextmanager
def process(*command: str, cwd: Path, **settings: str) -> Iterator[tuple[int, int]]:
    """Run a server; yield its process id and port (``PORT`` in *command* stands for it)."""
    port = free_port()
    arguments = [argument.replace("PORT", str(port)) for argument in command]
    # A client that measures asks faster than people do.
    environment = {**os.environ, "DIDIER_RATE_LIMIT": "0", **settings}
    with (cwd / "log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, *arguments], cwd=cwd, env=environment, stdout=log, stderr=log
        )
    try:
        _wait_for(port, server, cwd / "log")
        yield server.pid, port
    except AssertionError as error:
        error.add_note(_trouble(cwd / "log"))
        raise
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _trouble(log: Path) -> str:
    """Return the last lines of *log* that are not about requests that were answered."""
    lines = [line for line in log.read_text().splitlines() if '"status":200' not in line]
    return "\n".join(["The server says:", *lines[-5:]])


def didier(directory: Path, database: str | None = None, **settings: str):
    """Run Didier on a database of its own, as an operator would: every request is logged."""
    url = database or f"sqlite:///{directory}/didier.db"
    command = ("-m", "didier", "serve", "--demo", "--port", "PORT", "--database", url)
    return process(*command, cwd=directory, **settings)


def bare_server(directory: Path):
    """Run the same HTTP server with an application that says hello."""
    return process(str(Path(__file__).with_name("bare.py")), "PORT", cwd=directory)


def memory(pid: int, field: str = "VmRSS") -> float:
    """Return the memory of a process in MB; with the field ``VmHWM`` the most that it ever had."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(rf"{field}:\s+(\d+)", status)
    assert found
    return int(found[1]) / 1000


@contextmanager
def workplace() -> Iterator[Path]:
    """Make a directory on the disk of the working directory (a memory file system would not count)."""
    directory = Path(tempfile.mkdtemp(prefix=".bench-", dir=Path.cwd()))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def mariadb() -> Iterator[MariaDB]:
    """Run MariaDB on the disk, with memory as a server has it and the log for good at each commit."""
    with running_mariadb("--innodb-buffer-pool-size=1G", on_disk=True) as server:
        yield server
