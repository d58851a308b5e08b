import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest

from support.server import Didier

PREFIX = "/api/v1"
SOURCE = "18001234567"


@dataclass(frozen=True)
class Reply:
    """An answer of the JSON API; the names of *headers* are in lower case."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The body, read as JSON."""
        return json.loads(self.text)

    @property
    def problem(self) -> tuple[int, str]:
        """Status and type of a problem."""
        assert "application/problem+json" == self.headers["content-type"]
        return self.status, self.body["type"].removeprefix("/problems/")


class Api:
    """Speaks to the JSON API as *user*, or with *token*."""

    def __init__(self, server: Didier, user: str = "admin", password: str = "1234", token: str | None = None):
        self.server = server
        if token is None:
            self.sign_in = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
        else:
            self.sign_in = f"Bearer {token}"

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request; *body* is sent as JSON."""
        sent = {"Authorization": self.sign_in, **(headers or {})}
        content = None
        if body is not None:
            content = body if isinstance(body, str) else json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        answer = self.server.exchange(method, f"{PREFIX}{path}", content, sent)
        return Reply(answer.status, answer.headers, answer.text)

    def get(self, path: str, **headers: str) -> Reply:
        """Send a GET."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, key: str | None = None) -> Reply:
        """Send a POST, with the idempotency key *key*."""
        return self.ask("POST", path, body, {"Idempotency-Key": key} if key else None)

    def patch(self, path: str, body: Any, **headers: str) -> Reply:
        """Send a PATCH."""
        return self.ask("PATCH", path, body, headers)

    def add(self, pattern: str, **values: Any) -> Reply:
        """Make a DID."""
        return self.post("/dids", {"did_pattern": pattern, **values})

    def token(self, *scopes: str, **settings: Any) -> "Api":
        """Make a token; return the API with it."""
        made = self.post("/tokens", {"name": "test", "scopes": scopes, **settings})
        assert 201 == made.status, made.text
        return Api(self.server, token=made.body["token"])

    def patterns(self, query: str = "") -> list[str]:
        """Return the patterns in a list of DIDs."""
        return [did["did_pattern"] for did in self.get(f"/dids{query}").body["items"]]


def did(pattern: str) -> str:
    """Return the path of a DID."""
    return f"/dids/{quote(pattern, safe='')}"


@pytest.fixture
def api(server: Didier) -> Api:
    """The API of a fresh server, as the administrator."""
    return Api(server)
