"""Who is calling: signing in with a password, and a one-time code where one is asked for."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from sqlalchemy.engine import Connection

from didier.domain import patterns, reach
from didier.domain.reach import Reach
from didier.domain.users import User
from didier.domain.visibility import Visibility
from didier.errors import (
    AddressRefused,
    LevelTooLow,
    LockedOut,
    NotPermitted,
    SecondFactorMissing,
    SecondFactorRequired,
    SecondFactorUnchecked,
    SignInRefused,
    WrongCode,
    WrongPassword,
)
from didier.services.users import tallies
from didier.services.users.addresses import AddressLists
from didier.services.users.lockouts import UnknownNames
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.services.users.tallies import Changes, Tally
from didier.storage.changes.change_log import Author
from didier.storage.users import sign_in_settings, unknown_names, users
from didier.storage.users.unknown_names import Failures
from didier.storage.users.users import Account, StoredPassword


@dataclass(frozen=True)
class Caller:
    """The authenticated user, under the name they gave, and where the request came from.

    A caller with a token has its *scopes*, and may touch only DIDs that begin with its *pattern_prefix*;
    None in either is no limit. *code_used*: a one-time code came with the password, and was right.
    """

    user: User
    name: str
    address: str
    pattern_prefix: str | None = None
    scopes: frozenset[str] | None = None
    token_id: int | None = None
    has_networks: bool = False  # the token is accepted from some networks alone
    code_used: bool = False
    is_local: bool = False  # who runs a command on the database may do with it what they want
    origin: str = ""  # by which door: non-agent-api, json-api, admin-panel or command-line

    @property
    def reach(self) -> Reach:
        """How far the caller reaches: as far as the user, less what the token leaves out."""
        whole = reach.of(self.user)
        if self.scopes is None:
            return whole
        return reach.narrowed(whole, self.scopes, from_networks=self.has_networks)

    @property
    def principal(self) -> str:
        """What the caller is known by where answers are kept: the user's id, and the token's if it is one."""
        user_id = f"#{self.user.user_id}"
        return user_id if self.token_id is None else f"{user_id}:{self.token_id}"

    @cached_property
    def author(self) -> Author:
        """The caller as the change log names them."""
        return Author(self.name, self.user.user_id, self.address, self.origin)

    @cached_property
    def visibility(self) -> Visibility:
        """What the caller sees, with this token."""
        groups = self.user.visible_groups()
        users = None if self.user.sees_users_of(None) else groups
        return Visibility(groups, users, self.pattern_prefix)

    def may_touch(self, pattern: str) -> bool:
        """Say whether the caller's token reaches the DID *pattern*."""
        return patterns.begins_with(pattern, self.pattern_prefix)


def not_reached(caller: Caller, pattern: str, action: str) -> NotPermitted | None:
    """Refuse *action* on the DID *pattern* to a caller whose token does not reach it."""
    if caller.may_touch(pattern):
        return None
    return NotPermitted(action, (f"Pattern prefix of the token: only {caller.pattern_prefix}…",))


@dataclass(frozen=True, slots=True)
class Credentials:
    """A wish to sign in: password and one-time code are compared already; *level* is the lowest that may.

    *asks_code*: a second factor is asked for even if its user lets the password alone open other doors.
    """

    user: str
    proof: Proof
    address: str
    level: int
    code: CodeProof | None = None
    asks_code: bool = False


@dataclass(frozen=True, slots=True)
class StaleProof:
    """The stored password is another than the one that was compared: compare again."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on a group of sign-ins, in their order, and what `record` stores of it.

    *needs_record*: who was let in used a one-time code, which would be good again if that were not stored.
    """

    outcomes: Sequence[User | SignInRefused | StaleProof]
    needs_record: Sequence[bool]
    now: datetime
    changes: Changes = field(default_factory=Changes)
    unknown_names: Mapping[str, Failures] = field(default_factory=dict)


def sign_in(
    conn: Connection, wishes: Sequence[Credentials], now: datetime
) -> list[User | SignInRefused | StaleProof]:
    """Decide on each of *wishes* in order, count failures and lock users out; raises `Outrun`."""
    decided = decide(conn, wishes, now)
    record(conn, decided)
    return list(decided.outcomes)


def decide(conn: Connection, wishes: Sequence[Credentials], now: datetime) -> Decided:
    """Decide on each of *wishes* in order, and store nothing; see `lockouts` for who is locked out.

    What one of them changes counts for the next. Names that no user has are counted and locked like users.
    """
    now = now.replace(microsecond=0)
    if not wishes:
        return Decided((), (), now)
    group = _Group.read(conn, wishes, now)
    outcomes = [group.decide(wish, now) for wish in wishes]
    pairs = zip(wishes, outcomes, strict=True)
    return Decided(
        outcomes,
        [isinstance(outcome, User) and group.uses_code(wish) for wish, outcome in pairs],
        now,
        Changes.of(group.tallies.values()),
        group.unknown_names.changed,
    )


