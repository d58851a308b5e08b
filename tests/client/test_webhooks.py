"""Webhooks by the client."""

from datetime import UTC, datetime, timedelta

import pytest

from didier.client import errors
from didier.domain import signatures

NOWHERE = "https://203.0.113.7/hook"
"""An address kept for documentation: nothing is sent to it."""


def test_a_whole_life(client):
    """Made with a secret, listed without it, changed, given another secret, and deleted."""
    made = client.add_webhook(NOWHERE, description="CRM", types=["did.*"], prefixes=["1800"], enabled=False)
    listed = next(one for one in client.webhooks() if one.id == made.id)
    changed = client.update_webhook(made.id, description="Billing", prefixes=())
    rotated = client.rotate_webhook_secret(made.id, overlap_hours=1)

    assert ("off", ("did.*",), ("1800",)) == (listed.state, listed.types, listed.prefixes)
    assert ("Billing", ()) == (changed.description, changed.prefixes)
    assert {True} == {one.secret.startswith(signatures.PREFIX) for one in (made, rotated)}
    assert made.secret != rotated.secret
    assert made.secret not in repr(made)
    assert rotated.old_secret_until > datetime.now(UTC)
    assert rotated.id == client.webhook(made.id).id
    client.delete_webhook(made.id)
    with pytest.raises(errors.WebhookNotFound):
        client.webhook(made.id)


def test_what_came_of_messages(client):
    """A test is remembered as an attempt; an event that is none is named."""
    made = client.add_webhook(NOWHERE, enabled=False)
    done = client.test_webhook(made.id)
    [kept] = client.webhook_attempts(made.id, "failed", page_size=1)
    since = client.resend_events(made.id, datetime.now(UTC) - timedelta(days=1))
    with pytest.raises(errors.EventNotFound):
        client.resend_event(made.id, "no-event")

    assert ("test", "webhook.test", "failed", None) == (done.cause, done.type, done.outcome, done.status)
    assert "is no address on the internet" in done.error
    assert done == kept
    assert since.sequence <= made.sequence
    client.delete_webhook(made.id)


def test_what_is_wrong_is_named(client):
    """By its field."""
    with pytest.raises(errors.InvalidField) as refused:
        client.add_webhook("ftp://example.com/")

    assert "url" == refused.value.field
