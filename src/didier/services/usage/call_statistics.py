"""The API log and the calls to numbers, as far as callers may see them. They only read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy.engine import Connection

from didier.domain.users import missing_rights
from didier.errors import NotPermitted
from didier.services.changes import admin_log
from didier.services.usage import reports
from didier.services.users import authentication
from didier.services.users.authentication import Caller
from didier.storage.usage import call_statistics
from didier.storage.usage.call_statistics import LogFilter, Logged
from didier.storage.usage.reports import InboundCall

DATA_SHOWN = frozenset({
    "add_did", "copy_did", "delete_did", "did_info", "did_log_export", "list_dids", "update_did",
})  # fmt: skip
"""Functions whose data is shown: VICIdial stores the passwords that are given to users and phones in it."""


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines of the API log, and the id before which the next page begins; None behind the last."""

    lines: Sequence[Logged]
    following: int | None


def api_log(
    conn: Connection,
    caller: Caller,
    wanted: LogFilter,
    limit: int,
    before: int | None = None,
    most_read: int | None = None,
) -> LogPage | NotPermitted:
    """Return *limit* of the lines that are *wanted*, of users that the caller sees; the newest first.

    What they say of DIDs and users that the caller does not see is left out. With *most_read* only so many
    lines are looked through: where these have too few, the next page looks on.
    """
    if missing := missing_rights(caller.user, "api_log"):
        return missing
    if caller.pattern_prefix is not None:
        return NotPermitted("api_log", ("Pattern prefix of the token must be empty: the log names all DIDs",))
    begin = before if before is not None else call_statistics.newest_line(conn) + 1
    floor = max(begin - most_read, 0) if most_read else 0
    lines = call_statistics.api_log(
        conn, replace(wanted, visible=caller.visibility.users), limit + 1, before, floor
    )
    public = [line if line.function in DATA_SHOWN else replace(line, data="") for line in lines[:limit]]
    shown = admin_log.without_hidden(conn, caller, public)
    rest = floor if floor > 1 else None
    return LogPage(shown, lines[limit - 1].api_id if len(lines) > limit else rest)


def calls(
    conn: Connection, caller: Caller, number: str, day: date, limit: int
) -> list[InboundCall] | NotPermitted:
    """Return the calls to *number* on *day*, by time."""
    if refused := authentication.not_reached(caller, number, "did_log_export"):
        return refused
    return reports.calls(conn, caller.user, number, day, limit)
