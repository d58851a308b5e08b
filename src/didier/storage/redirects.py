"""The columns in which a DID says that its calls go to a number, and when they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Redirect:
    """When a column's number is used: *condition* in SQL, in which the columns *needed* stand."""

    needed: tuple[str, ...]
    condition: str


_FILTERED = "filter_inbound_number <> 'DISABLED' AND "

REDIRECTS: Mapping[str, Redirect] = MappingProxyType({
    "extension": Redirect(
        ("did_route", "user_unavailable_action"),
        "(did_route = 'EXTEN' OR did_route = 'AGENT' AND user_unavailable_action = 'EXTEN')",
    ),
    "filter_extension": Redirect(
        ("filter_inbound_number", "filter_action", "filter_user_unavailable_action"),
        f"{_FILTERED}(filter_action = 'EXTEN'"
        " OR filter_action = 'AGENT' AND filter_user_unavailable_action = 'EXTEN')",
    ),
    "no_agent_ingroup_extension": Redirect(
        ("no_agent_ingroup_redirect",), "no_agent_ingroup_redirect <> 'DISABLED'"
    ),
    "max_queue_ingroup_extension": Redirect(("max_queue_ingroup_calls",), "max_queue_ingroup_calls > 0"),
    "pre_filter_extension": Redirect(
        ("pre_filter_phone_group_id",), "pre_filter_phone_group_id NOT IN ('', '---NONE---')"
    ),
    "pre_filter_recent_extension": Redirect(
        ("pre_filter_recent_call",), "pre_filter_recent_call NOT IN ('', 'DISABLED')"
    ),
})  # fmt: skip
"""The redirects by their column.

Embedded databases have an index of each, of the DIDs alone that use it (`tables.vicidial_tables`). SQLite
takes it for statements that repeat the condition to the letter.
"""
