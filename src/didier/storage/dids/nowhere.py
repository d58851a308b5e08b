"""Which DIDs lead nowhere: what they refer to is looked up by set, or by the condition of a list.

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


def condition(conn: Connection) -> str:
    """Return the condition for a DID ``d`` to lead nowhere."""
    return f"(COALESCE(d.did_active, 'N') = 'Y' AND CASE d.did_route {_cases(conn)} ELSE 1 END = 1)"


def _cases(conn: Connection) -> str:
    return " ".join(f"WHEN '{route}' THEN {_is_dead(conn, route)}" for route in NEEDS)


def _is_dead(conn: Connection, route: str) -> str:
    unmet = f"({' OR '.join(_unmet(conn, need) for need in NEEDS[route])})"
    if route != "AGENT" or OTHERWISE not in columns_of(conn, DIDS):
        return unmet
    cases = " ".join(f"WHEN '{other}' THEN {_is_dead(conn, other)}" for other in UNAVAILABLE_ACTIONS)
    return f"({unmet} AND CASE d.{OTHERWISE} {cases} ELSE 1 END = 1)"


def _unmet(conn: Connection, need: Need) -> str:
    there = columns_of(conn, DIDS)
    named = f"d.{need.column}" if need.column in there else "''"  # older VICIdial versions lack some
    is_empty = f"TRIM(COALESCE({named}, '')) IN ('', '{NONE}')"
    is_gone = _is_gone(conn, need, named)
    return f"(NOT {is_empty} AND {is_gone})" if need.may_be_empty else f"({is_empty} OR {is_gone})"


def _is_gone(conn: Connection, need: Need, named: str) -> str:
    if not (need.reference and destinations.is_known(conn, need.reference)):
        return "1 = 0"
    table, column = need.reference.split(".")
    beside = f" AND t.{need.beside} = COALESCE(d.{need.beside}, '')" if need.beside else ""
    where = f"t.{column} = {named}{beside} AND {_is_active(conn, table)}"
    return f"NOT EXISTS (SELECT 1 FROM {table} AS t WHERE {where})"
