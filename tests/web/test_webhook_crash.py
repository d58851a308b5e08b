"""kill -9 while webhooks are sent: every event comes, in order, and few of them twice."""

import os
import random
import threading
from contextlib import suppress

import pytest

from support.measurements import note
from support.receiver import TAKEN, Receiver, closed, half, status
from support.server import Didier
from web.api.conftest import Api

KILLS = int(os.environ.get("WEBHOOK_KILLS", "4"))
EACH = 15
"""How many events come between a start and the kill behind it."""


class Sometimes:
    """Fails at some events the first time that they come, in one way after the other."""

    def __init__(self) -> None:
        self._failed: set[str] = set()
        self._ways = [status(500), half, closed, status(429, retry_after="1"), status(302, location="/")]

    def __call__(self, handler, message):
        number = message.event["sequence"]
        if number % 30 == 0 and message.event["id"] not in self._failed:
            self._failed.add(message.event["id"])
            return self._ways[number // 30 % len(self._ways)](handler, message)
        return TAKEN(handler, message)


class Adding:
    """A client that goes on adding DIDs, whether the server is there or not."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.acknowledged: list[str] = []
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ending.set()
        self._thread.join()

    def _work(self) -> None:
        number = 5_000_000
        while not self._ending.is_set():
            number += 2  # each is a change by itself
            with suppress(OSError, ValueError):
                if self._api.add(str(number)).status == 201:
                    self.acknowledged.append(str(number))


@pytest.fixture(params=["sqlite", "mariadb"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/didier.db"
    return request.getfixturevalue("fresh_database").url()


def test_nothing_is_left_out_over_kills(url, tmp_path):
    """One receiver takes everything, one fails now and then; both hear of all that was acknowledged."""
    settings = {
        "DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8", "DIDIER_RATE_LIMIT": "0", "DIDIER_LEASE_SECONDS": "1",
        "DIDIER_RECONCILE": "false",
    }  # fmt: skip
    server = Didier(tmp_path, "--demo", "--database", url, environment=settings).start()
    api, order = Api(server), random.Random(KILLS)
    with Receiver() as good, Receiver(Sometimes()) as bad:
        for receiver in (good, bad):
            assert 201 == api.post("/webhooks", {"url": receiver.url, "types": ["did.*"]}).status
        with Adding(api) as adding:
            for _ in range(KILLS):
                wanted = len(good.messages) + order.randint(1, EACH)
                good.until(lambda events, wanted=wanted: len(events) >= wanted)
                server.kill()
                server.start()
        acknowledged = adding.acknowledged
        for receiver in (good, bad):
            receiver.until(lambda events: acknowledged[-1] in told(events))
    server.stop()

    for receiver in (good, bad):
        events = receiver.events
        lost = set(acknowledged) - set(told(events))
        firsts = list(dict.fromkeys(event["sequence"] for event in events))
        note("webhooks: kill -9 while they are sent", KILLS, len(acknowledged), len(lost))
        assert not lost
        assert sorted(firsts) == firsts
    assert len(good.events) - len(set(told(good.events))) <= KILLS


def told(events):
    return [event["data"]["did_pattern"] for event in events]
