"""Tokens for the JSON API: making, listing, revoking, and signing in with them."""

import hashlib
import ipaddress
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from didier import characters
from didier.domain import patterns, scopes
from didier.domain.fields import text
from didier.domain.users import User
from didier.errors import (
    AddressRefused,
    InvalidField,
    NotPermitted,
    SignInRefused,
    TokenNotFound,
    TokenRefused,
)
from didier.services.users import token_authority
from didier.services.users.addresses import AddressLists, is_inside
from didier.services.users.authentication import Caller
from didier.services.users.token_authority import Refused
from didier.storage.users import sign_in_settings, tokens, users
from didier.storage.users.tokens import Token
from didier.storage.users.users import Account

PREFIX = "didier_"
"""How every token begins, so that people and scanners of secrets recognise one."""

HINT_LENGTH = len(PREFIX) + 5
NAME_LIMIT = 50
NETWORKS_LIMIT = 50
USED_EVERY = timedelta(minutes=1)
"""How exactly it is known when a token was last used."""


@dataclass(frozen=True, slots=True)
class TokenSecret:
    """A token as its user gets it, once."""

    text: str = field(repr=False)

    @property
    def digest(self) -> str:
        """What is stored of it."""
        return digest(self.text)


def generate() -> TokenSecret:
    """Make a token that nobody can guess: 256 random bits."""
    return TokenSecret(PREFIX + secrets.token_urlsafe(32))


def digest(text: str) -> str:
    """Return the SHA-256 of a token; a slow hash is for passwords, which people make up."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class AddTokenOrder:
    """A wish for a token of *user*; *secret* is what it will say."""

    caller: Caller
    user: str
    name: str
    scopes: tuple[str, ...]
    secret: TokenSecret
    pattern_prefix: str | None = None
    networks: tuple[str, ...] = ()
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A new token, with what it says."""

    token: Token
    secret: TokenSecret


@dataclass(frozen=True, slots=True)
class ListOrder:
    """A wish to see the tokens of *user*; None: of everyone."""

    caller: Caller
    user: str | None


@dataclass(frozen=True, slots=True)
class RevokeOrder:
    """A wish that a token be accepted no more."""

    caller: Caller
    token_id: int


@dataclass(frozen=True, slots=True)
class PresentedToken:
    """A token that somebody shows, by its digest, from *address*."""

    digest: str
    address: str


def add(
    conn: Connection, orders: Sequence[AddTokenOrder], now: datetime
) -> list[AddedToken | Refused | InvalidField]:
    """Make the tokens that *orders* ask for.

    Callers make them for themselves; for others if they may change those users. No token makes tokens.
    """
    return [_add(conn, order, now) for order in orders]


def _add(conn: Connection, order: AddTokenOrder, now: datetime) -> AddedToken | Refused | InvalidField:
    account = token_authority.reachable(conn, order.caller, order.user, "add_token")
    if not isinstance(account, Account):
        return account
    if bad := _bad_field(order, now):
        return bad
    token = Token(
        token_id=0,
        user_id=account.user_id,
        user=account.user.name,
        name=order.name.strip(),
        hint=order.secret.text[:HINT_LENGTH],
        scopes=tuple(scope.name for scope in scopes.SCOPES if scope.name in order.scopes),
        pattern_prefix=order.pattern_prefix,
        networks=tuple(str(ipaddress.ip_network(network)) for network in order.networks),
        created_at=now.replace(microsecond=0),
        created_by=order.caller.name,
        created_by_id=order.caller.user.user_id,
        expires_at=order.expires_at,
    )
    token_id = tokens.add(conn, token, order.secret.digest)
    return AddedToken(replace(token, token_id=token_id), order.secret)


def _bad_field(order: AddTokenOrder, now: datetime) -> InvalidField | None:
    name, prefix, expires_at = order.name.strip(), order.pattern_prefix, order.expires_at
    if bad := text(1, NAME_LIMIT)(name) or characters.refused(order.name):  # strip() drops some
        return InvalidField("name", order.name, bad)
    if not order.scopes or not scopes.NAMES.issuperset(order.scopes):
        allowed = ", ".join(scope.name for scope in scopes.SCOPES)
        return InvalidField("scopes", " ".join(order.scopes), f"one or more of {allowed}")
    if prefix is not None and not patterns.PREFIX.fullmatch(prefix):
        return InvalidField("pattern_prefix", prefix, "the first characters of a DID's pattern")
    if prefix is not None and "users" in order.scopes:
        # A user who may change users can set their own password, which reaches all DIDs.
        return InvalidField("pattern_prefix", prefix, "empty, if the scopes include users")
    if expires_at is not None and has_passed(expires_at, now):
        return InvalidField("expires_at", expires_at.isoformat(), "a time in the future")
    return _bad_network(order.networks)


def has_passed(moment: datetime, now: datetime) -> bool:
    """Say whether *moment* of the local clock is over; of an hour that comes twice a year the first counts.

    Compared as they are written, a token that had expired would be good again when the hour comes back.
    """
    return moment.timestamp() <= now.timestamp()


