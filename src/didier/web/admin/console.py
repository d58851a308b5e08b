"""``/console``: the tutorial as a page. A call of the Non-Agent API is put together, shown and sent."""

import json

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier import tutorial
from didier.errors import NotPermitted, Refusal
from didier.masking import MASK
from didier.services.dids import lookup
from didier.vicidial.call import SECRETS
from didier.vicidial.functions import FUNCTIONS
from didier.vicidial.parameters import BY_NAME, FORMS
from didier.web.admin.cookies import is_secure
from didier.web.admin.page import PanelPage, caller_of, may
from didier.web.api.operations import Permission
from didier.web.legacy import PATH
from didier.web.pages import exported

VALUE_MOST = 2_000
"""Most characters of a value in an export."""


class Console(PanelPage):
    """The form; its script sends what was written to the API itself, as any other client would.

    The password is typed by the user for each visit; the panel neither gets nor keeps it.
    """

    path = "/console"
    guide = "panel#api-console"
    menu_label = "API console"
    icon = "fa-solid fa-terminal"
    permission = Permission("console", None, checked=False)

    def refusal(self, request: Request) -> NotPermitted | None:
        """Name what the user lacks, if they may call no function at all."""
        if any(may(request, function) for function in FUNCTIONS):
            return None
        return Permission("copy_did", None).missing(caller_of(request))

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the form of the function that is chosen."""
        chosen = request.query_params.get("form", "")
        caller = caller_of(request)
        found = await self.desk.context.on_reader(lambda conn: lookup.one(conn, caller, tutorial.SOURCE_DID))
        given = {} if isinstance(found, Refusal) else EXAMPLE
        return self.render(
            request, "console.html", "API console", forms=FORMS,
            chosen=chosen if chosen in BY_NAME else FORMS[0].name,
            values={**given, **request.query_params}, user=caller.name, source=tutorial.SOURCE, api=PATH,
            mask=MASK,
        )  # fmt: skip

    @route("/postman.json")
    async def postman(self, request: Request) -> Response:
        """Return a Postman collection with the request; passwords are variables in it, without values."""
        name = request.query_params.get("form", "")
        if name not in BY_NAME:
            raise HTTPException(404, "There is no such function.")
        form = BY_NAME[name]
        known = {"user", "pass", "source", *(parameter.name for parameter in form.parameters)}
        sent = {key: value[:VALUE_MOST] for key, value in request.query_params.items() if key in known}
        query = {"function": form.function, **sent} | {
            key: f"{{{{{key}}}}}" for key in sent if key in SECRETS
        }
        host = request.headers.get("host", request.url.netloc)
        base = f"{'https' if is_secure(request) else 'http'}://{host}"
        body = json.dumps(exported(base, form.name, query, sorted(SECRETS & sent.keys())), indent=2)
        headers = {"content-disposition": f'attachment; filename="didier-{form.function}.json"'}
        return Response(body, media_type="application/json", headers=headers)


EXAMPLE = {
    "did_pattern": tutorial.SOURCE_DID,
    "source_did_pattern": tutorial.SOURCE_DID,
    "new_did_pattern": tutorial.TARGET_DID,
    "new_dids": tutorial.TARGET_DID,
    "did_active": "Y",
}
"""What the form is filled with where the tutorial's DID is there."""
