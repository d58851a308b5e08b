"""Lists of DIDs, page by page and as tables, and single DIDs with a mark of their state. They only read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from didier.domain import numbers, targets
from didier.domain.users import missing_rights
from didier.domain.visibility import Visibility
from didier.errors import NotFound, NotPermitted
from didier.services.batches import edits
from didier.services.usage.reports import ROW_LIMIT, Table
from didier.services.users.authentication import Caller
from didier.storage.dids import checks, dids, pages, totals
from didier.storage.dids.filters import Filter
from didier.storage.dids.pages import Row, Sort, Value


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which DIDs a list shall have; None: whatever there is.

    *search* is part of a pattern, in any spelling of the number, or of a description; *carrier* is part of
    the carrier's description, *destination* of the extension, in-group, call menu … to which the route leads.
    *leads_nowhere* is Y for DIDs that are active and whose calls get nowhere, N for all others. *check* is
    the kind of something that is wrong with them (`domain.checks.KINDS`), or any; *contexts* are in the
    dialplan beside those that the database knows. *dids* are patterns: whatever else is wanted, only these.
    """

    search: str | None = None
    route: str | None = None
    active: str | None = None
    user_group: str | None = None
    group_id: str | None = None
    carrier: str | None = None
    copied_from: str | None = None
    destination: str | None = None
    tag: str | None = None
    dids: Sequence[str] | None = None
    locked: str | None = None
    leads_nowhere: str | None = None
    check: str | None = None
    contexts: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class FoundDids:
    """Some DIDs of a list, and the place behind which the next page begins; None behind the last."""

    rows: Sequence[Row]
    following: list[str | int] | None


def page(
    conn: Connection,
    caller: Caller,
    wanted: Wanted,
    sort: Sort,
    limit: int,
    after: Sequence[Value] | None = None,
) -> FoundDids | NotPermitted:
    """Return *limit* of the DIDs that are wanted and that the caller sees, behind the place *after*."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    rows = pages.page(conn, filter_of(conn, caller, wanted), sort, limit + 1, after)
    if len(rows) <= limit:
        return FoundDids(rows, None)
    return FoundDids(rows[:limit], pages.place(rows[limit - 1], sort))


def patterns(
    conn: Connection, caller: Caller, wanted: Wanted, after: int, limit: int
) -> list[tuple[int, str]] | NotPermitted:
    """Return id and pattern of *limit* DIDs that are wanted and visible, behind the id *after*."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    return pages.patterns(conn, filter_of(conn, caller, wanted), after, limit)


@dataclass(frozen=True, slots=True)
class Total:
    """How many DIDs there are in a list; an estimate unless it *is_exact*."""

    count: int
    is_exact: bool


def total(conn: Connection, caller: Caller, wanted: Wanted, *, exact: bool) -> Total | NotPermitted:
    """Count the DIDs that are wanted and visible: all of them if *exact*, else quickly."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    chosen = filter_of(conn, caller, wanted)
    if exact:
        return Total(totals.exact(conn, chosen), is_exact=True)
    return Total(*totals.estimated(conn, chosen))


def filter_of(conn: Connection, caller: Caller, wanted: Wanted) -> Filter:
    """Return how storage knows the DIDs that are wanted and that the caller sees."""
    search = wanted.search.strip() if wanted.search else None
    sight, source = caller.visibility, wanted.copied_from
    if source and (did := dids.find(conn, [source]).get(source)):
        source = did.pattern  # as batches spell it
    return Filter(
        text=search,
        digits=digits_of(search) if search else None,
        route=wanted.route,
        active=wanted.active,
        group=wanted.user_group,
        in_group=wanted.group_id,
        carrier=wanted.carrier,
        destination=wanted.destination,
        tag=wanted.tag,
        locked=wanted.locked,
        leads_nowhere=wanted.leads_nowhere,
        check=checks.look(conn, wanted.check, sight, wanted.contexts or ()) if wanted.check else None,
        patterns=wanted.dids,
        copied_from=source,
        sight=sight,
    )


def digits_of(search: str) -> str | None:
    """Return the digits of a number in whatever spelling, None when *search* is no number."""
    if any(character.isalpha() for character in search):
        return None
    return "".join(character for character in search if character in "0123456789") or None


LISTED = (
    "did_id", "did_pattern", "did_description", "did_active", "did_route", "user_group", "extension",
    "exten_context", "voicemail_ext", "phone", "server_ip", "user", "group_id", "menu_id", "record_call",
    "list_id", "campaign_id",
)  # fmt: skip
"""The columns of a table of DIDs, where there are such."""


def table(
    conn: Connection, caller: Caller, wanted: Wanted, limit: int = ROW_LIMIT, offset: int = 0
) -> Table | NotPermitted:
    """Return *limit* of the DIDs that are wanted and that the caller sees, by pattern, behind *offset*."""
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    there = pages.columns(conn)
    names = [name for name in LISTED if name in there]
    limit = min(limit, ROW_LIMIT)
    rows = pages.table(conn, filter_of(conn, caller, wanted), names, limit + 1, offset)
    return Table(names, rows[:limit], offset + limit if len(rows) > limit else None)


def info(conn: Connection, caller: Caller, pattern: str) -> Table | NotPermitted | NotFound:
    """Return all columns of the DID *pattern*, in one row."""
    found = one(conn, caller, pattern)
    if not isinstance(found, Mapping):
        return found
    names = pages.columns(conn)
    return Table(names, [[found[name] for name in names]])


def named(conn: Connection, caller: Caller, search: str, region: str) -> list[Row] | NotPermitted:
    """Return the DIDs that the caller sees and that are the number *search*, in whatever spelling.

    They are found at once, however many DIDs there are; a `page` has those too that only contain it.
    """
    if missing := missing_rights(caller.user, "list_dids"):
        return missing
    pattern = targets.plain(search.strip())
    spelled = [pattern, *numbers.spellings(pattern, region)]
    found = dids.find(conn, spelled)
    sight = caller.visibility
    there = [did for did in map(found.get, spelled) if did and sight.sees(did.group, did.pattern)]
    return [row for row in (pages.one(conn, did.did_id, sight) for did in there) if row]


def one(conn: Connection, caller: Caller, pattern: str) -> Row | NotPermitted | NotFound:
    """Return the DID *pattern*, if the caller sees it."""
    if missing := missing_rights(caller.user, "did_info"):
        return missing
    did = dids.find(conn, [pattern]).get(pattern)
    sight = caller.visibility
    if did is None or not sight.sees(did.group, did.pattern):
        return NotFound(pattern)
    return pages.one(conn, did.did_id, sight) or NotFound(pattern)


def written(conn: Connection, did_id: int, sight: Visibility) -> Row:
    """Return a DID that a service has written in this transaction for who has *sight*, and so sees it."""
    row = pages.one(conn, did_id, sight)
    if row is None:
        raise LookupError(f"DID {did_id} was written in this transaction and is not there")
    return row


def version(row: Row) -> str:
    """Return the mark that orders to change the DID know it by, see `edit_orders.etag`."""
    return edits.etag({name: value for name, value in row.items() if name != "copied_from"})
