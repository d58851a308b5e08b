"""A user's own second factor: setting it up, its recovery codes, ending it; sealing all of them again."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
import structlog
from sqlalchemy.engine import Connection

from didier.errors import KeyNotUsable, KeyProblem, NoSecondFactor, NotConfirmed, SecondFactorExists
from didier.services.system.installation_key import Key, KeyFile, NotOpened, seal, sealed_with, unseal
from didier.services.users import one_time_codes
from didier.services.users.authentication import Caller
from didier.services.users.confirmation import Confirmation, confirm
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.users import second_factors
from didier.storage.users.second_factors import SecondFactor

ISSUER = "Didier"
"""What apps call the account, beside the user's name."""

CODES = 10
"""Recovery codes that a user has at a time."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class State:
    """A second factor as its user sees it."""

    confirmed_at: datetime
    keeps_password: bool
    codes_left: int


@dataclass(frozen=True, slots=True)
class BeginOrder:
    """A wish to set up a second factor; the password is compared already."""

    caller: Caller
    proof: Proof
    file: KeyFile


@dataclass(frozen=True, slots=True)
class Begun:
    """A second factor that waits to be confirmed: the secret (base32), also as an ``otpauth`` address."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetOrder:
    """A wish to confirm a second factor with its first *code*, or to say what it closes."""

    caller: Caller
    code: CodeProof | None
    keeps_password: bool


@dataclass(frozen=True, slots=True)
class Set:
    """A second factor as it is now, with the recovery codes if they are new."""

    state: State
    codes: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class CodeOrder:
    """A wish about the caller's second factor that takes one of its codes."""

    caller: Caller
    code: CodeProof | None


def state(conn: Connection, user_id: int) -> State | None:
    """Return the second factor of a user, None when none is confirmed."""
    factor = second_factors.of_user(conn, user_id)
    return _state(conn, factor) if factor else None


def _state(conn: Connection, factor: SecondFactor) -> State | None:
    if factor.confirmed_at is None:
        return None
    left = second_factors.codes_left(conn, factor.user_id)
    return State(factor.confirmed_at, factor.keeps_password, left)


def _factor(conn: Connection, caller: Caller) -> SecondFactor | None:
    return second_factors.of_user(conn, caller.user.user_id)


def begin(
    conn: Connection, orders: Sequence[BeginOrder], now: datetime
) -> list[Begun | SecondFactorExists | NotConfirmed | KeyNotUsable]:
    """Make the secrets that *orders* ask for; what was begun before and not confirmed is forgotten.

    Nothing is asked for at a sign-in until `set_` has seen a code.
    """
    return [_begin(conn, order, now) for order in orders]


def _begin(
    conn: Connection, order: BeginOrder, now: datetime
) -> Begun | SecondFactorExists | NotConfirmed | KeyNotUsable:
    user, factor = order.caller.user, _factor(conn, order.caller)
    if factor and factor.confirmed_at:
        return SecondFactorExists()
    if refused := confirm(conn, Confirmation(order.caller, proof=order.proof), now):
        return refused
    try:
        key = _sealing_key(conn, order.file, now)
    except KeyProblem as error:
        log.error("second_factor_not_sealed", key_file=str(order.file.path), reason=str(error))
        return KeyNotUsable()
    secret = pyotp.random_base32()
    sealed = seal(key, secret, one_time_codes.about(user.user_id))
    second_factors.put(conn, SecondFactor(user.user_id, user.name, sealed, None, 0, False, now))
    return Begun(secret, pyotp.TOTP(secret).provisioning_uri(name=user.name, issuer_name=ISSUER))


def _sealing_key(conn: Connection, file: KeyFile, now: datetime) -> Key:
    """Return the key that seals; one is made unless a key is missing that has sealed something."""
    return (file.keys() if second_factors.any_sealed(conn) else file.made(now))[0]


def set_(
    conn: Connection, orders: Sequence[SetOrder], now: datetime
) -> list[Set | NoSecondFactor | NotConfirmed]:
    """Confirm the second factors that wait for it, with new recovery codes; change the others."""
    return [_set(conn, order, now) for order in orders]


