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
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.storage.users import sessions, users
from didier.storage.users.sessions import Session
from didier.storage.users.users import Account, SignInSettings, StoredPassword

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
class Secret:
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


def generate() -> Secret:
    """Make a secret that nobody can guess: 256 random bits."""
    return Secret(secrets.token_urlsafe(32))


@dataclass(frozen=True, slots=True)
class Opening:
    """A wish to begin a session with *secret*; the password is compared already."""

    credentials: Credentials
    secret: Secret


@dataclass(frozen=True, slots=True)
class Presented:
    """A session that somebody shows from *address*."""

    secret: Secret
    address: str


def begin(
    conn: Connection, orders: Sequence[Opening], now: datetime
) -> list[Caller | SignInRefused | StaleProof]:
    """Sign in and begin the sessions that *orders* ask for; old ones are forgotten meanwhile."""
    signed = authentication.sign_in(conn, [order.credentials for order in orders], now)
    outcomes: list[Caller | SignInRefused | StaleProof] = []
    for order, who in zip(orders, signed, strict=True):
        outcomes.append(_begun(conn, order, who, now) if isinstance(who, User) else who)
    sessions.remove_old(conn, _utc(now) - IDLE)
    return outcomes


def _utc(now: datetime) -> datetime:
    """Return a moment of the local clock as it is stored: of local time, one hour a year comes twice."""
    return now.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _begun(conn: Connection, order: Opening, user: User, now: datetime) -> Caller:
    account = users.accounts_by_id(conn, [user.user_id])[user.user_id]
    moment, address = _utc(now), order.credentials.address
    mark = order.secret.mark_password(account.password)
    sessions.add(
        conn, [Session(order.secret.digest, account.user_id, user.name, mark, address, moment, moment)]
    )
    return Caller(user, user.name, address)


def sign_in(conn: Connection, presented: Sequence[Presented], now: datetime) -> list[Caller | SignInRefused]:
    """Decide on each session that is shown, in order; remember when those that go on were used.

    The user's row is read anew: a session ends when the user is not active any more, their level is too
    low, or the stored password is another than the one it began with.
    """
    known = sessions.by_digest(conn, {one.secret.digest for one in presented})
    accounts = users.accounts_by_id(conn, {session.user_id for session in known.values()})
    settings = users.settings(conn)
    moment = _utc(now)
    outcomes: list[Caller | SignInRefused] = []
    used: set[str] = set()
    for one in presented:
        session = known.get(one.secret.digest)
        account = accounts.get(session.user_id) if session else None
        refused = _refused(conn, one, session, account, settings, moment)
        if refused or session is None or account is None:
            outcomes.append(refused or SessionEnded("there is no such session"))
            continue
        if moment - session.used_at >= USED_EVERY:
            used.add(session.digest)
        outcomes.append(Caller(account.user, account.user.name, one.address))
    sessions.mark_used(conn, used, moment)
    return outcomes


def _refused(
    conn: Connection,
    shown: Presented,
    session: Session | None,
    account: Account | None,
    settings: SignInSettings,
    now: datetime,
) -> SignInRefused | None:
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
    if authentication.address_refused(conn, account, settings, shown.address):
        return AddressRefused(shown.address)
    return None


def keep(conn: Connection, secret: Secret, stored: StoredPassword) -> None:
    """Let the session *secret* go on with another *stored* password; those of other secrets end with it."""
    sessions.set_mark(conn, secret.digest, secret.mark_password(stored))


def end(conn: Connection, secrets_: Sequence[Secret]) -> list[None]:
    """End the sessions with these secrets."""
    for secret in secrets_:
        sessions.remove(conn, secret.digest)
    return [None for _ in secrets_]
