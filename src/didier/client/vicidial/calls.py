"""One call of a function of VICIdial and its answer, as values: no socket.

A function of the client is a generator: it yields each `FunctionCall` to send, gets the `Answer` (or the
error) back, and returns what the caller gets. So the client is written once, for threads and for asyncio.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from didier.client import errors
from didier.client.vicidial.errors import (
    NoSuchFunction,
    NotReached,
    UnexpectedReply,
    did_not_found,
    invalid_field,
    invalid_pattern,
    no,
)
from didier.client.vicidial.lines import MASK, Line
from didier.client.vicidial.parameters import refused_column

_SECRETS = ("agent_pass", "phone_pass")
_BUSY = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A *function* with its *parameters*; one that changes nothing is *repeatable*."""

    function: str
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = False
    signed: bool = True  # whether user and password are sent

    @property
    def secrets(self) -> tuple[str, ...]:
        """The passwords among the parameters."""
        return tuple(self.parameters[name] for name in _SECRETS if name in self.parameters)


@dataclass(frozen=True, slots=True)
class Answer:
    """The *status* and *text* of an answer; *shown* is what of it may be seen by anybody."""

    status: int
    text: str = field(repr=False)
    shown: str

    def unexpected(self) -> errors.DidierError:
        """Return the error that this is not an answer of VICIdial's."""
        if self.status in _BUSY:
            return no(errors.Unavailable, f"the server cannot answer now: {self.shown}", self.status)
        return UnexpectedReply(self.status, self.shown)


def may_repeat(call: FunctionCall, outcome: Answer | errors.DidierError) -> bool:
    """Say whether *call* should be sent again after *outcome*.

    A change is sent again only when it was not sent at all; whether it was made is unknown otherwise.
    """
    if isinstance(outcome, Answer):
        return call.repeatable and outcome.status in _BUSY
    return isinstance(outcome, NotReached) or (
        call.repeatable and isinstance(outcome, errors.ConnectionFailed)
    )


_NEEDED = MappingProxyType({
    "USE THIS FUNCTION": ("Allowed API Functions",),
    "ADD DIDS": ("API Access", "User Level 8", "Modify DIDs"),
    "UPDATE DIDS": ("API Access", "User Level 8", "Modify DIDs"),
    "DELETE DIDS": ("Delete DIDs",),
    "GET DID INFO": ("API Access", "User Level 7", "View Reports"),
    "GET USER DETAILS": ("API Access", "User Level 7", "View Reports"),
    "ADD USERS": ("API Access", "User Level 8", "Modify Users"),
    "COPY USERS": ("API Access", "User Level 8", "Modify Users"),
    "UPDATE USERS": ("API Access", "User Level 8", "Modify Users"),
    "DELETE USERS": ("Delete Users",),
})  # fmt: skip
_PERMISSION = "USER DOES NOT HAVE PERMISSION TO "
_OTHER_LEVEL = ("UPDATE THIS USER", "ADD USERS IN THIS USER LEVEL", "COPY USERS IN THIS USER LEVEL")

Wording = Callable[[FunctionCall, Line, int], errors.DidierError]


def refusal(line: Line, call: FunctionCall, answer: Answer) -> errors.DidierError:
    """Return what a *line* that ends the answer to *call* refuses, as an exception."""
    if line.kind != "SUCCESS":
        for beginning, words in _REFUSALS.items():
            if line.text.startswith(beginning):
                return words(call, line, answer.status)
        if parameter := refused_column(line.text):
            value = MASK if parameter.name in _SECRETS else call.parameters.get(parameter.name, "")
            return invalid_field(parameter.column, value, parameter.allowed, answer.status)
    return answer.unexpected()


