"""`AsyncVicidialClient`: the functions, sent over HTTP and awaited."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from types import TracebackType
from typing import Self, TypeVar

import httpx2

from didier.client.errors import DidierError
from didier.client.values import Given
from didier.client.vicidial import copying, functions
from didier.client.vicidial.calls import Answer, Call
from didier.client.vicidial.copying import OnResult
from didier.client.vicidial.errors import Result
from didier.client.vicidial.functions import Talk
from didier.client.vicidial.lines import LoggedCall, UserDetails, Version
from didier.client.vicidial.session import FORM, LIMITS, Session, failure, proceed

T = TypeVar("T")


class AsyncVicidialClient(Session):
    """`VicidialClient` for asyncio: the same methods, awaited."""

    def __init__(
        self,
        url: str,
        user: str,
        password: str,
        *,
        source: str = "didier",
        timeout: float | None = 30.0,
        transport: httpx2.AsyncBaseTransport | None = None,
        retries: int = 3,
        non_latin: bool = False,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__(url, user, password, source, retries, non_latin)
        self._sleep = sleep
        self._http = httpx2.AsyncClient(auth=self._auth, timeout=timeout, transport=transport, limits=LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def add(self, pattern: str, **fields: Given) -> None:
        """See `VicidialClient.add`."""
        await self._run(functions.add(pattern, fields, non_latin=self._non_latin))

    async def copy(
        self,
        source: str,
        to: str | Iterable[str],
        description: str | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Result]:
        """See `VicidialClient.copy`."""
        return await self._run(copying.copy(source, to, description, on_result, non_latin=self._non_latin))

    async def update(self, pattern: str, **fields: Given) -> None:
        """See `VicidialClient.update`."""
        await self._run(functions.update(pattern, fields, non_latin=self._non_latin))

    async def delete(self, pattern: str) -> None:
        """See `VicidialClient.delete`."""
        await self._run(functions.delete(pattern, non_latin=self._non_latin))

    async def did_log(self, number: str, date: date | str) -> list[LoggedCall]:
        """See `VicidialClient.did_log`."""
        return await self._run(functions.did_log(number, date))

    async def version(self) -> Version:
        """See `VicidialClient.version`."""
        return await self._run(functions.version())

    async def user_details(self, user: str) -> UserDetails:
        """See `VicidialClient.user_details`."""
        return await self._run(functions.user_details(user, non_latin=self._non_latin))

    async def add_user(
        self, user: str, password: str, *, full_name: str, user_level: int, user_group: str, **fields: Given
    ) -> str:
        """See `VicidialClient.add_user`."""
        needed = {"full_name": full_name, "user_level": user_level, "user_group": user_group}
        return await self._run(
            functions.add_user(user, password, {**needed, **fields}, non_latin=self._non_latin)
        )

    async def copy_user(self, user: str, password: str, *, full_name: str, source_user: str) -> str:
        """See `VicidialClient.copy_user`."""
        return await self._run(
            functions.copy_user(user, password, full_name, source_user, non_latin=self._non_latin)
        )

    async def update_user(self, user: str, *, password: str | None = None, **fields: Given) -> None:
        """See `VicidialClient.update_user`."""
        await self._run(functions.update_user(user, password, fields, non_latin=self._non_latin))

    async def delete_user(self, user: str) -> None:
        """See `VicidialClient.delete_user`."""
        await self._run(functions.delete_user(user, non_latin=self._non_latin))

    async def _run(self, talk: Talk[T]) -> T:
        step = proceed(talk)
        while isinstance(step, Call):
            step = proceed(talk, await self._exchange(step))
        return step.value

    async def _exchange(self, call: Call) -> Answer | DidierError:
        attempt = 0
        while True:
            outcome = await self._send(call)
            pause = self._pause(call, outcome, attempt)
            if pause is None:
                return outcome
            await self._sleep(pause)
            attempt += 1

    async def _send(self, call: Call) -> Answer | DidierError:
        try:
            return self._answer(call, await self._http.post(self.url, content=self._body(call), headers=FORM))
        except httpx2.HTTPError as error:
            return failure(error)
