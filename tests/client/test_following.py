"""Following changes: what comes is told in order, and nothing is missed while the server is away."""

import itertools

import httpx2
import pytest

from client.test_streams import refused
from didier.client import (
    ChangedBatch,
    ChangedCheck,
    ChangedDid,
    ChangedGatewaySet,
    ChangedUser,
    DidFinding,
    GatewaySet,
)
from didier.client.errors import ChangesGone, ConnectionFailed, NotPermitted, Overloaded

DATA = {
    "did": {"did_pattern": "18002223333", "did_id": 7, "fields": ["extension"], "own": None,
            "before": {"extension": "8300"}, "after": {"extension": "8301"}},
    "batch": {"id": 3, "kind": "copy", "state": "failed", "totals": {"requested": 9, "later": 1}},
    "user": {"user": "alice", "fields": ["full_name"]},
    "gateway_set": {"name": "london", "number": 1, "user_group": "SALES", "probing": True, "rules": [],
                    "gateways": [{"address": "sip:10.0.0.5:5060", "priority": 0, "weight": 1}]},
    "check": {"did_id": 7, "did_pattern": "5550100", "last": "5550101", "size": 2, "findings": []},
    "moon": {"phase": "full"},
}  # fmt: skip


def event(number, type="did.updated", part=0):
    return {
        "sequence": number, "id": f"{number}.{part}" if part else str(number), "type": type,
        "timestamp": "2026-03-04T05:06:07+01:00", "user": "admin", "origin": "json-api", "cause": "update",
        "batch_id": number, "data": DATA[type.partition(".")[0]], "later": True,
    }  # fmt: skip


def page(*items, next, newest=None):
    return {"items": [*items], "next": next, "newest": newest or next}


@pytest.fixture
def asked(clients):
    """Return a function that makes a client for the answers that it is given, and the list of queries."""

    def connected(*given, **options):
        queries, waiting = [], list(given)

        def answer(request):
            queries.append((dict(request.url.params), request.extensions["timeout"]["read"]))
            one = waiting.pop(0)
            if isinstance(one, Exception):
                raise one
            return one if isinstance(one, httpx2.Response) else httpx2.Response(200, json=one)

        transport = httpx2.MockTransport(answer)
        made = clients.connect("https://didier.example.com", "admin", "1234", transport=transport, **options)
        return made, queries

    return connected


def taken(events, count):
    """Return the first *count* events, and leave the others."""
    found = [*itertools.islice(events, count)]
    events.close()
    return found


def test_events_are_values(asked):
    """By what they are about; those of a later release are mappings."""
    types = ("did.updated", "batch.finished", "user.updated", "moon.risen")
    client, _ = asked(page(*(event(number, type) for number, type in enumerate(types, 1)), next=4))
    did, batch, user, moon = client.changes()

    assert (ChangedDid, ChangedBatch, ChangedUser) == tuple(type(one.data) for one in (did, batch, user))
    assert (("extension",), "8300", "8301", 1) == (
        did.data.fields, did.data.before["extension"], did.data.after["extension"], did.data.size,
    )  # fmt: skip
    assert ("failed", 9) == (batch.data.state, batch.data.totals.requested)
    assert ("alice", {"phase": "full"}) == (user.data.user, moon.data)
    assert ("2026-03-04T05:06:07+01:00", True) == (did.timestamp.isoformat(), did.members["later"])


def test_a_gateway_set_is_what_it_is_from_then_on(asked):
    """Of one that was deleted only what it was called is told."""
    deleted = event(2, "gateway_set.deleted") | {"data": {"name": "london", "number": 1}}
    client, _ = asked(page(event(1, "gateway_set.stored"), deleted, next=2))
    stored, gone = (one.data for one in client.changes())

    assert ChangedGatewaySet("london", 1) == gone
    assert (GatewaySet, "london", "SALES", "sip:10.0.0.5:5060") == (
        type(stored.stored), stored.name, stored.stored.user_group, stored.stored.gateways[0].address,
    )  # fmt: skip


