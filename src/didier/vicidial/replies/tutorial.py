"""The answers to ``copy_did`` in the tutorial's dialect."""

from didier import errors
from didier.services.batches.copies import Copied, CopyOutcome, CopyResult
from didier.vicidial.call import Call
from didier.vicidial.replies import shared
from didier.vicidial.replies.dids import not_valid
from didier.vicidial.replies.lines import Line, Reply, error_line, one

SOURCE_LEAST = 2
"""Least characters of the parameter ``source``."""


def _plain(reason: str, data: str = "") -> Line:
    """``ERROR: reason``; *data* is logged only."""
    return Line("ERROR", reason, data, f"ERROR: {reason}")


def sign_in_refused(call: Call, refusal: errors.SignInRefused) -> Reply:
    """Wrong user or password; a lock and a refused address are told as VICIdial tells them."""
    if isinstance(refusal, errors.LockedOut | errors.AddressRefused):
        return shared.sign_in_refused(call, refusal)
    text = "ERROR: INVALID USERNAME OR PASSWORD"
    return one(Line("ERROR", "Login refused: INVALID USERNAME OR PASSWORD", "BAD", text))


def not_permitted() -> Reply:
    """Level, API access, allowed functions or the right to modify DIDs is missing."""
    return one(_plain("USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION"))


def incomplete(call: Call) -> Reply:
    """A required parameter is missing or too short; a ``source``, which the line does not show, is named."""
    names = ("did_pattern", "new_did_pattern", "did_active")
    data = "|".join(call.get(name) for name in names)
    data += "|source" if len(call.source) < SOURCE_LEAST else ""
    return one(error_line("copy_did YOU MUST USE ALL REQUIRED FIELDS", call.user, data))


def active_invalid(call: Call) -> Reply:
    """``did_active`` is neither Y nor N."""
    return one(error_line("copy_did DID ACTIVE MUST BE Y OR N", call.user, call.get("did_active")))


def copied(call: Call, outcome: CopyResult | errors.Refusal) -> Reply:
    """The answer to a copy: one line for each target."""
    source = call.get("did_pattern")
    if isinstance(outcome, errors.NotFound):
        return one(_plain("DID PATTERN NOT FOUND", source))
    if isinstance(outcome, errors.Refusal):
        return not_permitted()
    lines = tuple(_answer_line(call, source, item, outcome) for item in outcome.items)
    return Reply(lines, outcome=outcome)


def _answer_line(call: Call, source: str, item: CopyOutcome, outcome: CopyResult) -> Line:
    if isinstance(item, Copied):
        reason = "DID Would Be Copied" if outcome.dry_run else "DID Copied Successfully"
        text = f"SUCCESS: {source} -> {item.pattern} | {reason}"
        return Line("SUCCESS", f"copy_did {reason}", f"{source}|{item.pattern}|{item.did_id}", text)
    if isinstance(item, errors.AlreadyExists):
        return _plain("NEW DID ALREADY EXISTS", item.pattern)
    return error_line(f"copy_did {not_valid(item)}", call.user, item.pattern)
