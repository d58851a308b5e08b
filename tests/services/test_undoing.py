from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.errors import (
    AlreadyExists,
    BatchNotFound,
    DeletionLocked,
    InUse,
    NotFound,
    NotPermitted,
    NotUndoable,
)
from didier.services.batches import copies, edits, undo_edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import AddOrder, DeleteOrder, LockOrder, UpdateOrder
from didier.services.batches.undo_edits import UndoneEdits
from didier.storage.batches import progress
from didier.storage.dids import dids
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support import outside

SOURCE = "18001234567"
NUMBER = "5550001"
SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
SERVICES = {AddOrder: edits.add, UpdateOrder: edits.update, DeleteOrder: edits.delete}


@pytest.fixture
def conn(engine):
    """A connection."""
    with engine.begin() as conn:
        yield conn


@pytest.fixture
def edit(conn, now):
    """Carries out an order; returns the id of its batch."""

    def carry_out(order):
        [done] = SERVICES[type(order)](conn, [order], now)
        return done.batch_id

    return carry_out


@pytest.fixture
def undo(conn, now):
    """Undoes a batch."""
    return lambda batch_id, caller=CALLER, force=False: undo_edits.undo_edit(
        conn, batch_id, caller, now, force
    )


def image(conn, pattern):
    """The row of a DID."""
    did = dids.find(conn, [pattern]).get(pattern)
    return did and dids.images(conn, [did.did_id])[did.did_id]


def batch(conn, batch_id):
    """State of a batch, who undid it, and how many it removed and kept."""
    found = progress.get(conn, batch_id)
    return found.state, found.undone_by, found.removed, found.kept


def test_an_update_is_taken_back(conn, edit, undo):
    """The columns that were changed have their former values, NULL too; others stay as they are."""
    before = image(conn, SOURCE)
    batch_id = edit(UpdateOrder(CALLER, SOURCE, {"did_description": "Changed", "voicemail_ext": "85026"}))
    edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))

    assert UndoneEdits(batch_id, 0, 1, ()) == undo(batch_id)
    assert before | {"extension": "8301", "version": 4} == image(conn, SOURCE)
    assert ("undone", CALLER.name, 0, 0) == batch(conn, batch_id)


def test_a_deleted_did_comes_back(conn, edit, undo):
    """The whole row is there again, with the id that it had; its version goes on behind the deletion."""
    before = image(conn, SOURCE)
    batch_id = edit(DeleteOrder(CALLER, SOURCE))

    assert UndoneEdits(batch_id, 0, 1, ()) == undo(batch_id)
    assert before | {"version": 3} == image(conn, SOURCE)


def test_an_added_did_is_removed(conn, edit, undo):
    """What was added is gone."""
    batch_id = edit(AddOrder(CALLER, NUMBER, {}))

    assert UndoneEdits(batch_id, 1, 0, ()) == undo(batch_id)
    assert None is image(conn, NUMBER)
    assert ("undone", CALLER.name, 1, 0) == batch(conn, batch_id)


@pytest.mark.parametrize(
    "order",
    [AddOrder(CALLER, NUMBER, {}), UpdateOrder(CALLER, SOURCE, {"extension": "8301"})],
    ids=["add", "update"],
)
def test_what_was_changed_since_is_kept(conn, edit, undo, order):
    """A DID that is not as the batch left it stays, is named, and the batch can still be undone by force."""
    batch_id = edit(order)
    edit(UpdateOrder(CALLER, order.pattern, {"extension": "8302"}))

    assert UndoneEdits(batch_id, 0, 0, (order.pattern,)) == undo(batch_id)
    assert "8302" == image(conn, order.pattern)["extension"]
    assert "done" == batch(conn, batch_id)[0]


def test_force_takes_back_what_was_changed_since(conn, edit, undo):
    """Forced, an added DID is removed and an updated one has its former values."""
    added = edit(AddOrder(CALLER, NUMBER, {}))
    updated = edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    for pattern in (NUMBER, SOURCE):
        edit(UpdateOrder(CALLER, pattern, {"extension": "8302"}))

    assert UndoneEdits(added, 1, 0, ()) == undo(added, force=True)
    assert UndoneEdits(updated, 0, 1, ()) == undo(updated, force=True)
    assert "8300" == image(conn, SOURCE)["extension"]


def test_an_update_by_vicidial_of_the_same_column_counts(conn, edit, undo):
    """What another program has changed is kept too."""
    batch_id = edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    run(conn, f"UPDATE {DIDS} SET extension = '8302'")

    assert UndoneEdits(batch_id, 0, 0, (SOURCE,)) == undo(batch_id)


