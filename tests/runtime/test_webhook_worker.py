"""Webhooks as receivers see them: which fail in every way, while processes come and go."""

import asyncio
import itertools
import json
import random
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_network

import pytest
from standardwebhooks import Webhook as Verifier

from didier.cli.local import CALLER
from didier.domain.webhooks import Endpoint
from didier.runtime.committer import Committer
from didier.runtime.leases import LeaseHolder
from didier.runtime.sequencer import Sequencer
from didier.runtime.webhook_sender import WebhookSender
from didier.runtime.webhook_worker import WebhookWorker
from didier.services.batches import edits
from didier.services.batches.edits import AddOrder, UpdateOrder
from didier.services.changes import webhooks as services
from didier.services.changes.webhooks import AddWebhook, ResendSince, RotateSecret, UpdateWebhook
from didier.services.system.installation_key import KeyFile
from didier.storage.changes import sequence, webhooks
from didier.storage.database import reading
from support.leases import expire
from support.process import until
from support.receiver import TAKEN, Receiver, closed, half, status

LOOPBACK = [ip_network("127.0.0.0/8")]
SPEED = 2_000
"""How much faster than others the clock of these tests runs."""


class Clock:
    """A clock that runs fast, and what sleeps by it."""

    def __init__(self, speed):
        self._began, self._speed = time.monotonic(), speed

    def __call__(self):
        passed = (time.monotonic() - self._began) * self._speed
        return datetime(2026, 3, 4, 5, 6, 7) + timedelta(seconds=passed)

    async def sleep(self, seconds):
        await asyncio.sleep(seconds / self._speed)


class Process:
    """What sends webhooks in a process."""

    def __init__(self, engine, key_file, networks=LOOPBACK, seconds=5.0, speed=SPEED):
        self.committer = Committer(engine)
        self.lease_holder = LeaseHolder(engine, self.committer, 600.0)
        self.sequencer = Sequencer(engine, self.committer, self.lease_holder)
        clock = Clock(speed)
        self.worker = WebhookWorker(
            engine, self.committer, self.lease_holder, lambda: WebhookSender(seconds, networks), key_file,
            clock, lambda: 0.5, clock.sleep,
        )  # fmt: skip

    def start(self):
        self.committer.start()
        self.sequencer.start()
        self.worker.start()

    def stop(self):
        self.worker.stop()
        self.sequencer.stop()
        self.lease_holder.stop()
        asyncio.run(self.committer.stop())


@contextmanager
def process(engine, key_file, **settings):
    one = Process(engine, key_file, **settings)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def key_file(tmp_path):
    return KeyFile(tmp_path / "didier.key")


@pytest.fixture
def hook(engine, key_file, now):
    """Makes an endpoint; returns its id."""

    def make(url, **values):
        order = AddWebhook(CALLER, Endpoint(url, **{"types": ("did.*",), **values}), key_file, SECRET)
        with engine.begin() as conn:
            [made] = services.add(conn, [order], now)
        return made.webhook.webhook_id

    return make


SECRET = services.generate_secret()
NUMBERS = (f"555{place:05}" for place in itertools.count())


@pytest.fixture
def add(engine, now):
    """Adds DIDs, each by itself; returns their numbers."""

    def add(count=1):
        numbers = list(itertools.islice(NUMBERS, count))
        for number in numbers:
            with engine.begin() as conn:
                edits.add(conn, [AddOrder(CALLER, number, {"extension": "8301"})], now)
        return numbers

    return add


def stored(engine, webhook_id):
    with reading(engine) as conn:
        return webhooks.one(conn, webhook_id)


def attempts(engine, webhook_id):
    """Return the attempts of an endpoint, the oldest first."""
    with reading(engine) as conn:
        return webhooks.attempts(conn, webhook_id, 1_000)[::-1]


def is_numbered(engine):
    with reading(engine) as conn:
        return sequence.is_complete(conn)


def numbers(events):
    """Return the numbers of the DIDs that were told, each once, in the order in which they came first."""
    return list(dict.fromkeys(event["data"]["did_pattern"] for event in events))


def comes_to(number, events):
    return number in numbers(events)


