"""How far a user or a token reaches in Didier, and the rule that nobody reaches further through others.

Whoever acts on or for a user (gives them rights, a password or a token, copies or deletes them) must hold
the reach of that user, as it is before and as it will be after: otherwise they would get it by signing in
as that user.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from didier.domain import grants, scopes
from didier.domain.grants import GRANTS
from didier.domain.users import ALL_FUNCTIONS, RIGHTS, User, missing_rights

LEAST_LEVEL = min(right.level for right in RIGHTS.values())
"""The lowest user level that may do anything in Didier."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What somebody can do, as far as level and API Access let their settings count.

    Groups in small letters, None for all; *address_list* is the name of the only list of addresses from
    which they are accepted, None for everywhere.
    """

    level: int
    rights: frozenset[str] = frozenset()  # columns of `GRANTS`
    functions: frozenset[str] = frozenset()  # of `RIGHTS`, with what each asks for
    changes_levels_to: int = 0  # the highest level of users whom they may change
    did_groups: frozenset[str] | None = frozenset()
    user_groups: frozenset[str] | None = frozenset()
    address_list: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether nothing can be done."""
        return not (self.rights or self.functions)


def of(user: User) -> Reach:
    """Return how far *user* reaches."""
    if not user.api_access or user.level < LEAST_LEVEL:
        return Reach(user.level)
    # A list counts in VICIdial if its name has two characters (tests/conformance/behaviour.md, section 3).
    limited = len(user.api_ip_list) > 1 and not user.ignores_ip_lists
    return Reach(
        level=user.level,
        rights=frozenset(grant.column for grant in GRANTS if getattr(user, grant.setting)),
        functions=frozenset(
            name for name in RIGHTS if user.may_call(name) and missing_rights(user, name) is None
        ),
        changes_levels_to=user.level - (not user.modify_same_level) if user.modify_users else 0,
        did_groups=user.visible_groups(),
        user_groups=None if user.sees_users_of(None) else user.visible_groups(),
        address_list=user.api_ip_list if limited else None,
    )


def narrowed(reach: Reach, token_scopes: Collection[str], *, from_networks: bool) -> Reach:
    """Return what is left of *reach* to a token with *token_scopes*, accepted from some networks alone.

    No list of addresses is that of a token's networks, so that it holds the reach of nobody who is accepted
    from elsewhere.
    """
    opened = scopes.functions_of(token_scopes)
    kept = replace(reach, functions=reach.functions & opened)
    return replace(kept, address_list="networks of the token") if from_networks else kept


def lacking(holder: Reach, other: Reach) -> tuple[str, ...]:
    """Name what *holder* lacks of the reach of *other*; nothing when *holder* may act on and for them."""
    lacks = [f"User Level {other.level}"] if other.level > holder.level else []
    if other.is_nothing:
        return tuple(lacks)
    lacks += [grant.label for grant in GRANTS if grant.column in other.rights - holder.rights]
    lacks += [f"the function {name}" for name in sorted(other.functions - holder.functions)]
    if other.changes_levels_to > holder.changes_levels_to:
        lacks.append(f"changing users of level {other.changes_levels_to}")
    if not _holds(holder.did_groups, other.did_groups) or not _holds(holder.user_groups, other.user_groups):
        lacks.append("user groups that they see")
    if holder.address_list not in {None, other.address_list}:
        lacks.append("being accepted from the same addresses")
    return tuple(lacks)


def _holds(held: frozenset[str] | None, wanted: frozenset[str] | None) -> bool:
    return held is None or (wanted is not None and wanted <= held)


def with_values(user: User, values: Mapping[str, Any], group: tuple[str | None, str]) -> User:
    """Return *user* as they are once *values*, by VICIdial's columns, are stored.

    *group* has what the group they are in then gives them: ``admin_viewable_groups`` and ``api_ip_list``.
    """
    changed: dict[str, Any] = {
        grant.setting: values[grant.column] == "1" for grant in GRANTS if grant.column in values
    }
    if "user_level" in values:
        changed["level"] = int(values["user_level"])
    if grants.FUNCTIONS in values:
        changed["functions"] = frozenset(values[grants.FUNCTIONS].split())
    changed["group"] = values.get("user_group", user.group)
    changed["viewable_groups"], changed["api_ip_list"] = group
    return replace(user, **changed)


def within(user: User, functions: Collection[str]) -> list[str]:
    """Return those of *functions* that *user* may allow others; for all of them, all that they may call."""
    if ALL_FUNCTIONS.isdisjoint(functions):
        return [name for name in functions if grants.may_allow(user, name)]
    return [grants.ALL] if not ALL_FUNCTIONS.isdisjoint(user.functions) else sorted(user.functions)
