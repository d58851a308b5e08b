from dataclasses import replace
from datetime import timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.domain.visibility import EVERYTHING
from didier.errors import NotFound, NotPermitted
from didier.services.batches import batches, copies, edits, undo_edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import AddOrder, DeleteOrder, UpdateOrder
from didier.services.changes.history import history
from didier.services.dids import lookup
from didier.storage.changes import change_log
from didier.storage.changes.change_log import Author, Change
from didier.storage.dids import dids
from didier.storage.statements import run
from didier.storage.tables import DIDS

SOURCE = "18001234567"
NUMBER = "5550001"
SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
SERVICES = {
    AddOrder: edits.add, UpdateOrder: edits.update, DeleteOrder: edits.delete, CopyOrder: copies.copy,
}  # fmt: skip


@pytest.fixture
def conn(engine):
    """A connection."""
    with engine.begin() as conn:
        yield conn


@pytest.fixture
def carry_out(conn, now):
    """Carries out an order, each a minute after the one before; returns what became of it."""
    moments = iter(now + timedelta(minutes=i) for i in range(1000))

    def carry_out(order):
        [done] = SERVICES[type(order)](conn, [order], next(moments))
        return done

    return carry_out


def actions(changes):
    return [change.action for change in changes]


def test_every_kind_of_change_is_told(conn, carry_out, now):
    """The newest first: who, from where, when, by which batch, and what was changed."""
    added = carry_out(AddOrder(CALLER, NUMBER, {"extension": "8301"}))
    updated = carry_out(UpdateOrder(replace(CALLER, name="bob"), NUMBER, {"extension": "8302"}))
    deleted = carry_out(DeleteOrder(CALLER, NUMBER))
    changes = history(conn, CALLER, NUMBER)

    assert ["deleted", "updated", "added"] == actions(changes)
    assert [deleted.batch_id, updated.batch_id, added.batch_id] == [c.batch_id for c in changes]
    assert [CALLER.name, "bob", CALLER.name] == [change.user for change in changes]
    assert {CALLER.address} == {change.address for change in changes}
    assert [now + timedelta(minutes=i) for i in (2, 1, 0)] == [change.when for change in changes]
    assert {"extension": ("8301", "8302")} == changes[1].changed
    assert (None, "8301") == changes[2].changed["extension"]
    assert (None, "8302") == (changes[0].after, changes[0].before["extension"])