def test_the_update_of_a_did_that_is_gone(edit, undo):
    """It stays gone, and is named."""
    batch_id = edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    edit(DeleteOrder(CALLER, SOURCE))

    assert UndoneEdits(batch_id, 0, 0, (SOURCE,)) == undo(batch_id, force=True)


def test_an_added_did_that_is_gone(conn, edit, undo):
    """There is nothing left to do; the batch is undone."""
    batch_id = edit(AddOrder(CALLER, NUMBER, {}))
    edit(DeleteOrder(CALLER, NUMBER))

    assert UndoneEdits(batch_id, 0, 0, ()) == undo(batch_id)
    assert "undone" == batch(conn, batch_id)[0]


def test_a_pattern_that_was_taken_since(edit, undo):
    """A deleted DID does not come back over a new one, not even by force."""
    batch_id = edit(DeleteOrder(CALLER, SOURCE))
    edit(AddOrder(CALLER, SOURCE, {}))

    assert AlreadyExists(SOURCE) == undo(batch_id, force=True)


def test_an_id_that_was_taken_since(conn, edit, undo, now):
    """The same, where another program has given the id to another number: that one stays as it is."""
    batch_id = edit(DeleteOrder(CALLER, SOURCE))
    outside.add(conn, {"did_id": 1, "did_pattern": NUMBER}, now)
    before = image(conn, NUMBER)

    assert AlreadyExists(SOURCE) == undo(batch_id, force=True)
    assert before == image(conn, NUMBER)


def test_twice_is_once(edit, undo):
    """A batch that was undone is not undone again."""
    batch_id = edit(AddOrder(CALLER, NUMBER, {}))
    undo(batch_id)

    assert NotUndoable(batch_id, "undone") == undo(batch_id)


def test_batches_that_are_no_edits(conn, undo, now):
    """An unknown batch, and one that copied DIDs, are not found here."""
    [copied] = copies.copy(conn, [CopyOrder(CALLER, SOURCE, (NUMBER,))], now)

    assert BatchNotFound(999) == undo(999)
    assert BatchNotFound(copied.batch_id) == undo(copied.batch_id)


def test_a_locked_did_is_not_removed(conn, edit, undo, now):
    """A lock counts for an undo too, by force as well."""
    batch_id = edit(AddOrder(CALLER, NUMBER, {}))
    edits.lock(conn, [LockOrder(CALLER, NUMBER)], now)

    assert DeletionLocked(NUMBER) == undo(batch_id, force=True)


def test_a_did_in_use_is_removed_by_force_alone(edit, undo):
    """An added DID to which another sends its calls by now is not removed, unless forced."""
    batch_id = edit(AddOrder(CALLER, NUMBER, {}))
    edit(UpdateOrder(CALLER, SOURCE, {"extension": NUMBER}))

    assert InUse(NUMBER, (f"DID {SOURCE} (extension)",)) == undo(batch_id)
    assert UndoneEdits(batch_id, 1, 0, ()) == undo(batch_id, force=True)


def test_rights_are_those_of_the_change_back(edit, undo):
    """Taking back an addition is a deletion and needs the right to delete; what is not seen is not there."""
    added = edit(AddOrder(CALLER, NUMBER, {"did_description": "Number of all"}))
    updated = edit(UpdateOrder(CALLER, SOURCE, {"user_group": "---ALL---"}))
    careful = replace(CALLER, user=replace(CALLER.user, delete_dids=False))
    weak = replace(CALLER, user=replace(CALLER.user, modify_dids=False))

    assert NotPermitted("delete_did", ("Delete DIDs must be 1",)) == undo(added, careful)
    assert isinstance(undo(updated, weak), NotPermitted)


def test_what_is_not_seen_is_not_there(conn, edit, undo):
    """A DID of another group, before or after the change, is not found."""
    run(conn, f"UPDATE {DIDS} SET user_group = 'OTHER'")
    batch_id = edit(UpdateOrder(CALLER, SOURCE, {"user_group": "---ALL---"}))

    assert NotFound(SOURCE) == undo(batch_id, SALES)


def test_a_token_reaches_its_own_numbers_alone(edit, undo):
    """A token with a prefix undoes nothing of other DIDs."""
    batch_id = edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))

    assert NotFound(SOURCE) == undo(batch_id, replace(CALLER, pattern_prefix="555"))
