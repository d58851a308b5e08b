"""What a group of decisions does to a user, kept in memory until it is recorded.

What one sign-in changes counts for the next one of the same user: failures, the lock, codes that are used.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.services.users import one_time_codes
from didier.services.users.lockouts import LOCK_AFTER, began, is_over
from didier.services.users.one_time_codes import CodeProof, Codes, Used
from didier.storage.statements import as_text
from didier.storage.users import lockouts, second_factors, users
from didier.storage.users.second_factors import SecondFactor
from didier.storage.users.users import Account


@dataclass(slots=True)
class Tally:
    """The row of a user, their lock and their codes, as the decisions so far leave them."""

    account: Account
    now: datetime
    locked_at: float | None
    codes: Codes | None  # None: the user has set up no second factor
    failures: int
    attempts_today: int
    failures_today: int
    last_login: datetime | None
    last_ip: str
    changes: dict[str, Any] = field(default_factory=dict)  # columns of the row
    locks: bool = False  # that *locked_at* is to be stored

    @property
    def factor(self) -> SecondFactor | None:
        """The second factor that the user has set up."""
        return self.codes.factor if self.codes else None

    def is_locked(self) -> bool:
        """Say whether the user is locked out."""
        if self.failures < LOCK_AFTER:
            return False
        if self.locked_at is not None and self.locked_at > self.now.timestamp():
            self._lock()  # the clock was set back: the lock would last so much longer
        return not is_over(self.locked_at, self.last_login, self.now)

    def refuse(self, kind: str) -> None:
        """Count an attempt that is refused; *kind* is VICIdial's word for it."""
        # The counters of the day are emptied by VICIdial's nightly jobs; they must not run over until then.
        self.attempts_today = min(self.attempts_today + 1, 16_777_215)
        self.changes |= {
            "failed_login_attempts_today": self.attempts_today,
            "failed_last_type_today": kind,
        }

    def fail(self, address: str) -> None:
        """Count a failure, and lock the user out when it fills the count."""
        self.failures = 1 if self.failures >= LOCK_AFTER else self.failures + 1
        self.failures_today = min(self.failures_today + 1, 65_535)
        self.refuse("aBAD")
        self.changes |= {
            "failed_login_count": self.failures,
            "failed_login_count_today": self.failures_today,
            "failed_last_ip_today": address[:50],
        }
        if self.failures >= LOCK_AFTER:
            self._lock()

    def succeed(self, address: str, *, forgets: bool) -> None:
        """Note a sign-in; *forgets*: it ends the count of failures."""
        failures = 0 if forgets else self.failures
        if (failures, self.now, address[:15]) == (self.failures, self.last_login, self.last_ip):
            return  # another request of the same second has noted this
        self.failures, self.last_login, self.last_ip = failures, self.now, address[:15]
        self.changes |= {
            "failed_login_count": failures,
            "last_login_date": as_text(self.now),
            "last_ip": self.last_ip,
        }

    def use(self, code: CodeProof) -> bool:
        """Use a code of the user's second factor; False when it is not good."""
        return self.codes is not None and self.codes.use(code)

    def _lock(self) -> None:
        self.locked_at, self.locks = self.now.timestamp(), True


def read(
    conn: Connection,
    accounts: Collection[Account],
    shown: Collection[tuple[int, CodeProof]],
    now: datetime,
) -> dict[int, Tally]:
    """Return the tallies of *accounts*, by the users' ids; *shown* are codes and the ids of their users."""
    locks = began(conn, accounts)
    factors = second_factors.confirmed(conn, [account.user_id for account in accounts])
    unused = one_time_codes.codes(conn, [
        *((factor, None) for factor in factors.values()),
        *((factors[user_id], code) for user_id, code in shown if user_id in factors),
    ])  # fmt: skip
    return {
        account.user_id: _tally(account, locks.get(account.user_id), unused.get(account.user_id), now)
        for account in accounts
    }


def _tally(account: Account, locked_at: float | None, unused: Codes | None, now: datetime) -> Tally:
    return Tally(
        account=account,
        now=now,
        locked_at=locked_at,
        codes=unused,
        failures=account.failures,
        attempts_today=account.attempts_today,
        failures_today=account.failures_today,
        last_login=account.last_login,
        last_ip=account.last_ip,
    )


@dataclass(frozen=True, slots=True)
class Changes:
    """What the decisions of a group leave to be stored of users."""

    rows: Sequence[tuple[int, Mapping[str, Any]]] = ()  # user id, and values by column
    locks: Mapping[User, float] = field(default_factory=dict)
    used: Used = field(default_factory=Used)

    @classmethod
    def of(cls, tallies: Collection[Tally]) -> "Changes":
        """Return what is to be stored of *tallies*."""
        return cls(
            [(one.account.user_id, one.changes) for one in tallies if one.changes],
            {one.account.user: one.locked_at for one in tallies if one.locks and one.locked_at is not None},
            Used.of(one.codes for one in tallies if one.codes),
        )


def record(conn: Connection, changes: Changes, now: datetime) -> None:
    """Store what was changed; raises `Outrun` where another node has used a code meanwhile."""
    one_time_codes.record(conn, changes.used, now)
    users.update(conn, changes.rows)
    lockouts.lock(conn, changes.locks)
