# Generated from src/didier/client/awaiting/connection.py by `make client`: change that file, not this one.
"""The socket's side: requests that are sent, and sent again."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx2

from didier.client import calls, retrying
from didier.client.bodies import Whole
from didier.client.calls import Answer, ApiCall
from didier.client.connection import Door, OneTimeCode, answer, understood
from didier.client.models import Page
from didier.client.retrying import Attempts, Policy, Sleep

T = TypeVar("T")


class Connection:
    """Sends calls; threads may share one that blocks."""

    def __init__(
        self,
        door: Door,
        policy: Policy,
        transport: httpx2.BaseTransport | None = None,
        sleep: Sleep = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.door = door
        self.policy = policy
        self.pause = sleep
        self.clock = clock
        self._code = OneTimeCode(door)
        self._http = httpx2.Client(transport=transport, **door.settings())

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: ApiCall[T]) -> T:
        """Return what the answer to *call* says; raises `DidierError`."""
        return understood(call, answer(self._sent(call)))

    @contextmanager
    def open(self, call: ApiCall[Answer], silence: float | None = None) -> Iterator[httpx2.Response]:
        """Yield an answer that is read piece by piece; raises `DidierError`, also while it is read."""
        response = self._sent(call, silence, stream=True)
        try:
            yield response
        except httpx2.HTTPError as error:
            raise retrying.reached(error) from error
        finally:
            response.close()

    def pages(self, call: ApiCall[Page[T]]) -> Iterator[T]:
        """Yield the items of a list; a page is asked for when the one before is used up."""
        following: ApiCall[Page[T]] | None = call
        while following is not None:
            page = self.send(following)
            yield from page.items
            following = calls.following(following, page)

    def pieces(self, call: ApiCall[Answer]) -> Iterator[bytes]:
        """Yield an answer as it comes."""
        with self.open(call) as response:
            yield from response.iter_bytes()

    def _sent(
        self, call: ApiCall[Any], silence: float | None = None, *, stream: bool = False
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
                wait = attempts.refused(answer(response))
            if wait is None:
                return response
            self.pause(wait)

    def _request(self, call: ApiCall[Any], code: dict[str, str], silence: float | None) -> httpx2.Request:
        body = call.body
        content = body.content if isinstance(body, Whole) else body and each(body)
        return self._http.build_request(
            call.method, call.path.lstrip("/"), content=content, **self.door.parts(call, code, silence)
        )


def each(items: Iterable[T]) -> Iterator[T]:
    """Yield what is there already."""
    yield from items
