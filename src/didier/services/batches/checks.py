"""What the numbers of an order are looked at for, besides whether they can be patterns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from didier.domain import plausibility
from didier.domain.targets import Range


@dataclass(frozen=True, slots=True)
class Checks:
    """*plausible*: only numbers are created to which calls can come (`domain.plausibility`).

    With *region*, the country from which numbers are dialled, what is odd about a number is noted: that it
    exists in another spelling, say.
    """

    plausible: bool = False
    region: str = ""

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Checks":
        """Return what a batch that was stored is looked at for."""
        return cls(options.get("plausible", False), options.get("region", ""))

    @property
    def options(self) -> dict[str, Any]:
        """What batches store of it."""
        known = {"plausible": self.plausible, "region": self.region}
        return {name: value for name, value in known.items() if value}

    def doubt(self, pattern: str) -> str | None:
        """Say why *pattern* is not created, None where it is."""
        return plausibility.doubt(pattern) if self.plausible else None

    def block_doubt(self, block: Range) -> str | None:
        """Say why none of the numbers of *block* is created, None where they are."""
        return plausibility.block_doubt(block) if self.plausible else None


NO_CHECKS = Checks()
"""Those of VICIdial's API, which creates whatever it is told to."""
