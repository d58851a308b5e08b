"""``/profile``: who one is and may do; password, second factor and tokens, which everybody may change."""

from datetime import datetime
from typing import Any

from sqlalchemy.engine import Connection
from starlette.requests import Request
from starlette.responses import Response
from starlette_admin.routing import route

from didier.domain.grants import GRANTS
from didier.domain.scopes import SCOPES
from didier.domain.users import ALL_FUNCTIONS, User
from didier.errors import Refusal
from didier.services.users import accounts, second_factor, tokens
from didier.services.users.authentication import Caller
from didier.services.users.one_time_codes import STEP_SECONDS
from didier.web.admin.page import PanelPage, caller_of
from didier.web.admin.users import by_state
from didier.web.api.callers import CODE_HEADER
from didier.web.api.operations import Permission
from didier.web.api.users import UserShown

FEW_CODES = 3
"""With so few recovery codes left, the page advises creating new ones."""


class ProfilePage(PanelPage):
    """The page in the menu at the user's name."""

    path = "/profile"
    guide = "panel#my-profile"
    add_to_menu = False
    permission = Permission("profile", None, checked=False, own=True)

    @route("")
    async def index(self, request: Request) -> Response:
        """Show what the user may change about themselves."""

        def read(conn: Connection, caller: Caller) -> dict[str, Any]:
            user = caller.user
            [kept] = tokens.listed(conn, [tokens.ListOrder(caller, user.name)], datetime.now())
            found = accounts.one(conn, user, user.name)
            return {
                "factor": second_factor.state(conn, user.user_id),
                "full_name": "" if isinstance(found, Refusal) else UserShown.of(found).full_name,
                "tokens": None if isinstance(kept, Refusal) else by_state(kept, datetime.now()),
            }

        found, user = await self.read(request, read), caller_of(request).user
        return self.render(
            request, "profile.html", "My profile", **found, user=user, name=user.name, rights=_rights(user),
            few=FEW_CODES, codes=second_factor.CODES, code_header=CODE_HEADER, step_seconds=STEP_SECONDS,
            scopes=SCOPES, name_limit=tokens.NAME_LIMIT,
        )  # fmt: skip


def _rights(user: User) -> list[tuple[str, str]]:
    """Return what *user* may do, as their own administrators see it."""
    functions = "ALL" if not ALL_FUNCTIONS.isdisjoint(user.functions) else ", ".join(sorted(user.functions))
    switches = [(grant.label, "yes" if getattr(user, grant.setting) else "no") for grant in GRANTS]
    return [*switches, ("Allowed API Functions", functions)]
