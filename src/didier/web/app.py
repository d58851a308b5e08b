"""`create_app`: the one place where things are wired."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Connection, Engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from didier.config import Settings
from didier.services import journal
from didier.storage.committer import Committer
from didier.storage.database import reading
from didier.vicidial.call import mask_secrets
from didier.web import pages
from didier.web.legacy import PATH, NonAgentApi
from didier.web.metrics import Metrics

log = structlog.get_logger()


def create_app(engine: Engine, settings: Settings, *, demo: bool = False) -> ASGIApp:
    """Return the application that serves the database behind *engine*."""
    metrics = Metrics()
    committer = Committer(engine, settings.waiting_limit, metrics.observe_commit, _take_back)
    metrics.watch(committer)
    non_agent_api = NonAgentApi(engine, committer, metrics, settings.body_limit)
    requests = Requests(non_agent_api)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        committer.start()
        yield
        await requests.finished(settings.stop_seconds)
        await committer.stop()
        engine.dispose()

    def ready(_: Request) -> Response:
        with reading(engine) as conn:
            conn.execute(sa.text("SELECT 1"))
        if committer.alive:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: nothing can be stored\n", status_code=503)

    def metrics_page(_: Request) -> Response:
        body, kind = metrics.page()
        return Response(body, media_type=kind)

    requests.app = Starlette(
        routes=[
            Route("/", pages.start(demo)),
            Route("/postman_collection.json", pages.postman(demo)),
            Route("/healthz", lambda _: PlainTextResponse("ok\n")),
            Route("/readyz", ready),
            Route("/metrics", metrics_page),
        ],
        lifespan=lifespan,
    )
    return requests


def _take_back(conn: Connection) -> None:
    for batch in journal.take_back(conn):
        log.warning("batch_taken_back", batch=batch.batch_id, removed=batch.removed, kept=batch.kept)


class Requests:
    """The outermost layer: counts what is running, logs each request, and folds doubled slashes.

    The Non-Agent API is called from here, before Starlette's own layers, which would cost each of its
    requests a tenth more.
    """

    app: ASGIApp

    def __init__(self, non_agent_api: ASGIApp) -> None:
        self._non_agent_api = non_agent_api
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def finished(self, seconds: float) -> None:
        """Wait until no request is running, *seconds* at most."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            log.warning("stopped_with_requests_running", running=self._running)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if "//" in scope["path"]:  # a published VICIdial client asks for //vicidial/non_agent_api.php
            scope = {**scope, "path": re.sub("/+", "/", scope["path"])}
        started = time.perf_counter()
        status = 500
        query = scope["didier.query"] = mask_secrets(scope["query_string"])

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        self._running += 1
        self._idle.clear()
        try:
            app = self._non_agent_api if scope["path"] == PATH else self.app
            await app(scope, receive, watch)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                query=query,
                status=status,
                milliseconds=round((time.perf_counter() - started) * 1000, 1),
                client=scope["client"][0] if scope.get("client") else None,
            )
