"""What is answered to a request, before it becomes an HTTP response; and as it is kept for repeating."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy.engine import Connection
from starlette.responses import Response

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers that matter.

    *repeated* is the body that a repeated request gets instead, where the first one holds a secret.
    """

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON
    repeated: bytes | None = field(default=None, repr=False)

    @property
    def response(self) -> Response:
        """The answer as HTTP."""
        kind = self.media_type if self.body else None
        return Response(self.body, self.status, dict(self.headers), kind)

    @property
    def title(self) -> str:
        """The title of the problem that is answered, empty for none."""
        return str(orjson.loads(self.body).get("title", "")) if self.status >= 400 else ""

    def kept(self) -> str:
        """Return the answer as the text that is stored for a request with an idempotency key."""
        body = self.body if self.repeated is None else self.repeated
        return orjson.dumps([self.status, dict(self.headers), self.media_type, body.decode()]).decode()

    @classmethod
    def of_kept(cls, text: str) -> "Answer":
        """Read an answer that was kept; it says that it was given before."""
        status, headers, media_type, body = orjson.loads(text)
        return cls(status, body.encode(), {**headers, "idempotency-replayed": "true"}, media_type)


def json(shape: "DataclassInstance", status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with *shape*, which the OpenAPI document describes, as JSON."""
    return Answer(status, to_json(shape), headers or {})


def to_json(shape: "DataclassInstance") -> bytes:
    """Return *shape* as it is sent.

    Shapes of answers are plain dataclasses, which FastAPI describes as it does models: a page of 1,000 models
    takes three times as long to make. They have no slots, as orjson reads those one attribute at a time.
    """
    return orjson.dumps(shape)


def done(conn: Connection, outcome: Any) -> Answer:
    """Return the answer that it is done and there is nothing to show."""
    return Answer(204)
