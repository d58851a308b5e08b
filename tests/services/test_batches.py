"""Taking orders in, looking at batches, undoing them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.domain.inputs import Row
from didier.domain.templates import Template
from didier.domain.visibility import Visibility
from didier.errors import (
    BatchNotFound,
    InvalidField,
    InvalidInput,
    NotFound,
    NotPermitted,
    NotUndoable,
    TooManyTargets,
    UnknownReference,
)
from didier.services.batches import batches, bulk_edits, edits
from didier.services.batches.batches import Undone
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.copies import CopyOrder, CopyResult, copy
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.edits import AddOrder, DeleteOrder, LockOrder, UpdateOrder
from didier.services.batches.order_text import read_text, text_of
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.input_text import pack
from didier.storage.batches.progress import BatchFilter, StoredBatch
from didier.storage.database import reading
from didier.storage.statements import run
from support import outside
from support.batches import SOURCE, accept, assert_agree, order, outcomes, stored, table, undo
from support.statements import sent

BATCH_TABLES = ("didier_batches", "didier_batch_items", "didier_batch_input", "didier_snapshots")


def caller(**changes) -> Caller:
    """Return the all-powerful caller with *changes* of the user."""
    return replace(CALLER, user=replace(CALLER.user, **changes))


SALES = replace(caller(viewable_groups=" ADMIN ", user_id=7), name="sales")
"""Sees only DIDs of one group."""


def small(
    engine: Engine, now, *targets: str, who: Caller = CALLER, source: str = SOURCE, **overrides: str
) -> int:
    """Make a small batch; return its id."""
    with engine.begin() as conn:
        [result] = copy(conn, [CopyOrder(who, source, targets, overrides, atomic=True)], now)
    assert isinstance(result, CopyResult)
    return result.batch_id


def refused(engine: Engine, wish: batches.BatchOrder, now) -> object:
    with engine.begin() as conn:
        [outcome] = batches.accept(conn, [wish], now)
    return outcome


def seen(engine: Engine, who: Caller, batch_id: int) -> bool:
    """Say whether *who* is shown a batch; alone, its items and in the list, all the same."""
    with reading(engine) as conn:
        found = isinstance(batches.get(conn, who, batch_id), StoredBatch)
        listed = batches.page(conn, who, BatchFilter(), None, 100)
        assert isinstance(listed, list)
        assert found == (batch_id in {batch.batch_id for batch in listed})
        assert found == isinstance(batches.items(conn, who, batch_id, 0, 10), list)
    return found


def test_an_order_is_taken_in(clean, now):
    """What is needed to make it later is stored: the text, the source as it is, what is asked for."""
    rows = "target,city,list_id\n5550100-5550199,Bonn,7\n"
    wish = order(rows, atomic=False, overrides={"did_active": "N"}, template="{city} {target}")
    batch_id = accept(clean, replace(wish, caller=replace(CALLER, pattern_prefix="")), now)

    batch = stored(clean, batch_id)
    assert ("copy", "best_effort", "pending", "make", 100) == (
        batch.kind, batch.mode, batch.state, batch.phase, batch.requested
    )  # fmt: skip
    assert (SOURCE, {"did_active": "N"}, "{city} {target}", ("did_description", "list_id"), "") == (
        batch.source_pattern, batch.overrides, batch.template, batch.own_columns, batch.pattern_prefix
    )  # fmt: skip
    assert [SOURCE] == [*table(clean)]


def test_an_atomic_order_is_checked_first(clean, now):
    """All or nothing begins with a look at all targets."""
    assert "check" == stored(clean, accept(clean, order("5550100"), now)).phase


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"source": "999"}, NotFound),
        ({"caller": replace(CALLER, pattern_prefix="555")}, NotFound),
        ({"caller": SALES, "overrides": {}}, NotFound),
        ({"caller": caller(level=7)}, NotPermitted),
        ({"overrides": {"did_active": "maybe"}}, InvalidField),
        ({"overrides": {"group_id": "NO_SUCH_GROUP"}}, UnknownReference),
        ({"overrides": {"did_pattern": "5550100"}}, InvalidField),
        ({"template": "{town}"}, InvalidField),
        ({"template": "{"}, InvalidField),
    ],
)
def test_orders_that_are_refused(clean, now, changes, refusal):
    """What cannot be made as a whole is refused at once, and nothing is stored of it."""
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")

    assert isinstance(refused(clean, order("5550100", **changes), now), refusal)
    with reading(clean) as conn:
        assert [[], [], [], []] == [run(conn, f"SELECT * FROM {name}") for name in BATCH_TABLES]


def test_a_refused_order_is_nothing_to_the_others(clean, now):
    """Orders that come together are taken in each by itself."""
    wishes = [order("5550100"), order("5550101", source="999"), order("5550102")]
    with clean.begin() as conn:
        found = batches.accept(conn, wishes, now)

    assert [StoredBatch, NotFound, StoredBatch] == [type(one) for one in found]


def test_texts_are_counted_and_limited():
    """The targets of a text are counted, ranges too, up to the limit."""
    pieces = list(pack([b"5550100-5550199\nlobby\n"]))

    assert 101 == read_text(pieces, 101).count
    listed = [*inputs.of_item("5550100-5550199"), *inputs.of_item("lobby")]
    assert 101 == text_of(listed, frozenset(), 101).count
    with pytest.raises(TooManyTargets):
        read_text(pieces, 100)


@pytest.mark.parametrize("text", ["", "\n\n , ;", "target\n", "target,did_active\n,\n\n"])
def test_a_text_without_targets_is_refused(text):
    """Nothing to be made is no order."""
    with pytest.raises(InvalidInput, match="no target"):
        read_text(list(pack([text.encode()])), 100)


def test_columns_of_a_text_are_checked_before_it_is_taken_in():
    """Unknown columns are refused unless the template names them."""
    pieces = list(pack([b"target,city\n5550100,Bonn\n"]))

    with pytest.raises(InvalidInput, match="no DID field city"):
        read_text(pieces, 100)
    assert 1 == read_text(pieces, 100, Template("{city} {target}")).count


def give(engine: Engine, group: str, *patterns: str) -> None:
    """Give DIDs to a user group."""
    with engine.begin() as conn:
        for pattern in patterns:
            run(conn, "UPDATE vicidial_inbound_dids SET user_group = ? WHERE did_pattern = ?", group, pattern)


def test_batches_are_seen_as_their_dids_are(clean, now):
    """Who sees the group of the copies sees a batch; who has ordered it must still see it."""
    give(clean, "OTHER", SOURCE)
    others = small(clean, now, "5550100")
    moved = small(clean, now, "5550101", user_group="ADMIN")
    own = small(clean, now, "5550102", who=caller(user_id=7))
    give(clean, "ADMIN", SOURCE)
    since = small(clean, now, "5550103")

    assert [True, True, True, True] == [seen(clean, CALLER, id_) for id_ in (others, moved, own, since)]
    assert [False, True, False, True] == [seen(clean, SALES, id_) for id_ in (others, moved, own, since)]
    assert not seen(clean, CALLER, since + 1)


def test_the_source_of_a_batch_is_seen_as_it_was(clean, now):
    """A batch of visible copies says nothing of a source that another group had; nor is it found by it."""
    give(clean, "OTHER", SOURCE)
    hidden = small(clean, now, "5550100", user_group="ADMIN")
    give(clean, "ADMIN", SOURCE)
    visible = small(clean, now, "5550101")

    with reading(clean) as conn:
        found = [batches.get(conn, SALES, batch_id) for batch_id in (hidden, visible)]
        listed = batches.page(conn, SALES, BatchFilter(source=SOURCE), None, 10)
    assert ["", SOURCE] == [batch.source_pattern for batch in found]
    assert [None, True] == [batch.snapshot_id and True for batch in found]
    assert [visible] == [batch.batch_id for batch in listed]


def edited(engine: Engine, now, *orders) -> list[int]:
    """Carry out edits of DIDs one after the other; return their batches."""
    services = {AddOrder: edits.add, UpdateOrder: edits.update, DeleteOrder: edits.delete}
    with engine.begin() as conn:
        return [services[type(order)](conn, [order], now)[0].batch_id for order in orders]


def test_edits_are_seen_by_who_sees_all_their_rows(clean, now):
    """The row before counts as the row after; who moved to another group has seen what they see no more."""
    own = caller(viewable_groups=" OTHER ", group="OTHER", user_id=7)
    with clean.begin() as conn:
        run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('OTHER', 'Others')")
    ids = edited(
        clean, now,
        AddOrder(CALLER, "5550100", {"user_group": "ADMIN"}),
        UpdateOrder(CALLER, "5550100", {"did_description": "Visible"}),
        UpdateOrder(CALLER, "5550100", {"user_group": "OTHER"}),
        UpdateOrder(own, "5550100", {"did_description": "Of others"}),
        UpdateOrder(CALLER, "5550100", {"user_group": "ADMIN"}),
        DeleteOrder(CALLER, "5550100"),
    )  # fmt: skip

    assert [True] * 6 == [seen(clean, CALLER, id_) for id_ in ids]
    assert [True, True, False, False, False, True] == [seen(clean, SALES, id_) for id_ in ids]
    assert BatchNotFound(ids[2]) == undo(clean, ids[2], now, caller=SALES)


def test_imports_are_seen_by_who_sees_all_their_rows(clean, now):
    """One row of another group hides the batch."""
    with clean.begin() as conn:
        run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('OTHER', 'Others')")
        rows = [Row("5550100", {"user_group": "ADMIN"}), Row("5550101", {"user_group": "OTHER"})]
        spec = EditSpec("import", columns=("user_group",), existing="update")
        orders = [EditOrder(CALLER, spec, some) for some in (rows[:1], rows[1:], rows)]
        ids = [bulk_edits.edit(conn, [order], now)[0].batch_id for order in orders]

    assert [True, False, False] == [seen(clean, SALES, id_) for id_ in ids]


def test_a_batch_whose_groups_are_not_known_is_its_callers(clean, now):
    """For as long as they see what they saw; those of processes that did not write that, nobody's."""
    both = caller(viewable_groups=" ADMIN OTHER ", user_id=7)
    batch_id = small(clean, now, "5550100", who=both)
    with clean.begin() as conn:
        run(conn, "UPDATE didier_changes SET snapshot_id = NULL")

    assert [True, True, False] == [seen(clean, who, batch_id) for who in (CALLER, both, SALES)]
    assert not seen(clean, caller(viewable_groups=" ADMIN OTHER ", user_id=8), batch_id)
    with clean.begin() as conn:
        run(conn, "UPDATE didier_changes SET details = NULL")
    assert [True, False] == [seen(clean, who, batch_id) for who in (CALLER, both)]


