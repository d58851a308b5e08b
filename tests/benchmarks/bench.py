"""Measures what Didier promises, each figure beside a reference measured in the same run.

    make bench                                        all of it, in about 20 minutes
    make bench BENCH='copies growth --seconds 1'      some of it, shorter
    make bench BENCH='--json figures.json'            also as JSON
    make bench BENCH='--page docs/performance.md'     also as the table of that page

Machines differ and are shared: the ratios are what counts. Nothing here passes or fails.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import bulk
import calls
import copies
import edges
import growth
import machine
import outside
import page
import panel
import starting
import usage
import verbs
from rows import COLUMNS, Group, Options, as_json, cells

GROUPS: dict[str, Group] = {
    "disk": machine.disk,
    "start": starting.start,
    "copies": copies.on_sqlite,
    "copies-mariadb": copies.on_mariadb,
    "copies-myisam": copies.on_myisam,
    "processes": copies.processes,
    "bulk": bulk.on_sqlite,
    "bulk-mariadb": bulk.on_mariadb,
    "verbs": verbs.on_sqlite,
    "verbs-mariadb": verbs.on_mariadb,
    "verbs-myisam": verbs.on_myisam,
    "latency": bulk.latency,
    "growth": growth.on_sqlite,
    "growth-mariadb": growth.on_mariadb,
    "exports": growth.exports,
    "calls": calls.on_sqlite,
    "calls-mariadb": calls.on_mariadb,
    "edges": edges.on_sqlite,
    "edges-mariadb": edges.on_mariadb,
    "outside": outside.on_sqlite,
    "outside-mariadb": outside.on_mariadb,
    "panel": panel.lists,
    "usage": usage.on_sqlite,
    "usage-mariadb": usage.on_mariadb,
}

WIDTHS = (66, 12, 17, 52, 7, 13, 21, 3)


def main() -> None:
    """Print the table, and write it where it is wanted."""
    options = _options()
    described = machine.described()
    print(", ".join(f"{name} {value}" for name, value in described.items()))
    _print(COLUMNS)
    figures: dict[str, Any] = {"machine": described, "rows": []}
    for group in options.groups or GROUPS:
        measured = Options(options.seconds, options.largest, options.mariadb_largest, calls=options.calls)
        for row in GROUPS[group](measured):
            figures["rows"].append(as_json(row, group))
            _print(cells(figures["rows"][-1]))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    if options.page:
        page.put(options.page, figures)


def _print(texts: tuple[str, ...]) -> None:
    print(
        "  ".join(f"{text:{width}}" for text, width in zip(texts, WIDTHS, strict=True)).rstrip(), flush=True
    )


def _options() -> argparse.Namespace:
    usual = Options()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("groups", nargs="*", choices=[*GROUPS, []], help="what is measured; all by default")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="length of each measurement")
    parser.add_argument("--largest", type=int, default=usual.largest, help="most DIDs on SQLite")
    parser.add_argument(
        "--mariadb-largest", type=int, default=usual.mariadb_largest, help="most DIDs on MariaDB"
    )
    parser.add_argument("--calls", type=int, default=usual.calls, help="calls in the logs, for `usage`")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--page", type=Path, metavar="FILE", help="replace the figures of that page too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
