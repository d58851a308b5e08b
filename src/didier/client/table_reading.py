"""How a table of numbers is to be read: what becomes of its columns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class TableReading:
    """What becomes of the columns of a table, and which DIDs are created or changed besides the usual ones:
    those that no call will match, and those whose calls lead nowhere.
    """

    mapping: Mapping[str, str] | None = None
    ignore_columns: bool = False
    allow_implausible: bool = False
    allow_nowhere: bool = False

    @property
    def in_json(self) -> dict[str, Any]:
        """What a body has of it."""
        allowed = {"allow_implausible": self.allow_implausible, "allow_nowhere": self.allow_nowhere}
        return {name: True for name, given in allowed.items() if given}

    @property
    def parameters(self) -> dict[str, Any]:
        """What is said of it beside a body of text."""
        mapped = [f"{header}={becomes}" for header, becomes in (self.mapping or {}).items()]
        return {
            "mapping": mapped or None,
            "ignore_columns": self.ignore_columns or None,
            "allow_implausible": self.allow_implausible or None,
            "allow_nowhere": self.allow_nowhere or None,
        }


AS_IT_IS = TableReading()
"""Columns are what their names say."""
