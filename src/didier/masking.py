"""Secrets in what is logged, stored or shown: which names mean one, and how their values are masked.

Names are judged as the most lenient reader would read them: decoded until nothing changes, without case,
accents and whatever stands between letters. A password that is masked too often costs nothing; one that is
kept once has to be changed.
"""

import re
import unicodedata
from collections.abc import Iterable

MASK = "***"
"""What stands where a secret was."""

_WORDS = (
    "pass", "pwd", "pswd",  # password, passwd, user_pass, passphrase
    "secret", "token", "auth", "bearer", "jwt",  # client_secret, access_token, Authorization, oauth_verifier
    "credential", "creds",
    "otp", "onetime", "totp", "mfa", "2fa",  # codes that sign in once
    "apikey", "accesskey", "privatekey", "secretkey",
    "session", "sessid", "cookie", "csrf", "xsrf",  # who has them is signed in
    "signature", "hmac",  # of an address that is open to whoever has it
)  # fmt: skip
_SECRET = re.compile("|".join(_WORDS))
_ALONE = frozenset({"pw", "pin", "key", "sid", "sig", "code"})
"""Names that mean a secret alone, and mostly something else within longer ones: ``phone_code``."""

_LAYERS = 8
"""How often a text may be encoded and still be read; what is deeper is taken for a secret."""

# Beside percent signs the ways that JavaScript and JSON write a character.
_ENCODED = re.compile(rb"(?:%|%u00|\\u00|\\x)([0-9A-Fa-f]{2})")
_DROPPED = re.compile(r"[^a-z0-9=:]+")
# What must be there in a value that reads as "name=..." or "name: ...": one of the signs, or something of
# which decoding may make one. Blanks and most signs that are encoded in usual values are not among it.
_ODD = re.compile(rb"[=:\x80-\xff\\]|%(?:25|3[0-9ADad]|[4-7]|[89A-Fa-f]|u)")
_USUAL = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&=+-_.,*"
"""Of these alone no value is odd unless it has a second equals sign."""

_MASK = MASK.encode()


def is_secret(name: str | bytes) -> bool:
    """Say whether what stands under *name* is a secret."""
    folded = _folded(name)
    return folded is None or folded in _ALONE or _SECRET.search(folded) is not None


def reveals(text: str | bytes) -> bool:
    """Say whether *text* itself holds the name of a secret with a value behind it."""
    folded = _folded(text)
    if folded is None:
        return True
    end = max(folded.rfind("="), folded.rfind(":"))
    return end > 0 and _SECRET.search(folded, 0, end) is not None


def _folded(text: str | bytes) -> str | None:
    """Return letters, digits and the signs before values, decoded; None if it is encoded too often."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if raw.isascii() and b"%" not in raw and b"\\" not in raw:
        return _DROPPED.sub("", raw.decode().lower())
    for _ in range(_LAYERS):
        read = _ENCODED.sub(lambda found: bytes([int(found[1], 16)]), raw)
        plain = unicodedata.normalize("NFKD", read.decode("utf-8", "surrogateescape"))
        again = plain.encode("utf-8", "surrogateescape")
        if again == raw:
            return _DROPPED.sub("", plain.casefold())
        raw = again
    return None


class Masking:
    """Masks the parameters of a request; *known* are those whose values may be kept, None: all that may be.

    Of parameters that are not known the values are masked as well: nobody knows what they are.
    """

    def __init__(self, known: Iterable[str] | None = None) -> None:
        names = frozenset(name.encode() for name in known or ())
        self._secret = frozenset(name for name in names if is_secret(name))
        self._plain = names - self._secret
        self._keeps_others = known is None

    def query(self, text: bytes) -> str:
        """Return a query string as received, but with `MASK` for what is not to be kept."""
        if not text:
            return ""
        usual = not text.translate(None, _USUAL)  # looking at each value would take half as long again
        plain, secret = self._plain, self._secret
        pieces = text.split(b"&")
        for place, piece in enumerate(pieces):
            name, equals, value = piece.partition(b"=")
            if name in plain and not (b"=" in value if usual else _ODD.search(value)):
                continue
            if name in secret:
                pieces[place] = name + equals + _MASK if equals else name
            else:
                pieces[place] = self._pair(name, equals, value)
        return b"&".join(pieces).decode("utf-8", "replace")

    def form(self, pairs: Iterable[tuple[bytes, bytes]]) -> str:
        """Return the decoded fields of a form as a query string would have them, masked likewise."""
        return b"&".join(self._pair(name, b"=", value) for name, value in pairs).decode("utf-8", "replace")

    def _pair(self, name: bytes, equals: bytes, value: bytes) -> bytes:
        if name in self._secret:
            return name + equals + _MASK if equals else name
        if name not in self._plain:
            # Without a value it may be the rest of a password with an ampersand in it.
            if reveals(name) or (name and not equals):
                return _MASK
            if equals and (not self._keeps_others or is_secret(name)):
                return name + equals + _MASK
        return name + equals + (_MASK if _ODD.search(value) and reveals(value) else value)


def mask_path(path: str) -> str:
    """Return the path of an address up to the first secret in it, which people put there by mistake."""
    if not reveals(path):
        return path
    segments = path.split("/")
    for place, segment in enumerate(segments):
        if reveals(segment):
            name, equals, _ = segment.partition("=")
            kept = f"{name}=" if equals and not reveals(name) else ""
            return "/".join([*segments[:place], f"{kept}{MASK}"])
    return MASK
