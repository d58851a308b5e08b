"""Who is calling: signing in, lock-out, address lists, second factor."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain import patterns, reach
from didier.domain.names import fold
from didier.domain.reach import Reach
from didier.domain.users import User
from didier.domain.visibility import Visibility
from didier.errors import (
    AddressRefused,
    LevelTooLow,
    LockedOut,
    NotConfirmed,
    NotPermitted,
    SecondFactorMissing,
    SecondFactorRequired,
    SecondFactorUnchecked,
    SignInRefused,
    WrongCode,
    WrongPassword,
)
from didier.services.users import one_time_codes
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.statements import as_text
from didier.storage.users import second_factors, unknown_names, users
from didier.storage.users.second_factors import SecondFactor
from didier.storage.users.unknown_names import Failures
from didier.storage.users.users import Account, SignInSettings, StoredPassword

LOCK_AFTER = 10
"""Wrong passwords in a row after which a user is locked."""

LOCK_SECONDS = 900


@dataclass(frozen=True, slots=True)
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

    @property
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
    return NotPermitted(action, (f"Pattern prefix of the token: it reaches {caller.pattern_prefix}… alone",))


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


@dataclass(slots=True)
class _Tally:
    """What the sign-ins of one user in this transaction do to their row."""

    account: Account
    failures: int
    attempts_today: int
    failures_today: int
    changes: dict[str, Any]

    @classmethod
    def of(cls, account: Account) -> "_Tally":
        return cls(account, account.failures, account.attempts_today, account.failures_today, {})

    def refuse(self, kind: str) -> None:
        # The counters of the day are emptied by VICIdial's nightly jobs; they must not run over until then.
        self.attempts_today = min(self.attempts_today + 1, 16_777_215)
        self.changes |= {
            "failed_login_attempts_today": self.attempts_today,
            "failed_last_type_today": kind,
        }

    def fail(self, failures: int, address: str) -> None:
        self.failures = failures
        self.failures_today = min(self.failures_today + 1, 65_535)
        self.refuse("aBAD")
        self.changes |= {
            "failed_login_count": failures,
            "failed_login_count_today": self.failures_today,
            "failed_last_ip_today": address[:50],
        }

    def succeed(self, address: str, now: datetime, *, forgets: bool) -> None:
        account, failures = self.account, 0 if forgets else self.failures
        if self.failures == failures and account.last_login == now and account.last_ip == address[:15]:
            return  # another request of the same second has written this
        self.failures = failures
        self.changes |= {
            "failed_login_count": failures,
            "last_login_date": as_text(now),
            "last_ip": address[:15],
        }


def sign_in(
    conn: Connection, wishes: Sequence[Credentials], now: datetime
) -> list[User | SignInRefused | StaleProof]:
    """Decide on each of *wishes* in order, count failures and lock users out.

    The lock lasts `LOCK_SECONDS` from the failure that filled the count; refusals while it lasts do not
    prolong it. VICIdial counts the time from the last good login instead; both are looked at, so that a
    user whom VICIdial has locked is locked here. Names that no user has are counted and locked alike.
    """
    now = now.replace(microsecond=0)
    accounts = users.accounts(conn, list({wish.user for wish in wishes}))
    settings = users.settings(conn)
    tallies = {account.user_id: _Tally.of(account) for account in accounts.values()}
    factors = second_factors.confirmed(conn, tallies.keys()) if tallies else {}
    nobody = _Nobody.of(conn, {wish.user for wish in wishes} - accounts.keys())
    outcomes: list[User | SignInRefused | StaleProof] = []
    for wish in wishes:
        account = accounts.get(wish.user)
        if account is None:
            outcomes.append(nobody.decide(wish, now))
        else:
            tally, factor = tallies[account.user_id], factors.get(account.user_id)
            outcomes.append(_decide(conn, wish, tally, settings, factor, now))
    users.update(conn, [(t.account.user_id, t.changes) for t in tallies.values() if t.changes])
    nobody.store(conn)
    return outcomes


@dataclass(frozen=True, slots=True)
class _Nobody:
    """The sign-ins in this transaction under names that no user has."""

    known: dict[str, Failures]  # by folded name
    changed: dict[str, Failures]

    @classmethod
    def of(cls, conn: Connection, strangers: Collection[str]) -> "_Nobody":
        folded = {fold(name) for name in strangers}
        return cls(unknown_names.failures(conn, folded) if folded else {}, {})

    def decide(self, wish: Credentials, now: datetime) -> SignInRefused | StaleProof:
        """Refuse the sign-in as that of a user with a wrong password would be."""
        name, moment = fold(wish.user), now.timestamp()
        before = self.known.get(name, Failures(0, moment))
        if is_locked_name(before, moment):
            if before.at > moment:  # the clock was set back, see `_rebase`
                self._set(name, Failures(before.count, moment))
            return LockedOut()
        if wish.proof.stored:
            return StaleProof()  # there was such a user when the password was compared
        self._set(name, Failures(1 if before.count >= LOCK_AFTER else before.count + 1, moment))
        return WrongPassword()

    def _set(self, name: str, failures: Failures) -> None:
        self.known[name] = self.changed[name] = failures

    def store(self, conn: Connection) -> None:
        """Store what was counted."""
        if self.changed:
            unknown_names.store(conn, self.changed)


def is_locked_name(failures: Failures, moment: float) -> bool:
    """Say whether a name that no user has is locked at *moment* (seconds since the epoch)."""
    return failures.count >= LOCK_AFTER and moment - failures.at < LOCK_SECONDS


def _decide(
    conn: Connection,
    wish: Credentials,
    tally: _Tally,
    settings: SignInSettings,
    factor: SecondFactor | None,
    now: datetime,
) -> User | SignInRefused | StaleProof:
    account = tally.account
    if tally.failures >= LOCK_AFTER:
        _rebase(conn, account, now)
    if _is_locked(conn, account, tally.failures, now):
        tally.refuse("aLOCK")
        return LockedOut()
    if wish.proof.stored != account.password:
        return StaleProof()
    refusal: SignInRefused | None = None
    if not wish.proof.matched or not account.active:
        refusal = WrongPassword()
    elif account.user.level < wish.level:
        refusal = LevelTooLow()
    if refusal:
        _count(conn, wish.address, tally, now)
        return refusal
    if address_refused(conn, account, settings, wish.address):
        tally.refuse("aIPBLOCK")
        return AddressRefused(wish.address)
    if settings.two_factor and not _second_factor(conn, account, now):
        return SecondFactorMissing()
    if missing := _own_second_factor(conn, wish, tally, factor, now):
        return missing
    # The password alone, where its user keeps it open, does not make codes that were guessed undone.
    tally.succeed(wish.address, now, forgets=factor is None or wish.code is not None)
    return account.user


def _count(conn: Connection, address: str, tally: _Tally, now: datetime) -> None:
    """Count a failure, and lock the user out when it fills the count."""
    tally.fail(1 if tally.failures >= LOCK_AFTER else tally.failures + 1, address)
    if tally.failures >= LOCK_AFTER:
        users.lock(conn, tally.account.user, now.timestamp())


def _own_second_factor(
    conn: Connection, wish: Credentials, tally: _Tally, factor: SecondFactor | None, now: datetime
) -> SignInRefused | StaleProof | None:
    """Ask for the code of the second factor that the user has set up; None when nothing is missing.

    A code that is missing counts for nothing: neither as a failure, nor as the success that ends a count.
    """
    code = wish.code
    if code is None:
        asked = factor is not None and (wish.asks_code or not factor.keeps_password)
        return SecondFactorRequired() if asked else None
    if code.sealed != (factor and factor.secret):
        return StaleProof()
    if factor is None or code.used:
        return None
    if code.unchecked:
        return SecondFactorUnchecked()
    if not one_time_codes.use(conn, factor, code, now):
        _count(conn, wish.address, tally, now)
        return WrongCode()
    return None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A wish of who is signed in to show once more that it is them: by a password or a one-time code.

    Both are compared already.
    """

    caller: Caller
    proof: Proof | None = None
    code: CodeProof | None = None


