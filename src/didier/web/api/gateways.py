"""``/gateways``: sets of SIP gateways, and which DIDs have them."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Query, Request
from pydantic import ConfigDict, Field, StrictBool, StrictInt, StrictStr
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain.gateways import (
    DESCRIPTION_MOST,
    GATEWAYS_MOST,
    PRIORITY_MOST,
    RULES_MOST,
    WEIGHT_MOST,
)
from didier.errors import Refusal
from didier.services.dids import gateways
from didier.services.dids.gateway_shapes import GatewaySet
from didier.services.dids.gateways import THINGS, PutGatewaySet
from didier.services.dids.named import DeleteNamed
from didier.services.users.authentication import Caller
from didier.web.api import answers, cursors
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, SEARCH_MOST, Body, Cursor, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes

router = signed_routes("/gateways", "gateways")

READ, WRITE = "dids:read", "dids:write"
UPDATE = Permission("update_did", WRITE)

_SHORT = 100
_ADDRESS_LONGEST = 300
Text = Annotated[StrictStr, Field(max_length=_SHORT)]
Name = Annotated[str, Path(min_length=1, max_length=_SHORT, description="1 to 50 letters, digits, - and _")]
Search = Annotated[str | None, Query(max_length=SEARCH_MOST, description="Part of the name")]

EXAMPLE: dict[str, Any] = {
    "gateways": [
        {"address": "10.0.0.5", "priority": 10, "weight": 2, "description": "London 1"},
        {"address": "10.0.0.6", "priority": 10, "weight": 1, "description": "London 2"},
        {"address": "sip:backup.example.com:5061;transport=tls", "description": "Elsewhere"},
    ],
    "rules": [{"prefix": "+4420", "route": "IN_GROUP"}, {"default": True}],
}


class NewGateway(Body):
    """A gateway of a set."""

    address: StrictStr = Field(
        max_length=_ADDRESS_LONGEST,
        description="`host`, `host:port` or `sip:host:port;transport=tcp`; udp, tcp or tls",
    )
    priority: StrictInt = Field(0, description=f"0 to {PRIORITY_MOST}; a higher one is tried first")
    weight: StrictInt = Field(1, description=f"1 to {WEIGHT_MOST}; share among those of the same priority")
    description: Text = Field("", description=f"{DESCRIPTION_MOST} characters at most")


class NewRule(Body):
    """Which DIDs have the set by itself: those with all that is named."""

    prefix: Text = Field("", description="How the number begins")
    route: Text = Field("", description="`did_route` of the DID")
    server_ip: Text = Field("", description="`server_ip` of the DID")
    user_group: Text = Field("", description="`user_group` of the DID")
    default: StrictBool = Field(False, description="True, and nothing else: all DIDs with no other rule")


class NewGatewaySet(Body):
    """Gateways that take the calls to some DIDs."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    number: StrictInt | None = Field(
        None, description="Of the set in Kamailio's dispatcher; null: as it is, or the lowest that is free"
    )
    gateways: list[NewGateway] = Field(description=f"1 to {GATEWAYS_MOST}, each address once")
    probing: StrictBool = Field(True, description="Whether it is tried if they answer (OPTIONS)")
    rules: list[NewRule] = Field(default_factory=list, description=f"{RULES_MOST} at most")
    user_group: Text | None = Field(
        None, description="Who sees it, and whose DIDs alone its rules are for; null: as it is, or that of"
        " new DIDs",
    )  # fmt: skip


@dataclass
class GatewaySets(Page):
    """A page of gateway sets, by name."""

    items: list[GatewaySet]


def _about(name: str) -> str:
    return f"gateway set {name}"


@router.get(
    "", operation_id="listGatewaySets", summary="List gateway sets", response_model=GatewaySets,
    responses=refusals(),
)  # fmt: skip
async def list_gateway_sets(
    request: Request,
    login: Signed,
    search: Search = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List those that the caller sees, by name."""
    after = cursors.read(cursor, "gateways", (str,))

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = THINGS.page(conn, caller, search or "", limit, str(after[0]) if after else "")
        if isinstance(found, Refusal):
            return found
        some, last = found
        following = cursors.write("gateways", [last]) if last else None
        return page_answer(request, GatewaySets(list(map(GatewaySet.of, some)), following))

    return await context_of(request).read(request, login, Permission("list_dids", READ, "gateway sets"), read)


@router.get(
    "/{name}", operation_id="getGatewaySet", summary="Show a gateway set", response_model=GatewaySet,
    responses=refusals(404),
)  # fmt: skip
async def get_gateway_set(request: Request, login: Signed, name: Name) -> Response:
    """Show its gateways, and the rules by which DIDs have it."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = THINGS.one(conn, caller, name)
        return found if isinstance(found, Refusal) else answers.json(GatewaySet.of(found))

    return await context_of(request).read(request, login, Permission("list_dids", READ, _about(name)), read)


@router.put(
    "/{name}", operation_id="setGatewaySet", summary="Store a gateway set", response_model=GatewaySet,
    dependencies=[requires(UPDATE)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def set_gateway_set(request: Request, login: Signed, name: Name, body: NewGatewaySet) -> Response:
    """Store it in the place of the one with its name; new addresses need AGC Admin Access and level 9."""
    values = body.model_dump(include={"gateways", "probing", "rules"})
    operation = ApiOperation(
        UPDATE.about_that(_about(name)),
        gateways.put,
        lambda caller: PutGatewaySet(caller, name, values, body.number, body.user_group),
        lambda _, done: answers.json(GatewaySet.of(done)),
        subject=_about(name).lower(),
        pointers={"name": "name"},
    )
    return await context_of(request).write(request, login, operation)


@router.delete(
    "/{name}", operation_id="deleteGatewaySet", summary="Delete a gateway set", status_code=204,
    response_class=Response, responses=refusals(404, 409),
)  # fmt: skip
async def delete_gateway_set(request: Request, login: Signed, name: Name) -> Response:
    """Delete one that no DID has."""
    operation = ApiOperation(
        UPDATE.about_that(_about(name)),
        gateways.delete,
        lambda caller: DeleteNamed(caller, name),
        answers.done,
        subject=_about(name).lower(),
    )
    return await context_of(request).write(request, login, operation)
