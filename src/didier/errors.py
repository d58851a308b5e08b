"""Every refusal Didier gives: one class and one sentence each.

    DidierError
    ├── Refusal                what a caller asked for is not done; nothing was changed
    │   ├── SignInRefused
    │   │   ├── WrongPassword
    │   │   ├── LevelTooLow
    │   │   ├── LockedOut
    │   │   ├── AddressRefused
    │   │   ├── SecondFactorMissing
    │   │   │   └── SecondFactorRequired
    │   │   ├── WrongCode
    │   │   ├── SecondFactorUnchecked
    │   │   └── TokenRefused
    │   │       └── SessionEnded
    │   ├── NotPermitted
    │   │   └── BeyondReach
    │   ├── LastManager
    │   ├── NotFound
    │   ├── AlreadyExists
    │   │   └── NamedTwice
    │   ├── InvalidPattern
    │   │   ├── InvalidRange
    │   │   └── Implausible
    │   ├── InvalidField
    │   │   └── UnknownReference
    │   ├── LeadsNowhere
    │   ├── NothingToChange
    │   │   └── NoDrift
    │   ├── Protected
    │   ├── InUse
    │   ├── DeletionLocked
    │   ├── ChangedMeanwhile
    │   ├── InvalidInput
    │   ├── NothingFound
    │   ├── TooMuchToRead
    │   ├── TooManyTargets
    │   ├── NotAllPossible
    │   ├── BatchNotFound
    │   ├── ChangesGone
    │   ├── NotUndoable
    │   ├── NotCancellable
    │   ├── KeyReused
    │   ├── KeyUnderWay
    │   ├── TokenNotFound
    │   ├── PreferenceNotFound
    │   ├── PreferencesOff
    │   ├── SchedulesOff
    │   ├── WebhooksOff
    │   ├── WebhookNotFound
    │   ├── EventNotFound
    │   ├── GatewaysOff
    │   ├── ReportedCallsOff
    │   ├── EdgesOff
    │   ├── EdgeNotFound
    │   ├── EdgeOfAnother
    │   ├── NotConfirmed
    │   ├── SecondFactorExists
    │   ├── NoSecondFactor
    │   ├── KeyNotUsable
    │   ├── UserExists
    │   ├── UserNotFound
    │   ├── GroupNotFound
    │   ├── LevelNotAllowed
    │   ├── PasswordNotReset
    │   ├── DestinationNotFound
    │   ├── DestinationExists
    │   ├── DestinationInUse
    │   └── VicidialOwned
    ├── Unavailable            nothing wrong with the request; it may be sent again
    │   ├── Overloaded
    │   ├── DatabaseBusy
    │   ├── DiskFull
    │   ├── ReadOnly
    │   ├── FileFailed
    │   ├── TableDamaged
    │   ├── DatabaseLost
    │   └── Stopping
    └── SetupError             the operator has to change something before Didier can start
        ├── WrongSetting
        ├── NoDatabase
        ├── MissingRights
        ├── SchemaTooOld
        ├── DatabaseInUse
        └── KeyProblem
            └── KeyMissing

They are not frozen: Python itself sets the traceback of an exception that is raised.

Services return refusals (one bad order must not cost the others) or raise them; each transport and
dialect words them in its own language. The texts here are the plain English of the command line.
"""

from dataclasses import dataclass

from didier.masking import MASK, is_secret, reveals


class DidierError(Exception):
    """Anything Didier says no to."""


class Refusal(DidierError):
    """The request is refused; nothing was changed."""


class SignInRefused(Refusal):
    """The caller is not who they say, or may not sign in now."""


class WrongPassword(SignInRefused):
    """No active user with this name and password."""

    def __str__(self) -> str:
        return "wrong user name or password"


class LevelTooLow(SignInRefused):
    """The password is right, but the user's level is below what this door asks for."""

    def __str__(self) -> str:
        return "the user level is too low to sign in here"


class LockedOut(SignInRefused):
    """Too many wrong passwords; the user is locked for a while."""

    def __str__(self) -> str:
        return "too many wrong passwords, try again in 15 minutes"


