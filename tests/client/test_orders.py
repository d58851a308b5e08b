"""Orders about many DIDs: what is sent, and what becomes of them in each home that Didier has."""

import io
import json

import pytest

from client.test_requests import BATCH, URL, answers
from didier.client import errors


@pytest.fixture
def sent(clients):
    """Return a function that orders something, and returns the request."""

    def order(verb, *arguments, **named):
        transport, requests = answers(BATCH)
        clients.connect(URL, "admin", "secret", transport=transport).order(verb, *arguments, **named)
        return requests[0]

    return order


def numbers(block, size):
    return [f"{block}{number:04}" for number in range(size)]


# what is sent --------------------------------------------------------------------------------------


def test_a_short_list_is_json(sent):
    """With the columns of all DIDs and those of one."""
    request = sent("update", ["1801", {"target": "1802", "active": True}], set={"route": None}, atomic=False)

    assert "/phones/api/v1/batches" == request.url.path
    assert {
        "verb": "update",
        "targets": ["1801", {"target": "1802", "did_active": "Y"}],
        "values": {"did_route": None},
        "mode": "best_effort",
        "dry_run": False,
    } == json.loads(request.content)


def test_tags_are_lists(sent):
    """One tag may be given as a text; in an address they are repeated."""
    short = sent("update", "1801", add_tags="vip", remove_tags=("a", "b"))
    long = sent("update", csv="target\n1801\n", add_tags=["vip", "Berlin"])

    body = json.loads(short.content)
    assert (["vip"], ["a", "b"]) == (body["add_tags"], body["remove_tags"])
    assert ["vip", "Berlin"] == long.url.params.get_list("add_tags")


@pytest.mark.parametrize("given", ["iterator", "csv", "file"])
def test_long_lists_and_tables_are_text(sent, given):
    """They are sent as they come, with the rest in the address."""
    listed = [str(18_002_220_000 + number) for number in range(1_500)]
    text = "\n".join(["target", *listed, ""])
    named = {
        "iterator": {"to": iter(listed)}, "csv": {"csv": text}, "file": {"csv": io.BytesIO(text.encode())},
    }[given]  # fmt: skip
    request = sent("delete", force=True, **named)

    kind = "text/plain" if given == "iterator" else "text/csv"
    assert kind == request.headers["content-type"].partition(";")[0]
    assert {"verb": "delete", "mode": "atomic", "force": "true"} == dict(request.url.params)
    assert listed == [line for line in request.content.decode().split() if line != "target"]


def test_conditions_are_those_of_lists(sent):
    """By their names there; those that are None are no conditions."""
    request = sent("delete", where={"search": "1800", "active": False, "carrier": None})

    assert {"search": "1800", "active": "N"} == json.loads(request.content)["where"]


def test_an_import_is_a_table(sent):
    """It says what becomes of DIDs that exist."""
    request = sent("import", csv="did_pattern\n1801\n", existing="skip")

    assert {"verb": "import", "mode": "atomic", "existing": "skip"} == dict(request.url.params)


@pytest.mark.parametrize(
    ("verb", "named", "error"),
    [
        ("copy", {"to": "1801"}, ValueError),
        ("delete", {}, TypeError),
        ("delete", {"to": "1801", "where": {"route": "EXTEN"}}, TypeError),
        ("delete", {"where": {"colour": "red"}}, TypeError),
        ("delete", {"where": {"search": " "}}, ValueError),
        ("delete", {"to": "1801", "set": {"active": True}}, TypeError),
        ("update", {"to": "1801", "force": True}, TypeError),
        ("update", {"to": "1801", "existing": "skip"}, TypeError),
        ("add", {"to": "1801", "add_tags": ["vip"]}, TypeError),
        ("add", {"where": {"route": "EXTEN"}}, TypeError),
        ("import", {"to": "1801"}, TypeError),
    ],
)
def test_what_does_not_go_together_is_not_sent(clients, verb, named, error):
    """A program that says something else than it means finds that out at once."""
    transport, requests = answers()
    client = clients.connect(URL, "admin", "secret", transport=transport)

    for method in (client.order, client.preview_order):
        with pytest.raises(error):
            method(verb, **named)
    assert [] == requests


# in each home --------------------------------------------------------------------------------------


def test_dids_are_added_changed_and_deleted(client, block):
    """Each order is one batch that says what became of each DID."""
    added = client.order("add", f"{block}0000-{block}0003", set={"route": "EXTEN", "extension": "8300"})
    changed = client.order("update", [f"{block}0000", f"{block}9999"], set={"active": False}, atomic=False)
    first = client.did(f"{block}0000")
    deleted = client.order("delete", where={"search": block, "active": True})

    assert [("add", 4, 4), ("update", 2, 1), ("delete", 3, 3)] == [
        (one.kind, one.totals.requested, one.totals.edited) for one in (added, changed, deleted)
    ]
    assert ["updated", "missing"] == [item.outcome for item in changed.items()]
    assert (False, "8300") == (first.active, first["extension"])
    assert {"search": block, "active": "Y"} == deleted.where
    assert [f"{block}0000"] == [did.pattern for did in client.dids(search=block)]


