"""What each request needs, and who lacks it: derived from `RIGHTS` and `SCOPES`, not from the answers."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from didier.domain.grants import FUNCTIONS as LIST
from didier.domain.grants import GRANTS
from didier.domain.scopes import SCOPES
from didier.domain.users import RIGHTS

LEVEL, API_ACCESS = "user_level", "vdc_agent_api_access"
COLUMN_OF: Mapping[str, str] = {grant.setting: grant.column for grant in GRANTS}
LABEL_OF: Mapping[str, str] = {grant.column: grant.label for grant in GRANTS}

FULL: Mapping[str, str] = MappingProxyType({
    LEVEL: "9", LIST: " ALL_FUNCTIONS ", "active": "Y", "failed_login_count": "0",
    **dict.fromkeys(LABEL_OF, "1"),
})  # fmt: skip
"""The columns of somebody who may do everything."""

ALLOWED, PARTLY = "allowed", "partly"
"""Answered as asked; answered without what the caller does not see."""

Expected = str | type[Exception] | None
"""What an answer has to be: one of these two, the refusal, or None where it is not asked."""


@dataclass(frozen=True)
class Need:
    """What a caller needs for a request: *functions* in the list, and the settings that go with *rights*.

    The rights are those of the functions unless they are named. With *any_of*, one of these functions is
    enough. Without *api* nothing is needed but to be signed in, and without *by_token* no token does.
    *level* is the lowest, where that of the rights is not enough. A token needs the scope of the first
    function, or *or_scope* instead, and one of *other_scopes* besides where there are some.
    """

    functions: tuple[str, ...] = ()
    rights: tuple[str, ...] | None = None
    any_of: tuple[str, ...] = ()
    api: bool = True
    by_token: bool = True
    level: int = 0
    or_scope: str | None = None
    other_scopes: frozenset[str] = frozenset()

    @property
    def all_rights(self) -> tuple[str, ...]:
        """The functions whose settings are needed."""
        return self.functions if self.rights is None else self.rights

    @property
    def named(self) -> tuple[str, ...]:
        """The functions of which the list has to have all, or one."""
        return self.functions or self.any_of

    @property
    def scope(self) -> str | None:
        """The scope that opens it to a token; None: no token."""
        opened = [scope.name for scope in SCOPES if scope.functions & set(self.named[:1])]
        return opened[0] if opened and self.by_token else None

    def opens(self, scopes: Collection[str]) -> bool:
        """Say whether a token with *scopes* has those that are needed."""
        has = set(scopes)
        is_open = not has.isdisjoint({self.scope, self.or_scope})
        return is_open and not (self.other_scopes and has.isdisjoint(self.other_scopes))


def needs(*functions: str, rights: tuple[str, ...] | None = None) -> Need:
    """Return the need for all of *functions*."""
    return Need(functions, rights)


def least(need: Need, level: int) -> dict[str, str]:
    """Return the columns of somebody who may do what is needed and nothing else; *level* or higher."""
    needed = need if not need.any_of else Need(need.any_of[:1])
    rights = [RIGHTS[name] for name in needed.all_rights]
    given = {COLUMN_OF[right.setting] for right in rights}
    return {
        **FULL,
        **{column: str(int(column in given)) for column in LABEL_OF},
        API_ACCESS: "1",
        LEVEL: str(max([level, need.level, *(right.level for right in rights)])),
        LIST: f" {' '.join(needed.functions)} ",
    }


def without_functions(need: Need) -> dict[str, str]:
    """Return the list with all functions but those that are needed."""
    return {LIST: f" {' '.join(name for name in RIGHTS if name not in need.named)} "}


def lacks(need: Need, has: Mapping[str, str]) -> list[str]:
    """Name what somebody with the columns *has* lacks of what is needed."""
    if not need.api:
        return []
    if need.any_of:
        return min((lacks(Need((name,)), has) for name in need.any_of), key=len)
    listed = set(has[LIST].split())
    missing = [name for name in need.functions if not listed & {name, "ALL_FUNCTIONS"}]
    if has[API_ACCESS] != "1":
        missing.append(LABEL_OF[API_ACCESS])
    for right in (RIGHTS[name] for name in need.all_rights):
        settings = [right.setting, *(right.instead[:1] if right.instead else ())]
        if not any(has[COLUMN_OF[setting]] == "1" for setting in settings):
            missing.append(right.label)
        if int(has[LEVEL]) < max(right.level, need.level):
            missing.append("User Level")
    return missing


@dataclass(frozen=True)
class Row:
    """A request as it is well formed: what it needs, and what is answered where its thing is not to be had.

    - *allowed*: nothing is missing
    - *hidden*: the thing belongs to a user group that the caller does not see
    - *beyond*: it does not begin with the prefix of the token
    - *higher*: the user whom it is about has a higher level
    - *further*: that user reaches further than the caller
    - *locked*: wrong passwords have locked the caller, whose session goes on
    - *refused*: a right is missing; the refusal for it
    - *factor* is how it stands with the caller's second factor: "", "waiting" or "confirmed"
    - *on_vicidial* is answered instead of all these where the database is VICIdial's, which owns the thing
    - *mark* stands in the answer when, and only when, the thing is shown
    """

    name: str
    need: Need = field(default_factory=Need)
    allowed: Expected = ALLOWED
    hidden: Expected = ALLOWED
    beyond: Expected = ALLOWED
    higher: Expected = None
    further: Expected = None
    locked: Expected = ALLOWED
    refused: Expected = None
    factor: str = ""
    mark: str | None = None
    on_vicidial: Expected = None
    changes: bool = False

    def in_vicidial(self) -> "Row":
        """Return the request as it is answered where the database is VICIdial's."""
        refused = self.on_vicidial
        return replace(self, allowed=refused, hidden=refused, locked=refused) if refused else self
