"""Every way in which a request of the client fails: one class and one sentence each.

    DidierError
    ├── ConnectionFailed           the server cannot be reached, or the connection broke
    ├── TimedOut                   the answer, or the end of a batch, did not come in time
    ├── UnexpectedAnswer           the answer is not one of Didier's
    └── ProblemError               the server says no: a problem document (RFC 9457)
        ├── SignInRefused
        │   ├── NotSignedIn
        │   ├── WrongPassword
        │   ├── LevelTooLow
        │   ├── LockedOut
        │   ├── AddressRefused
        │   ├── SecondFactorMissing
        │   │   └── SecondFactorRequired
        │   ├── WrongCode
        │   ├── SecondFactorUnchecked
        │   ├── TokenRefused
        │   └── SessionEnded
        ├── NotPermitted
        ├── NotConfirmed
        ├── SecondFactorExists
        ├── NotFound
        │   ├── DidNotFound
        │   ├── BatchNotFound
        │   ├── TokenNotFound
        │   ├── PreferenceNotFound
        │   ├── UserNotFound
        │   ├── DestinationNotFound
        │   ├── WebhookNotFound
        │   ├── EdgeNotFound
        │   ├── EventNotFound
        │   ├── NoSecondFactor
        │   └── NoSuchAddress
        ├── DidExists
        │   └── DidNamedTwice
        ├── UserExists
        ├── DestinationExists
        ├── DestinationInUse
        ├── VicidialOwned
        ├── InvalidRequest
        │   └── InvalidCursor
        ├── InvalidPattern
        │   ├── InvalidRange
        │   └── Implausible
        ├── InvalidField
        │   └── UnknownReference
        ├── GroupNotFound
        ├── LeadsNowhere
        ├── NothingToChange
        │   └── NoDrift
        ├── DidProtected
        ├── DidInUse
        ├── DidLocked
        ├── PreferencesOff
        ├── SchedulesOff
        ├── GatewaysOff
        ├── ReportedCallsOff
        ├── EdgesOff
        ├── EdgeOfAnother
        ├── WebhooksOff
        ├── ChangedMeanwhile
        ├── ChangesGone
        ├── UnreadableTargets
        │   └── UnknownColumns
        ├── NothingFound
        ├── TooMuchToRead
        ├── TooManyTargets
        ├── NotAllPossible
        ├── NotUndoable
        ├── NotCancellable
        ├── KeyReused
        ├── KeyUnderWay
        ├── LevelNotAllowed
        ├── PasswordNotReset
        ├── TooLarge
        ├── TooSlow
        ├── UnsupportedMediaType
        ├── MethodNotAllowed
        ├── TooManyRequests
        ├── CrossSite
        ├── NotOurHost
        ├── ServerFailed
        │   └── KeyNotUsable
        └── Unavailable
            ├── Overloaded
            ├── DatabaseBusy
            ├── DiskFull
            ├── ReadOnly
            ├── FileFailed
            ├── TableDamaged
            ├── DatabaseLost
            └── Stopping

A problem of a type that this release does not know is a plain `ProblemError`. No text holds a password or
a token.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from didier.client.models import TargetProblem


class DidierError(Exception):
    """A request of the client failed."""


class ConnectionFailed(DidierError):
    """The server cannot be reached, or the connection broke before the answer was there."""


class TimedOut(DidierError):
    """The answer, or the end of a batch that was waited for, did not come in time."""


class UnexpectedAnswer(DidierError):
    """What answers is not Didier, or stands between; *status* is the HTTP status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"the answer ({status}) is not one of Didier's: {reason}")
        self.status = status


class ProblemError(DidierError):
    """The server refuses, or fails.

    - *status*: the HTTP status.
    - *type*: which problem it is, as ``did-exists``; stays the same in later releases.
    - *title*, *detail*: in English, the title the same for all problems of a type.
    - *pointer*: where in the request, a JSON pointer (``/overrides/did_active``) or the name of a parameter.
    - *members*: the whole problem document.
    """

    def __init__(self, status: int, members: Mapping[str, Any]) -> None:
        self.status = status
        self.members = MappingProxyType(dict(members))
        self.type = str(members.get("type", "")).rpartition("/")[2]
        self.title = str(members.get("title", ""))
        self.detail = str(members.get("detail", "")) or self.title
        pointer = members.get("pointer")
        self.pointer = None if pointer is None else str(pointer)
        super().__init__(self.detail)

    @property
    def field(self) -> str | None:
        """The field or parameter that is refused: the last name in the pointer."""
        names = [name for name in (self.pointer or "").split("/") if name and not name.isdigit()]
        return names[-1].replace("~1", "/").replace("~0", "~") if names else None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.status, dict(self.members))

    def _texts(self, name: str) -> tuple[str, ...]:
        return tuple(map(str, self.members.get(name) or ()))


