"""``POST /batches``: every verb over many DIDs, whatever form they come in."""

from collections.abc import Mapping
from typing import Any

import pytest

from web.api.conftest import SOURCE, Api, Reply
from web.api.test_batches import finished, items

BLOCK = "5550100-5550109"
LARGE = "5550000-5551499"
VALUES = {"did_description": "New line", "did_carrier_description": "Carrier 1"}


def order(api: Api, verb: str, **body: Any) -> Reply:
    return api.post("/batches", {"verb": verb, **body})


def counts(batch: Mapping[str, Any]) -> dict[str, int]:
    """The totals of a batch or preview that are not 0."""
    return {name: count for name, count in batch["totals"].items() if count}


@pytest.fixture
def block(api):
    """The API of a server in which ten numbers are DIDs."""
    assert 201 == order(api, "add", ranges=[BLOCK], values=VALUES).status
    return api


def test_every_verb_over_a_block(api):
    """Added, copied, updated, deleted; each answer is the batch with the outcome of each DID."""
    replies = [
        order(api, "add", ranges=[BLOCK], values=VALUES),
        order(api, "copy", source="5550100", targets=["5550110", "5550111"]),
        order(api, "update", ranges=["5550100-5550111"], values={"did_active": "N"}),
        order(api, "delete", targets=["5550100", "5550111"]),
    ]
    assert [201] * 4 == [reply.status for reply in replies]
    assert ["add", "copy", "update", "delete"] == [reply.body["kind"] for reply in replies]
    assert [{"requested": n, word: n} for n, word in (
        (10, "added"), (2, "added"), (12, "updated"), (2, "deleted")
    )] == [counts(reply.body) for reply in replies]  # fmt: skip
    assert ["deleted"] * 2 == [item["outcome"] for item in replies[3].body["items"]]
    assert f"/api/v1/batches/{replies[3].body['id']}" == replies[3].headers["location"]
    assert {"N"} == {did["did_active"] for did in api.get("/dids?search=5550").body["items"]}


def test_an_import_in_json(block):
    """As by ``/imports``, also beside other verbs."""
    csv = f"did_pattern,did_description\n5550100,Other line\n5559999,New line\n{SOURCE},Other line\n"
    reply = order(block, "import", csv=csv, existing="update")

    assert ({"requested": 3, "updated": 2, "added": 1}, "update") == (
        counts(reply.body), reply.body["existing"]
    )  # fmt: skip


def test_an_undo_is_a_verb(block):
    """As by the address of the batch."""
    updated = order(block, "update", ranges=[BLOCK], values={"did_active": "N"}).body["id"]
    reply = order(block, "undo", batch=updated)

    assert (200, "undone", 10) == (reply.status, reply.body["state"], reply.body["totals"]["restored"])
    assert {"Y"} == {did["did_active"] for did in block.get("/dids?search=5550").body["items"]}
    assert ["restored"] * 10 == [item["outcome"] for item in items(block, updated)]


def test_dids_that_meet_conditions(block):
    """Those that do when the order arrives; the batch says by what they were chosen."""
    where = {"carrier": "Carrier 1", "active": "Y"}
    first = order(block, "update", where=where, values={"did_active": "N"}).body
    again = order(block, "update", where=where, values={"did_active": "N"})

    assert ({"requested": 10, "updated": 10}, where) == (counts(first), first["where"])
    assert ((422, "nothing-found"), "/where") == (again.problem, again.body["pointer"])


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"where": {}}, "/where"),
        ({"where": {"search": " "}}, "/where/search"),
        ({"where": {"carrier": ""}}, "/where/carrier"),
        ({"targets": [SOURCE], "values": {}}, "/values"),
        ({"where": {"route": "NONE"}}, "/where/route"),
        ({"where": {"extension": "8300"}}, "/where/extension"),
        ({"where": {"active": "Y"}, "targets": [SOURCE]}, "/where"),
        ({"targets": []}, "/targets"),
        ({"targets": [SOURCE], "values": {"did_active": "Q"}}, "/values/did_active"),
        ({"targets": [SOURCE], "values": {"colour": "red"}}, "/values/colour"),
        ({"targets": [SOURCE], "force": True}, "/force"),
        ({"csv": "a,b\n1,2\n"}, "/targets"),
    ],
)
def test_what_is_wrong_has_a_place(api, body, pointer):
    """Each refusal names the place in the body."""
    reply = order(api, "update", **{"values": {"did_active": "N"}, **body})

    assert 422 == reply.status, reply.text
    assert pointer == reply.body["pointer"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({}, "/verb"), ({"verb": "move"}, "/verb"), ({"verb": "undo"}, "/batch"), ({"verb": "copy"}, "/source")],
)
def test_an_order_says_what_is_to_be_done(api, body, pointer):
    """A verb that is missing or unknown, and what a verb needs."""
    reply = api.post("/batches", body)

    assert (422, "invalid-request") == reply.problem
    assert pointer == reply.body["pointer"]


