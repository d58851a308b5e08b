"""The socket's side: requests that are sent, and sent again, for `Didier` and for `AsyncDidier`."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx2

from didier import __version__
from didier.client import bodies, retrying
from didier.client.bodies import Whole
from didier.client.calls import Answer, Call
from didier.client.errors import UnexpectedAnswer
from didier.client.retrying import Attempts, Policy

CODE_HEADER = "Didier-One-Time-Code"

SLOW = 10
"""How many times the usual time an answer may take for which all targets are looked at."""

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
            "follow_redirects": False,
        }  # fmt: skip

    def patience(self, call: Call[Any], silence: float | None = None) -> httpx2.Timeout:
        """Return how long is waited for what; *silence* is how long an answer may say nothing."""
        read = self.timeout * SLOW if call.slow and self.timeout is not None else self.timeout
        return httpx2.Timeout(self.timeout, read=read if silence is None else silence)


class _Code:
    """The one-time code: it is sent with the first call, as it counts once; wrong ones lock a user out."""

    def __init__(self, door: Door) -> None:
        self._left = deque([door.one_time_code] if door.one_time_code else [])

    def headers(self) -> dict[str, str]:
        """Return the header for the call that comes first, nothing for the others."""
        with suppress(IndexError):
            return {CODE_HEADER: self._left.pop()}
        return {}


def _parts(door: Door, call: Call[Any], code: Mapping[str, str], silence: float | None) -> dict[str, Any]:
    headers = {**call.headers, **code}
    if call.body is not None:
        headers["Content-Type"] = call.body.media_type
    return {"params": call.params, "headers": headers, "timeout": door.patience(call, silence)}


def _answer(response: httpx2.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


def _understood(call: Call[T], answer: Answer) -> T:
    try:
        return call.read(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnexpectedAnswer(answer.status, type(error).__name__) from error


class Connection:
    """Sends calls; made for threads too."""

    def __init__(
        self,
        door: Door,
        policy: Policy,
        transport: httpx2.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.door = door
        self.policy = policy
        self.pause = sleep
        self._code = _Code(door)
        self._http = httpx2.Client(transport=transport, **door.settings())

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call[T]) -> T:
        """Return what the answer to *call* says; raises `DidierError`."""
        return _understood(call, _answer(self._sent(call)))

    @contextmanager
    def open(self, call: Call[Answer], silence: float | None = None) -> Iterator[httpx2.Response]:
        """Yield an answer that is read piece by piece; raises `DidierError`, also while it is read."""
        response = self._sent(call, silence, stream=True)
        try:
            yield response
        except httpx2.HTTPError as error:
            raise retrying.reached(error) from error
        finally:
            response.close()

    def _sent(
        self, call: Call[Any], silence: float | None = None, *, stream: bool = False
    ) -> httpx2.Response:
        attempts, code = Attempts(call, self.policy), self._code.headers()
        while True:
            try:
                response = self._http.send(self._request(call, code, silence), stream=stream)
                if response.is_success:
                    return response
                response.read()
            except httpx2.HTTPError as error:
                wait: float | None = attempts.broken(error)
            else:
                wait = attempts.refused(_answer(response))
            if wait is None:
                return response
            self.pause(wait)

    def _request(
        self, call: Call[Any], code: Mapping[str, str], silence: float | None = None
    ) -> httpx2.Request:
        body = call.body
        content = body.content if isinstance(body, Whole) else body
        return self._http.build_request(
            call.method, call.path.lstrip("/"), content=content, **_parts(self.door, call, code, silence)
        )


class AsyncConnection:
    """Sends calls, for those who await the answers."""

    def __init__(
        self,
        door: Door,
        policy: Policy,
        transport: httpx2.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.door = door
        self.policy = policy
        self.pause = sleep
        self._code = _Code(door)
        self._http = httpx2.AsyncClient(transport=transport, **door.settings())

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def send(self, call: Call[T]) -> T:
        """Return what the answer to *call* says; raises `DidierError`."""
        return _understood(call, _answer(await self._sent(call)))

    @asynccontextmanager
    async def open(self, call: Call[Answer], silence: float | None = None) -> AsyncIterator[httpx2.Response]:
        """Yield an answer that is read piece by piece; raises `DidierError`, also while it is read."""
        response = await self._sent(call, silence, stream=True)
        try:
            yield response
        except httpx2.HTTPError as error:
            raise retrying.reached(error) from error
        finally:
            await response.aclose()

    async def _sent(
        self, call: Call[Any], silence: float | None = None, *, stream: bool = False
    ) -> httpx2.Response:
        attempts, code = Attempts(call, self.policy), self._code.headers()
        while True:
            try:
                response = await self._http.send(self._request(call, code, silence), stream=stream)
                if response.is_success:
                    return response
                await response.aread()
            except httpx2.HTTPError as error:
                wait: float | None = attempts.broken(error)
            else:
                wait = attempts.refused(_answer(response))
            if wait is None:
                return response
            await self.pause(wait)

    def _request(
        self, call: Call[Any], code: Mapping[str, str], silence: float | None = None
    ) -> httpx2.Request:
        body = call.body
        content = body.content if isinstance(body, Whole) else body and bodies.slowly(body)
        return self._http.build_request(
            call.method, call.path.lstrip("/"), content=content, **_parts(self.door, call, code, silence)
        )
