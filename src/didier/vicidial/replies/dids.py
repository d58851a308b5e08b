"""The answers to the functions that change DIDs, in VICIdial's dialect."""

from collections.abc import Mapping
from types import MappingProxyType

from didier import errors
from didier.services.batches.copies import Copied, CopyOutcome, CopyResult
from didier.services.batches.edits import Done
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Line, Reply, data_line, error_line, one
from didier.vicidial.replies.shared import not_permitted

# Parameter and text of each field's refusal, by column.
FIELD_ERRORS: Mapping[str, tuple[str, str]] = MappingProxyType({
    "did_description": ("did_description", "DID DESCRIPTION MUST BE FROM 6 TO 50 CHARACTERS"),
    "did_active": ("active", "ACTIVE MUST BE Y OR N"),
    "did_route": ("did_route", "DID ROUTE IS NOT VALID"),
    "record_call": ("record_call", "RECORD CALL MUST BE Y OR N"),
    "extension": ("extension", "EXTENSION MUST BE FROM 1 TO 50 CHARACTERS"),
    "exten_context": ("exten_context", "EXTENSION CONTEXT MUST BE FROM 1 TO 50 CHARACTERS"),
    "voicemail_ext": ("voicemail_ext", "VOICEMAIL EXTENSION MUST BE FROM 1 TO 10 CHARACTERS"),
    "phone": ("phone_extension", "PHONE EXTENSION MUST BE FROM 1 TO 100 CHARACTERS"),
    "server_ip": ("server_ip", "SERVER IP MUST BE A VALID SERVER IN THE SYSTEM"),
    "group_id": ("group", "GROUP ID MUST BE A VALID INBOUND GROUP IN THE SYSTEM"),
    "menu_id": ("menu_id", "MENU ID MUST BE A VALID CALL MENU IN THE SYSTEM"),
    "filter_clean_cid_number": (
        "filter_clean_cid_number", "CLEAN CID NUMBER MUST BE FROM 1 TO 20 CHARACTERS"
    ),
    "call_handle_method": (
        "call_handle_method", "CALL HANDLE METHOD MUST BE FROM 3 TO 20 CHARACTERS"
    ),
    "agent_search_method": ("agent_search_method", "AGENT SEARCH METHOD MUST BE 2 CHARACTERS"),
    "list_id": ("list_id", "LIST ID MUST BE FROM 3 TO 14 DIGITS"),
    "entry_list_id": ("entry_list_id", "ENTRY LIST ID MUST BE FROM 1 TO 14 DIGITS"),
    "campaign_id": ("campaign_id", "CAMPAIGN MUST BE FROM 1 TO 8 CHARACTERS"),
    "phone_code": ("phone_code", "PHONE CODE MUST BE FROM 1 TO 10 CHARACTERS"),
})  # fmt: skip


def pattern_incomplete(call: Call) -> Reply:
    """The pattern is missing, too short or too long."""
    reason = f"{call.function} YOU MUST USE ALL REQUIRED FIELDS"
    return one(error_line(reason, call.user, call.get("did_pattern")))


