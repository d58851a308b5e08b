"""What is wrong with DIDs as it is told, by lists and by events alike."""

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field

from didier.domain import checks


@dataclass
class DidFinding:
    """Something that is wrong with a DID."""

    kind: checks.Kind
    reason: Annotated[str, Field(description="Why, in words: `the in-group SALES does not exist`")]

    @classmethod
    def of(cls, found: checks.Finding) -> Self:
        """Return a finding as it is told."""
        return cls(found.kind, found.reason)
