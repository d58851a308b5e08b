"""Every line that the Non-Agent API answers, in both dialects. No other module knows these texts.

A `Line` is what is sent and what is logged of it: VICIdial logs the text between ``RESULT:`` and the user
as the reason, and what follows the user as the data. VICIdial's lines were recorded from version 2.14-202;
the tutorial's are those of the design, section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from didier import errors
from didier.services.copying import Copied, CopyResult, Item
from didier.services.editing import Done
from didier.vicidial.call import MASK, Call

VERSION = "2.14-202"
BUILD = "250720-1841"
"""The VICIdial release whose answers these are."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an answer: *text* is sent; the rest goes to the API log."""

    result: str
    reason: str
    data: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The lines of an answer and its HTTP status."""

    lines: tuple[Line, ...]
    status: int = 200

    @property
    def body(self) -> str:
        """The text that is sent."""
        if self.status == 418:  # VICIdial ends this answer without a line feed
            return self.lines[0].text
        return "".join(f"{line.text}\n" for line in self.lines)


def _data_line(result: str, reason: str, user: str, data: str) -> Line:
    """``RESULT: reason - user|data``"""
    return Line(result, reason, data, f"{result}: {reason} - {user}|{data}")


def _error(reason: str, user: str, data: str, end: str = "") -> Line:
    """``ERROR: reason: |user|data``"""
    return Line("ERROR", reason, data, f"ERROR: {reason}: |{user}|{data}{end}")


def _one(line: Line) -> Reply:
    return Reply((line,))


# Shared answers ------------------------------------------------------------------------------------


def no_function() -> Reply:
    """No function was named, or one that does not exist."""
    return _one(Line("ERROR", "NO FUNCTION SPECIFIED", "", "ERROR: NO FUNCTION SPECIFIED"))


def invalid_source(call: Call) -> Reply:
    """The parameter ``source`` is missing or too short: VICIdial says it twice and logs it once."""
    text = f"ERROR: Invalid Source - {call.source}\nERROR: Invalid Source: |{call.source}|"
    return _one(Line("ERROR", "Invalid Source", "", text))


def bad_parameter(call: Call, name: str) -> Reply:
    """A parameter was sent as an array (``name[]``)."""
    return _one(_error(f"{call.function} PARAMETER MUST NOT BE AN ARRAY".strip(), call.user, name))


def function_not_allowed(call: Call) -> Reply:
    """The function is not among the user's allowed API functions."""
    reason = "auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION"
    return _one(Line("ERROR", reason, "", f"ERROR: {reason}: |{call.user}|{call.function}|"))


_PERMISSION = MappingProxyType({
    "add_did": "ADD DIDS",
    "copy_did": "ADD DIDS",
    "update_did": "UPDATE DIDS",
})  # fmt: skip


def not_permitted(call: Call) -> Reply:
    """A right that the function needs is missing."""
    reason = f"{call.function} USER DOES NOT HAVE PERMISSION TO {_PERMISSION[call.function]}"
    return _one(_error(reason, call.user, "0"))


def sign_in_refused(call: Call, refusal: errors.SignInRefused) -> Reply:
    """The caller could not sign in. The log's reasons all begin with "Login"; VICIdial logs none."""
    user = call.user
    if isinstance(refusal, errors.LockedOut):
        text = "Too many login attempts, try again in 15 minutes"
        return _one(Line("ERROR", f"Login refused: {text}", "LOCK", f"ERROR: {text}: |{user}|LOCK|"))
    if isinstance(refusal, errors.AddressRefused):
        text = f"Your IP Address is not allowed: {refusal.address}"
        return _one(Line("ERROR", f"Login refused: {text}", "IPBLOCK", f"ERROR: {text}: ||IPBLOCK|"))
    kind = "2FA" if isinstance(refusal, errors.SecondFactorMissing) else "BAD"
    text = "Login incorrect, please try again"
    return _one(Line("ERROR", text, kind, f"ERROR: {text}: |{user}|{MASK}|{kind}|"))


def unavailable(error: errors.Unavailable) -> Reply:
    """The request could not be taken; nothing was done and nothing is logged."""
    return Reply((Line("ERROR", str(error), "", f"ERROR: {str(error).upper()}"),), status=503)


