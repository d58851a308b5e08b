"""In which fields copies differ from the DID that they were copied from, and what becomes of these fields."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from didier.domain.fields import BY_COLUMN, split_exceptions, tidy_exceptions
from didier.errors import InvalidField

Value = str | int | None
Row = Mapping[str, Value]

Against = Literal["now", "then"]
"""With what copies are compared: their source as it is now, or as it was when it was copied."""

Action = Literal["apply", "keep"]
"""What is done: the source is applied again, or what differs is kept as an exception."""

APPLY: Action = "apply"
KEEP: Action = "keep"

NOT_COMPARED = frozenset({
    "did_id", "did_pattern", "modify_stamp", "version", "tags", "managed_by", "locked", "exceptions",
})  # fmt: skip
"""What belongs to each DID itself."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A field as its source and as the copy has it."""

    source: Value
    copy: Value


Differences = Mapping[str, Difference]
"""By field."""


def differences(source: Row, copy: Row, given: Collection[str]) -> dict[str, Difference]:
    """Return the fields in which *copy* differs from *source*, of those that both have.

    Left out are what it was *given* when it was made, and its exceptions. No value, an empty one and the word
    that stands for none are the same.
    """
    left_out = NOT_COMPARED | {*given} | split_exceptions(str(copy.get("exceptions") or ""))
    return {
        name: Difference(value, copy[name])
        for name, value in source.items()
        if name not in left_out and name in copy and _plain(name, value) != _plain(name, copy[name])
    }


def _plain(name: str, value: Value) -> str:
    if value is not None and value != "":
        return str(value)
    return BY_COLUMN[name].empty or "" if name in BY_COLUMN else ""


@dataclass(frozen=True, slots=True)
class DriftChange:
    """What becomes of what copies have otherwise than their source: an `Action`; empty: nothing.

    It is done to all fields that differ, or to those of *fields*.
    """

    action: str = ""
    fields: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "DriftChange":
        """Return what `options` has stored."""
        return cls(options.get("drift") or "", tuple(options.get("drift_fields") or ()))

    def __bool__(self) -> bool:
        return bool(self.action)

    @property
    def options(self) -> dict[str, object]:
        """What batches store of it."""
        told: dict[str, object] = {"drift": self.action} if self.action else {}
        return told | ({"drift_fields": self.fields} if self.fields else {})

    def problem(self) -> InvalidField | None:
        """Say what is wrong with the fields that it names."""
        if self.fields and not self.action:
            return InvalidField("drift_fields", "", "only with drift")
        bad = next((name for name in self.fields if name not in BY_COLUMN or name in NOT_COMPARED), None)
        return None if bad is None else InvalidField("drift_fields", bad, "a field that copies inherit")

    def values(self, found: Differences, copy: Row) -> dict[str, str | None]:
        """Return what is set in *copy*, of which *found* are the differences; nothing where none counts."""
        # A column that no field tells of cannot be set.
        names = [name for name in found if name in BY_COLUMN and (not self.fields or name in self.fields)]
        if self.action == APPLY:
            return {name: _text(found[name].source) for name in names}
        kept = ",".join([str(copy.get("exceptions") or ""), *names])
        return {"exceptions": tidy_exceptions(kept)} if names else {}


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


NO_DRIFT_CHANGE = DriftChange()
"""Copies stay as different as they are."""
