"""``/webhooks``: endpoints that are sent what happens, and what came of it."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self, cast

from fastapi import Path, Query, Request
from pydantic import ConfigDict, Field, StrictBool, StrictStr
from sqlalchemy.engine import Connection
from starlette.responses import Response

from didier.domain import events
from didier.domain.patterns import MAX_LENGTH
from didier.domain.webhooks import TEXT_MOST, URL_MOST, VALUES_MOST, Endpoint
from didier.errors import NotPermitted, Refusal
from didier.runtime.logins import Login
from didier.services.changes import feed, webhook_delivery, webhooks
from didier.services.changes.webhook_delivery import Message, UserGone
from didier.services.changes.webhooks import (
    AddWebhook,
    DeleteWebhook,
    ResendSince,
    RotateSecret,
    UpdateWebhook,
    WithSecret,
)
from didier.services.users.authentication import Caller
from didier.storage.changes.webhooks import Attempt, Webhook
from didier.web.api import answers, cursors, problems
from didier.web.api.answers import Answer
from didier.web.api.context import context_of
from didier.web.api.operations import ApiOperation, Permission
from didier.web.api.paging import Page, page_answer
from didier.web.api.schemas import PAGE_DEFAULT, Body, Cursor, IdempotencyKey, Limit, refusals
from didier.web.api.signed import Signed, requires, signed_routes
from didier.web.api.timestamps import Moment, ZonedText, local, zoned, zoned_or_none

router = signed_routes("/webhooks", "changes")

PERMISSION = Permission(webhooks.ACTION, "admin")
OVERLAP_HOURS, OVERLAP_MOST = 24, 24 * webhooks.OLD_SECRET_DAYS_MOST
WebhookId = Annotated[int, Path(ge=1, le=2**31 - 1, description="Id of the webhook")]
State = Literal["active", "retrying", "disabled", "off"]
Outcome = Literal["taken", "repeated", "failed"]

_URL = Field(max_length=URL_MOST, description="Where events are sent: https://HOST/…, or http://")
_TYPES = Field(
    max_length=50, description=f"{', '.join(events.TYPES)}; `did.*` for all about DIDs; empty: all"
)
_Values = list[Annotated[StrictStr, Field(max_length=MAX_LENGTH)]]


class NewWebhook(Body):
    """An endpoint to be made."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "url": "https://crm.example.com/didier",
                "description": "CRM",
                "types": ["did.*"],
                "prefixes": ["+4420"],
            }
        }
    )

    url: Annotated[StrictStr, _URL]
    description: str = Field("", max_length=TEXT_MOST, description="What it is for")
    types: Annotated[_Values, _TYPES] = Field(default_factory=list)
    prefixes: _Values = Field(
        default_factory=list, max_length=VALUES_MOST, description="Only DIDs that begin with one of these"
    )
    routes: _Values = Field(
        default_factory=list, max_length=VALUES_MOST, description="Only DIDs with one of these routes"
    )
    groups: _Values = Field(
        default_factory=list, max_length=VALUES_MOST, description="Only DIDs of one of these user groups"
    )
    enabled: StrictBool = True


