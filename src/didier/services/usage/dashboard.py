"""What the dashboard shows, as far as callers may see it. It only reads, and callers keep it for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.dids import lookup, nowhere
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Row, Sort
from didier.storage.usage import dashboard
from didier.storage.usage.dashboard import DayCount, ReasonCount, RouteCount


def dids_by_route(conn: Connection, caller: Caller) -> list[RouteCount] | NotPermitted:
    """Count the DIDs that the caller sees, active and inactive, by route."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    return dashboard.by_route(conn, caller.user.visible_groups())


@dataclass(frozen=True, slots=True)
class DeadEnds:
    """How many active DIDs there are whose calls lead nowhere, and the first of them with the reasons."""

    count: int
    first: Sequence[Row]


def dead_ends(conn: Connection, caller: Caller, limit: int) -> list[DeadEnds] | NotPermitted:
    """Count the active DIDs that the caller sees and whose calls lead nowhere; an empty list for none."""
    wanted = Wanted(leads_nowhere="Y")
    found = lookup.page(conn, caller, wanted, Sort(), limit)
    if isinstance(found, NotPermitted):
        return found
    if not found.rows:
        return []
    total = lookup.total(conn, caller, wanted, exact=True)
    return (
        total if isinstance(total, NotPermitted) else [DeadEnds(total.count, nowhere.told(conn, found.rows))]
    )


def copies_by_day(conn: Connection, caller: Caller, today: date, days: int) -> list[DayCount] | NotPermitted:
    """Count what was copied on each of the last *days*: DIDs, and by users, that the caller sees."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    first = today - timedelta(days=days - 1)
    counted = dashboard.copies_by_day(conn, datetime.combine(first, time()), caller.visibility)
    found = {one.day: one.copies for one in counted}
    dates = (first + timedelta(days=number) for number in range(days))
    return [DayCount(day, found.get(day, 0)) for day in dates]


def refusals(
    conn: Connection, caller: Caller, since: datetime, limit: int
) -> list[ReasonCount] | NotPermitted:
    """Count the refused requests of users whom the caller sees, by reason."""
    if missing := missing_rights(caller.user, "api_log"):
        return missing
    return dashboard.refusals(conn, since, caller.visibility.users, limit)