def failed() -> Reply:
    """Something went wrong that the caller cannot help; nothing was done."""
    text = "THE REQUEST FAILED AND NOTHING WAS CHANGED, TRY AGAIN"
    return Reply((Line("ERROR", text, "", f"ERROR: {text}"),), status=500)


def too_large() -> Reply:
    """The body of the request is larger than the server takes."""
    text = "THE REQUEST IS TOO LARGE"
    return Reply((Line("ERROR", text, "", f"ERROR: {text}"),), status=413)


def teapot(call: Call) -> Reply:
    """VICIdial's answer to those who ask for coffee."""
    text = f"Coffee: {call.function}|Error 418 I'm a teapot"
    return Reply((Line("ERROR", "", text, text),), status=418)


def version(now: datetime, server_offset: str | None) -> Reply:
    """The version line; *server_offset* is the ``local_gmt`` of the first active server, if any."""
    local = now.astimezone()
    summer = bool(local.dst())
    if server_offset is None:
        zone, zone_now = "", f"{(local.utcoffset() or timedelta(0)).total_seconds() / 3600:g}"
    else:
        zone = server_offset
        zone_now = f"{float(zone) + 1:g}" if summer else zone
    text = (
        f"VERSION: {VERSION}|BUILD: {BUILD}|DATE: {now:%Y-%m-%d %H:%M:%S}|EPOCH: {int(now.timestamp())}"
        f"|DST: {int(summer)}|TZ: {zone}|TZNOW: {zone_now}|"
    )
    return _one(Line("SUCCESS", "", text, text))


# add_did and update_did ----------------------------------------------------------------------------

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
    return _one(_error(reason, call.user, call.get("did_pattern")))


