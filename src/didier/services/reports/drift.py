"""Copies that differ from the DID that they were copied from, page by page. It only reads."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.engine import Connection

from didier.domain.drift import Against
from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.dids import lookup, origins
from didier.services.dids.lookup import Total, Wanted
from didier.services.dids.origins import Drifted
from didier.services.users.authentication import Caller
from didier.storage.dids import lineage
from didier.storage.dids.pages import Sort

AT_ONCE = 1_000
"""How many DIDs are compared together: tables without transactions are locked by statements about them."""

COUNTED_MOST = 100
"""Up to how many copies that differ are counted."""

LOOKED_AT_MOST = 20_000
"""After how many DIDs a page ends that is not full: where little differs, others wait meanwhile."""


@dataclass(frozen=True, slots=True)
class DriftWanted:
    """Which copies are wanted, None: whatever there is; and with what of their source they are compared.

    *source* is the pattern of the DID that was copied, *prefix* is how those of the copies begin.
    """

    against: Against = "now"
    source: str | None = None
    user_group: str | None = None
    route: str | None = None
    prefix: str | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class DriftPage:
    """Some copies that differ, and the place behind which the next page begins; None behind the last.

    It may have none though another page follows.
    """

    dids: Sequence[Drifted]
    following: list[str | int] | None


def page(
    conn: Connection,
    caller: Caller,
    wanted: DriftWanted,
    sort: Sort,
    limit: int,
    after: list[str | int] | None = None,
) -> DriftPage | NotPermitted:
    """Return up to *limit* of the copies that are wanted and differ, behind the place *after*.

    The caller sees them, and their sources.
    """
    if missing := missing_rights(caller.user, "did_log_export"):
        return missing
    return _page(conn, caller, wanted, sort, limit, after, LOOKED_AT_MOST)


def count(conn: Connection, caller: Caller, source: str) -> Total | None:
    """Count the copies of the DID *source* that differ from it now: of the first thousand, a hundred at most.

    None: the caller may not know.
    """
    if missing_rights(caller.user, "did_log_export"):
        return None
    found = _page(conn, caller, DriftWanted(source=source), Sort("did_id"), COUNTED_MOST, None, AT_ONCE)
    return Total(len(found.dids), is_exact=found.following is None)


def _page(
    conn: Connection,
    caller: Caller,
    wanted: DriftWanted,
    sort: Sort,
    limit: int,
    after: list[str | int] | None,
    most: int,
) -> DriftPage:
    described = Wanted(
        route=wanted.route, user_group=wanted.user_group, tag=wanted.tag, copied_from=wanted.source
    )
    chosen = replace(lookup.filter_of(conn, caller, described), prefix=wanted.prefix)
    listed = lineage.page(conn, chosen, sort, most, after)
    found: list[Drifted] = []
    for first in range(0, len(listed), AT_ONCE):
        some = listed[first : first + AT_ONCE]
        differing = origins.drifted(conn, caller.visibility, [one.did_id for one in some], wanted.against)
        for one in some:
            if one.did_id in differing:
                found.append(differing[one.did_id])
            if len(found) == limit:
                return DriftPage(found, one.place)
    return DriftPage(found, listed[-1].place if len(listed) == most else None)
