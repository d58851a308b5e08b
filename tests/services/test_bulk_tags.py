"""Tags that are added to many DIDs and removed from them, whatever other tags each of them has."""

import pytest

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.domain.fields import TAG_LONGEST
from didier.domain.tag_changes import TagChanges
from didier.errors import InvalidField, NotAllPossible
from didier.services.batches import bulk_edits, edits
from didier.services.batches.bulk_edits import Edited, EditOrder, LargeEditOrder
from didier.services.batches.edit_orders import UpdateOrder
from didier.services.batches.edit_previews import EditPreview
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.previews import Difference
from didier.services.changes import history
from didier.storage.database import reading
from support.batches import each, finish, stored, table, text, undo
from support.statements import sent

ALL = "5550100-5550103"
SET = {"5550100": "", "5550101": "Berlin,vip", "5550102": "a,b,c", "5550103": "VIP"}
CHANGES = TagChanges(added=("new", "Berlin"), removed=("vip", "b"))
CHANGED = {
    "5550100": "Berlin,new", "5550101": "Berlin,new", "5550102": "a,Berlin,c,new", "5550103": "Berlin,new",
}  # fmt: skip


def spec(*added, removed=(), **more):
    return EditSpec("update", tags=TagChanges(added, removed), **more)


def tags(engine):
    return {name: row["tags"] for name, row in table(engine).items() if name in SET}


def order(engine, wanted, now, targets=ALL, **settings):
    rows = tuple(inputs.rows(text(targets).entries()))
    with engine.begin() as conn:
        [done] = bulk_edits.edit(conn, [EditOrder(CALLER, wanted, rows, **settings)], now)
    return done


@pytest.fixture
def tagged(clean, add, now):
    """A database with some DIDs more that have tags."""
    add(clean, ALL)
    with clean.begin() as conn:
        edits.update(conn, [UpdateOrder(CALLER, name, {"tags": some}) for name, some in SET.items()], now)
    return clean


def test_each_did_keeps_its_other_tags(tagged, now):
    """Tags are the same in whatever case; what is there or not there already is no problem."""
    done = order(tagged, EditSpec("update", tags=CHANGES), now)

    assert {"updated"} == {item.outcome for item in done.items}
    assert CHANGED == tags(tagged)


def test_the_same_again_changes_nothing(tagged, now):
    """However often it is ordered."""
    order(tagged, EditSpec("update", tags=CHANGES), now)
    order(tagged, EditSpec("update", tags=CHANGES), now)

    assert CHANGED == tags(tagged)


def test_a_tag_that_is_removed_and_added_gets_its_new_spelling(tagged, now):
    """It is removed first."""
    order(tagged, spec("Vip", removed=("vip",)), now, "5550101,5550103")

    assert ("Berlin,Vip", "Vip") == (tags(tagged)["5550101"], tags(tagged)["5550103"])


def test_other_columns_are_set_with_them(tagged, now):
    """By one change of each DID."""
    order(tagged, spec("new", values={"did_active": "N"}), now)

    assert {"N"} == {row["did_active"] for name, row in table(tagged).items() if name in SET}
    assert "a,b,c,new" == tags(tagged)["5550102"]


def test_a_large_order_does_the_same_in_steps(tagged, now):
    """What is to be done with the tags is stored with the batch."""
    wanted = EditSpec("update", tags=CHANGES)
    with tagged.begin() as conn:
        [accepted] = bulk_edits.accept(conn, [LargeEditOrder(CALLER, wanted, text(ALL))], now)
    [batch] = finish(tagged, now, accepted.batch_id, pace=3)

    assert ("done", 4) == (batch.state, batch.updated)
    assert wanted == EditSpec.of(stored(tagged, accepted.batch_id))
    assert CHANGED == tags(tagged)


