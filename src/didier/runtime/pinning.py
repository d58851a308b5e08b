"""Requests to web addresses that others have given: to the addresses that were looked at, and no others.

The name of a host is looked up once. What is connected to is what was found then: the name may have other
addresses by then. Nothing is followed, remembered or taken from the environment.
"""

import asyncio
import socket
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import httpx2 as httpx

HOSTS_MOST = 200
"""Most hosts to which connections are kept open."""

Address = IPv4Address | IPv6Address

# A group is what connecting to a port that there is not comes to.
FAILURES = (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL, ValueError, ExceptionGroup)
"""What may come of a request."""

_HEADERS = {"Accept-Encoding": "identity"}  # a few bytes of a compressed answer may be gigabytes


async def addresses(host: str) -> list[Address]:
    """Return the addresses of *host*; raise `OSError` when it has none."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ip_address(info[4][0]) for info in found))


def at(url: httpx.URL, address: str) -> dict[str, Any]:
    """Return how *url* is asked at *address*: the arguments of a request."""
    return {
        "url": url.copy_with(host=address),
        "headers": {"Host": url.netloc.decode("ascii")},
        "extensions": {"sni_hostname": url.raw_host.decode("ascii")},
    }


class Clients:
    """A client for each host: a connection over TLS that was opened for one is never used for another.

    Clients would share them, as what they see is the address.
    """

    def __init__(self, seconds: float, **limits: Any) -> None:
        self._seconds = seconds
        self._limits = limits
        self._clients: dict[tuple[str, bytes], httpx.AsyncClient] = {}

    async def of(self, url: httpx.URL) -> httpx.AsyncClient:
        """Return the client for the host of *url*; of too many the one used longest ago is closed."""
        key = url.scheme, url.netloc
        client = self._clients.pop(key, None) or _client(self._seconds, **self._limits)
        self._clients[key] = client
        if len(self._clients) > HOSTS_MOST:
            await self._clients.pop(next(iter(self._clients))).aclose()
        return client

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()


def _client(seconds: float, **limits: Any) -> httpx.AsyncClient:
    """Return a client that follows no redirect, keeps no cookie, and waits *seconds* for each step."""
    forgetful = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
    return httpx.AsyncClient(
        follow_redirects=False,
        timeout=seconds,
        trust_env=False,
        cookies=forgetful,
        headers=_HEADERS,
        **limits,
    )