@dataclass(unsafe_hash=True)
class AddressRefused(SignInRefused):
    """Requests of this user are not accepted from *address*."""

    address: str

    def __str__(self) -> str:
        return f"requests from {self.address} are not accepted"


class SecondFactorMissing(SignInRefused):
    """Two-factor sign-in is on and this user has no confirmed session."""

    def __str__(self) -> str:
        return "two-factor sign-in is on and there is no confirmed session"


class SecondFactorRequired(SecondFactorMissing):
    """The user has set up a second factor, and its one-time code did not come with the password."""

    def __str__(self) -> str:
        return "the one-time code of the second factor is missing"


class WrongCode(SignInRefused):
    """The password is right; the code that came with it is not, or was used before."""

    def __str__(self) -> str:
        return "the code is wrong, or was used before"


class SecondFactorUnchecked(SignInRefused):
    """One-time codes cannot be checked, as the installation's key cannot be used; the log says why."""

    def __str__(self) -> str:
        return (
            "one-time codes cannot be checked, because the installation's key is missing or has changed;"
            " the server's log has the reason"
        )


@dataclass(unsafe_hash=True)
class TokenRefused(SignInRefused):
    """The token is none, or none any more; *reason* says why."""

    reason: str

    def __str__(self) -> str:
        return f"the token is not valid: {self.reason}"


class SessionEnded(TokenRefused):
    """The session of the admin panel is none, or none any more; *reason* says why."""

    def __str__(self) -> str:
        return f"you are no longer signed in: {self.reason}"


@dataclass(unsafe_hash=True)
class NotPermitted(Refusal):
    """The caller lacks a right; *missing* names the settings that would give it."""

    function: str
    missing: tuple[str, ...]

    def __str__(self) -> str:
        return f"no permission for {self.function}: {'; '.join(self.missing)}"


@dataclass(unsafe_hash=True)
class BeyondReach(NotPermitted):
    """*user* can do, or would be able to do, what the caller cannot; *missing* names it.

    A caller who acts on or for a user must have all of that user's reach (`domain.reach`).
    """

    user: str

    def __str__(self) -> str:
        held = f"{self.user} has, or would get, rights that you do not have"
        return f"no permission for {self.function}: {held}: {', '.join(self.missing)}"


@dataclass(unsafe_hash=True)
class LastManager(Refusal):
    """*user* is the last user who may manage users, and would lose that right."""

    user: str

    def __str__(self) -> str:
        return (
            f"{self.user} is the last user who may manage users; first give another active user"
            " level 8, API Access, Modify Users and the function update_user"
        )


@dataclass(unsafe_hash=True)
class NotFound(Refusal):
    """There is no DID with *pattern* that the caller may see."""

    pattern: str

    def __str__(self) -> str:
        return f"there is no DID {self.pattern}"


@dataclass(unsafe_hash=True)
class AlreadyExists(Refusal):
    """A DID with *pattern* already exists."""

    pattern: str

    def __str__(self) -> str:
        return f"DID {self.pattern} already exists"


class NamedTwice(AlreadyExists):
    """*pattern* stands in the order twice; the first wish for it gets it."""

    def __str__(self) -> str:
        return f"{self.pattern} appears earlier in this order"


@dataclass(unsafe_hash=True)
class InvalidPattern(Refusal):
    """*pattern* cannot be a DID's pattern; *reason* says why."""

    pattern: str
    reason: str

    def __str__(self) -> str:
        return f"{self.pattern!r} is not a valid DID: {self.reason}"


class InvalidRange(InvalidPattern):
    """*pattern* is written as a range of numbers but cannot be one; *reason* says why."""

    def __str__(self) -> str:
        return f"{self.pattern!r} is not a valid range: {self.reason}"


class Implausible(InvalidPattern):
    """No call is likely to come to *pattern*, so that it is created only on purpose; *reason* says why."""

    def __str__(self) -> str:
        return f"{self.pattern} is implausible: {self.reason}"


