"""``POST /calls``: calls that an edge, or an Asterisk without VICIdial, reports."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from fastapi import Request
from pydantic import AfterValidator, ConfigDict, Field, StrictInt, StrictStr
from starlette.responses import Response

from didier.domain.calls.reported import (
    CALL_ID_MOST,
    CALLER_MOST,
    CALLS_MOST,
    GATEWAY_MOST,
    NUMBER_MOST,
    STATUS_LEAST,
    STATUS_MOST,
)
from didier.domain.calls.reported import ReportedCall as Reported
from didier.domain.edges import NAME, NAME_MOST
from didier.services.calls import reported
from didier.services.calls.reported import CallReport
from didier.services.calls.reported import Stored as Counted
from didier.web.api import answers, problems
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.orders import parsed
from didier.web.api.schemas import Body, IdempotencyKey, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.text_bodies import media_type
from didier.web.api.timestamps import ZonedMoment

router = signed_routes("/calls", "reports")

REPORT = Permission("report_calls", "calls:write")

EXAMPLE: dict[str, Any] = {
    "source": "edge-london",
    "calls": [
        {
            "call_id": "a84b4c76e66710@pbx.example.com",
            "number": "18001234567",
            "caller": "3125550001",
            "started_at": "2026-03-04T05:06:07+00:00",
            "answered_at": "2026-03-04T05:06:12+00:00",
            "ended_at": "2026-03-04T05:07:12+00:00",
            "result": "answered",
            "sip_status": 200,
            "gateway": "sip:10.0.0.5:5060",
        }
    ],
}


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("printable characters alone")
    return text


Printable = Annotated[StrictStr, AfterValidator(_printable)]


class ReportedCall(Body):
    """A call that came to a number, and has ended."""

    call_id: Printable = Field(
        min_length=1, max_length=CALL_ID_MOST, description="SIP Call-ID, or `uniqueid` of Asterisk"
    )
    number: Printable = Field(
        min_length=1, max_length=NUMBER_MOST, description="The number that was dialled, exactly as dialled"
    )
    caller: Printable = Field(
        "", max_length=CALLER_MOST, description="Number of the caller; empty when it is hidden"
    )
    started_at: ZonedMoment
    answered_at: ZonedMoment | None = Field(
        None, description="Given if `result` is `answered`, and only then"
    )
    ended_at: ZonedMoment
    result: Literal["answered", "busy", "no-answer", "cancelled", "rejected", "failed"] = Field(
        description="`rejected`: by the edge itself, as there is no such number or it is not active"
    )
    sip_status: StrictInt | None = Field(
        None, ge=STATUS_LEAST, le=STATUS_MOST, description="Final status, if it was SIP"
    )
    gateway: Printable = Field(
        "", max_length=GATEWAY_MOST, description="Address that took it; empty for none"
    )


class NewCalls(Body):
    """Calls that a source reports."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    source: StrictStr = Field(
        min_length=1, max_length=NAME_MOST, pattern=NAME,
        description="Name of who reports; a call is known by it, its `call_id` and its `number`",
    )  # fmt: skip
    calls: list[ReportedCall] = Field(
        min_length=1, max_length=CALLS_MOST, description=f"1 to {CALLS_MOST:,} calls"
    )


@dataclass
class StoredCalls:
    """What was done with the calls of a report."""

    stored: Annotated[int, Field(description="Calls that were not known")]
    known: Annotated[int, Field(description="Calls that were known; they were left as they are")]

    @classmethod
    def of(cls, done: Counted) -> Self:
        """Return the counts as the API shows them."""
        return cls(done.stored, done.known)


_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": NewCalls.model_json_schema(ref_template="#/components/schemas/{model}")
            }
        },
    }
}


@router.post(
    "", operation_id="reportCalls", summary="Report calls", response_model=StoredCalls,
    openapi_extra=_BODY, dependencies=[requires(REPORT)], responses=refusals(409, 415),
)  # fmt: skip
async def report_calls(request: Request, login: Signed, idempotency_key: IdempotencyKey = None) -> Response:
    """Store calls that have ended, so that usage counts them: all of them, or none if one cannot be.

    A call with the same source, `call_id` and `number` as one that is known changes nothing, whatever else it
    has, so a report may be sent again.
    """
    kind = media_type(request)
    if kind != "application/json" and not kind.endswith("+json"):
        return problems.answer(problems.NOT_JSON, "Send application/json.").response
    content, context = await request.body(), context_of(request)
    sent = await context.parse(
        len(content), lambda pause: parsed(NewCalls.model_validate_json, content, pause)
    )
    calls = [Reported(**call.model_dump()) for call in sent.calls]
    operation = ApiOperation(
        REPORT.about_that(f"{sent.source}|{len(calls)}"),
        reported.report,
        lambda caller: CallReport(caller, sent.source, calls, context.reported_calls_days),
        lambda _, done: answers.json(StoredCalls.of(done)),
    )
    return await context.write(request, login, operation)
