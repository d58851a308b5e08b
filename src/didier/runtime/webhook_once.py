"""Sending one message to an endpoint of webhooks because somebody has asked for it, to see the answer."""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.engine import Connection

from didier.domain import signatures
from didier.domain.webhooks import Answer
from didier.errors import KeyNotUsable, KeyProblem
from didier.runtime.committer import Committer
from didier.runtime.webhook_sender import WebhookSender
from didier.services.changes import webhook_delivery, webhooks
from didier.services.changes.webhook_delivery import Message
from didier.services.system.installation_key import KeyFile, NotOpened
from didier.storage.changes.webhooks import Attempt, Webhook

log = structlog.get_logger()


class WebhookOnce:
    """Sends beside the worker: the order of events does not count here, and nothing is repeated."""

    def __init__(self, committer: Committer, sender: WebhookSender, key_file: KeyFile) -> None:
        self._committer = committer
        self._sender = sender
        self._key_file = key_file

    async def send(self, webhook: Webhook, message: Message) -> Attempt | KeyNotUsable:
        """Send *message*; return what came of it, once that is stored."""
        now = datetime.now().replace(microsecond=0)  # as it is stored
        try:
            secrets = webhooks.signing_secrets(webhook, self._key_file, now)
        except (KeyProblem, NotOpened) as error:
            log.error("webhook_not_signed", webhook=webhook.webhook_id, reason=str(error))
            return KeyNotUsable()
        headers = signatures.headers(secrets, message.event_id, int(now.timestamp()), message.body)
        answer: Answer = await self._sender.send(webhook.endpoint.url, headers, message.body)
        attempt = webhook_delivery.attempt_once(webhook, message, answer, now)
        return await self._committer.run(_record, attempt)

    async def close(self) -> None:
        """Close all connections."""
        await self._sender.close()


def _record(conn: Connection, attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    webhook_delivery.record_once(conn, attempts)
    return attempts
