"""``/users``: who may sign in, and what they may do."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self
from urllib.parse import quote

from fastapi import Path, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import grants
from didier.domain.grants import GRANTS
from didier.errors import InvalidField, Refusal
from didier.masking import MASK
from didier.runtime.logins import Login
from didier.services.users import accounts
from didier.services.users.authentication import Caller
from didier.storage.users.users import StoredPassword
from didier.web.api import answers, cursors, problems
from didier.web.api.answers import Answer
from didier.web.api.callers import clean_password
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Body, Cursor, IdempotencyKey, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes

router = signed_routes("/users", "users")

SCOPE = "users"
ADD, UPDATE = Permission("add_user", SCOPE), Permission("update_user", SCOPE)

Name = Annotated[str, Path(min_length=1, max_length=20, description="The user's name", examples=["crm"])]


@dataclass
class UserShown:
    """A user; the password is never shown."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                "user": "crm",
                "full_name": "CRM",
                "user_level": 8,
                "user_group": "ADMIN",
                "active": "Y",
                "email": "",
                "api_allowed_functions": ["copy_did"],
                "vdc_agent_api_access": True,
                "modify_inbound_dids": True,
                "delete_inbound_dids": False,
                "view_reports": False,
                "modify_users": False,
                "delete_users": False,
                "ast_admin_access": False,
            }
        }
    )

    user: str
    full_name: str
    user_level: int
    user_group: str
    active: str
    email: str
    api_allowed_functions: Annotated[list[str], Field(description="`ALL_FUNCTIONS` stands for all")]
    vdc_agent_api_access: bool
    modify_inbound_dids: bool
    delete_inbound_dids: bool
    view_reports: bool
    modify_users: bool
    delete_users: bool
    ast_admin_access: bool

    @classmethod
    def of(cls, found: accounts.Shown) -> Self:
        """Return a user as the API shows them; their rights stand under VICIdial's columns."""
        profile, user = found.profile, found.account.user
        return cls(
            user=profile.name,
            full_name=profile.full_name,
            user_level=profile.level,
            user_group=profile.group,
            active=profile.active,
            email=profile.email,
            api_allowed_functions=sorted(user.functions),
            **{grant.column: getattr(user, grant.setting) for grant in GRANTS},
        )


@dataclass
class Users(Page):
    """A page of the list of users."""

    items: list[UserShown]


class _Settings(Body):
    """Settings of a user to be set; nobody gives a right that they do not have."""

    password: str | None = Field(
        None, min_length=1, max_length=100, description="Never shown; a new one ends a lock-out"
    )
    full_name: str | None = Field(None, max_length=50)
    user_level: int | None = Field(None, ge=1, le=9)
    user_group: str | None = Field(None, min_length=1, max_length=20)
    active: Literal["Y", "N"] | None = Field(None, description="Whether the user may sign in")
    email: str | None = Field(None, max_length=100)
    api_allowed_functions: list[Annotated[str, Field(pattern=r"^[A-Za-z_]{1,40}$")]] | None = Field(
        None, max_length=100, description="`ALL` for all. A DID function switches `modify_inbound_dids` on"
    )
    vdc_agent_api_access: bool | None = Field(None, description="API Access")
    modify_inbound_dids: bool | None = Field(None, description="Modify DIDs")
    delete_inbound_dids: bool | None = Field(None, description="Delete DIDs")
    view_reports: bool | None = Field(None, description="View Reports")
    modify_users: bool | None = Field(None, description="Modify Users")
    delete_users: bool | None = Field(None, description="Delete Users")
    ast_admin_access: bool | None = Field(None, description="AGC Admin Access")


class UserChange(_Settings):
    """Settings of a user to be set; nobody gives a right that they do not have."""

    model_config = ConfigDict(json_schema_extra={"example": {"user_level": 8, "active": "N"}})

    revoke_tokens: bool = Field(
        False, description="Only with `password`: revoke all tokens of the user in the same transaction"
    )


class NewUser(_Settings):
    """A user to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "user": "crm",
                "password": "correct-horse-battery",
                "user_group": "ADMIN",
                "vdc_agent_api_access": True,
                "api_allowed_functions": ["copy_did"],
            }
        }
    )

    user: str = Field(min_length=2, max_length=20, description="Letters, digits, - and _")
    password: str = Field(min_length=1, max_length=100, description="Never shown")
    user_group: str = Field(min_length=1, max_length=20)
    full_name: str | None = Field(None, max_length=50, description="By default the name of the user")
    user_level: int = Field(8, ge=1, le=9, description="The API needs 8")


def values_of(sent: _Settings) -> dict[str, str]:
    """Return the columns that were sent as the services take them."""
    values: dict[str, str] = {}
    for column in sent.model_fields_set - {"password", "user", "revoke_tokens"}:
        value = getattr(sent, column)
        if value is None:
            continue
        if column == grants.FUNCTIONS:
            values[column] = " ".join(value)
        else:
            values[column] = str(int(value)) if isinstance(value, bool) else str(value)
    return values


@router.get("", operation_id="listUsers", summary="List users", response_model=Users, responses=refusals())
async def list_users(
    request: Request, login: Signed, limit: Limit = PAGE_DEFAULT, cursor: Cursor = None
) -> Response:
    """List the users that the caller sees, by name."""
    after = cursors.read(cursor, "user", (str,))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = accounts.page(conn, caller.user, limit, str(after[0]) if after else None)
        if isinstance(found, Refusal):
            return found
        rows, last = found
        following = cursors.write("user", [last]) if last else None
        return page_answer(request, Users(list(map(UserShown.of, rows)), following))

    return await context_of(request).read(request, login, Permission("user_details", SCOPE), read)


@router.get(
    "/{name}", operation_id="getUser", summary="Show a user", response_model=UserShown,
    responses=refusals(404),
)  # fmt: skip
async def get_user(request: Request, login: Signed, name: Name) -> Response:
    """Show a user and their rights."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = accounts.one(conn, caller.user, name)
        return found if isinstance(found, Refusal) else answers.json(UserShown.of(found))

    return await context_of(request).read(request, login, Permission("user_details", SCOPE, name), read)


