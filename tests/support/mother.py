"""A process that has imported what `didier` does when it runs, and forks processes that go on.

It is started by `support.forking`, and given the number of a socket. Nothing that tests could see has
happened before a fork; the process that runs `didier` then ends as Python ends.
"""

import fcntl
import gc
import json
import os
import signal
import socket
import sys
import termios
import time
from typing import Any

# These are imported by the command when it runs.
import alembic.command  # noqa: F401
import pymysql  # noqa: F401
import rich.progress
import rich.table  # noqa: F401

import didier.cli.local.inprocess
import didier.cli.local.serving
import didier.web.admin.site
import didier.web.api.routes  # noqa: F401
from didier.cli.main import command_line, main
from didier.storage.tables import routing_tables, vicidial_tables

LONGEST = 1 << 20
"""Bytes of an order; an environment takes some thousand."""

STANDARD = (0, 1, 2)
"""A process's input, output and errors."""


def forked(orders: socket.socket) -> list[str]:
    """Fork for each of the *orders*, to their end; return in each new process what it is to do."""
    while True:
        text, files, _, _ = socket.recv_fds(orders, LONGEST, 4)
        _forget_ended()
        if not text:
            sys.exit()
        if os.fork() == 0:
            orders.close()
            *standard, status = files
            _fork_watched(standard, status)
            return _become(json.loads(text), standard)
        for file in files:
            os.close(file)


def _forget_ended() -> None:
    """Take the exit statuses of those who have watched a process to its end."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _fork_watched(standard: list[int], status: int) -> None:
    """Fork again: write the id of the new process and its exit status to *status*; return in that alone."""
    if (process := os.fork()) == 0:
        os.close(status)
        return
    for file in (*STANDARD, *standard):
        os.close(file)
    os.write(status, f"{process}\n".encode())
    ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.write(status, f"{ended}\n".encode())
    os._exit(0)


def _become(order: dict[str, Any], standard: list[int]) -> list[str]:
    """Make this process what *order* asks for, as if it had been started so; return its arguments."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(standard):
        os.dup2(file, number)
        os.close(file)
    if order["terminal"]:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # a shell does it; tests may run without a terminal
    # As Python opens them: https://docs.python.org/3/library/sys.html#sys.stderr
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(order["directory"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    arguments: list[str] = order["arguments"]
    sys.argv = ["didier", *arguments]
    return arguments


if __name__ == "__main__":
    for made_once in (command_line, vicidial_tables, routing_tables):
        made_once()
    gc.freeze()  # else each process collects at its end, and so copies, all that was imported
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who run the tests
    main(forked(socket.socket(fileno=int(sys.argv[1]))))
