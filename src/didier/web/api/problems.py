"""Problems: how the JSON API words every refusal (RFC 9457)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, cast

import orjson
from pydantic import ConfigDict, Field

from didier import errors
from didier.errors import DidierError, TargetProblem
from didier.web.api.answers import Answer

MEDIA_TYPE = "application/problem+json"
BASE = "/problems/"
RETRY_SECONDS = 5
"""When a request that could not be taken may be sent again."""

PLACES_SHOWN = 100
"""Most errors of a request that are listed; a body may have a hundred thousand."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A type of problem: the end of its address, its HTTP status and its title; all stay as they are."""

    name: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The type of the problem: a relative address (RFC 9457, 3.1.1)."""
        return BASE + self.name


# What the transport itself refuses; the services know nothing of it.
NOT_SIGNED_IN = ProblemType("not-signed-in", 401, "User name and password, or a token, are missing")
INVALID = ProblemType("invalid-request", 422, "The request is not valid")
NO_SUCH_ADDRESS = ProblemType("no-such-address", 404, "There is nothing at this address")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "The method is not allowed here")
TOO_LARGE = ProblemType("too-large", 413, "The request is too large")
TOO_SLOW = ProblemType("too-slow", 408, "The request took too long to come")
NOT_JSON = ProblemType("unsupported-media-type", 415, "The body is in a format that is not understood")
CROSS_SITE = ProblemType("cross-site", 403, "Another site has sent the request")
TOO_MANY = ProblemType("too-many-requests", 429, "Too many requests")
NOT_OUR_HOST = ProblemType("not-our-host", 421, "The request is for another host")  # RFC 9110, 15.5.20
FAILED = ProblemType("failed", 500, "The server failed")
BAD_CURSOR = ProblemType("invalid-cursor", 422, "The cursor is not one of this list")

TYPES: Mapping[type[DidierError], ProblemType] = MappingProxyType({
    errors.WrongPassword: ProblemType("wrong-password", 401, "Wrong user name or password"),
    errors.LevelTooLow: ProblemType("level-too-low", 403, "The user level is too low"),
    errors.LockedOut: ProblemType("locked-out", 401, "The user is locked out"),
    errors.AddressRefused: ProblemType("address-refused", 403, "Requests from this address are not accepted"),
    errors.SecondFactorMissing: ProblemType("second-factor-missing", 403,
        "There is no confirmed second factor"),
    errors.SecondFactorRequired: ProblemType("second-factor-required", 401, "A one-time code is missing"),
    errors.WrongCode: ProblemType("wrong-code", 401, "The one-time code is wrong"),
    errors.SecondFactorUnchecked: ProblemType("second-factor-unchecked", 403, "The code cannot be checked"),
    errors.TokenRefused: ProblemType("token-refused", 401, "The token is not valid"),
    errors.SessionEnded: ProblemType("session-ended", 401, "The session has ended"),
    errors.NotPermitted: ProblemType("not-permitted", 403, "A right is missing"),
    errors.BeyondReach: ProblemType("beyond-reach", 403, "The user reaches further than the caller"),
    errors.LastManager: ProblemType("last-manager", 409, "Nobody else may manage users"),
    errors.NotFound: ProblemType("did-not-found", 404, "There is no such DID"),
    errors.AlreadyExists: ProblemType("did-exists", 409, "The DID exists already"),
    errors.NamedTwice: ProblemType("did-named-twice", 409, "The DID is named twice"),
    errors.InvalidPattern: ProblemType("invalid-pattern", 422, "This cannot be a DID"),
    errors.InvalidRange: ProblemType("invalid-range", 422, "This cannot be a range of DIDs"),
    errors.Implausible: ProblemType("implausible", 422, "No call is likely to come to this DID"),
    errors.InvalidField: ProblemType("invalid-field", 422, "A value is not allowed"),
    errors.UnknownReference: ProblemType("unknown-reference", 422,
        "A value names something that is not there"),
    errors.LeadsNowhere: ProblemType("leads-nowhere", 422, "Calls to this DID would lead nowhere"),
    errors.NothingToChange: ProblemType("nothing-to-change", 422, "Nothing was named to be changed"),
    errors.NoDrift: ProblemType("no-drift", 422, "The DID does not differ from its source"),
    errors.Protected: ProblemType("did-protected", 409, "Call handling relies on the DID"),
    errors.InUse: ProblemType("did-in-use", 409, "The DID is in use"),
    errors.DeletionLocked: ProblemType("did-locked", 409, "The DID is locked against deletion"),
    errors.ChangedMeanwhile: ProblemType("changed-meanwhile", 412, "The DID was changed meanwhile"),
    errors.InvalidInput: ProblemType("unreadable-targets", 422, "The targets cannot be read"),
    errors.UnknownColumns: ProblemType("unknown-columns", 422, "The table has columns that are not known"),
    errors.NothingFound: ProblemType("nothing-found", 422, "No DID meets the conditions"),
    errors.TooMuchToRead: ProblemType("too-much-to-read", 413, "The targets take too long to read"),
    errors.TooManyTargets: ProblemType("too-many-targets", 422, "The order has too many targets"),
    errors.NotAllPossible: ProblemType("not-all-possible", 409,
        "Not every target is possible, so nothing was done"),
    errors.ChangesGone: ProblemType("changes-gone", 410, "The changes are not told any more"),
    errors.BatchNotFound: ProblemType("batch-not-found", 404, "There is no such batch"),
    errors.NotUndoable: ProblemType("not-undoable", 409, "The batch cannot be undone now"),
    errors.NotCancellable: ProblemType("not-cancellable", 409, "The batch cannot be cancelled now"),
    # Both statuses are those of draft-ietf-httpapi-idempotency-key-header.
    errors.KeyReused: ProblemType("key-reused", 422, "The idempotency key was used for another request"),
    errors.KeyUnderWay: ProblemType("key-under-way", 409,
        "The request with this idempotency key is under way"),
    errors.TokenNotFound: ProblemType("token-not-found", 404, "There is no such token"),
    errors.PreferenceNotFound: ProblemType("preference-not-found", 404, "There is no such preference"),
    errors.PreferencesOff: ProblemType("preferences-off", 409, "Preferences cannot be stored here"),
    errors.SchedulesOff: ProblemType("schedules-off", 409, "Schedules cannot be stored here"),
    errors.WebhooksOff: ProblemType("webhooks-off", 409, "Webhooks cannot be stored here"),
    errors.WebhookNotFound: ProblemType("webhook-not-found", 404, "There is no such webhook"),
    errors.EventNotFound: ProblemType("event-not-found", 404, "There is no such event"),
    errors.GatewaysOff: ProblemType("gateways-off", 409, "Gateway sets cannot be stored here"),
    errors.ReportedCallsOff: ProblemType("reported-calls-off", 409, "Reported calls cannot be stored here"),
    errors.EdgesOff: ProblemType("edges-off", 409, "Edges cannot be stored here"),
    errors.EdgeNotFound: ProblemType("edge-not-found", 404, "There is no such edge"),
    errors.EdgeOfAnother: ProblemType("edge-of-another", 409, "The edge is that of another user"),
    errors.NotConfirmed: ProblemType("not-confirmed", 403, "The password or the code is not right"),
    errors.SecondFactorExists: ProblemType("second-factor-exists", 409, "There is a second factor already"),
    errors.NoSecondFactor: ProblemType("no-second-factor", 404, "There is no second factor"),
    errors.KeyNotUsable: ProblemType("key-not-usable", 500, "The installation's key cannot be used"),
    errors.UserExists: ProblemType("user-exists", 409, "The user exists already"),
    errors.UserNotFound: ProblemType("user-not-found", 404, "There is no such user"),
    errors.GroupNotFound: ProblemType("group-not-found", 422, "There is no such user group"),
    errors.LevelNotAllowed: ProblemType("level-not-allowed", 403,
        "The caller may not give or change this level"),
    errors.PasswordNotReset: ProblemType("password-not-reset", 422, "The password was not reset"),
    errors.DestinationNotFound: ProblemType("destination-not-found", 404, "There is no such destination"),
    errors.DestinationExists: ProblemType("destination-exists", 409, "The destination exists already"),
    errors.DestinationInUse: ProblemType("destination-in-use", 409, "Calls are sent to the destination"),
    errors.VicidialOwned: ProblemType("vicidial-owned", 409, "VICIdial's own pages change this"),
    errors.Overloaded: ProblemType("overloaded", 503, "Too many requests are waiting"),
    errors.DatabaseBusy: ProblemType("database-busy", 503, "The database is busy"),
    errors.DiskFull: ProblemType("disk-full", 503, "The disk of the database is full"),
    errors.ReadOnly: ProblemType("database-read-only", 503, "The database is read-only"),
    errors.FileFailed: ProblemType("file-failed", 503, "The file of the database cannot be used"),
    errors.TableDamaged: ProblemType("table-damaged", 503, "A table is damaged"),
    errors.DatabaseLost: ProblemType("database-lost", 503, "The database cannot be reached"),
    errors.Stopping: ProblemType("stopping", 503, "The server is stopping"),
})  # fmt: skip
"""The type of every refusal."""

ALL: tuple[ProblemType, ...] = (
    NOT_SIGNED_IN, INVALID, BAD_CURSOR, NO_SUCH_ADDRESS, METHOD_NOT_ALLOWED, TOO_LARGE, TOO_SLOW, NOT_JSON,
    TOO_MANY, CROSS_SITE, NOT_OUR_HOST, FAILED, *TYPES.values(),
)  # fmt: skip

# Several challenges in one line (RFC 9110, 11.6.1). With charset, browsers send names and passwords in UTF-8
# (RFC 7617, 2.1).
CHALLENGE = 'Basic realm="Didier", charset="UTF-8", Bearer realm="Didier"'


@dataclass
class Found:
    """A place in a request that is not valid."""

    pointer: str
    detail: str


TargetOutcome = Literal["exists", "duplicate", "invalid", "implausible", "nowhere", "missing", "refused"]


@dataclass
class NotPossible:
    """A target that cannot be made."""

    position: int
    target: str
    outcome: TargetOutcome
    reason: str

    @classmethod
    def of(cls, problem: TargetProblem) -> Self:
        """Return what is wrong with a target as the API shows it."""
        return cls(problem.position, problem.target, cast("TargetOutcome", problem.outcome), problem.reason)


@dataclass
class Problem:
    """A refusal (RFC 9457)."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "/problems/invalid-field",
                "title": "A value is not allowed",
                "status": 422,
                "detail": "did_active 'X' is not allowed: one of Y, N",
                "pointer": "/did_active",
                "allowed": "one of Y, N",
            }
        }
    )

    type: Annotated[str, Field(description="The kind of problem; does not change in later releases")]
    title: str
    status: int
    detail: str
    pointer: Annotated[
        str | None,
        Field(description="Where: a JSON pointer into the body, or the bare name of a parameter"),
    ] = None
    function: Annotated[str | None, Field(description="The function for which the caller lacks a right")] = (
        None
    )
    missing: Annotated[list[str] | None, Field(description="The settings that would give the right")] = None
    allowed: Annotated[str | None, Field(description="What would be allowed")] = None
    columns: Annotated[
        list[str] | None, Field(description="The columns of a table of which it is not known what they are")
    ] = None
    places: Annotated[
        list[str] | None, Field(description="Where the DID is used, or what sends calls to the destination")
    ] = None
    errors: Annotated[list[Found] | None, Field(description="All places that are not valid")] = None
    count: Annotated[int | None, Field(description="How many targets are not possible")] = None
    targets: Annotated[list[NotPossible] | None, Field(description="The first of them")] = None

    def to_json(self) -> bytes:
        """Return the problem as it is sent: without the members that it does not have."""
        members = {name: value for name, value in vars(self).items() if value is not None}
        try:
            return orjson.dumps(members)
        except TypeError:  # what was sent and is named in it holds half a character (a lone surrogate)
            return json.dumps(members, default=vars).encode()