def test_an_order_is_looked_at_before(client, block):
    """Nothing is done; what is in the way says why."""
    client.order("add", numbers(block, 2))
    client.lock(f"{block}0001")

    whole = client.preview_order("delete", numbers(block, 3))
    partly = client.preview_order("delete", where={"search": block}, atomic=False)
    client.unlock(f"{block}0001")

    assert (False, True) == (whole.possible, partly.possible)
    assert ["deleted", "refused", "missing"] == [item.outcome for item in whole.items]
    assert "locked" in whole.items[1].reason
    assert (2, 1, 1, 0) == (
        partly.totals.requested, partly.totals.deleted, partly.totals.refused, partly.omitted,
    )  # fmt: skip
    assert 2 == len(list(client.dids(search=block)))


def test_an_atomic_order_is_all_or_nothing(client, block):
    """What is in the way is named."""
    client.order("add", numbers(block, 1))

    with pytest.raises(errors.NotAllPossible) as caught:
        client.order("update", numbers(block, 2), set={"active": False})
    assert [(f"{block}0001", "missing")] == [(one.target, one.outcome) for one in caught.value.targets]
    assert client.did(f"{block}0000").active


def test_large_orders_are_watched_and_undone(client, block):
    """Rows have values of their own; the undo restores those that were there."""
    there = numbers(block, 1_500)
    client.order("add", iter(there)).wait()
    rows = [{"target": number, "description": f"Line {number}"} for number in [*there, f"{block}9999"]]

    preview = client.preview_order("update", iter(rows))
    changed = client.order("update", iter(rows), set={"active": False}, atomic=False).wait()
    did = client.did(there[-1])
    undone = changed.undo().wait()
    deleted = client.order("delete", where={"search": block}).wait()
    restored = client.undo(deleted.id).wait()

    assert (False, 1_500, 1, 1_500) == (
        preview.possible, preview.totals.updated, preview.totals.missing, preview.omitted
    )  # fmt: skip
    assert [("missing", f"{block}9999")] == [(item.outcome, item.target) for item in preview.items]
    assert (1_500, 1) == (changed.totals.updated, changed.totals.missing)
    assert (False, f"Line {there[-1]}") == (did.active, did.description)
    assert ("undone", 1_500) == (undone.state, undone.totals.restored)
    assert ("done", 1_500) == (deleted.state, deleted.totals.deleted)
    assert ("undone", 1_500, 0) == (restored.state, restored.totals.taken_back, restored.totals.removed)
    assert all(one.active and not one.description for one in client.dids(search=block, page_size=1_000))


def test_a_large_table_is_imported_while_one_watches(client, block):
    """The call says that it goes on; a dry run says in short what would be done."""
    lines = [f"{number},Line {number}" for number in numbers(block, 1_200)]
    text = "\n".join(["did_pattern,did_description", *lines, ""])

    dry = client.import_dids(text, dry_run=True)
    begun = client.import_dids(text)
    batch = client.batch(begun.batch).wait()
    again = client.import_dids(text, dry_run=True)
    updated = client.order("import", csv=text, existing="update").wait()

    assert (True, True, None, (), 1_200) == (
        dry.possible, dry.ended, dry.batch, dry.items, dry.totals.added
    )  # fmt: skip
    assert (False, ()) == (begun.ended, begun.items)
    assert ("import", "done", "refuse", 1_200) == (
        batch.kind, batch.state, batch.existing, batch.totals.added
    )  # fmt: skip
    assert (False, 1_200, 1_000, 200) == (
        again.possible, again.totals.exists, len(again.items), again.omitted
    )  # fmt: skip
    assert ("update", 1_200) == (updated.existing, updated.totals.updated)


def test_a_small_import_has_its_rows(client, block):
    """As before: it is over when the call returns, and says what became of each row."""
    done = client.import_dids(f"did_pattern\n{block}0000\n")

    assert (True, True, 1) == (done.ended, done.possible, done.totals.added)
    assert [(1, f"{block}0000", "added")] == [(one.position, one.target, one.outcome) for one in done.items]


def test_a_batch_under_way_is_cancelled(client, block):
    """Nothing of an atomic one is left; one that has ended cannot be cancelled."""
    batch = client.order("add", f"{block}0000-{block}9999")
    ended = batch.cancel().wait()

    assert "failed" == ended.state
    assert "cancelled by admin" == ended.failure
    assert ended.totals.added == ended.totals.removed
    assert [] == list(client.dids(search=block))
    with pytest.raises(errors.NotCancellable):
        client.cancel(batch.id)
    with pytest.raises(errors.BatchNotFound):
        client.cancel(2_000_000_000)


def test_the_same_key_orders_once(client, block):
    """Also for a program that was started again."""
    batches = [client.order("add", numbers(block, 2), idempotency_key=block) for _ in range(2)]

    assert 1 == len({batch.id for batch in batches})
