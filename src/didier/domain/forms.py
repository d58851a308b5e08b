"""Which fields of a DID count, given its other fields: forms show these first."""

from collections.abc import Mapping
from types import MappingProxyType

from didier.domain.fields import BY_COLUMN, FILTERS, NO_AGENT_REDIRECTS, ROUTES, UNAVAILABLE_ACTIONS
from didier.domain.routes import Row

Condition = Mapping[str, tuple[str, ...]]
"""Columns, and the values of which each must have one."""

_OF_ROUTE: Mapping[str, tuple[str, ...]] = MappingProxyType({
    "EXTEN": ("extension", "exten_context"),
    "VOICEMAIL": ("voicemail_ext",),
    "VMAIL_NO_INST": ("voicemail_ext",),
    "PHONE": ("phone", "server_ip"),
    "AGENT": ("user", "user_unavailable_action", "user_route_settings_ingroup"),
    "CALLMENU": ("menu_id",),
    "IN_GROUP": (
        "group_id", "call_handle_method", "agent_search_method", "list_id", "entry_list_id", "campaign_id",
        "phone_code",
    ),
})  # fmt: skip
"""What each route needs."""

_OF_IN_GROUPS = tuple(field.column for field in BY_COLUMN.values() if field.group == "Redirects")
_REDIRECTED = ("no_agent_ingroup_id", "no_agent_ingroup_extension")

_FILTERING = FILTERS[1:]

_OF_FILTER: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "filter_action": _FILTERING,
        "filter_phone_group_id": ("GROUP", "GROUP_AREACODE"),
        "filter_url": ("URL",),
        "filter_url_did_redirect": ("URL",),
        "filter_dnc_campaign": ("DNC_CAMPAIGN",),
    }
)


def _conditions() -> dict[str, tuple[Condition, ...]]:
    found: dict[str, list[Condition]] = {}
    for route in ROUTES:
        for column in _OF_ROUTE[route]:
            found.setdefault(column, []).append({"did_route": (route,)})
            filtered = {"filter_inbound_number": _FILTERING, "filter_action": (route,)}
            found.setdefault(f"filter_{column}", []).append(filtered)
    for action in UNAVAILABLE_ACTIONS:
        for column in _OF_ROUTE[action]:
            fallback = {"did_route": ("AGENT",), "user_unavailable_action": (action,)}
            found[column].append(fallback)
            found[f"filter_{column}"].append(
                {
                    "filter_inbound_number": _FILTERING,
                    "filter_action": ("AGENT",),
                    "filter_user_unavailable_action": (action,),
                }
            )
    for column in _OF_IN_GROUPS:
        redirected = {"no_agent_ingroup_redirect": NO_AGENT_REDIRECTS[1:]} if column in _REDIRECTED else {}
        found[column] = [{"did_route": ("IN_GROUP",), **redirected}]
    for column, filters in _OF_FILTER.items():
        found[column] = [{"filter_inbound_number": filters}]
    return {column: tuple(conditions) for column, conditions in found.items()}


CONDITIONS: Mapping[str, tuple[Condition, ...]] = MappingProxyType(_conditions())
"""When each column counts: one of its conditions holds. Columns that are not here count always."""

_RARE = frozenset(
    column
    for column, field in BY_COLUMN.items()
    if field.group == "Custom" or column.startswith("pre_filter_") or column == "filter_clean_cid_number"
)
"""Columns that count for every DID and that few use: shown first where they are filled."""


def counts(column: str, row: Row) -> bool:
    """Say whether *column* counts for a DID with the columns *row*."""
    if column in _RARE:
        return row.get(column) not in {None, ""}
    conditions = CONDITIONS.get(column)
    return conditions is None or any(_holds(condition, row) for condition in conditions)


def _holds(condition: Condition, row: Row) -> bool:
    return all(row.get(column) in values for column, values in condition.items())
