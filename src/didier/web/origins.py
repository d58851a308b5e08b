"""Whether a request was made by a page of this server, or by another site's in the same browser.

Browsers send what they remember along with requests of any site: cookies, and names and passwords of HTTP
Basic. So what changes something must not come from elsewhere (OWASP, "Cross-Site Request Forgery
Prevention", on Fetch Metadata and the origin).
"""

import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, 9.2.1), and are open to all sites: these cannot read the answers."""

OWN_SITES = frozenset({"same-origin", "none"})
"""What ``Sec-Fetch-Site`` says of our own pages, and of what the user has typed (W3C, Fetch Metadata)."""

_ORIGIN = re.compile(r"(https?)://[^/?#@\s]+")
_PORTS = {"http": 80, "https": 443}


def is_foreign(scope: Scope) -> bool:
    """Say whether another site made the browser send the request of *scope*.

    Programs send neither header that tells. A page without an origin of its own (``null``, RFC 6454, 7.3),
    another host of the same site, and another port of the same host are other sites.
    """
    headers = Headers(scope=scope)
    if any(site.strip().lower() not in OWN_SITES for site in headers.getlist("sec-fetch-site")):
        return True
    own = headers.get("host", "")
    return any(not _is_same(origin.strip().lower(), scope, own) for origin in headers.getlist("origin"))


def _is_same(origin: str, scope: Scope, host: str) -> bool:
    """Say whether *origin* is this server's, which was asked as *host*.

    A page that came over TLS may ask without: the proxy that ends TLS need not be known here. Not the
    other way round: what came without TLS anybody on the way can have written.
    """
    found = _ORIGIN.fullmatch(origin)
    if found is None or (scope["scheme"] == "https" and found[1] == "http"):
        return False
    place = _place(origin, found[1])
    return place is not None and place == _place(f"//{host.lower()}", found[1])


def _place(address: str, scheme: str) -> tuple[str, int] | None:
    """Return host and port of an *address*; those of *scheme* may leave out its port."""
    try:
        parts = urlsplit(address)
        return (parts.hostname, parts.port or _PORTS[scheme]) if parts.hostname else None
    except ValueError:  # a port that is none, or half an IPv6 address
        return None
