"""What the copies of an order have."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from didier.domain import fields
from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.storage.dids.bulk import NO_VALUES


@dataclass(frozen=True, slots=True)
class CopySpec:
    """What the copies of an order have: the *image* of the source, but what the order says otherwise."""

    image: Mapping[str, Any]
    overrides: Mapping[str, str | None] = field(default_factory=dict)
    template: Template | None = None

    @property
    def values(self) -> dict[str, Any]:
        """The columns that all copies have alike."""
        values = {**self.image, **self.stored(self.overrides)}
        return {name: value for name, value in values.items() if name not in NO_VALUES}

    def stored(self, values: Mapping[str, str | None]) -> dict[str, Any]:
        """Return *values* as the columns of the source hold them: ``007`` is 7 in a column of numbers."""
        return fields.held(values, self.image)

    def group(self, own: Sequence[Mapping[str, str | None]]) -> str | None:
        """Return the user group of the copies that have *own* values; None where they differ in it."""
        alike = self.overrides.get("user_group") or self.image.get("user_group")
        groups = {row.get("user_group") or alike for row in own} or {alike}
        return groups.pop() if len(groups) == 1 else None

    def own_of(self, named: Sequence[Row | str]) -> Sequence[Mapping[str, str | None]]:
        """Return the values that each target, with its row or alone, has for itself; none if none has any."""
        if self.template is None and not (named and isinstance(named[0], Row)):
            return ()
        own = [self.own(one if isinstance(one, Row) else Row(one)) for one in named]
        return own if any(own) else ()

    def own(self, row: Row) -> Mapping[str, str | None]:
        """Return the values that the target of *row* has for itself."""
        if self.template is None or "did_description" in row.values:
            return row.values
        known = {**self.image, **fields.stored(self.overrides), **row.extra, **fields.stored(row.values)}
        known |= {"target": row.target, "source": self.image["did_pattern"]}
        return {**row.values, "did_description": self.template.render(known)}
