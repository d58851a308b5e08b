"""The feed of changes: an export and the events behind its number are what there is."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import Connection

from didier.cli.local import CALLER
from didier.domain import events
from didier.domain.inputs import Row
from didier.errors import ChangesGone, NotPermitted
from didier.services.batches import batches as batch_service
from didier.services.batches import copies, edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import AddOrder, DeleteOrder, UpdateOrder
from didier.services.changes import feed
from didier.services.changes.feed import DidChange, Event, Follower
from didier.services.dids import gateways, lookup
from didier.services.dids.gateways import PutGatewaySet
from didier.services.dids.lookup import Wanted
from didier.services.dids.named import DeleteNamed
from didier.services.users import accounts
from didier.services.users.accounts import AddUserOrder, DeleteUserOrder, UpdateUserOrder
from didier.services.users.authentication import Caller
from didier.storage.changes import sequence
from didier.storage.dids.pages import Sort
from didier.storage.statements import run
from didier.storage.users.users import StoredPassword
from support import outside
from support.batches import accept, finish, order, undo
from support.homes import emptied
from support.passes import reconciled

SOURCE = "18001234567"
BEGIN = datetime(2026, 1, 1)
OTHERS = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
PREFIXED = replace(CALLER, pattern_prefix="555000")


@pytest.fixture
def conn(clean):
    """A connection to a database with the tutorial's DID."""
    with clean.begin() as conn:
        yield conn


def number_all(conn: Connection) -> None:
    if not sequence.is_by_ids(conn):
        sequence.number(conn, 100_000)


def follow(conn: Connection, caller: Caller = CALLER, after: int = 0, *types: str, limit: int = 100):
    """Return all events behind a number, page by page."""
    number_all(conn)
    chosen = events.wanted(types)
    found: list[Event] = []
    while True:
        page = feed.page(conn, Follower(caller, chosen, after, limit, BEGIN))
        if not isinstance(page, feed.Feed):
            return page
        found += page.events
        if page.after == page.newest:
            return found
        after = page.after


def export(conn: Connection, caller: Caller = CALLER) -> dict[int, dict[str, Any]]:
    """Return all DIDs that *caller* sees by id, as an export has them."""
    rows = lookup.page(conn, caller, Wanted(), Sort("did_id"), 10_000).rows
    return {int(row["did_id"]): comparable(row) for row in rows}


def comparable(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in {"modify_stamp", "copied_from"}}


def replay(known: dict[int, dict[str, Any]], found: list[Event]) -> dict[int, dict[str, Any]]:
    """Do what the events tell to rows that are known."""
    rows = dict(known)
    for event in found:
        change = event.data
        if not isinstance(change, DidChange):
            continue
        for place in range(change.size):
            did_id = change.did_id + place
            if event.type == events.DID_DELETED:
                rows.pop(did_id, None)
                continue
            after = comparable(change.after)
            if change.size > 1:
                after |= {"did_id": did_id, "did_pattern": str(int(change.pattern) + place)}
            if change.own:
                after |= change.own[place]
            before = rows.get(did_id, {}) if event.type == events.DID_UPDATED else {}
            rows[did_id] = {**before, **after}
    return rows


def copy(conn, now, targets, values=None, caller=CALLER):
    [done] = copies.copy(conn, [CopyOrder(caller, SOURCE, tuple(targets), values or {})], now)
    return done


def test_a_run_is_one_event(conn, now):
    """A block of copies is told at once, with the row of the first, and who made it of what."""
    done = copy(conn, now, [str(5550000 + i) for i in range(50)])
    [event] = follow(conn, CALLER, 0, "did.*")

    assert (events.DID_CREATED, "copy", done.batch_id) == (event.type, event.cause, event.batch_id)
    assert ("5550000", "5550049", 50, SOURCE) == (
        event.data.pattern, event.data.last, event.data.size, event.data.source,
    )  # fmt: skip
    assert "8300" == event.data.after["extension"]


