"""``/me``: the caller's own password and second factor. A password or a session opens it, and no token."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

import segno
from fastapi import Header, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.users import User
from didier.errors import Refusal, UserNotFound
from didier.runtime.logins import LocalLogin, Login, SessionLogin
from didier.services.users import own_password, second_factor
from didier.services.users.authentication import Caller
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.second_factor import Begun, CodeOrder, Set, State
from didier.web.api import answers, problems
from didier.web.api.answers import Answer
from didier.web.api.callers import CODE_HEADER
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.schemas import Body, IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.timestamps import ZonedText, zoned
from didier.web.api.users import stored_password

router = signed_routes("/me", "me")

NO_SCOPE = None


def _asked(action: str) -> Permission:
    return Permission(action, NO_SCOPE, checked=False, own=True)


CHANGE_PASSWORD = _asked("change_my_password")
BEGIN = _asked("begin_second_factor")
SET = _asked("set_second_factor")
_POINTERS = {"password": "/password", "code": CODE_HEADER}
_PICTURE_SCALE = 5

OneTimeCode = Annotated[
    str | None,
    Header(
        alias=CODE_HEADER,
        max_length=100,
        description="The code that the app shows, or a recovery code; each works once",
    ),
]


@dataclass
class SecondFactorShown:
    """A second factor; its secret is never shown again."""

    confirmed_at: ZonedText
    keeps_password: Annotated[
        bool, Field(description="Whether the password alone is enough for the JSON API and the Non-Agent API")
    ]
    recovery_codes_left: int

    @classmethod
    def of(cls, state: State, **more: Any) -> Self:
        """Return a second factor as the API shows it; *more* is what is sent beside."""
        return cls(
            confirmed_at=zoned(state.confirmed_at),
            keeps_password=state.keeps_password,
            recovery_codes_left=state.codes_left,
            **more,
        )


@dataclass
class Me:
    """Who the caller is."""

    __pydantic_config__ = ConfigDict(
        json_schema_extra={
            "example": {
                "user": "admin",
                "user_level": 9,
                "user_group": "ADMIN",
                "second_factor": {
                    "confirmed_at": "2026-03-04T05:06:07+00:00",
                    "keeps_password": False,
                    "recovery_codes_left": 10,
                },
            }
        }
    )

    user: str
    user_level: int
    user_group: str
    second_factor: SecondFactorShown | None

    @classmethod
    def of(cls, user: User, state: State | None) -> Self:
        """Return who *user* is, whose second factor is in *state*."""
        return cls(user.name, user.level, user.group, SecondFactorShown.of(state) if state else None)


class PasswordChange(Body):
    """A new password of the caller's own."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"password": "1234", "new_password": "correct-horse-battery"}}
    )

    password: str = Field(min_length=1, max_length=100, description="The current one; never shown")
    new_password: str = Field(min_length=1, max_length=100, description="Never shown")
    revoke_tokens: bool = Field(False, description="Revoke all tokens of the caller too")


@dataclass
class PasswordChanged:
    """What was done."""

    tokens_revoked: int


class PresentPassword(Body):
    """The caller's present password, given once more."""

    model_config = ConfigDict(json_schema_extra={"example": {"password": "1234"}})

    password: str = Field(min_length=1, max_length=100, description="Never shown")


@dataclass
class SecondFactorBegun:
    """A second factor that waits for its first code."""

    secret: Annotated[
        str | None, Field(description="For an app, in base32; null when the answer is repeated")
    ]
    uri: Annotated[str | None, Field(description="The same as an `otpauth` address")]
    picture: Annotated[str | None, Field(description="The address as a QR code: a `data:` address of an SVG")]


class SecondFactorChange(Body):
    """What a second factor closes."""

    model_config = ConfigDict(json_schema_extra={"example": {"keeps_password": False}})

    keeps_password: bool = Field(
        False, description="Whether the password alone is enough for the JSON API and the Non-Agent API"
    )


@dataclass
class SecondFactorSet(SecondFactorShown):
    """A second factor, with its recovery codes when they are new."""

    recovery_codes: Annotated[
        list[str] | None,
        Field(description="Shown only once; null when they are not new, or the answer is repeated"),
    ]


async def _admitted(request: Request, login: Login, permission: Permission) -> Caller | Response:
    """Return who signs in; the local command line is nobody who has a password."""
    if isinstance(login, LocalLogin):
        return problems.refusal(UserNotFound(login.caller.name)).response
    return await context_of(request).authorize(request, login, permission)


