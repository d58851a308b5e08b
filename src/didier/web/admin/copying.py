"""``/copy``: one DID copied to many, with a preview."""

from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.fields import BY_COLUMN
from didier.domain.routes import sentence
from didier.domain.templates import LONGEST
from didier.errors import Refusal
from didier.services.dids import lookup
from didier.web.admin.page import PanelPage, caller_of
from didier.web.api.copies import SHOWN
from didier.web.api.operations import Permission

OVERRIDES = tuple(field for field in BY_COLUMN.values() if field.column != "did_active")
"""The fields in which copies may differ from their source, besides Active, which has a place of its own."""


class CopyPage(PanelPage):
    """The form; its script previews, orders, and leads to the batch."""

    path = "/copy"
    menu_label = "Copy"
    icon = "fa-solid fa-copy"
    guide = "panel#copy"
    permission = Permission("copy_did", "dids:write")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the form, with the source that was chosen and the targets that were named."""
        source = request.query_params.get("source", "")
        targets = "\n".join(request.query_params.getlist("targets"))
        row = None
        if source:
            caller = caller_of(request)
            found = await self.desk.context.on_reader(lambda conn: lookup.one(conn, caller, source))
            row = None if isinstance(found, Refusal) else found
        return self.render(
            request, "copy.html", "Copy a DID", source=source, targets=targets, overrides=OVERRIDES,
            sentence=sentence(row) if row else "", shown=SHOWN, template_longest=LONGEST,
            limit=self.desk.context.batch_limit,
        )  # fmt: skip