class WebhookChanges(Body):
    """What is to be changed of an endpoint; what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"enabled": True}})

    url: Annotated[StrictStr | None, _URL] = None
    description: str | None = Field(None, max_length=TEXT_MOST)
    types: Annotated[_Values | None, _TYPES] = None
    prefixes: _Values | None = Field(None, max_length=VALUES_MOST)
    routes: _Values | None = Field(None, max_length=VALUES_MOST)
    groups: _Values | None = Field(None, max_length=VALUES_MOST)
    enabled: StrictBool | None = Field(
        None, description="true also enables what was disabled: events that it missed are sent"
    )


@dataclass
class WebhookShown:
    """An endpoint, without its secret."""

    id: int
    url: str
    description: str
    types: list[str]
    prefixes: list[str]
    routes: list[str]
    groups: list[str]
    enabled: Annotated[bool, Field(description="As people have set it")]
    state: Annotated[
        State,
        Field(
            description="`active`; `retrying`: the last attempt failed, and is repeated; `disabled`: given"
            " up, see `reason`; `off`: `enabled` is false"
        ),
    ]
    reason: Annotated[str | None, Field(description="Why it was disabled")]
    user: Annotated[str, Field(description="Who set it last: it hears of what they may see")]
    created_at: ZonedText
    sequence: Annotated[int, Field(description="Number of the change up to which all is done with")]
    behind: Annotated[int, Field(description="How many changes there are behind that, wanted or not")]
    attempts: Annotated[int, Field(description="How often the next event was tried in vain")]
    retry_at: ZonedText | None
    succeeded_at: ZonedText | None
    failing_since: Annotated[ZonedText | None, Field(description="First failure behind the last success")]
    disabled_at: ZonedText | None
    old_secret_until: Annotated[
        ZonedText | None, Field(description="Until then messages are signed with the old secret too")
    ]

    @classmethod
    def of(cls, stored: Webhook, newest: int, **more: Any) -> Self:
        """Return an endpoint as the API shows it while *newest* is the last change there is."""
        endpoint, progress = stored.endpoint, stored.progress
        until = stored.old_until
        return cls(
            id=stored.webhook_id,
            url=endpoint.url,
            description=endpoint.description,
            types=[*endpoint.types],
            prefixes=[*endpoint.prefixes],
            routes=[*endpoint.routes],
            groups=[*endpoint.groups],
            enabled=endpoint.is_enabled,
            state=state_of(stored),
            reason=progress.disabled_reason,
            user=stored.user,
            created_at=zoned(stored.created_at),
            sequence=progress.number,
            behind=max(0, newest - progress.number),
            attempts=progress.attempts,
            retry_at=zoned_or_none(progress.retry_at),
            succeeded_at=zoned_or_none(progress.succeeded_at),
            failing_since=zoned_or_none(progress.failing_since),
            disabled_at=zoned_or_none(progress.disabled_at),
            old_secret_until=zoned(until) if until and until > datetime.now() else None,
            **more,
        )


def state_of(stored: Webhook) -> State:
    """Return how an endpoint stands."""
    if not stored.endpoint.is_enabled:
        return "off"
    if stored.progress.disabled_at is not None:
        return "disabled"
    return "retrying" if stored.progress.retry_at else "active"


@dataclass
class WebhookSecret(WebhookShown):
    """An endpoint with a new secret."""

    secret: Annotated[
        str | None,
        Field(description="Signs its messages; shown only once, null when the answer is repeated"),
    ]


@dataclass
class Webhooks:
    """All endpoints, the oldest first."""

    items: list[WebhookShown]


@dataclass
class WebhookAttempt:
    """An attempt to send something to an endpoint."""

    at: ZonedText
    cause: Annotated[Literal["feed", "resend", "test"], Field(description="Why it was sent")]
    event: Annotated[str, Field(description="`id` of the event")]
    type: str
    attempt: Annotated[int, Field(description="Which one for this event, from 1")]
    outcome: Annotated[
        Outcome,
        Field(description="`taken`; `repeated`: it is tried again; `failed`: given up, the next was sent"),
    ]
    status: Annotated[int | None, Field(description="HTTP status of the answer; null: there was none")]
    error: Annotated[str, Field(description="Why there was no answer")]
    answer: Annotated[str, Field(description="Its first 500 bytes")]
    milliseconds: int

    @classmethod
    def of(cls, attempt: Attempt) -> Self:
        """Return an attempt as the API shows it."""
        return cls(
            at=zoned(attempt.at),
            cause=cast("Literal['feed', 'resend', 'test']", attempt.cause),
            event=attempt.event_id,
            type=attempt.event_type,
            attempt=attempt.attempt,
            outcome=cast("Outcome", attempt.outcome),
            status=attempt.status,
            error=attempt.error,
            answer=attempt.answer,
            milliseconds=attempt.milliseconds,
        )


@dataclass
class WebhookAttempts(Page):
    """A page of attempts, the newest first."""

    items: list[WebhookAttempt]


class NewSecret(Body):
    """A wish for another secret."""

    overlap_hours: int = Field(
        OVERLAP_HOURS, ge=0, le=OVERLAP_MOST, description="How long the old one signs messages too"
    )


class ResendEvents(Body):
    """What is to be sent again."""

    model_config = ConfigDict(json_schema_extra={"example": {"since": "2026-03-04T05:00:00Z"}})

    since: Moment = Field(description="Everything that has happened since then, in order")


def _shown(conn: Connection, webhook: Webhook) -> Answer:
    return answers.json(WebhookShown.of(webhook, feed.newest(conn)))


def _with_secret(status: int) -> Any:
    def serialize(conn: Connection, made: WithSecret) -> Answer:
        first = WebhookSecret.of(made.webhook, feed.newest(conn), secret=made.secret)
        repeated = answers.to_json(replace(first, secret=None))
        return Answer(status, answers.to_json(first), repeated=repeated)

    return serialize


@router.get(
    "", operation_id="listWebhooks", summary="List webhooks", response_model=Webhooks, responses=refusals()
)
async def list_webhooks(request: Request, login: Signed) -> Response:
    """List the endpoints, and how far each of them is."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = webhooks.every(conn, caller)
        if isinstance(found, Refusal):
            return found
        newest = feed.newest(conn)
        return answers.json(Webhooks([WebhookShown.of(one, newest) for one in found]))

    return await context_of(request).read(request, login, PERMISSION, read)


