"""``/tokens``: the caller's own tokens, and those of users whom the caller may change."""

from dataclasses import dataclass, replace
from typing import Annotated, Any, Self

from fastapi import Path, Query, Request
from pydantic import ConfigDict, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.scopes import SCOPES
from didier.services.users import tokens
from didier.services.users.authentication import Caller
from didier.storage.users.tokens import Token
from didier.web.api import answers
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.schemas import Body, IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.timestamps import ZonedMoment, ZonedText, local, zoned, zoned_or_none

router = signed_routes("/tokens", "tokens")

NO_SCOPE = None
"""Tokens make, list and revoke no tokens."""

ADD = Permission("add_token", NO_SCOPE, checked=False)


class NewToken(Body):
    """A token to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "CRM",
                "scopes": ["dids:read", "dids:write"],
                "pattern_prefix": "+4420",
                "networks": ["192.0.2.0/24"],
                "expires_at": "2030-01-01T00:00:00Z",
            }
        }
    )

    name: str = Field(min_length=1, max_length=tokens.NAME_LIMIT, description="What it is for")
    scopes: list[str] = Field(
        min_length=1,
        max_length=len(SCOPES),
        description="; ".join(f"`{scope.name}`: {scope.help}" for scope in SCOPES),
    )
    user: str | None = Field(None, max_length=20, description="The token's user; the caller by default")
    pattern_prefix: str | None = Field(
        None, min_length=1, max_length=50, description="The token works only for DIDs that begin with this"
    )
    networks: list[str] = Field(
        [], max_length=tokens.NETWORKS_LIMIT, description="The token is accepted only from these addresses"
    )
    expires_at: ZonedMoment | None = Field(None, description="When it expires; never by default")


@dataclass
class TokenShown:
    """A token, without what it says."""

    token_id: int
    user: str
    name: str
    hint: Annotated[str, Field(description="How the token begins")]
    scopes: list[str]
    pattern_prefix: str | None
    networks: list[str]
    created_at: ZonedText
    created_by: str
    expires_at: ZonedText | None
    last_used_at: Annotated[ZonedText | None, Field(description="To the minute")]
    revoked_at: ZonedText | None

    @classmethod
    def of(cls, stored: Token, **more: Any) -> Self:
        """Return a token as the API shows it; *more* is what a kind of token has beside."""
        return cls(
            token_id=stored.token_id,
            user=stored.user,
            name=stored.name,
            hint=stored.hint,
            scopes=list(stored.scopes),
            pattern_prefix=stored.pattern_prefix,
            networks=list(stored.networks),
            created_at=zoned(stored.created_at),
            created_by=stored.created_by,
            expires_at=zoned_or_none(stored.expires_at),
            last_used_at=zoned_or_none(stored.last_used_at),
            revoked_at=zoned_or_none(stored.revoked_at),
            **more,
        )


@dataclass
class TokenMade(TokenShown):
    """A new token."""

    token: Annotated[
        str | None, Field(description="The token; shown only once, null when the answer is repeated")
    ]


@dataclass
class Tokens:
    """All tokens that were permission for, the newest first."""

    items: list[TokenShown]


@router.get(
    "", operation_id="listTokens", summary="List tokens", response_model=Tokens, responses=refusals(404)
)
async def list_tokens(
    request: Request,
    login: Signed,
    user: Annotated[
        str | None, Query(max_length=20, description="User; `*` for all users whom the caller may change")
    ] = None,
) -> Response:
    """List the caller's tokens, or those of another user; also those that are accepted no more."""

    def order(caller: Caller) -> tokens.ListOrder:
        return tokens.ListOrder(caller, None if user == "*" else user or caller.user.name)

    def serialize(conn: Connection, found: list[Token]) -> Answer:
        return answers.json(Tokens(list(map(TokenShown.of, found))))

    operation = ApiOperation(
        Permission("list_tokens", NO_SCOPE, user or "", checked=False), tokens.listed, order, serialize
    )
    return await context_of(request).write(request, login, operation)


@router.post(
    "", operation_id="addToken", summary="Create a token", status_code=201, response_model=TokenMade,
    dependencies=[requires(ADD)],
    responses=refusals(404, 409, 415),
)  # fmt: skip
async def add_token(
    request: Request, login: Signed, body: NewToken, idempotency_key: IdempotencyKey = None
) -> Response:
    """Create a token; the token itself is only in this answer."""
    secret = tokens.generate()

    def order(caller: Caller) -> tokens.AddTokenOrder:
        return tokens.AddTokenOrder(
            caller=caller,
            user=body.user or caller.user.name,
            name=body.name,
            scopes=tuple(body.scopes),
            secret=secret,
            pattern_prefix=body.pattern_prefix,
            networks=tuple(body.networks),
            expires_at=local(body.expires_at),
        )

    def serialize(conn: Connection, made: tokens.AddedToken) -> Answer:
        first = TokenMade.of(made.token, token=made.secret.text)
        again = replace(first, token=None)
        return Answer(201, answers.to_json(first), repeated=answers.to_json(again))

    operation = ApiOperation(ADD.about_that(body.user or ""), tokens.add, order, serialize)
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{token_id}", operation_id="revokeToken", summary="Revoke a token", status_code=204,
    response_class=Response, responses=refusals(404),
)  # fmt: skip
async def revoke_token(
    request: Request, login: Signed, token_id: Annotated[int, Path(ge=1, le=2**31 - 1)]
) -> Response:
    """Revoke a token: it is no longer accepted."""
    operation = ApiOperation(
        Permission("revoke_token", NO_SCOPE, str(token_id), checked=False),
        tokens.revoke,
        lambda caller: tokens.RevokeOrder(caller, token_id),
        answers.done,
    )
    return await context_of(request).write(request, login, operation)