def test_a_copy_is_told_with_its_source(conn, carry_out):
    """A copy is the first change of a DID; its row is the source's as it was, with the overrides."""
    carry_out(CopyOrder(CALLER, SOURCE, ("5550000", NUMBER), {"did_active": "N"}))
    carry_out(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    carry_out(UpdateOrder(CALLER, "5550000", {"extension": "8302"}))
    [change] = history(conn, CALLER, NUMBER)

    assert ("copied", SOURCE, None) == (change.action, change.source, change.before)
    assert ("8300", "N", NUMBER) == tuple(
        change.after[name] for name in ("extension", "did_active", "did_pattern")
    )
    assert ["updated", "copied"] == actions(history(conn, CALLER, "5550000"))


def test_the_row_of_a_copy_is_the_row_that_was_made(conn, carry_out):
    """What the history says of a copy is what stands in the table, but for the moment."""
    carry_out(CopyOrder(CALLER, SOURCE, (NUMBER,), {"did_description": "A new description"}))
    [change] = history(conn, CALLER, NUMBER)
    made = dids.images(conn, [change.after["did_id"]])[change.after["did_id"]]

    assert {**made, "modify_stamp": ""} == {**change.after, "modify_stamp": ""}


def test_what_a_did_was_copied_from(conn, carry_out):
    """A copy knows its source, also after changes of it and of its neighbours; others have none."""
    carry_out(CopyOrder(CALLER, SOURCE, ("5550000", NUMBER, "5550002")))
    carry_out(AddOrder(CALLER, "5550003", {}))
    for pattern in ("5550000", NUMBER, "5550003"):
        carry_out(UpdateOrder(CALLER, pattern, {"extension": "8302"}))
    found = dids.find(conn, [SOURCE, NUMBER, "5550002", "5550003"])
    ids = [found.get(pattern).did_id for pattern in (SOURCE, NUMBER, "5550002", "5550003")]
    sources = [lookup.written(conn, did_id, EVERYTHING)["copied_from"] for did_id in ids]

    assert [None, SOURCE, SOURCE, None] == sources


def test_an_undo_is_told(conn, carry_out, now):
    """What an undo put back is restored, what it removed is undone; each under the batch that was undone."""
    added = carry_out(AddOrder(CALLER, NUMBER, {}))
    updated = carry_out(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    for done in (added, updated):
        undo_edits.undo_edit(conn, done.batch_id, CALLER, now + timedelta(hours=1))
    of_new, of_source = history(conn, CALLER, NUMBER), history(conn, CALLER, SOURCE)

    assert ["undone", "added"] == actions(of_new)
    assert ["restored", "updated"] == actions(of_source)
    assert {"extension": ("8301", "8300")} == of_source[0].changed
    assert updated.batch_id == of_source[0].batch_id


def test_a_run_that_was_removed_is_in_the_history_of_each(conn, carry_out, now):
    """The undo of many copies is one entry; it is told of each DID whose id is known."""
    done = carry_out(CopyOrder(CALLER, SOURCE, ("5550000", NUMBER, "5550002")))
    first = done.items[0].did_id
    carry_out(UpdateOrder(CALLER, NUMBER, {"extension": "8302"}))
    run(conn, f"DELETE FROM {DIDS} WHERE did_id >= ?", first)
    who = Author("admin", 1, "")
    removal = Change(who, "deleted", "undo", first, "5550000", done.batch_id, size=3)
    change_log.record(conn, [removal], now + timedelta(hours=1))

    assert ["undone", "updated", "copied"] == actions(history(conn, CALLER, NUMBER))


def test_a_number_that_was_made_anew(conn, carry_out):
    """The history is that of the number: of the DID that was deleted and of the one that is there."""
    carry_out(AddOrder(CALLER, NUMBER, {}))
    carry_out(DeleteOrder(CALLER, NUMBER))
    carry_out(CopyOrder(CALLER, SOURCE, (NUMBER,)))

    assert ["copied", "deleted", "added"] == actions(history(conn, CALLER, NUMBER))


def test_changes_of_one_second_stand_in_order(conn, now):
    """What was done in one second is told in the order in which it was done."""
    copies.copy(conn, [CopyOrder(CALLER, SOURCE, (NUMBER,))], now)
    edits.update(conn, [UpdateOrder(CALLER, NUMBER, {"extension": x}) for x in ("1", "2")], now)
    edits.delete(conn, [DeleteOrder(CALLER, NUMBER)], now)
    copies.copy(conn, [CopyOrder(CALLER, SOURCE, (NUMBER,))], now)
    changes = history(conn, CALLER, NUMBER)

    assert ["copied", "deleted", "updated", "updated", "copied"] == actions(changes)
    assert [("1", "2"), ("8300", "1")] == [change.changed["extension"] for change in changes[2:4]]


def test_a_long_history_comes_in_pages(conn, carry_out):
    """A page goes on behind the last change of the one before."""
    for i in range(5):
        carry_out(UpdateOrder(CALLER, SOURCE, {"extension": f"900{i}"}))
    first = history(conn, CALLER, SOURCE, limit=2)
    second = history(conn, CALLER, SOURCE, limit=2, before=first[-1].cursor)
    third = history(conn, CALLER, SOURCE, limit=2, before=second[-1].cursor)

    extensions = [change.after["extension"] for page in (first, second, third) for change in page]
    assert ["9004", "9003", "9002", "9001", "9000"] == extensions


def test_a_did_without_changes_has_an_empty_history(conn):
    """A DID that Didier never touched is there and has no history; one that never was is not found."""
    assert [] == history(conn, CALLER, SOURCE)
    assert NotFound("999") == history(conn, CALLER, "999")


def test_a_pattern_is_compared_without_case(conn, carry_out):
    """The history is found in any case of letters."""
    carry_out(AddOrder(CALLER, "Sales", {}))
    carry_out(DeleteOrder(CALLER, "SALES"))

    assert ["deleted", "added"] == actions(history(conn, CALLER, "sales"))


def test_dids_of_other_groups_have_no_history(conn, carry_out):
    """A limited user sees the history of a DID that is visible, or was while it was there."""
    carry_out(AddOrder(SALES, NUMBER, {}))
    carry_out(AddOrder(CALLER, "5550002", {"user_group": "ADMIN"}))
    run(conn, f"UPDATE {DIDS} SET user_group = 'OTHER' WHERE did_pattern = ?", SOURCE)
    for pattern in (NUMBER, "5550002"):
        carry_out(DeleteOrder(CALLER, pattern))

    assert NotFound(SOURCE) == history(conn, SALES, SOURCE)
    assert NotFound("5550002") == history(conn, SALES, "5550002")
    assert ["deleted", "added"] == actions(history(conn, SALES, NUMBER))


@pytest.fixture
def groups(conn):
    """User groups to which DIDs can be given."""
    rows = "('SALES', 'Sales'), ('OTHER', 'Others')"
    run(conn, f"INSERT INTO vicidial_user_groups (user_group, group_name) VALUES {rows}")


def test_what_another_group_did_with_the_number_is_not_told(conn, groups, carry_out):
    """A number that another group had begins, for those who have it now, when it came to them."""
    carry_out(AddOrder(CALLER, NUMBER, {"user_group": "OTHER", "did_description": "Secret of others"}))
    carry_out(UpdateOrder(CALLER, NUMBER, {"did_description": "Another secret"}))
    carry_out(UpdateOrder(CALLER, NUMBER, {"user_group": "SALES", "did_description": "Sales line"}))
    carry_out(UpdateOrder(CALLER, NUMBER, {"did_description": "New sales line"}))
    changes = history(conn, SALES, NUMBER)

    assert ["updated", "added"] == actions(changes)
    assert (None, "Sales line") == (changes[1].before, changes[1].after["did_description"])
    assert (None, "Sales line") == changes[1].changed["did_description"]
    assert "ecret" not in str(changes)


def test_a_did_that_leaves_is_deleted_to_those_who_had_it(conn, groups, carry_out):
    """What it is in another group they do not see, and pages count what they see alone."""
    carry_out(AddOrder(CALLER, NUMBER, {"user_group": "SALES", "did_description": "Sales line"}))
    carry_out(UpdateOrder(CALLER, NUMBER, {"user_group": "OTHER", "did_description": "Secret of others"}))
    carry_out(UpdateOrder(CALLER, NUMBER, {"did_description": "Another secret"}))
    first = history(conn, SALES, NUMBER, limit=1)
    second = history(conn, SALES, NUMBER, limit=1, before=first[0].cursor)

    assert ["deleted", "added"] == actions(first + second)
    assert ("Sales line", None) == (first[0].before["did_description"], first[0].after)
    assert [] == history(conn, SALES, NUMBER, limit=1, before=second[0].cursor)


def test_a_did_that_comes_back_by_an_undo_is_restored(conn, groups, carry_out, now):
    """Its way to the other group was its deletion."""
    carry_out(AddOrder(CALLER, NUMBER, {"user_group": "SALES"}))
    moved = carry_out(UpdateOrder(CALLER, NUMBER, {"user_group": "OTHER"}))
    undo_edits.undo_edit(conn, moved.batch_id, CALLER, now + timedelta(hours=1))
    changes = history(conn, SALES, NUMBER)

    assert ["restored", "deleted", "added"] == actions(changes)
    assert [None, "SALES"] == [changes[0].before, changes[0].after["user_group"]]


def test_the_source_of_a_copy_is_told_to_who_sees_it(conn, groups, carry_out):
    """With the group that it had then; a token, where it begins as its numbers do."""
    carry_out(AddOrder(CALLER, "5559999", {"user_group": "OTHER"}))
    carry_out(CopyOrder(CALLER, "5559999", (NUMBER,), {"user_group": "SALES"}))
    carry_out(UpdateOrder(CALLER, "5559999", {"user_group": "SALES"}))
    carry_out(CopyOrder(CALLER, "5559999", ("5550002",)))

    def sources(caller):
        return [history(conn, caller, number)[-1].source for number in (NUMBER, "5550002")]

    assert ["5559999", "5559999"] == sources(CALLER)
    assert [None, "5559999"] == sources(SALES)
    assert [None, None] == sources(replace(CALLER, pattern_prefix="5550"))


def test_copies_whose_group_is_not_known_are_told_to_who_sees_all(conn, groups, carry_out):
    """Of earlier releases; of targets with groups of their own it is."""
    done = carry_out(CopyOrder(CALLER, SOURCE, (NUMBER,)))
    run(conn, "UPDATE didier_changes SET snapshot_id = NULL WHERE change_id = ?", done.batch_id)
    rows = (Row("5550002", {"user_group": "SALES"}), Row("5550003", {"user_group": "OTHER"}))
    carry_out(CopyOrder(CALLER, SOURCE, ("5550002", "5550003"), rows=rows))

    assert [["copied"], ["copied"]] == [actions(history(conn, CALLER, n)) for n in (NUMBER, "5550002")]
    assert [[], ["copied"]] == [actions(history(conn, SALES, number)) for number in (NUMBER, "5550002")]
    assert NotFound("5550003") == history(conn, SALES, "5550003")


def test_the_removal_of_a_copy_is_told_to_who_saw_it(conn, groups, carry_out, now):
    """Its entry has no row: the copy was as the change before left it."""
    visible, hidden = (
        carry_out(CopyOrder(CALLER, SOURCE, (number,), {"user_group": group}))
        for number, group in ((NUMBER, "SALES"), ("5550002", "OTHER"))
    )
    for done in (visible, hidden):
        batches.undo(conn, [batches.UndoOrder(CALLER, done.batch_id)], now + timedelta(hours=1))
    carry_out(AddOrder(CALLER, "5550002", {"user_group": "SALES"}))

    assert ["undone", "copied"] == actions(history(conn, SALES, NUMBER))
    assert ["added"] == actions(history(conn, SALES, "5550002"))


def test_tokens_and_rights_count(conn):
    """A token shows its own numbers alone, and whoever may not look at DIDs sees no history."""
    blind = replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False))

    assert NotFound(SOURCE) == history(conn, replace(CALLER, pattern_prefix="555"), SOURCE)
    assert isinstance(history(conn, blind, SOURCE), NotPermitted)


def test_copies_of_earlier_releases_have_no_row(conn, carry_out):
    """A batch without a snapshot tells who copied what, and no values."""
    done = carry_out(CopyOrder(CALLER, SOURCE, (NUMBER,)))
    run(conn, "UPDATE didier_changes SET snapshot_id = NULL WHERE change_id = ?", done.batch_id)
    [change] = history(conn, CALLER, NUMBER)

    assert ("copied", SOURCE, None, {}) == (change.action, change.source, change.after, change.changed)