def _bad_network(networks: Sequence[str]) -> InvalidField | None:
    if len(networks) > NETWORKS_LIMIT:
        return InvalidField("networks", f"{len(networks)} networks", f"up to {NETWORKS_LIMIT}")
    for network in networks:
        try:
            ipaddress.ip_network(network)
        except ValueError:
            return InvalidField("networks", network, "an address, or a network such as 192.0.2.0/24")
    return None


def listed(conn: Connection, orders: Sequence[ListOrder], now: datetime) -> list[list[Token] | Refused]:
    """Return the tokens that *orders* ask for, the newest first, also those that are accepted no more."""
    return [_listed(conn, order) for order in orders]


def _listed(conn: Connection, order: ListOrder) -> list[Token] | Refused:
    if order.user is not None:
        account = token_authority.reachable(conn, order.caller, order.user, "list_tokens")
        return tokens.of_user(conn, account.user_id) if isinstance(account, Account) else account
    refused = token_authority.no_token(order.caller, "list_tokens") or token_authority.missing(
        order.caller.user
    )
    if refused:
        return refused
    found = tokens.everyone(conn)
    accounts = users.accounts_by_id(conn, {token.user_id for token in found})
    return [token for token in found if token_authority.may_act(order.caller, accounts.get(token.user_id))]


def revoke(
    conn: Connection, orders: Sequence[RevokeOrder], now: datetime
) -> list[Token | NotPermitted | TokenNotFound]:
    """Let tokens be accepted no more; one that was revoked before stays so."""
    return [_revoke(conn, order, now) for order in orders]


def _revoke(conn: Connection, order: RevokeOrder, now: datetime) -> Token | NotPermitted | TokenNotFound:
    if refused := token_authority.no_token(order.caller, "revoke_token"):
        return refused
    token = tokens.by_id(conn, order.token_id)
    # The numbers of other users' tokens are shown only to callers who may know them.
    if token is None or not token_authority.may_revoke(conn, order.caller, token):
        return TokenNotFound(order.token_id)
    if token.revoked_at is None:
        tokens.revoke(conn, token.token_id, now)
    return replace(token, revoked_at=token.revoked_at or now.replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class Decided:
    """What was decided on tokens that were shown, in their order, and what `record` stores of it."""

    outcomes: Sequence[Caller | SignInRefused]
    now: datetime
    used: frozenset[int] = frozenset()  # ids of those whose last use is to be known


def sign_in(
    conn: Connection, presented: Sequence[PresentedToken], now: datetime
) -> list[Caller | SignInRefused]:
    """Decide on each token that is shown, in order; remember when those that are accepted were used."""
    decided = decide(conn, presented, now)
    record(conn, decided)
    return list(decided.outcomes)


def decide(conn: Connection, presented: Sequence[PresentedToken], now: datetime) -> Decided:
    """Decide on each token that is shown, in order, and store nothing.

    A token works while its user is active, wherever wrong passwords have locked the user out: somebody
    else may have sent these. VICIdial's address lists count for tokens too; its second factor does not.
    """
    if not presented:
        return Decided((), now)
    known = tokens.by_digest(conn, {one.digest for one in presented})
    accounts = users.accounts_by_id(conn, {token.user_id for token in known.values()})
    found = [
        (one, token, accounts.get(token.user_id) if token else None)
        for one in presented
        for token in [known.get(one.digest)]
    ]
    comers = [(account.user, one.address) for one, _, account in found if account]
    lists = AddressLists.read(conn, sign_in_settings.read(conn), comers)
    outcomes = [_outcome(one, token, account, lists, now) for one, token, account in found]
    used = {
        token.token_id
        for (_, token, _), who in zip(found, outcomes, strict=True)
        if token and isinstance(who, Caller) and _is_due(token, now)
    }
    return Decided(outcomes, now, frozenset(used))


def _is_due(token: Token, now: datetime) -> bool:
    return token.last_used_at is None or now - token.last_used_at >= USED_EVERY


def record(conn: Connection, decided: Decided) -> None:
    """Store when the tokens that were accepted were used."""
    tokens.mark_used(conn, decided.used, decided.now)


def _outcome(
    presented: PresentedToken,
    token: Token | None,
    account: Account | None,
    lists: AddressLists,
    now: datetime,
) -> Caller | SignInRefused:
    if token is None:
        return TokenRefused("there is no such token")
    if token.revoked_at is not None:
        return TokenRefused("it was revoked")
    if token.expires_at is not None and has_passed(token.expires_at, now):
        return TokenRefused("it has expired")
    if account is None or not account.active:
        return TokenRefused("its user is not active")
    inside = is_inside(presented.address, token.networks)
    if not inside or lists.refuse(account.user, presented.address):
        return AddressRefused(presented.address)
    return _caller(account.user, token, presented.address)


def _caller(user: User, token: Token, address: str) -> Caller:
    return Caller(
        user,
        user.name,
        address,
        token.pattern_prefix,
        frozenset(token.scopes),
        token_id=token.token_id,
        has_networks=bool(token.networks),
    )