@dataclass(unsafe_hash=True)
class InvalidField(Refusal):
    """*value* is not allowed in *field*; *allowed* says what is."""

    field: str
    value: str
    allowed: str

    def __post_init__(self) -> None:
        # It is shown, answered and logged, so that a secret must not get into it.
        if self.value and (is_secret(self.field) or reveals(self.value)):
            self.args = tuple(MASK if given == self.value else given for given in self.args)
            self.value = MASK

    def __str__(self) -> str:
        return f"{self.field} {self.value!r} is not allowed: {self.allowed}"


@dataclass(unsafe_hash=True)
class UnknownReference(InvalidField):
    """*value* of *field* names a *kind* ("in-group") that is not there; *allowed* says where it would be."""

    kind: str

    def __str__(self) -> str:
        return f"{self.field} {self.value!r} is not allowed: there is no such {self.kind}"


@dataclass(unsafe_hash=True)
class LeadsNowhere(Refusal):
    """*pattern* would be active, and its calls lead nowhere; *reason* says why."""

    pattern: str
    reason: str

    def __str__(self) -> str:
        return f"calls to {self.pattern} would lead nowhere: {self.reason}"


@dataclass(unsafe_hash=True)
class NothingToChange(Refusal):
    """The order names no column to change in the DID or user *pattern*."""

    pattern: str

    def __str__(self) -> str:
        return f"no change was given for {self.pattern}"


@dataclass(unsafe_hash=True)
class NoDrift(NothingToChange):
    """The DID *pattern* does not differ from one that it was copied from, as far as that is seen."""

    def __str__(self) -> str:
        return f"{self.pattern} does not differ from a DID that it was copied from"


@dataclass(unsafe_hash=True)
class Protected(Refusal):
    """DID *pattern* is one that call handling relies on; only force deletes it."""

    pattern: str

    def __str__(self) -> str:
        return f"DID {self.pattern} is protected: calls to numbers without a DID use it"


@dataclass(unsafe_hash=True)
class InUse(Refusal):
    """DID *pattern* is used by *places* ("call menu MAIN, option 1"); only force deletes it."""

    pattern: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        return f"DID {self.pattern} is in use by {'; '.join(self.places)}"


@dataclass(unsafe_hash=True)
class DeletionLocked(Refusal):
    """DID *pattern* was locked against deletion; it has to be unlocked first."""

    pattern: str

    def __str__(self) -> str:
        return f"DID {self.pattern} is locked against deletion"


@dataclass(unsafe_hash=True)
class ChangedMeanwhile(Refusal):
    """DID *pattern* is not as the caller last saw it."""

    pattern: str

    def __str__(self) -> str:
        return f"DID {self.pattern} was changed in the meantime"


@dataclass(unsafe_hash=True)
class InvalidInput(Refusal):
    """The text of an order's targets cannot be read; *reason* says where and why."""

    reason: str

    def __str__(self) -> str:
        return self.reason


@dataclass(unsafe_hash=True)
class UnknownColumns(InvalidInput):
    """A table has *columns* of which it is not known what becomes of them."""

    columns: tuple[str, ...]


class NothingFound(Refusal):
    """No DID meets the conditions by which those of an order are chosen."""

    def __str__(self) -> str:
        return "no DID meets these conditions"


@dataclass(unsafe_hash=True)
class TooMuchToRead(Refusal):
    """The targets of an order took more than *seconds* to read."""

    seconds: float

    def __str__(self) -> str:
        return f"reading the targets took more than {self.seconds:g} seconds: send fewer at a time"


@dataclass(unsafe_hash=True)
class TooManyTargets(Refusal):
    """An order names more than *limit* targets."""

    limit: int

    def __str__(self) -> str:
        return f"a batch may have at most {self.limit:,} targets"


@dataclass(unsafe_hash=True)
class NotAllPossible(Refusal):
    """Not every target of an atomic batch is possible, so nothing was done; *problems* are the first."""

    problems: tuple["TargetProblem", ...]
    count: int  # of all of them

    def __str__(self) -> str:
        shown = "; ".join(str(problem) for problem in self.problems[:3])
        more = f" and {self.count - 3} more" if self.count > 3 else ""
        return f"nothing was done, because some targets are not possible: {shown}{more}"


