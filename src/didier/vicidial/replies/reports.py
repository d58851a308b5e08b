"""The answers to the functions that only read: rows with a separator between their fields.

``stage`` chooses the separator: ``csv``, ``tab``, or anything else for the pipe; ``header=YES`` adds a line
with the names of the columns. VICIdial does not quote, so that a caller's name with a separator in it
breaks the row (did_log_export.separator_in_caller_id). Here CSV is quoted where it must be, and in the other
formats the separator and line ends within a field become spaces.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace

from didier import errors
from didier.services.usage.reports import Table, Value
from didier.storage.usage.reports import InboundCall as CallRow
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Line, Reply, data_line, error_line, one
from didier.vicidial.replies.shared import not_permitted

_SEPARATORS = {"csv": ",", "tab": "\t"}

# VICIdial names the second and third column the wrong way round (did_log_export.header); clients that skip or
# match the line see it.
_CALL_HEADER = ("did_number", "call_date", "caller_id_number", "length_in_sec")
CALL_COLUMNS = ("did_number", "caller_id_number", "call_date", "length_in_sec")


def search_invalid(call: Call) -> Reply:
    """Number or date of ``did_log_export`` are missing or have a wrong length."""
    data = f"{call.user}|{call.get('phone_number')}|{call.get('date')}"
    reason = "did_log_export INVALID SEARCH PARAMETERS"
    return one(Line("ERROR", reason, data, f"ERROR: {reason}: {data}"))


def calls(call: Call, outcome: Sequence[CallRow] | errors.NotPermitted) -> Reply:
    """The answer to ``did_log_export``."""
    if isinstance(outcome, errors.NotPermitted):
        return not_permitted(call)
    asked = f"{call.get('agent_user')}|{call.get('lead_id')}|{call.get('date')}"
    if not outcome:
        reason, data = "did_log_export NO RECORDS FOUND", f"{call.user}|{asked}"
        return one(Line("ERROR", reason, data, f"ERROR: {reason} - {data}"))
    number = call.get("phone_number")
    rows = [(number, row.caller_id, row.came_at, row.seconds) for row in outcome]
    return _rows(call, Table(CALL_COLUMNS, rows), asked, _CALL_HEADER)


def listed(call: Call, outcome: Table | errors.NotPermitted) -> Reply:
    """The answer to ``list_dids``."""
    if isinstance(outcome, errors.NotPermitted):
        return not_permitted(call)
    asked = "|".join(call.get(name) for name in ("search", "did_route", "active", "user_group"))
    if not outcome.rows:
        return one(error_line("list_dids NO DIDS FOUND", call.user, asked))
    reply = _rows(call, outcome, asked, outcome.columns)
    # Who asks for a number of rows counts them; who asks for all has to be told that there are more.
    if outcome.following is None or call.get("limit"):
        return reply
    more = data_line(
        "NOTICE", "list_dids MORE DIDS FOUND, CONTINUE AT offset", call.user, str(outcome.following)
    )
    return replace(reply, lines=(*reply.lines, more))


def invalid(call: Call, name: str, text: str) -> Reply:
    """The optional parameter *name* has a value that is not allowed."""
    reason = f"{call.function} {text}, THIS IS AN OPTIONAL FIELD"
    return one(error_line(reason, call.user, call.get(name)))


def pattern_missing(call: Call) -> Reply:
    """No DID was named."""
    return one(error_line("did_info YOU MUST USE ALL REQUIRED FIELDS", call.user, ""))


def info(call: Call, outcome: Table | errors.NotPermitted | errors.NotFound) -> Reply:
    """The answer to ``did_info``."""
    pattern = call.get("did_pattern")
    if isinstance(outcome, errors.NotFound):
        return one(error_line("did_info DID DOES NOT EXIST", call.user, pattern))
    if isinstance(outcome, errors.NotPermitted):
        return not_permitted(call)
    return _rows(call, outcome, pattern, outcome.columns)


def _rows(call: Call, table: Table, asked: str, header: Sequence[str]) -> Reply:
    stage = stage_of(call)
    rows: Iterable[Sequence[Value]] = table.rows
    if call.get("header") == "YES":
        rows = [header, *rows]
    reason = f"{call.function} RECORDS FOUND: {len(table.rows)}"
    logged = f"{call.user}|{asked}|{stage}"
    return Reply((Line("SUCCESS", reason, logged, text_of(rows, stage)),), outcome=table)


def stage_of(call: Call) -> str:
    """Return the separator that is asked for: ``csv``, ``tab`` or ``pipe``."""
    return call.get("stage") if call.get("stage") in _SEPARATORS else "pipe"


def text_of(rows: Iterable[Sequence[Value]], stage: str) -> str:
    """Return *rows* with the separator *stage* between their fields."""
    if stage == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        return text.getvalue().removesuffix("\n")
    separator = _SEPARATORS.get(stage, "|")
    spaces = str.maketrans({separator: " ", "\r": " ", "\n": " "})
    return "\n".join(
        separator.join("" if value is None else str(value).translate(spaces) for value in row) for row in rows
    )
