"""``/me/preferences``: what the caller has chosen to see, and what others share."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from fastapi import Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.errors import Refusal, UserNotFound
from didier.runtime.logins import LocalLogin
from didier.services.users import preferences
from didier.services.users.authentication import Caller
from didier.services.users.preferences import NAME_LIMIT, VALUE_LIMIT, DeleteOrder, PutOrder, Shown
from didier.web.api import answers, problems
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.schemas import Body, refusals
from didier.web.api.signed import Signed, requires, signed_routes

router = signed_routes("/me/preferences", "me")

NO_SCOPE = None
Kind = Literal["columns", "filter", "mapping"]
Value = dict[str, str | list[str]]


def _own(action: str) -> Permission:
    return Permission(action, NO_SCOPE, checked=False, own=True)


LIST, SET, DELETE = _own("list_preferences"), _own("set_preference"), _own("delete_preference")


class NewPreference(Body):
    """Something that the caller has chosen."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"kind": "filter", "name": "West coast", "value": {"tag": "west"}, "shared": True}
        }
    )

    kind: Kind = Field(
        description="`columns` of a list, a `filter` of DIDs, or the `mapping` of a file's columns"
    )
    name: str = Field(min_length=1, max_length=NAME_LIMIT)
    value: Value = Field(description=f"Texts by name, {VALUE_LIMIT:,} bytes of JSON at most")
    shared: bool = Field(False, description="Whether others see it who see the caller's user group; filters")


@dataclass
class PreferenceShown:
    """A preference."""

    kind: Kind
    name: str
    value: Value
    shared: bool
    user: Annotated[str, Field(description="Whose it is")]
    own: bool

    @classmethod
    def of(cls, shown: Shown) -> Self:
        """Return a preference as the API shows it."""
        one = shown.preference
        kind: Kind = one.kind  # type: ignore[assignment]  # nothing else is stored
        return cls(kind, one.name, dict(one.value), one.shared, shown.user, shown.is_own)


@dataclass
class Preferences:
    """The caller's own preferences, and those that others share, by name."""

    items: list[PreferenceShown]
    available: Annotated[bool, Field(description="Whether preferences can be stored in this database")]


@router.get(
    "", operation_id="listPreferences", summary="List my preferences", response_model=Preferences,
    responses=refusals(404),
)  # fmt: skip
async def list_preferences(request: Request, login: Signed, kind: Kind) -> Response:
    """List what the caller has chosen, and what users share whom the caller sees."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        if isinstance(login, LocalLogin):
            return UserNotFound(caller.name)
        found = preferences.listed(conn, caller, kind)
        return answers.json(
            Preferences(list(map(PreferenceShown.of, found)), available=preferences.are_kept(conn))
        )

    return await context_of(request).read(request, login, LIST, read)


@router.put(
    "", operation_id="setPreference", summary="Store a preference", response_model=PreferenceShown,
    dependencies=[requires(SET)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def set_preference(request: Request, login: Signed, body: NewPreference) -> Response:
    """Store a preference of the caller's own, in the place of the one with its kind and name.

    A user has 100 of each kind at most; the oldest mapping makes room for a new one.
    """
    if isinstance(login, LocalLogin):
        return problems.refusal(UserNotFound(login.caller.name)).response

    def serialize(conn: Connection, shown: Shown) -> Answer:
        return answers.json(PreferenceShown.of(shown))

    operation = ApiOperation(
        SET.about_that(body.kind),
        preferences.put,
        lambda caller: PutOrder(caller, body.kind, body.name, body.value, body.shared),
        serialize,
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "", operation_id="deletePreference", summary="Delete a preference", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def delete_preference(
    request: Request,
    login: Signed,
    kind: Kind,
    name: Annotated[str, Query(min_length=1, max_length=NAME_LIMIT)],
) -> Response:
    """Delete a preference of the caller's own."""
    if isinstance(login, LocalLogin):
        return problems.refusal(UserNotFound(login.caller.name)).response
    operation = ApiOperation(
        DELETE.about_that(kind),
        preferences.delete,
        lambda caller: DeleteOrder(caller, kind, name),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)
