"""Reports: calls to a number, lists of DIDs, one DID as it stands. They only read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Connection

from didier.domain.users import User, missing_rights
from didier.errors import NotFound, NotPermitted
from didier.storage.dids import dids
from didier.storage.usage import reports
from didier.storage.usage.reports import Call, Value

ROW_LIMIT = 100_000
"""Most rows of a report."""

LISTED = (
    "did_id", "did_pattern", "did_description", "did_active", "did_route", "user_group", "extension",
    "exten_context", "voicemail_ext", "phone", "server_ip", "user", "group_id", "menu_id", "record_call",
    "list_id", "campaign_id",
)  # fmt: skip
"""The columns of a list of DIDs, where the table has them."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a report under the names of their columns."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which DIDs a list shall have; None: whatever there is.

    *search* is part of a pattern, in any spelling of the number, or of a description.
    """

    search: str | None = None
    route: str | None = None
    active: str | None = None
    group: str | None = None
    limit: int = ROW_LIMIT
    offset: int = 0


def calls(
    conn: Connection, user: User, number: str, day: date, limit: int = ROW_LIMIT
) -> list[Call] | NotPermitted:
    """Return the calls to *number* on *day*, by time.

    A call counts as seen by *user* when the DID that took it is visible, and the DID that has the number
    now. Of a DID that is there no longer the group is not known: users who see every group see its calls.
    """
    if missing := missing_rights(user, "did_log_export"):
        return missing
    did = dids.find(conn, [number]).get(number)
    if did and not user.sees(did.group):
        return []
    return reports.calls(conn, number, day, user.visible_groups(), min(limit, ROW_LIMIT))


def listed(conn: Connection, user: User, wanted: Wanted) -> Table | NotPermitted:
    """Return the DIDs that are wanted and visible to *user*, by pattern."""
    if missing := missing_rights(user, "list_dids"):
        return missing
    search = wanted.search.strip() if wanted.search else None
    there = reports.columns(conn)
    names = [name for name in LISTED if name in there]
    chosen = reports.Filter(
        text=search,
        digits=digits_of(search) if search else None,
        route=wanted.route,
        active=wanted.active,
        group=wanted.group,
        visible=user.visible_groups(),
    )
    rows = reports.search(conn, chosen, names, min(wanted.limit, ROW_LIMIT), wanted.offset)
    return Table(names, rows)


def digits_of(search: str) -> str | None:
    """Return the digits of a number in whatever spelling, None when *search* is no number."""
    if any(character.isalpha() for character in search):
        return None
    return "".join(character for character in search if character in "0123456789") or None


def info(conn: Connection, user: User, pattern: str) -> Table | NotPermitted | NotFound:
    """Return all columns of the DID *pattern*, in one row."""
    if missing := missing_rights(user, "did_info"):
        return missing
    did = dids.find(conn, [pattern]).get(pattern)
    if did is None or not user.sees(did.group):
        return NotFound(pattern)
    return Table(reports.columns(conn), [reports.did(conn, did.did_id)])
