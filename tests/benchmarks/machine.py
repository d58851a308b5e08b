"""The machine that measures, and how fast its disk stores for good."""

import os
import platform
import re
import sqlite3
import statistics
import subprocess
import time
from collections.abc import Iterator
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from rows import Options, Row, alone
from servers import workplace

FSYNCS = 100


def described() -> dict[str, str | int | float]:
    """Return what figures depend on: hardware, versions, and how busy the machine was before."""
    facts = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.+)", facts)
    memory = re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert memory
    return {
        "date": datetime.now().date().isoformat(),
        "didier": version("didier"),
        "processor": model[1] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gb": round(int(memory[1]) / 1_000_000, 1),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "kernel": platform.release(),
        "python": platform.python_version(),
        "httptools": version("httptools"),
        "uvloop": version("uvloop"),
        "sqlite": sqlite3.sqlite_version,
        "mariadb": _mariadb(),
        "fsync_ms": round(statistics.median(_fsyncs()), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _mariadb() -> str:
    try:
        told = subprocess.run(["mariadbd", "--version"], capture_output=True, text=True, check=True).stdout
    except OSError:
        return "none"
    found = re.search(r"Ver (\S+)-MariaDB", told)
    return found[1] if found else told.strip()


def _fsyncs() -> list[float]:
    """Return how many milliseconds the disk takes to store 8 kB for good, again and again."""
    taken = []
    with workplace() as directory, (directory / "file").open("wb", buffering=0) as file:
        for _ in range(FSYNCS):
            began = time.perf_counter()
            file.write(b"x" * 8192)
            os.fsync(file.fileno())
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def disk(options: Options) -> Iterator[Row]:
    """The floor of every commit."""
    yield alone("fsync of 8 kB", "ms", [statistics.median(_fsyncs()) for _ in range(options.rounds)])
