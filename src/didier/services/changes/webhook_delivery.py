"""What is to be sent to an endpoint of webhooks next, and what is stored of each attempt."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson
from sqlalchemy.engine import Connection

from didier.domain import webhooks as rules
from didier.domain.webhooks import SILENT_SECONDS, Answer, GiveUp, Repeat
from didier.errors import EventNotFound, NotPermitted
from didier.services.changes import event_shapes, feed
from didier.services.changes.feed import Event, Feed, Follower
from didier.services.changes.webhooks import not_permitted
from didier.services.users.authentication import Caller
from didier.services.users.local_user import LOCAL_USER
from didier.storage.changes import change_log, webhooks
from didier.storage.changes.change_log import UPDATED, WEBHOOK, Author, Change
from didier.storage.changes.webhooks import Attempt, Progress, Webhook
from didier.storage.users import users

AT_ONCE = 50
"""How many events are read at once for an endpoint."""

ATTEMPTS_KEPT, ATTEMPTS_DAYS = 1_000, 30
"""How many attempts of an endpoint are remembered, and for how long."""


class UserGone(Exception):
    """The user with whose eyes an endpoint sees is not active, or may not manage webhooks any more."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that an endpoint is to be sent, and the number up to which there are none but these."""

    events: Sequence[Event]
    after: int


def waiting(conn: Connection, webhook: Webhook) -> Waiting:
    """Return the next events for an endpoint. Raises `UserGone`."""
    progress = webhook.progress
    begin, part = progress.number, progress.part
    # What was done with in part has the number of the last event that was sent: it is read again.
    begin -= part is not None
    found = _page(conn, webhook, begin, AT_ONCE)
    if found is None:
        return Waiting((), feed.newest(conn))  # an older state of the database was restored, but not of this
    rest = found.events
    if part is not None:
        rest = [event for event in rest if (event.number, event.part) > (progress.number, part)]
    return Waiting(rest, found.after)


def _page(conn: Connection, webhook: Webhook, after: int, limit: int) -> Feed | None:
    """Return what an endpoint hears of behind a number; None where the log does not know that number."""
    caller = _caller(conn, webhook)
    # The feed keeps for an endpoint what it has not had yet, however old that is.
    endpoint = webhook.endpoint
    found = feed.page(conn, Follower(caller, endpoint.chosen, after, limit, datetime.min, endpoint.wants))
    if isinstance(found, NotPermitted):
        raise UserGone(str(found))
    return found if isinstance(found, Feed) else None


def _caller(conn: Connection, webhook: Webhook) -> Caller:
    """Return the user of an endpoint as a caller."""
    if not webhook.user_id:  # made by the command line on the machine of the database
        return Caller(LOCAL_USER, LOCAL_USER.name, "", is_local=True)
    account = users.accounts_by_id(conn, [webhook.user_id]).get(webhook.user_id)
    if account is None or not account.active:
        raise UserGone(f"the user {webhook.user} is not active")
    caller = Caller(account.user, account.user.name, "")
    if missing := not_permitted(caller):
        raise UserGone(f"the user {webhook.user} may not manage webhooks: {'; '.join(missing.missing)}")
    return caller


