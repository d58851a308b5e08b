"""Locks: who has failed to sign in too often, be it a user or a name that no user has, must wait."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import Connection

from didier.domain.names import fold
from didier.storage.users import lockouts, unknown_names, users
from didier.storage.users.unknown_names import Failures
from didier.storage.users.users import Account

LOCK_AFTER = 10
"""Failures in a row after which a user is locked."""

LOCK_SECONDS = 900
"""How long a lock lasts, from the failure that filled the count; refusals meanwhile do not prolong it."""


def is_over(began: float | None, last_login: datetime | None, now: datetime) -> bool:
    """Say whether the lock of a user whose count is full is over.

    *began* is when Didier locked them (seconds since the epoch), if it did. VICIdial counts the time from
    the last good login instead; both are looked at, so that a user whom VICIdial has locked is locked here.
    """
    moment = now.timestamp()
    login = last_login.timestamp() if last_login else 0.0
    if began is None:
        return moment - login >= LOCK_SECONDS
    # A login later than now was before the clock was set back.
    return moment - (max(began, login) if login <= moment else began) >= LOCK_SECONDS


def began(conn: Connection, accounts: Collection[Account]) -> dict[int, float]:
    """Return when Didier has locked those of *accounts* whose count is full, by the users' ids."""
    return lockouts.locked_at(conn, [one.user for one in accounts if one.failures >= LOCK_AFTER])


def locked(conn: Connection, accounts: Collection[Account], now: datetime) -> set[int]:
    """Return the ids of the users of *accounts* who are locked out at the moment."""
    locks = began(conn, accounts)
    return {
        one.user_id
        for one in accounts
        if one.failures >= LOCK_AFTER and not is_over(locks.get(one.user_id), one.last_login, now)
    }


def is_locked(conn: Connection, user: str, now: datetime) -> bool:
    """Say whether *user*, or the name *user* where nobody has it, is locked out at the moment."""
    account = users.accounts(conn, [user]).get(user)
    if account is not None:
        return bool(locked(conn, [account], now))
    name = fold(user)
    found = unknown_names.failures(conn, [name]).get(name)
    return found is not None and _is_locked_name(found, now.timestamp())


def _is_locked_name(failures: Failures, moment: float) -> bool:
    return failures.count >= LOCK_AFTER and moment - failures.at < LOCK_SECONDS


@dataclass(frozen=True, slots=True)
class UnknownNames:
    """The names that no user has in a group of sign-ins, with the failures under each."""

    known: dict[str, Failures]  # by folded name
    changed: dict[str, Failures]  # those that are to be stored

    @classmethod
    def of(cls, conn: Connection, names: Collection[str]) -> "UnknownNames":
        """Read the failures under *names*."""
        folded = {fold(name) for name in names}
        return cls(unknown_names.failures(conn, folded) if folded else {}, {})

    def is_locked(self, user: str, now: datetime) -> bool:
        """Say whether the name is locked; a lock that begins in the future, by another clock, begins now."""
        name, moment = fold(user), now.timestamp()
        failures = self.known.get(name)
        if failures is None or not _is_locked_name(failures, moment):
            return False
        if failures.at > moment:
            self._set(name, Failures(failures.count, moment))
        return True

    def fail(self, user: str, now: datetime) -> None:
        """Count a failure."""
        name, moment = fold(user), now.timestamp()
        before = self.known.get(name, Failures(0, moment)).count
        self._set(name, Failures(1 if before >= LOCK_AFTER else before + 1, moment))

    def _set(self, name: str, failures: Failures) -> None:
        self.known[name] = self.changed[name] = failures