class SignInRefused(ProblemError):
    """The caller is not who they say, or may not sign in now."""


class NotSignedIn(SignInRefused):
    """Neither a user name with a password nor a token was sent."""


class WrongPassword(SignInRefused):
    """There is no active user with this name and password."""


class LevelTooLow(SignInRefused):
    """The user's level is below what is asked for."""


class LockedOut(SignInRefused):
    """There were too many wrong passwords; the user is locked out for 15 minutes."""


class AddressRefused(SignInRefused):
    """Requests from this address are not accepted."""


class SecondFactorMissing(SignInRefused):
    """Two-factor sign-in is on, and the user has no confirmed session."""


class SecondFactorRequired(SecondFactorMissing):
    """The user has a second factor: the password has to come with a one-time code."""


class WrongCode(SignInRefused):
    """The one-time code is wrong, or was used before."""


class SecondFactorUnchecked(SignInRefused):
    """One-time codes cannot be checked: the server's key is missing or has changed."""


class TokenRefused(SignInRefused):
    """The token is not valid, or no longer valid."""


class SessionEnded(SignInRefused):
    """The session of the admin panel has ended; a client has none."""


class NotPermitted(ProblemError):
    """The caller lacks a right."""

    @property
    def function(self) -> str:
        """What the right is for."""
        return str(self.members.get("function", ""))

    @property
    def missing(self) -> tuple[str, ...]:
        """The settings that would give the right."""
        return self._texts("missing")


class NotConfirmed(ProblemError):
    """The current password or the one-time code that a change needs is wrong."""


class SecondFactorExists(ProblemError):
    """There is a second factor already."""


class NotFound(ProblemError):
    """There is nothing like that which the caller may see."""


class DidNotFound(NotFound):
    """There is no such DID that the caller may see."""


class BatchNotFound(NotFound):
    """There is no such batch that the caller may see."""


class TokenNotFound(NotFound):
    """There is no such token that the caller may see."""


class PreferenceNotFound(NotFound):
    """The caller has stored no preference of this kind and name."""


class UserNotFound(NotFound):
    """There is no such user whom the caller may see."""


class DestinationNotFound(NotFound):
    """There is no such in-group, call menu, phone or server that the caller may see."""


class WebhookNotFound(NotFound):
    """There is no webhook with this id."""


class EdgeNotFound(NotFound):
    """There is no edge of this name that the caller has to do with."""


class EventNotFound(NotFound):
    """There is no such event that the webhook hears of."""


class NoSecondFactor(NotFound):
    """The user has no second factor."""


class NoSuchAddress(NotFound):
    """The server has nothing at this address: it may be older than the client."""


class DidExists(ProblemError):
    """The DID already exists."""


class DidNamedTwice(DidExists):
    """The DID is listed twice in the order."""


class UserExists(ProblemError):
    """A user with this name already exists."""


class DestinationExists(ProblemError):
    """The in-group, call menu, phone or server exists already."""


class DestinationInUse(ProblemError):
    """DIDs or call menus lead there; only force deletes it."""

    @property
    def places(self) -> tuple[str, ...]:
        """What leads there, as ``DID 18001234567``."""
        return self._texts("places")


class VicidialOwned(ProblemError):
    """It is VICIdial's, whose own pages change it."""


class InvalidRequest(ProblemError):
    """The request does not follow the API."""

    @property
    def errors(self) -> tuple[Mapping[str, str], ...]:
        """All places that are not valid, each with ``pointer`` and ``detail``."""
        return tuple(self.members.get("errors") or ())


class InvalidCursor(InvalidRequest):
    """The cursor does not belong to the list."""


class InvalidPattern(ProblemError):
    """This cannot be a DID."""


class InvalidRange(InvalidPattern):
    """This cannot be a range of DIDs."""


class Implausible(InvalidPattern):
    """No call is likely to come to this DID; it is created only where that is allowed on purpose."""


class InvalidField(ProblemError):
    """A value is not allowed in a field."""

    @property
    def allowed(self) -> str:
        """What would be allowed, in English."""
        return str(self.members.get("allowed", ""))


