"""The JSON API and its documentation as one ASGI application."""

from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from didier.runtime.runtime import Runtime
from didier.web.api import docs, problems
from didier.web.api.context import ApiContext
from didier.web.api.limits import RateLimiter
from didier.web.bodies import BodyLimit
from didier.web.later import Later

if TYPE_CHECKING:
    from fastapi import FastAPI


class JsonApi:
    """The application; it answers at `docs.PREFIX`, at ``/docs`` and at ``/problems/``."""

    def __init__(self, runtime: Runtime, body_limit: BodyLimit) -> None:
        limits = runtime.settings
        self._limiter = RateLimiter(self._routed, limits.rate_limit, body_limit, limits.upload_limit)
        self._docs = docs.application()
        self._routes = Later(self._make_routes)
        self.context = ApiContext(runtime, self._limiter.remember)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        in_api = scope["path"].startswith("/api/")
        await (self._limiter if in_api else self._docs)(scope, receive, send)

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        routes = await self._routes.get()
        await routes(scope, receive, send)

    def _make_routes(self) -> "FastAPI":
        # Imported here: FastAPI and all shapes of requests and answers take as long as everything else.
        from didier.web.api.routes import application

        routes = application()
        routes.state.context = self.context
        return routes


def is_its(path: str) -> bool:
    """Say whether requests of *path* are for `JsonApi`."""
    return path.startswith(("/api/", "/docs", problems.BASE))
