"""``/dids/{pattern}/route``: where a call would go, and why."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from fastapi import Path, Query, Request
from pydantic import AfterValidator, Field
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import public_holidays, schedules
from didier.domain.calls.targets import Target
from didier.domain.gateways import Choice
from didier.errors import Refusal
from didier.services.calls import explain
from didier.services.calls.explain import Explanation, SupposedCall
from didier.services.users.authentication import Caller
from didier.web.api import answers
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import Permission
from didier.web.api.schemas import refusals
from didier.web.api.signed import Signed, signed_routes
from didier.web.api.timestamps import Moment

router = signed_routes("/dids", "dids")

DIALLED_MOST = 100
"""Most characters of what is dialled, as VICIdial's logs have it."""

CALLER_MOST = 80
"""Most characters of a caller's number or name: as many as Asterisk keeps."""

Dialled = Annotated[
    str,
    Path(
        min_length=1,
        max_length=DIALLED_MOST,
        description="What is dialled, percent-encoded; it need not be a DID",
        examples=["18001234567"],
    ),
]
CallerNumber = Annotated[
    str, Query(max_length=CALLER_MOST, description="The number of who calls; empty: it is withheld")
]
CallerName = Annotated[str, Query(max_length=CALLER_MOST, description="The name of who calls")]
ServerIp = Annotated[
    str | None,
    Query(
        max_length=50,
        description="Address of the server on which the call arrives; without it that in the setting"
        " `agi_server_ip`, or that of the only server that there is",
    ),
]


def _for_schedules(moment: datetime) -> datetime:
    if not schedules.may_be_asked(moment):
        raise ValueError(f"the year must be from {schedules.EARLIEST} to {public_holidays.LATEST}")
    return moment


At = Annotated[
    Annotated[Moment, AfterValidator(_for_schedules)] | None,
    Query(
        description="When the call comes, for schedules; without a zone it is local time of the server."
        " Without it: now. Agents and queues are looked at as they are now"
    ),
]


@dataclass
class RouteStep:
    """Something that was looked at on the way."""

    rule: Annotated[str, Field(description="What was looked at, as `filter`")]
    outcome: Annotated[str, Field(description="What it came to, in words")]


@dataclass
class RouteTarget:
    """A place in the dialplan, with the priority 1."""

    context: str
    extension: str

    @classmethod
    def of(cls, target: Target | None) -> Self | None:
        """Return *target* as the API shows it."""
        return cls(target.context, target.extension) if target else None


@dataclass
class RouteGateways:
    """The gateway set to which a SIP edge sends the calls to the DID."""

    number: int
    name: str
    reason: Annotated[str, Field(description="Why: the DID names it, or which rule")]
    addresses: Annotated[list[str], Field(description="In the order in which they are tried")]

    @classmethod
    def of(cls, choice: Choice | None) -> Self | None:
        """Return *choice* as the API shows it."""
        if choice is None:
            return None
        chosen = choice.chosen
        addresses = [str(gateway.address) for gateway in chosen.in_order]
        return cls(chosen.number, chosen.name, choice.reason, addresses)


@dataclass
class RouteExplanation:
    """Where a call would go, and why."""

    dialled: str
    caller: Annotated[str, Field(description="The caller's number, as it was read and cleaned")]
    name: Annotated[str, Field(description="The caller's name, as it was read")]
    server_ip: Annotated[str, Field(description="Where the call arrives; empty: it is not known")]
    did: Annotated[str | None, Field(description="Pattern of the row that decides; null if there is none")]
    route: Annotated[str, Field(description="The way the call takes, as VICIdial's log has it: `F_EXTEN`")]
    leads_to: Annotated[str | None, Field(description="Where it goes, in words: `in-group SALES`")]
    target: Annotated[RouteTarget | None, Field(description="null: the dialplan goes on by itself")]
    nowhere: Annotated[str | None, Field(description="Why the call leads nowhere; null: it does not")]
    steps: list[RouteStep]
    commands: Annotated[list[str], Field(description="What Asterisk would be told, in this order")]
    gateways: Annotated[RouteGateways | None, Field(description="null: there is none for the DID")]

    @classmethod
    def of(cls, found: Explanation) -> Self:
        """Return an explanation as the API shows it."""
        decision = found.decision
        return cls(
            decision.call.dialled,
            decision.number,
            decision.call.caller.name,
            decision.place.ip,
            found.did,
            decision.route,
            found.leads_to,
            RouteTarget.of(decision.target),
            found.nowhere,
            [RouteStep(step.rule, step.outcome) for step in found.steps],
            found.commands,
            RouteGateways.of(found.gateways),
        )


@router.get(
    "/{pattern}/route", operation_id="explainRoute", summary="Explain where a call goes",
    response_model=RouteExplanation, responses=refusals(404),
)  # fmt: skip
async def explain_route(
    request: Request,
    login: Signed,
    pattern: Dialled,
    caller: CallerNumber = "",
    name: CallerName = "",
    server_ip: ServerIp = None,
    at: At = None,
) -> Response:
    """Say where a call would go at the moment, and why; nothing is written, and no web address is asked."""
    context = context_of(request)
    arrived = server_ip or context.agi_server_ip
    moment = at and at.astimezone()
    call = SupposedCall(pattern, caller, name, arrived, context.agi_region, moment)

    def read(conn: Connection, who: Caller) -> Answer | Refusal:
        found = explain.explain(conn, who, call, datetime.now())
        return found if isinstance(found, Refusal) else answers.json(RouteExplanation.of(found))

    return await context.read(request, login, Permission("did_info", "dids:read", pattern), read)