def test_an_update_tells_what_differs(conn, now):
    """Names, and the values before and behind; nothing of the columns that stayed."""
    edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"extension": "8301"})], now)
    [event] = follow(conn, CALLER, 0, "did.updated")

    assert ["extension"] == [*event.data.names]
    assert "8300" == event.data.before["extension"]
    assert "8301" == event.data.after["extension"]
    assert {"extension", "modify_stamp", "version"} == set(event.data.after)


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("copy"), st.integers(0, 30), st.integers(1, 6)),
        st.tuples(st.just("own"), st.integers(0, 30), st.integers(1, 6)),
        st.tuples(st.just("add"), st.integers(0, 30), st.just(1)),
        st.tuples(st.just("update"), st.integers(0, 30), st.integers(0, 3)),
        st.tuples(st.just("group"), st.integers(0, 30), st.integers(0, 1)),
        st.tuples(st.just("delete"), st.integers(0, 30), st.just(1)),
        st.tuples(st.just("undo"), st.integers(0, 8), st.just(1)),
    ),
    max_size=12,
)


def carry_out(conn: Connection, operation: tuple[str, int, int], now: datetime, done: list[int]) -> None:
    """Do something to DIDs; what is refused changes nothing."""
    what, first, size = operation
    number = str(5550000 + first)
    match what:
        case "copy":
            order = CopyOrder(CALLER, SOURCE, tuple(str(5550000 + first + i) for i in range(size)))
            outcome = copies.copy(conn, [order], now)[0]
        case "own":
            own = (
                {"did_description": f"line {i}"} if i % 2 else {"user_group": "ADMIN"} for i in range(size)
            )
            rows = tuple(Row(str(5550000 + first + i), values) for i, values in enumerate(own))
            order = CopyOrder(CALLER, SOURCE, tuple(row.target for row in rows), rows=rows)
            outcome = copies.copy(conn, [order], now)[0]
        case "add":
            outcome = edits.add(conn, [AddOrder(CALLER, number, {"extension": "8301"})], now)[0]
        case "update":
            values = {"extension": str(8300 + size), "tags": f"t{size}"}
            outcome = edits.update(conn, [UpdateOrder(CALLER, number, values)], now)[0]
        case "group":
            values = {"user_group": ("ADMIN", "---ALL---")[size]}
            outcome = edits.update(conn, [UpdateOrder(CALLER, number, values)], now)[0]
        case "delete":
            outcome = edits.delete(conn, [DeleteOrder(CALLER, number)], now)[0]
        case _:
            outcome = None
            if first < len(done):
                batch_service.undo(conn, [batch_service.UndoOrder(CALLER, done[first], True)], now)
    if batch_id := getattr(outcome, "batch_id", None):
        done.append(batch_id)


