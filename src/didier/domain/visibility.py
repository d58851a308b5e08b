"""What a caller sees: which DIDs, whose users, and what else belongs to a user group."""

from dataclasses import dataclass

from didier.domain import patterns
from didier.domain.users import is_visible


@dataclass(frozen=True, slots=True)
class Visibility:
    """Which rows somebody sees; None is no limit.

    *groups* are the user groups, in small letters, whose DIDs, in-groups, call menus and so on are seen;
    *users* those whose users are, for which VICIdial's rule is another (`User.sees_users_of`). *prefix* is
    how the DIDs begin that a token reaches.
    """

    groups: frozenset[str] | None = None
    users: frozenset[str] | None = None
    prefix: str | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there are DIDs that are not seen."""
        return self.groups is not None or self.prefix is not None

    def sees_group(self, group: object) -> bool:
        """Say whether rows of *group* are seen; None, one that is not known, is seen without limit only."""
        return self.groups is None or is_visible(None if group is None else str(group), self.groups)

    def sees_pattern(self, pattern: str) -> bool:
        """Say whether a token reaches the DID *pattern*, whatever its group."""
        return patterns.begins_with(pattern, self.prefix)

    def sees(self, group: object, pattern: str) -> bool:
        """Say whether the DID *pattern* is seen while it is in *group*; that may be that of another time."""
        return self.sees_pattern(pattern) and self.sees_group(group)

    def covers(self, other: "Visibility") -> bool:
        """Say whether every group is seen that *other* sees."""
        return self.groups is None or (other.groups is not None and other.groups <= self.groups)


EVERYTHING = Visibility()
"""What those see who have no limit: the system itself, and the command line on its machine."""
