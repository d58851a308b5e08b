"""The JSON API and its documentation as one ASGI application."""

from typing import TYPE_CHECKING

from sqlalchemy.engine import Engine
from starlette.types import Receive, Scope, Send

from didier.config import Settings
from didier.runtime.batch_worker import Runner
from didier.runtime.committer import Committer
from didier.runtime.degraded_reads import Reads
from didier.runtime.password_verifier import Passwords
from didier.web.api import docs, problems
from didier.web.api.door import Door
from didier.web.api.limits import Guard
from didier.web.bodies import BodyLimit
from didier.web.codes import Codes
from didier.web.later import Later

if TYPE_CHECKING:
    from fastapi import FastAPI


class JsonApi:
    """The application; it answers at `docs.PREFIX`, at ``/docs`` and at ``/problems/``."""

    def __init__(
        self,
        engine: Engine,
        committer: Committer,
        reads: Reads,
        passwords: Passwords,
        codes: Codes,
        runner: Runner,
        body_limit: BodyLimit,
        settings: Settings,
    ) -> None:
        self._guard = Guard(self._routed, settings.rate_limit, body_limit, settings.upload_limit)
        self._docs = docs.application()
        self._routes = Later(self._make_routes)
        self.door = Door(engine, committer, reads, passwords, codes, self._guard.remember, runner, settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        in_api = scope["path"].startswith("/api/")
        await (self._guard if in_api else self._docs)(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        routes = await self._routes.get()
        await routes(scope, receive, send)

    def _make_routes(self) -> "FastAPI":
        # Imported here: FastAPI and all shapes of requests and answers take as long as everything else.
        from didier.web.api.routes import application

        routes = application()
        routes.state.door = self.door
        return routes


def is_its(path: str) -> bool:
    """Say whether requests of *path* are for `JsonApi`."""
    return path.startswith(("/api/", "/docs", problems.BASE))