def test_a_check_has_what_is_wrong_from_then_on(asked):
    """The same of all DIDs of a run; of those that pass nothing."""
    wrong = [{"kind": "missing", "reason": "the in-group GHOST does not exist"}]
    failed = event(1, "check.failed") | {"data": {**DATA["check"], "findings": wrong}}
    client, _ = asked(page(failed, event(2, "check.passed"), next=2))
    before, after = (one.data for one in client.changes())

    assert ChangedCheck(7, "5550100", "5550101", 2, (DidFinding(**wrong[0]),)) == before
    assert ChangedCheck(7, "5550100", "5550101", 2) == after


def test_changes_are_asked_for_page_by_page(asked):
    """Up to the last one; pages without events are passed."""
    client, queries = asked(
        page(event(5), next=5, newest=9), page(next=8, newest=9), page(event(9), next=9, newest=9)
    )
    found = client.changes(4, types=["did.*", "user.created"], page_size=1)

    assert [5, 9] == [one.sequence for one in found]
    assert ["4", "5", "8"] == [query["after"] for query, _ in queries]
    assert {"types": "did.*,user.created", "limit": "1", "after": "4"} == queries[0][0]


def test_the_number_to_go_on_from_is_not_within_a_change(asked):
    """Only the last event of a number lets those before it go."""
    client, _ = asked(page(event(5), event(6), event(6, part=1), event(6, part=2), next=6))

    assert [5, 5, 5, 6] == [one.resume_after for one in client.changes()]


def test_the_number_of_now_is_told(asked):
    """Without any event."""
    client, queries = asked(page(next=17))

    assert 17 == client.sequence()
    assert [{"limit": "1"}] == [query for query, _ in queries]


def test_who_follows_waits_at_the_server(asked):
    """For as long as the answer may take, and the usual time beyond; what was taken is told."""
    client, queries = asked(page(event(5), next=5), page(next=8), page(event(9), next=9), timeout=7.0)
    told = []
    found = taken(client.follow(4, types="did.*", on_progress=told.append), 2)

    assert ([5, 9], [5, 8]) == ([one.sequence for one in found], told)
    assert [("4", "30"), ("5", "30"), ("8", "30")] == [
        (query["after"], query["wait"]) for query, _ in queries
    ]
    assert {37.0} == {patience for _, patience in queries}


def test_an_outage_is_waited_out(asked, clients):
    """However long; each request is sent again as others are, and then it begins anew."""
    away = [httpx2.ConnectError("refused")] * 3
    gateway = httpx2.Response(502, text="<html>")
    client, queries = asked(*away, refused("overloaded", 503), gateway, page(event(5), next=5), retries=0)
    failures = []
    found = taken(client.follow(4, on_failure=failures.append), 1)

    assert [5] == [one.sequence for one in found]
    assert [ConnectionFailed] * 3 + [Overloaded] == [type(one) for one in failures[:4]]
    assert {"4"} == {query["after"] for query, _ in queries}
    assert [True] * 5 == [
        longest / 2 <= wait <= longest
        for wait, longest in zip(clients.pauses, (0.5, 1, 2, 4, 8), strict=True)
    ]


@pytest.mark.parametrize(("kind", "status", "error"), [
    ("changes-gone", 410, ChangesGone), ("not-permitted", 403, NotPermitted),
])  # fmt: skip
def test_what_does_not_pass_ends_it(asked, kind, status, error):
    """Whoever follows has to do something about it."""
    client, _ = asked(refused(kind, status))

    with pytest.raises(error):
        next(client.follow(4))


@pytest.mark.parametrize("number", ["17", "", "much"])
def test_an_export_says_from_where_to_follow(asked, tmp_path, number):
    """Beside how many DIDs it has; a server of an earlier release does not."""
    answer = httpx2.Response(200, headers={"Didier-Sequence": number}, content=b"did_id\r\n1\r\n")
    client, _ = asked(answer)
    done = client.export(tmp_path / "dids.csv")

    assert (1, 17 if number == "17" else None) == (done.dids, done.sequence)