def test_events_come_in_order_and_signed(engine, key_file, hook, add):
    """Each by its id, verified as the standard has it."""
    with Receiver() as receiver, process(engine, key_file):
        webhook_id = hook(receiver.url)
        wanted = add(5)
        events = receiver.until(lambda events: len(events) >= 5)

    assert wanted == [event["data"]["did_pattern"] for event in events]
    assert [str(event["sequence"]) for event in events] == [event["id"] for event in events]
    for message in receiver.messages:
        # The clock of these tests is not that of the library: what is signed is compared.
        moment = datetime.fromtimestamp(int(message.headers["webhook-timestamp"])).astimezone()
        signature = Verifier(SECRET).sign(message.headers["webhook-id"], moment, message.body.decode())
        assert signature == message.headers["webhook-signature"]
        assert message.event["id"] == message.headers["webhook-id"]
    assert {"taken"} == {one.outcome for one in attempts(engine, webhook_id)}


FAILURES = [
    status(500, "out of order"), status(429, retry_after="20"), status(503), half, closed, status(404),
    status(302, location="http://127.0.0.1:1/"),
]  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=["500", "429", "503", "half", "closed", "404", "302"])
def test_what_fails_comes_again_before_the_next(engine, key_file, hook, add, failure):
    """However it fails: nothing is left out, and nothing overtakes."""
    failed = []

    def behave(handler, message):
        if len(failed) < 3:
            failed.append(message)
            return failure(handler, message)
        return TAKEN(handler, message)

    with Receiver(behave) as receiver, process(engine, key_file):
        webhook_id = hook(receiver.url)
        wanted = add(3)
        events = receiver.until(lambda events: len(events) >= 6)

    assert [wanted[0]] * 4 + wanted[1:] == [event["data"]["did_pattern"] for event in events]
    assert ["repeated"] * 3 + ["taken"] * 3 == [one.outcome for one in attempts(engine, webhook_id)]
    assert stored(engine, webhook_id).progress.failing_since is None


def test_what_nobody_takes_is_kept_as_failed_and_the_next_is_sent(engine, key_file, hook, add):
    """After 28 hours, by a clock that runs fast; who has failed for five days hears nothing more."""
    with Receiver(status(500, "no")) as receiver, process(engine, key_file, speed=40 * SPEED):
        webhook_id = hook(receiver.url)
        add(6)
        until(lambda: stored(engine, webhook_id).progress.disabled_at)
        found = attempts(engine, webhook_id)
        sent = len(receiver.messages)
        add()

        given_up = [one for one in found if one.outcome == "failed"]
        assert 1 <= len(given_up) <= 5
        assert {8} == {one.attempt for one in given_up}
        assert "no" == found[0].answer
        assert "nothing was taken for 5 days" == stored(engine, webhook_id).progress.disabled_reason
        assert sent == len(receiver.messages)


def test_a_receiver_that_is_gone_is_left_alone(engine, key_file, hook, add):
    """410 ends an endpoint; another hears of it. Enabled again it is sent what it has missed."""
    with Receiver(status(410)) as receiver, Receiver() as other, process(engine, key_file) as running:
        webhook_id = hook(receiver.url)
        hook(other.url, types=("webhook.disabled",))
        add(2)
        [event] = other.until(len)
        receiver.behave = TAKEN
        with engine.begin() as conn:
            services.update(conn, [UpdateWebhook(CALLER, webhook_id, {"is_enabled": True})], datetime.now())
        running.worker.wake()
        later = add(1)
        events = receiver.until(lambda events: numbers(events)[-1:] == later)

    assert ("webhook.disabled", webhook_id) == (event["type"], event["data"]["id"])
    assert 3 == len(events)


def test_one_endpoint_does_not_hold_up_another(engine, key_file, hook, add):
    """One hangs, one refuses to connect; the third hears of everything at once."""
    with Receiver() as receiver, Receiver() as hanging, process(engine, key_file, seconds=60.0):
        hanging.behave = lambda *_: receiver.until(lambda events: len(events) >= 20)
        hook(hanging.url)
        hook("http://127.0.0.1:1/")
        hook(receiver.url)
        wanted = add(20)

        assert wanted == numbers(receiver.until(lambda events: len(events) >= 20))
        assert 1 == len(hanging.messages)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]"],
)
def test_private_addresses_are_not_connected_to(engine, key_file, hook, add, host):
    """Unless the operator allows it; the attempt says why."""
    with Receiver() as receiver, process(engine, key_file, networks=[]):
        webhook_id = hook(receiver.url.replace("127.0.0.1", host))
        add()
        until(lambda: attempts(engine, webhook_id))

    assert "webhook_networks" in attempts(engine, webhook_id)[0].error
    assert not receiver.messages


