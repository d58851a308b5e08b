"""`create_app`: the one place where what is served over HTTP is wired."""

import re
import time
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from didier.config import Settings
from didier.logging import request as log_request
from didier.masking import Masking, mask_path
from didier.runtime.calls import Calls
from didier.runtime.runtime import Runtime
from didier.vicidial.call import MASKING
from didier.web import pages
from didier.web.admin import panel
from didier.web.admin.panel import Panel
from didier.web.admin.signing import Signing
from didier.web.api.app import JsonApi, is_its
from didier.web.bodies import BodyLimit
from didier.web.edge import Edge, with_headers
from didier.web.legacy import PATH, NonAgentApi
from didier.web.metrics import Metrics


def create_app(runtime: Runtime, *, demo: bool = False) -> "Requests":
    """Return the application by which *runtime* is asked over HTTP, while that runs."""
    metrics, settings = Metrics(), runtime.settings
    metrics.watch(runtime)
    body_limit = BodyLimit(settings.body_limit, settings.body_seconds)

    pages_app = Starlette(
        routes=[
            Route("/", pages.start(demo)),
            Route("/postman_collection.json", pages.postman(demo)),
            *_watched(runtime.check, runtime.calls, metrics),
        ]
    )
    json_api = JsonApi(runtime, body_limit)
    admin = Panel(json_api, Signing(runtime), body_limit)
    non_agent_api = NonAgentApi(runtime, metrics, body_limit)
    return Requests(non_agent_api, json_api, admin, pages_app, Edge(settings))


def create_watched_app(calls: Calls, settings: Settings) -> "Requests":
    """Return what a process that routes *calls* alone shows of itself to those who watch it."""
    metrics = Metrics()
    metrics.watch_calls(calls)
    pages_app = Starlette(routes=_watched(calls.check, calls, metrics))
    return Requests(pages_app, pages_app, pages_app, pages_app, Edge(settings))


def _watched(
    check: Callable[[], Awaitable[str | None]], calls: Calls | None, metrics: Metrics
) -> list[Route]:
    """Return the pages by which a process is watched; *check* says why it is not ready."""

    async def ready(_: Request) -> Response:
        problem = await check()
        lines = [f"not ready: {problem}" if problem else "ready"]
        if calls and (state := calls.state()):
            lines.append(state)
        return PlainTextResponse("".join(f"{line}\n" for line in lines), 503 if problem else 200)

    def metrics_page(_: Request) -> Response:
        body, kind = metrics.page()
        return Response(body, media_type=kind)

    return [
        Route("/healthz", lambda _: PlainTextResponse("ok\n")),
        Route("/readyz", ready),
        Route("/metrics", metrics_page),
    ]


_LOGGED = Masking()
"""How the queries of other pages are logged: no list tells what they take, so that no name is unknown."""

_NOT_WHOLE = PlainTextResponse("The request did not come whole, or not in time: nothing was done.\n", 400)
"""The answer to a client that may be gone already: half a request does nothing."""


class Requests:
    """The outermost layer: counts what is running, logs each request, and folds doubled slashes.

    Every request passes the `Edge` here, and every answer gets its headers.

    The Non-Agent API is called from here, before Starlette's own layers, which would cost each of its
    requests a tenth more.
    """

    def __init__(
        self,
        non_agent_api: ASGIApp,
        json_api: ASGIApp,
        admin: ASGIApp,
        pages_app: ASGIApp,
        edge: Edge,
    ) -> None:
        self._non_agent_api = non_agent_api
        self._json_api = json_api
        self._admin = admin
        self._pages_app = pages_app
        self._edge = edge
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if "//" in scope["path"]:  # a published VICIdial client asks for //vicidial/non_agent_api.php
            scope = {**scope, "path": re.sub("/+", "/", scope["path"])}
        scope = self._edge.seen(scope)
        started = time.perf_counter()
        status: int | None = None
        masking = MASKING if scope["path"] == PATH else _LOGGED
        query = scope["didier.query"] = masking.query(scope["query_string"])

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = with_headers(scope, message["headers"])
            await send(message)

        self.running += 1
        try:
            app = self._edge.foreign(scope) or self._app(scope["path"])
            await app(scope, receive, watch)
            if status is None:
                await _NOT_WHOLE(scope, receive, watch)
        finally:
            self.running -= 1
            log_request(
                method=scope["method"],
                path=mask_path(scope["path"]),
                query=query,
                status=status,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
            )

    def _app(self, path: str) -> ASGIApp:
        if path == PATH:
            return self._non_agent_api
        if panel.is_its(path):
            return self._admin
        return self._json_api if is_its(path) else self._pages_app
