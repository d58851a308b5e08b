"""Names of secrets, and the many ways in which a client may write them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import quote

NAMES = (
    "pass", "password", "passwd", "user_pass", "agent_pass", "phone_pass", "passphrase", "db.pwd",
    "client_secret", "access_token", "csrftoken", "Authorization", "credentials", "otp", "one_time_code",
    "api_key", "X-Api-Key", "private key", "PHPSESSID", "session_id", "cookie", "signature",
)  # fmt: skip
"""Names under which clients send what nobody else may know."""


def _percent(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def _layers(text: str) -> str:
    for _ in range(12):
        text = quote(text.replace("%", "%25"), safe="%")
    return _percent(text)


SPELLINGS: Mapping[str, Callable[[str], str]] = MappingProxyType({
    "plain": lambda name: quote(name),
    "capitals": lambda name: quote(name.upper()),
    "percent": _percent,
    "PERCENT": lambda name: _percent(name).upper(),
    "twice": lambda name: _percent(_percent(name)),
    "thrice": lambda name: quote(_percent(_percent(name))),
    "twelve times": _layers,
    "NUL behind": lambda name: f"{quote(name)}%00",
    "NUL within": lambda name: f"{quote(name[:2])}%00{quote(name[2:])}",
    "blank before": lambda name: f"+{quote(name)}",
    "array": lambda name: f"{quote(name)}[]",
    "array, encoded": lambda name: f"{quote(name)}%5Bx%5D",
    "open bracket": lambda name: f"{quote(name)}[x",
    "dot": lambda name: f"{quote(name)}.x",
    "ampersand within": lambda name: f"x%26{quote(name)}",
    "ampersand of HTML": lambda name: f"x&amp;{quote(name)}",
    "question mark within": lambda name: f"x%3F{quote(name)}",
    "wide letters": lambda name: quote(_wide(name)),
    "wide letters, twice": lambda name: quote(quote(_wide(name))),
    "accents": lambda name: quote(name.replace("a", "ä").replace("e", "é").replace("o", "ö")),
    "no byte of UTF-8 within": lambda name: f"{quote(name[:1])}%ff{quote(name[1:])}",
    "zero width": lambda name: quote("\u200b".join(name)),
    "as JavaScript escapes": lambda name: "".join(f"%u{ord(c):04x}" for c in name),
    "as JSON escapes": lambda name: "".join(f"\\u{ord(c):04x}" for c in name),
})  # fmt: skip
"""Ways to write a name in an address, none of which hides that it is one."""
