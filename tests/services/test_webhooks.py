"""Endpoints of webhooks: who may manage them, and what is stored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.webhooks import Answer, Endpoint
from didier.errors import (
    InvalidField,
    KeyNotUsable,
    NothingToChange,
    NotPermitted,
    WebhookNotFound,
    WebhooksOff,
)
from didier.services.changes import webhook_delivery, webhooks
from didier.services.changes.webhooks import AddWebhook, DeleteWebhook, RotateSecret, UpdateWebhook
from didier.services.system import sealed_secrets
from didier.services.system.installation_key import KeyFile, generate
from didier.storage.changes import webhooks as stored
from didier.storage.statements import run
from support.engines import opened

SECRET, OTHER = webhooks.generate_secret(), webhooks.generate_secret()
ANSWER = Answer(500, "", "no", 0.1)
HOOK = Endpoint("https://crm.example.com/hook?key=1")


@pytest.fixture
def conn(clean):
    """A connection to a database without endpoints."""
    with clean.begin() as conn:
        for table in ("didier_webhook_attempts", "didier_webhooks"):
            run(conn, f"DELETE FROM {table}")
        yield conn


@pytest.fixture
def file(tmp_path):
    return KeyFile(tmp_path / "didier.key")


@pytest.fixture
def add(conn, file, now):
    """Makes an endpoint, or says why not."""

    def add(endpoint=HOOK, caller=CALLER):
        [made] = webhooks.add(conn, [AddWebhook(caller, endpoint, file, SECRET)], now)
        return made

    return add


def user(**values):
    return replace(CALLER, user=replace(CALLER.user, **values), is_local=False)


NOT_PERMITTED = {
    "level": user(level=8),
    "right": user(manage_servers=False),
    "function": user(functions=frozenset({"list_dids", "update_did"})),
    "scope": replace(CALLER, scopes=frozenset({"dids:read", "dids:write", "changes:read"})),
    "prefix": replace(CALLER, scopes=frozenset({"admin"}), pattern_prefix="1800"),
}


@pytest.mark.parametrize("caller", NOT_PERMITTED.values(), ids=NOT_PERMITTED)
def test_who_lacks_a_right_manages_none(conn, add, now, file, caller):
    """Nothing is shown or done; what is missing is named."""
    webhook_id = add().webhook.webhook_id
    outcomes = [
        webhooks.every(conn, caller),
        webhooks.one(conn, caller, webhook_id),
        webhooks.attempts(conn, caller, webhook_id, 10),
        add(caller=caller),
        *webhooks.update(conn, [UpdateWebhook(caller, webhook_id, {"description": "x"})], now),
        *webhooks.delete(conn, [DeleteWebhook(caller, webhook_id)], now),
        *webhooks.rotate(conn, [RotateSecret(caller, webhook_id, file, timedelta(0), OTHER)], now),
    ]  # fmt: skip

    assert {NotPermitted} == {*map(type, outcomes)}
    assert 1 == len(webhooks.every(conn, CALLER))


def test_an_endpoint_is_kept_with_its_secret_sealed(conn, add, file, now):
    """It hears of what comes from now on; the database does not have its secret."""
    made = add(replace(HOOK, types=("did.*",), prefixes=("1800",), routes=("EXTEN",), groups=("SALES",)))
    kept = webhooks.one(conn, CALLER, made.webhook.webhook_id)

    assert (SECRET, made.webhook) == (made.secret, kept)
    assert (("did.*",), ("1800",), ("EXTEN",), ("SALES",)) == (
        kept.endpoint.types, kept.endpoint.prefixes, kept.endpoint.routes, kept.endpoint.groups,
    )  # fmt: skip
    assert SECRET not in repr(run(conn, "SELECT * FROM didier_webhooks"))
    assert SECRET not in repr(made)
    assert "1.2" in webhooks.signed(kept, "1.2", b"{}", file, now)["webhook-id"]


def test_the_admin_log_has_no_query(conn, add, now):
    """What stands behind the address may be a secret of the receiver."""
    made = add()
    webhooks.delete(conn, [DeleteWebhook(CALLER, made.webhook.webhook_id)], now)
    rows = run(conn, "SELECT event_section, event_type, event_notes FROM vicidial_admin_log")

    assert [("WEBHOOKS", "ADD"), ("WEBHOOKS", "DELETE")] == [tuple(row[:2]) for row in rows]
    assert {"webhook: https://crm.example.com/hook"} == {row[2] for row in rows}


def test_what_is_wrong_is_refused(conn, add, now):
    """And nothing is changed."""
    webhook_id = add().webhook.webhook_id
    [changed] = webhooks.update(conn, [UpdateWebhook(CALLER, webhook_id, {"url": "ftp://x"})], now)
    [nothing] = webhooks.update(conn, [UpdateWebhook(CALLER, webhook_id, {})], now)

    assert "url" == add(replace(HOOK, url="crm.example.com")).field
    assert isinstance(changed, InvalidField)
    assert isinstance(nothing, NothingToChange)
    assert HOOK == webhooks.one(conn, CALLER, webhook_id).endpoint
    assert WebhookNotFound(99) == webhooks.one(conn, CALLER, 99)
    assert [WebhookNotFound(99)] == webhooks.delete(conn, [DeleteWebhook(CALLER, 99)], now)


def test_who_sets_it_last_lends_it_their_eyes(conn, add, now):
    """So nobody makes it tell them more than they may see."""
    other = user(user_id=7, name="other")
    webhook_id = add().webhook.webhook_id
    webhooks.update(conn, [UpdateWebhook(other, webhook_id, {"url": "https://other.example.com"})], now)

    assert (7, "other") == (lambda one: (one.user_id, one.user))(webhooks.one(conn, CALLER, webhook_id))


def test_what_people_have_changed_is_not_overwritten(conn, add, now):
    """Progress that was made with the state before is dropped; the attempt is remembered."""
    found = add().webhook
    webhooks.update(conn, [UpdateWebhook(CALLER, found.webhook_id, {"description": "x"})], now)
    progress = replace(found.progress, number=4711)

    assert [False] == webhook_delivery.record(conn, [(found, progress, None)], now)
    current = stored.one(conn, found.webhook_id)
    assert [True] == webhook_delivery.record(conn, [(current, progress, None)], now)
    assert 4711 == stored.one(conn, found.webhook_id).progress.number


def test_a_key_that_is_replaced_seals_secrets_anew(conn, add, file, now):
    """Old ones too; with another key they cannot be opened, which is told."""
    webhook_id = add().webhook.webhook_id
    webhooks.rotate(conn, [RotateSecret(CALLER, webhook_id, file, timedelta(days=1), OTHER)], now)
    old, new = file.keys(), generate(now.astimezone())
    file.write((new, *old))

    assert [] == sealed_secrets.not_opened(conn, file)
    assert 2 == sealed_secrets.seal_anew(conn, file.keys(), new)
    file.write((new,))
    assert [] == sealed_secrets.not_opened(conn, file)
    signatures = webhooks.signed(stored.one(conn, webhook_id), "1", b"", file, now)["webhook-signature"]
    assert 2 == len(signatures.split(" "))
    file.write(old)
    assert 2 == len(sealed_secrets.not_opened(conn, file))
    assert f"webhook {webhook_id}" in sealed_secrets.not_opened(conn, file)[0]


def test_without_the_key_no_secret_is_made(conn, add, file):
    """One that is missing while something is sealed with it is not replaced by another."""
    add()
    file.path.unlink()

    assert isinstance(add(), KeyNotUsable)
    assert not file.path.exists()


def test_old_attempts_are_forgotten(conn, add, now):
    """Those of long ago, and of each endpoint those beyond the last ones."""
    webhook = add().webhook
    message = webhook_delivery.test_message(now)
    for days in (40, 3, 2, 1):
        attempt = webhook_delivery.attempt_once(webhook, message, ANSWER, now - timedelta(days=days))
        webhook_delivery.record_once(conn, [attempt])
    webhook_delivery.tidy(conn, now)
    before = webhooks.attempts(conn, CALLER, webhook.webhook_id, 10)
    stored.tidy(conn, [webhook.webhook_id], 2, now - timedelta(days=30))

    assert [1, 2, 3] == [(now - attempt.at).days for attempt in before]
    assert [1, 2] == [(now - one.at).days for one in webhooks.attempts(conn, CALLER, webhook.webhook_id, 10)]


def test_without_the_tables_webhooks_are_off(engine, database_url, file, now):
    """Nothing else is."""
    with engine.begin() as conn:
        for table in ("didier_webhook_attempts", "didier_webhooks"):
            run(conn, f"DROP TABLE {table}")
    with opened(database_url) as anew, anew.begin() as conn:
        assert [] == webhooks.every(conn, CALLER)
        assert [] == sealed_secrets.not_opened(conn, file)
        [refused] = webhooks.add(conn, [AddWebhook(CALLER, HOOK, file, SECRET)], now)

    assert isinstance(refused, WebhooksOff)
