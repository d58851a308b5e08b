"""Destinations of calls as texts, ``EXTEN:8600@default``, and lists of them, divided by blanks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

DESTINATIONS: Mapping[str, str] = MappingProxyType({
    "EXTEN": "extension",
    "VOICEMAIL": "voicemail_ext",
    "VMAIL_NO_INST": "voicemail_ext",
    "AGENT": "user",
    "PHONE": "phone",
    "IN_GROUP": "group_id",
    "CALLMENU": "menu_id",
})  # fmt: skip
"""The column with the destination of each route."""

BESIDE: Mapping[str, str] = MappingProxyType({
    "EXTEN": "exten_context",
    "VOICEMAIL": "exten_context",
    "VMAIL_NO_INST": "exten_context",
    "PHONE": "server_ip",
})  # fmt: skip
"""The column that says of some routes where their destination is: in a context, or on a server."""

EXAMPLE = "EXTEN:8600@default VOICEMAIL:200"

_NOTHING = MappingProxyType(
    dict.fromkeys((*DESTINATIONS.values(), *BESIDE.values(), "user_unavailable_action"), "")
)
_SIGNS = re.compile("[ %@]")
_CODES = re.compile("%([0-9A-Fa-f]{2})")
_NO_CODE = re.compile("%(?![0-9A-Fa-f]{2})")


@dataclass(frozen=True, slots=True)
class Destination:
    """A *route* of DIDs to what is *named*; *beside* is the context or the server where that is, if said.

    As a text, blanks and ``%`` and ``@`` in names are written as in addresses: ``%20``, ``%25``, ``%40``.
    """

    route: str
    named: str
    beside: str = ""

    @classmethod
    def of(cls, written: str) -> "Destination | None":
        """Return the destination that is *written*, None if that is none."""
        route, _, rest = written.partition(":")
        named, at, beside = rest.partition("@")
        route = route.upper()
        is_whole = bool(named) and bool(beside) == bool(at)
        if route not in DESTINATIONS or not is_whole or (at and route not in BESIDE):
            return None
        if "@" in beside or _NO_CODE.search(rest):
            return None
        return cls(route, _decoded(named), _decoded(beside))

    def __str__(self) -> str:
        at = f"@{_encoded(self.beside)}" if self.beside else ""
        return f"{self.route}:{_encoded(self.named)}{at}"

    @property
    def values(self) -> dict[str, str]:
        """What it sets of a DID's columns, beside the route."""
        beside = {BESIDE[self.route]: self.beside} if self.beside else {}
        return {DESTINATIONS[self.route]: self.named, **beside}

    @property
    def columns(self) -> dict[str, str]:
        """The columns of a DID that leads there; those of other destinations are empty."""
        return {**_NOTHING, "did_route": self.route, **self.values}


def listed(text: str) -> Iterator[Destination]:
    """Yield the destinations in *text*; what is none is left out."""
    return filter(None, map(Destination.of, words(text)))


def words(text: str) -> list[str]:
    """Return what stands between the blanks of *text*."""
    return [word for word in text.split(" ") if word]


def tidy(text: str) -> str:
    """Return the destinations in *text* as they are stored, with one blank between two."""
    return " ".join(map(str, listed(text)))


def _encoded(name: str) -> str:
    return _SIGNS.sub(lambda sign: f"%{ord(sign[0]):02X}", name)


def _decoded(name: str) -> str:
    return _CODES.sub(lambda code: chr(int(code[1], 16)), name)