@router.post(
    "", operation_id="addWebhook", summary="Create a webhook", status_code=201,
    response_model=WebhookSecret, dependencies=[requires(PERMISSION)], responses=refusals(409, 415),
)  # fmt: skip
async def add_webhook(
    request: Request, login: Signed, body: NewWebhook, idempotency_key: IdempotencyKey = None
) -> Response:
    """Create an endpoint that is sent what happens from now on; its secret is only in this answer."""
    context, secret = context_of(request), webhooks.generate_secret()
    endpoint = Endpoint(**_values(body))
    operation = ApiOperation(
        PERMISSION,
        webhooks.add,
        lambda caller: AddWebhook(caller, endpoint, context.codes.key_file, secret),
        _with_secret(201),
    )
    answer = await context.write(request, login, operation)
    context.wake_webhooks()
    return answer


def _values(body: NewWebhook | WebhookChanges) -> dict[str, Any]:
    """Return the fields of an endpoint that *body* sets."""
    given = body.model_dump(exclude_none=True)
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if "enabled" in values:
        values["is_enabled"] = values.pop("enabled")
    return values


@router.get(
    "/{webhook_id}", operation_id="getWebhook", summary="Show a webhook", response_model=WebhookShown,
    responses=refusals(404, 409),
)  # fmt: skip
async def get_webhook(request: Request, login: Signed, webhook_id: WebhookId) -> Response:
    """Show an endpoint, and how far it is."""

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = webhooks.one(conn, caller, webhook_id)
        return found if isinstance(found, Refusal) else _shown(conn, found)

    return await context_of(request).read(request, login, _about(webhook_id), read)


def _about(webhook_id: int) -> Permission:
    return PERMISSION.about_that(f"webhook {webhook_id}")


