"""Figures of the faults that were tried, for the table of `make faults`."""

import json
import os
from pathlib import Path

FILE = "FAULTS_FILE"
"""The environment variable that names the file which takes the figures; without it none are kept."""


def note(fault: str, tried: int, acknowledged: int, lost: int) -> None:
    """Keep how often *fault* was tried, and what became of what was acknowledged."""
    if file := os.environ.get(FILE):
        row = {"fault": fault, "tried": tried, "acknowledged": acknowledged, "lost": lost}
        with Path(file).open("a") as lines:
            lines.write(json.dumps(row) + "\n")
