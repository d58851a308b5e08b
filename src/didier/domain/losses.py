"""What users lose when their settings are changed: who changes themselves is asked before that."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from didier.domain.grants import FUNCTIONS, GRANTS
from didier.domain.users import ALL_FUNCTIONS


def losses(before: Mapping[str, Any], changes: Mapping[str, Any]) -> tuple[str, ...]:
    """Name what *changes* take away from a user whose settings are *before*, a few words for each.

    Both have VICIdial's columns with the values of the JSON API: rights are true or false, the functions a
    list, ``active`` is Y or N. What *changes* do not name stays. Another group counts as a loss: it may
    see less.
    """
    return tuple(_lost(before, {**before, **changes}))


def _lost(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    if before["active"] == "Y" != after["active"]:
        yield "Active (nobody can sign in as this user)"
    if after["user_level"] < before["user_level"]:
        yield f"User Level {before['user_level']} (it becomes {after['user_level']})"
    for grant in GRANTS:
        if before[grant.column] and not after[grant.column]:
            yield grant.label
    if functions := _lost_functions(before[FUNCTIONS], after[FUNCTIONS]):
        yield f"Allowed API Functions: {functions}"
    if after["user_group"].casefold() != before["user_group"].casefold():
        yield f"User Group {before['user_group']} (it becomes {after['user_group']})"


def _lost_functions(before: Collection[str], after: Collection[str]) -> str:
    if not ALL_FUNCTIONS.isdisjoint(after):
        return ""
    if ALL_FUNCTIONS.isdisjoint(before):
        return ", ".join(sorted(set(before) - set(after)))
    return f"ALL (only {', '.join(sorted(after))} from now on)" if after else "ALL"
