"""Sending a message of a webhook: to an address that may be sent to, and within limits."""

import asyncio
import email.utils
import math
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import httpx2 as httpx

from didier import __version__
from didier.domain.webhooks import Answer
from didier.runtime import pinning
from didier.runtime.pinning import Address

ANSWER_KEPT = 500
"""How many of the first bytes of an answer are kept."""

_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
"""IPv6 addresses in which an IPv4 address stands, that a gateway translates (RFC 6052, RFC 8215)."""


_METADATA = frozenset({ip_address("168.63.129.16"), ip_address("192.0.0.192")})
"""Addresses at which clouds tell their machines secrets, and that look like others on the internet."""


class Forbidden(OSError):
    """The address is none that may be sent to."""


class WebhookSender:
    """Sends by POST and follows nothing; *seconds* is how long a message may take altogether.

    *networks* may be sent to beside what is on the internet.
    """

    def __init__(self, seconds: float, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._seconds = seconds
        self._networks = networks
        # Many receivers close what was silent for five seconds, just as the next message comes.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=10, keepalive_expiry=4)
        self._clients = pinning.Clients(seconds, limits=limits)

    async def send(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Send *body*; return what came of it."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(self._seconds):
                status, text, asked = await self._send(httpx.URL(url), headers, body)
        except TimeoutError:
            return Answer(None, f"no answer within {self._seconds:g} seconds", seconds=self._seconds)
        except pinning.FAILURES as error:
            return Answer(None, _said(error), seconds=time.perf_counter() - began)
        return Answer(status, "", text, time.perf_counter() - began, asked)

    async def close(self) -> None:
        """Close all connections."""
        await self._clients.close()

    async def _send(
        self, url: httpx.URL, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, float | None]:
        failure: Exception | None = None
        for address in await self._allowed(url.host):
            try:
                return await self._post(url, address, headers, body)
            except httpx.ConnectError as error:
                failure = error
        raise failure or OSError("the name of the host has no address")

    async def _allowed(self, host: str) -> list[str]:
        """Return the addresses of *host*; raise `Forbidden` unless all of them may be sent to."""
        found = await pinning.addresses(host)
        for address in found:
            if not (is_public(address) or any(address in network for network in self._networks)):
                raise Forbidden(f"{address} is no address on the internet: see the setting webhook_networks")
        return [str(address) for address in found]

    async def _post(
        self, url: httpx.URL, address: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, str, float | None]:
        request = pinning.at(url, address)
        request["headers"] |= {
            "Content-Type": "application/json", "User-Agent": f"Didier/{__version__}", **headers,
        }  # fmt: skip
        text = b""
        client = await self._clients.of(url)
        async with client.stream("POST", content=body, **request) as response:
            async for piece in response.aiter_raw():
                text += piece[: ANSWER_KEPT - len(text)]
                if len(text) >= ANSWER_KEPT:
                    break
            kept = text.decode("utf-8", "replace").replace("\0", "\ufffd")
            return response.status_code, kept, seconds_asked(response.headers.get("retry-after"))


def is_public(address: Address) -> bool:
    """Say whether *address* is one on the internet, by itself and by the IPv4 address that it stands for."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if not inner and any(address in network for network in _TRANSLATED):
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner and not is_public(inner):
            return False
        if address.is_site_local:
            return False
    is_odd = address.is_multicast or address.is_reserved or address in _METADATA
    return address.is_global and not is_odd


def seconds_asked(text: str | None) -> float | None:
    """Return what ``Retry-After`` says: a number of seconds, or the time until a date (RFC 9110, 10.2.3)."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    with suppress(ValueError, TypeError, OverflowError):
        left = (email.utils.parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
        return left if math.isfinite(left) and left > 0 else None
    return None


def _said(error: BaseException) -> str:
    """Return the reason of a failure in a few words."""
    if isinstance(error, BaseExceptionGroup):
        return _said(error.exceptions[0])
    if isinstance(error, httpx.ConnectError):
        return f"cannot be connected to: {error}" if str(error) else "cannot be connected to"
    return str(error) or type(error).__name__
