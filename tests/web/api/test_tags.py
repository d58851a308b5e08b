"""Tags that ``POST /batches`` adds to many DIDs and removes from them."""

import pytest

from web.api.test_batches import finished
from web.api.test_orders import LARGE, order

TAGGED = ["5550100", "5550101", "5550102"]


@pytest.fixture
def tagged(api):
    """The API of a server with three DIDs that have tags."""
    assert 201 == order(api, "add", targets=TAGGED).status
    for pattern, tags in zip(TAGGED, ("", "Berlin,vip", "a,b"), strict=True):
        assert 200 == api.patch(f"/dids/{pattern}", {"tags": tags}).status
    return api


def tags(api):
    return [api.get(f"/dids/{pattern}").body["tags"] for pattern in TAGGED]


def test_tags_are_added_and_removed(tagged):
    """Each DID keeps its others; the batch tells what was ordered, and its undo brings all of them back."""
    done = order(tagged, "update", targets=TAGGED, add_tags=["new", "b"], remove_tags=["VIP"])
    changed = tags(tagged)
    shown = tagged.get(f"/batches/{done.body['id']}").body
    tagged.post(f"/batches/{done.body['id']}/undo")

    assert ["b,new", "b,Berlin,new", "a,b,new"] == changed
    assert (["new", "b"], ["VIP"]) == (shown["add_tags"], shown["remove_tags"])
    assert ["", "Berlin,vip", "a,b"] == tags(tagged)


def test_those_that_meet_a_condition_lose_a_tag(tagged):
    """Afterwards none meets it."""
    wish = {"where": {"tag": "vip"}, "remove_tags": ["vip"]}
    preview = order(tagged, "update", **wish, dry_run=True).body
    untouched = tags(tagged)
    done = order(tagged, "update", **wish).body
    again = order(tagged, "update", **wish)

    assert [{"tags": {"now": "Berlin,vip", "would_be": "Berlin"}}] == [
        one["differs"] for one in preview["sample"]
    ]
    assert ["", "Berlin,vip", "a,b"] == untouched
    assert (1, ["", "Berlin", "a,b"]) == (done["totals"]["updated"], tags(tagged))
    assert "/problems/nothing-found" == again.body["type"]


def test_a_large_order_as_text(api):
    """The tags stand in the address; a repeated request is answered with the same batch."""
    assert 202 == order(api, "add", ranges=[LARGE]).status
    finished(api, api.get("/batches?limit=1").body["items"][0]["id"])
    path = "/batches?verb=update&add_tags=vip&add_tags=Berlin&remove_tags=old"
    sent = {"Content-Type": "text/plain", "Idempotency-Key": "tags"}
    first, second = (api.ask("POST", path, LARGE, sent) for _ in range(2))
    other = api.ask("POST", path.replace("old", "new"), LARGE, sent)
    batch = finished(api, first.body["id"])

    assert (202, first.body["id"]) == (first.status, second.body["id"])
    assert "/problems/key-reused" == other.body["type"]
    assert ("done", 1_500) == (batch["state"], batch["totals"]["updated"])
    assert {"Berlin,vip"} == {did["tags"] for did in api.get("/dids?search=55501").body["items"]}


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"add_tags": ["a,b"]}, "/add_tags"),
        ({"remove_tags": ["x" * 41]}, "/remove_tags"),
        ({"add_tags": [1]}, "/add_tags/0"),
        ({"add_tags": "vip"}, "/add_tags"),
        ({"add_tags": ["a"], "values": {"tags": "b"}}, "/values/tags"),
        ({"add_tags": []}, "/values"),
    ],
)
def test_what_are_no_tags_is_refused_with_its_place(tagged, wish, pointer):
    """Nothing is changed."""
    refused = order(tagged, "update", targets=TAGGED, **wish)

    assert (422, pointer) == (refused.status, refused.body["pointer"])
    assert ["", "Berlin,vip", "a,b"] == tags(tagged)