def test_redirects_are_not_followed(engine, key_file, hook, add):
    """Also not to an address that may be sent to: who answers so has not taken it."""
    with Receiver() as other, Receiver() as receiver, process(engine, key_file):
        receiver.behave = status(307, location=other.url)
        webhook_id = hook(receiver.url)
        add()
        until(lambda: attempts(engine, webhook_id))

        first = attempts(engine, webhook_id)[0]
    assert (307, "repeated") == (first.status, first.outcome)
    assert not other.messages


def test_conditions_choose(engine, key_file, hook, add):
    """By the beginning of a number; what goes by is not tried."""
    with Receiver() as receiver, process(engine, key_file):
        first, second = add(2)
        until(lambda: is_numbered(engine))
        webhook_id = hook(receiver.url, prefixes=(second,))
        with engine.begin() as conn:
            for number in (first, second, first):
                edits.update(conn, [UpdateOrder(CALLER, number, {"extension": "1"})], datetime.now())
        [event] = receiver.until(len)
        wanted = add(1)
        until(lambda: is_numbered(engine))
        hook(receiver.url)
        add(1)
        receiver.until(lambda events: len(events) >= 2)

    assert (second, "did.updated") == (event["data"]["did_pattern"], event["type"])
    assert 1 == len(attempts(engine, webhook_id))
    assert wanted[0] not in numbers(receiver.events)


def test_another_secret_signs_beside_the_old_one(engine, key_file, hook, add):
    """Until its time is over."""
    new = services.generate_secret()
    with Receiver() as receiver, process(engine, key_file) as running:
        webhook_id = hook(receiver.url)
        order = RotateSecret(CALLER, webhook_id, key_file, timedelta(days=20_000), new)
        with engine.begin() as conn:
            services.rotate(conn, [order], datetime.now())
        running.worker.wake()
        add()
        receiver.until(len)
        with engine.begin() as conn:
            services.rotate(conn, [replace(order, secret=SECRET, overlap=timedelta(0))], datetime.now())
        running.worker.wake()
        add()
        receiver.until(lambda events: len(events) >= 2)

    counts = [message.headers["webhook-signature"].count("v1,") for message in receiver.messages]
    assert [2, 1] == counts


def test_everything_since_a_moment_comes_again(engine, key_file, hook, add, now):
    """In order, from that moment on."""
    with Receiver() as receiver, process(engine, key_file) as running:
        webhook_id = hook(receiver.url)
        wanted = add(3)
        receiver.until(lambda events: len(events) >= 3)
        until(lambda: len(attempts(engine, webhook_id)) == 3)
        with engine.begin() as conn:
            services.resend_since(conn, [ResendSince(CALLER, webhook_id, now)], datetime.now())
        running.worker.wake()
        events = receiver.until(lambda events: len(events) >= 6)

    assert wanted * 2 == [event["data"]["did_pattern"] for event in events][-6:]


def test_a_user_who_is_gone_is_told_nothing(engine, key_file, hook, add):
    """An endpoint sees with the eyes of who has set it last."""
    with Receiver() as receiver, process(engine, key_file) as running:
        webhook_id = hook(receiver.url)
        with engine.begin() as conn:
            found = webhooks.one(conn, webhook_id)
            webhooks.change(conn, replace(found, user_id=987_654, user="gone"))
        running.worker.wake()
        add()
        until(lambda: stored(engine, webhook_id).progress.disabled_at)

    assert "the user gone is not active" == stored(engine, webhook_id).progress.disabled_reason
    assert not receiver.messages


def test_a_process_that_takes_over_goes_on_where_the_last_one_was(engine, database_url, key_file, hook, add):
    """Each is cut off while it sends; nothing is left out, and one message at most comes again each time."""
    order = random.Random(7)
    with Receiver() as receiver:
        hook(receiver.url)
        wanted = []
        for _ in range(4):
            with process(engine, key_file):
                wanted += add(order.randint(5, 15))
                receiver.until(partial(comes_to, wanted[-1]))
            if not database_url.startswith("sqlite"):
                expire(engine, "webhooks")
        events = receiver.events

    assert wanted == numbers(events)
    assert len(events) <= len(wanted) + 4


def test_bodies_are_whole(engine, key_file, hook, add):
    """What is sent is what the feed tells."""
    with Receiver() as receiver, process(engine, key_file):
        hook(receiver.url)
        add()
        receiver.until(len)
    message = receiver.messages[0]

    assert json.loads(message.body)["data"]["after"]["extension"] == "8301"
    assert ("application/json", True) == (
        message.headers["content-type"], message.headers["user-agent"].startswith("Didier/"),
    )  # fmt: skip
