"""What the numbers of an order are looked at for, besides whether they can be patterns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import plausibility
from didier.domain.nowhere import Row
from didier.domain.targets import Range
from didier.services.dids import nowhere


@dataclass(frozen=True, slots=True)
class Checks:
    """*plausible*: only numbers are created to which calls can come (`domain.plausibility`).

    With *region*, the country from which numbers are dialled, what is odd about a number is noted: that it
    exists in another spelling, say. *leading*: no DID is made, or left, active whose calls lead nowhere.
    """

    plausible: bool = False
    region: str = ""
    leading: bool = False

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Checks":
        """Return what a batch that was stored is looked at for."""
        return cls(options.get("plausible", False), options.get("region", ""), options.get("leading", False))

    @property
    def options(self) -> dict[str, Any]:
        """What batches store of it."""
        known = {"plausible": self.plausible, "region": self.region, "leading": self.leading}
        return {name: value for name, value in known.items() if value}

    def doubt(self, pattern: str) -> str | None:
        """Say why *pattern* is not created, None where it is."""
        return plausibility.doubt(pattern) if self.plausible else None

    def block_doubt(self, block: Range) -> str | None:
        """Say why none of the numbers of *block* is created, None where they are."""
        return plausibility.block_doubt(block) if self.plausible else None

    def dead_ends(self, conn: Connection, changes: Mapping[int, tuple[Row | None, Row]]) -> dict[int, str]:
        """Say after which of *changes* a DID may not lead nowhere and does, and why: see `nowhere.newly`."""
        return nowhere.newly(conn, changes) if self.leading and changes else {}


NO_CHECKS = Checks()
"""Those of VICIdial's API, which creates whatever it is told to."""
