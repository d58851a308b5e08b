"""Passwords: hashing, comparing, and remembering for a few minutes what was compared.

Hashing is slow on purpose, so it never runs where others wait: a door compares a password first, off the
committer's thread, and hands a `Proof` to the transaction, where it counts only while the stored password
is still the one that it was compared with.
"""

import hashlib
import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from didier.storage.users import StoredPassword

# OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, two passes, one lane.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
# Compared with for users that do not exist, so that they take as long as the others.
_NOBODY = _HASHER.hash(secrets.token_urlsafe())

KEEP_SECONDS = 300.0
KEEP_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """That a password was compared with *stored* (None: there was no such user), and the result."""

    stored: StoredPassword | None
    matched: bool


def new_hash(password: str) -> str:
    """Return the argon2id hash of *password*."""
    return _HASHER.hash(password)


def compare(password: str, cleaned: str, stored: StoredPassword | None) -> Proof:
    """Compare *password* with what is stored for the user; slow.

    It is compared exactly; *cleaned*, the form in which VICIdial reads it, is accepted too, because that
    is the form in which VICIdial's own pages store it.
    """
    if stored is None:
        _matches_hash(_NOBODY, password)
        return Proof(None, matched=False)
    candidates = {password, cleaned} - {""}
    matched = False
    for text in candidates:  # all of them, so that the time does not tell which one it was
        matched |= _matches_hash(stored.hash, text) if stored.hash else _is_same(stored.plain, text)
    return Proof(stored, matched)


def _is_same(stored: str, password: str) -> bool:
    return hmac.compare_digest(stored.encode(), password.encode())


def _matches_hash(stored: str, password: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


class Memory:
    """Remembers for *keep* seconds which user and password were found to match.

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
        """Return the proof for this pair if it was remembered and is not too old."""
        known = self._known.get(self._digest(user, password))
        return known[1] if known and self._clock() - known[0] < self._keep else None

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
