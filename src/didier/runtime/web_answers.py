"""Asking the web addresses of DIDs' filters, within limits."""

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network

import httpx2 as httpx

from didier.runtime import pinning

MOST_BYTES = 65_536
"""Most bytes that are read of an answer."""

NO_ANSWER = 0, ""


class WebAnswers:
    """Asks by GET, follows nothing, waits *seconds* at most; *networks*, if any, are where it may go."""

    def __init__(self, seconds: float, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._seconds = seconds
        self._networks = networks
        self._clients = pinning.Clients(seconds)

    async def ask(self, url: str, seconds: float = math.inf) -> tuple[int, str]:
        """Return status and body of what *url* answers; 0 and nothing where it does not, in *seconds* too."""
        try:
            async with asyncio.timeout(min(self._seconds, seconds)):
                return await self._ask(httpx.URL(url))
        except pinning.FAILURES:
            return NO_ANSWER

    async def _ask(self, url: httpx.URL) -> tuple[int, str]:
        if not self._networks:
            return await self._read(url, url.host)
        for address in await self._allowed(url):
            with suppress(httpx.ConnectError):
                return await self._read(url, address)
        return NO_ANSWER

    async def _allowed(self, url: httpx.URL) -> list[str]:
        """Return the addresses of the host of *url*; raise `OSError` unless all are in the networks.

        They are what is connected to: the name may have others by then.
        """
        addresses = await pinning.addresses(url.host)
        if not all(any(address in network for network in self._networks) for address in addresses):
            raise OSError("outside of the allowed networks")
        return [str(address) for address in addresses]

    async def _read(self, url: httpx.URL, address: str) -> tuple[int, str]:
        body = b""
        client = await self._clients.of(url)
        async with client.stream("GET", **pinning.at(url, address)) as response:
            async for piece in response.aiter_raw():
                body += piece
                if len(body) > MOST_BYTES:
                    break
            return response.status_code, body[:MOST_BYTES].decode("utf-8", "replace")
