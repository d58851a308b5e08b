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


def client(seconds: float, **limits: Any) -> httpx.AsyncClient:
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
