"""Which DIDs are wanted: conditions on a row ``d`` of the table of DIDs."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import checks as findings
from didier.domain import nowhere as dead_ends
from didier.domain.route_texts import DESTINATIONS
from didier.domain.visibility import EVERYTHING, Visibility
from didier.storage import dialects
from didier.storage.dialects import SqlDialect
from didier.storage.dids import checks, search, visibility
from didier.storage.dids.checks import Check
from didier.storage.statements import as_json, columns_of, escaped, like, run
from didier.storage.tables import DIDS


@dataclass(frozen=True, slots=True)
class Filter:
    """Which DIDs are wanted; None: whatever there is.

    *text* occurs in the pattern or the description, or *digits* occur among the digits of the pattern;
    *carrier* occurs in the carrier's description, *destination* in the column that says where the route
    leads; *tag* is one of its tags; *leads_nowhere* is Y if it is active and its calls get nowhere.
    *copied_from* is the pattern of the DID that was copied; *patterns* are those of the DIDs themselves,
    *prefix* is how these begin.
    *check* looks for something wrong that it has, among the DIDs *ids* if that is known. *span* are the
    lowest and the highest id.
    """

    text: str | None = None
    digits: str | None = None
    route: str | None = None
    active: str | None = None
    group: str | None = None  # user group
    in_group: str | None = None
    carrier: str | None = None
    destination: str | None = None
    tag: str | None = None
    locked: str | None = None
    leads_nowhere: str | None = None
    check: Check | None = None
    ids: Collection[int] | None = None
    span: tuple[int, int] | None = None
    prefix: str | None = None
    copied_from: str | None = None
    patterns: Collection[str] | None = None
    sight: Visibility = EVERYTHING  # of whom they are listed for


def conditions(conn: Connection, wanted: Filter, *, near: bool = False) -> tuple[list[str], list[Any]]:
    """Return the conditions for a DID ``d`` to be *wanted*, and their values.

    With *near* they look at the row alone, for few rows that were chosen otherwise.
    """
    found: list[str] = []
    values: list[Any] = []

    def want(condition: str, *given: Any) -> None:
        found.append(condition)
        values.extend(given)

    if wanted.text is not None and near:
        want(*_has_text(wanted.text, wanted.digits))
    elif wanted.text is not None:
        sql, given = search.ids(dialects.of(conn), wanted.text, wanted.digits)
        want(f"d.did_id IN ({sql})", *given)
    equal = {
        "did_route": wanted.route,
        "did_active": wanted.active,
        "user_group": wanted.group,
        "group_id": wanted.in_group,
    }
    for column, value in equal.items():
        if value is not None:
            want(f"d.{column} = ?", value)
    if wanted.carrier is not None:
        known = "did_carrier_description" in columns_of(conn, DIDS)  # older VICIdial versions lack it
        column = "d.did_carrier_description" if known else "''"
        want(f"{column} LIKE ? ESCAPE '!'", like(wanted.carrier))
    if wanted.destination is not None:
        want(f"{_DESTINATION} LIKE ? ESCAPE '!'", like(wanted.destination))
    if wanted.tag is not None:
        want(_HAS_TAG, *_tag_among(escaped(wanted.tag)))
    if wanted.locked is not None:
        want(f"d.did_id {'IN' if wanted.locked == 'Y' else 'NOT IN'} ({_LOCKED})")
    if wanted.leads_nowhere is not None:
        sql, given = checks.lost(conn)
        want(sql if wanted.leads_nowhere == "Y" else f"NOT {sql}", *given)
    if wanted.check is not None:
        sql, given = checks.condition(conn, wanted.check)
        want(sql, *given)
    if wanted.ids is not None:
        want(f"d.did_id IN {dialects.of(conn).numbers}", as_json(list(wanted.ids)))
    if wanted.span is not None:
        want("d.did_id BETWEEN ? AND ?", *wanted.span)
    if wanted.patterns is not None:
        want(f"d.did_pattern IN {dialects.of(conn).texts}", as_json(list(wanted.patterns)))
    if wanted.prefix is not None:
        want("d.did_pattern LIKE ? ESCAPE '!'", f"{escaped(wanted.prefix)}%")
    if wanted.copied_from is not None:
        sql, given = _copied_from(conn, wanted.sight, wanted.copied_from, near=near)
        want(sql, *given)
    limits, given = visibility.conditions(conn, wanted.sight)
    return found + limits, values + given


_LOOKED_AT = (
    "did_id", "did_pattern", "did_description", "did_route", "did_active", "user_group", "group_id",
    "did_carrier_description", *DESTINATIONS.values(), *dead_ends.COLUMNS,
)  # fmt: skip


def columns(conn: Connection, wanted: Filter) -> list[str]:
    """Return the columns that conditions look at: rows have a hundred, which take time to be kept."""
    there = columns_of(conn, DIDS)
    names = _LOOKED_AT if wanted.check is None else (*_LOOKED_AT, *findings.LOOKED_AT)
    return [name for name in dict.fromkeys(names) if name in there]


def clause(conditions: Collection[str]) -> str:
    """Return the clause with all of *conditions*, if there are any."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