@pytest.mark.parametrize("caller", [CALLER, OTHERS, PREFIXED], ids=["everything", "group", "prefix"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=OPERATIONS, behind=OPERATIONS)
def test_an_export_and_the_events_behind_it_are_what_there_is(clean, kept_home, caller, before, behind):
    """For whoever sees whatever; also when the events from some time before the export are told again."""
    emptied(*kept_home)
    moments = (datetime(2026, 3, 4, 5, 6, 7) + timedelta(minutes=i) for i in range(1000))
    done: list[int] = []
    with clean.begin() as conn:
        first = feed.newest(conn)
        for operation in before:
            carry_out(conn, operation, next(moments), done)
        number_all(conn)
        known, number = export(conn, caller), feed.newest(conn)
        for operation in behind:
            carry_out(conn, operation, next(moments), done)
        exact, again = follow(conn, caller, number), follow(conn, caller, first)
        there = export(conn, caller)

    assert there == replay(known, exact)
    assert there == replay(known, again)


def test_what_is_too_old_is_gone(conn, now):
    """And numbers that were never given out: a follower of another database, or of one that was restored."""
    copy(conn, now, ["5550001"])
    number_all(conn)
    last = feed.newest(conn)

    def page(after, since):
        return feed.page(conn, Follower(CALLER, events.wanted(()), after, 10, since))

    assert ChangesGone(last - 1, last) == page(last - 1, now + timedelta(seconds=1))
    assert ChangesGone(last + 1, last, is_known=False) == page(last + 1, BEGIN)
    assert [] == page(last, now + timedelta(days=1)).events
    assert 1 == len(page(last - 1, now).events)


def test_only_the_types_that_are_wanted_are_told(conn, now):
    """Whoever wants few comes as far as others do."""
    copy(conn, now, ["5550001"])
    edits.update(conn, [UpdateOrder(CALLER, "5550001", {"extension": "8301"})], now)
    edits.delete(conn, [DeleteOrder(CALLER, "5550001")], now)
    told = {
        types: [event.type for event in follow(conn, CALLER, 0, *types)]
        for types in ((), ("did.updated",), ("did.deleted", "batch.*"), ("user.*",))
    }

    assert ["did.created", "did.updated", "did.deleted"] == told[()]
    assert ["did.updated"] == told["did.updated",]
    assert ["did.deleted"] == told["did.deleted", "batch.*"]
    assert [] == told["user.*",]


def test_a_page_never_divides_what_has_one_number(conn, now):
    """Of a run one caller may see several parts; they come together, whatever the limit."""
    rows = tuple(
        Row(str(5550000 + i), {"user_group": "ADMIN"} if i % 2 else {"user_group": "---ALL---"})
        for i in range(6)
    )
    copies.copy(conn, [CopyOrder(CALLER, SOURCE, tuple(row.target for row in rows), rows=rows)], now)
    number_all(conn)
    page = feed.page(conn, Follower(OTHERS, events.wanted(()), 0, 1, BEGIN))
    [number] = {event.number for event in page.events}

    assert ["5550000", "5550002", "5550004"] == [event.data.pattern for event in page.events]
    assert [str(number), f"{number}.1", f"{number}.2"] == [event.id for event in page.events]


def test_who_sees_little_comes_on_all_the_same(conn, now):
    """A page without events says how far it has looked."""
    for i in range(5):
        copy(conn, now, [f"666000{i}"])
    number_all(conn)
    page = feed.page(conn, Follower(PREFIXED, events.wanted(()), 0, 2, BEGIN))

    assert ([], page.newest) == (page.events, page.after)


def test_a_source_that_is_not_seen_is_not_named(conn, now):
    """The copy is."""
    edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"user_group": "ADMIN"})], now)
    copy(conn, now, ["5550001"], {"user_group": "---ALL---"})

    assert [SOURCE, None] == [follow(conn, who, 0, "did.created")[0].data.source for who in (CALLER, OTHERS)]


def test_a_large_batch_is_told_when_it_is_ordered_and_when_it_ends(clean, now):
    """And again when it is undone; what it did to DIDs comes between, in runs."""
    batch_id = accept(clean, order("5550000-5550299"), now)
    finish(clean, now, batch_id)
    undo(clean, batch_id, now)
    finish(clean, now, batch_id)
    with clean.begin() as conn:
        told = follow(conn, CALLER, 0, "batch.*")
        dids = follow(conn, CALLER, 0, "did.*")

    assert [("batch.created", "pending"), ("batch.finished", "done"), ("batch.finished", "undone")] == [
        (event.type, event.data.state) for event in told
    ]
    assert {batch_id} == {event.batch_id for event in told + dids}
    assert told[0].number < dids[0].number < told[1].number
    assert (300, 300) == tuple(
        sum(event.data.size for event in dids if event.type == name)
        for name in ("did.created", "did.deleted")
    )


def test_a_batch_is_told_to_who_sees_its_dids(conn, now):
    """Several numbers that are no run are a batch that has ended with its order."""
    copy(conn, now, ["5550001", "5550003"])
    edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"user_group": "ADMIN"})], now)
    copy(conn, now, ["5550005", "5550007"])

    assert [2, 1] == [len(follow(conn, who, 0, "batch.finished")) for who in (CALLER, OTHERS)]


def test_changes_of_users_are_told_without_their_values(conn, now):
    """To those who may see users, and these users."""
    values = {"user_level": "1", "user_group": "ADMIN", "full_name": "Ann"}
    password = StoredPassword("secret-1", "")
    accounts.add(conn, [AddUserOrder(CALLER, "ann", password, values)], now)
    accounts.update(conn, [UpdateUserOrder(CALLER, "ann", password, {"full_name": "Ann B"})], now)
    accounts.delete(conn, [DeleteUserOrder(CALLER, "ann")], now)
    found = follow(conn, CALLER, 0, "user.*")
    viewer = replace(CALLER, user=replace(CALLER.user, functions=frozenset({"list_dids"})))

    assert ["user.created", "user.updated", "user.deleted"] == [event.type for event in found]
    assert {"ann"} == {event.data.name for event in found}
    assert ["full_name", "pass"] == [*found[1].data.names]
    assert "secret-1" not in repr(found)
    assert [] == follow(conn, OTHERS, 0, "user.*")
    assert [] == follow(conn, viewer)
    assert isinstance(follow(conn, viewer, 0, "user.*"), NotPermitted)


