"""What users choose for the list of DIDs: its columns, and filters that they have saved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.fields import BY_COLUMN, GROUPS
from didier.services.users import preferences
from didier.services.users.authentication import Caller
from didier.services.users.preferences import COLUMNS, FILTER, Shown
from didier.web.admin.page import address

LIST = "dids"
"""The name under which the columns of the list are kept."""

USUAL: Mapping[str, str] = MappingProxyType({
    "did_description": "Description", "did_active": "State", "destination": "Calls go to",
    "user_group": "Group", "copied_from": "Copied from",
})  # fmt: skip
"""The columns that the list has unless others are chosen, besides the number."""

_SHOWN_WITH_OTHERS = {"locked"}

OTHERS: Mapping[str, Sequence[tuple[str, str]]] = MappingProxyType({
    group: [
        (field.column, field.label)
        for field in BY_COLUMN.values()
        if field.group == group and field.column not in {*USUAL, *_SHOWN_WITH_OTHERS}
    ]
    for group in GROUPS
})  # fmt: skip
"""The other columns by the headings of forms."""

LABELS: Mapping[str, str] = {**USUAL, **{name: label for pairs in OTHERS.values() for name, label in pairs}}
MOST = 20
"""Most columns that a list has beside the number."""


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A filter that somebody has saved, and the address of the list with it."""

    name: str
    address: str
    user: str
    is_own: bool
    is_shared: bool


def read(conn: Connection, caller: Caller, parameters: Iterable[str]) -> dict[str, Any]:
    """Return what *caller* has chosen; filters set *parameters* of the list and no others."""
    kept = preferences.are_kept(conn)
    value = preferences.value_of(conn, caller, COLUMNS, LIST) if kept else None
    names = set(parameters)
    saved = preferences.listed(conn, caller, FILTER) if kept else []
    return {
        "kept": kept,
        "columns": _columns(value),
        "saved": [_saved(shown, names) for shown in saved],
    }


def _columns(value: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    chosen = [name for name in (value or {}).get("columns", ()) if name in LABELS][:MOST]
    return [(name, LABELS[name]) for name in chosen or USUAL]


def _saved(shown: Shown, names: set[str]) -> SavedFilter:
    one = shown.preference
    wanted = {name: text for name, text in one.value.items() if name in names and isinstance(text, str)}
    return SavedFilter(one.name, address("dids", **wanted), shown.user, shown.is_own, one.shared)