@router.post(
    "", operation_id="addUser", summary="Create a user", status_code=201, response_model=UserShown,
    dependencies=[requires(ADD)],
    responses={201: {"headers": {"Location": {"schema": {"type": "string"}}}}, **refusals(409, 415)},
)  # fmt: skip
async def add_user(
    request: Request, login: Signed, body: NewUser, idempotency_key: IdempotencyKey = None
) -> Response:
    """Create a user. A DID function among the allowed ones switches Modify DIDs on."""
    permission = ADD.about_that(body.user)
    password = await stored_password(request, login, permission, body.password)
    if isinstance(password, Response):
        return password
    values = {"user_level": "8", "full_name": body.user, "api_allowed_functions": "", **values_of(body)}

    def serialize(conn: Connection, done: accounts.UserChanged) -> Answer:
        made = UserShown.of(accounts.written(conn, done.name))
        return answers.json(made, 201, {"location": f"{request.url.path}/{quote(done.name)}"})

    operation = ApiOperation(
        permission,
        accounts.add,
        lambda caller: accounts.AddUserOrder(caller, body.user, password, values),
        serialize,
        pointers={"user": "/user", "user_level": "/user_level"},
    )
    content = body.model_dump_json(exclude={"password"}).encode()
    return await context_of(request).write(request, login, operation, content)


@router.patch(
    "/{name}", operation_id="changeUser", summary="Change a user", response_model=UserShown,
    dependencies=[requires(UPDATE)],
    responses=refusals(404, 415),
)  # fmt: skip
async def change_user(request: Request, login: Signed, name: Name, body: UserChange) -> Response:
    """Set settings of a user; those that are not named stay as they are."""
    permission = UPDATE.about_that(name)
    password: StoredPassword | Response | None = None
    if body.password is not None:
        password = await stored_password(request, login, permission, body.password)
    if isinstance(password, Response):
        return password
    stored, values = password, values_of(body)

    def serialize(conn: Connection, done: accounts.UserChanged) -> Answer:
        return answers.json(UserShown.of(accounts.written(conn, done.name)))

    operation = ApiOperation(
        permission,
        accounts.update,
        lambda caller: accounts.UpdateUserOrder(
            caller, name, stored, values, revoke_tokens=body.revoke_tokens
        ),
        serialize,
        pointers={"user_level": "/user_level"},
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{name}/second-factor", operation_id="resetSecondFactor", summary="Reset a user's second factor",
    status_code=204, response_class=Response, responses=refusals(404),
)  # fmt: skip
async def reset_second_factor(request: Request, login: Signed, name: Name) -> Response:
    """Let a user who has lost their second factor sign in with the password alone."""
    operation = ApiOperation(
        UPDATE.about_that(name),
        accounts.reset_second_factor,
        lambda caller: accounts.ResetOrder(caller, name),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{name}/lock", operation_id="unlockUser", summary="Unlock a user", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def unlock_user(request: Request, login: Signed, name: Name) -> Response:
    """Let a user who is locked out after ten wrong passwords sign in again at once."""
    operation = ApiOperation(
        UPDATE.about_that(name),
        accounts.unlock,
        lambda caller: accounts.UnlockUserOrder(caller, name),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)


async def stored_password(
    request: Request, login: Login, permission: Permission, password: str, name: str = "password"
) -> StoredPassword | Response:
    """Hash a new password, the field *name*, for callers who may set one: it is slow."""
    caller = await context_of(request).authorize(request, login, permission)
    if isinstance(caller, Response):
        return caller
    stored = await context_of(request).to_store(password)
    if stored is None:
        return _bad_password(name, "none while VICIdial's hashing is set up wrongly")
    if (stored.plain or stored.vicidial) and clean_password(password) != password:
        return _bad_password(name, "letters, digits, - and _: VICIdial's own pages drop all others")
    return stored


def _bad_password(name: str, allowed: str) -> Response:
    return problems.refusal(InvalidField(name, MASK, allowed)).response
