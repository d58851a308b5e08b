"""Where calls to a DID go beside its route: to its fallbacks, and elsewhere outside the hours of a schedule.

Calls are lost only where the route and all fallbacks are dead ends: while a schedule is closed its own
destination comes before these, and behind all of them the route is taken as it is.
"""

from collections.abc import Iterator

from didier.domain import nowhere, patterns, route_texts
from didier.domain.calls import targets
from didier.domain.nowhere import DeadEnd, Gone, Row, Thing, text
from didier.domain.route_texts import DESTINATIONS, Destination

COLUMN = "fallbacks"
SCHEDULE = "schedule"

DECIDING = (*nowhere.COLUMNS, COLUMN, "filter_action", "filter_group_id", "filter_user")
"""The columns by which calls to a DID are lost or not."""


def of(row: Row) -> list[Destination]:
    """Return the fallbacks of a DID, in their order."""
    return [*route_texts.listed(text(row, COLUMN))]


def sent(row: Row, other: Destination) -> Row:
    """Return *row* as it is where calls go to the destination *other*."""
    return {**row, **other.columns}


def told(row: Row, other: Destination) -> str:
    """Return what tells VICIdial's next script to look for *other* in the DID; empty: nothing does.

    It takes in-groups and agents from the row of the DID alone: those of the route, of the filter, or the
    in-group for calls that no agent takes.
    """
    if other.route not in targets.BY_SCRIPT:
        return "DID"
    column = DESTINATIONS[other.route]
    is_named = _is_named(row, column, other)
    if is_named and text(row, "did_route") == other.route:
        return "DID"
    if _is_named(row, f"filter_{column}", other) and text(row, "filter_action") == other.route:
        return "FILTER"
    return "NOAGENT" if is_named and other.route == "IN_GROUP" else ""


def _is_named(row: Row, column: str, other: Destination) -> bool:
    return patterns.key(targets.text(row, column)) == patterns.key(other.named)


NOT_NAMED = "the DID has to name it, too, where VICIdial's script looks"
"""Why a destination cannot be reached of which nothing is `told`."""


def things(row: Row) -> Iterator[Thing]:
    """Yield what calls to the DID with the columns *row* need, by its route or by its fallbacks."""
    yield from nowhere.things(row)
    for other in of(row):
        yield from nowhere.things(sent(row, other))


def dead_end(row: Row, gone: Gone) -> DeadEnd | None:
    """Return where calls to the DID with the columns *row* get lost; None where some destination is there.

    *gone* are those of its `things` that are not there or not active.
    """
    found, others = nowhere.dead_end(row, gone), of(row)
    if found is None or not others:
        return found
    if any(why_dead(row, other, gone) is None for other in others):
        return None
    return DeadEnd(found.kind, f"{found.reason}, and none of its fallbacks is there")


def reason(row: Row, gone: Gone) -> str | None:
    """Say why calls to the DID with the columns *row* get lost; None where they do not."""
    found = dead_end(row, gone)
    return None if found is None else found.reason


def why_dead(row: Row, other: Destination, gone: Gone) -> str | None:
    """Say why no call to the DID with the columns *row* can go to *other*; None if one can."""
    return nowhere.reason(sent(row, other), gone) or (None if told(row, other) else NOT_NAMED)


def is_touched(before: Row, after: Row) -> bool:
    """Say whether two states of a DID differ in a column by which its calls are lost or not."""
    return any(text(before, column) != text(after, column) for column in DECIDING)
