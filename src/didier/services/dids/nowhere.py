"""Why calls to DIDs lead nowhere. It only reads."""

from collections.abc import Mapping, Sequence

from sqlalchemy.engine import Connection

from didier.domain import fallbacks as rules
from didier.domain import nowhere as of_routes
from didier.domain.nowhere import Row
from didier.storage.dids import nowhere


def reasons(conn: Connection, rows: Sequence[Row]) -> list[str | None]:
    """Return for each of *rows*, the columns of a DID, why calls to it lead nowhere; None where they do not.

    They do not where a fallback takes them. What they refer to is looked up with one statement for each
    table, whatever the number of rows.
    """
    things = {thing for row in rows for thing in rules.things(row)}
    gone = nowhere.gone(conn, things) if things else {}
    return [rules.reason(row, gone) for row in rows]


def reason(conn: Connection, row: Row) -> str | None:
    """Return why calls to the DID with the columns *row* lead nowhere."""
    return reasons(conn, [row])[0]


def reason_of_route(conn: Connection, row: Row) -> str | None:
    """Return why calls that go by the route of *row* lead nowhere, whatever its fallbacks are."""
    things = {*of_routes.things(row)}
    return of_routes.reason(row, nowhere.gone(conn, things) if things else {})


def told(conn: Connection, rows: Sequence[Row]) -> list[Row]:
    """Return *rows* with `reasons` as a column of its own, ``nowhere``."""
    pairs = zip(rows, reasons(conn, rows), strict=True)
    return [{**row, "nowhere": why} for row, why in pairs]


def newly(conn: Connection, changes: Mapping[int, tuple[Row | None, Row]]) -> dict[int, str]:
    """Return why calls lead nowhere after *changes*, each the row before, if there was one, and after.

    Of a DID that leads nowhere already only what touches where its calls go counts.
    """
    wanted = {
        place: after
        for place, (before, after) in changes.items()
        if before is None or rules.is_touched(before, after)
    }
    found = zip(wanted, reasons(conn, list(wanted.values())), strict=True)
    return {place: why for place, why in found if why}
