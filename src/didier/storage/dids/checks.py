"""Which DIDs have something wrong: what they need is looked up by set, or by the condition of a list.

Both follow `domain.checks`. Of what stands in a table that is not there, or that VICIdial would fill,
nothing is known: it is taken to be there.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.calls import number_lists
from didier.domain.checks import (
    ANY,
    BY_REDIRECT,
    DEAD_ENDS,
    DETOURS,
    FILTER,
    FILTER_COLUMNS,
    FILTER_GROUPS,
    IN_CONTEXT,
    Outside,
)
from didier.domain.nowhere import Gone, Need, Thing
from didier.domain.visibility import Visibility
from didier.storage import dialects
from didier.storage.calls.equality import key
from didier.storage.dids import contexts, destinations, loops, nowhere, ways
from didier.storage.dids.loops import NO_LOOPS, Loops, is_on
from didier.storage.statements import as_json, columns_of, run
from didier.storage.tables import DIDS

Condition = tuple[str, list[Any]]
"""A condition on a DID ``d``, and its values."""

BESIDE = ("schedule", "detour", "context")
"""The kinds of findings that schedules and fallbacks may have."""

LISTS_MOST = 10_000
"""Most different lists of filter groups that are looked through."""


@dataclass(frozen=True, slots=True)
class Check:
    """What is looked for in DIDs, a *kind* of finding or `ANY`, and what has to be known for that.

    *outside* is where schedules send calls, *saved* are the DIDs without a route that have fallbacks left,
    *beside* those with findings beside their route, by kind; *dead_lists* are those of filter groups among
    which one has no numbers, by column. *contexts* are those that there are, *groups*
    the keys of the filter groups that have numbers, None where that is not known.
    """

    kind: str
    outside: Outside = field(default_factory=dict)
    saved: Collection[int] = ()
    beside: Mapping[str, Collection[int]] = field(default_factory=dict)
    dead_lists: Mapping[str, Collection[str]] = field(default_factory=dict)
    loops: Loops = NO_LOOPS
    contexts: Collection[str] = ()
    groups: Collection[str] | None = None

    def seeks(self, kind: str) -> bool:
        """Say whether findings of *kind* are looked for."""
        return self.kind in {ANY, kind}


def look(conn: Connection, kind: str, seen: Visibility, own_contexts: Collection[str]) -> Check:
    """Return the check for findings of *kind* in DIDs that are *seen*; *own_contexts* are known, too."""
    check = Check(kind)
    outside = ways.outside(conn)
    known = contexts.known(conn, own_contexts) if check.seeks("context") else ()
    groups = _filter_groups(conn) if check.seeks("detour") else None
    return Check(
        kind,
        outside=outside,
        saved=ways.saved(conn) if any(map(check.seeks, (*DEAD_ENDS, "fallback_only"))) else (),
        beside=ways.by_kind(conn, outside, known) if any(map(check.seeks, BESIDE)) else {},
        dead_lists=_dead_lists(conn, groups),
        loops=loops.find(conn, seen, outside) if check.seeks("loop") else NO_LOOPS,
        contexts=known,
        groups=groups,
    )


def _filter_groups(conn: Connection) -> set[str] | None:
    """Return the keys of the filter groups that have numbers; None where that is not known.

    VICIdial's table has no index by group: one look through it is less than one for each group.
    """
    if not destinations.is_known(conn, FILTER_GROUPS):
        return None
    table, column = FILTER_GROUPS.split(".")
    return {key(row[0]) for row in run(conn, f"SELECT DISTINCT {column} FROM {table}")}


def gone(conn: Connection, check: Check, things: Collection[Thing]) -> Gone:
    """Return those of *things* that are not there or not active: one statement for each table."""
    groups = {thing for thing in things if thing[0] == FILTER_GROUPS}
    found = dict(nowhere.gone(conn, {*things} - groups))
    if check.groups is not None:
        found |= {thing: "missing" for thing in groups if key(thing[1]) not in check.groups}
    return found


def condition(conn: Connection, check: Check) -> Condition:
    """Return the condition for a DID ``d`` to have something wrong that *check* looks for."""
    found: list[Condition] = []
    if check.kind == ANY:  # whose route leads nowhere has a finding, whether fallbacks are left or not
        found.append((f"{nowhere.state(conn)} IS NOT NULL", []))
    elif check.kind in DEAD_ENDS:
        found.append(_lost(conn, check.saved, check.kind))
    elif check.kind == "fallback_only":
        found.append(_is_one(conn, check.saved))
    if check.seeks("loop"):
        found.append(_is_one(conn, check.loops.circling))
    if check.seeks("context"):
        found += _contexts(conn, check)
    if check.seeks("detour"):
        found += _detours(conn, check)
    found += [_is_one(conn, ids) for kind, ids in check.beside.items() if check.seeks(kind)]
    sql, values = _either(found)
    return f"(d.did_active = 'Y' AND {sql})", values


def lost(conn: Connection) -> Condition:
    """Return the condition for a DID ``d`` to be active and to lose its calls."""
    sql, values = _lost(conn, ways.saved(conn))
    return f"(COALESCE(d.did_active, 'N') = 'Y' AND {sql})", values


def _lost(conn: Connection, saved: Collection[int], kind: str | None = None) -> Condition:
    dead, (is_saved, values) = nowhere.state(conn), _is_one(conn, saved)
    return f"({dead} {f'= {kind!r}' if kind else 'IS NOT NULL'} AND NOT {is_saved})", values


def _is_one(conn: Connection, ids: Collection[int]) -> Condition:
    """Return the condition for a DID ``d`` to be one of *ids*."""
    if not ids:
        return "(1 = 0)", []  # not even looked at for each row
    return f"(d.did_id IN {dialects.of(conn).numbers})", [as_json(sorted(ids))]


def _either(conditions: Sequence[Condition]) -> Condition:
    """Return the condition that one of *conditions* is met."""
    sql = " OR ".join(condition for condition, _ in conditions) or "1 = 0"
    return f"({sql})", [value for _, values in conditions for value in values]


def _contexts(conn: Connection, check: Check) -> Iterator[Condition]:
    known = as_json(sorted(check.contexts))
    routes = ", ".join(f"'{route}'" for route in IN_CONTEXT)
    there = columns_of(conn, DIDS)
    for route, column, on in (
        ("did_route", "exten_context", "1 = 1"),
        (FILTER_COLUMNS["did_route"], FILTER_COLUMNS["exten_context"], _by_filter(conn)),
    ):
        if {route, column} <= {*there}:
            named = f"d.{column} NOT IN {dialects.of(conn).texts} AND NOT {nowhere.is_empty(f'd.{column}')}"
            yield f"({on} AND d.{route} IN ({routes}) AND {named})", [known]


def _by_filter(conn: Connection) -> str:
    """Return the condition that the route of a filter counts."""
    there = columns_of(conn, DIDS)
    if FILTER.column not in there:
        return "1 = 0"
    redirected = is_on(BY_REDIRECT) if BY_REDIRECT.column in there else "1 = 0"
    return f"({is_on(FILTER)} AND NOT (d.{FILTER.column} = 'URL' AND {redirected}))"


def _detours(conn: Connection, check: Check) -> Iterator[Condition]:
    there = {*columns_of(conn, DIDS)}
    if FILTER_COLUMNS["did_route"] in there:
        state = nowhere.state(conn, FILTER_COLUMNS["did_route"], "filter_")
        yield f"({_by_filter(conn)} AND {state} IS NOT NULL)", []
    for detour in DETOURS:
        switches, needs = ({one.column for one in detour.switches}, {one.column for one in detour.needs})
        if switches | needs <= there:
            on = " AND ".join(map(is_on, detour.switches))
            unmet, values = _either([_unmet(conn, check, need) for need in detour.needs])
            yield f"({on} AND {unmet})", values


def _unmet(conn: Connection, check: Check, need: Need) -> Condition:
    named = f"d.{need.column}"
    if need.reference != FILTER_GROUPS:
        return f"({nowhere.is_empty(named)} OR {nowhere.gone_state(conn, need, named)} IS NOT NULL)", []
    dead = as_json(sorted(check.dead_lists.get(need.column, ())))
    return f"({nowhere.is_empty(named)} OR {named} IN {dialects.of(conn).texts})", [dead]


def _dead_lists(conn: Connection, groups: Collection[str] | None) -> Mapping[str, Collection[str]]:
    """Return the lists that DIDs name in which a filter group has no numbers, by their column.

    *groups* are the keys of those that have some.
    """
    there = {*columns_of(conn, DIDS)}
    listing = [
        (need.column, " AND ".join(map(is_on, detour.switches)))
        for detour in DETOURS
        for need in detour.needs
        if need.reference == FILTER_GROUPS
        and {need.column, *(one.column for one in detour.switches)} <= there
    ]
    if groups is None or not listing:
        return {}
    # All DIDs are looked through once: a list that does not count is an empty one.
    cases = ", ".join(f"CASE WHEN {on} THEN d.{column} ELSE '' END" for column, on in listing)
    counting = " OR ".join(on for _, on in listing)
    where = f"d.did_active = 'Y' AND ({counting})"
    sql = f"SELECT DISTINCT {cases} FROM {DIDS} AS d WHERE {where} LIMIT {LISTS_MOST}"
    named = zip(*run(conn, sql), strict=True)
    return {
        column: {one for one in lists if any(g and key(g) not in groups for g in number_lists.groups(one))}
        for (column, _), lists in zip(listing, named, strict=False)
    }
