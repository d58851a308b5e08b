"""Ranks and grades of a user in campaigns and in-groups: which of the agents gets a call first."""

from dataclasses import dataclass
from enum import Enum

from didier.domain.fields import whole
from didier.errors import InvalidField

RANK = whole(-9, 9)
GRADE = whole(1, 10)


class Place(Enum):
    """Where users have ranks: how parameters begin, and what one of them is called in VICIdial's tables."""

    CAMPAIGN = ("campaign", "campaign_id")
    IN_GROUP = ("ingroup", "group_id")

    def __init__(self, word: str, key: str) -> None:
        self.word, self.key = word, key


@dataclass(frozen=True, slots=True)
class NewRank:
    """A new rank and grade, of which one may be empty: it stays as it is.

    They count in every campaign or in-group, or in *only* one.
    """

    place: Place
    rank: str
    grade: str
    only: str | None = None

    @property
    def rank_value(self) -> int | None:
        """The rank as a number, None if it stays."""
        return int(self.rank) if self.rank else None

    @property
    def grade_value(self) -> int | None:
        """The grade as a number, None if it stays."""
        return int(self.grade) if self.grade else None


def problem(new: NewRank) -> InvalidField | None:
    """Say what is wrong with the numbers of *new*."""
    for name, value, rule in (("rank", new.rank, RANK), ("grade", new.grade, GRADE)):
        if value and (allowed := rule(value)):
            return InvalidField(f"{new.place.word}_{name}", value, allowed)
    return None