@dataclass(frozen=True, slots=True)
class TargetProblem:
    """Why nothing can be done for a target: *outcome* is exists, duplicate, invalid, missing or refused."""

    position: int  # counted from 1
    target: str
    outcome: str
    reason: str

    def __str__(self) -> str:
        return f"{self.target} ({self.reason})"


@dataclass(unsafe_hash=True)
class ChangesGone(Refusal):
    """The changes behind the number *after* are not told any more, or it *is_known* to no change here."""

    after: int
    newest: int
    is_known: bool = True

    def __str__(self) -> str:
        if self.after > self.newest:
            return f"the last change has the number {self.newest}: take an export, and follow from its number"
        if not self.is_known:
            return (
                f"the change {self.after} was undone when a backup was restored: take an export, and follow"
                " from its number"
            )
        return f"the changes behind {self.after} are too old: take an export, and follow from its number"


@dataclass(unsafe_hash=True)
class BatchNotFound(Refusal):
    """There is no batch *batch_id* that the caller may see."""

    batch_id: int

    def __str__(self) -> str:
        return f"there is no batch {self.batch_id}"


@dataclass(unsafe_hash=True)
class NotUndoable(Refusal):
    """Batch *batch_id* is in a *state* in which there is nothing to undo."""

    batch_id: int
    state: str

    def __str__(self) -> str:
        return f"batch {self.batch_id} is {self.state}; there is nothing to undo"


@dataclass(unsafe_hash=True)
class NotCancellable(Refusal):
    """Batch *batch_id* is in a *state* in which nothing of it is being done, or it is being undone."""

    batch_id: int
    state: str

    def __str__(self) -> str:
        return (
            f"batch {self.batch_id} is {self.state}; only a batch that is being carried out can be cancelled"
        )


@dataclass(unsafe_hash=True)
class KeyReused(Refusal):
    """The idempotency key *key* came with another request before."""

    key: str

    def __str__(self) -> str:
        return f"the idempotency key {self.key} was used for another request"


@dataclass(unsafe_hash=True)
class KeyUnderWay(Refusal):
    """The request with the idempotency key *key* is still being carried out."""

    key: str

    def __str__(self) -> str:
        return f"the request with the idempotency key {self.key} is still being carried out"


@dataclass(unsafe_hash=True)
class TokenNotFound(Refusal):
    """There is no token with this number that the caller may see."""

    token_id: int

    def __str__(self) -> str:
        return f"there is no token {self.token_id}"


class PreferenceNotFound(Refusal):
    """The caller has stored no preference of this kind and name."""

    def __str__(self) -> str:
        return "you have stored nothing of this kind and name"


class PreferencesOff(Refusal):
    """The database user may not use the table of preferences."""

    def __str__(self) -> str:
        return "preferences are off: the database user lacks a right, see didier doctor"


class SchedulesOff(Refusal):
    """The database user may not use the table of schedules."""

    def __str__(self) -> str:
        return "schedules are off: the database user lacks a right, see didier doctor"


class WebhooksOff(Refusal):
    """The database user may not use the tables of webhooks."""

    def __str__(self) -> str:
        return "webhooks are off: the database user lacks a right, see didier doctor"


@dataclass(unsafe_hash=True)
class WebhookNotFound(Refusal):
    """There is no endpoint *webhook_id*."""

    webhook_id: int

    def __str__(self) -> str:
        return f"there is no webhook {self.webhook_id}"


@dataclass(unsafe_hash=True)
class EventNotFound(Refusal):
    """There is no event *event_id* that an endpoint hears of."""

    event_id: str

    def __str__(self) -> str:
        return f"there is no event {self.event_id} that this webhook hears of"


class GatewaysOff(Refusal):
    """The database user may not use the table of gateway sets."""

    def __str__(self) -> str:
        return "gateway sets are off: the database user lacks a right, see didier doctor"