class UnknownReference(InvalidField):
    """A value names something that is not there, as an in-group."""


class GroupNotFound(ProblemError):
    """There is no such user group that the caller may see."""


class LeadsNowhere(ProblemError):
    """Calls to this DID would lead nowhere; that is done only where it is allowed on purpose."""


class NothingToChange(ProblemError):
    """No change was given."""


class NoDrift(NothingToChange):
    """The DID does not differ from one that it was copied from."""


class DidProtected(ProblemError):
    """Call handling relies on the DID; only force deletes it."""


class DidInUse(ProblemError):
    """The DID is in use; only force deletes it."""

    @property
    def places(self) -> tuple[str, ...]:
        """Where it is used."""
        return self._texts("places")


class PreferencesOff(ProblemError):
    """The server cannot store preferences: its database user lacks a right."""


class SchedulesOff(ProblemError):
    """The server cannot store schedules: its database user lacks a right."""


class GatewaysOff(ProblemError):
    """The server cannot store gateway sets: its database user lacks a right."""


class ReportedCallsOff(ProblemError):
    """The server cannot store reported calls: its database user lacks a right."""


class EdgesOff(ProblemError):
    """The server cannot store how edges stand: its database user lacks a right."""


class EdgeOfAnother(ProblemError):
    """The edge is that of another user, whose reports alone go on with it."""


class WebhooksOff(ProblemError):
    """The server cannot store webhooks: its database user lacks a right."""


class DidLocked(ProblemError):
    """The DID is locked against deletion."""


class ChangedMeanwhile(ProblemError):
    """The DID is not as the caller last saw it: its ETag is another."""


class ChangesGone(ProblemError):
    """The changes behind a number are no longer told: take an export, and follow from its number."""


class UnreadableTargets(ProblemError):
    """The text of the targets cannot be read."""


class UnknownColumns(UnreadableTargets):
    """A table has columns of which it is not known what becomes of them."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Their headers."""
        return self._texts("columns")


class TooMuchToRead(ProblemError):
    """The targets take the server too long to read: send fewer at a time."""


class TooManyTargets(ProblemError):
    """The order has more targets than the server takes in one."""


class NotAllPossible(ProblemError):
    """Some targets of an atomic order are not possible, so nothing was done."""

    @property
    def count(self) -> int:
        """How many targets cannot be made."""
        return int(self.members.get("count", 0))

    @property
    def targets(self) -> tuple[TargetProblem, ...]:
        """The first of them, and why."""
        return tuple(map(TargetProblem.read, self.members.get("targets") or ()))


class NothingFound(ProblemError):
    """No DID meets the conditions by which those of an order are chosen."""


class NotUndoable(ProblemError):
    """The batch is in a state in which there is nothing to undo."""


class NotCancellable(ProblemError):
    """Nothing of the batch is being carried out now."""


class KeyReused(ProblemError):
    """The idempotency key was used for another request."""


class KeyUnderWay(ProblemError):
    """The request with this idempotency key is still being carried out."""


class BeyondReach(NotPermitted):
    """The user has, or would get, rights that the caller does not have."""


class LastManager(ProblemError):
    """The user is the last one who may manage users, and would lose that."""


class LevelNotAllowed(ProblemError):
    """The caller may not give this user level, or change users who have it."""


class PasswordNotReset(ProblemError):
    """The password was not reset."""


class TooLarge(ProblemError):
    """The request is larger than the server takes."""


class TooSlow(ProblemError):
    """The request took too long to come."""


class UnsupportedMediaType(ProblemError):
    """The server does not understand the format of the body: it may be older than the client."""


class MethodNotAllowed(ProblemError):
    """The server does not do this at this address: it may be older than the client."""


class TooManyRequests(ProblemError):
    """The caller has sent more requests than the server takes in a minute."""


class CrossSite(ProblemError):
    """A page of another site made a browser send the request; programs are not taken for one."""


class NotOurHost(ProblemError):
    """The server does not answer under the name by which it was reached."""


class ServerFailed(ProblemError):
    """The server failed; the reason is in its log."""


class KeyNotUsable(ServerFailed):
    """The server cannot encrypt: its key cannot be used."""


class Unavailable(ProblemError):
    """The server cannot take the request now and has confirmed nothing; it may be sent again."""


class Overloaded(Unavailable):
    """Too many requests are waiting."""


class DatabaseBusy(Unavailable):
    """Another program has locked the database; nothing was changed."""


class DiskFull(Unavailable):
    """The disk of the database is full; nothing was changed."""