def added(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``add_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            return _one(_data_line("SUCCESS", "add_did DID HAS BEEN ADDED", call.user, pattern))
        case errors.AlreadyExists():
            return _one(_error("add_did DID ALREADY EXISTS", call.user, pattern))
        case errors.InvalidField():
            return _one(_field_error(call, outcome))
        case errors.InvalidPattern():
            return pattern_incomplete(call)
        case _:
            return not_permitted(call)


def updated(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``update_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            return _one(_data_line("SUCCESS", "update_did DID HAS BEEN UPDATED", call.user, pattern))
        case errors.NotFound():
            return _one(_error("update_did DID DOES NOT EXIST", call.user, pattern))
        case errors.InvalidField():
            return _one(_field_error(call, outcome))
        case errors.NothingToChange():
            reason = "update_did NO UPDATES DEFINED"
            return _one(Line("NOTICE", reason, "", f"NOTICE: {reason}: |{call.user}|"))
        case _:
            return not_permitted(call)


def deleted(call: Call, outcome: Done | errors.Refusal) -> Reply:
    """The answer to ``update_did`` with ``delete_did``."""
    pattern = call.get("did_pattern")
    match outcome:
        case Done():
            data = f"{pattern}|{outcome.did_id}"
            return _one(_data_line("SUCCESS", "update_did DID HAS BEEN DELETED", call.user, data))
        case errors.NotFound():
            return _one(_error("update_did DID DOES NOT EXIST", call.user, pattern))
        case errors.Protected():
            reason = "update_did DID IS PROTECTED, force=Y DELETES IT"
            return _one(_error(reason, call.user, pattern))
        case _:
            reason = "update_did USER DOES NOT HAVE PERMISSION TO DELETE DIDS"
            return _one(_error(reason, call.user, "1"))


def delete_invalid(call: Call) -> Reply:
    """``delete_did`` is neither Y nor N, or ``force`` is not."""
    reason = "update_did DELETE DID MUST BE Y OR N, THIS IS AN OPTIONAL FIELD"
    return _one(_error(reason, call.user, call.get("delete_did")))


def _field_error(call: Call, refusal: errors.InvalidField) -> Line:
    # VICIdial names update_did in the menu error of both functions.
    named = "update_did" if refusal.field == "menu_id" else call.function
    text = FIELD_ERRORS[refusal.field][1]
    return _error(f"{named} {text}, THIS IS AN OPTIONAL FIELD", call.user, refusal.value)


# copy_did, VICIdial's dialect ----------------------------------------------------------------------


def copy_incomplete(call: Call) -> Reply:
    """A required parameter is missing, too short or too long."""
    data = f"{call.get('source_did_pattern')}|{call.get('new_dids')}"
    return _one(_error("copy_did YOU MUST USE ALL REQUIRED FIELDS", call.user, data))


def copied(call: Call, outcome: CopyResult | errors.Refusal) -> Reply:
    """The answer to ``copy_did``: a notice for each target and a closing line."""
    source = call.get("source_did_pattern")
    if isinstance(outcome, errors.NotFound):
        return _one(_error("copy_did SOURCE DID DOES NOT EXIST", call.user, source))
    if isinstance(outcome, errors.InvalidField):
        reason = (
            "copy_did DID DESCRIPTION MUST BE EITHER BLANK OR FROM 6 TO 50 CHARACTERS,"
            " THIS IS AN OPTIONAL FIELD"
        )
        return _one(_error(reason, call.user, outcome.value))
    if isinstance(outcome, errors.Refusal):
        return not_permitted(call)
    made = len(outcome.copied)
    data = f"{source}|{made}|{len(outcome.items) - made}"
    closing = ("SUCCESS", "copy_did DIDS HAVE BEEN ADDED") if made else ("ERROR", "copy_did NO DIDS ADDED")
    return Reply((
        *(_copy_notice(call, source, item) for item in outcome.items),
        _data_line(*closing, call.user, data),
    ))  # fmt: skip


def _copy_notice(call: Call, source: str, item: Item) -> Line:
    if isinstance(item, Copied):
        data = f"{item.pattern}|{source}|{item.did_id}|1"
        return _data_line("NOTICE", "copy_did DID HAS BEEN ADDED", call.user, data)
    if isinstance(item, errors.AlreadyExists):
        return _data_line("NOTICE", "copy_did DID ALREADY EXISTS", call.user, item.pattern)
    return _data_line("NOTICE", "copy_did DID PATTERN IS NOT VALID", call.user, item.pattern)


# copy_did, the tutorial's dialect ------------------------------------------------------------------


def _plain(reason: str, data: str = "") -> Line:
    """``ERROR: reason``; *data* is logged only."""
    return Line("ERROR", reason, data, f"ERROR: {reason}")


def tutorial_sign_in_refused(call: Call, refusal: errors.SignInRefused) -> Reply:
    """Wrong user or password; a lock and a refused address are told as VICIdial tells them."""
    if isinstance(refusal, errors.LockedOut | errors.AddressRefused):
        return sign_in_refused(call, refusal)
    text = "ERROR: INVALID USERNAME OR PASSWORD"
    return _one(Line("ERROR", "Login refused: INVALID USERNAME OR PASSWORD", "BAD", text))


def tutorial_not_permitted() -> Reply:
    """Level, API access, allowed functions or the right to modify DIDs is missing."""
    return _one(_plain("USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION"))


def tutorial_incomplete(call: Call) -> Reply:
    """A required parameter is missing or too short."""
    names = ("did_pattern", "new_did_pattern", "did_active")
    data = "|".join(call.get(name) for name in names)
    return _one(_error("copy_did YOU MUST USE ALL REQUIRED FIELDS", call.user, data))


def tutorial_active_invalid(call: Call) -> Reply:
    """``did_active`` is neither Y nor N."""
    return _one(_error("copy_did DID ACTIVE MUST BE Y OR N", call.user, call.get("did_active")))


def tutorial_copied(call: Call, outcome: CopyResult | errors.Refusal) -> Reply:
    """The answer to a copy: one line for each target."""
    source = call.get("did_pattern")
    if isinstance(outcome, errors.NotFound):
        return _one(_plain("DID PATTERN NOT FOUND", source))
    if isinstance(outcome, errors.Refusal):
        return tutorial_not_permitted()
    return Reply(tuple(_tutorial_line(call, source, item) for item in outcome.items))


def _tutorial_line(call: Call, source: str, item: Item) -> Line:
    if isinstance(item, Copied):
        reason = "DID Copied Successfully"
        text = f"SUCCESS: {source} -> {item.pattern} | {reason}"
        return Line("SUCCESS", f"copy_did {reason}", f"{source}|{item.pattern}|{item.did_id}", text)
    if isinstance(item, errors.AlreadyExists):
        return _plain("NEW DID ALREADY EXISTS", item.pattern)
    return _error("copy_did DID PATTERN IS NOT VALID", call.user, item.pattern)
