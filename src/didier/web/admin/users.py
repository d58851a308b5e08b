"""``/users`` and ``/user``: who may sign in, what they may do, their locks and tokens."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy.engine import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette_admin.routing import route

from didier.domain import grants
from didier.domain.grants import ALL, DID_FUNCTIONS, GRANTS, MODIFY_DIDS, Grant
from didier.domain.losses import losses
from didier.domain.scopes import SCOPES
from didier.domain.users import ALL_FUNCTIONS, HIGHEST_LEVEL, User
from didier.errors import Refusal
from didier.services.users import accounts, authority, second_factor, tokens
from didier.services.users.authentication import Caller
from didier.storage.users.tokens import Token
from didier.vicidial.functions import FUNCTIONS
from didier.web.admin.page import PanelPage, caller_of, may
from didier.web.api import cursors
from didier.web.api.cursors import BadCursor
from didier.web.api.operations import Permission
from didier.web.api.users import UserChange, UserShown

PAGE = 50
VALID = "valid"
"""The state of a token that is accepted."""

LEVEL = 8
"""The level of a new user: the API asks for it."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A right that is on or off, and whether the caller may give it."""

    grant: Grant
    value: bool
    givable: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """An API function, whether it is allowed, whether the caller may allow it, whether it is one for DIDs."""

    name: str
    value: bool
    givable: bool
    for_dids: bool


class UsersPage(PanelPage):
    """The list of users, and a form for a new one."""

    path = "/users"
    menu_label = "Users"
    icon = "fa-solid fa-users"
    guide = "panel#users"
    permission = Permission("user_details", "users")

    @route("")
    async def index(self, request: Request) -> Response:
        """Show the users that the caller sees, by name."""
        after = _after(request)

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = accounts.page(conn, caller.user, PAGE, after)
            if isinstance(found, Refusal):
                return found
            rows, last = found
            return {
                "rows": list(map(UserShown.of, rows)),
                "locked": accounts.locked(conn, rows, datetime.now()),
                "following": cursors.write("user", [last]) if last else None,
            }

        found = await self.read(request, read)
        return self.render(
            request, "users.html", "Users", **found, is_first=after is None, may_add=may(request, "add_user"),
            all_functions=ALL_FUNCTIONS,
        )  # fmt: skip

    @route("/new")
    async def new(self, request: Request) -> Response:
        """Show the form for a new user."""
        self.demand(request, "add_user")
        caller = caller_of(request).user
        row = {"user": "", "full_name": "", "user_level": LEVEL, "user_group": caller.group, "active": "Y"}
        return self.render(
            request, "user.html", "New user", row=row, name="", locked=False, factor=None, tokens=None,
            may_change=True, is_self=False, **_form(caller, LEVEL, {}, frozenset(), caller.may_give),
        )  # fmt: skip


class UserPage(PanelPage):
    """A user."""

    path = "/user"
    guide = "panel#users"
    add_to_menu = False
    permission = Permission("user_details", "users")

    @route("/{name}")
    async def index(self, request: Request) -> Response:
        """Show the form of a user, with their lock and tokens."""
        name, now = request.path_params["name"], datetime.now()

        def read(conn: Connection, caller: Caller) -> dict[str, Any] | Refusal:
            found = accounts.one(conn, caller.user, name)
            if isinstance(found, Refusal):
                return found
            row, user = asdict(UserShown.of(found)), caller.user
            [kept] = tokens.listed(conn, [tokens.ListOrder(caller, found.profile.name)], now)
            listed = None if isinstance(kept, Refusal) else by_state(kept, now)
            return {
                "row": row,
                "name": row["user"],
                "locked": bool(accounts.locked(conn, [found], now)),
                "tokens": listed,
                "valid_tokens": sum(state == VALID for _, state in listed or ()),
                "factor": second_factor.state(conn, found.account.user_id),
                "may_change": may(request, "update_user")
                and user.may_change(row["user_level"])
                and authority.beyond_reach(caller, "update_user", found.account.user) is None,
                "is_self": found.account.user_id == user.user_id,
                **_form(user, row["user_level"], row, found.account.user.functions, user.may_change),
            }

        found = await self.read(request, read)
        return self.render(request, "user.html", found["name"], **found)

    @route("/{name}/losses")
    async def losses(self, request: Request) -> Response:
        """Return what the user would lose by the changes in the query, as the JSON API takes them."""
        name = request.path_params["name"]
        try:
            wanted = UserChange.model_validate_json(request.query_params.get("changes", ""))
        except ValidationError:
            raise HTTPException(422, "The changes cannot be read.") from None

        def read(conn: Connection, caller: Caller) -> tuple[str, ...] | Refusal:
            found = accounts.one(conn, caller.user, name)
            changes = wanted.model_dump(exclude_none=True)
            return found if isinstance(found, Refusal) else losses(asdict(UserShown.of(found)), changes)

        return JSONResponse({"losses": await self.read(request, read)})


def _after(request: Request) -> str | None:
    """Return the name behind which the page begins; an old address begins at the first."""
    try:
        found = cursors.read(request.query_params.get("after"), "user", (str,))
    except BadCursor:
        return None
    return str(found[0]) if found else None


def _form(
    caller: User, level: int, row: dict[str, Any], functions: Collection[str], may_level: Any
) -> dict[str, Any]:
    """Return what the fields of the form offer."""
    everything = not ALL_FUNCTIONS.isdisjoint(functions)
    names = [*FUNCTIONS, *sorted(set(functions) - set(FUNCTIONS) - ALL_FUNCTIONS)]
    ticks = [Tick(ALL, everything, grants.may_allow(caller, ALL), for_dids=True)]
    ticks += [
        Tick(name, name in functions, grants.may_allow(caller, name), name in DID_FUNCTIONS) for name in names
    ]
    return {
        "levels": [(one, one == level or may_level(one)) for one in range(1, HIGHEST_LEVEL + 1)],
        "switches": [
            Switch(grant, bool(row.get(grant.column)), grants.may_give(caller, grant)) for grant in GRANTS
        ],
        "ticks": ticks,
        "modify_dids": MODIFY_DIDS,
        "scopes": SCOPES,
        "name_limit": tokens.NAME_LIMIT,
    }


def by_state(found: Sequence[Token], now: datetime) -> list[tuple[Token, str]]:
    """Return tokens with the state of each, those that work first."""
    states = {token.token_id: _state(token, now) for token in found}
    ordered = sorted(found, key=lambda token: states[token.token_id] != VALID)
    return [(token, states[token.token_id]) for token in ordered]


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    return "expired" if token.expires_at is not None and token.expires_at <= now else VALID