def test_what_was_ordered_without_limit_needs_none(clean, now):
    """Who saw every group and sees some alone today does not see what is not known."""
    batch_id = small(clean, now, "5550100", who=caller(user_id=7))
    with clean.begin() as conn:
        run(conn, "UPDATE didier_changes SET snapshot_id = NULL")

    assert [True, False] == [seen(clean, who, batch_id) for who in (CALLER, SALES)]
    assert Visibility() == stored(clean, batch_id).caller_groups


def test_a_token_sees_what_was_ordered_with_no_wider_one(clean, now):
    """With a prefix only batches are shown whose targets all begin with it, as their token's did."""
    everywhere, wide, narrow = (
        small(clean, now, f"1800155501{n}", who=replace(CALLER, pattern_prefix=prefix))
        for n, prefix in enumerate((None, "1800", "18001"))
    )

    seen_by = {
        prefix: [
            seen(clean, replace(CALLER, pattern_prefix=prefix), id_) for id_ in (everywhere, wide, narrow)
        ]
        for prefix in (None, "1800", "18001")
    }

    assert {None: [True, True, True], "1800": [False, True, True], "18001": [False, False, True]} == seen_by


def test_targets_with_groups_of_their_own_hide_a_batch(clean, now):
    """Who sees some groups is not shown a batch whose DIDs may belong to others."""
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN'")
        rows = (Row("5550100", {"user_group": "ADMIN"}), Row("5550101"))
        wish = CopyOrder(CALLER, SOURCE, ("5550100", "5550101"), atomic=True, rows=rows)
        [result] = copy(conn, [wish], now)
    assert isinstance(result, CopyResult)

    assert [True, False] == [seen(clean, who, result.batch_id) for who in (CALLER, SALES)]