def _sign_in(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    if "2FA" in line.data:
        return no(errors.SecondFactorMissing, "two-factor sign-in is on for this user", status)
    return no(
        errors.WrongPassword,
        "wrong user name or password, or the user is not active or below level 7",
        status,
    )


def _locked_out(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    return no(errors.LockedOut, "too many wrong passwords, try again in 15 minutes", status)


def _address(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    address = line.text.rpartition(" ")[2]
    return no(errors.AddressRefused, f"requests from {address} are not accepted", status, address=address)


def _source(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    return invalid_field("source", "", "2 letters or digits at least", status)


def _no_function(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    return NoSuchFunction(call.function)


def _permission(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    wanted = line.text.removeprefix(_PERMISSION)
    if wanted in _OTHER_LEVEL:
        return no(errors.LevelNotAllowed, "users of this level may not be created or changed", status)
    missing = _NEEDED.get(wanted, ())
    needs = f": it needs {', '.join(missing)}" if missing else ""
    detail = f"no permission for {call.function}{needs}"
    return no(errors.NotPermitted, detail, status, function=call.function, missing=list(missing))


def _exists(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    pattern = call.parameters.get("did_pattern", "")
    return no(errors.DidExists, f"DID {pattern} already exists", status, pattern=pattern)


def _not_found(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    name = "source_did_pattern" if call.function == "copy_did" else "did_pattern"
    return did_not_found(call.parameters.get(name, ""), status)


def _nothing(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    return no(errors.NothingToChange, "no change was given", status)


def _user_exists(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    user = call.parameters.get("agent_user", "")
    return no(errors.UserExists, f"user {user} already exists", status, user=user)


def _user_not_found(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    user = call.parameters.get("agent_user", "")
    return no(errors.UserNotFound, f"there is no user {user}", status, user=user)


def _group(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    if call.function == "copy_user":  # VICIdial says so of a user who is not there
        user = call.parameters.get("source_user", "")
        return no(errors.UserNotFound, f"there is no user {user}", status, user=user)
    group = call.parameters.get("agent_user_group", "")
    return no(errors.GroupNotFound, f"there is no user group {group}", status, group=group)


def _incomplete(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    if "did_pattern" in call.parameters:
        return invalid_pattern(call.parameters["did_pattern"], "it must have 2 to 50 characters", status)
    return no(errors.InvalidRequest, "a value that is needed is missing, too short or too long", status)


def _search(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
    return no(errors.InvalidRequest, "this cannot be searched for", status)


def _kept(kind: type[errors.ProblemError], detail: str) -> Wording:
    def words(call: FunctionCall, line: Line, status: int) -> errors.DidierError:
        return no(kind, detail, status, pattern=call.parameters.get("did_pattern", ""))

    return words


_REFUSALS: Mapping[str, Wording] = MappingProxyType({
    "Login incorrect": _sign_in,
    "Too many login attempts": _locked_out,
    "Your IP Address is not allowed": _address,
    "Invalid Source": _source,
    "NO FUNCTION SPECIFIED": _no_function,
    _PERMISSION: _permission,
    "DID ALREADY EXISTS": _exists,
    "DID DOES NOT EXIST": _not_found,
    "SOURCE DID DOES NOT EXIST": _not_found,
    "NO UPDATES DEFINED": _nothing,
    "USER ALREADY EXISTS": _user_exists,
    "USER DOES NOT EXIST": _user_not_found,
    "USER NOT FOUND": _user_not_found,
    "USER GROUP DOES NOT EXIST": _group,
    "YOU MUST USE ALL REQUIRED FIELDS": _incomplete,
    "INVALID SEARCH PARAMETERS": _search,
    # What Didier itself says on the same path.
    "DID IS PROTECTED": _kept(errors.DidProtected, "the DID is protected, this client does not delete it"),
    "DID IS IN USE": _kept(errors.DidInUse, "the DID is in use, this client does not delete it"),
    "DID IS LOCKED AGAINST DELETION": _kept(errors.DidLocked, "the DID is locked against deletion"),
})  # fmt: skip
"""How lines that refuse begin, and what each is."""
