"""How many DIDs are wanted: counted, or estimated by looking at some of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from didier.domain.checks import ANY, KINDS
from didier.storage import dialects
from didier.storage.dids import checks, filters
from didier.storage.dids.checks import Check
from didier.storage.dids.filters import Filter, clause
from didier.storage.statements import as_json, run, scalar
from didier.storage.tables import DIDS

LOOKED_AT = 5_000
"""How many ids an estimate looks at; of a few times as many DIDs all are counted."""

PLACES = 50
"""In how many places an estimate looks, evenly spread over all ids: blocks of numbers are alike."""

FEW = 20_000
"""From how many DIDs on a count is estimated."""

_WIDTH = LOOKED_AT // PLACES


def exact(conn: Connection, wanted: Filter) -> int:
    """Count the DIDs that are *wanted*: looks at all of them, unless there is an index for it."""
    conditions, values = filters.conditions(conn, wanted)
    return int(scalar(conn, f"SELECT COUNT(*) FROM {DIDS} AS d{clause(conditions)}", *values) or 0)


def _are_few(conn: Connection) -> bool:
    """Say whether there are no more DIDs than are always counted; looks at as many at most."""
    sql = f"SELECT COUNT(*) FROM (SELECT 1 AS one FROM {DIDS} LIMIT {FEW + 1}) AS some"
    return int(scalar(conn, sql) or 0) <= FEW


def estimated(conn: Connection, wanted: Filter) -> tuple[int, bool]:
    """Return about how many DIDs are *wanted*, and whether it is their number to the last.

    Counts them among the ids of some places, and takes the others to be like these.
    """
    first, last = run(conn, f"SELECT MIN(did_id), MAX(did_id) FROM {DIDS}")[0]
    if first is None:
        return 0, True
    ids = last - first + 1
    is_sought = wanted.copied_from is not None and not filters.is_run(conn, wanted)
    is_listed = wanted.patterns is not None or wanted.tag is not None or wanted.locked == "Y"
    is_rare = (
        wanted.leads_nowhere == "Y" or wanted.check is not None
    )  # a part of the table may well have none
    # Lists of ids are read as a whole for each place. A few DIDs may have ids far apart.
    if ids <= FEW or _are_few(conn) or is_listed or is_sought or is_rare:
        return exact(conn, wanted), True
    starts = [first + (ids - _WIDTH) * place // (PLACES - 1) for place in range(PLACES)]
    conditions, values = filters.conditions(conn, wanted, near=True)
    dialect = dialects.of(conn)
    places = f"{dialect.items('value', 'BIGINT')} {dialect.forced_join} {DIDS} AS d"
    sql = f"SELECT COUNT(*) FROM {places} ON d.did_id BETWEEN r.value AND r.value + ?{clause(conditions)}"
    found = int(scalar(conn, sql, as_json(starts), _WIDTH - 1, *values) or 0)
    return round(found * ids / LOOKED_AT), False


NAMED_MOST = 10_000
"""Up to how many DIDs with which something is wrong are named where they are counted."""


@dataclass(frozen=True, slots=True)
class ByKind:
    """How many DIDs have findings, by kind and under `ANY`; their *ids*, None where there are too many."""

    counts: Mapping[str, int]
    ids: Collection[int] | None


def by_check(conn: Connection, wanted: Filter, check: Check) -> ByKind:
    """Count the DIDs that are *wanted* by the kind of what *check*, one for `ANY`, finds; looks at all.

    They are few as a rule, and named then, so that a list of them need not look at all others once more.
    """
    conditions, values = filters.conditions(conn, replace(wanted, check=check))
    kinds = [checks.condition(conn, replace(check, kind=kind)) for kind in KINDS]
    given = [value for _, of_kind in kinds for value in of_kind]
    cases = [f"CASE WHEN {condition} THEN 1 ELSE 0 END" for condition, _ in kinds]
    source = f"FROM {DIDS} AS d{clause(conditions)}"
    named = f"SELECT d.did_id, {', '.join(cases)} {source} LIMIT {NAMED_MOST + 1}"
    rows = run(conn, named, *given, *values)
    if len(rows) <= NAMED_MOST:
        counts = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
        return ByKind(_counts(len(rows), counts), [row[0] for row in rows])
    sums = ", ".join(f"SUM({case})" for case in cases)
    [(any_, *counts)] = run(conn, f"SELECT COUNT(*), {sums} {source}", *given, *values)
    return ByKind(_counts(any_, counts), None)


def _counts(any_: int, counts: Sequence[int]) -> dict[str, int]:
    by_kind = {kind: int(count) for kind, count in zip(KINDS, counts, strict=True)} if counts else {}
    return {ANY: any_, **(by_kind or dict.fromkeys(KINDS, 0))}