@pytest.mark.parametrize("large", [False, True])
def test_an_undo_brings_the_tags_back(tagged, now, large):
    """Those that each DID had."""
    if large:
        with tagged.begin() as conn:
            wish = LargeEditOrder(CALLER, EditSpec("update", tags=CHANGES), text(ALL))
            [accepted] = bulk_edits.accept(conn, [wish], now)
        finish(tagged, now, accepted.batch_id)
        undo(tagged, accepted.batch_id, now)
        finish(tagged, now, accepted.batch_id)
    else:
        undo(tagged, order(tagged, EditSpec("update", tags=CHANGES), now).batch_id, now)

    assert SET == tags(tagged)


def test_the_history_tells_the_tags_before_and_after(tagged, now):
    """As of any other field."""
    order(tagged, EditSpec("update", tags=CHANGES), now)
    with reading(tagged) as conn:
        [last, *_] = history.history(conn, CALLER, "5550102", 10, None)

    assert ("a,b,c", "a,Berlin,c,new") == (last.before["tags"], last.after["tags"])


def test_a_preview_shows_them_before_and_after(tagged):
    """And writes nothing."""
    preview = EditPreview(CALLER, EditSpec("update", tags=CHANGES), text(ALL))
    with reading(tagged) as conn:
        items = preview.step(conn)
    preview.close()

    assert ["updated"] * 4 == [one.item.outcome for one in items]
    assert [{"tags": Difference(SET[name], CHANGED[name])} for name in SET] == [
        one.differs for one in preview.sample
    ]
    assert SET == tags(tagged)


FULL = ",".join(f"{number:02}{'x' * 38}" for number in range(12))  # 12 tags of 40 characters: 491 in all


def test_a_did_that_would_have_too_many_is_refused(tagged, now):
    """The others are changed, or none in an atomic order; a DID that is full may still lose tags."""
    order(tagged, EditSpec("update", {"tags": FULL}), now, "5550100")
    refused = order(tagged, spec("one tag more"), now)
    done = order(tagged, spec("one tag more"), now, atomic=False)
    loses = order(tagged, spec("one tag more", removed=(f"00{'x' * 38}",)), now, "5550100")

    assert isinstance(refused, NotAllPossible)
    assert ["invalid", "updated", "updated", "updated"] == [item.outcome for item in done.items]
    told = "add_tags 'one tag more' is not allowed: 500 characters with the other tags of the DID"
    assert told == each(tagged, done.batch_id)[0].reason
    assert isinstance(loses, Edited)
    assert FULL[41:] + ",one tag more" == tags(tagged)["5550100"]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (spec(""), "add_tags"),
        (spec("  "), "add_tags"),
        (spec("a,b"), "add_tags"),
        (spec("a\x07"), "add_tags"),
        (spec("fine", "x" * (TAG_LONGEST + 1)), "add_tags"),
        (spec(*(f"{number:03}{'x' * 30}" for number in range(20))), "add_tags"),
        (spec(removed=("a,b",)), "remove_tags"),
        (spec("new", values={"tags": "others"}), "tags"),
        (spec("new", columns=("tags",)), "tags"),
        (spec(), "values"),
    ],
)
def test_what_are_no_tags_is_refused_as_a_whole(tagged, now, wanted, field):
    """A tag that no DID can have, or tags that are set at the same time."""
    refused = order(tagged, wanted, now)

    assert isinstance(refused, InvalidField)
    assert field == refused.field
    assert SET == tags(tagged)


def test_an_order_takes_a_fixed_number_of_statements(clean, add, now):
    """However many DIDs it names."""
    add(clean, "5550100-5550499")
    counts = []
    with clean.connect() as conn:
        for targets in ("5550100", "5550100", "5550100-5550131", "5550100-5550499"):
            rows = tuple(inputs.rows(text(targets).entries()))
            wish = EditOrder(CALLER, EditSpec("update", tags=CHANGES), rows)
            transaction = conn.begin()
            counts.append(sent(conn, lambda wish=wish: bulk_edits.edit(conn, [wish], now)))
            transaction.rollback()

    _, one, some, many = counts  # the first time, tables are looked at too
    assert one <= some == many
