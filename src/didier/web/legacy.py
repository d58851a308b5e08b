"""The Non-Agent API over HTTP: read, call, word."""

import time
from collections.abc import Iterable
from dataclasses import replace

import structlog
from starlette.types import Receive, Scope, Send

from didier.errors import Unavailable
from didier.runtime.logins import PasswordLogin
from didier.runtime.runtime import Runtime
from didier.services.users.authentication import Caller
from didier.storage.users import users
from didier.vicidial import functions
from didier.vicidial.call import Call, read_parameters
from didier.vicidial.function import Report
from didier.vicidial.replies import formats, shared
from didier.vicidial.replies.lines import Reply
from didier.vicidial.requests import CallRequest
from didier.web.bodies import PAIR_LIMIT, BodyLimit, ClientGone, RequestTooLarge, read_form
from didier.web.metrics import Metrics

PATH = "/vicidial/non_agent_api.php"
AGAIN = b"5"
"""Seconds after which a request that could not be taken may be sent again (Retry-After, RFC 9110, 10.2.3)."""

log = structlog.get_logger()


class NonAgentApi:
    """The endpoint; an ASGI application."""

    def __init__(self, runtime: Runtime, metrics: Metrics, body_limit: BodyLimit) -> None:
        self._runtime = runtime
        self._metrics = metrics
        self._body_limit = body_limit

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
            non_latin=not parameters.ascii and await self._runtime.quickly(users.non_latin),
            address=client[0] if client else "",
            script=script,
            host=host,
            url=f"{script}?{scope['didier.query']}{text}",
            received=time.time(),
            region=self._runtime.settings.region,
        )

    async def _answer(self, call: Call) -> Reply:
        request = CallRequest(call)
        if request.report:
            return await self._report(request, request.report)
        if new := functions.new_password(call):
            await self._prepare(request, new)
        return await self._runtime.carry_out(request)

    async def _prepare(self, request: CallRequest, password: str) -> None:
        """Hash the *password* that the call sets, if the one that it came with is right."""
        login = request.login
        if isinstance(login, PasswordLogin) and (await self._runtime.passwords.prove(login)).matched:
            request.call.new_password = await self._runtime.passwords.to_store(password)

    async def _report(self, request: CallRequest, report: Report) -> Reply:
        """Answer a call that only reads, beside the committer, which then logs it."""
        caller = await self._runtime.authorize(request)
        if not isinstance(caller, Caller):
            return caller
        call = request.call
        reply = await self._runtime.reports.run(lambda conn: _encoded(call, report.read(conn, call, caller)))
        await self._runtime.log_access(request, caller, reply)
        return reply


def _encoded(call: Call, reply: Reply) -> Reply:
    """Return a report in the form that is sent, of which alone is kept."""
    sent = formats.encode(call, reply)[1].decode()
    lines = tuple(replace(line, text="") for line in reply.lines)
    return replace(reply, lines=lines, outcome=None, sent=sent)


async def _send(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body})
