"""Files that have a thing as JSON, as `show --json` prints it."""

import json
from collections.abc import Collection
from typing import Any

import typer


def values(file: typer.FileText, what: str, left_out: Collection[str]) -> dict[str, Any]:
    """Return the values of *what* ("a schedule") that *file* has, without those that are *left_out*."""
    try:
        found = json.load(file)
    except ValueError as error:  # also text that is not in UTF-8
        raise typer.BadParameter(f"no JSON: {error}", param_hint="FILE") from None
    if not isinstance(found, dict):
        raise typer.BadParameter(f"the JSON of {what} is an object", param_hint="FILE")
    return {key: value for key, value in found.items() if key not in left_out}
