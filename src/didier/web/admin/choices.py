"""``/choices``: what the fields of forms offer, and whether what was written there is allowed."""

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette_admin.routing import route

from didier.domain.fields import BY_COLUMN
from didier.errors import Refusal
from didier.services.dids import choices, lookup, validation
from didier.services.dids.choices import Choice
from didier.services.dids.lookup import Wanted
from didier.services.users.authentication import Caller
from didier.storage.dids.pages import Sort
from didier.web.admin.page import PanelPage, said
from didier.web.api.operations import Permission
from didier.web.api.schemas import SEARCH_MOST

SHOWN = 20
DID = "DID"


class Choices(PanelPage):
    """What scripts of the pages ask for while somebody types."""

    path = "/choices"
    add_to_menu = False
    permission = Permission("list_dids", "dids:read")

    @route("")
    async def index(self, request: Request) -> Response:
        """Return what there is of a kind, as far as it has the text that was typed."""
        kind, text = (request.query_params.get(name, "")[:SEARCH_MOST] for name in ("of", "search"))

        def read(conn: Connection, caller: Caller) -> list[Choice] | Refusal:
            if kind == DID:
                return _dids(conn, caller, text)
            found = choices.found(conn, caller, kind, text, SHOWN) if kind in choices.BY_KIND else []
            return found if isinstance(found, Refusal) else list(found)

        found = await self.read(request, read)
        return JSONResponse([{"value": one.value, "name": one.name} for one in found])

    @route("/check")
    async def check(self, request: Request) -> Response:
        """Return what is wrong with a value of a column, in the words of the services."""
        column, value = request.query_params.get("column", ""), request.query_params.get("value", "")
        if column not in BY_COLUMN:
            return JSONResponse({"text": ""})

        def read(conn: Connection, caller: Caller) -> str:
            [bad] = validation.problems(conn, [{column: value}], [caller.visibility])
            return said(bad) if bad else ""

        return JSONResponse({"text": await self.read(request, read)})


def _dids(conn: Connection, caller: Caller, text: str) -> list[Choice] | Refusal:
    found = lookup.page(conn, caller, Wanted(text or None), Sort(), SHOWN)
    if isinstance(found, Refusal):
        return found
    return [Choice(str(row["did_pattern"]), str(row["did_description"] or "")) for row in found.rows]
