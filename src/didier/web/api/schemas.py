"""The shapes that requests and answers share, as the OpenAPI document shows them."""

from typing import Annotated, Any

from fastapi import Header, Query
from pydantic import BaseModel, ConfigDict

from didier.web.api import problems

PAGE_DEFAULT, PAGE_MOST = 50, 1_000
"""How long a page of a list is, and may be."""

SEARCH_MOST = 100
"""Most characters of a text that is searched."""

CURSOR_MOST = 500


class Body(BaseModel):
    """A body of a request: fields that do not exist are refused by name."""

    model_config = ConfigDict(extra="forbid")


Limit = Annotated[int, Query(ge=1, le=PAGE_MOST, description="Most items in the page")]
Cursor = Annotated[
    str | None, Query(max_length=CURSOR_MOST, description="`next` of the previous page, unchanged")
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A request with the same key and body, within 24 hours, gets the same answer and is not"
        " carried out again",
    ),
]

Responses = dict[int | str, dict[str, Any]]

_REASONS = {
    401: "Nobody has signed in",
    403: "A right is missing; `missing` names the settings that give it",
    404: "There is no such thing",
    408: "The body did not come in time",
    409: "It conflicts with what exists",
    410: "It is not kept any more",
    412: "It was changed in the meantime",
    413: "The body is too large",
    415: "The body is not JSON",
    421: "The request is for another host",
    422: "The request is not valid",
    429: "Too many requests; `Retry-After` says when the next one is taken",
    500: "The server failed",
    503: "The server cannot take it now; `Retry-After` says when to send it again",
}


def refusals(*statuses: int) -> Responses:
    """Return the descriptions of problems: those that every route has, and *statuses*."""
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": _REASONS[status], "content": content}
        for status in sorted({401, 403, 413, 421, 422, 429, 500, 503, *statuses})
    }