def test_pages_are_full_though_some_are_hidden(clean, now):
    """A page has as many as were asked for as long as there are visible ones."""
    give(clean, "OTHER", SOURCE)
    ids = [
        small(clean, now, f"555010{n}", **({"user_group": "ADMIN"} if n % 3 == 0 else {})) for n in range(9)
    ]
    visible = [*reversed(ids[::3])]

    with reading(clean) as conn:
        first = batches.page(conn, SALES, BatchFilter(), None, 2)
        assert isinstance(first, list)
        rest = batches.page(conn, SALES, BatchFilter(), first[-1].batch_id, 2)
        assert isinstance(rest, list)
    assert [visible[:2], visible[2:]] == [[batch.batch_id for batch in page] for page in (first, rest)]


def test_who_may_not_list_dids_sees_no_batch(clean, now):
    """The right is that to list DIDs; what is missing is named."""
    batch_id = small(clean, now, "5550100")
    weak = caller(level=6, view_reports=False, modify_dids=False)

    with reading(clean) as conn:
        answers = [
            batches.get(conn, weak, batch_id), batches.page(conn, weak, BatchFilter(), None, 10),
            batches.items(conn, weak, batch_id, 0, 10),
        ]  # fmt: skip
    assert [NotPermitted] * 3 == [type(answer) for answer in answers]
    assert "User Level must be 7 or higher" in str(answers[0])


