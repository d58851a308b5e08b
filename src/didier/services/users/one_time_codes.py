"""One-time codes of second factors (RFC 6238) and recovery codes: making, comparing and using them.

A door compares a code before the transaction, with the secret that is stored at that moment; in the
transaction the result counts only while that secret is stored, and the code is used up.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

import pyotp
import structlog
from sqlalchemy.engine import Connection

from didier.errors import KeyProblem
from didier.services.system.installation_key import KeyFile, NotOpened, unseal
from didier.storage.users import second_factors
from didier.storage.users.second_factors import RecoveryCode, SecondFactor, StepUse

STEP_SECONDS = 30
TOLERANCE = 1
"""Steps by which the clock of a telephone may be slow or fast (RFC 6238, 5.2 and 6)."""

DIGITS = 6
RECOVERY_BYTES = 15
"""120 bits: from 112 on a quick hash is enough (OWASP ASVS 5, 6.5.2)."""

_GROUP = 4

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CodeProof:
    """What a code turned out to be when it was compared with the *sealed* secret (None: there was none).

    *step* is the time step that it belongs to, *digest* what is stored of it if it is a recovery code;
    None in both: it is neither. *unchecked*: the secret could not be opened. *used*: this same request has
    used the code already.
    """

    sealed: str | None
    step: int | None = None
    digest: str | None = field(default=None, repr=False)
    unchecked: bool = False
    used: bool = False


def step_at(now: datetime) -> int:
    """Return the number of the time step that *now* belongs to."""
    return int(now.timestamp()) // STEP_SECONDS


def about(user_id: int) -> str:
    """Return what the sealed secret of a user is bound to."""
    return f"second factor of user {user_id}"


def compare(code: str, factor: SecondFactor | None, file: KeyFile, now: datetime) -> CodeProof:
    """Compare *code* with the secret of *factor*; spaces and hyphens in it do not count."""
    plain = "".join(code.split()).replace("-", "").lower()
    if factor is None:
        return CodeProof(None)
    if not (len(plain) == DIGITS and plain.isascii() and plain.isdigit()):
        return CodeProof(factor.secret, digest=digest(plain))
    try:
        secret = unseal(file.keys(), factor.secret, about(factor.user_id))
    except (KeyProblem, NotOpened) as error:
        log.error(
            "second_factor_not_checked", user=factor.user_name, key_file=str(file.path), reason=str(error),
            advice="put the installation's key back, or 'didier user set USER --no-second-factor'",
        )  # fmt: skip
        return CodeProof(factor.secret, unchecked=True)
    return CodeProof(factor.secret, step=_step(secret, plain, step_at(now)))


def _step(secret: str, code: str, now: int) -> int | None:
    totp = pyotp.TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    found = None
    for step in range(now - TOLERANCE, now + TOLERANCE + 1):  # all, so that the time does not tell which
        if hmac.compare_digest(totp.generate_otp(step), code):
            found = step
    return found


@dataclass(slots=True)
class Codes:
    """The codes of a second factor that are good still, while those are decided on that a group shows."""

    factor: SecondFactor
    step: int  # of the last code that was used
    unused: set[str] = field(default_factory=set, repr=False)  # digests of recovery codes that are shown
    used: list[str] = field(default_factory=list, repr=False)  # and of those that were used since

    def use(self, proof: CodeProof) -> bool:
        """Use a code, so that it is not good for the next one of the group; False when it is not good."""
        if proof.step is not None:
            is_good = proof.step > self.step
            self.step = max(self.step, proof.step)
            return is_good
        if proof.digest is None or proof.digest not in self.unused:
            return False
        self.unused.remove(proof.digest)
        self.used.append(proof.digest)
        return True


def codes(conn: Connection, shown: Collection[tuple[SecondFactor, CodeProof | None]]) -> dict[int, Codes]:
    """Read which of the codes that are *shown* are good still; return them by the ids of their users."""
    found = {factor.user_id: Codes(factor, factor.last_step) for factor, _ in shown}
    asked = {(factor.user_id, proof.digest) for factor, proof in shown if proof and proof.digest}
    for user_id, digest in second_factors.unused(conn, asked):
        found[user_id].unused.add(digest)
    return found


@dataclass(frozen=True, slots=True)
class Used:
    """The codes that a group has used, to be stored."""

    steps: tuple[StepUse, ...] = ()
    recovery_codes: tuple[RecoveryCode, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, group: Iterable[Codes]) -> "Used":
        """Return what was used of the codes of a *group*."""
        several = list(group)
        return cls(
            tuple(StepUse(one.factor, one.step) for one in several if one.step > one.factor.last_step),
            tuple((one.factor.user_id, text) for one in several for text in one.used),
        )


def record(conn: Connection, used: Used, now: datetime) -> None:
    """Store which codes were used; raises `Outrun` where another node has used one since they were read."""
    second_factors.use_steps(conn, used.steps)
    second_factors.use_codes(conn, used.recovery_codes, now)


def use(conn: Connection, factor: SecondFactor, proof: CodeProof, now: datetime) -> bool:
    """Use one code up; False when it is wrong, or was used before. Raises `Outrun` as `record` does."""
    found = codes(conn, [(factor, proof)])
    is_good = found[factor.user_id].use(proof)
    record(conn, Used.of(found.values()), now)
    return is_good


def generate_recovery_code() -> str:
    """Make a recovery code that nobody can guess, in groups that people can read off paper."""
    text = base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def digest(code: str) -> str:
    """Return what is stored of a recovery code, which is written without hyphens."""
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "surrogatepass")).hexdigest()
