"""The installation's key, in a file of its own, and what is sealed with it.

Secrets that must be read back are sealed with XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), whose nonces
are long enough to be drawn at random. A sealed value names its key and is bound to what it is about: another
key, and a value that was moved to another row, are recognised.
"""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from Crypto.Cipher import ChaCha20_Poly1305
from sqlalchemy.engine import URL

from didier.errors import KeyMissing, KeyProblem
from didier.storage import private_files
from didier.storage.database import database_file

KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16
DEFAULT_NAME = "didier.key"

_HEADING = "# The installation's key of Didier. Keep a copy, apart from the backups of the database.\n"


@dataclass(frozen=True, slots=True)
class Key:
    """A key; *made_at* is in UTC."""

    secret: bytes = field(repr=False)
    made_at: datetime

    @property
    def key_id(self) -> str:
        """What sealed values call it; it says nothing of the key."""
        return hashlib.sha256(b"didier installation key\0" + self.secret).hexdigest()[:16]

    @property
    def line(self) -> str:
        """The key as its file has it."""
        return f"{self.key_id} {self.made_at:%Y-%m-%dT%H:%M:%SZ} {base64.b64encode(self.secret).decode()}\n"


def generate(now: datetime) -> Key:
    """Make a key that nobody can guess."""
    return Key(secrets.token_bytes(KEY_BYTES), now.astimezone(UTC).replace(microsecond=0))


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The file with the key; while a key is being replaced, with the old one behind the new one."""

    path: Path

    @classmethod
    def of(cls, named: str | None, url: URL) -> "KeyFile":
        """Return the file that the setting ``key_file`` names, or the one for the database at *url*."""
        if named is not None:
            return cls(Path(named))
        file = database_file(url)
        return cls(file.with_suffix(".key") if file else Path(DEFAULT_NAME))

    def keys(self) -> tuple[Key, ...]:
        """Return the keys: all open what they have sealed, the first one seals.

        Raises `KeyMissing`, or `KeyProblem` when others may read the file or it cannot be understood.
        """
        try:
            with self.path.open("rb") as opened:
                mode = os.fstat(opened.fileno()).st_mode
                text = opened.read()
        except FileNotFoundError:
            raise KeyMissing(str(self.path), "there is no such file, and so no installation's key") from None
        except OSError as error:
            raise KeyProblem(str(self.path), f"cannot be read: {error.strerror}") from None
        if stat.S_IMODE(mode) & 0o077:
            raise KeyProblem(str(self.path), f"others may read the installation's key: chmod 600 {self.path}")
        return self._parsed(text)

    def _parsed(self, text: bytes) -> tuple[Key, ...]:
        lines = [line.split() for line in text.decode("ascii", "replace").splitlines()]
        try:
            keys = tuple(_key(*line) for line in lines if line and line[0] != "#")
        except (ValueError, TypeError):
            keys = ()
        if not keys:
            raise KeyProblem(str(self.path), "this is not an installation key, or it is damaged")
        return keys

    def made(self, now: datetime) -> tuple[Key, ...]:
        """Return the keys; make the first one when there is none.

        Of two processes that make one at once, the second finds that of the first. Raises `KeyProblem`.
        """
        try:
            return self.keys()
        except KeyMissing:
            self._store((generate(now),), replace=False)
        return self.keys()

    def write(self, keys: Sequence[Key]) -> None:
        """Put *keys* in the place of what the file has, in one step; raises `KeyProblem`."""
        self._store(keys, replace=True)

    def _store(self, keys: Sequence[Key], *, replace: bool) -> None:
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            with private_files.new(part) as opened:
                opened.write("".join([_HEADING, *(key.line for key in keys)]).encode())
                self._give_away(opened.fileno())
            private_files.sync(part)
            if replace:
                part.replace(self.path)
            else:
                self._link(part)
            private_files.sync(self.path.parent)
        except OSError as error:
            raise KeyProblem(str(self.path), f"cannot be written: {error.strerror}") from None
        finally:
            part.unlink(missing_ok=True)

    def _give_away(self, descriptor: int) -> None:
        """Let what root writes be read by the user that the server runs as."""
        if os.geteuid() == 0:
            owner = (self.path if self.path.exists() else self.path.absolute().parent).stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    def _link(self, part: Path) -> None:
        """Give the whole file its name, unless somebody else was first."""
        try:
            os.link(part, self.path)
        except FileExistsError:
            return


def _key(key_id: str, made_at: str, secret: str) -> Key:
    key = Key(base64.b64decode(secret, validate=True), datetime.fromisoformat(made_at))
    if len(key.secret) != KEY_BYTES or key.key_id != key_id:
        raise ValueError("the key is not the one that its id names")
    return key


def seal(key: Key, text: str, about: str) -> str:
    """Return *text* sealed with *key*; *about* names what it belongs to, and is needed to open it."""
    cipher = ChaCha20_Poly1305.new(key=key.secret, nonce=secrets.token_bytes(NONCE_BYTES))
    cipher.update(about.encode())
    body, tag = cipher.encrypt_and_digest(text.encode())
    return f"{key.key_id}.{base64.urlsafe_b64encode(cipher.nonce + tag + body).decode().rstrip('=')}"


def sealed_with(sealed: str) -> str:
    """Return the id of the key with which a value was sealed."""
    return sealed.partition(".")[0]


class NotOpened(Exception):
    """A sealed value cannot be opened; the text says why."""


def unseal(keys: Sequence[Key], sealed: str, about: str) -> str:
    """Return what was sealed; raises `NotOpened`."""
    key_id, _, rest = sealed.partition(".")
    key = next((key for key in keys if key.key_id == key_id), None)
    if key is None:
        raise NotOpened(f"it was sealed with the key {key_id}, and the file has {keys[0].key_id}")
    try:
        raw = base64.urlsafe_b64decode(rest + "=" * (-len(rest) % 4))
        nonce, tag, body = raw[:NONCE_BYTES], raw[NONCE_BYTES:][:TAG_BYTES], raw[NONCE_BYTES + TAG_BYTES :]
        cipher = ChaCha20_Poly1305.new(key=key.secret, nonce=nonce)
        cipher.update(about.encode())
        return cipher.decrypt_and_verify(body, tag).decode()
    except (ValueError, binascii.Error):
        raise NotOpened("it was changed since it was sealed") from None
