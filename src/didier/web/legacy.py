"""The Non-Agent API over HTTP: read, call, word."""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import structlog
from sqlalchemy.engine import Engine
from starlette.types import Receive, Scope, Send

from didier.errors import Overloaded, Unavailable
from didier.runtime.committer import Committer
from didier.runtime.degraded_reads import Reads
from didier.runtime.password_verifier import Given, Passwords
from didier.storage.database import reading
from didier.storage.users import users
from didier.vicidial import functions
from didier.vicidial.call import Call, read_parameters
from didier.vicidial.replies import formats, shared
from didier.vicidial.replies.lines import Reply
from didier.vicidial.signed import Signed
from didier.web.bodies import PAIR_LIMIT, BodyLimit, ClientGone, RequestTooLarge, read_form
from didier.web.metrics import Metrics

PATH = "/vicidial/non_agent_api.php"
_COMPARE_AGAIN = 3

AGAIN = b"5"
"""Seconds after which a request that could not be taken may be sent again."""

REPORTS_WAITING = 20
"""Most reports that may be read or wait for it; each may have 100,000 rows."""

log = structlog.get_logger()


class NonAgentApi:
    """The endpoint; an ASGI application."""

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        reads: Reads,
        passwords: Passwords,
        metrics: Metrics,
        body_limit: BodyLimit,
    ) -> None:
        self._engine = engine
        self._committer = committer
        self._reads = reads
        self._metrics = metrics
        self._body_limit = body_limit
        self._passwords = passwords
        # Reports may read and write out much: few at a time, so that they do not fill the memory.
        self._reports = ThreadPoolExecutor(2, thread_name_prefix="reports")
        self._reports_waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in {"GET", "POST"}:
            await _send(send, 405, b"", [(b"content-type", formats.TEXT), (b"allow", b"GET, POST")])
            return
        call: Call | None = None
        try:
            call = await self._read(scope, receive)
            reply = await self._answer(call)
        except ClientGone:
            return
        except RequestTooLarge:
            reply = shared.too_large()
        except Unavailable as error:
            reply = shared.unavailable(error)
        except Exception:
            log.exception("request_failed", function=call.function if call else "")
            reply = shared.failed()
        self._metrics.count_reply(call.function if call else "", reply)
        kind, body = formats.encode(call, reply) if call else (formats.TEXT, reply.body.encode())
        again = [(b"retry-after", AGAIN)] if reply.status == 503 else []
        await _send(send, reply.status, body, [(b"content-type", kind), *again])

    async def _read(self, scope: Scope, receive: Receive) -> Call:
        query: bytes = scope["query_string"]
        if query.count(b"&") > PAIR_LIMIT:
            raise RequestTooLarge(f"The query has more than {PAIR_LIMIT} parameters.")
        posted = scope["method"] == "POST"
        form, text = await read_form(scope, receive, self._body_limit) if posted else ([], "")
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

    async def _non_latin(self) -> bool:
        def read() -> bool:
            with reading(self._engine) as conn:
                return users.non_latin(conn)

        return await asyncio.to_thread(read)

    async def _answer(self, call: Call) -> Reply:
        needs_sign_in = functions.needs_sign_in(call)
        for _ in range(_COMPARE_AGAIN):
            if needs_sign_in:
                await self._prepare(call)
            reply = await self._carried_out(call)
            if isinstance(reply, Signed):
                return await self._report(reply)
            if reply is not None:
                return reply
        return shared.failed()  # the stored password changed under us three times

    async def _carried_out(self, call: Call) -> Reply | Signed | None:
        if functions.only_reads(call):
            return await self._reads.admit(functions.answer, call, call.user, Signed)
        return await self._committer.run(functions.answer, call)

    async def _prepare(self, call: Call) -> None:
        """Compare the call's password, anew if a proof of it held no more, and hash the one that it sets."""
        given = Given(call.user, call.raw("pass"), lambda text: call.clean("pass", text))
        call.proof = await self._passwords.prove(given, anew=call.proof is not None)
        new = functions.new_password(call)
        if new and call.proof.matched and call.new_password is None:
            call.new_password = await self._passwords.to_store(new)

    async def _report(self, signed: Signed) -> Reply:
        """Answer a call that only reads, beside the committer, which then logs it."""
        if self._reports_waiting >= REPORTS_WAITING:
            raise Overloaded
        self._reports_waiting += 1
        try:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._reports, self._read_report, signed)
        finally:
            self._reports_waiting -= 1
        await self._reads.log(functions.log, (signed.call, reply))
        return reply

    def _read_report(self, signed: Signed) -> Reply:
        """Read a report and put it into the form that is sent, of which alone is kept."""
        with reading(self._engine) as conn:
            reply = functions.report(conn, signed)
        sent = formats.encode(signed.call, reply)[1].decode()
        lines = tuple(replace(line, text="") for line in reply.lines)
        return replace(reply, lines=lines, outcome=None, sent=sent)


async def _send(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
