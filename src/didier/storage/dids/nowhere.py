"""Which routes of DIDs lead nowhere: what they refer to is looked up by set, or by a condition.

Both follow `domain.nowhere`. Of what stands in a table that is not there, or that VICIdial would fill,
nothing is known: it is taken to be there.
"""

from collections import defaultdict
from collections.abc import Collection
from typing import Literal

from sqlalchemy.engine import Connection

from didier.domain.fields import NONE, UNAVAILABLE_ACTIONS
from didier.domain.nowhere import NEEDS, OTHERWISE, Need, Thing
from didier.storage import dialects
from didier.storage.dids import destinations
from didier.storage.statements import as_json, columns_of, rows_of, run
from didier.storage.tables import DIDS


def gone(conn: Connection, things: Collection[Thing]) -> dict[Thing, Literal["missing", "inactive"]]:
    """Return those of *things* that are not there or not active: one statement for each table."""
    by_reference: dict[str, dict[tuple[str, str], None]] = defaultdict(dict)
    for reference, named, beside in things:
        by_reference[reference][named, beside] = None
    return {
        (reference, named, beside): "missing" if state is None else "inactive"
        for reference, wanted in by_reference.items()
        if destinations.is_known(conn, reference)
        for named, beside, state in _states(conn, reference, list(wanted))
        if state != _ACTIVE
    }


_ACTIVE = 2


def _states(
    conn: Connection, reference: str, wanted: list[tuple[str, str]]
) -> list[tuple[str, str, int | None]]:
    table, column = reference.split(".")
    beside = _BESIDE.get(reference)
    match = f"t.{column} = r.named" + (f" AND t.{beside} = r.beside" if beside else "")
    state = f"CASE WHEN {_is_active(conn, table)} THEN {_ACTIVE} ELSE 1 END"
    source = rows_of(dialects.of(conn), ("named", "beside"))
    sql = f"SELECT r.named, r.beside, (SELECT MAX({state}) FROM {table} AS t WHERE {match}) FROM {source}"
    return [(row[0], row[1], row[2]) for row in run(conn, sql, as_json(wanted))]


_BESIDE = {need.reference: need.beside for needs in NEEDS.values() for need in needs if need.beside}
"""The column beside that which a thing is named by, where it takes both; DIDs call it the same."""


def _is_active(conn: Connection, table: str) -> str:
    """Return the condition that a row ``t`` is in use; call menus have no such column."""
    return "COALESCE(t.active, 'Y') <> 'N'" if "active" in columns_of(conn, table) else "1 = 1"


def state(conn: Connection, route: str = "did_route", prefix: str = "") -> str:
    """Return the expression for the kind of dead end to which *route* leads; NULL where it leads somewhere.

    *prefix* is that of the columns that the route needs.
    """
    cases = " ".join(f"WHEN '{name}' THEN {_state(conn, name, prefix)}" for name in NEEDS)
    return f"CASE d.{route} {cases} ELSE 'no_destination' END"


def _state(conn: Connection, route: str, prefix: str) -> str:
    needed = [_unmet(conn, need, prefix) for need in NEEDS[route]]
    unmet = f"COALESCE({', '.join(needed)})" if len(needed) > 1 else needed[0]
    otherwise = f"{prefix}{OTHERWISE}"
    if route != "AGENT" or otherwise not in columns_of(conn, DIDS):
        return unmet
    cases = " ".join(f"WHEN '{other}' THEN {_state(conn, other, prefix)}" for other in UNAVAILABLE_ACTIONS)
    return f"CASE WHEN CASE d.{otherwise} {cases} ELSE '' END IS NOT NULL THEN {unmet} END"


def _unmet(conn: Connection, need: Need, prefix: str) -> str:
    column = f"{prefix}{need.column}"
    named = f"d.{column}" if column in columns_of(conn, DIDS) else "''"  # older VICIdial versions lack some
    if_empty = "NULL" if need.may_be_empty else "'no_destination'"
    return f"CASE WHEN {is_empty(named)} THEN {if_empty} ELSE {gone_state(conn, need, named, prefix)} END"


def is_empty(named: str) -> str:
    """Return the condition that the column *named* names nothing."""
    return f"TRIM(COALESCE({named}, '')) IN ('', '{NONE}')"


def gone_state(conn: Connection, need: Need, named: str, prefix: str = "") -> str:
    """Return the expression for how what *named* holds is gone; NULL where it is there and active."""
    if not (need.reference and destinations.is_known(conn, need.reference)):
        return "NULL"
    table, column = need.reference.split(".")
    if need.beside:
        named, column = f"({named}, COALESCE(d.{prefix}{need.beside}, ''))", f"t.{column}, t.{need.beside}"
    else:
        column = f"t.{column}"
    there = f"SELECT {column} FROM {table} AS t"  # read once, and not for each DID
    return (
        f"CASE WHEN {named} IN ({there} WHERE {_is_active(conn, table)}) THEN NULL"
        f" WHEN {named} IN ({there}) THEN 'inactive' ELSE 'missing' END"
    )
