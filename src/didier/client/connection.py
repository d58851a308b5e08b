"""Where the server is and how to sign in there: what both clients' connections have."""

import re
import ssl
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from didier import __version__
from didier.client.calls import Answer, ApiCall
from didier.client.errors import UnexpectedAnswer

CODE_HEADER = "Didier-One-Time-Code"

SLOW = 10
"""How many times the usual time an answer may take for which all targets are looked at."""

_TOKEN = re.compile("[!-~]*")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Door:
    """Where the server is and how to sign in there."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    timeout: float | None = 30.0
    one_time_code: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.token is not None and (self.user is not None or self.password is not None):
            raise TypeError("give either user and password or token")
        if (self.user is None) != (self.password is None):
            raise TypeError("give both user and password")
        if self.one_time_code is not None and self.user is None:
            raise TypeError("give one_time_code with user and password")
        if not _TOKEN.fullmatch(self.token or ""):  # whoever refuses it as a header would quote it
            raise ValueError("token has characters that no token has")
        try:
            address = httpx2.URL(self.url)
        except (httpx2.InvalidURL, TypeError):
            raise ValueError("url is no address; one is http://127.0.0.1:8080") from None
        if address.scheme not in {"http", "https"} or not address.host:
            raise ValueError("url must begin with http:// or https:// and a host")
        if address.userinfo:  # it would be shown wherever the address is
            raise ValueError("url has a user name in it; give user and password as arguments")

    def settings(self) -> dict[str, Any]:
        """Return what an HTTP client is made with."""
        headers = {"User-Agent": f"didier-client/{__version__}", "Accept": "application/json"}
        auth = None
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        elif self.user is not None and self.password is not None:
            auth = httpx2.BasicAuth(self.user, self.password)
        return {
            "base_url": self.url, "headers": headers, "auth": auth, "timeout": self.timeout,
            "follow_redirects": False, "verify": self._trust(),
        }  # fmt: skip

    def _trust(self) -> ssl.SSLContext | bool:
        """Return what certificates are checked with: all that the system trusts, which takes long to read.

        Where the address has no TLS, and no redirect is followed, that is nobody.
        """
        return True if httpx2.URL(self.url).scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    def parts(self, call: ApiCall[Any], code: Mapping[str, str], silence: float | None) -> dict[str, Any]:
        """Return what a request is made with; *silence* is how long its answer may say nothing."""
        headers = {**call.headers, **code}
        if call.body is not None:
            headers["Content-Type"] = call.body.media_type
        return {"params": call.params, "headers": headers, "timeout": self._patience(call, silence)}

    def _patience(self, call: ApiCall[Any], silence: float | None) -> httpx2.Timeout:
        read = None if self.timeout is None else self.timeout * (SLOW if call.slow else 1) + call.waits
        return httpx2.Timeout(self.timeout, read=read if silence is None else silence)


class OneTimeCode:
    """It is sent with the first call, as it counts once; wrong ones lock a user out."""

    def __init__(self, door: Door) -> None:
        self._left = deque([door.one_time_code] if door.one_time_code else [])

    def headers(self) -> dict[str, str]:
        """Return the header for the call that comes first, nothing for the others."""
        with suppress(IndexError):
            return {CODE_HEADER: self._left.pop()}
        return {}


def answer(response: httpx2.Response) -> Answer:
    """Return an answer that was read to its end."""
    return Answer(response.status_code, response.headers, response.content)


def understood(call: ApiCall[T], answer: Answer) -> T:
    """Return what an answer to *call* says; raises `UnexpectedAnswer` where it says something else."""
    try:
        return call.read(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnexpectedAnswer(answer.status, type(error).__name__) from error
