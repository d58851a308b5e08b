"""The Non-Agent API over HTTP: read, call, word."""

import asyncio
import time
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog
from sqlalchemy.engine import Engine
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope, Send

from didier.errors import Unavailable
from didier.services import access, passwords
from didier.services.passwords import Proof
from didier.storage import users
from didier.storage.committer import Committer
from didier.storage.database import database_file, reading
from didier.vicidial import functions
from didier.vicidial.call import Call, mask_secrets, read_parameters, split_form
from didier.vicidial.replies import shared
from didier.vicidial.replies.lines import Reply
from didier.web.metrics import Metrics

PATH = "/vicidial/non_agent_api.php"
PAIR_LIMIT = 1_000
"""Most parameters in a request, as in PHP."""

_HEADERS = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]
_COMPARE_AGAIN = 3

log = structlog.get_logger()


class RequestTooLarge(Exception):
    """The request is larger than the server takes."""


class NonAgentApi:
    """The endpoint; an ASGI application."""

    def __init__(self, engine: Engine, committer: Committer, metrics: Metrics, body_limit: int) -> None:
        self._engine = engine
        self._committer = committer
        self._metrics = metrics
        self._body_limit = body_limit
        self._memory = passwords.Memory()
        # One thread: comparing passwords must not take the processor from those who are signed in.
        self._slow = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._embedded = database_file(engine.url) is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in {"GET", "POST"}:
            await _send(send, 405, b"", [(b"allow", b"GET, POST")])
            return
        name = ""
        try:
            call = await self._read(scope, receive)
            name = call.function
            reply = await self._answer(call)
        except RequestTooLarge:
            reply = shared.too_large()
        except Unavailable as error:
            reply = shared.unavailable(error)
        except Exception:
            log.exception("request_failed", function=name)
            reply = shared.failed()
        self._metrics.count_reply(name, reply)
        await _send(send, reply.status, reply.body.encode())

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        query: bytes = scope["query_string"]
        if query.count(b"&") > PAIR_LIMIT:
            raise RequestTooLarge
        form, text = await self._form(scope, receive) if scope["method"] == "POST" else ([], "")
        parameters = read_parameters(query, form)
        host, port = scope.get("server") or ("localhost", None)
        script = f"{scope['scheme']}://{host}{f':{port}' if port else ''}{PATH}"
        client = scope.get("client")
        return Call(
            parameters=parameters,
            non_latin=not parameters.ascii and await self._non_latin(),
            address=client[0] if client else "",
            script=script,
            host=host,
            url=f"{script}?{scope['didier.query']}{text}",
            received=time.time(),
        )

    async def _form(self, scope: Scope, receive: Receive) -> tuple[list[tuple[bytes, bytes]], str]:
        """Return the fields of the body and the text under which it is stored."""
        kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
        body = await self._body(receive)
        if kind == "application/x-www-form-urlencoded":
            form = split_form(body)
        elif kind == "multipart/form-data":
            form = await _multipart(scope, body)
        else:
            return [], ""
        if len(form) > PAIR_LIMIT:
            raise RequestTooLarge
        stored = mask_secrets(b"&".join(name + b"=" + value for name, value in form))
        return form, f"&GET-AND-POST=Y&{stored}"

    async def _body(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._body_limit:
                raise RequestTooLarge
            if not message.get("more_body"):
                return bytes(body)

    async def _non_latin(self) -> bool:
        def read() -> bool:
            with reading(self._engine) as conn:
                return users.non_latin(conn)

        return await asyncio.to_thread(read)

    async def _answer(self, call: Call) -> Reply:
        needs_sign_in = functions.needs_sign_in(call)
        for _ in range(_COMPARE_AGAIN):
            if needs_sign_in:
                call.proof = await self._proof(call)
            reply = await self._committer.run(functions.answer, call)
            if reply is not None:
                return reply
        return shared.failed()  # the stored password changed under us three times

    async def _proof(self, call: Call) -> Proof:
        """Compare the call's password with the stored one, unless that was done a moment ago."""
        password = call.raw("pass")
        if call.proof is None and (known := self._memory.recall(call.user, password)):
            return known
        loop = asyncio.get_running_loop()
        proof = await loop.run_in_executor(
            self._slow, partial(self._compare, call.user, password, call.get("pass"))
        )
        if self._embedded:
            replacement = await loop.run_in_executor(self._slow, access.hashed, call.user, proof)
            if replacement:
                proof = await self._committer.run(access.replace_plain_passwords, replacement)
        self._memory.remember(call.user, password, proof)
        return proof

    def _compare(self, user: str, password: str, cleaned: str) -> Proof:
        with reading(self._engine) as conn:
            stored = access.stored_password(conn, user)
        return passwords.compare(password, cleaned, stored)


async def _multipart(scope: Scope, body: bytes) -> list[tuple[bytes, bytes]]:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    parser = MultiPartParser(Headers(scope=scope), stream(), max_fields=PAIR_LIMIT, max_files=0)
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        log.info("multipart_unreadable", reason=str(error))
        return []
    return [(name.encode(), str(value).encode()) for name, value in form.multi_items()]


async def _send(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None
) -> None:
    length = (b"content-length", str(len(body)).encode())
    all_headers = [*_HEADERS, length, *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": all_headers})
    await send({"type": "http.response.body", "body": body})
