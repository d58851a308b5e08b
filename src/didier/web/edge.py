"""The edge: who is asking, for which host, and the headers that every answer has.

Behind a proxy the connection's address and scheme are the proxy's. What a trusted one says of its client
(``X-Forwarded-For``, ``X-Forwarded-Proto``) is taken over here, once, so that address lists, limits and
logs all see the client; from anybody else those headers are only text.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address
from types import MappingProxyType

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

from didier.config import Settings
from didier.web.api import problems

Address = IPv4Address | IPv6Address

HOPS = 20
"""Most proxies of a request that are looked at, from the nearest on."""

OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Asked by what watches the server, under whatever name; they tell nothing but that it is there."""

HEADERS: Mapping[bytes, bytes] = MappingProxyType({
    b"x-content-type-options": b"nosniff",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"cross-origin-opener-policy": b"same-origin",
    b"cache-control": b"no-store",
})  # fmt: skip
"""What an answer has that does not say otherwise: pages that need more have a policy of their own."""

STRICT_TRANSPORT = (b"strict-transport-security", b"max-age=31536000")
"""Sent over TLS (RFC 6797, 7.2), for a year as OWASP ASVS 5 asks (3.4.1).

Without ``includeSubDomains``: other names of the domain are not ours to speak for.
"""


class Edge:
    """What the settings say about proxies and hosts."""

    def __init__(self, settings: Settings) -> None:
        self._proxies = settings.trusted_proxies
        self._hosts = frozenset(h for h in settings.allowed_hosts if not h.startswith("*."))
        self._domains = tuple(h[1:] for h in settings.allowed_hosts if h.startswith("*."))
        self._any_host = not settings.allowed_hosts

    def seen(self, scope: Scope) -> Scope:
        """Return *scope* with the client's own address and scheme."""
        client = scope.get("client")
        if not self._proxies or not client or not self._trusts(_address(client[0])):
            return scope
        named = _values(scope, b"x-forwarded-for")
        proto = _values(scope, b"x-forwarded-proto")[-1:]
        scheme = proto[0].lower() if proto and proto[0].lower() in {"http", "https"} else scope["scheme"]
        return {**scope, "client": (self._client(client[0], named), 0), "scheme": scheme}

    def _client(self, peer: str, named: list[str]) -> str:
        """Return the nearest address that no trusted proxy has; what is beyond it anybody can write."""
        for text in reversed(named[-HOPS:]):
            address = _address(_bare(text))
            if address is None:
                return peer
            peer = str(address)
            if not self._trusts(address):
                return peer
        return peer

    def _trusts(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._proxies)

    def foreign(self, scope: Scope) -> Response | None:
        """Return the answer to a request for a host that is not ours, None when it is."""
        if self._any_host or scope["path"] in OPEN_PATHS:
            return None
        # A request with two Host lines is for none (RFC 9112, 3.2).
        names = _values(scope, b"host", split=False)
        host = _bare(names[0]).lower().rstrip(".") if len(names) == 1 else ""
        if host in self._hosts or (host and host.endswith(self._domains)):
            return None
        if scope["path"].startswith("/api/"):
            return problems.answer(problems.NOT_OUR_HOST, _NOT_OURS).response
        return PlainTextResponse(f"{_NOT_OURS}\n", problems.NOT_OUR_HOST.status)


_NOT_OURS = "This server does not answer under the name in the request's Host header (setting allowed_hosts)."


def _values(scope: Scope, name: bytes, *, split: bool = True) -> list[str]:
    """Return the values of the header *name*, which may stand in several lines, in order."""
    lines = [value.decode("latin-1") for key, value in scope["headers"] if key == name]
    return [part.strip() for line in lines for part in (line.split(",") if split else [line])]


def _bare(text: str) -> str:
    """Return an address or a name without port and brackets."""
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket for both shows IPv4 clients as ::ffff:192.0.2.1 (RFC 4291, 2.5.5.2).
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def with_headers(scope: Scope, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Return *headers* of an answer, and those of `HEADERS` that are not among them."""
    sent = list(headers)
    sent += _others(tuple(name for name, _ in sent))
    if scope["scheme"] == "https":
        sent.append(STRICT_TRANSPORT)
    return sent


@lru_cache(256)
def _others(names: tuple[bytes, ...]) -> tuple[tuple[bytes, bytes], ...]:
    sent = {name.lower() for name in names}
    return tuple(pair for pair in HEADERS.items() if pair[0] not in sent)