_ROUTES = " ".join(f"WHEN '{route}' THEN d.{column}" for route, column in DESTINATIONS.items())
_DESTINATION = f"(CASE d.did_route {_ROUTES} END)"
"""Where the route of a DID leads."""

_LOCKED = "SELECT f.did_id FROM didier_did_fields AS f WHERE f.locked = 'Y'"

_AMONG = " OR ".join(["f.tags LIKE ? ESCAPE '!'"] * 4)
_HAS_TAG = f"d.did_id IN (SELECT f.did_id FROM didier_did_fields AS f WHERE f.tags <> '' AND ({_AMONG}))"


def _tag_among(tag: str) -> tuple[str, ...]:
    """Return the patterns of tags, divided by commas, that have *tag* among them."""
    return tag, f"{tag},%", f"%,{tag}", f"%,{tag},%"


def _has_text(text: str, digits: str | None) -> tuple[str, ...]:
    """Return the condition that a row has a text, and its values."""
    conditions = ["d.did_pattern LIKE ? ESCAPE '!'", "d.did_description LIKE ? ESCAPE '!'"]
    values = [like(text)] * 2
    if digits:
        conditions.append(f"{search.DIGITS} LIKE ?")
        values.append(f"%{digits}%")
    return (f"({' OR '.join(conditions)})", *values)


def source_group(dialect: SqlDialect, sight: Visibility) -> str:
    """Return the expression for the group that the source of the copy ``c`` had; NULL where none is asked."""
    if sight.groups is None:
        return "NULL"
    group = dialect.member("s.content", "user_group")
    return f"(SELECT {group} FROM didier_snapshots AS s WHERE s.snapshot_id = c.snapshot_id)"


RUNS_FEW = 50
"""Up to how many orders have copied a DID for its copies to be looked for among the rows of a list."""


def is_run(conn: Connection, wanted: Filter) -> bool:
    """Say whether copies of a DID are wanted that few orders have made: there may be many, side by side."""
    if wanted.copied_from is None:
        return False
    sql = f"SELECT change_id FROM didier_changes WHERE source_pattern = ? LIMIT {RUNS_FEW + 1}"
    return len(run(conn, sql, wanted.copied_from)) <= RUNS_FEW


_COPY_OF = (
    "EXISTS (SELECT 1 FROM didier_changes AS c"
    " WHERE c.source_pattern = ?{seen} AND d.did_id BETWEEN c.did_id AND c.did_id + c.size - 1)"
)
_COPIED_FROM = (
    "d.did_id IN (SELECT t.did_id FROM didier_changes AS c"
    f" JOIN {DIDS} AS t ON t.did_id BETWEEN c.did_id AND c.did_id + c.size - 1"
    " WHERE c.source_pattern = ?{seen})"
)


def _copied_from(conn: Connection, sight: Visibility, source: str, *, near: bool) -> tuple[str, list[Any]]:
    """Return the condition for copies of *source* as it was when it was seen, and its values."""
    condition = _COPY_OF if near else _COPIED_FROM
    if not sight.sees_pattern(source):
        return "1 = 0", []
    if sight.groups is None:
        return condition.format(seen=""), [source]
    seen = f" AND c.snapshot_id IN {dialects.of(conn).numbers}"
    return condition.format(seen=seen), [source, as_json(_seen_snapshots(conn, sight, source))]


def _seen_snapshots(conn: Connection, sight: Visibility, source: str) -> list[int]:
    """Return the snapshots of *source* in which it is seen: equal ones are kept once, so they are few."""
    group = source_group(dialects.of(conn), sight)
    sql = f"SELECT DISTINCT snapshot_id, {group} FROM didier_changes AS c WHERE source_pattern = ?"
    return [
        snapshot_id
        for snapshot_id, group in run(conn, sql, source)
        if snapshot_id and sight.sees_group(group)
    ]