def _set(conn: Connection, order: SetOrder, now: datetime) -> Set | NoSecondFactor | NotConfirmed:
    factor = _factor(conn, order.caller)
    if factor is None:
        return NoSecondFactor()
    if factor.confirmed_at is None:
        return _confirm(conn, order, factor, now)
    if refused := _refused(conn, order, now):
        return refused
    second_factors.keep_password(conn, factor.user_id, order.keeps_password)
    left = second_factors.codes_left(conn, factor.user_id)
    return Set(State(factor.confirmed_at, order.keeps_password, left))


def _confirm(conn: Connection, order: SetOrder, factor: SecondFactor, now: datetime) -> Set | NotConfirmed:
    code = order.code
    is_right = code is not None and code.sealed == factor.secret and code.step is not None
    if code is None or not is_right or not one_time_codes.use(conn, factor, code, now):
        return NotConfirmed("code", "this is not the code that the app shows")
    second_factors.confirm(conn, factor.user_id, now)
    second_factors.keep_password(conn, factor.user_id, order.keeps_password)
    codes = _new_codes(conn, factor)
    return Set(State(now, order.keeps_password, len(codes)), codes)


def _new_codes(conn: Connection, factor: SecondFactor) -> tuple[str, ...]:
    codes = tuple(one_time_codes.generate_recovery_code() for _ in range(CODES))
    second_factors.replace_codes(conn, factor.user_id, map(one_time_codes.digest, codes))
    return codes


def _refused(conn: Connection, order: CodeOrder | SetOrder, now: datetime) -> NotConfirmed | None:
    """Ask for a code, unless one was used to sign in to this very request."""
    if order.caller.code_used:
        return None
    return confirm(conn, Confirmation(order.caller, code=order.code), now)


def new_codes(
    conn: Connection, orders: Sequence[CodeOrder], now: datetime
) -> list[Set | NoSecondFactor | NotConfirmed]:
    """Make new recovery codes in the place of those that *orders*' callers have."""
    return [_renewed(conn, order, now) for order in orders]


def _renewed(conn: Connection, order: CodeOrder, now: datetime) -> Set | NoSecondFactor | NotConfirmed:
    factor = _factor(conn, order.caller)
    if factor is None or factor.confirmed_at is None:
        return NoSecondFactor()
    if refused := _refused(conn, order, now):
        return refused
    codes = _new_codes(conn, factor)
    return Set(State(factor.confirmed_at, factor.keeps_password, len(codes)), codes)


def end(
    conn: Connection, orders: Sequence[CodeOrder], now: datetime
) -> list[NoSecondFactor | NotConfirmed | None]:
    """End the second factors of *orders*' callers; one that was only begun is forgotten without a code."""
    return [_end(conn, order, now) for order in orders]


def _end(conn: Connection, order: CodeOrder, now: datetime) -> NoSecondFactor | NotConfirmed | None:
    factor = _factor(conn, order.caller)
    if factor is None:
        return NoSecondFactor()
    if factor.confirmed_at is not None and (refused := _refused(conn, order, now)):
        return refused
    second_factors.remove(conn, factor.user_id)
    return None


def sealed_count(conn: Connection) -> int:
    """Return how many secrets are sealed."""
    return len(second_factors.secrets(conn))


def not_opened(conn: Connection, file: KeyFile) -> list[str]:
    """Return why secrets cannot be opened, one line for each of them; raises `KeyProblem`."""
    found = second_factors.secrets(conn)
    if not found:
        return []
    keys, reasons = file.keys(), []
    for user_id, sealed in found:
        try:
            unseal(keys, sealed, one_time_codes.about(user_id))
        except NotOpened as error:
            reasons.append(f"the second factor of user {user_id}: {error}")
    return reasons


def seal_anew(conn: Connection, keys: Sequence[Key], key: Key) -> int:
    """Seal with *key* what another of *keys* has sealed; return how many values that were.

    Raises `NotOpened` when none of them opens a value.
    """
    old = [pair for pair in second_factors.secrets(conn, hold=True) if sealed_with(pair[1]) != key.key_id]
    for user_id, sealed in old:
        about = one_time_codes.about(user_id)
        second_factors.set_secret(conn, user_id, seal(key, unseal(keys, sealed, about), about))
    return len(old)
