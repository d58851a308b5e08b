"""The whole application in this process: requests without sockets, through everything a server has."""

import asyncio
import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

import orjson
from sqlalchemy.engine import Engine

from didier.config import Settings
from didier.runtime.runtime import Runtime
from didier.services.users.sessions import SessionSecret
from didier.web.admin import cookies
from didier.web.app import Requests, create_app

HOST = "127.0.0.1:8080"


@dataclass(frozen=True)
class Answer:
    """An answer; the names of *headers* are in small letters."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The body, read as JSON."""
        return orjson.loads(self.text)


class Application:
    """Sends requests to the application, one after the other."""

    def __init__(self, app: Requests, runner: asyncio.Runner) -> None:
        self._app = app
        self._runner = runner

    def ask(
        self, method: str, path: str, headers: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Send a request; *body* is sent as JSON, or as it is when it is bytes."""
        return self._runner.run(self._ask(method, path, dict(headers or {}), body))

    def legacy(self, user: str, password: str, function: str, **parameters: str) -> str:
        """Call the Non-Agent API; return the body."""
        given = {"user": user, "pass": password, "source": "test", "function": function, **parameters}
        return self.ask("GET", f"/vicidial/non_agent_api.php?{urlencode(given)}").text

    def enter(self, user: str, password: str) -> dict[str, str] | None:
        """Sign in to the panel; return the headers of the session's requests, None when refused."""
        answer = self.entering(user, password)
        if answer.status != 303:
            return None
        session = answer.headers["set-cookie"].partition(";")[0]
        return {"cookie": session, cookies.HEADER: cookies.token_of(SessionSecret(session.partition("=")[2]))}

    def entering(self, user: str, password: str) -> Answer:
        """Send the panel's sign-in form; return the answer."""
        visit = self.ask("GET", "/admin/login").headers["set-cookie"].partition(";")[0]
        token = cookies.token_of(SessionSecret(visit.partition("=")[2]))
        form = urlencode({cookies.FIELD: token, "user": user, "password": password}).encode()
        headers = {"cookie": visit, "content-type": "application/x-www-form-urlencoded"}
        return self.ask("POST", "/admin/login", headers, form)

    async def _ask(self, method: str, path: str, headers: dict[str, str], body: Any) -> Answer:
        content = body if isinstance(body, bytes) else b"" if body is None else orjson.dumps(body)
        if content:
            headers.setdefault("content-type", "application/json")
        headers |= {"host": HOST, "content-length": str(len(content))}
        route, _, query = path.partition("?")
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
            "scheme": "http", "path": unquote(route), "raw_path": route.encode(),
            "query_string": query.encode(),
            "root_path": "", "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
            "server": ("127.0.0.1", 8080), "client": ("192.0.2.1", 5000), "state": {},
        }  # fmt: skip
        sent = [{"type": "http.request", "body": content, "more_body": False}]
        got: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if sent:
                return sent.pop()
            return await asyncio.Event().wait() or {}  # the client is there until the answer has come

        async def send(message: Any) -> None:
            got.append(message)

        await self._app(scope, receive, send)
        found = {name.decode().lower(): value.decode() for name, value in got[0]["headers"]}
        text = b"".join(message.get("body", b"") for message in got[1:]).decode("utf-8", "replace")
        return Answer(got[0]["status"], found, text)


def basic(user: str, password: str) -> dict[str, str]:
    """Return the header that signs in with a password."""
    return {"authorization": f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """Return the header that signs in with a token."""
    return {"authorization": f"Bearer {token}"}


@contextmanager
def serving(engine: Engine, **settings: Any) -> Iterator[Application]:
    """The application on *engine*, without a limit on the rate of requests."""
    runtime = Runtime(engine, Settings(rate_limit=0, **settings))
    app = create_app(runtime)
    with asyncio.Runner() as runner:
        lifespan = runtime.running()
        runner.run(lifespan.__aenter__())
        try:
            yield Application(app, runner)
        finally:
            runner.run(lifespan.__aexit__(None, None, None))