def confirm(conn: Connection, wish: Confirmation, now: datetime) -> NotConfirmed | None:
    """Say why *wish* does not show it; failures count, and lock the user out, as at a sign-in."""
    now = now.replace(microsecond=0)
    account = users.accounts_by_id(conn, [wish.caller.user.user_id])[wish.caller.user.user_id]
    tally = _Tally.of(account)
    refused = _not_confirmed(conn, wish, tally, now)
    users.update(conn, [(account.user_id, tally.changes)])
    return refused


def _not_confirmed(conn: Connection, wish: Confirmation, tally: _Tally, now: datetime) -> NotConfirmed | None:
    account = tally.account
    if tally.failures >= LOCK_AFTER:
        _rebase(conn, account, now)
    if _is_locked(conn, account, tally.failures, now):
        tally.refuse("aLOCK")
        return NotConfirmed("", str(LockedOut()))
    if wish.proof is not None:
        right, refused = wish.proof.matched and wish.proof.stored == account.password, _WRONG_PASSWORD
    else:
        right, refused = _is_right(conn, account, wish.code, now), _WRONG_CODE
    if right:
        return None
    _count(conn, wish.caller.address, tally, now)
    return refused


_WRONG_PASSWORD = NotConfirmed("password", "this is not your present password")
_WRONG_CODE = NotConfirmed("code", str(WrongCode()))