def record(conn: Connection, decided: Decided) -> None:
    """Store what was decided, in the transaction in which it was.

    Raises `Outrun` where another node has used a code meanwhile: then nothing of the group may be stored.
    """
    tallies.record(conn, decided.changes, decided.now)
    if decided.unknown_names:
        unknown_names.store(conn, decided.unknown_names)


@dataclass(frozen=True, slots=True)
class _Group:
    """Those who sign in together, and what has to be known of them."""

    accounts: Mapping[str, Account]  # by the names that were given
    tallies: Mapping[int, Tally]
    unknown_names: UnknownNames
    lists: AddressLists
    confirmed: Collection[str] | None  # names of users, by VICIdial's second factor; None: it is off

    @classmethod
    def read(cls, conn: Connection, wishes: Sequence[Credentials], now: datetime) -> "_Group":
        """Read what *wishes* need, in a number of statements that does not grow with theirs."""
        accounts = users.accounts(conn, list({wish.user for wish in wishes}))
        known = [(accounts[wish.user], wish) for wish in wishes if wish.user in accounts]
        # Without the password a caller gets no further.
        right = [(account, wish) for account, wish in known if _is_right(account, wish)]
        shown = [(account.user_id, wish.code) for account, wish in right if wish.code]
        names = {account.user.name for account, _ in right}
        settings = sign_in_settings.read(conn)
        return cls(
            accounts,
            tallies.read(conn, list({one.user_id: one for one in accounts.values()}.values()), shown, now),
            UnknownNames.of(conn, {wish.user for wish in wishes} - accounts.keys()),
            AddressLists.read(conn, settings, [(account.user, wish.address) for account, wish in right]),
            sign_in_settings.confirmed(conn, names, now) if settings.two_factor else None,
        )

    def decide(self, wish: Credentials, now: datetime) -> User | SignInRefused | StaleProof:
        """Decide on *wish*, behind those before it."""
        account = self.accounts.get(wish.user)
        if account is None:
            return _refuse_nobody(wish, self.unknown_names, now)
        tally = self.tallies[account.user_id]
        outcome = _by_password(wish, tally) or self._by_settings(wish, tally) or _by_code(wish, tally)
        if outcome is None:
            # The password alone, where its user keeps it open, does not make codes that were guessed undone.
            tally.succeed(wish.address, forgets=tally.factor is None or wish.code is not None)
        return outcome or account.user

    def _by_settings(self, wish: Credentials, tally: Tally) -> SignInRefused | None:
        """Say what VICIdial's settings have against it that the user signs in."""
        account = tally.account
        if self.lists.refuse(account.user, wish.address):
            tally.refuse("aIPBLOCK")
            return AddressRefused(wish.address)
        if self.confirmed is None or account.two_factor_exempt or account.user.name in self.confirmed:
            return None
        return SecondFactorMissing()

    def uses_code(self, wish: Credentials) -> bool:
        """Say whether who signs in by *wish* uses a code up."""
        account = self.accounts[wish.user]
        factor, code = self.tallies[account.user_id].factor, wish.code
        return factor is not None and code is not None and not code.used


def _is_right(account: Account, wish: Credentials) -> bool:
    return wish.proof.matched and wish.proof.stored == account.password and account.active


def _refuse_nobody(wish: Credentials, names: UnknownNames, now: datetime) -> SignInRefused | StaleProof:
    """Refuse a name that no user has, as a user with a wrong password would be."""
    if names.is_locked(wish.user, now):
        return LockedOut()
    if wish.proof.stored:
        return StaleProof()  # there was such a user when the password was compared
    names.fail(wish.user, now)
    return WrongPassword()


def _by_password(wish: Credentials, tally: Tally) -> SignInRefused | StaleProof | None:
    """Say why the password does not let the user in; None when it does."""
    account = tally.account
    if tally.is_locked():
        tally.refuse("aLOCK")
        return LockedOut()
    if wish.proof.stored != account.password:
        return StaleProof()
    if _is_right(account, wish) and account.user.level >= wish.level:
        return None
    tally.fail(wish.address)
    return LevelTooLow() if _is_right(account, wish) else WrongPassword()


def _by_code(wish: Credentials, tally: Tally) -> SignInRefused | StaleProof | None:
    """Ask for the code of the second factor that the user has set up; None when nothing is missing.

    A code that is missing counts for nothing: neither as a failure, nor as the success that ends a count.
    """
    code, factor = wish.code, tally.factor
    if code is None:
        asked = factor is not None and (wish.asks_code or not factor.keeps_password)
        return SecondFactorRequired() if asked else None
    if code.sealed != (factor and factor.secret):
        return StaleProof()
    if factor is None or code.used:
        return None
    if code.unchecked:
        return SecondFactorUnchecked()
    if not tally.use(code):
        tally.fail(wish.address)
        return WrongCode()
    return None


def stored_password(conn: Connection, user: str) -> StoredPassword | None:
    """Return what *user*'s password is to be compared with, None when there is no such user."""
    account = users.accounts(conn, [user]).get(user)
    return account.password if account else None