class ReportedCallsOff(Refusal):
    """The database user may not use the table of reported calls."""

    def __str__(self) -> str:
        return "reported calls are off: the database user lacks a right, see didier doctor"


@dataclass(unsafe_hash=True)
class EdgesOff(Refusal):
    """The database user may not use the table of edges."""

    def __str__(self) -> str:
        return "edges are not known: the database user lacks a right, see didier doctor"


@dataclass(unsafe_hash=True)
class EdgeNotFound(Refusal):
    """There is no edge *name* that the caller has to do with."""

    name: str

    def __str__(self) -> str:
        return f"there is no edge {self.name}"


@dataclass(unsafe_hash=True)
class EdgeOfAnother(Refusal):
    """The edge *name* is that of another user, whose reports alone go on with it."""

    name: str

    def __str__(self) -> str:
        return f"the edge {self.name} is that of another user: choose another name, or have it deleted"


@dataclass(unsafe_hash=True)
class NotConfirmed(Refusal):
    """The signed-in user did not confirm their identity; *field* (password or code) is wrong."""

    field: str
    reason: str

    def __str__(self) -> str:
        return self.reason


class SecondFactorExists(Refusal):
    """The user has a second factor already; it has to be ended before another one is set up."""

    def __str__(self) -> str:
        return "a second factor is already set up"


class NoSecondFactor(Refusal):
    """The user has no second factor, or has not begun to set one up."""

    def __str__(self) -> str:
        return "no second factor is set up"


class KeyNotUsable(Refusal):
    """Nothing can be sealed, as the installation's key cannot be used; the log says why."""

    def __str__(self) -> str:
        return "the installation's key cannot be used; the server's log has the reason"


@dataclass(unsafe_hash=True)
class UserExists(Refusal):
    """A user with this name already exists."""

    user: str

    def __str__(self) -> str:
        return f"user {self.user} already exists"


@dataclass(unsafe_hash=True)
class UserNotFound(Refusal):
    """There is no user with this name that the caller may see."""

    user: str

    def __str__(self) -> str:
        return f"there is no user {self.user}"


@dataclass(unsafe_hash=True)
class GroupNotFound(Refusal):
    """There is no user group with this name that the caller may see."""

    group: str

    def __str__(self) -> str:
        return f"there is no user group {self.group}"


@dataclass(unsafe_hash=True)
class LevelNotAllowed(Refusal):
    """The caller may not give the user level *level*, or change users who have it."""

    level: str

    def __str__(self) -> str:
        return f"user level {self.level} is not allowed"


@dataclass(unsafe_hash=True)
class PasswordNotReset(Refusal):
    """No random password was sent to *user*: *email* is no address, or nothing here sends mail."""

    user: str
    email: str
    is_address: bool

    def __str__(self) -> str:
        reason = "Didier sends no mail" if self.is_address else "there is no valid e-mail address"
        return f"the password of {self.user} was not reset: {reason}"


@dataclass(unsafe_hash=True)
class DestinationNotFound(Refusal):
    """There is no *kind* ("in-group") called *name* that the caller may see."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"there is no {self.kind} {self.name}"


@dataclass(unsafe_hash=True)
class DestinationExists(Refusal):
    """A *kind* called *name* exists already; *field* is where that was given."""

    kind: str
    name: str
    field: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} already exists"


@dataclass(unsafe_hash=True)
class DestinationInUse(Refusal):
    """Calls are sent to the *kind* called *name* by *places* ("DID 18001234567"); only force deletes it."""

    kind: str
    name: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} {self.name} is in use by {'; '.join(self.places)}"


@dataclass(unsafe_hash=True)
class VicidialOwned(Refusal):
    """Things of this *kind* ("in-group") are VICIdial's in this database: Didier only reads them."""

    kind: str

    def __str__(self) -> str:
        return (
            f"this database is VICIdial's: its own pages create, change and delete {self.kind}s,"
            " and Didier only reads them"
        )