def kind_of(error: DidierError) -> ProblemType:
    """Return the type of a refusal, or of the class nearest above it that has one."""
    return next((TYPES[cls] for cls in type(error).__mro__ if cls in TYPES), FAILED)


def answer(
    kind: ProblemType,
    detail: str,
    *,
    pointer: str | None = None,
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> Answer:
    """Return the answer that words a problem.

    *pointer* is a JSON pointer (RFC 6901) into the body (``/did_active``) or the bare name of a parameter.
    """
    problem = Problem(kind.type, kind.title, kind.status, detail, pointer, **members)
    sent = dict(headers or {})
    if kind.status == 401:  # which has to say how to sign in (RFC 9110, 15.5.2)
        sent["www-authenticate"] = CHALLENGE
    if kind.status == 503:
        sent["retry-after"] = str(RETRY_SECONDS)
    return Answer(kind.status, problem.to_json(), sent, MEDIA_TYPE)


def refusal(error: DidierError, pointers: Mapping[str, str] | None = None, at: str = "") -> Answer:
    """Word *error*.

    A field is found in the body under *at*; *pointers* says where it is found instead, and under
    ``pattern`` where a pattern that is refused stands.
    """
    headers = {}
    if isinstance(error, errors.LockedOut):
        headers["retry-after"] = "900"  # as long as the lock of VICIdial lasts
    return answer(
        kind_of(error), str(error), pointer=_pointer(error, pointers or {}, at), headers=headers,
        **_members(error),
    )  # fmt: skip


def _pointer(error: DidierError, pointers: Mapping[str, str], at: str) -> str | None:
    match error:
        case errors.InvalidField():
            return pointers.get(error.field, f"{at}/{error.field}")
        case errors.AlreadyExists() | errors.InvalidPattern() | errors.NotFound():
            return pointers.get("pattern")
        case errors.KeyReused() | errors.KeyUnderWay():
            return "Idempotency-Key"
        case (
            errors.NotAllPossible() | errors.InvalidInput() | errors.TooManyTargets() | errors.TooMuchToRead()
        ):
            return "/targets"
        case errors.NothingFound():
            return "/where"
        case errors.GroupNotFound():
            return pointers.get("user_group", f"{at}/user_group")
        case errors.LevelNotAllowed():
            return pointers.get("user_level")
        case errors.UserExists():
            return pointers.get("user")
        case errors.DestinationExists():
            return pointers.get(error.field, f"{at}/{error.field}")
        case errors.NotConfirmed():
            return pointers.get(error.field)
        case _:
            return None


def _members(error: DidierError) -> dict[str, Any]:
    match error:
        case errors.NotPermitted():
            return {"function": error.function, "missing": list(error.missing)}
        case errors.InvalidField():
            return {"allowed": error.allowed}
        case errors.UnknownColumns():
            return {"columns": list(error.columns)}
        case errors.InUse() | errors.DestinationInUse():
            return {"places": list(error.places)}
        case errors.NotAllPossible():
            return {"count": error.count, "targets": list(map(NotPossible.of, error.problems))}
        case _:
            return {}


def invalid(found: Sequence[Mapping[str, Any]]) -> Answer:
    """Word what pydantic has found wrong in a request: the first places by their pointers, and how many."""
    listed = [Found(_place(one["loc"]), _reason(one)) for one in found[:PLACES_SHOWN]]
    first = listed[0]
    detail = ": ".join(part for part in (_said(first.pointer), first.detail) if part)
    return answer(INVALID, detail, pointer=first.pointer, errors=listed, count=len(found))


def _place(location: Sequence[str | int]) -> str:
    where, *rest = location
    if where != "body":
        return str(rest[0] if rest else where)
    if len(rest) == 1 and isinstance(rest[0], int):
        return ""  # not JSON at all: the number is a position in the text
    # The escapes of JSON pointers (RFC 6901, 3).
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in rest)


def _said(pointer: str) -> str:
    """Return the place at *pointer* as people say it: the members' names, the items of lists from 1."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("/").split("/")]
    return ", ".join(f"item {int(part) + 1}" if part.isdecimal() else part for part in parts)


def _reason(found: Mapping[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "there is no such field or parameter"
    if found["type"] == "json_invalid":
        return f"the body is not JSON: {found['ctx']['error']}"
    return str(found["msg"])
