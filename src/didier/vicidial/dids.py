"""The functions that make, copy, change and delete DIDs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.fields import BY_COLUMN
from didier.runtime.requests import Operation
from didier.services.batches import copies, edits
from didier.services.batches.checks import NO_CHECKS, Checks
from didier.services.dids import nowhere
from didier.services.users.authentication import Caller
from didier.vicidial.call import BLANK, Call, Dialect
from didier.vicidial.flags import flag, is_flag, is_on
from didier.vicidial.function import Function
from didier.vicidial.replies import dids as words
from didier.vicidial.replies import shared, tutorial
from didier.vicidial.replies.lines import Reply

LIST_LIMIT = 2000
"""Most characters in a list of new DIDs, after VICIdial's clean-up, and VICIdial's limit
(``tests/conformance/behaviour.md``, section 5)."""

Outcome = TypeVar("Outcome")

RAW_LIST_LIMIT = 100_000
"""The same before the clean-up: what is taken apart has to end somewhere."""


def _add(call: Call, caller: Caller) -> Operation[Reply]:
    order = edits.AddOrder(caller, call.get("did_pattern"), _fields(call), is_on(call, "dry_run"))
    return Operation(
        _add_leniently, order, lambda conn, outcome: words.added(call, _noted(conn, call, outcome))
    )


def _add_leniently(
    conn: Connection, orders: Sequence[edits.AddOrder], now: datetime
) -> Sequence[edits.Done | edits.AddRefused]:
    return edits.add(conn, orders, now, lenient=True)


def _update(call: Call, caller: Caller) -> Operation[Reply]:
    pattern, dry_run = call.get("did_pattern"), is_on(call, "dry_run")
    if flag(call, "delete_did") == "Y":
        deletion = edits.DeleteOrder(caller, pattern, is_on(call, "force"), dry_run)
        return Operation(edits.delete, deletion, lambda _, outcome: words.deleted(call, outcome))
    order = edits.UpdateOrder(caller, pattern, _fields(call), dry_run)
    return Operation(
        _update_leniently, order, lambda conn, outcome: words.updated(call, _noted(conn, call, outcome))
    )


def _update_leniently(
    conn: Connection, orders: Sequence[edits.UpdateOrder], now: datetime
) -> Sequence[edits.Done | edits.UpdateRefused]:
    return edits.update(conn, orders, now, lenient=True)


def _noted(conn: Connection, call: Call, outcome: Outcome) -> Outcome:
    """Return *outcome* with what VICIdial does not say: that calls to the DID lead nowhere."""
    if not (call.in_json and isinstance(outcome, edits.Done) and outcome.image):
        return outcome
    why = nowhere.reason(conn, outcome.image)
    return replace(outcome, note=f"calls lead nowhere: {why}") if why else outcome


def _pattern_problem(call: Call) -> Reply | None:
    if not _is_pattern_sized(call.get("did_pattern")):
        return words.pattern_incomplete(call)
    return None if is_flag(call, "dry_run") else shared.not_a_flag(call, "dry_run")


def _update_problem(call: Call) -> Reply | None:
    if problem := _pattern_problem(call):
        return problem
    if not is_flag(call, "delete_did"):
        return words.delete_invalid(call)
    return None if is_flag(call, "force") else shared.not_a_flag(call, "force")


def _fields(call: Call) -> dict[str, str]:
    """Return the columns that the call gives a value or empties."""
    values = {}
    for column, (parameter, _) in words.FIELD_ERRORS.items():
        if call.raw(parameter) == BLANK:
            empty = BY_COLUMN[column].empty
            values[column] = BLANK if empty is None else empty
        elif value := flag(call, parameter):
            values[column] = value
    return values


def _copy(call: Call, caller: Caller) -> Operation[Reply]:
    order = _copy_order(call, caller)
    return Operation(copies.copy, order, lambda _, outcome: _copied(call, outcome))


def _copy_problem(call: Call) -> Reply | None:
    if problem := _incomplete(call):
        return problem
    if not is_flag(call, "dry_run"):
        return shared.not_a_flag(call, "dry_run")
    return None if is_flag(call, "summary") else shared.not_a_flag(call, "summary")


def _incomplete(call: Call) -> Reply | None:
    """Check that the parameters are there and have a size that can be right."""
    if call.dialect is Dialect.TUTORIAL:
        if not (
            _is_pattern_sized(call.get("did_pattern"))
            and _is_list_sized(call, "new_did_pattern")
            and call.get("did_active")
            and len(call.source) >= tutorial.SOURCE_LEAST
        ):
            return tutorial.incomplete(call)
        if flag(call, "did_active") not in {"Y", "N"}:
            return tutorial.active_invalid(call)
        return None
    if _is_pattern_sized(call.get("source_did_pattern")) and _is_list_sized(call, "new_dids"):
        return None
    return words.copy_incomplete(call)


def _is_pattern_sized(pattern: str) -> bool:
    return patterns.MIN_LENGTH <= len(pattern) <= patterns.MAX_LENGTH


def _is_list_sized(call: Call, name: str) -> bool:
    if len(call.raw(name)) > RAW_LIST_LIMIT:
        return False
    text = call.get(name)
    return patterns.MIN_LENGTH <= len(text) <= LIST_LIMIT and text.strip(",") != ""


def _copy_order(call: Call, caller: Caller) -> copies.CopyOrder:
    if call.dialect is Dialect.TUTORIAL:
        return copies.CopyOrder(
            caller,
            call.get("did_pattern"),
            call.patterns("new_did_pattern"),
            {"did_active": flag(call, "did_active")},
            is_on(call, "dry_run"),
            checks=_checks(call),
        )
    description = call.get("did_description")
    return copies.CopyOrder(
        caller,
        call.get("source_did_pattern"),
        call.patterns("new_dids"),
        {"did_description": description} if description else {},
        is_on(call, "dry_run"),
        checks=_checks(call),
    )


def _checks(call: Call) -> Checks:
    """Whatever VICIdial creates is created; what is odd about it is said in JSON."""
    return Checks(region=call.region) if call.in_json else NO_CHECKS


def _copied(call: Call, outcome: copies.CopyResult | copies.Refused) -> Reply:
    if call.dialect is Dialect.TUTORIAL:
        return tutorial.copied(call, outcome)
    return words.copied(call, outcome, summary=is_on(call, "summary"))


ADD = Function(_pattern_problem, _add, takes_key=True)
"""Create a DID."""

UPDATE = Function(_update_problem, _update)
"""Change a DID, or delete it."""

COPY = Function(_copy_problem, _copy, takes_key=True)
"""Copy DIDs, in whichever dialect each call asks."""
