"""The functions that make, copy, change and delete DIDs."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain import patterns
from didier.domain.fields import BY_COLUMN
from didier.services.batches import copies, edits
from didier.vicidial.call import BLANK, Call, Dialect
from didier.vicidial.keyed import once
from didier.vicidial.replies import dids as words
from didier.vicidial.replies import shared, tutorial
from didier.vicidial.replies.lines import Reply
from didier.vicidial.signed import Signed, flag, is_flag, is_on, unless

LIST_LIMIT = 2000
"""Most characters in a list of new DIDs, after VICIdial's clean-up."""

RAW_LIST_LIMIT = 100_000
"""The same before the clean-up: what is taken apart has to end somewhere."""


def add_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> Sequence[Reply]:
    """Make a DID."""

    def add(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [
            edits.AddOrder(s.caller, s.call.get("did_pattern"), _fields(s.call), is_on(s.call, "dry_run"))
            for s in ready
        ]
        outcomes = edits.add(conn, orders, now, lenient=True)
        return [words.added(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    return once(conn, signed, now, lambda new: unless(_pattern_problem, new, add))


def update_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> list[Reply]:
    """Change a DID, or delete it."""

    def update(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [
            edits.UpdateOrder(s.caller, s.call.get("did_pattern"), _fields(s.call), is_on(s.call, "dry_run"))
            for s in ready
        ]
        outcomes = edits.update(conn, orders, now, lenient=True)
        return [words.updated(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    def delete(ready: Sequence[Signed]) -> Sequence[Reply]:
        orders = [
            edits.DeleteOrder(
                s.caller, s.call.get("did_pattern"), is_on(s.call, "force"), is_on(s.call, "dry_run")
            )
            for s in ready
        ]
        outcomes = edits.delete(conn, orders, now)
        return [words.deleted(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    def delete_or_update(ready: Sequence[Signed]) -> Sequence[Reply]:
        deleting = [flag(s.call, "delete_did") == "Y" for s in ready]
        deleted = iter(delete([s for s, wanted in zip(ready, deleting, strict=True) if wanted]))
        updated = iter(update([s for s, wanted in zip(ready, deleting, strict=True) if not wanted]))
        return [next(deleted) if wanted else next(updated) for wanted in deleting]

    return unless(_update_problem, signed, delete_or_update)


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


def copy_did(conn: Connection, signed: Sequence[Signed], now: datetime) -> Sequence[Reply]:
    """Copy DIDs, in whichever dialect each call asks."""

    def copy(ready: Sequence[Signed]) -> Sequence[Reply]:
        outcomes = copies.copy(conn, [_copy_order(s) for s in ready], now)
        return [_copied(s.call, outcome) for s, outcome in zip(ready, outcomes, strict=True)]

    return once(conn, signed, now, lambda new: unless(_copy_problem, new, copy))


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
            and len(call.source) >= 2
        ):
            return tutorial.incomplete(call)
        if call.get("did_active") not in {"Y", "N"}:
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


def _copy_order(signed: Signed) -> copies.CopyOrder:
    call = signed.call
    if call.dialect is Dialect.TUTORIAL:
        return copies.CopyOrder(
            signed.caller,
            call.get("did_pattern"),
            call.patterns("new_did_pattern"),
            {"did_active": call.get("did_active")},
            is_on(call, "dry_run"),
        )
    description = call.get("did_description")
    return copies.CopyOrder(
        signed.caller,
        call.get("source_did_pattern"),
        call.patterns("new_dids"),
        {"did_description": description} if description else {},
        is_on(call, "dry_run"),
    )


def _copied(call: Call, outcome: copies.CopyResult | copies.Refused) -> Reply:
    if call.dialect is Dialect.TUTORIAL:
        return tutorial.copied(call, outcome)
    return words.copied(call, outcome, summary=is_on(call, "summary"))
