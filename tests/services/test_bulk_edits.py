"""Adding, updating, deleting and importing many DIDs by one order, at once and in steps."""

from collections import Counter

import pytest

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.services.batches import bulk_edits
from didier.services.batches.bulk_edits import Edited, EditOrder, LargeEditOrder
from didier.services.batches.edit_spec import EditSpec
from support.batches import each, finish, stored, table, text, undo

BLOCK = "5550100-5550399"
NAMES = [str(number) for number in range(5_550_100, 5_550_400)]

ADD = EditSpec("add", {"did_description": "New line", "did_route": "EXTEN", "extension": "8301"})
UPDATE = EditSpec("update", {"did_active": "N", "did_carrier_description": "Carrier 2"})
DELETE = EditSpec("delete")
IMPORT = EditSpec("import", columns=("did_description",), existing="update")


def rows(targets: str):
    return tuple(inputs.rows(text(targets).entries()))


def at_once(engine, spec, targets, now, **settings):
    with engine.begin() as conn:
        [done] = bulk_edits.edit(conn, [EditOrder(CALLER, spec, rows(targets), **settings)], now)
    return done


def accept(engine, spec, targets, now, caller=CALLER, **settings):
    """Take a large order in; return its batch."""
    with engine.begin() as conn:
        [accepted] = bulk_edits.accept(conn, [LargeEditOrder(caller, spec, text(targets), **settings)], now)
    return accepted


def carry_out(engine, spec, targets, now, pace=70, **settings):
    """Take a large order in and carry it out in steps; return the batch."""
    batch = accept(engine, spec, targets, now, **settings)
    return finish(engine, now, batch.batch_id, pace=pace)[0]


def images(engine):
    """The rows of the block, without the time of their last change."""
    return {name: {**row, "modify_stamp": ""} for name, row in table(engine).items() if name in NAMES}


def words(engine, batch_id):
    """How many targets there are of each outcome; items and totals tell the same."""
    counts = Counter(one.outcome for one in each(engine, batch_id))
    batch = stored(engine, batch_id)
    assert (counts["added"], counts["updated"], counts["deleted"]) == (
        batch.added,
        batch.updated,
        batch.deleted,
    )
    assert (counts["exists"], counts["missing"]) == (batch.existing, batch.missing)
    assert (counts["invalid"], counts["duplicate"], counts["refused"]) == (
        batch.invalid, batch.duplicates, batch.refused
    )  # fmt: skip
    assert sum(counts.values()) == batch.requested
    return dict(counts)


@pytest.fixture
def block(clean, now):
    """A database in which the numbers of the block are DIDs."""
    assert isinstance(at_once(clean, ADD, BLOCK, now), Edited)
    return clean


@pytest.mark.parametrize("atomic", [True, False])
def test_an_order_in_steps_does_what_one_at_once_does(clean, now, atomic):
    """Adding, updating and deleting in steps leave the rows that the same order at once leaves."""
    for spec in (ADD, UPDATE, DELETE):
        batch = carry_out(clean, spec, BLOCK, now, atomic=atomic)
        in_steps = images(clean)
        for _ in range(2):  # back, and at once
            undo(clean, batch.batch_id, now)
            finish(clean, now, batch.batch_id)
            batch = stored(clean, at_once(clean, spec, BLOCK, now, atomic=atomic).batch_id)

            assert [{**row, "did_id": 0} for row in in_steps.values()] == [
                {**row, "did_id": 0} for row in images(clean).values()
            ]
        assert ("done", 300) == (batch.state, batch.edited)
