"""Asking the web addresses of DIDs' filters, within limits."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

import httpx2 as httpx

MOST_BYTES = 65_536
"""Most bytes that are read of an answer."""

NO_ANSWER = 0, ""


class WebAnswers:
    """Asks by GET, follows nothing, waits *seconds* at most; *networks*, if any, are where it may go."""

    def __init__(self, seconds: float, networks: Sequence[IPv4Network | IPv6Network]) -> None:
        self._seconds = seconds
        self._networks = networks
        self._client: httpx.AsyncClient | None = None

    async def ask(self, url: str) -> tuple[int, str]:
        """Return status and body of what *url* answers; 0 and nothing where it does not."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._ask(url) if await self._may_be_asked(url) else NO_ANSWER
        except (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL, ValueError):
            return NO_ANSWER

    async def _may_be_asked(self, url: str) -> bool:
        if not self._networks:
            return True
        parts = urlsplit(url)
        found = await asyncio.get_running_loop().getaddrinfo(
            parts.hostname, parts.port or 80, type=socket.SOCK_STREAM
        )
        addresses = [ip_address(info[4][0]) for info in found]
        return all(any(address in network for network in self._networks) for address in addresses)

    async def _ask(self, url: str) -> tuple[int, str]:
        if self._client is None:
            self._client = httpx.AsyncClient(follow_redirects=False, timeout=self._seconds, trust_env=False)
        body = b""
        async with self._client.stream("GET", url) as response:
            async for piece in response.aiter_bytes():
                body += piece
                if len(body) > MOST_BYTES:
                    break
            return response.status_code, body[:MOST_BYTES].decode("utf-8", "replace")
