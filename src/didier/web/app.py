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
from didier.errors import Unavailable
from didier.logging import request as log_request
from didier.masking import Masking, mask_path
from didier.runtime.batch_worker import Runner
from didier.runtime.committer import GROUP_LIMIT, Committer
from didier.runtime.degraded_reads import Reads
from didier.runtime.password_verifier import Passwords
from didier.services.batches import journal
from didier.services.system.installation_key import KeyFile
from didier.storage.batches import batches
from didier.storage.database import reading
from didier.storage.statements import is_transactional
from didier.storage.system.health import can_store
from didier.storage.tables import DIDS
from didier.vicidial.call import MASKING
from didier.web import framing, pages
from didier.web.admin import panel
from didier.web.admin.panel import Panel
from didier.web.admin.signing import Signing
from didier.web.api.app import JsonApi, is_its
from didier.web.bodies import BodyLimit
from didier.web.codes import Codes
from didier.web.edge import Edge, with_headers
from didier.web.legacy import PATH, NonAgentApi
from didier.web.metrics import Metrics

log = structlog.get_logger()


def create_app(engine: Engine, settings: Settings, *, demo: bool = False) -> "Requests":
    """Return the application that serves the database behind *engine* while its `lifespan` lasts."""
    metrics = Metrics()
    committer = Committer(
        engine, settings.waiting_limit, metrics.observe_commit, _take_back, _group_limit(engine)
    )
    metrics.watch(committer)
    passwords = Passwords(engine, committer)
    codes = Codes(engine, KeyFile.of(settings.key_file, engine.url))
    body_limit = BodyLimit(settings.body_limit, settings.body_seconds)
    reads = Reads(engine, committer)
    non_agent_api = NonAgentApi(engine, committer, reads, passwords, metrics, body_limit)

    def look() -> None:
        with reading(engine) as conn:
            conn.execute(sa.text("SELECT 1"))

    async def ready(_: Request) -> Response:
        try:
            await asyncio.to_thread(look)
            if committer.trouble:
                await committer.run(can_store, None)
        except Unavailable as error:
            return PlainTextResponse(f"not ready: {error}\n", status_code=503)
        if committer.alive:
            return PlainTextResponse("ready\n")
        return PlainTextResponse("not ready: nothing can be stored\n", status_code=503)

    def metrics_page(_: Request) -> Response:
        body, kind = metrics.page()
        return Response(body, media_type=kind)

    pages_app = Starlette(
        routes=[
            Route("/", pages.start(demo)),
            Route("/postman_collection.json", pages.postman(demo)),
            Route("/healthz", lambda _: PlainTextResponse("ok\n")),
            Route("/readyz", ready),
            Route("/metrics", metrics_page),
        ]
    )
    runner = Runner(engine, committer)
    json_api = JsonApi(engine, committer, reads, passwords, codes, runner, body_limit, settings)
    admin = Panel(json_api, Signing(committer, reads, passwords, codes), body_limit)
    return Requests(non_agent_api, json_api, admin, pages_app, committer, runner, engine, Edge(settings))


def _take_back(conn: Connection) -> bool:
    """Take back what a crash has left; say whether nothing of it remains."""
    for batch in journal.take_back(conn):
        log.warning("batch_taken_back", batch=batch.batch_id, removed=batch.removed, kept=batch.kept)
    return not batches.any_running(conn)


def _group_limit(engine: Engine) -> int:
    """Return how many orders may share a commit: one where a failure would not undo the others."""
    with reading(engine) as conn:
        return GROUP_LIMIT if is_transactional(conn, DIDS) else 1


_LOGGED = Masking()
"""How the queries of other pages are logged: no list tells what they take, so that no name is unknown."""

_NOT_WHOLE = PlainTextResponse("The request did not come whole, or not in time: nothing was done.\n", 400)
"""The answer to who may be gone already: what comes of half a request is nothing."""


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
        committer: Committer,
        runner: Runner,
        engine: Engine,
        edge: Edge,
    ) -> None:
        self._non_agent_api = non_agent_api
        self._json_api = json_api
        self._admin = admin
        self._pages_app = pages_app
        self._committer = committer
        self._runner = runner
        self._engine = engine
        self._edge = edge
        self.running = 0

    @asynccontextmanager
    async def lifespan(self, *, batches: bool = True) -> AsyncIterator[None]:
        """Carry out orders; at the end finish those that were accepted.

        Without *batches* the large ones that wait are left alone until a request wants one worked on.
        """
        self._committer.start()
        if batches:
            self._runner.start()
        yield
        await asyncio.to_thread(self._runner.stop)
        await self._committer.stop()
        self._engine.dispose()

    def ending(self) -> None:
        """Bring answers without end, and large batches, to a stop."""
        self._runner.end()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if "//" in scope["path"]:  # a published VICIdial client asks for //vicidial/non_agent_api.php
            scope = {**scope, "path": re.sub("/+", "/", scope["path"])}
        scope = self._edge.seen(scope)
        chunked = framing.is_chunked(scope)
        started = time.perf_counter()
        status: int | None = None
        masking = MASKING if scope["path"] == PATH else _LOGGED
        query = scope["didier.query"] = masking.query(scope["query_string"])

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = with_headers(scope, message["headers"])
                if chunked:
                    message["headers"].append(framing.CLOSE)
            await send(message)

        self.running += 1
        try:
            refused = self._edge.foreign(scope) or framing.refusal(scope)
            app = refused or self._app(scope["path"])
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