@router.patch(
    "/{webhook_id}", operation_id="updateWebhook", summary="Update a webhook", response_model=WebhookShown,
    dependencies=[requires(PERMISSION)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def update_webhook(
    request: Request, login: Signed, webhook_id: WebhookId, body: WebhookChanges
) -> Response:
    """Change an endpoint. From then on it hears of what the caller may see."""
    values = _values(body)
    return await _write(request, login, webhook_id, webhooks.update,
                        lambda caller: UpdateWebhook(caller, webhook_id, values))  # fmt: skip


async def _write(
    request: Request, login: Login, webhook_id: int, service: Any, order: Any, serialize: Any = _shown
) -> Response:
    operation = ApiOperation(_about(webhook_id), service, order, serialize, subject=f"webhook {webhook_id}")
    answer = await context_of(request).write(request, login, operation)
    context_of(request).wake_webhooks()
    return answer


@router.delete(
    "/{webhook_id}", operation_id="deleteWebhook", summary="Delete a webhook", status_code=204,
    response_class=Response, responses=refusals(404, 409),
)  # fmt: skip
async def delete_webhook(request: Request, login: Signed, webhook_id: WebhookId) -> Response:
    """Delete an endpoint, and what is remembered of attempts."""
    return await _write(request, login, webhook_id, webhooks.delete,
                        lambda caller: DeleteWebhook(caller, webhook_id), answers.done)  # fmt: skip


@router.post(
    "/{webhook_id}/secret", operation_id="rotateWebhookSecret", summary="Give a webhook another secret",
    response_model=WebhookSecret, dependencies=[requires(PERMISSION)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def rotate_secret(
    request: Request,
    login: Signed,
    webhook_id: WebhookId,
    body: NewSecret | None = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Make a secret, which is only in this answer; the old one signs too until receivers know the new one."""
    secret, file = webhooks.generate_secret(), context_of(request).codes.key_file
    overlap = timedelta(hours=body.overlap_hours if body else OVERLAP_HOURS)
    return await _write(request, login, webhook_id, webhooks.rotate,
                        lambda caller: RotateSecret(caller, webhook_id, file, overlap, secret),
                        _with_secret(200))  # fmt: skip


@router.get(
    "/{webhook_id}/attempts", operation_id="listWebhookAttempts", summary="List attempts",
    response_model=WebhookAttempts, responses=refusals(404, 409),
)  # fmt: skip
async def list_attempts(
    request: Request,
    login: Signed,
    webhook_id: WebhookId,
    outcome: Annotated[Outcome | None, Query(description="Attempts that ended so alone")] = None,
    limit: Limit = PAGE_DEFAULT,
    cursor: Cursor = None,
) -> Response:
    """List what was sent to an endpoint and what it answered, the newest first: of the last 30 days."""
    place = cursors.read(cursor, "attempts", (int,))
    before = int(place[0]) if place else None

    def read(conn: Connection, caller: Caller) -> Answer | Refusal:
        found = webhooks.attempts(conn, caller, webhook_id, limit + 1, before, outcome)
        if isinstance(found, Refusal):
            return found
        more = len(found) > limit
        following = cursors.write("attempts", [found[limit - 1].attempt_id]) if more else None
        return page_answer(request, WebhookAttempts([*map(WebhookAttempt.of, found[:limit])], following))

    return await context_of(request).read(request, login, _about(webhook_id), read)


@router.post(
    "/{webhook_id}/resend", operation_id="resendEvents", summary="Send events again",
    response_model=WebhookShown, dependencies=[requires(PERMISSION)], responses=refusals(404, 409, 415),
)  # fmt: skip
async def resend_events(
    request: Request, login: Signed, webhook_id: WebhookId, body: ResendEvents
) -> Response:
    """Let the endpoint begin again at a moment: what it has had since comes a second time, in order."""
    moment = local(body.since) or datetime.min
    return await _write(request, login, webhook_id, webhooks.resend_since,
                        lambda caller: ResendSince(caller, webhook_id, moment))  # fmt: skip


@router.post(
    "/{webhook_id}/events/{event_id}/resend", operation_id="resendEvent", summary="Send an event again",
    response_model=WebhookAttempt, responses=refusals(404, 409),
)  # fmt: skip
async def resend_event(
    request: Request,
    login: Signed,
    webhook_id: WebhookId,
    event_id: Annotated[str, Path(max_length=40, description="`id` of the event")],
) -> Response:
    """Send an event once more, beside all others, and answer what came of it; it is not repeated."""

    def message(conn: Connection, webhook: Webhook) -> Message | Refusal:
        try:
            return webhook_delivery.resent(conn, webhook, event_id)
        except UserGone as gone:
            return NotPermitted(webhooks.ACTION, (str(gone),))

    return await _send_once(request, login, webhook_id, message)


@router.post(
    "/{webhook_id}/test", operation_id="testWebhook", summary="Send a test message",
    response_model=WebhookAttempt, responses=refusals(404, 409),
)  # fmt: skip
async def test_webhook(request: Request, login: Signed, webhook_id: WebhookId) -> Response:
    """Send a message of the type `webhook.test`, which says nothing, and answer what came of it."""
    return await _send_once(
        request, login, webhook_id, lambda *_: webhook_delivery.test_message(datetime.now())
    )


async def _send_once(request: Request, login: Login, webhook_id: int, message: Any) -> Response:
    """Send to an endpoint what *message* makes for it; return what came of it."""
    context = context_of(request)
    caller = await context.authorize_and_log(request, login, _about(webhook_id))
    if isinstance(caller, Response):
        return caller

    def read(conn: Connection) -> tuple[Webhook, Message] | Refusal:
        found = webhooks.one(conn, caller, webhook_id)
        if isinstance(found, Refusal):
            return found
        made = message(conn, found)
        return made if isinstance(made, Refusal) else (found, made)

    found = await context.on_reader(read)
    if isinstance(found, Refusal):
        return problems.refusal(found).response
    done = await context.send_once(*found)
    if isinstance(done, Refusal):
        return problems.refusal(done).response
    return answers.json(WebhookAttempt.of(done)).response
