"""The client of a VICIdial server: its functions, sent over HTTP."""

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Self, TypeVar

import httpx2

from didier.client.errors import DidierError
from didier.client.retrying import AsyncSleep
from didier.client.values import Given
from didier.client.vicidial import copying, functions
from didier.client.vicidial.calls import Answer, FunctionCall
from didier.client.vicidial.copying import OnResult
from didier.client.vicidial.errors import Result
from didier.client.vicidial.functions import Talk
from didier.client.vicidial.lines import LoggedCall, UserDetails, Version
from didier.client.vicidial.session import FORM, LIMITS, Session, failure, proceed

T = TypeVar("T")


class AsyncVicidialClient(Session):
    """A VICIdial server, without Didier, through its Non-Agent API.

    - *url*: the server's address (``https://dialer.example.com``) or that of the script.
    - *source*: who is calling, for VICIdial's log: 2 to 20 letters and digits.
    - *timeout*: seconds for connecting and for each silence; None waits for ever.
    - *transport*: how requests are sent, as httpx2's HTTP transport with ``verify=…`` for a certificate of
      your own.
    - *retries*: how often a request that changes nothing, or was not sent at all, is sent again.
    - *non_latin*: the server has ``use_non_latin`` on, so that patterns and texts may have letters of every
      script. Without it they are refused, as VICIdial would drop them.
    - *sleep* is for tests.

    Columns are named as in Didier's client. It raises `didier.client.errors`, and those of
    `didier.client.vicidial.errors`. Threads may share a client that blocks; one that awaits belongs to one
    event loop.
    """

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
        sleep: AsyncSleep = asyncio.sleep,
    ) -> None:
        super().__init__(url, user, password, source, retries, non_latin)
        self._sleep = sleep
        self._http = httpx2.AsyncClient(auth=self._auth, timeout=timeout, transport=transport, limits=LIMITS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def add(self, pattern: str, **fields: Given) -> None:
        """Create the DID *pattern*; columns that are not given have VICIdial's defaults.

        Raises `DidExists`, `InvalidPattern`, `InvalidField`.
        """
        await self._run(functions.add(pattern, fields, non_latin=self._non_latin))

    async def copy(
        self,
        source: str,
        to: str | Iterable[str],
        description: str | None = None,
        *,
        on_result: OnResult | None = None,
    ) -> list[Result]:
        """Copy the DID *source* to each target in *to*; return the outcome of each, in the order given.

        Ranges (``18002220000-18002220099``) are written out. Long lists are sent in several requests. A
        target of which VICIdial would make something else is not sent but refused. *on_result* is called with
        each result as soon as it is known.

        Raises `DidNotFound` for the source, `InvalidField` for the description, and `CopyInterrupted`, which
        has the results so far, when it ends in the middle.
        """
        return await self._run(copying.copy(source, to, description, on_result, non_latin=self._non_latin))

    async def update(self, pattern: str, **fields: Given) -> None:
        """Change columns of the DID *pattern*; VICIdial cannot empty one.

        Raises `DidNotFound`, `InvalidField`, `NothingToChange`.
        """
        await self._run(functions.update(pattern, fields, non_latin=self._non_latin))

    async def delete(self, pattern: str) -> None:
        """Delete the DID *pattern*; raises `DidNotFound`. VICIdial protects none, not even ``default``."""
        await self._run(functions.delete(pattern, non_latin=self._non_latin))

    async def did_log(self, number: str, date: date | str) -> list[LoggedCall]:
        """Return the calls to *number* on one day, by time, 100,000 at most."""
        return await self._run(functions.did_log(number, date))

    async def version(self) -> Version:
        """Return the version of VICIdial; neither user nor password is sent."""
        return await self._run(functions.version())

    async def user_details(self, user: str) -> UserDetails:
        """Return what VICIdial shows of *user*; raises `UserNotFound`."""
        return await self._run(functions.user_details(user, non_latin=self._non_latin))

    async def add_user(
        self, user: str, password: str, *, full_name: str, user_level: int, user_group: str, **fields: Given
    ) -> str:
        """Create *user*, without API rights; return the name, which VICIdial chooses for ``AUTOGENERATED``.

        Raises `UserExists`, `GroupNotFound`, `LevelNotAllowed`, `InvalidField`. VICIdial writes the new
        password to its logs in clear.
        """
        needed = {"full_name": full_name, "user_level": user_level, "user_group": user_group}
        return await self._run(
            functions.add_user(user, password, {**needed, **fields}, non_latin=self._non_latin)
        )

    async def copy_user(self, user: str, password: str, *, full_name: str, source_user: str) -> str:
        """Create *user* with all settings and rights of *source_user*; return the name."""
        return await self._run(
            functions.copy_user(user, password, full_name, source_user, non_latin=self._non_latin)
        )

    async def update_user(self, user: str, *, password: str | None = None, **fields: Given) -> None:
        """Change *user*, and end a lock; ``--BLANK--`` empties a field."""
        await self._run(functions.update_user(user, password, fields, non_latin=self._non_latin))

    async def delete_user(self, user: str) -> None:
        """Delete *user*."""
        await self._run(functions.delete_user(user, non_latin=self._non_latin))

    async def _run(self, talk: Talk[T]) -> T:
        step = proceed(talk)
        while isinstance(step, FunctionCall):
            step = proceed(talk, await self._exchange(step))
        return step.value

    async def _exchange(self, call: FunctionCall) -> Answer | DidierError:
        attempt = 0
        while True:
            outcome = await self._send(call)
            pause = self._pause(call, outcome, attempt)
            if pause is None:
                return outcome
            await self._sleep(pause)
            attempt += 1

    async def _send(self, call: FunctionCall) -> Answer | DidierError:
        # Failures are returned: raised here, they would carry the request, and with it the password.
        try:
            return self._answer(call, await self._http.post(self.url, content=self._body(call), headers=FORM))
        except httpx2.HTTPError as error:
            return failure(error)