@pytest.mark.parametrize(
    ("kind", "text"),
    [("text/plain", "5550100\n5550101, 5550102-5550103"), ("text/csv", "number\n5550100-5550103\n")],
)
def test_targets_as_text(block, kind, text):
    """Plain text and CSV as they are; the rest stands in the address."""
    path = "/batches?verb=update&set=did_active=N&set=did_description=Text+line&mode=best_effort"
    reply = block.ask("POST", path, text, {"Content-Type": kind})

    assert (201, {"requested": 4, "updated": 4}) == (reply.status, counts(reply.body))
    assert "Text line" == block.get("/dids/5550103").body["did_description"]


def test_rows_with_values_of_their_own(block):
    """A CSV has them, and they go before those of all; an empty cell leaves the column."""
    csv = "did_pattern,did_description,did_active\n5550100,One line,N\n5550101,,\n"
    order(block, "update", csv=csv, values={"did_description": "Every line"})
    rows = [block.get(f"/dids/{pattern}").body for pattern in ("5550100", "5550101")]

    assert [("One line", "N"), ("Every line", "Y")] == [
        (row["did_description"], row["did_active"]) for row in rows
    ]


def test_a_dry_run_writes_nothing(block):
    """It says what would become of each DID, and whether the order would be carried out."""
    before = block.get("/dids").body
    replies = {
        mode: order(block, "delete", ranges=[BLOCK], targets=["5559999"], mode=mode, dry_run=True).body
        for mode in ("atomic", "best_effort")
    }

    assert {"atomic": False, "best_effort": True} == {
        mode: body["possible"] for mode, body in replies.items()
    }
    assert {"requested": 11, "deleted": 10, "missing": 1} == counts(replies["atomic"])
    assert {"deleted": 10, "missing": 1} == {
        word: [item["outcome"] for item in replies["atomic"]["items"]].count(word)
        for word in ("deleted", "missing")
    }
    assert before == block.get("/dids").body


def test_a_dry_run_of_many_shows_what_is_wrong(block):
    """Of more than a thousand DIDs those to which nothing would be done."""
    body = order(block, "update", ranges=[LARGE], values={"did_active": "N"}, dry_run=True).body

    assert ({"requested": 1_500, "updated": 10, "missing": 1_490}, 500) == (counts(body), body["omitted"])
    assert {"missing"} == {item["outcome"] for item in body["items"]}
    assert {
        "target": "5550100", "description": "New line",
        "differs": {"did_active": {"now": "Y", "would_be": "N"}},
    } == body["sample"][0]  # fmt: skip


def test_a_large_order_is_taken_in(api):
    """It is carried out behind the answer, and undone in steps."""
    for verb, word in (("add", "added"), ("update", "updated"), ("delete", "deleted")):
        values = {} if verb == "delete" else {"values": {**VALUES, "did_active": "N"}}
        reply = order(api, verb, ranges=[LARGE], **values)
        batch = finished(api, reply.body["id"])

        assert (202, "done", {"requested": 1_500, word: 1_500}) == (
            reply.status, batch["state"], counts(batch)
        )  # fmt: skip
    reply = order(api, "undo", batch=batch["id"])
    undone = finished(api, batch["id"])

    assert (202, "undone", 1_500) == (reply.status, undone["state"], undone["totals"]["restored"])
    assert 1_000 == len(api.patterns("?search=555&limit=1000"))


def test_a_large_import(api):
    """A table has no limit of its own: it is taken in, and may be looked through before."""
    csv = "did_pattern,did_description\n" + "".join(f"{n},Line {n}\n" for n in range(5_550_000, 5_551_500))
    preview = api.ask("POST", "/imports?dry_run=true", csv, {"Content-Type": "text/csv"})
    reply = api.ask("POST", "/imports", csv, {"Content-Type": "text/csv"})
    batch = finished(api, reply.body["id"])

    assert {"requested": 1_500, "added": 1_500} == counts(preview.body)
    assert (202, "import", {"requested": 1_500, "added": 1_500}) == (
        reply.status, batch["kind"], counts(batch)
    )  # fmt: skip
    assert "Line 5551499" == api.get("/dids/5551499").body["did_description"]


