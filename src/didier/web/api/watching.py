"""Events (SSE) for those who watch something."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from didier.errors import Unavailable
from didier.runtime.logins import Login
from didier.services.users.authentication import Caller
from didier.web.api.context import context_of
from didier.web.api.operations import Permission

EVENT_SECONDS = 0.25
"""How often it is looked at what is watched."""

ASK_AGAIN_SECONDS = 10
"""How often it is asked whether those who watch still may."""

SILENT_SECONDS = 15
"""Longest silence on a connection that watches."""


@dataclass(frozen=True, slots=True)
class Event:
    """What is watched, as *data*; *is_last*: nothing more becomes of it."""

    name: str
    data: bytes
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """Whole events as they are sent, empty for none; *is_last*: no more of them come."""

    text: bytes
    is_last: bool = False


Look = Callable[[Caller], Awaitable[Sent | None]]
"""Looks for what is to be sent next; None: there will be no more."""


def whenever_changed(look: Callable[[Caller], Awaitable[Event | None]]) -> Look:
    """Return what sends the event that *look* finds whenever it has become another."""
    before = b""

    async def found(caller: Caller) -> Sent | None:
        nonlocal before
        event = await look(caller)
        if event is None:
            return None
        is_new, before = event.data != before, event.data
        text = b"event: %s\ndata: %s\n\n" % (event.name.encode(), event.data)
        return Sent(text if is_new else b"", event.is_last)

    return found


@dataclass(frozen=True, slots=True)
class Watch:
    """Lets who sent *request* watch what *look* finds while they have *permission*.

    *pause* waits for some seconds, or until it is worth looking again. It ends after *seconds*, if it has to.
    """

    request: Request
    login: Login
    permission: Permission
    look: Look
    pause: Callable[[float], Awaitable[object]]
    seconds: float | None = None

    def response(self, caller: Caller) -> Response:
        """Return the events for *caller*, who has the permission; raise `Overloaded`."""
        events = context_of(self.request).watched(self._events(caller))
        return StreamingResponse(events, media_type="text/event-stream")

    async def _events(self, caller: Caller) -> AsyncIterator[bytes]:
        context, silent = context_of(self.request), 0.0
        began = asked_at = time.monotonic()
        while not context.stopping and not self._is_over(began):
            with suppress(Unavailable):  # looked for again
                sent = await self.look(caller)
                if sent is None:
                    return
                if sent.text:
                    yield sent.text
                    silent = 0.0
                if sent.is_last:
                    return
            if silent > SILENT_SECONDS:
                # A comment, which clients leave out (WHATWG, HTML, 9.2): proxies end silent connections.
                yield b": still there\n\n"
                silent = 0.0
            await self.pause(EVENT_SECONDS)
            silent += EVENT_SECONDS
            if time.monotonic() - asked_at > ASK_AGAIN_SECONDS:
                with suppress(Unavailable):
                    who = await context.authorize(self.request, self.login, self.permission)
                    if isinstance(who, Response):
                        return  # the right was taken away
                    caller, asked_at = who, time.monotonic()

    def _is_over(self, began: float) -> bool:
        return self.seconds is not None and time.monotonic() - began >= self.seconds
