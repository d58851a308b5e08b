"""Fields of a DID as pages show and change them."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from didier.domain import forms
from didier.domain.destinations import BY_REFERENCE, Kind
from didier.domain.fields import BY_COLUMN, GROUPS, KINDS, LONG, Field
from didier.domain.routes import Row

LONGEST_LINE = 255
"""From this length on a value gets an area instead of a line."""


@dataclass(frozen=True, slots=True)
class Input:
    """A field in a form."""

    field: Field
    value: str
    counts: bool

    @property
    def kind(self) -> str:
        """Which element it is: a select, an area or a line."""
        if self.field.choices:
            return "select"
        return "area" if self.field.rule("x" * LONG) is None else "line"

    @property
    def choices(self) -> tuple[str, ...]:
        """What the select offers: what is allowed, and what stands there now."""
        allowed = self.field.choices
        return allowed if self.value in allowed else (self.value, *allowed)

    @property
    def refers_to(self) -> str:
        """Of what kind the value must be, as "in-group"."""
        return KINDS.get(self.field.refers_to, "")

    @property
    def list(self) -> Kind | None:
        """The kind of which the panel has a list, where the value must be one of these."""
        return BY_REFERENCE.get(self.field.refers_to)

    @property
    def conditions(self) -> str:
        """When the field counts, for the page's script."""
        found = forms.CONDITIONS.get(self.field.column)
        return json.dumps([dict(condition) for condition in found]) if found else ""


def inputs(row: Row, there: Collection[str]) -> list[tuple[str, Sequence[Input]]]:
    """Return the fields of a form for the DID *row* by heading; *there* are the columns in the database."""
    return [
        (group, [_input(field, row) for field in BY_COLUMN.values() if _is_in(field, group, there)])
        for group in GROUPS
    ]


def _is_in(field: Field, group: str, there: Collection[str]) -> bool:
    return field.group == group and field.column in there


def _input(field: Field, row: Row) -> Input:
    value = row.get(field.column)
    return Input(field, "" if value is None else str(value), forms.counts(field.column, row))


def values(row: Row, *, everything: bool) -> list[tuple[str, list[tuple[str, Any]]]]:
    """Return the labels and values of *row* by heading: those that count, or *everything*."""
    groups = []
    for group in GROUPS:
        fields = [field for field in BY_COLUMN.values() if _is_in(field, group, row.keys())]
        counting = [field for field in fields if everything or forms.counts(field.column, row)]
        groups.append((group, [(field.label, row[field.column]) for field in counting]))
    if everything:
        rest = [name for name in row if name not in BY_COLUMN and name not in {"did_pattern", "copied_from"}]
        groups.append(("Other columns", [(name, row[name]) for name in rest]))
    return [(group, pairs) for group, pairs in groups if pairs]