def _is_right(conn: Connection, account: Account, code: CodeProof | None, now: datetime) -> bool:
    factor = second_factors.of_user(conn, account.user_id)
    if factor is None or code is None or code.sealed != factor.secret:
        return False
    return one_time_codes.use(conn, factor, code, now)


def _second_factor(conn: Connection, account: Account, now: datetime) -> bool:
    return account.two_factor_exempt or users.second_factor_confirmed(conn, account.user.name, now)


def _rebase(conn: Connection, account: Account, now: datetime) -> None:
    """Let a lock that begins in the future begin now: the clock was set back, and would prolong it so far."""
    began = users.locked_at(conn, account.user)
    if began is not None and began > now.timestamp():
        users.lock(conn, account.user, now.timestamp())


def _is_locked(conn: Connection, account: Account, failures: int, now: datetime) -> bool:
    return failures >= LOCK_AFTER and _seconds_locked(conn, account, now) < LOCK_SECONDS


def _seconds_locked(conn: Connection, account: Account, now: datetime) -> float:
    """Return how long ago the lock began."""
    began = users.locked_at(conn, account.user)
    login = account.last_login.timestamp() if account.last_login else 0.0
    if began is None:
        return now.timestamp() - login
    # A login later than now was before the clock was set back.
    return now.timestamp() - (max(began, login) if login <= now.timestamp() else began)


def address_refused(conn: Connection, account: Account, settings: SignInSettings, address: str) -> bool:
    """Apply VICIdial's address lists: the black list refuses, the group's list must hold the address."""
    if not settings.ip_lists or account.user.ignores_ip_lists:
        return False
    black, white = settings.blacklist, account.user.api_ip_list
    if black and not users.is_list_inactive(conn, black) and users.is_listed(conn, black, address):
        return True
    if len(white) < 2 or users.is_list_inactive(conn, white):  # VICIdial: two characters or more
        return False
    return not users.is_listed(conn, white, address)


def is_locked(conn: Connection, user: str, now: datetime) -> bool:
    """Say whether *user*, or the name *user* where nobody has it, is locked out at the moment."""
    account = users.accounts(conn, [user]).get(user)
    if account is not None:
        return has_lock(conn, account, now)
    name = fold(user)
    found = unknown_names.failures(conn, [name]).get(name)
    return found is not None and is_locked_name(found, now.timestamp())


def has_lock(conn: Connection, account: Account, now: datetime) -> bool:
    """Say whether the user of *account* is locked out at the moment."""
    return _is_locked(conn, account, account.failures, now)


def stored_password(conn: Connection, user: str) -> StoredPassword | None:
    """Return what *user*'s password is to be compared with, None when there is no such user."""
    account = users.accounts(conn, [user]).get(user)
    return account.password if account else None