def gateway_sets(found):
    """Return what events say of gateway sets: type, name, number, and the prefix of each rule."""
    return [
        (event.type, event.data.name, event.data.number,
         [rule.prefix for rule in event.data.stored.rules] if event.data.stored else None)
        for event in found
    ]  # fmt: skip


def put_set(conn, now, group="---ALL---", **values):
    given = {"gateways": [{"address": "10.0.0.5"}], **values}
    [done] = gateways.put(conn, [PutGatewaySet(CALLER, "london", given, group=group)], now)
    return done


def test_gateway_sets_are_told_whole(conn, now):
    """As they are listed, with the rules by which DIDs change their set without a change of their own."""
    made = put_set(conn, now)
    put_set(conn, now)
    changed = put_set(conn, now, rules=[{"prefix": "44"}])
    gateways.delete(conn, [DeleteNamed(CALLER, "LONDON")], now)
    found = follow(conn, CALLER, 0, "gateway_set.*")
    number = made.number

    assert [made, changed, None] == [event.data.stored for event in found]
    assert [
        ("gateway_set.stored", "london", number, []), ("gateway_set.stored", "london", number, ["44"]),
        ("gateway_set.deleted", "london", number, None),
    ] == gateway_sets(found)  # fmt: skip
    assert ["add", "update", "delete"] == [event.cause for event in found]
    assert gateway_sets(found) == gateway_sets(follow(conn, OTHERS, 0, "gateway_set.*"))


def test_a_gateway_set_is_told_to_who_sees_it(conn, now):
    """One that leaves what they see is deleted to them; a token for some numbers sees none."""
    for group in ("ADMIN", "---ALL---", "ADMIN", "---ALL---"):
        put_set(conn, now, group)
    put_set(conn, now, "ADMIN")
    gateways.delete(conn, [DeleteNamed(CALLER, "london")], now)
    found = follow(conn, OTHERS, 0, "gateway_set.*")

    assert ["stored", "deleted", "stored", "deleted"] == [event.type.partition(".")[2] for event in found]
    assert 6 == len(follow(conn, CALLER, 0, "gateway_set.*"))
    assert [] == follow(conn, PREFIXED, 0)
    assert isinstance(follow(conn, PREFIXED, 0, "gateway_set.*"), NotPermitted)


def test_a_gateway_set_that_is_none_any_more_is_not_there(conn, now):
    """As it is not listed either, whatever somebody has stored in SQL."""
    put_set(conn, now)
    put_set(conn, now, rules=[{"prefix": "44"}])
    sql = "UPDATE didier_changes SET details = REPLACE(details, '10.0.0.5', ?) WHERE kind = 'gateways'"
    run(conn, sql, "not an address")

    assert [("gateway_set.deleted", "london", 1, None)] == gateway_sets(
        follow(conn, CALLER, 0, "gateway_set.*")
    )


def test_who_may_not_list_dids_may_not_follow(conn):
    """It is the same right."""
    nobody = replace(CALLER, user=replace(CALLER.user, level=1))

    assert isinstance(follow(conn, nobody), NotPermitted)


def test_what_is_found_outside_is_told(clean, now):
    """By nobody; another number is one that is deleted and one that is created."""
    reconciled(clean)
    with clean.begin() as conn:
        did_id = outside.add(conn, {"did_pattern": "5550001", "did_description": "By hand"}, now)
    reconciled(clean)
    with clean.begin() as conn:
        number_all(conn)
        known, number = export(conn), feed.newest(conn)
        outside.update(conn, did_id, {"did_pattern": "5550002", "extension": "8302"}, now)
        outside.delete(conn, 1)
    reconciled(clean)
    with clean.begin() as conn:
        found, there = follow(conn, CALLER, number), export(conn)

    assert there == replay(known, found)
    assert {("outside", "")} == {(event.cause, event.user) for event in found}
    assert {("did.deleted", "5550001"), ("did.deleted", SOURCE), ("did.created", "5550002")} == {
        (event.type, event.data.pattern) for event in found
    }
