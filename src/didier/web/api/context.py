"""What routes work with: the runtime, and what the JSON API adds to it for requests over HTTP."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response

from didier.errors import InvalidField, KeyNotUsable, KeyUnderWay, Overloaded, Refusal
from didier.masking import Masking, mask_path
from didier.runtime.code_verifier import CodeVerifier
from didier.runtime.logins import Login, PasswordLogin, SessionLogin, TokenLogin
from didier.runtime.runtime import Runtime
from didier.services.changes.webhook_delivery import Message
from didier.services.users.authentication import Caller
from didier.services.users.passwords import Proof
from didier.storage.changes.webhooks import Attempt, Webhook
from didier.storage.users.users import StoredPassword
from didier.web.api import problems
from didier.web.api.answers import Answer
from didier.web.api.callers import clean_password
from didier.web.api.operations import ApiOperation, ApiRequest, Permission, RequestContext, RequestKey
from didier.web.api.texts import Pause, Texts
from didier.web.origins import SAFE
from didier.web.result_cache import ResultCache

SHORT = 4_096
"""Bytes of a body that are read in some milliseconds at worst, and mostly in some tenths of one."""

WATCHING_MOST = 200
"""Most requests that may watch at once: batches, or calls."""

LOOK_SECONDS = 0.02
"""How often those who watch batches look whether one has ended."""

DUPLICATES_MOST = 8
"""Most results of the search for duplicates that are kept: of a million DIDs each may take 20 MB."""

KEY_LIMIT = 255
"""Most characters in an idempotency key."""

Result = TypeVar("Result")


class ApiContext:
    """Takes requests from the routes to the runtime, and answers back.

    *accepted* is told the digest of each token that was accepted.
    """

    def __init__(self, runtime: Runtime, accepted: Callable[[str], None]) -> None:
        self._runtime = runtime
        self._accepted = accepted
        self.batch_limit = runtime.settings.batch_limit
        self.region = runtime.settings.region
        self.agi_server_ip = runtime.settings.agi_server_ip
        self.agi_region = self.region if runtime.settings.agi_number_forms else ""
        self.zone = runtime.settings.zone
        self.dialplan_contexts = runtime.settings.dialplan_contexts
        self._logs_reads = runtime.settings.log_reads
        self._texts = Texts(runtime.settings.parse_seconds)
        self.call_board = runtime.call_board
        self.change_board = runtime.change_board
        self.feed_days = runtime.settings.feed_days
        self.reported_calls_days = runtime.settings.reported_calls_days
        self.duplicates: ResultCache[Any] = ResultCache(most=DUPLICATES_MOST)
        self._watching = 0
        self._under_way: set[tuple[str, str]] = set()

    @property
    def codes(self) -> CodeVerifier:
        """What compares one-time codes."""
        return self._runtime.codes

    async def write(
        self, request: Request, login: Login, operation: ApiOperation[Any, Any], content: bytes | None = None
    ) -> Response:
        """Carry out what *request* wants, once if it is a POST with an idempotency key; return its answer.

        *content* is what makes two requests with one key the same, the body unless it is given: it must
        hold no secret.
        """
        sent = request.headers.get("idempotency-key") if request.method == "POST" else None
        if sent is None:
            return await self._write(request, login, operation, None)
        if not 1 <= len(sent) <= KEY_LIMIT or not sent.isprintable():
            bad = InvalidField("Idempotency-Key", sent, f"1 to {KEY_LIMIT} printable characters")
            return problems.refusal(bad, {"Idempotency-Key": "Idempotency-Key"}).response
        body = await request.body() if content is None else content
        key = RequestKey.of(sent, request.method, request.url.path, request.url.query.encode() + b"\n" + body)
        with self._alone(login, key):
            return await self._write(request, login, operation, key)

    async def _write(
        self, request: Request, login: Login, operation: ApiOperation[Any, Any], key: RequestKey | None
    ) -> Response:
        wanted = ApiRequest(_context(request, login), operation.permission, operation, key)
        answer = await self._runtime.carry_out(wanted)
        if answer.status < 400:
            self._tell(login)
        return answer.response

    async def read(
        self,
        request: Request,
        login: Login,
        permission: Permission,
        read: Callable[[Connection, Caller], Answer | Refusal],
        pointers: dict[str, str] | None = None,
    ) -> Response:
        """Let *read* answer on a connection for reading, once the caller is found to have the right."""
        wanted = ApiRequest(_context(request, login), permission)
        caller = await self._authorize(wanted)
        if isinstance(caller, Answer):
            return caller.response
        found = await self.on_reader(lambda conn: read(conn, caller))
        answer = found if isinstance(found, Answer) else problems.refusal(found, pointers)
        await self._log(wanted, caller, answer)
        return answer.response

    async def authorize(self, request: Request, login: Login, permission: Permission) -> Caller | Response:
        """Return who has *permission*, before work that is worth it only then; or the answer no."""
        caller = await self._authorize(ApiRequest(_context(request, login), permission))
        return caller.response if isinstance(caller, Answer) else caller

    async def foresee(self, request: Request, login: Login, permission: Permission) -> Caller | Response:
        """Return who will be allowed what is asked, or the answer no; who is let in costs no commit.

        What they want is decided on when it is carried out, so here the first no counts and is logged.
        """
        wanted = ApiRequest(_context(request, login), permission)
        caller = await self._runtime.foresee(wanted) or await self._authorize(wanted)
        return caller.response if isinstance(caller, Answer) else caller

    async def authorize_and_log(
        self, request: Request, login: Login, permission: Permission, *, always: bool = False
    ) -> Caller | Response:
        """Return the caller who may read it, for answers sent in pieces; or the refusal.

        *always*: it is logged even if other reads are not.
        """
        wanted = ApiRequest(_context(request, login), permission)
        caller = await self._authorize(wanted)
        if isinstance(caller, Answer):
            return caller.response
        await self._log(wanted, caller, Answer(200), always=always)
        return caller

    async def _log(self, wanted: ApiRequest, caller: Caller, answer: Answer, *, always: bool = False) -> None:
        """Log what was answered; lists and pages that are just shown only if the setting says so."""
        is_read = wanted.context.method in SAFE and answer.status < 400
        if always or self._logs_reads or not is_read:
            await self._runtime.log_access(wanted, caller, answer)

    async def _authorize(self, wanted: ApiRequest) -> Caller | Answer:
        found = await self._runtime.authorize(wanted)
        if isinstance(found, Caller):
            self._tell(wanted.login)
        return found

    async def run(self, service: Callable[[Connection, Sequence[Any]], Sequence[Any]], order: Any) -> None:
        """Carry out an order of the server's own."""
        await self._runtime.committer.run(service, order)

    def wake(self) -> None:
        """Say that there may be a large batch to be worked on."""
        self._runtime.batch_worker.wake()

    def wake_webhooks(self) -> None:
        """Say that endpoints of webhooks may have been changed."""
        self._runtime.webhooks.wake()

    async def send_once(self, webhook: Webhook, message: Message) -> Attempt | KeyNotUsable:
        """Send *message* to an endpoint of webhooks; return what came of it."""
        return await self._runtime.webhook_once.send(webhook, message)

    def watched(self, events: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Return *events* for as long as they are wanted; raise `Overloaded` when too many are."""
        if self._watching >= WATCHING_MOST:
            raise Overloaded
        self._watching += 1

        async def counted() -> AsyncIterator[bytes]:
            try:
                async for event in events:
                    yield event
            finally:
                self._watching -= 1

        return counted()

    async def moved(self, seconds: float) -> None:
        """Wait until a large batch comes to an end, or the server stops, *seconds* at most."""
        worker, until = self._runtime.batch_worker, time.monotonic() + seconds
        ended = worker.ended
        while worker.ended == ended and not self.stopping and time.monotonic() < until:
            await asyncio.sleep(LOOK_SECONDS)

    @property
    def stopping(self) -> bool:
        """Whether the server is stopping: answers without end come to theirs."""
        return self._runtime.stopping

    async def on_reader(self, read: Callable[[Connection], Result]) -> Result:
        """Run *read* on a connection for reading, off the event loop; raise `Overloaded`."""
        return await self._runtime.readers.run(read)

    async def look(self, read: Callable[[Connection], Result]) -> Result:
        """Run *read*, which is quick, on a connection for reading."""
        return await self._runtime.quickly(read)

    async def parse(self, size: int, work: Callable[[Pause], Result]) -> Result:
        """Return what *work* reads in a body of *size* bytes; a large one off the event loop, with pauses.

        Raises `Overloaded` or `TooMuchToRead`.
        """
        if size <= SHORT:
            return work(_no_pause)
        return await self._texts.read(work)

    async def prove_own(self, caller: Caller, password: str) -> Proof:
        """Compare the present *password* of who is signed in, whatever is remembered of it."""
        login = PasswordLogin(caller.user.name, password, clean_password)
        return await self._runtime.passwords.prove(login, anew=True)

    async def to_store(self, password: str) -> StoredPassword | None:
        """Return what is stored for a new password; None where VICIdial's hashing is set up wrongly."""
        return await self._runtime.passwords.to_store(password)

    @contextmanager
    def _alone(self, login: Login, key: RequestKey) -> Iterator[None]:
        """Hold *key* while its request is under way; raise `KeyUnderWay` for a second one."""
        name = (_sender(login), key.stored)
        if name in self._under_way:
            raise KeyUnderWay(key.sent)
        self._under_way.add(name)
        try:
            yield
        finally:
            self._under_way.discard(name)

    def _tell(self, login: Login) -> None:
        if isinstance(login, TokenLogin):
            self._accepted(login.digest)


def _sender(login: Login) -> str:
    match login:
        case TokenLogin(digest):
            return digest
        case SessionLogin(secret):
            return secret.digest
        case _:
            return login.name


def _no_pause() -> None:
    """Go on: it is soon done."""


_NOTHING_KNOWN = Masking(())


def _context(request: Request, login: Login) -> RequestContext:
    base = f"{request.url.scheme}://{request.url.netloc}"
    masking = getattr(request.app.state, "masking", _NOTHING_KNOWN)  # the panel's pages have none
    query = masking.query(request.scope["query_string"])
    return RequestContext(
        login=login,
        address=request.client.host if request.client else "",
        method=request.method,
        script=f"{base}/api/v1",
        host=request.url.hostname or "localhost",
        url=f"{base}{mask_path(request.url.path)}{f'?{query}' if query else ''}",
        received=time.time(),
    )


def context_of(request: Request) -> ApiContext:
    """Return the context of the application that *request* came to."""
    context: ApiContext = request.app.state.context
    return context