def test_items_are_of_the_outcome_that_is_asked_for(clean, now):
    """Items come behind a position, of some outcomes if wanted."""
    with clean.begin() as conn:
        [result] = copy(conn, [CopyOrder(CALLER, SOURCE, ("5550100", SOURCE, "x", "5550101"))], now)

    with reading(clean) as conn:
        everything = batches.items(conn, CALLER, result.batch_id, 0, 10)
        wrong = batches.items(conn, CALLER, result.batch_id, 2, 10, ("exists", "invalid"))
    assert isinstance(everything, list)
    assert isinstance(wrong, list)
    assert [1, 2, 3, 4] == [placed.position for placed in everything]
    assert [(3, "x")] == [(placed.position, placed.item.target) for placed in wrong]


def test_a_small_batch_is_undone_at_once(clean, now):
    """What it has made is gone with the answer; what was there before stays."""
    batch_id = small(clean, now, "5550100", "5550101", "lobby")
    small(clean, now, "5550102")

    undone = undo(clean, batch_id, now + timedelta(hours=1))

    assert isinstance(undone, Undone)
    assert ("undone", 3, 3, 0, ()) == (
        undone.batch.state, undone.batch.added, undone.batch.removed, undone.batch.kept, undone.kept
    )  # fmt: skip
    assert [SOURCE, "5550102"] == [*table(clean)]
    assert_agree(clean, batch_id)


def test_undo_keeps_and_names_what_was_changed_since(clean, now):
    """Changed and locked DIDs stay; those that are gone are missing; forced, only the locked one stays."""
    batch_id = small(clean, now, "5550100", "5550101", "5550102", "5550103", "5550104")
    there = table(clean)
    with clean.begin() as conn:
        outside.update(conn, there["5550101"]["did_id"], {"did_active": "N"}, now + timedelta(minutes=1))
        outside.delete(conn, there["5550102"]["did_id"])
        edits.lock(conn, [LockOrder(CALLER, "5550103")], now)

    undone = undo(clean, batch_id, now)

    assert ("undone", 2, ("5550101", "5550103")) == (undone.batch.state, undone.batch.removed, undone.kept)
    assert {
        "5550100": "removed",
        "5550101": "kept",
        "5550102": "missing",
        "5550103": "kept",
        "5550104": "removed",
    } == (outcomes(clean, batch_id))
    assert_agree(clean, batch_id)

    again = undo(clean, batch_id, now, force=True)

    assert ("undone", 3, ("5550103",)) == (again.batch.state, again.batch.removed, again.kept)
    assert [SOURCE, "5550103"] == [*table(clean)]
    assert_agree(clean, batch_id)


@pytest.mark.parametrize("force", [False, True])
def test_a_did_with_another_number_is_not_what_was_made(clean, now, force):
    """Numbers that were changed or swapped are kept, also by force: the batch made others."""
    batch_id = small(clean, now, "5550100", "5550101", "5550102")
    change = "UPDATE vicidial_inbound_dids SET did_pattern = ? WHERE did_pattern = ?"
    with clean.begin() as conn:
        for new, old in (("5559999", "5550100"), ("5550100", "5550101")):
            run(conn, change, new, old)

    undone = undo(clean, batch_id, now, force=force)

    assert ("5550100", "5550101") == undone.kept
    assert {SOURCE, "5559999", "5550100"} == table(clean).keys()


@pytest.mark.parametrize("force", [False, True])
def test_a_did_that_the_caller_does_not_see_is_kept(clean, now, force):
    """Who sees some groups takes no DID of another group away by an undo, also not by force."""
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'ADMIN'")
    batch_id = small(clean, now, "5550100", "5550101", who=SALES)
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER' WHERE did_pattern = '5550100'")

    undone = undo(clean, batch_id, now, caller=SALES, force=force)

    assert ("5550100",) == undone.kept
    assert [SOURCE, "5550100"] == [*table(clean)]


