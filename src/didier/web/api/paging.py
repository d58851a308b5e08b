"""Pages of lists, each with the way to the next one."""

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field
from starlette.requests import Request

from didier.web.api import answers
from didier.web.api.answers import Answer


@dataclass
class Page:
    """A page of a list; each list has a class of its own, which the OpenAPI document names."""

    items: list[Any]
    next: Annotated[str | None, Field(description="`cursor` of the next page; null in the last")]


def page_answer(request: Request, page: Page) -> Answer:
    """Return the answer that is a page of a list, with a link to the next one (RFC 8288)."""
    if page.next is None:
        return answers.json(page)
    query = urlencode([*((k, v) for k, v in request.query_params.multi_items() if k != "cursor"),
                       ("cursor", page.next)])  # fmt: skip
    return answers.json(page, headers={"link": f'<{request.url.path}?{query}>; rel="next"'})
