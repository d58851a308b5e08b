"""Sessions of the admin panel: beginning one with a password, showing it, ending it."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy.engine import Connection

from didier.domain.users import User
from didier.errors import AddressRefused, SessionEnded, SignInRefused
from didier.services.users import authentication
from didier.services.users.addresses import AddressLists
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.storage.users import sessions, sign_in_settings, users
from didier.storage.users.sessions import Session
from didier.storage.users.users import Account, StoredPassword

LEVEL = 8
"""The lowest user level that may sign in."""

IDLE = timedelta(minutes=30)
"""After this time without a request a session ends."""

LONGEST = timedelta(hours=12)
"""After this time a session ends in any case."""

USED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a session was last used."""

STEP = timedelta(minutes=5)
"""How far a clock may be set back without ending sessions; further, nobody knows how old they are."""


@dataclass(frozen=True, slots=True)
class SessionSecret:
    """What the cookie of a session says."""

    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """What is stored of it."""
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()

    def mark(self, text: str) -> str:
        """Return a mark of *text* that tells nothing to those who do not know the secret."""
        key = self.text.encode("utf-8", "surrogatepass")
        return hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def mark_password(self, stored: StoredPassword) -> str:
        """Return a mark of a stored password, by which it is known that it was changed."""
        return self.mark(f"{len(stored.hash)}:{stored.hash}{stored.plain}")


def generate() -> SessionSecret:
    """Make a secret that nobody can guess: 256 random bits."""
    return SessionSecret(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Opening:
    """A wish to begin a session with *secret*; the password is compared already."""

    credentials: Credentials
    secret: SessionSecret


@dataclass(frozen=True, slots=True)
class PresentedSession:
    """A session that somebody shows from *address*."""

    secret: SessionSecret
    address: str


def begin(
    conn: Connection, orders: Sequence[Opening], now: datetime
) -> list[Caller | SignInRefused | StaleProof]:
    """Sign in and begin the sessions that *orders* ask for; old ones are forgotten meanwhile."""
    signed = authentication.sign_in(conn, [order.credentials for order in orders], now)
    pairs = list(zip(orders, signed, strict=True))
    sessions.add(conn, [_begun(order, who, _utc(now)) for order, who in pairs if isinstance(who, User)])
    sessions.remove_old(conn, _utc(now) - IDLE)
    return [
        Caller(who, who.name, order.credentials.address) if isinstance(who, User) else who
        for order, who in pairs
    ]


def _utc(now: datetime) -> datetime:
    """Return a moment of the local clock as it is stored: of local time, one hour a year comes twice."""
    return now.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _begun(order: Opening, user: User, now: datetime) -> Session:
    stored = order.credentials.proof.stored
    if stored is None:
        raise ValueError("who is let in has a password that was compared")
    mark, address = order.secret.mark_password(stored), order.credentials.address
    return Session(order.secret.digest, user.user_id, user.name, mark, address, now, now)


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on sessions that were shown, in their order, and what `record` stores of it."""

    outcomes: Sequence[Caller | SignInRefused]
    now: datetime  # in UTC
    used: frozenset[str] = frozenset()  # digests of those whose last use is to be known


def sign_in(
    conn: Connection, presented: Sequence[PresentedSession], now: datetime
) -> list[Caller | SignInRefused]:
    """Decide on each session that is shown, in order; remember when those that go on were used."""
    decided = decide(conn, presented, now)
    record(conn, decided)
    return list(decided.outcomes)


def decide(conn: Connection, presented: Sequence[PresentedSession], now: datetime) -> Decided:
    """Decide on each session that is shown, in order, and store nothing.

    The user's row is read anew: a session ends when the user is not active any more, their level is too
    low, or the stored password is another than the one it began with.
    """
    moment = _utc(now)
    if not presented:
        return Decided((), moment)
    known = sessions.by_digest(conn, {one.secret.digest for one in presented})
    accounts = users.accounts_by_id(conn, {session.user_id for session in known.values()})
    found = [
        (one, session, accounts.get(session.user_id) if session else None)
        for one in presented
        for session in [known.get(one.secret.digest)]
    ]
    comers = [(account.user, one.address) for one, _, account in found if account]
    lists = AddressLists.read(conn, sign_in_settings.read(conn), comers)
    outcomes = [_outcome(one, session, account, lists, moment) for one, session, account in found]
    used = {
        session.digest
        for (_, session, _), who in zip(found, outcomes, strict=True)
        if session and isinstance(who, Caller) and moment - session.used_at >= USED_EVERY
    }
    return Decided(outcomes, moment, frozenset(used))


def record(conn: Connection, decided: Decided) -> None:
    """Store when the sessions that go on were used."""
    sessions.mark_used(conn, decided.used, decided.now)


def _outcome(
    shown: PresentedSession,
    session: Session | None,
    account: Account | None,
    lists: AddressLists,
    now: datetime,
) -> Caller | SignInRefused:
    if session is None:
        return SessionEnded("there is no such session")
    if now - session.used_at > IDLE or now - session.created_at > LONGEST:
        return SessionEnded("too much time has passed")
    if session.used_at - now > STEP:
        return SessionEnded("the server's clock was set back")
    if account is None or not account.active:
        return SessionEnded("the user is not active")
    if account.user.level < LEVEL:
        return SessionEnded("the user level is too low")
    if not hmac.compare_digest(session.mark, shown.secret.mark_password(account.password)):
        return SessionEnded("the password was changed")
    if lists.refuse(account.user, shown.address):
        return AddressRefused(shown.address)
    return Caller(account.user, account.user.name, shown.address)


def keep(conn: Connection, secret: SessionSecret, stored: StoredPassword) -> None:
    """Let the session *secret* go on with another *stored* password; those of other secrets end with it."""
    sessions.set_mark(conn, secret.digest, secret.mark_password(stored))


def end(conn: Connection, secrets_: Sequence[SessionSecret]) -> list[None]:
    """End the sessions with these secrets."""
    for secret in secrets_:
        sessions.remove(conn, secret.digest)
    return [None for _ in secrets_]
