"""Processes that are measured, their memory, and a place on a real disk."""

import http.client
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

from support.mariadb import free_port


def wait_for(port: int) -> None:
    """Wait until something answers on *port*."""
    deadline = time.monotonic() + 30
    while True:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


@contextmanager
def process(*command: str, cwd: Path) -> Iterator[tuple[int, int]]:
    """Run a server; yield its process id and port (``PORT`` in *command* stands for it)."""
    port = free_port()
    arguments = [argument.replace("PORT", str(port)) for argument in command]
    with (cwd / "log").open("ab") as log:
        server = subprocess.Popen([sys.executable, *arguments], cwd=cwd, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield server.pid, port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def didier(directory: Path, database: str | None = None):
    """Run Didier on a database of its own, as an operator would: every request is logged."""
    url = database or f"sqlite:///{directory}/didier.db"
    return process("-m", "didier", "serve", "--demo", "--port", "PORT", "--database", url, cwd=directory)


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