@router.get("", operation_id="getMe", summary="Show who I am", response_model=Me, responses=refusals(404))
async def get_me(request: Request, login: Signed) -> Response:
    """Show the caller's name, and whether they have a second factor."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        if isinstance(login, LocalLogin):
            return UserNotFound(caller.name)
        user = caller.user
        return answers.json(Me.of(user, second_factor.state(conn, user.user_id)))

    return await context_of(request).read(request, login, _asked("user_details"), read)


@router.put(
    "/password", operation_id="changeMyPassword", summary="Change my password",
    dependencies=[requires(CHANGE_PASSWORD)], response_model=PasswordChanged, responses=refusals(404, 415),
)  # fmt: skip
async def change_my_password(request: Request, login: Signed, body: PasswordChange) -> Response:
    """Change the caller's own password: this takes no right. Sessions of the panel end, except this one."""
    permission, context = CHANGE_PASSWORD, context_of(request)
    caller = await _admitted(request, login, permission)
    if isinstance(caller, Response):
        return caller
    new = await stored_password(request, login, permission, body.new_password, "new_password")
    if isinstance(new, Response):
        return new
    proof = await context.prove_own(caller, body.password)
    session = login.secret if isinstance(login, SessionLogin) else None

    def serialize(conn: Connection, done: own_password.PasswordChanged) -> Answer:
        return answers.json(PasswordChanged(done.tokens_revoked))

    operation = ApiOperation(
        permission,
        own_password.change,
        lambda caller: own_password.PasswordOrder(caller, proof, new, session, body.revoke_tokens),
        serialize,
        pointers=_POINTERS,
    )
    return await context.write(request, login, operation)


@router.post(
    "/second-factor", operation_id="beginSecondFactor", summary="Begin to set up a second factor",
    status_code=201, response_model=SecondFactorBegun, dependencies=[requires(BEGIN)],
    responses=refusals(404, 409, 415),
)  # fmt: skip
async def begin_second_factor(
    request: Request, login: Signed, body: PresentPassword, idempotency_key: IdempotencyKey = None
) -> Response:
    """Create a secret for an app that shows one-time codes; codes are needed once one is confirmed."""
    permission, context = BEGIN, context_of(request)
    caller = await _admitted(request, login, permission)
    if isinstance(caller, Response):
        return caller
    proof = await context.prove_own(caller, body.password)

    def serialize(conn: Connection, begun: Begun) -> Answer:
        picture = segno.make(begun.uri, error="m").svg_data_uri(scale=_PICTURE_SCALE, light="#fff")
        first = SecondFactorBegun(begun.secret, begun.uri, picture)
        again = SecondFactorBegun(None, None, None)
        return Answer(201, answers.to_json(first), repeated=answers.to_json(again))

    operation = ApiOperation(
        permission,
        second_factor.begin,
        lambda caller: second_factor.BeginOrder(caller, proof, context.codes.key_file),
        serialize,
        pointers=_POINTERS,
    )
    return await context.write(request, login, operation, content=b"")


@router.put(
    "/second-factor", operation_id="setSecondFactor", summary="Confirm or change my second factor",
    response_model=SecondFactorSet, dependencies=[requires(SET)], responses=refusals(404, 415),
)  # fmt: skip
async def set_second_factor(
    request: Request, login: Signed, body: SecondFactorChange, code: OneTimeCode = None
) -> Response:
    """Confirm a second factor with the first code that the app shows, or change what it closes.

    Once it is confirmed a sign-in to the panel requires for a code, and the password alone opens neither the
    JSON API nor the Non-Agent API, unless it is kept open on purpose.
    """
    proof = await _proved(request, login, SET, code)
    if isinstance(proof, Response):
        return proof
    operation = ApiOperation(
        SET,
        second_factor.set_,
        lambda caller: second_factor.SetOrder(caller, proof, body.keeps_password),
        _serialize_set,
        pointers=_POINTERS,
    )
    return await context_of(request).write(request, login, operation)


@router.post(
    "/recovery-codes", operation_id="renewRecoveryCodes", summary="Create new recovery codes",
    response_model=SecondFactorSet, responses=refusals(404),
)  # fmt: skip
async def renew_recovery_codes(
    request: Request, login: Signed, code: OneTimeCode = None, idempotency_key: IdempotencyKey = None
) -> Response:
    """Replace the recovery codes with ten new ones."""
    permission = _asked("renew_recovery_codes")
    proof = await _proved(request, login, permission, code)
    if isinstance(proof, Response):
        return proof
    operation = ApiOperation(
        permission, second_factor.new_codes, lambda caller: CodeOrder(caller, proof), _serialize_set,
        pointers=_POINTERS,
    )  # fmt: skip
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/second-factor", operation_id="endSecondFactor", summary="End my second factor", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def end_second_factor(request: Request, login: Signed, code: OneTimeCode = None) -> Response:
    """Turn the second factor off and delete its recovery codes."""
    permission = _asked("end_second_factor")
    proof = await _proved(request, login, permission, code)
    if isinstance(proof, Response):
        return proof
    operation = ApiOperation(
        permission,
        second_factor.end,
        lambda caller: CodeOrder(caller, proof),
        answers.done,
        pointers=_POINTERS,
    )
    return await context_of(request).write(request, login, operation)


def _serialize_set(conn: Connection, done: Set) -> Answer:
    first = SecondFactorSet.of(done.state, recovery_codes=list(done.codes) or None)
    again = replace(first, recovery_codes=None)
    return Answer(200, answers.to_json(first), repeated=answers.to_json(again))


async def _proved(
    request: Request, login: Login, permission: Permission, code: str | None
) -> CodeProof | Response | None:
    """Compare the code that came with the request with the caller's second factor."""
    caller = await _admitted(request, login, permission)
    if isinstance(caller, Response) or code is None:
        return caller if isinstance(caller, Response) else None
    return await context_of(request).codes.prove(caller.user.name, code, to_confirm=True)
