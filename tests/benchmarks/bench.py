"""Measures what Didier promises, each figure beside a reference measured in the same run.

    make bench                     all rows
    make bench BENCH='--seconds 3' shorter

Machines differ and are shared: the ratios are what counts. Nothing here passes or fails.
"""

import argparse
import os
import platform
import re
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import bulk
import panel
from servers import didier, memory, process, workplace

HERE = Path(__file__).parent
CONNECTIONS = (1, 8, 32, 128)
ROUNDS = 3


def wrk(port: int, connections: int, seconds: float, prefix: str) -> float:
    """Return the requests per second that *connections* get answered with SUCCESS."""
    result = subprocess.run(
        [
            "wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "-s", str(HERE / "copy.lua"),
            f"http://127.0.0.1:{port}", "--", prefix,
        ],
        capture_output=True,
        text=True,
        check=True,
    )  # fmt: skip
    failed = re.search(r"not copied: (\d+)", result.stdout)
    if failed is None or failed[1] != "0":
        raise AssertionError(result.stdout + result.stderr)
    rate = re.search(r"Requests/sec: +([\d.]+)", result.stdout)
    assert rate
    return float(rate[1])


def copies(seconds: float) -> Iterator[tuple[str, ...]]:
    """Durable copies beside the bare server, in turn, so that both see the same machine."""
    with workplace() as directory:
        (directory / "bare").mkdir()
        with (
            process(str(HERE / "bare.py"), "PORT", cwd=directory / "bare") as (_, bare),
            didier(directory) as (_, port),
        ):
            for connections in CONNECTIONS:
                pairs = [
                    (
                        wrk(port, connections, seconds, f"{round_}{connections:03}"),
                        wrk(bare, connections, seconds, "0"),
                    )
                    for round_ in range(1, ROUNDS + 1)
                ]
                rate = statistics.median(pair[0] for pair in pairs)
                reference = statistics.median(pair[1] for pair in pairs)
                ratio = statistics.median(pair[0] / pair[1] for pair in pairs)
                target = "25 %" if connections == 32 else ""
                yield (
                    f"durable copy_did, {connections} connections", f"{rate:,.0f}/s",
                    f"bare server {reference:,.0f}/s", f"{ratio:.1%}", target,
                )  # fmt: skip
            rows = sqlite3.connect(directory / "didier.db").execute(
                "SELECT count(*) FROM vicidial_inbound_dids"
            )
            yield ("DIDs made meanwhile", f"{rows.fetchone()[0]:,}", "", "", "")


def start(_: float) -> Iterator[tuple[str, ...]]:
    """Time from the command to the first reply, and memory when idle; on a database that exists."""
    with workplace() as directory:
        with didier(directory):
            pass
        times = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            with didier(directory) as (pid, _):
                times.append(time.perf_counter() - began)
                idle = memory(pid)
        yield ("start to first reply", f"{statistics.median(times):.2f} s", "", "", "1 s")
        yield ("memory when idle", f"{idle:.0f} MB", "", "", "120 MB")


def disk(_: float) -> Iterator[tuple[str, ...]]:
    """How long the disk takes to store 8 kB for good: the floor of every commit."""
    with workplace() as directory, (directory / "file").open("wb", buffering=0) as file:
        times = []
        for _ in range(200):
            began = time.perf_counter()
            file.write(b"x" * 8192)
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
        yield ("fsync of 8 kB", f"{statistics.median(times) * 1000:.2f} ms", "", "", "")


ROWS: dict[str, Callable[[float], Iterator[tuple[str, ...]]]] = {
    "disk": disk,
    "start": start,
    "copies": copies,
    "bulk": bulk.sqlite,
    "bulk-mariadb": bulk.mariadb,
    "latency": bulk.latency,
    "panel": panel.lists,
}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which rows; all by default")
    parser.add_argument("--seconds", type=float, default=5, help="length of each measurement")
    options = parser.parse_args()
    names = ("python " + platform.python_version(), *(f"{n} {version(n)}" for n in ("granian", "uvloop")))
    machine = f"{platform.machine()}, {os.cpu_count()} processors"
    print(f"{machine}; {', '.join(names)}, SQLite {sqlite3.sqlite_version}")
    print(f"{'what':42} {'measured':>12}  {'reference in the same run':28} {'ratio':>7}  target")
    for name in options.rows or ROWS:
        for row in ROWS[name](options.seconds):
            print(f"{row[0]:42} {row[1]:>12}  {row[2]:28} {row[3]:>7}  {row[4]}", flush=True)


if __name__ == "__main__":
    main()
