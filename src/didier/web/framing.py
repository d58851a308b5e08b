"""Where a request begins and ends: what the HTTP library lets pass, and a proxy may see otherwise."""

from starlette.responses import PlainTextResponse, Response
from starlette.types import Scope

CLOSE = (b"connection", b"close")
"""Sent with the answer to a body in chunks.

Two servers that disagree on the length of a body take its end for the next request, maybe of somebody else.
Where a ``Content-Length`` stands beside ``Transfer-Encoding`` the library drops it without a word, so nothing
more is read from a connection after chunks (RFC 9112, section 6.3).
"""

_NO_PATH = PlainTextResponse("The request must be for a path, such as /docs.\n", 400)


def is_chunked(scope: Scope) -> bool:
    """Say whether a request comes in chunks."""
    return any(name == b"transfer-encoding" for name, _ in scope["headers"])


def refusal(scope: Scope) -> Response | None:
    """Return the answer to a request for no path (``CONNECT``, ``OPTIONS *``), None when there is one."""
    return None if scope["path"].startswith("/") else _NO_PATH
