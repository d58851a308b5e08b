"""The functions that only read: calls to a number, lists of DIDs, one DID as it stands."""

from datetime import date

from sqlalchemy.engine import Connection

from didier.domain.fields import ROUTES
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.services.usage import reports
from didier.services.usage.reports import ROW_LIMIT
from didier.services.users.authentication import Caller
from didier.vicidial.call import Call
from didier.vicidial.flags import flag
from didier.vicidial.replies import reports as words
from didier.vicidial.replies.lines import Reply

# What VICIdial asks of did_log_export (tests/conformance/behaviour.md, section 5).
NUMBER_LIMIT = 20
DATE_LENGTH = 10


def did_log_export(conn: Connection, call: Call, caller: Caller) -> Reply:
    """List the calls to a number on one day."""
    number, day = call.get("phone_number"), call.get("date")
    if not 1 <= len(number) <= NUMBER_LIMIT or len(day) != DATE_LENGTH:
        return words.search_invalid(call)
    asked = _date(day)
    found = reports.calls(conn, caller.user, number, asked) if asked else []
    return words.calls(call, found)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def list_dids(conn: Connection, call: Call, caller: Caller) -> Reply:
    """List the DIDs that the user may see, or those that are searched."""
    if problem := _list_problem(call):
        return problem
    wanted = Wanted(
        search=call.get("search") or None,
        route=call.get("did_route") or None,
        active=flag(call, "active") or None,
        user_group=call.get("user_group") or None,
    )
    limit, offset = int(call.get("limit") or ROW_LIMIT), int(call.get("offset") or 0)
    return words.listed(call, lookup.table(conn, caller, wanted, limit, offset))


def _list_problem(call: Call) -> Reply | None:
    if flag(call, "active") not in {"", "Y", "N"}:
        return words.invalid(call, "active", "ACTIVE MUST BE Y OR N")
    if call.get("did_route") not in {"", *ROUTES}:
        return words.invalid(call, "did_route", "DID ROUTE IS NOT VALID")
    if not _is_number(call.get("limit"), 1, ROW_LIMIT):
        return words.invalid(call, "limit", f"LIMIT MUST BE FROM 1 TO {ROW_LIMIT}")
    if not _is_number(call.get("offset"), 0, 10**12):
        return words.invalid(call, "offset", "OFFSET MUST BE A NUMBER")
    return None


def _is_number(text: str, least: int, most: int) -> bool:
    return not text or (text.isdigit() and len(text) <= 13 and least <= int(text) <= most)


def did_info(conn: Connection, call: Call, caller: Caller) -> Reply:
    """Show all columns of a DID."""
    pattern = call.get("did_pattern")
    if not pattern:
        return words.pattern_missing(call)
    return words.info(call, lookup.info(conn, caller, pattern))
