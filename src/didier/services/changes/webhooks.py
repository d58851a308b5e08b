"""Endpoints of webhooks: making, changing and deleting them, their secrets, and what they missed.

An endpoint hears of what a user sees: who has said last where and what is sent. Nobody makes it say more than
they may read themselves, and who sees less than its user has nothing to do with it, nor with its secret.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy.engine import Connection

from didier.domain import signatures
from didier.domain import webhooks as rules
from didier.domain.scopes import missing_scope
from didier.domain.signatures import SECRET_BYTES
from didier.domain.users import missing_function, missing_rights
from didier.domain.visibility import Visibility
from didier.domain.webhooks import Endpoint
from didier.errors import (
    InvalidField,
    KeyNotUsable,
    KeyProblem,
    NothingToChange,
    NotPermitted,
    WebhookNotFound,
    WebhooksOff,
)
from didier.services.changes import feed
from didier.services.system.installation_key import Key, KeyFile, NotOpened, seal, sealed_with, unseal
from didier.services.users.authentication import Caller
from didier.storage.changes import sequence, vicidial_logs, webhooks
from didier.storage.changes.vicidial_logs import AdminEntry
from didier.storage.changes.webhooks import Attempt, Progress, Webhook
from didier.storage.users import second_factors, users
from didier.storage.users.users import Account

ACTION = "manage_webhooks"
MOST = 100
"""Most endpoints that there are."""

OLD_SECRET_DAYS_MOST = 30

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class AddWebhook:
    """A wish for an endpoint, with the secret that signs what is sent to it."""

    caller: Caller
    endpoint: Endpoint
    file: KeyFile
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpdateWebhook:
    """A wish to set fields of an endpoint to *values*; enabling it ends that it was disabled."""

    caller: Caller
    webhook_id: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeleteWebhook:
    """A wish that nothing be sent to an endpoint any more, and to forget it."""

    caller: Caller
    webhook_id: int


@dataclass(frozen=True, slots=True)
class RotateSecret:
    """A wish for another secret; the old one signs too for *overlap*."""

    caller: Caller
    webhook_id: int
    file: KeyFile
    overlap: timedelta
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ResendSince:
    """A wish to send everything again that happened since *moment*, in order."""

    caller: Caller
    webhook_id: int
    moment: datetime


@dataclass(frozen=True, slots=True)
class WithSecret:
    """An endpoint, with its new secret."""

    webhook: Webhook
    secret: str = field(repr=False)


Refused = NotPermitted | WebhooksOff | WebhookNotFound


def generate_secret() -> str:
    """Make a secret that nobody can guess."""
    return signatures.secret_of(secrets.token_bytes(SECRET_BYTES))


def not_permitted(caller: Caller) -> NotPermitted | None:
    """Refuse webhooks to *caller*; a token that reaches some numbers alone has none."""
    refused = (
        missing_scope(caller.scopes, "admin", ACTION)
        or missing_function(caller.user, ACTION)
        or missing_rights(caller.user, ACTION)
    )
    if refused is None and caller.pattern_prefix is not None:
        return NotPermitted(ACTION, ("A token without pattern prefix",))
    return refused


def are_kept(conn: Connection) -> bool:
    """Say whether there can be endpoints here."""
    return webhooks.are_kept(conn)


def every(conn: Connection, caller: Caller) -> list[Webhook] | NotPermitted:
    """Return the endpoints that the caller has to do with, the oldest first."""
    return not_permitted(caller) or _reached(conn, caller, webhooks.every(conn))


def disabled(conn: Connection, caller: Caller) -> list[Webhook] | NotPermitted:
    """Return the endpoints that were given up though people have them enabled."""
    found = every(conn, caller)
    if isinstance(found, NotPermitted):
        return found
    return [one for one in found if one.endpoint.is_enabled and one.progress.disabled_at]


def one(conn: Connection, caller: Caller, webhook_id: int) -> Webhook | Refused:
    """Return an endpoint."""
    if refused := _refused(conn, caller):
        return refused
    found = webhooks.one(conn, webhook_id)
    return found if found and _reached(conn, caller, [found]) else WebhookNotFound(webhook_id)


def _reached(conn: Connection, caller: Caller, found: Sequence[Webhook]) -> list[Webhook]:
    """Return those of the endpoints whose users do not see more than *caller*, or are no more."""
    there = users.accounts_by_id(conn, {webhook.user_id for webhook in found})
    return [webhook for webhook in found if _sees_as_much(caller, webhook, there.get(webhook.user_id))]


def _sees_as_much(caller: Caller, webhook: Webhook, account: Account | None) -> bool:
    if webhook.user_id == caller.user.user_id or caller.visibility.groups is None:
        return True
    return account is not None and caller.visibility.covers(Visibility(account.user.visible_groups()))


def attempts(
    conn: Connection,
    caller: Caller,
    webhook_id: int,
    limit: int,
    before: int | None = None,
    outcome: str | None = None,
) -> list[Attempt] | Refused:
    """Return *limit* attempts to send something to an endpoint, the newest first, below the id *before*."""
    found = one(conn, caller, webhook_id)
    if not isinstance(found, Webhook):
        return found
    return webhooks.attempts(conn, webhook_id, limit, before, outcome)


def _refused(conn: Connection, caller: Caller) -> NotPermitted | WebhooksOff | None:
    return not_permitted(caller) or (None if are_kept(conn) else WebhooksOff())


def add(
    conn: Connection, orders: Sequence[AddWebhook], now: datetime
) -> list[WithSecret | Refused | InvalidField | KeyNotUsable]:
    """Make the endpoints that *orders* ask for; they hear of what happens from now on."""
    return [_add(conn, order, now) for order in orders]


def _add(
    conn: Connection, order: AddWebhook, now: datetime
) -> WithSecret | Refused | InvalidField | KeyNotUsable:
    if refused := _refused(conn, order.caller):
        return refused
    if bad := rules.problem(order.endpoint) or feed.not_heard(order.caller, order.endpoint.chosen):
        return bad
    if len(webhooks.every(conn)) >= MOST:
        return InvalidField("url", order.endpoint.url, f"up to {MOST} endpoints")
    key = _sealing_key(conn, order.file, now)
    if isinstance(key, KeyNotUsable):
        return key
    user = order.caller.user
    webhook_id = webhooks.add(conn, order.endpoint, user.user_id, user.name, sequence.newest(conn), now)
    webhooks.set_secret(conn, webhook_id, seal(key, order.secret, _about(webhook_id)), None)
    _log(conn, order.caller, "ADD", webhook_id, order.endpoint.place, now)
    return WithSecret(_stored(conn, webhook_id), order.secret)


def _stored(conn: Connection, webhook_id: int) -> Webhook:
    found = webhooks.one(conn, webhook_id)
    if found is None:
        raise LookupError(f"webhook {webhook_id} was written in this transaction and is not there")
    return found


def _sealing_key(conn: Connection, file: KeyFile, now: datetime) -> Key | KeyNotUsable:
    """Return the key that seals; one is made unless a key is missing that has sealed something."""
    is_needed = second_factors.any_sealed(conn) or any(one.secret for one in webhooks.every(conn))
    try:
        return (file.keys() if is_needed else file.made(now))[0]
    except KeyProblem as error:
        log.error("webhook_not_sealed", key_file=str(file.path), reason=str(error))
        return KeyNotUsable()


def _about(webhook_id: int) -> str:
    """Return what the sealed secrets of an endpoint are bound to."""
    return f"webhook {webhook_id}"


def update(
    conn: Connection, orders: Sequence[UpdateWebhook], now: datetime
) -> list[Webhook | Refused | InvalidField | NothingToChange]:
    """Change the endpoints that *orders* name; what is under way to the old address may still come there."""
    return [_update(conn, order, now) for order in orders]


def _update(
    conn: Connection, order: UpdateWebhook, now: datetime
) -> Webhook | Refused | InvalidField | NothingToChange:
    found = _held(conn, order.caller, order.webhook_id)
    if not isinstance(found, Webhook):
        return found
    if not order.values:
        return NothingToChange(f"webhook {order.webhook_id}")
    endpoint = replace(found.endpoint, **order.values)
    if bad := rules.problem(endpoint) or feed.not_heard(order.caller, endpoint.chosen):
        return bad
    progress, user = found.progress, order.caller.user
    if order.values.get("is_enabled"):
        # It begins anew: what it could not be sent before is tried at once.
        progress = replace(_at_once(progress), failing_since=None, disabled_at=None, disabled_reason=None)
    elif endpoint.url != found.endpoint.url:
        progress = _at_once(progress)
    changed = replace(found, endpoint=endpoint, progress=progress)
    if _says_other(found.endpoint, endpoint) or not _may_hear(conn, found):
        changed = replace(changed, user_id=user.user_id, user=user.name)
    webhooks.change(conn, changed)
    _log(conn, order.caller, "MODIFY", order.webhook_id, endpoint.place, now)
    return _stored(conn, order.webhook_id)


def _says_other(before: Endpoint, after: Endpoint) -> bool:
    """Say whether something else is sent, or elsewhere: not only whether, and under what description."""
    return before != replace(after, is_enabled=before.is_enabled, description=before.description)


def _may_hear(conn: Connection, webhook: Webhook) -> bool:
    """Say whether the user of an endpoint may still manage webhooks; else another one lends their eyes."""
    if not webhook.user_id:
        return True  # the command line on the machine of the database
    account = users.accounts_by_id(conn, [webhook.user_id]).get(webhook.user_id)
    return account is not None and account.active and not_permitted(Caller(account.user, "", "")) is None


def _at_once(progress: Progress) -> Progress:
    return replace(progress, first_at=None, attempts=0, retry_at=None)


def _held(conn: Connection, caller: Caller, webhook_id: int) -> Webhook | Refused:
    found = one(conn, caller, webhook_id)
    return webhooks.one(conn, webhook_id, held=True) or found if isinstance(found, Webhook) else found


def delete(conn: Connection, orders: Sequence[DeleteWebhook], now: datetime) -> list[Webhook | Refused]:
    """Delete the endpoints that *orders* name."""
    return [_delete(conn, order, now) for order in orders]


def _delete(conn: Connection, order: DeleteWebhook, now: datetime) -> Webhook | Refused:
    found = _held(conn, order.caller, order.webhook_id)
    if isinstance(found, Webhook):
        webhooks.remove(conn, order.webhook_id)
        _log(conn, order.caller, "DELETE", order.webhook_id, found.endpoint.place, now)
    return found


def rotate(
    conn: Connection, orders: Sequence[RotateSecret], now: datetime
) -> list[WithSecret | Refused | KeyNotUsable]:
    """Give endpoints other secrets."""
    return [_rotate(conn, order, now) for order in orders]


def _rotate(conn: Connection, order: RotateSecret, now: datetime) -> WithSecret | Refused | KeyNotUsable:
    found = _held(conn, order.caller, order.webhook_id)
    if not isinstance(found, Webhook):
        return found
    key = _sealing_key(conn, order.file, now)
    if isinstance(key, KeyNotUsable):
        return key
    old, until = (found.secret, now + order.overlap) if order.overlap else (None, None)
    sealed = seal(key, order.secret, _about(found.webhook_id))
    webhooks.change(conn, replace(found, secret=sealed, old_secret=old, old_until=until))
    _log(conn, order.caller, "MODIFY", order.webhook_id, found.endpoint.place, now)
    return WithSecret(_stored(conn, order.webhook_id), order.secret)


def resend_since(conn: Connection, orders: Sequence[ResendSince], now: datetime) -> list[Webhook | Refused]:
    """Let endpoints begin again where *orders* say; what they have had since comes a second time."""
    return [_resend_since(conn, order, now) for order in orders]


def _resend_since(conn: Connection, order: ResendSince, now: datetime) -> Webhook | Refused:
    found = _held(conn, order.caller, order.webhook_id)
    if not isinstance(found, Webhook):
        return found
    number = min(sequence.before(conn, order.moment), found.progress.number)
    progress = replace(_at_once(found.progress), number=number, part=None)
    webhooks.change(conn, replace(found, progress=progress))
    _log(conn, order.caller, "MODIFY", order.webhook_id, found.endpoint.place, now)
    return _stored(conn, order.webhook_id)


def _log(conn: Connection, caller: Caller, kind: str, webhook_id: int, place: str, now: datetime) -> None:
    entry = AdminEntry(
        user=caller.name, address=caller.address, type=kind, record_id=str(webhook_id),
        code=f"ADMIN API {kind} WEBHOOK", notes=f"webhook: {place}", section="WEBHOOKS",
    )  # fmt: skip
    vicidial_logs.write_admin(conn, [entry], now)


def signing_secrets(webhook: Webhook, file: KeyFile, now: datetime) -> list[str]:
    """Return what messages to an endpoint are signed with; raises `KeyProblem` or `NotOpened`."""
    sealed = [webhook.secret]
    if webhook.old_secret and webhook.old_until and webhook.old_until > now:
        sealed.append(webhook.old_secret)
    keys = file.keys()
    return [unseal(keys, one, _about(webhook.webhook_id)) for one in sealed]


def sealed_count(conn: Connection) -> int:
    """Return how many secrets are sealed."""
    return sum(len(_sealed(one)) for one in webhooks.every(conn))


def not_opened(conn: Connection, file: KeyFile) -> list[str]:
    """Return why secrets cannot be opened, one line for each of them; raises `KeyProblem`."""
    found = [(one.webhook_id, text) for one in webhooks.every(conn) for text in _sealed(one)]
    keys, reasons = file.keys() if found else (), []
    for webhook_id, text in found:
        try:
            unseal(keys, text, _about(webhook_id))
        except NotOpened as error:
            reasons.append(f"the secret of webhook {webhook_id}: {error}")
    return reasons


def seal_anew(conn: Connection, keys: Sequence[Key], key: Key) -> int:
    """Seal with *key* what another of *keys* has sealed; return how many values that were.

    Raises `NotOpened` when none of them opens a value.
    """
    count = 0
    for webhook in webhooks.every(conn, held=True):
        texts = _sealed(webhook)
        if all(sealed_with(text) == key.key_id for text in texts):
            continue
        about = _about(webhook.webhook_id)
        secret, *old = (seal(key, unseal(keys, text, about), about) for text in texts)
        webhooks.set_secret(conn, webhook.webhook_id, secret, old[0] if old else None)
        count += len(texts)
    return count


def _sealed(webhook: Webhook) -> list[str]:
    return [webhook.secret, *([webhook.old_secret] if webhook.old_secret else [])]
