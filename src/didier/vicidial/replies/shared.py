"""The answers that all functions share."""

from datetime import datetime, timedelta
from types import MappingProxyType

from didier import errors
from didier.masking import MASK
from didier.vicidial.call import Call
from didier.vicidial.replies.lines import Line, Reply, error_line, one

VERSION = "2.14-202"
BUILD = "250720-1841"
"""The VICIdial release whose answers these are."""


def no_function() -> Reply:
    """No function was named, or one that does not exist."""
    return one(Line("ERROR", "NO FUNCTION SPECIFIED", "", "ERROR: NO FUNCTION SPECIFIED"))


def invalid_source(call: Call) -> Reply:
    """The parameter ``source`` is missing or too short.

    VICIdial says it twice and logs it once (add_did.source_missing).
    """
    text = f"ERROR: Invalid Source - {call.source}\nERROR: Invalid Source: |{call.source}|"
    return one(Line("ERROR", "Invalid Source", "", text))


def bad_parameter(call: Call, name: str) -> Reply:
    """A parameter was sent as an array (``name[]``)."""
    return one(error_line(f"{call.function} PARAMETER MUST NOT BE AN ARRAY".strip(), call.user, name))


def parameter_unknown(call: Call, name: str, near: str) -> Reply:
    """A parameter is none of Didier's own; *near* is the one that it looks like, if any."""
    reason = f"{call.function or 'copy_did'} PARAMETER IS NOT KNOWN"
    return one(error_line(reason, call.user, f"{name}|{near}" if near else name))


def function_not_allowed(call: Call) -> Reply:
    """The function is not among the user's allowed API functions."""
    reason = "auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION"
    return one(Line("ERROR", reason, "", f"ERROR: {reason}: |{call.user}|{call.function}|"))


_PERMISSION = MappingProxyType({
    "add_did": "ADD DIDS",
    "add_user": "ADD USERS",
    "copy_did": "ADD DIDS",
    "copy_user": "COPY USERS",
    "did_info": "GET DID INFO",
    "did_log_export": "GET DID INFO",
    "list_dids": "GET DID INFO",
    "server_refresh": "REFRESH SERVERS",
    "update_did": "UPDATE DIDS",
    "update_user": "UPDATE USERS",
    "user_details": "GET USER DETAILS",
})  # fmt: skip


def not_permitted(call: Call) -> Reply:
    """A right that the function needs is missing."""
    words = _PERMISSION[call.function]
    reason = f"{call.function} USER DOES NOT HAVE PERMISSION TO {words}"
    return one(error_line(reason, call.user, "0", "|" if words.startswith("GET") else ""))


def not_a_flag(call: Call, name: str) -> Reply:
    """The optional parameter *name* is neither Y nor N."""
    words = name.upper().replace("_", " ")
    reason = f"{call.function} {words} MUST BE Y OR N, THIS IS AN OPTIONAL FIELD".strip()
    return one(error_line(reason, call.user, call.get(name)))


def key_invalid(call: Call, key: str) -> Reply:
    """The idempotency key has characters that keys do not have, or too many."""
    reason = f"{call.function or 'copy_did'} IDEMPOTENCY KEY IS NOT VALID"
    return one(error_line(reason, call.user, key))


def key_reused(call: Call, refusal: errors.KeyReused) -> Reply:
    """The idempotency key came with another request before."""
    reason = f"{call.function or 'copy_did'} IDEMPOTENCY KEY WAS USED FOR ANOTHER REQUEST"
    return one(error_line(reason, call.user, refusal.key))


def repeated(call: Call, answer: str) -> Reply:
    """The answer that this request had before, to the letter; the log has one line of it."""
    reason = f"{call.function or 'copy_did'} ANSWER REPEATED"
    line = Line("SUCCESS", reason, call.get("idempotency_key"), answer.removesuffix("\n"))
    return Reply((line,), sent=answer)


def sign_in_refused(call: Call, refusal: errors.SignInRefused) -> Reply:
    """The caller could not sign in. The log's reasons all begin with "Login"; VICIdial logs none.

    It repeats the password where the mask stands here (auth.wrong_password; a right one in auth.level_6).
    """
    user = call.user
    if isinstance(refusal, errors.LockedOut):
        text = "Too many login attempts, try again in 15 minutes"
        return one(Line("ERROR", f"Login refused: {text}", "LOCK", f"ERROR: {text}: |{user}|LOCK|"))
    if isinstance(refusal, errors.AddressRefused):
        text = f"Your IP Address is not allowed: {refusal.address}"
        return one(Line("ERROR", f"Login refused: {text}", "IPBLOCK", f"ERROR: {text}: ||IPBLOCK|"))
    kind = "2FA" if isinstance(refusal, errors.SecondFactorMissing) else "BAD"
    text = "Login incorrect, please try again"
    return one(Line("ERROR", text, kind, f"ERROR: {text}: |{user}|{MASK}|{kind}|"))


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
    return one(Line("SUCCESS", "", text, text))
