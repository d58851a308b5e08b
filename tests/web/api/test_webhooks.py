"""Webhooks over HTTP: managing them, and seeing what came of what was sent."""

from datetime import datetime

import pytest
from standardwebhooks import Webhook as Verifier

from support.process import until
from support.receiver import TAKEN, Receiver, status
from support.server import Didier
from web.api.conftest import SOURCE, Api


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The API of a server that may send to this machine, as the administrator."""
    directory = tmp_path_factory.mktemp("webhooks")
    arguments = ("--demo", "--database", f"sqlite:///{directory}/didier.db")
    settings = {"DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8", "DIDIER_RATE_LIMIT": "0"}
    server = Didier(directory, *arguments, environment=settings).start()
    yield Api(server)
    server.stop()


@pytest.fixture
def receiver():
    """A receiver that takes everything."""
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def hook(api, receiver):
    """Makes an endpoint at the receiver; returns what was answered."""
    made = []

    def make(**values):
        answer = api.post("/webhooks", {"url": receiver.url, "types": ["did.*"], **values})
        assert 201 == answer.status, answer.text
        made.append(answer.body["id"])
        return answer.body

    yield make
    for number in made:
        api.ask("DELETE", f"/webhooks/{number}")


def attempts(api, number, query=""):
    return api.get(f"/webhooks/{number}/attempts{query}").body["items"]


NUMBERS = (str(number) for number in range(5_551_000, 5_559_000))


def test_a_receiver_hears_of_a_copy(api, receiver, hook):
    """Verified with the secret that was shown once."""
    made = hook(description="CRM", prefixes=["555"])
    number = next(NUMBERS)
    api.post("/copies", {"source": SOURCE, "targets": [number]})
    [event] = receiver.until(len)
    message = receiver.messages[0]
    shown = api.get(f"/webhooks/{made['id']}").body

    assert event == Verifier(made["secret"]).verify(message.body.decode(), message.headers)
    assert ("did.created", number, "admin") == (event["type"], event["data"]["did_pattern"], event["user"])
    assert ("CRM", ["did.*"], ["555"], True) == tuple(
        shown[name] for name in ("description", "types", "prefixes", "enabled")
    )
    assert "secret" not in shown
    assert made["secret"] not in api.get("/webhooks").text
    until(lambda: api.get(f"/webhooks/{made['id']}").body["behind"] == 0)
    assert "active" == api.get(f"/webhooks/{made['id']}").body["state"]


def test_a_repeated_request_shows_no_secret(api, receiver):
    """A key makes one endpoint; its secret is in the first answer alone."""
    body = {"url": receiver.url, "enabled": False}
    first, again = (api.post("/webhooks", body, key="one-webhook") for _ in range(2))

    assert first.body["secret"].startswith("whsec_")
    assert {**first.body, "secret": None} == again.body
    assert "off" == first.body["state"]
    assert 204 == api.ask("DELETE", f"/webhooks/{first.body['id']}").status
    assert (404, "webhook-not-found") == api.get(f"/webhooks/{first.body['id']}").problem


def test_an_attempt_that_fails_is_shown_and_its_event_sent_again(api, receiver, hook):
    """With status and answer; what is sent by hand is an attempt of its own."""
    receiver.behave = status(500, "out of <b>order</b>")
    made = hook()
    api.add(next(NUMBERS))
    [event] = receiver.until(len)
    until(lambda: attempts(api, made["id"]))
    [failed] = attempts(api, made["id"])
    shown = api.get(f"/webhooks/{made['id']}").body
    receiver.behave = TAKEN
    sent = api.post(f"/webhooks/{made['id']}/events/{failed['event']}/resend")

    assert (500, "repeated", "out of <b>order</b>", "feed", event["id"]) == tuple(
        failed[name] for name in ("status", "outcome", "answer", "cause", "event")
    )
    assert ("retrying", 1) == (shown["state"], shown["attempts"])
    assert datetime.fromisoformat(shown["retry_at"]) > datetime.fromisoformat(failed["at"])
    assert (200, "taken", 204, "resend") == (
        sent.status,
        *(sent.body[n] for n in ("outcome", "status", "cause")),
    )
    assert event == receiver.events[1]
    assert ["resend"] == [one["cause"] for one in attempts(api, made["id"], "?outcome=taken&limit=1")]
    again = api.post(f"/webhooks/{made['id']}/events/999999/resend")
    assert (404, "event-not-found") == again.problem


def test_a_test_message_shows_what_comes_of_it(api, receiver, hook):
    """It is signed as others are."""
    made = hook(types=["batch.finished"])
    taken = api.post(f"/webhooks/{made['id']}/test").body
    receiver.behave = status(403)
    failed = api.post(f"/webhooks/{made['id']}/test").body
    message = receiver.messages[0]

    assert ("taken", "failed", 403) == (taken["outcome"], failed["outcome"], failed["status"])
    assert "webhook.test" == Verifier(made["secret"]).verify(message.body.decode(), message.headers)["type"]


def test_another_secret(api, receiver, hook):
    """The old one signs too for a day, or as long as is said."""
    made = hook()
    rotated = api.post(f"/webhooks/{made['id']}/secret")
    api.post(f"/webhooks/{made['id']}/test")
    message = receiver.messages[0]

    assert rotated.body["secret"] != made["secret"]
    assert rotated.body["old_secret_until"]
    for secret in (rotated.body["secret"], made["secret"]):
        Verifier(secret).verify(message.body.decode(), message.headers)
    assert api.post(f"/webhooks/{made['id']}/secret", {"overlap_hours": 0}).body["old_secret_until"] is None


def test_everything_since_a_moment_is_sent_again(api, receiver, hook):
    """In order."""
    made = hook()
    numbers = [next(NUMBERS) for _ in range(3)]
    for number in numbers:
        api.add(number)
    receiver.until(lambda events: len(events) >= 3)
    until(lambda: len(attempts(api, made["id"])) >= 3)
    first = attempts(api, made["id"])[-1]
    answer = api.post(f"/webhooks/{made['id']}/resend", {"since": receiver.events[0]["timestamp"]})
    events = receiver.until(lambda events: [one["data"]["did_pattern"] for one in events][-3:] == numbers
                            and len(events) >= 6)  # fmt: skip

    assert 200 == answer.status
    assert first["event"] in [event["id"] for event in events[3:]]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"url": "ftp://crm.example.com"}, "/url"),
        ({"url": "https://crm.example.com", "types": ["did.renamed"]}, "/types"),
        ({"url": "https://crm.example.com", "routes": ["NOWHERE"]}, "/routes"),
        ({"url": "https://crm.example.com", "prefixes": [""]}, "/prefixes"),
        ({"url": "https://crm.example.com", "secret": "mine"}, "/secret"),
        ({}, "/url"),
        ({"url": "x" * 2001}, "/url"),
        ({"url": "https://crm.example.com", "enabled": "yes"}, "/enabled"),
    ],
)
def test_what_is_wrong_is_named(api, body, pointer):
    """By a pointer into the body."""
    refused = api.post("/webhooks", body)

    assert 422 == refused.status
    assert pointer in {
        refused.body.get("pointer"),
        *(one["pointer"] for one in refused.body.get("errors") or ()),
    }


def test_a_change_begins_at_once(api, receiver, hook):
    """An endpoint that was switched off hears nothing; switched on it hears of what it has missed."""
    made = hook(enabled=False)
    number = next(NUMBERS)
    api.add(number)
    assert 200 == api.patch(f"/webhooks/{made['id']}", {"enabled": True}).status
    [event] = receiver.until(len)

    assert number == event["data"]["did_pattern"]
    assert (422, "nothing-to-change") == api.patch(f"/webhooks/{made['id']}", {}).problem


def test_it_takes_a_right_and_a_scope(api):
    """Tokens with a prefix never reach webhooks."""
    for token in (api.token("dids:read", "dids:write"), api.token("changes:read")):
        assert (403, "not-permitted") == token.get("/webhooks").problem
    assert 200 == api.token("admin").get("/webhooks").status
    # A token makes nothing say more than it may hear itself.
    for scopes, types in (
        (["admin"], ["did.*"]),
        (["admin", "changes:read"], []),
        (["admin", "dids:read"], ["user.*"]),
    ):
        wanted = {"url": "https://crm.example.com", "types": types}
        assert (403, "not-permitted") == api.token(*scopes).post("/webhooks", wanted).problem
    made = api.token("admin", "changes:read").post(
        "/webhooks", {"url": "https://crm.example.com", "types": ["did.*"], "enabled": False}
    )
    assert 201 == made.status
    api.ask("DELETE", f"/webhooks/{made.body['id']}")
    assert (403, "not-permitted") == api.token("admin", pattern_prefix="1800").get("/webhooks").problem
