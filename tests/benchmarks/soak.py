"""All kinds of calls for a long time, at half the rate that is possible: what grows, and what fails?

    make soak                                   ten minutes on an embedded database
    make soak SOAK='--minutes 60 --mariadb'     longer, on MariaDB
    make soak SOAK='--json soak.json'           also as JSON
    make soak SOAK='changes'                    who follows changes, in place of all that: soak_changes.py

The rate is measured first. Memory is told after a third of the time, two thirds, and at the end, and by how
much it grows in the last half. Ends with status 1 when a call was answered otherwise than it should be, or a
DID is lost.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import databases
import machine
import servers
import soak_changes

from support.process import Process
from support.server import Didier
from support.soaking import Sample, Soak

EVERY = 5.0
"""Seconds between samples."""

SILENCE = 3.0
"""Seconds without a change after which nothing is under way any more."""


def main() -> int:
    """Measure the rate, soak, and print what was seen; return the exit status."""
    options = _options()
    with ExitStack() as stack:
        directory = stack.enter_context(servers.workplace())
        server = stack.enter_context(_served(directory, mariadb=options.mariadb))
        process = Process(server.process.pid)
        warm = Soak(server, options.clients)
        warm.run(options.warm_up)
        rate = sum(warm.done.values()) / warm.samples[-1].seconds / 2
        before = _settled(process)
        print(f"{rate:.0f} calls a second, half of what {options.clients} clients get; {before} open files")
        soak = Soak(server, options.clients, rate, first=options.clients)
        soak.run(options.minutes * 60, every=EVERY, tell=_tell)
        after = _settled(process)
        figures = _figures(soak, warm, rate) | {"files_before": before, "files_after": after}
        figures["failures_logged"] = server.log.read_text().count('"level":"error"')
    figures |= {"database": "MariaDB" if options.mariadb else "SQLite", "machine": machine.described()}
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return 1 if figures["errors"] or figures["failures_logged"] or figures["dids_lost"] else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, default=20.0, help="seconds in which the rate is measured")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB instead of SQLite")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


@contextmanager
def _served(directory: Path, *, mariadb: bool) -> Iterator[Didier]:
    with ExitStack() as stack:
        url = f"sqlite:///{directory}/didier.db"
        if mariadb:
            url = stack.enter_context(servers.mariadb()).database()
            databases.prepared(url).dispose()
        environment = {"DIDIER_RATE_LIMIT": "0"}
        server = Didier(
            directory, "--demo", "--database", url, environment=environment, python=sys.executable
        ).start()
        stack.callback(server.stop)
        yield server


def _settled(process: Process) -> int:
    """Return how many files are open when their number does not change any more."""
    files, since = process.files, time.monotonic()
    while time.monotonic() - since < SILENCE:
        time.sleep(0.1)
        if files != process.files:
            files, since = process.files, time.monotonic()
    return files


def _tell(sample: Sample) -> None:
    if sample.seconds <= EVERY * 1.5:
        print(f"{'seconds':>8} {'MB':>7} {'files':>6} {'threads':>8} {'calls':>9}")
    print(
        f"{sample.seconds:8.0f} {sample.megabytes:7.1f} {sample.files:6} {sample.threads:8} {sample.done:9}",
        flush=True,
    )


def _figures(soak: Soak, warm: Soak, rate: float) -> dict[str, Any]:
    samples = soak.samples
    return {
        "calls_a_second": round(rate, 1),
        "calls": dict(soak.done.most_common()),
        "errors": warm.errors + soak.errors,
        "dids_kept": warm.kept + soak.kept,
        "dids_lost": warm.lost + soak.lost,
        "megabytes": [samples[len(samples) * part // 3 - 1].megabytes for part in (1, 2, 3)],
        "megabytes_a_minute": round(_growth(samples), 2),
        "most_files": max(sample.files for sample in samples),
        "most_threads": max(sample.threads for sample in samples),
        "samples": [asdict(sample) for sample in samples],
    }


def _growth(samples: list[Sample]) -> float:
    """Return the megabytes a minute between the third and the last quarter.

    Medians, as a password that is compared takes 19 MB for a moment.
    """
    quarter = len(samples) // 4
    if not quarter:
        return 0.0
    before, after = samples[-2 * quarter : -quarter], samples[-quarter:]
    seconds = median(one.seconds for one in after) - median(one.seconds for one in before)
    return 60 * (median(one.megabytes for one in after) - median(one.megabytes for one in before)) / seconds


def _print(figures: dict[str, Any]) -> None:
    print("\ncalls:")
    for name, number in figures["calls"].items():
        print(f"  {name:16} {number:8}")
    first, second, third = figures["megabytes"]
    print(f"memory after a third, two thirds, at the end: {first}, {second}, {third} MB")
    print(f"memory grows by {figures['megabytes_a_minute']} MB a minute in the second half")
    print(f"open files: {figures['files_before']} before, {figures['most_files']} at most,", end=" ")
    print(f"{figures['files_after']} after; threads: {figures['most_threads']} at most")
    print(f"calls answered otherwise than expected: {len(figures['errors'])}, failures in the log:", end=" ")
    print(figures["failures_logged"])
    print(f"DIDs that should be there: {figures['dids_kept']}, not there: {len(figures['dids_lost'])}")
    for error in figures["errors"][:20]:
        print(f"  {error}")


if __name__ == "__main__":
    sys.exit(soak_changes.main(sys.argv[2:]) if sys.argv[1:2] == ["changes"] else main())
