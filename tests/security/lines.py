"""How the Non-Agent API words each refusal: the lines that VICIdial and the tutorial answer."""

from collections.abc import Mapping, Sequence
from typing import Any

from didier import errors
from security import circumstances as c
from security.functions import Function

_UNLISTED = "ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: "
_BAD = "ERROR: Login incorrect, please try again: "
_TUTORIAL: Mapping[Any, str] = {
    errors.WrongPassword: "ERROR: INVALID USERNAME OR PASSWORD",
    errors.SecondFactorRequired: "ERROR: INVALID USERNAME OR PASSWORD",
    c.NotSignedIn: "ERROR: INVALID USERNAME OR PASSWORD",
    errors.NotPermitted: "ERROR: USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION",
    errors.NotFound: "ERROR: DID PATTERN NOT FOUND",
}
_LINES: Mapping[Any, Sequence[str]] = {
    errors.WrongPassword: [_BAD],
    errors.LevelTooLow: [_BAD],
    errors.SecondFactorRequired: [_BAD],
    c.NotSignedIn: [_BAD],
    errors.LockedOut: ["ERROR: Too many login attempts, try again in 15 minutes: "],
    errors.AddressRefused: ["ERROR: Your IP Address is not allowed: "],
    errors.NotFound: [
        "ERROR: copy_did SOURCE DID DOES NOT EXIST: ", "ERROR: update_did DID DOES NOT EXIST: ",
        "ERROR: did_info DID DOES NOT EXIST: ", "ERROR: did_log_export NO RECORDS FOUND - ",
    ],
    errors.UserNotFound: [
        "ERROR: user_details USER NOT FOUND: ", "ERROR: update_user USER DOES NOT EXIST: ",
    ],
    errors.GroupNotFound: [
        "ERROR: add_user USER GROUP DOES NOT EXIST: ", "ERROR: copy_user USER GROUP DOES NOT EXIST: ",
    ],
    errors.LevelNotAllowed: [
        "ERROR: add_user USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL: ",
        "ERROR: copy_user USER DOES NOT HAVE PERMISSION TO COPY USERS IN THIS USER LEVEL: ",
        "ERROR: update_user USER DOES NOT HAVE PERMISSION TO UPDATE THIS USER: ",
    ],
}  # fmt: skip


def lines(expected: Any, row: Function) -> Sequence[str]:
    """Return how the line of the refusal *expected* may begin."""
    if row.in_tutorial and expected in _TUTORIAL:
        return [_TUTORIAL[expected]]
    denied = f"ERROR: {row.function} USER DOES NOT HAVE PERMISSION TO"
    if expected is errors.NotPermitted:
        return [_UNLISTED, *(f"{denied} {what}: " for what in row.lacking)]
    if expected is errors.BeyondReach:
        return [f"{denied} {row.lacking[0]}: "]
    return _LINES[expected]
