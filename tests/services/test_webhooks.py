"""Endpoints of webhooks: who may manage them, and what is stored."""

from dataclasses import replace
from datetime import timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.domain.webhooks import Answer, Endpoint
from didier.errors import (
    EventNotFound,
    InvalidField,
    KeyNotUsable,
    NothingToChange,
    NotPermitted,
    WebhookNotFound,
    WebhooksOff,
)
from didier.services.batches import copies, edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import AddOrder, UpdateOrder
from didier.services.changes import webhook_delivery, webhooks
from didier.services.changes.webhooks import AddWebhook, DeleteWebhook, RotateSecret, UpdateWebhook
from didier.services.system import sealed_secrets
from didier.services.system.installation_key import KeyFile, generate
from didier.storage.changes import sequence
from didier.storage.changes import webhooks as stored
from didier.storage.statements import run
from didier.storage.users import users
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
    assert [SECRET] == webhooks.signing_secrets(kept, file, now)


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
    assert [OTHER, SECRET] == webhooks.signing_secrets(stored.one(conn, webhook_id), file, now)
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


def numbered(conn):
    """Number what was done, as the sequencer does."""
    if not sequence.is_by_ids(conn):
        sequence.number(conn, 1_000)


def told(conn, webhook_id):
    """Return what waits for an endpoint: type, first and last number of each event."""
    numbered(conn)
    events = webhook_delivery.waiting(conn, stored.one(conn, webhook_id)).events
    return [(event.type, event.data.pattern, event.data.last) for event in events]


def test_conditions_judge_a_did_as_it_is_at_the_change(conn, add, now):
    """An update tells only what differs; the route and the group count all the same."""
    edits.add(conn, [AddOrder(CALLER, "5550001", {"extension": "8301", "user_group": "ADMIN"})], now)
    numbered(conn)
    hooks = [
        add(replace(HOOK, types=("did.*",), **conditions)).webhook.webhook_id
        for conditions in (
            {"groups": ("ADMIN",)},
            {"groups": ("OTHER",)},
            {"routes": ("EXTEN",)},
            {"routes": ("PHONE",)},
        )
    ]
    edits.update(conn, [UpdateOrder(CALLER, "5550001", {"extension": "8302"})], now)

    assert [1, 0, 1, 0] == [len(told(conn, webhook_id)) for webhook_id in hooks]


def test_of_a_run_those_numbers_are_sent_that_are_wanted(conn, add, now):
    """Wherever in it they are, and whatever columns they have for themselves."""
    inside = add(replace(HOOK, types=("did.*",), prefixes=("555001",))).webhook.webhook_id
    grouped = add(replace(HOOK, types=("did.*",), groups=("ADMIN",))).webhook.webhook_id
    targets = [f"55500{place:02}" for place in range(5, 25)]
    rows = tuple(Row(target, {"user_group": "ADMIN"} if target == "5550012" else {}) for target in targets)
    copies.copy(conn, [CopyOrder(CALLER, "18001234567", tuple(targets), rows=rows)], now)

    assert [("did.created", "5550010", "5550019")] == told(conn, inside)
    assert [("did.created", "5550012", "5550012")] == told(conn, grouped)


def test_only_what_it_wants_is_sent_again(conn, add, now):
    """An event that an endpoint never heard of is none of its events."""
    webhook = add(replace(HOOK, types=("did.*",), prefixes=("1800",))).webhook
    edits.add(conn, [AddOrder(CALLER, "5550001", {"extension": "8301"})], now)
    edits.update(conn, [UpdateOrder(CALLER, "18001234567", {"extension": "8301"})], now)
    numbered(conn)
    last = sequence.newest(conn)

    assert EventNotFound(str(last - 1)) == webhook_delivery.resent(conn, webhook, str(last - 1))
    assert str(last) == webhook_delivery.resent(conn, webhook, str(last)).event_id
    for odd in ("", "0", "x", "1.x", "9" * 30, str(last + 1)):
        assert EventNotFound(odd) == webhook_delivery.resent(conn, webhook, odd)


def test_switching_it_on_and_off_lends_it_no_other_eyes(conn, add, now):
    """Nor does another description; another address does."""
    other = user(user_id=7, name="other")
    webhook_id = add().webhook.webhook_id

    def owner(**values):
        webhooks.update(conn, [UpdateWebhook(other, webhook_id, values)], now)
        return stored.one(conn, webhook_id).user

    assert [CALLER.name] * 3 == [owner(is_enabled=False), owner(is_enabled=True), owner(description="x")]
    assert "other" == owner(prefixes=("1800",))


def test_who_sees_less_than_its_user_does_not_see_an_endpoint(conn, add, file, now):
    """Nor gets a secret with which to speak in its place."""
    webhook_id = add().webhook.webhook_id
    limited = user(user_id=7, name="limited", viewable_groups=" ADMIN ")

    assert [] == webhooks.every(conn, limited)
    assert WebhookNotFound(webhook_id) == webhooks.one(conn, limited, webhook_id)
    assert [WebhookNotFound(webhook_id)] == webhooks.rotate(
        conn, [RotateSecret(limited, webhook_id, file, timedelta(0), OTHER)], now
    )
    own = add(caller=limited).webhook.webhook_id
    assert [own] == [one.webhook_id for one in webhooks.every(conn, limited)]


def test_a_user_who_may_not_manage_webhooks_any_more_is_told_nothing(conn, add, now):
    """As one who is not active."""
    run(conn, "UPDATE vicidial_users SET user_level = 9, ast_admin_access = '1' WHERE user = 'admin'")
    [admin] = users.accounts(conn, ["admin"]).values()
    webhook = add(replace(HOOK, types=("did.*",)), replace(CALLER, user=admin.user, is_local=False)).webhook
    assert webhook_delivery.waiting(conn, webhook)
    run(conn, "UPDATE vicidial_users SET ast_admin_access = '0' WHERE user = 'admin'")

    with pytest.raises(webhook_delivery.UserGone, match="AGC Admin Access must be 1"):
        webhook_delivery.waiting(conn, webhook)
    run(conn, "UPDATE vicidial_users SET ast_admin_access = '1' WHERE user = 'admin'")
