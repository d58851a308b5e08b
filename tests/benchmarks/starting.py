"""Measures starts: the time until something is answered, and the memory of a server that waits."""

import time
from collections.abc import Iterator
from pathlib import Path

from asking import Client
from rows import Options, Row, alone, at_most
from servers import didier, memory, workplace


def start(options: Options) -> Iterator[Row]:
    """A start on a database that is there."""
    with workplace() as directory:
        with didier(directory):
            pass
        yield from starts(options, directory, f"sqlite:///{directory}/didier.db", "")


def starts(options: Options, directory: Path, url: str, suffix: str) -> Iterator[Row]:
    """Start again and again on the database at *url*."""
    first, copied, idle = [], [], []
    for round_ in range(options.rounds):
        began = time.perf_counter()
        with didier(directory, url) as (pid, port):
            first.append(time.perf_counter() - began)
            idle.append(memory(pid))
            Client(port).copy(f"90{round_}{time.time_ns()}")
            copied.append(time.perf_counter() - began)
    yield alone(f"start to first reply{suffix}", "s", first, at_most(1))
    yield alone(f"start to first copy{suffix}", "s", copied)
    yield alone(f"memory when idle{suffix}", "MB", idle, at_most(120))
