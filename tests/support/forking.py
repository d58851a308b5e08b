"""Processes that run `didier` without having to import it: `support.mother` has done that for all of them.

It takes two thirds of a second of computing, and the tests start hundreds of servers. The fork server of
`multiprocessing` ends its processes without what `atexit` knows, where Didier writes the last of its log.
"""

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing.connection import wait as wait_for
from pathlib import Path


class Forked:
    """A process that runs `didier` with *arguments*; it is used as one of `subprocess.Popen` is.

    The *files* are its standard input, output and errors; they may be closed afterwards. If they are a
    *terminal*, it is the process's own.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        directory: Path,
        environment: Mapping[str, str],
        files: Sequence[int],
        *,
        terminal: bool = False,
    ) -> None:
        order = {
            "arguments": arguments,
            "directory": str(directory),
            "environment": dict(environment),
            "terminal": terminal,
        }
        reading, writing = os.pipe()
        socket.send_fds(_orders(), [json.dumps(order).encode()], [*files, writing])
        os.close(writing)
        self._status = os.fdopen(reading, "rb", buffering=0)
        self.pid = int(self._status.readline())
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit status as Popen's, None before the end."""
        if self.returncode is None and wait_for([self._status], 0):
            self.returncode = int(self._status.readline())
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, *timeout* seconds at most; return the exit status."""
        if self.returncode is None and not wait_for([self._status], timeout):
            raise subprocess.TimeoutExpired("didier", timeout or 0)
        status = self.poll()
        assert status is not None
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process as a power failure would."""
        self.send_signal(signal.SIGKILL)


@cache
def _orders() -> socket.socket:
    """Start the mother of all processes; return where she takes orders."""
    ours, hers = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    program = Path(__file__).with_name("mother.py")
    # -P: its directory has modules with the names of Python's own.
    mother = subprocess.Popen([sys.executable, "-P", program, str(hers.fileno())], pass_fds=[hers.fileno()])
    hers.close()
    atexit.register(_end, ours, mother)
    return ours


def _end(orders: socket.socket, mother: "subprocess.Popen[bytes]") -> None:
    orders.shutdown(socket.SHUT_RDWR)  # also for a process that has been forked since
    mother.wait()