def event_of(conn: Connection, webhook: Webhook, event_id: str) -> Event | None:
    """Return the event *event_id* as the endpoint hears of it, None if there is none. Raises `UserGone`."""
    number = event_id.partition(".")[0]
    if not (number.isascii() and number.isdigit() and len(number) < 19 and int(number)):
        return None
    found = _page(conn, webhook, int(number) - 1, 1)
    return next((event for event in found.events if event.id == event_id), None) if found else None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that is sent to an endpoint once; *cause* is resend or test, *number* that of its change."""

    event_id: str
    event_type: str
    number: int
    body: bytes
    cause: str


def resent(conn: Connection, webhook: Webhook, event_id: str) -> Message | EventNotFound:
    """Return the message that sends an event again. Raises `UserGone`."""
    event = event_of(conn, webhook, event_id)
    if event is None:
        return EventNotFound(event_id)
    return Message(event.id, event.type, event.number, event_shapes.body(event), "resend")


TEST = "webhook.test"
"""The type of a message that only shows whether an endpoint takes messages."""


def test_message(now: datetime) -> Message:
    """Return a message that says nothing."""
    event_id = f"test-{secrets.token_hex(8)}"
    told = {"id": event_id, "type": TEST, "timestamp": now.astimezone().isoformat(), "data": {}}
    return Message(event_id, TEST, 0, orjson.dumps(told), "test")


def attempt_once(webhook: Webhook, message: Message, answer: Answer, now: datetime) -> Attempt:
    """Return what came of a *message* as it is remembered."""
    word = "taken" if answer.is_taken else "failed"
    return _attempt(webhook, message, 1, word, answer, now)


def record_once(conn: Connection, attempts: Sequence[Attempt]) -> None:
    """Store attempts at messages that were sent once."""
    webhooks.record(conn, attempts)


@dataclass(frozen=True, slots=True)
class Sent:
    """An attempt to send an *event* to an endpoint, and what came of it; *is_last* of those of its number."""

    webhook: Webhook
    event: Event
    is_last: bool
    answer: Answer
    at: datetime


def outcome(sent: Sent, chance: float) -> tuple[Progress, Attempt]:
    """Return how far the endpoint is behind an attempt, and the attempt as it is remembered."""
    before, event = sent.webhook.progress, sent.event
    first_at, count = before.first_at or sent.at, before.attempts + 1
    verdict = rules.verdict(sent.answer, count, (sent.at - first_at).total_seconds(), chance)
    done = replace(
        before, number=event.number, part=None if sent.is_last else event.part, first_at=None, attempts=0,
        retry_at=None,
    )  # fmt: skip
    failing = replace(before, failing_since=before.failing_since or sent.at)
    match verdict:
        case None:
            progress, word = replace(done, succeeded_at=sent.at, failing_since=None), "taken"
        case Repeat(seconds):
            later = sent.at + timedelta(seconds=seconds)
            progress = replace(failing, first_at=first_at, attempts=count, retry_at=later)
            word = "repeated"
        case GiveUp(is_last):
            progress, word = replace(done, failing_since=failing.failing_since), "failed"
            if is_last:
                progress = disabled(progress, "the receiver wants nothing more (410)", sent.at)
    since = progress.failing_since
    if since and progress.disabled_at is None and (sent.at - since).total_seconds() >= SILENT_SECONDS:
        days = SILENT_SECONDS // 86_400
        progress = disabled(progress, f"nothing was taken for {days} days", sent.at)
    message = Message(event.id, event.type, event.number, b"", "feed")
    return progress, _attempt(sent.webhook, message, count, word, sent.answer, sent.at)


def disabled(progress: Progress, reason: str, now: datetime) -> Progress:
    """Return *progress* of an endpoint to which nothing is sent any more."""
    return replace(progress, disabled_at=now, disabled_reason=reason)


def _attempt(
    webhook: Webhook, message: Message, count: int, word: str, answer: Answer, now: datetime
) -> Attempt:
    return Attempt(
        webhook_id=webhook.webhook_id,
        at=now,
        cause=message.cause,
        event_id=message.event_id,
        event_type=message.event_type,
        number=message.number,
        attempt=count,
        outcome=word,
        status=answer.status,
        error=answer.error,
        answer=answer.text,
        milliseconds=round(answer.seconds * 1000),
    )


Done = tuple[Webhook, Progress, Attempt | None]
"""How far an endpoint has come, as of the edition that it had; without an attempt nothing was to be sent."""


def record(conn: Connection, done: Sequence[Done], now: datetime) -> list[bool]:
    """Store how far endpoints are, and attempts; say of each whether people have not changed it meanwhile.

    What was under way when an endpoint was changed is remembered as an attempt all the same.
    """
    stored = []
    for webhook, progress, _ in done:
        is_current = webhooks.advance(conn, webhook.webhook_id, webhook.edition, progress)
        stored.append(is_current)
        if is_current and progress.disabled_at and not webhook.progress.disabled_at:
            _tell_disabled(conn, webhook, progress, now)
    webhooks.record(conn, [attempt for *_, attempt in done if attempt])
    return stored


def _tell_disabled(conn: Connection, webhook: Webhook, progress: Progress, now: datetime) -> None:
    details = {
        "webhook_id": webhook.webhook_id, "url": webhook.endpoint.place,
        "reason": progress.disabled_reason or "",
    }  # fmt: skip
    change = Change(
        Author("", None, "", "webhooks"), UPDATED, "webhook", 0, "", batch_id=0, details=details, version=None
    )
    change_log.record(conn, [change], now, kind=WEBHOOK)


def tidy(conn: Connection, now: datetime) -> None:
    """Forget old attempts."""
    ids = [one.webhook_id for one in webhooks.every(conn)]
    webhooks.tidy(conn, ids, ATTEMPTS_KEPT, now - timedelta(days=ATTEMPTS_DAYS))