class ReadOnly(Unavailable):
    """The database takes no changes; nothing was changed."""


class FileFailed(Unavailable):
    """The file of the database cannot be used; whether a change was made is not known."""


class TableDamaged(Unavailable):
    """A table of the database has to be repaired."""


class DatabaseLost(Unavailable):
    """The server does not reach its database; whether a change was made is not known."""


class Stopping(Unavailable):
    """The server is stopping."""


PROBLEMS: Mapping[str, type[ProblemError]] = MappingProxyType(
    {
        "not-signed-in": NotSignedIn,
        "invalid-request": InvalidRequest,
        "invalid-cursor": InvalidCursor,
        "no-such-address": NoSuchAddress,
        "method-not-allowed": MethodNotAllowed,
        "too-large": TooLarge,
        "too-slow": TooSlow,
        "unsupported-media-type": UnsupportedMediaType,
        "too-many-requests": TooManyRequests,
        "cross-site": CrossSite,
        "not-our-host": NotOurHost,
        "failed": ServerFailed,
        "wrong-password": WrongPassword,
        "level-too-low": LevelTooLow,
        "locked-out": LockedOut,
        "address-refused": AddressRefused,
        "second-factor-missing": SecondFactorMissing,
        "second-factor-required": SecondFactorRequired,
        "wrong-code": WrongCode,
        "second-factor-unchecked": SecondFactorUnchecked,
        "not-confirmed": NotConfirmed,
        "second-factor-exists": SecondFactorExists,
        "no-second-factor": NoSecondFactor,
        "key-not-usable": KeyNotUsable,
        "token-refused": TokenRefused,
        "session-ended": SessionEnded,
        "not-permitted": NotPermitted,
        "did-not-found": DidNotFound,
        "did-exists": DidExists,
        "did-named-twice": DidNamedTwice,
        "invalid-pattern": InvalidPattern,
        "invalid-range": InvalidRange,
        "implausible": Implausible,
        "invalid-field": InvalidField,
        "unknown-reference": UnknownReference,
        "leads-nowhere": LeadsNowhere,
        "nothing-to-change": NothingToChange,
        "no-drift": NoDrift,
        "did-protected": DidProtected,
        "did-in-use": DidInUse,
        "did-locked": DidLocked,
        "changed-meanwhile": ChangedMeanwhile,
        "unreadable-targets": UnreadableTargets,
        "unknown-columns": UnknownColumns,
        "nothing-found": NothingFound,
        "too-much-to-read": TooMuchToRead,
        "too-many-targets": TooManyTargets,
        "not-all-possible": NotAllPossible,
        "changes-gone": ChangesGone,
        "batch-not-found": BatchNotFound,
        "not-undoable": NotUndoable,
        "not-cancellable": NotCancellable,
        "key-reused": KeyReused,
        "key-under-way": KeyUnderWay,
        "token-not-found": TokenNotFound,
        "preference-not-found": PreferenceNotFound,
        "preferences-off": PreferencesOff,
        "schedules-off": SchedulesOff,
        "gateways-off": GatewaysOff,
        "reported-calls-off": ReportedCallsOff,
        "edges-off": EdgesOff,
        "edge-not-found": EdgeNotFound,
        "edge-of-another": EdgeOfAnother,
        "webhooks-off": WebhooksOff,
        "webhook-not-found": WebhookNotFound,
        "event-not-found": EventNotFound,
        "user-exists": UserExists,
        "user-not-found": UserNotFound,
        "group-not-found": GroupNotFound,
        "beyond-reach": BeyondReach,
        "last-manager": LastManager,
        "level-not-allowed": LevelNotAllowed,
        "password-not-reset": PasswordNotReset,
        "destination-not-found": DestinationNotFound,
        "destination-exists": DestinationExists,
        "destination-in-use": DestinationInUse,
        "vicidial-owned": VicidialOwned,
        "overloaded": Overloaded,
        "database-busy": DatabaseBusy,
        "disk-full": DiskFull,
        "database-read-only": ReadOnly,
        "file-failed": FileFailed,
        "table-damaged": TableDamaged,
        "database-lost": DatabaseLost,
        "stopping": Stopping,
    }
)
"""The class of each type of problem."""


def problem(status: int, members: Mapping[str, Any]) -> ProblemError:
    """Return a problem document as an exception of its class."""
    name = str(members.get("type", "")).rpartition("/")[2]
    return PROBLEMS.get(name, ProblemError)(status, members)
