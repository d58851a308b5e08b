"""``/profile``: one's own password and second factor; everybody who signs in may change them."""

from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.services.users import second_factor
from didier.services.users.authentication import Caller
from didier.services.users.one_time_codes import STEP_SECONDS
from didier.web.admin.page import PanelPage, caller_of
from didier.web.api.callers import CODE_HEADER
from didier.web.api.operations import Permission

FEW_CODES = 3
"""With so few recovery codes left, the page advises creating new ones."""


class ProfilePage(PanelPage):
    """The page in the menu at the user's name."""

    path = "/profile"
    add_to_menu = False
    permission = Permission("profile", None, checked=False, own=True)

    @route("")
    async def index(self, request: Request) -> Response:
        """Show what the user may change about themselves."""

        def read(conn: Connection, caller: Caller) -> dict[str, Any]:
            return {"factor": second_factor.state(conn, caller.user.user_id)}

        found = await self.read(request, read)
        return self.render(
            request, "profile.html", "My profile", **found, user=caller_of(request).user, few=FEW_CODES,
            codes=second_factor.CODES, code_header=CODE_HEADER, step_seconds=STEP_SECONDS,
        )  # fmt: skip