def added(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``add_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            return _done(call, outcome, "add_did", "ADDED", pattern)
        case errors.AlreadyExists():
            return one(error_line("add_did DID ALREADY EXISTS", call.user, pattern))
        case errors.InvalidField():
            return one(_field_error(call, outcome))
        case errors.InvalidPattern():
            return pattern_incomplete(call)
        case _:
            return not_permitted(call)


def _done(call: Call, outcome: Done, function: str, words: str, data: str) -> Reply:
    verb = "WOULD BE" if outcome.dry_run else "HAS BEEN"
    line = data_line("SUCCESS", f"{function} DID {verb} {words}", call.user, data)
    return Reply((line,), outcome=outcome)


def updated(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``update_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            return _done(call, outcome, "update_did", "UPDATED", pattern)
        case errors.NotFound():
            return one(error_line("update_did DID DOES NOT EXIST", call.user, pattern))
        case errors.InvalidField():
            return one(_field_error(call, outcome))
        case errors.NothingToChange():
            reason = "update_did NO UPDATES DEFINED"
            return one(Line("NOTICE", reason, "", f"NOTICE: {reason}: |{call.user}|"))
        case _:
            return not_permitted(call)


def deleted(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``update_did`` with ``delete_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            return _done(call, outcome, "update_did", "DELETED", f"{pattern}|{outcome.did_id}")
        case errors.NotFound():
            return one(error_line("update_did DID DOES NOT EXIST", call.user, pattern))
        case errors.Protected():
            reason = "update_did DID IS PROTECTED, force=Y DELETES IT"
            return one(error_line(reason, call.user, pattern))
        case errors.InUse():
            reason = "update_did DID IS IN USE, force=Y DELETES IT"
            places = "; ".join(outcome.places).replace("|", " ")
            return one(error_line(reason, call.user, f"{pattern}|{places}"))
        case errors.DeletionLocked():
            return one(error_line("update_did DID IS LOCKED AGAINST DELETION", call.user, pattern))
        case _:
            reason = "update_did USER DOES NOT HAVE PERMISSION TO DELETE DIDS"
            return one(error_line(reason, call.user, "1"))


def delete_invalid(call: Call) -> Reply:
    """``delete_did`` is neither Y nor N."""
    reason = "update_did DELETE DID MUST BE Y OR N, THIS IS AN OPTIONAL FIELD"
    return one(error_line(reason, call.user, call.get("delete_did")))


def _field_error(call: Call, refusal: errors.InvalidField) -> Line:
    # VICIdial names update_did in the menu error of both functions (add_did.menu_unknown).
    named = "update_did" if refusal.field == "menu_id" else call.function
    text = FIELD_ERRORS[refusal.field][1]
    return error_line(f"{named} {text}, THIS IS AN OPTIONAL FIELD", call.user, refusal.value)


def copy_incomplete(call: Call) -> Reply:
    """A required parameter is missing, too short or too long."""
    data = f"{call.get('source_did_pattern')}|{call.get('new_dids')}"
    return one(error_line("copy_did YOU MUST USE ALL REQUIRED FIELDS", call.user, data))


def copied(call: Call, outcome: CopyResult | errors.Refusal, *, summary: bool = False) -> Reply:
    """The answer to ``copy_did``: a notice for each target and a closing line; in a *summary* that alone."""
    source = call.get("source_did_pattern")
    if isinstance(outcome, errors.NotFound):
        return one(error_line("copy_did SOURCE DID DOES NOT EXIST", call.user, source))
    if isinstance(outcome, errors.InvalidField):
        reason = (
            "copy_did DID DESCRIPTION MUST BE EITHER BLANK OR FROM 6 TO 50 CHARACTERS,"
            " THIS IS AN OPTIONAL FIELD"
        )
        return one(error_line(reason, call.user, outcome.value))
    if isinstance(outcome, errors.Refusal):
        return not_permitted(call)
    notices = () if summary else (_copy_notice(call, source, item, outcome) for item in outcome.items)
    return Reply((*notices, _copy_closing(call, source, outcome)), outcome=outcome)


def _copy_closing(call: Call, source: str, outcome: CopyResult) -> Line:
    made = len(outcome.copied)
    data = f"{source}|{made}|{len(outcome.items) - made}"
    if outcome.dry_run:
        return data_line("SUCCESS", "copy_did DRY RUN", call.user, data)
    if made:
        return data_line("SUCCESS", "copy_did DIDS HAVE BEEN ADDED", call.user, data)
    return data_line("ERROR", "copy_did NO DIDS ADDED", call.user, data)


def _copy_notice(call: Call, source: str, item: CopyOutcome, outcome: CopyResult) -> Line:
    if isinstance(item, Copied):
        verb, rows = ("WOULD BE", 0) if outcome.dry_run else ("HAS BEEN", 1)
        data = f"{item.pattern}|{source}|{item.did_id}|{rows}"
        return data_line("NOTICE", f"copy_did DID {verb} ADDED", call.user, data)
    if isinstance(item, errors.AlreadyExists):
        return data_line("NOTICE", "copy_did DID ALREADY EXISTS", call.user, item.pattern)
    return data_line("NOTICE", f"copy_did {not_valid(item)}", call.user, item.pattern)


def not_valid(item: errors.Refusal) -> str:
    """Name what is not valid."""
    what = "RANGE" if isinstance(item, errors.InvalidRange) else "PATTERN"
    return f"DID {what} IS NOT VALID"