class Unavailable(DidierError):
    """The request could not be taken now and is not acknowledged; it may be sent again."""

    @property
    def repair(self) -> str | None:
        """What the operator does about it, for the log; None where it passes by itself."""
        return None


class Overloaded(Unavailable):
    """More requests are waiting than the server lets wait."""

    def __str__(self) -> str:
        return "too many requests are waiting, try again"


class DatabaseBusy(Unavailable):
    """Another program has locked the database, and did not let go of it in time."""

    @property
    def repair(self) -> str:
        """Whom to look for."""
        return "end the program that holds the lock: a shell with an open transaction, a backup, a repair"

    def __str__(self) -> str:
        return "the database is in use by another program, nothing was changed, try again"


@dataclass(unsafe_hash=True)
class DiskFull(Unavailable):
    """The disk of *what*, or the space that it may use, is full."""

    what: str = "the database"

    @property
    def repair(self) -> str:
        """What to make room for."""
        return f"free some space on the disk of {self.what}; Didier then continues by itself"

    def __str__(self) -> str:
        return f"the disk of {self.what} is full, nothing was changed, try again when there is room"


class ReadOnly(Unavailable):
    """The database takes no changes: its file, its disk or its server is read-only."""

    @property
    def repair(self) -> str:
        """What to make writable."""
        return "make the database, its directory or its server writable; Didier then continues by itself"

    def __str__(self) -> str:
        return "the database is read-only, nothing was changed, try again when it is writable"


@dataclass(unsafe_hash=True)
class FileFailed(Unavailable):
    """The file of an embedded database cannot be used: *reason*."""

    reason: str
    remedy: str

    @property
    def repair(self) -> str:
        """What to do about the file."""
        return self.remedy

    def __str__(self) -> str:
        return "the file of the database cannot be used, nothing is acknowledged"


@dataclass(unsafe_hash=True)
class TableDamaged(Unavailable):
    """MariaDB has marked *table* as crashed; it answers nothing until it is repaired."""

    table: str

    @property
    def repair(self) -> str:
        """The statement that repairs it."""
        return f"REPAIR TABLE {self.table}"

    def __str__(self) -> str:
        return "a table of the database is damaged and has to be repaired, nothing is acknowledged"


class DatabaseLost(Unavailable):
    """The connection to the database broke, or cannot be made.

    Whether a commit that was on its way reached the disk is not known, so it is not acknowledged.
    """

    @property
    def repair(self) -> str:
        """What to look at."""
        return "start the database and check its log; Didier then continues by itself"

    def __str__(self) -> str:
        return "the database cannot be reached, nothing is acknowledged, try again"


class Stopping(Unavailable):
    """The server is stopping and takes no new requests."""

    def __str__(self) -> str:
        return "the server is stopping"


class SetupError(DidierError):
    """Didier cannot start like this; the message says what to change."""


class WrongSetting(SetupError):
    """A setting has a value that is not allowed, or does not exist."""


class NoDatabase(SetupError):
    """The database is not there or is not Didier's."""


class DatabaseAway(NoDatabase):
    """The database does not answer at the moment."""


@dataclass(eq=False)
class MissingRights(SetupError):
    """The database user lacks rights; *missing* says which, *grants* are the statements that give them."""

    missing: tuple[str, ...]
    grants: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"the database user lacks {right}" for right in self.missing]
        return "\n".join([*lines, "a database administrator can grant them with:", *self.grants])


@dataclass(eq=False)
class SchemaTooOld(SetupError):
    """The database is that of a VICIdial which lacks *columns*, without which nothing works."""

    columns: tuple[str, ...]

    def __str__(self) -> str:
        return f"this VICIdial is too old for Didier: it lacks {', '.join(self.columns)}; upgrade VICIdial"


class DatabaseInUse(SetupError):
    """The database holds data that the command would mix up with its own."""


@dataclass(eq=False)
class KeyProblem(SetupError):
    """The installation's key, in the file *path*, cannot be used: *reason*."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class KeyMissing(KeyProblem):
    """There is no key at *path*."""