def test_a_batch_that_is_done_cannot_be_cancelled(block):
    """Nothing of it is under way."""
    batch_id = block.get("/batches").body["items"][0]["id"]

    assert (409, "not-cancellable") == block.post(f"/batches/{batch_id}/cancel").problem
    assert (404, "batch-not-found") == block.post("/batches/99999/cancel").problem


def test_a_key_orders_once(block):
    """The same order again gets the same answer, and the DIDs are changed once."""
    body = {"verb": "update", "ranges": [BLOCK], "values": {"did_active": "N"}}
    replies = [block.post("/batches", body, key="once") for _ in range(2)]

    assert replies[0].body == replies[1].body
    assert "true" == replies[1].headers["idempotency-replayed"]


def test_what_is_not_possible_costs_an_atomic_order_everything(block):
    """The refusal has the place and the reason of each."""
    reply = order(block, "delete", targets=["5550100", "5559999", "5550100"])

    assert (409, "not-all-possible") == reply.problem
    assert [(2, "missing"), (3, "duplicate")] == [
        (one["position"], one["outcome"]) for one in reply.body["targets"]
    ]
    assert "5550100" in block.patterns()


def test_a_token_reaches_as_far_as_its_prefix(block):
    """DIDs beyond it are not there, also for conditions."""
    narrow = block.token("dids:write", "dids:read", pattern_prefix="55501000")
    values = {"did_active": "N"}

    assert (409, "not-all-possible") == order(narrow, "update", targets=["5550100"], values=values).problem
    assert (422, "nothing-found") == order(
        narrow, "update", where={"search": "5550100"}, values=values
    ).problem


def test_what_is_no_range_is_said(block):
    """Also of DIDs that should be there: a range that ends before it begins is invalid, not missing."""
    reply = order(block, "delete", ranges=["5550109-5550100"], mode="best_effort")
    nothing = block.post(f"/batches/{reply.body['id']}/undo")

    assert "invalid" == reply.body["items"][0]["outcome"]
    assert "the end comes before the beginning" in reply.body["items"][0]["reason"]
    assert (409, "not-undoable") == nothing.problem


@pytest.mark.parametrize(
    ("query", "kind", "body"),
    [
        ("dry_run=true", "application/json", '{"verb": "delete", "targets": ["5550100"]}'),
        ("verb=delete&dryrun=true", "text/plain", "5550100"),
        ("verb=delete&where=x", "text/csv", "target\n5550100\n"),
        ("verb=delete&set=did_active=N", "text/csv", "target\n5550100\n"),
        ("verb=update&set=did_active=N&force=true", "text/plain", "5550100"),
        ("verb=delete&remove_tags=vip", "text/plain", "5550100"),
        ("set=did_active=N", "text/plain", "5550100"),
    ],
)
def test_a_parameter_that_would_not_count_is_refused(block, query, kind, body):
    """What is meant as a dry run is not carried out."""
    reply = block.ask("POST", f"/batches?{query}", body, {"Content-Type": kind})

    assert (422, "invalid-request") == reply.problem
    assert "5550100" in block.patterns()


def test_a_key_holds_for_conditions_too(block):
    """That nothing meets them any more is what the first order has done."""
    body = {"verb": "update", "where": {"active": "Y", "search": "5550"}, "values": {"did_active": "N"}}
    first, second = (block.post("/batches", body, key="once") for _ in range(2))

    assert (201, first.body) == (second.status, second.body)
    assert (422, "nothing-found") == block.post("/batches", body, key="another").problem


def test_a_range_is_a_range(block):
    """With spaces around its dash too; what has a dash and is none is refused."""
    reply = order(block, "delete", ranges=["5550100 - 5550103"])
    refused = order(block, "delete", ranges=["5550-5555"])

    assert {"requested": 4, "deleted": 4} == counts(reply.body)
    assert ((422, "invalid-field"), "/ranges") == (refused.problem, refused.body["pointer"])


@pytest.mark.parametrize("name", ["search", "carrier"])
def test_conditions_have_no_control_characters(block, name):
    """SQLite takes NUL for the end of a text: it would choose what does not match."""
    assert 422 == order(block, "delete", where={name: "\0zzz"}).status


def test_a_cancelled_batch_is_not_finished(api):
    """What is done of it is said as it is."""
    batch_id = order(api, "add", ranges=["5500000-5699999"]).body["id"]
    cancelled = api.post(f"/batches/{batch_id}/cancel")
    batch = finished(api, batch_id)

    assert (200, "failed", "cancelled by admin") == (cancelled.status, batch["state"], batch["failure"])
    assert batch["done"] < 200_000
    assert batch["totals"]["added"] == batch["totals"]["removed"]
