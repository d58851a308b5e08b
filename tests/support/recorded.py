"""What was recorded from VICIdial: its answers, the rows that it leaves, its tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CONFORMANCE = Path(__file__).resolve().parents[1] / "conformance"
_FILES = sorted(CONFORMANCE.glob("recordings*/*.json"))


def _topic(file: Path) -> str:
    return file.stem.removesuffix("_more")


RECORDINGS = sorted({_topic(file) for file in _FILES})
"""The functions and topics that were recorded."""


def files(recording: str) -> list[Path]:
    """Return the files with scenarios of *recording*."""
    return [file for file in _FILES if _topic(file) == recording]


def scenarios(recording: str) -> Iterator[dict[str, Any]]:
    """Yield the scenarios of *recording*, as ``recordings/README.md`` describes them."""
    for file in files(recording):
        yield from json.loads(file.read_text())["scenarios"]


def tables() -> dict[str, Any]:
    """Return VICIdial's tables by name: columns, indexes and engine of each."""
    files = (CONFORMANCE / "schema.json", CONFORMANCE / "agi" / "schema.json")
    return {name: table for file in files for name, table in json.loads(file.read_text())["tables"].items()}
