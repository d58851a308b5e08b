"""Passwords: hashing, comparing, and remembering for a few minutes what was compared.

Hashing is slow on purpose, so it never runs where others wait: a door compares a password first, off the
committer's thread, and hands a `Proof` to the transaction, where it counts only while the stored password
is still the one that it was compared with.
"""

import base64
import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from Crypto.Cipher import _EKSBlowfish as EksBlowfish

from didier.storage.users.users import StoredPassword, VicidialHashing

log = structlog.get_logger()

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def _hash_of_nothing() -> str:
    """Return a hash that looks like ours, for which nobody knows a password; quick."""
    salt, hashed = (
        base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (_HASHER.salt_len, _HASHER.hash_len)
    )
    costs = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    return f"$argon2id$v=19${costs}${salt}${hashed}"


# Compared with where there is nothing slow to compare with, so that refusals take the same time.
_NOBODY = _hash_of_nothing()

BCRYPT_KEY_BYTES = 16
BCRYPT_COSTS = range(32)
"""The costs that bcrypt knows; a step doubles the time. VICIdial's default is 2."""

_BCRYPT_TEXT = b"OrpheanBeholderScryDoubt"
_BCRYPT_MOST = 72  # bytes of a password that count, the zero at its end included
_BCRYPT_ALPHABET = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
)

KEEP_SECONDS = 300.0
KEEP_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """That a password was compared with *stored* (None: there was no such user), and the result."""

    stored: StoredPassword | None
    matched: bool


NOT_COMPARED = Proof(StoredPassword("not compared", ""), matched=False)
"""Proof of nothing: no stored password is this one, so that a sign-in that needs a proof finds it stale."""


def new_hash(password: str) -> str:
    """Return the argon2id hash of *password*."""
    return _HASHER.hash(password)


def to_store(password: str, hashing: VicidialHashing | None, *, keeps_plain: bool) -> StoredPassword:
    """Return what is to be stored for a new *password*; slow.

    That is an argon2id hash; where VICIdial reads the password too (*keeps_plain*) its own hash, or the
    password as it is while VICIdial hashes none. Raises `ValueError` as `vicidial_hash` does.
    """
    if not keeps_plain:
        return StoredPassword(new_hash(password), "")
    if hashing is None:
        return StoredPassword("", password)
    return StoredPassword(vicidial_hash(password, hashing.key, hashing.cost), "", hashing)


def compare(password: str, cleaned: str, stored: StoredPassword | None, stored_cleaned: str = "") -> Proof:
    """Compare *password* with what is stored for the user; slow.

    It is compared exactly; *cleaned*, the form in which VICIdial reads it, is accepted too, because that
    is the form in which VICIdial's own pages store it; and so is *stored_cleaned*, that form of a plain
    password that something else has stored with punctuation.
    """
    candidates = {password, cleaned} - {""} or {""}
    matched = False
    for text in candidates:  # all of them, so that the time does not tell which one it was
        matched |= stored is not None and _matches(stored, text)
    if stored_cleaned and stored is not None and not stored.hash:
        matched |= _is_same(stored_cleaned, password)
    if not matched and (stored is None or not stored.hash.startswith("$argon2")):
        # Nobody, and users whose password is stored in a quick form, are refused in the same time.
        for text in candidates:
            _matches_hash(_NOBODY, text)
    return Proof(stored, matched)


def _matches(stored: StoredPassword, password: str) -> bool:
    if stored.hash.startswith("$argon2"):
        return _matches_hash(stored.hash, password)
    if stored.vicidial:
        return _matches_vicidial(stored.hash, password, stored.vicidial)
    return _matches_hash(stored.hash, password) if stored.hash else _is_same(stored.plain, password)


def _matches_vicidial(stored: str, password: str, hashing: VicidialHashing) -> bool:
    try:
        return _is_same(stored, vicidial_hash(password, hashing.key, hashing.cost))
    except ValueError as error:
        log.error("password_not_comparable", reason=str(error), advice="run 'didier doctor'")
        return False


def vicidial_hash(password: str, key: str, cost: int) -> str:
    """Return what VICIdial stores for *password*: the last 31 characters of its bcrypt hash (``$2a$``).

    *key* and *cost* are ``pass_key`` (16 bytes, the salt) and ``pass_cost`` of ``system_settings``. The
    steps are those of bcrypt itself (Provos and Mazieres, "A Future-Adaptable Password Scheme"), because
    the usual libraries refuse costs under 4. Raises `ValueError` for another key or cost, and for a
    password that bcrypt cannot tell from a shorter one.
    """
    salt = key.encode()
    if len(salt) != BCRYPT_KEY_BYTES:
        raise ValueError(f"pass_key of system_settings has {len(salt)} bytes instead of {BCRYPT_KEY_BYTES}")
    if cost not in BCRYPT_COSTS:
        raise ValueError(f"pass_cost of system_settings is {cost}, above {BCRYPT_COSTS[-1]}")
    if "\0" in password:
        raise ValueError("a password with a zero byte cannot be hashed")
    text = (password.encode("utf-8", "surrogatepass") + b"\0")[:_BCRYPT_MOST]
    cipher = EksBlowfish.new(text, EksBlowfish.MODE_ECB, salt, cost, invert=True)
    block = _BCRYPT_TEXT
    for _ in range(64):
        block = cipher.encrypt(block)
    return base64.b64encode(block[:-1]).rstrip(b"=").translate(_BCRYPT_ALPHABET).decode()


def _is_same(stored: str, password: str) -> bool:
    given = password.encode("utf-8", "surrogatepass")
    return bool(stored) and hmac.compare_digest(stored.encode("utf-8", "surrogatepass"), given)


def _matches_hash(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError, UnicodeError):
        return False


class Memory:
    """Remembers which user and password were found to match, until they are not used for *keep* seconds.

    Only a keyed hash of the pair is kept, under a key that never leaves the process.
    """

    def __init__(self, keep: float = KEEP_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        self._keep = keep
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._known: OrderedDict[bytes, tuple[float, Proof]] = OrderedDict()
        self._lock = threading.Lock()

    def _digest(self, user: str, password: str) -> bytes:
        pair = f"{len(user)}:{user}{password}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(pair, key=self._key).digest()

    def recall(self, user: str, password: str) -> Proof | None:
        """Return the proof for this pair if it was used not too long ago."""
        digest = self._digest(user, password)
        now = self._clock()
        known = self._known.get(digest)
        if known is None or now - known[0] >= self._keep:
            return None
        self._known[digest] = (now, known[1])
        return known[1]

    def remember(self, user: str, password: str, proof: Proof) -> None:
        """Keep *proof* if it is of a match; the oldest goes when there are too many."""
        if not proof.matched:
            return
        with self._lock:
            digest = self._digest(user, password)
            self._known[digest] = (self._clock(), proof)
            self._known.move_to_end(digest)
            if len(self._known) > KEEP_MOST:
                self._known.popitem(last=False)