def test_a_change_in_the_case_of_a_letter_is_a_change(clean, now):
    """Nobody's work is thrown away for being small."""
    batch_id = small(clean, now, "5550100")
    with clean.begin() as conn:
        outside.update(
            conn, table(clean)["5550100"]["did_id"], {"did_description": "TUTORIAL SALES LINE"}, now
        )

    assert ("5550100",) == undo(clean, batch_id, now).kept


def test_the_source_may_change_before_the_undo(clean, now):
    """What was made is compared with what was copied, not with what the source is now."""
    batch_id = small(clean, now, "5550100", did_active="N")
    with clean.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids WHERE did_pattern = ?", SOURCE)

    assert () == undo(clean, batch_id, now).kept
    assert [] == [*table(clean)]


@pytest.mark.parametrize("state", ["pending", "running", "undone", "failed", "nothing"])
def test_what_cannot_be_undone(clean, now, state):
    """A batch that is not finished, undone already, or has made nothing stays as it is."""
    if state in {"pending", "running"}:
        batch_id = accept(clean, order("5550100"), now)
        with clean.begin() as conn:
            progress.change(conn, batch_id, {"state": state})
    else:
        with clean.begin() as conn:
            targets = (SOURCE,) if state == "nothing" else ("5550100",)
            [result] = copy(conn, [CopyOrder(CALLER, SOURCE, targets)], now)
        batch_id = result.batch_id
    if state == "undone":
        undo(clean, batch_id, now)
    if state == "failed":  # and taken back
        undo(clean, batch_id, now)
        with clean.begin() as conn:
            progress.change(conn, batch_id, {"state": "failed", "undone_by": None})
    before = stored(clean, batch_id)

    assert NotUndoable(batch_id, "done" if state == "nothing" else state) == undo(clean, batch_id, now)
    assert before == stored(clean, batch_id)


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"delete_dids": False}, "Delete DIDs must be 1"),
        ({"modify_dids": False}, "Modify DIDs must be 1"),
        ({"level": 7}, "User Level must be 8 or higher"),
        ({"functions": frozenset({"list_dids"})}, "copy_did"),
        ({"api_access": False}, "API Access must be 1"),
    ],
)
def test_who_may_not_delete_may_not_undo(clean, now, changes, missing):
    """To undo a copy is to delete: the setting that is missing is named, and nothing is removed."""
    batch_id = small(clean, now, "5550100")

    answer = undo(clean, batch_id, now, caller=caller(**changes))

    assert isinstance(answer, NotPermitted)
    assert missing in str(answer)
    assert "5550100" in table(clean)


def test_what_is_not_seen_is_not_undone(clean, now):
    """A batch of another group, or beyond a token's reach, is not found."""
    with clean.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    batch_id = small(clean, now, "5550100")

    for who in (SALES, replace(CALLER, pattern_prefix="555")):
        assert BatchNotFound(batch_id) == undo(clean, batch_id, now, caller=who)
    assert BatchNotFound(batch_id + 1) == undo(clean, batch_id + 1, now)
    assert "5550100" in table(clean)


@pytest.mark.parametrize("who", [CALLER, SALES], ids=["everything", "some"])
def test_a_page_takes_a_fixed_number_of_statements(clean, now, who):
    """For callers without limit two, for others two more, for the groups of copies and of edits."""
    for number in range(6):
        small(clean, now, f"555010{number}", user_group="ADMIN")
        edited(clean, now, UpdateOrder(CALLER, SOURCE, {"did_description": f"Line {number}"}))
    with clean.begin() as conn:
        asked = [sent(conn, lambda size=size: batches.page(conn, who, BatchFilter(), None, size))
                 for size in (2, 12)]  # fmt: skip

    assert [2, 2] == asked if who is CALLER else [4, 4] == asked


def test_a_text_is_read_with_pauses():
    """Whoever shares the processor gets a turn after each slice of a long text."""
    pauses = []
    text = read_text(list(pack([b"5550100\n" * 1_000])), 1_000, pause=lambda: pauses.append(None))
    read = len(pauses)
    rows = list(text.entries(lambda: pauses.append(None)))

    assert (4, 1_000) == (read, len(rows))
    assert 9 == len(pauses)
