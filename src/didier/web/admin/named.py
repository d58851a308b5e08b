"""Lists of what DIDs name, as schedules: by name, page by page."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy.engine import Connection
from starlette.requests import Request

from didier.errors import Refusal
from didier.services.dids.named import Named, NamedThings
from didier.services.users.authentication import Caller
from didier.web.admin.page import PanelPage, may
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.schemas import SEARCH_MOST

PAGE = 50

Thing = TypeVar("Thing", bound=Named)


@dataclass(frozen=True, slots=True)
class NamedList(Generic[Thing]):
    """A page of a list: its *things*, and what templates ask besides."""

    things: list[Thing]
    context: dict[str, Any]


async def read(page: PanelPage, request: Request, things: NamedThings[Thing]) -> NamedList[Thing]:
    """Return those of *things* that the caller sees, as the address of *page* wants them."""
    order = things.table.table
    after, wanted = _after(request, order), request.query_params.get("search", "")[:SEARCH_MOST]

    def found(conn: Connection, caller: Caller) -> NamedList[Thing] | Refusal:
        some = things.page(conn, caller, wanted, PAGE, after)
        if isinstance(some, Refusal):
            return some
        listed, last = some
        are_kept = things.are_kept(conn)
        return NamedList(listed, {
            "are_kept": are_kept, "may_add": are_kept and may(request, "update_did"), "wanted": wanted,
            "is_first": not after, "following": cursors.write(order, [last]) if last else None,
        })  # fmt: skip

    return await page.read(request, found)


def _after(request: Request, order: str) -> str:
    """Return the name behind which the page begins; an old address begins at the first."""
    try:
        place = cursors.read(request.query_params.get("after"), order, (str,))
    except BadCursor:
        return ""
    return str(place[0]) if place else ""
