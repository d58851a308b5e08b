"""The figures on a page of the documentation: ``python page.py FIGURES.json PAGE.md`` replaces them."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from rows import COLUMNS, cells

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def put(file: Path, figures: dict[str, Any]) -> None:
    """Replace what stands between the two marks in *file*."""
    before, _, rest = file.read_text("utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{file}: the figures go between {BEGIN} and {END}, which are not there")
    file.write_text(f"{before}{BEGIN}\n\n{_markdown(figures)}\n{END}{after}", "utf-8")


_MACHINE = (
    "Measured on {date} with Didier {didier} on {processor}, {cores} cores, {memory_gb} GB;"
    " {system}, Linux {kernel}; Python {python}, httptools {httptools}, uvloop {uvloop}, SQLite {sqlite},"
    " MariaDB {mariadb}. The disk stored 8 kB for good in {fsync_ms} ms; the load before was {load_before}."
)


def _markdown(figures: dict[str, Any]) -> str:
    lines = [_MACHINE.format_map(figures["machine"])]
    group = None
    for row in figures["rows"]:
        if row["group"] != group:
            group = row["group"]
            lines += ["", f"**{group}**", "", _line(COLUMNS), _line(["---"] * len(COLUMNS))]
        lines.append(_line(cells(row)))
    return "\n".join(lines) + "\n"


def _line(texts: Iterable[str]) -> str:
    return f"| {' | '.join(texts)} |"


if __name__ == "__main__":
    put(Path(sys.argv[2]), json.loads(Path(sys.argv[1]).read_text("utf-8")))
