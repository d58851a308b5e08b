"""What is wrong with DIDs, page by page and counted. It only reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from didier.domain import checks as rules
from didier.domain.checks import ANY, Finding
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids import checks, pages, totals, ways
from didier.storage.dids.checks import Check
from didier.storage.dids.filters import Filter
from didier.storage.dids.pages import Row, Sort, Value


@dataclass(frozen=True, slots=True)
class CheckedDid:
    """A DID, and what is wrong with it."""

    row: Row
    findings: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class CheckedDids:
    """Some DIDs with what is wrong, and the place behind which the next page begins; None behind the last."""

    dids: Sequence[CheckedDid]
    following: list[str | int] | None


def page(
    conn: Connection,
    caller: Caller,
    kind: str | None,
    own_contexts: Sequence[str],
    limit: int,
    after: Sequence[Value] | None = None,
) -> CheckedDids | NotPermitted:
    """Return *limit* of the DIDs that the caller sees and with which something is wrong, by pattern.

    With a *kind* (`domain.checks.KINDS`) only those that have such a finding, with that alone.
    *own_contexts* are in the dialplan beside those that the database knows.
    """
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    wanted = Wanted(check=kind or ANY, contexts=own_contexts)
    return _page(conn, lookup.filter_of(conn, caller, wanted), limit, after)


def _page(conn: Connection, chosen: Filter, limit: int, after: Sequence[Value] | None) -> CheckedDids:
    sort = Sort()
    rows = pages.page(conn, chosen, sort, limit + 1, after)
    following = pages.place(rows[limit - 1], sort) if len(rows) > limit else None
    return CheckedDids(_checked(conn, rows[:limit], chosen.check), following)


def within(conn: Connection, check: Check, first: int, last: int) -> list[CheckedDid]:
    """Return the DIDs with ids from *first* to *last* in which *check* finds something, with what it is."""
    chosen = Filter(check=check, span=(first, last))
    return _checked(conn, pages.page(conn, chosen, Sort("did_id"), last - first + 1), check)


def _checked(conn: Connection, rows: Sequence[Row], check: Check | None) -> list[CheckedDid]:
    """Return *rows* with what *check* finds: as many statements for many rows as for one."""
    if check is None or not rows:
        return []
    outside = check.outside
    gone = checks.gone(conn, check, {thing for row in rows for thing in rules.things(row, outside)})
    unknown = _unknown(rows, check)
    found = [
        rules.findings(row, gone, unknown, check.loops.circle(int(row["did_id"] or 0)), outside)
        for row in rows
    ]
    return [
        CheckedDid(row, [one for one in of_row if check.seeks(one.kind)])
        for row, of_row in zip(rows, found, strict=True)
    ]


def _unknown(rows: Sequence[Row], check: Check) -> set[str]:
    """Return the contexts of *rows* that are not known."""
    named = (
        context
        for row in rows
        for _, context in (*rules.contexts(row), *rules.contexts_beside(row, check.outside))
    )
    return ways.unknown_contexts(named, check.contexts)


@dataclass(frozen=True, slots=True)
class CountedDids:
    """A page of DIDs with what is wrong, and how many there are by kind, all under `ANY`."""

    page: CheckedDids
    counts: Mapping[str, int]


def counted_page(
    conn: Connection,
    caller: Caller,
    kind: str | None,
    own_contexts: Sequence[str],
    limit: int,
    after: Sequence[Value] | None = None,
) -> CountedDids | NotPermitted:
    """Return a `page` with the counts of all kinds; all DIDs are looked at once for both."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    chosen = lookup.filter_of(conn, caller, Wanted())
    check = checks.look(conn, ANY, chosen.sight, own_contexts)
    found = totals.by_check(conn, chosen, check)
    of_kind = replace(chosen, check=replace(check, kind=kind or ANY), ids=found.ids)
    return CountedDids(_page(conn, of_kind, limit, after), found.counts)
