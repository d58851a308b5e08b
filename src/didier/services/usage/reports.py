"""Reports: calls to a number on a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.engine import Connection

from didier.domain.users import User, missing_rights
from didier.errors import NotPermitted
from didier.storage.dids import dids
from didier.storage.usage import reports
from didier.storage.usage.reports import InboundCall

Value = str | int | None
"""A value of a report: a DATETIME is its text."""

ROW_LIMIT = 100_000
"""Most rows of a report."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a report under the names of their columns; *following* is the offset of the next."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Value]]
    following: int | None = None


def calls(
    conn: Connection, user: User, number: str, day: date, limit: int = ROW_LIMIT
) -> list[InboundCall] | NotPermitted:
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
