"""Numbers that are added or imported although they exist, or stand in the order, in another spelling."""

from functools import partial

import pytest

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.domain.visibility import Visibility
from didier.services.batches import bulk_edits, edits
from didier.services.batches.bulk_edits import EditOrder, LargeEditOrder
from didier.services.batches.checks import Checks
from didier.services.batches.edit_orders import AddOrder
from didier.services.batches.edit_previews import EditPreview
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.spellings import NewNumber, existing
from didier.storage.batches import progress
from didier.storage.database import reading
from support.batches import SOURCE, each, finish, text
from support.statements import sent, settled

HERE = Checks(plausible=True, region="US")
ADD = EditSpec("add", {"did_route": "EXTEN"}, checks=HERE)
EXISTS = f"the same number already exists as {SOURCE}"
AGAIN = "the same number appears earlier in this order, in another spelling"
TARGETS = "8001234567,8005550100,18005550100,+18005550101,5550100"
NOTES = {"8001234567": EXISTS, "18005550100": AGAIN}


def rows(targets):
    return tuple(inputs.rows(text(targets).entries()))


def order(engine, spec, now, targets=TARGETS):
    with engine.begin() as conn:
        [done] = bulk_edits.edit(conn, [EditOrder(CALLER, spec, rows(targets))], now)
    return done


def notes(items):
    """What items tell, by target; all of them were created."""
    assert {"added"} == {item.outcome for item in items}
    return {item.target: item.reason for item in items if item.reason}


@pytest.mark.parametrize("verb", ["add", "import"])
def test_an_order_tells_it(clean, now, verb):
    """As the reason of what was created, also when it is asked for later."""
    spec = EditSpec(verb, ADD.values, checks=HERE)
    done = order(clean, spec, now)

    assert NOTES == notes(done.items)
    assert NOTES == notes(each(clean, done.batch_id))


def test_nobody_is_told_who_does_not_ask(clean, now):
    """VICIdial's own API looks for no spellings."""
    assert {} == notes(order(clean, EditSpec("add"), now).items)


def test_what_is_not_created_counts_for_nothing(clean, now):
    """Neither is it noted, nor does a number behind it repeat it."""
    wish = EditOrder(CALLER, ADD, rows(f"{SOURCE},8001234567,8001234567"), atomic=False)
    with clean.begin() as conn:
        [done] = bulk_edits.edit(conn, [wish], now)

    assert [("exists", None), ("added", EXISTS), ("duplicate", None)] == [
        (item.outcome, item.reason) for item in done.items
    ]


def test_an_order_in_steps_tells_it(clean, now):
    """What a step before has created exists by then."""
    with clean.begin() as conn:
        [accepted] = bulk_edits.accept(conn, [LargeEditOrder(CALLER, ADD, text(TARGETS))], now)
    finish(clean, now, accepted.batch_id, pace=2)

    assert {**NOTES, "18005550100": "the same number already exists as 8005550100"} == notes(
        each(clean, accepted.batch_id)
    )


def test_a_preview_tells_it(clean):
    """Also of numbers that it has looked at long before."""
    between = ",".join(f"8007{number:06}" for number in range(2_000))
    preview = EditPreview(CALLER, ADD, text(f"{TARGETS},{between},+18005550100"))
    found = []
    with reading(clean) as conn:
        while (items := preview.step(conn)) is not None:
            found += [placed.item for placed in items]
    preview.close()

    assert {**NOTES, "+18005550100": AGAIN} == notes(found)


def test_a_single_addition_tells_it(clean, now):
    """It is the reason of the only item of its batch."""
    with clean.begin() as conn:
        [done] = edits.add(conn, [AddOrder(CALLER, "8001234567", {}, checks=HERE)], now)
        [item] = progress.items(conn, done.batch_id, 0, 10)

    assert (EXISTS, EXISTS) == (done.note, item.item.reason)


def test_only_what_is_seen_is_told(clean):
    """Who sees other DIDs alone is not told that the number exists."""
    limited = Visibility(prefix="+1900")
    with reading(clean) as conn:
        told = existing(conn, {
            0: NewNumber("8001234567", "US", CALLER.visibility), 1: NewNumber("8001234567", "US", limited),
        })  # fmt: skip

    assert {0: SOURCE} == told


@pytest.mark.parametrize("single", [True, False])
def test_it_takes_a_fixed_number_of_statements(clean, now, single):
    """However many numbers are added, by one order or by many."""

    def work(conn, patterns):
        if single:
            return edits.add(conn, [AddOrder(CALLER, one, {}, checks=HERE) for one in patterns], now)
        return bulk_edits.edit(conn, [EditOrder(CALLER, ADD, rows(",".join(patterns)))], now)

    def counted(conn, patterns, turns):
        turn = next(turns)
        with conn.begin() as transaction:
            count = sent(conn, lambda: work(conn, [one.format(turn) for one in patterns]))
            transaction.rollback()
        return count

    counts = []
    with clean.connect() as conn:
        for block, size in enumerate((1, 1, 32, 500)):  # the first time, tables are looked at too
            patterns = [f"190055{block}{{}}{number:03}" for number in range(size)]
            counts.append(settled(partial(counted, conn, patterns, iter("01"))))

    _, one, some, many = counts
    assert one <= some == many
