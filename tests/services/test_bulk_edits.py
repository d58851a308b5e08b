"""Adding, updating, deleting and importing many DIDs by one order, at once and in steps."""

import json
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.errors import (
    BatchNotFound,
    DeletionLocked,
    InvalidField,
    NotAllPossible,
    NotCancellable,
    NotPermitted,
)
from didier.services.batches import batches, bulk_edits, edits, rollback
from didier.services.batches.batches import CancelOrder, Undone
from didier.services.batches.bulk_edits import Edited, EditOrder, LargeEditOrder
from didier.services.batches.edit_orders import LockOrder, UpdateOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Text
from didier.services.changes import history
from didier.services.users.authentication import Caller
from didier.storage.batches import progress
from didier.storage.batches.input_text import pack
from didier.storage.changes import change_log
from didier.storage.statements import run
from didier.storage.users import users
from support import outside
from support.batches import SOURCE, each, finish, interrupted, stored, table, text, undo
from support.passes import reconciled

BLOCK = "5550100-5550399"
NAMES = [str(number) for number in range(5_550_100, 5_550_400)]

ADD = EditSpec("add", {"did_description": "New line", "did_route": "EXTEN", "extension": "8301"})
UPDATE = EditSpec("update", {"did_active": "N", "did_carrier_description": "Carrier 2"})
DELETE = EditSpec("delete")
OUTCOMES = {"add": "added", "update": "updated", "delete": "deleted", "import": "added"}
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
    return {
        name: {**row, "modify_stamp": "", "version": 0}
        for name, row in table(engine).items()
        if name in NAMES
    }


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


@pytest.mark.parametrize("spec", [ADD, UPDATE, DELETE, IMPORT], ids=lambda spec: spec.verb)
@pytest.mark.parametrize("atomic", [True, False])
def test_an_order_in_steps_does_what_one_at_once_does(clean, now, spec, atomic):
    """The same rows come of both, and the same totals; an undo of either brings the rows back."""
    if spec in (UPDATE, DELETE):
        at_once(clean, ADD, BLOCK, now)
    before = images(clean)
    done = []
    for carry in (carry_out, lambda *order, **more: stored(clean, at_once(*order, **more).batch_id)):
        batch = carry(clean, spec, BLOCK, now, atomic=atomic)
        done.append([{**row, "did_id": 0} for row in images(clean).values()])

        assert ("done", 300, 300) == (batch.state, batch.edited, batch.requested)
        assert {OUTCOMES[spec.verb]: 300} == words(clean, batch.batch_id)

        taken_back(clean, batch, now)

        assert before == images(clean)
    assert done[0] == done[1]


def taken_back(engine, batch, now):
    """Undo a batch to its end."""
    assert isinstance(undo(engine, batch.batch_id, now), Undone)
    [undone] = finish(engine, now, batch.batch_id, pace=70)
    assert ("undone", 300, 0) == (undone.state, undone.removed + undone.restored, undone.kept)


def test_an_undo_in_steps_brings_everything_back(block, now):
    """Whatever the batch did, in as many steps as it takes."""
    before = images(block)
    for spec in (UPDATE, DELETE):
        batch = carry_out(block, spec, BLOCK, now)
        with block.begin() as conn:
            rollback.begin(conn, batch, CALLER, now, force=False)
        [undone] = finish(block, now, batch.batch_id, pace=40)

        assert ("undone", 300) == (undone.state, undone.restored)
        assert {"restored": 300} == Counter(one.outcome for one in each(block, batch.batch_id))
        assert before == images(block)


def test_each_target_has_its_outcome(block, now):
    """With best effort what is possible is done; each of the others says why not."""
    with block.begin() as conn:
        edits.lock(conn, [LockOrder(CALLER, "5550101")], now)
        outside.add(conn, {"did_pattern": "default"}, now)
    targets = "5550100,5550101,default,5559999,5550100,5550102-5550399"

    batch = carry_out(block, DELETE, targets, now, atomic=False)

    found = {one.position: (one.outcome, one.reason) for one in each(block, batch.batch_id)}
    assert {"deleted": 299, "refused": 2, "missing": 1, "duplicate": 1} == words(block, batch.batch_id)
    assert ("refused", str(DeletionLocked("5550101"))) == found[2]
    assert ("missing", "duplicate") == (found[4][0], found[5][0])
    assert "5550101" in table(block)


def test_a_value_of_its_own_may_be_wrong(block, now):
    """A row whose value is wrong is invalid, and says why; the others are updated."""
    csv = "did_pattern,did_active\n" + "".join(f"{name},N\n" for name in NAMES[:200]) + f"{NAMES[200]},Q\n"
    spec = replace(UPDATE, values={}, columns=("did_active",))

    batch = carry_out(block, spec, csv, now, atomic=False)

    assert {"updated": 200, "invalid": 1} == words(block, batch.batch_id)
    assert "one of Y, N" in (each(block, batch.batch_id)[-1].reason or "")


@pytest.mark.parametrize("atomic", [True, False])
def test_what_is_not_possible_costs_an_atomic_order_everything(block, now, atomic):
    """It fails with the reason and nothing is done; with best effort the others are done."""
    before = images(block)

    batch = carry_out(block, UPDATE, f"{BLOCK},5559999", now, atomic=atomic)

    if atomic:
        assert ("failed", 0, 1) == (batch.state, batch.edited, batch.missing)
        assert "there is no DID 5559999" in (batch.failure or "")
        assert before == images(block)
    else:
        assert ("done", 300, 1) == (batch.state, batch.edited, batch.missing)


def test_who_is_faster_costs_an_atomic_order_everything(clean, now):
    """A number that another program takes while the order is carried out: what was done is taken back."""
    batch = accept(clean, ADD, BLOCK, now)
    interrupted(clean, now, pace=100, last=4)
    with clean.begin() as conn:
        outside.add(conn, {"did_pattern": NAMES[-1]}, now)

    [failed] = finish(clean, now, batch.batch_id, pace=100)

    assert "5550399" in (failed.failure or "")
    assert ("failed", failed.added) == (failed.state, failed.removed)
    assert [NAMES[-1]] == list(images(clean))


@pytest.mark.parametrize("spec", [ADD, UPDATE, DELETE, IMPORT], ids=lambda spec: spec.verb)
@pytest.mark.parametrize("abruptly", [True, False])
def test_it_goes_on_after_a_restart(clean, now, spec, abruptly):
    """Stopped, or killed, behind any step it goes on from there: nothing twice, nothing left out."""
    if spec in (UPDATE, DELETE):
        at_once(clean, ADD, BLOCK, now)
    batch = accept(clean, spec, f"{BLOCK},5550100", now, atomic=False)
    step = 0
    while stored(clean, batch.batch_id).state != "done":
        step += 1
        interrupted(clean, now, pace=90, last=3, abruptly=abruptly)

    assert {OUTCOMES[spec.verb]: 300, "duplicate": 1} == words(clean, batch.batch_id)
    assert step > 2
    with clean.begin() as conn:
        changes = [one.change for one in change_log.of_batch_before(conn, batch.batch_id, None, 1_000)]
    assert list(range(1, 301)) == sorted(
        position for change in changes for position in range(change.position, change.position + change.size)
    )


@pytest.mark.parametrize("abruptly", [True, False])
def test_an_undo_goes_on_after_a_restart(block, now, abruptly):
    """Stopped, or killed, behind any step it goes on from there."""
    before = images(block)
    batch = carry_out(block, DELETE, BLOCK, now)
    with block.begin() as conn:
        rollback.begin(conn, batch, CALLER, now, force=False)
    while stored(block, batch.batch_id).state != "undone":
        interrupted(block, now, pace=60, last=3, abruptly=abruptly)

    assert before == images(block)
    assert 300 == stored(block, batch.batch_id).restored


def test_what_was_changed_since_is_kept(block, now):
    """An undo keeps DIDs that were changed in what the batch had changed, and names them."""
    batch = carry_out(block, UPDATE, BLOCK, now)
    with block.begin() as conn:
        edits.update(conn, [UpdateOrder(CALLER, NAMES[7], {"did_active": "Y"})], now)
        edits.update(conn, [UpdateOrder(CALLER, NAMES[8], {"extension": "8302"})], now)
        rollback.begin(conn, batch, CALLER, now, force=False)

    [undone] = finish(block, now, batch.batch_id, pace=60)

    assert ("undone", 299, 1) == (undone.state, undone.restored, undone.kept)
    assert [NAMES[7]] == [one.target for one in each(block, batch.batch_id) if one.outcome == "kept"]
    assert "8302" == table(block)[NAMES[8]]["extension"]


def test_a_batch_of_which_all_is_kept_can_be_undone_by_force(block, now):
    """It is done as before, says how many were kept, and force takes them back."""
    batch = carry_out(block, UPDATE, BLOCK, now)
    carry_out(block, replace(UPDATE, values={"did_active": "Y", "did_carrier_description": "3"}), BLOCK, now)
    for force, state, kept in ((False, "done", 300), (True, "undone", 0)):
        with block.begin() as conn:
            rollback.begin(conn, stored(block, batch.batch_id), CALLER, now, force=force)
        [undone] = finish(block, now, batch.batch_id, pace=60)

        assert (state, kept) == (undone.state, undone.kept)
    assert {"Y"} == {row["did_active"] for row in images(block).values()}


@pytest.mark.parametrize("atomic", [True, False])
def test_a_cancelled_batch(clean, now, atomic):
    """What an atomic one has done is taken back; what another has done stays, and can be undone."""
    batch = accept(clean, ADD, BLOCK, now, atomic=atomic)
    interrupted(clean, now, pace=100, last=4)
    with clean.begin() as conn:
        [cancelled] = batches.cancel(conn, [CancelOrder(CALLER, batch.batch_id)], now)
    if atomic:
        finish(clean, now, batch.batch_id, pace=100)

    ended = stored(clean, batch.batch_id)
    assert ("failed", f"cancelled by {CALLER.name}") == (ended.state, ended.failure)
    assert cancelled.added > 0
    assert len(images(clean)) == (0 if atomic else ended.added)

    if not atomic:
        undo(clean, batch.batch_id, now)

        assert {} == images(clean)


def test_a_batch_that_fails_in_the_moment_of_its_cancellation(clean, now):
    """It was cancelled, whatever else went wrong with it just then."""
    batch = accept(clean, ADD, BLOCK, now)

    def told(step):
        with clean.begin() as conn:
            if step == 4:  # it is checked: another program takes a number
                outside.add(conn, {"did_pattern": NAMES[150]}, now)
            elif step == 6:  # the second chunk has failed, which is about to be stored
                batches.cancel(conn, [CancelOrder(CALLER, batch.batch_id)], now)

    [failed] = finish(clean, now, batch.batch_id, pace=100, told=told)

    assert ("failed", f"cancelled by {CALLER.name}") == (failed.state, failed.failure)
    assert [NAMES[150]] == list(images(clean))


def test_only_what_is_under_way_can_be_cancelled(block, now):
    """A batch that is done is refused."""
    done = at_once(block, UPDATE, BLOCK, now)
    with block.begin() as conn:
        [refused] = batches.cancel(conn, [CancelOrder(CALLER, done.batch_id)], now)

    assert NotCancellable(done.batch_id, "done") == refused


@contextmanager
def weaker(engine, column, value, usual):
    """Take something from the administrator for a while."""
    change = f"UPDATE vicidial_users SET {column} = ? WHERE user = 'admin'"
    with engine.begin() as conn:
        run(conn, change, value)
    yield
    with engine.begin() as conn:
        run(conn, change, usual)


def test_rights_that_are_lost_end_a_batch(clean, now):
    """Whoever ordered it needs them to its end; what was done stays."""
    with clean.begin() as conn:
        account = users.accounts(conn, ["admin"])["admin"]
    caller = Caller(account.user, "admin", "192.0.2.1")
    batch = accept(clean, ADD, BLOCK, now, caller=caller, atomic=False)
    interrupted(clean, now, pace=100, last=3)
    with weaker(clean, "modify_inbound_dids", "0", "1"):
        [failed] = finish(clean, now, batch.batch_id, pace=100)

    assert "Modify DIDs must be 1" in (failed.failure or "")
    assert ("failed", len(images(clean))) == (failed.state, failed.added)
    assert 0 < failed.added < 300


def test_rights_that_are_lost_end_an_undo(block, now):
    """Whoever undoes a batch needs them to its end too."""
    batch = carry_out(block, UPDATE, BLOCK, now)
    with block.begin() as conn:
        caller = Caller(users.accounts(conn, ["admin"])["admin"].user, "admin", "192.0.2.1")
        rollback.begin(conn, batch, caller, now, force=False)
    interrupted(block, now, pace=100, last=3)
    with weaker(block, "active", "N", "Y"):
        [failed] = finish(block, now, batch.batch_id, pace=100)

    assert "failed" == failed.state
    assert "no longer exists or is inactive" in (failed.failure or "")
    assert 0 < failed.restored < 300


SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))


def test_who_sees_some_groups_sees_whole_batches_alone(clean, now):
    """One that is under way, or has refused something, may be about DIDs of other groups."""
    mine = replace(ADD, values={**ADD.values, "user_group": "SALES"})
    with clean.begin() as conn:
        run(conn, "INSERT INTO vicidial_user_groups (user_group, group_name) VALUES ('SALES', 'Sales')")
    batch = accept(clean, mine, BLOCK, now, atomic=False)
    interrupted(clean, now, pace=100, last=3)
    seen = [_is_seen(clean, batch)]
    finish(clean, now, batch.batch_id)
    seen.append(_is_seen(clean, batch))
    refusing = carry_out(clean, UPDATE, f"{BLOCK},{SOURCE}x", now, atomic=False)

    assert [False, True, False] == [*seen, _is_seen(clean, refusing)]


def _is_seen(engine, batch):
    with engine.begin() as conn:
        return not isinstance(batches.get(conn, SALES, batch.batch_id), BatchNotFound)


def test_a_text_that_is_gone_is_no_success(clean, now):
    """A batch whose targets cannot be read any more fails."""
    batch = accept(clean, ADD, BLOCK, now, atomic=False)
    interrupted(clean, now, pace=100, last=3)
    with clean.begin() as conn:
        progress.forget_pieces(conn, batch.batch_id)

    [failed] = finish(clean, now, batch.batch_id, pace=100)

    assert ("failed", "its list of targets is missing from the database") == (failed.state, failed.failure)


@pytest.mark.parametrize("spec", [ADD, UPDATE], ids=lambda spec: spec.verb)
def test_a_target_may_be_a_long_line(block, now, spec):
    """What fits into no column is refused like any other, and told as far as there is room."""
    batch = carry_out(block, spec, f"{'x' * 100_000},5559998", now)

    assert ("failed", 1_000) == (batch.state, len(batch.failure or ""))


def test_an_import_adds_and_updates(clean, now):
    """Rows that are there are updated, or left, as the order says; the others are added."""
    at_once(clean, ADD, "5550100-5550149", now)
    csv = "did_pattern,did_description\n" + "".join(f"{name},Import {name}\n" for name in NAMES)

    updated = carry_out(clean, IMPORT, csv, now)

    assert {"updated": 50, "added": 250} == words(clean, updated.batch_id)
    assert {f"Import {name}" for name in NAMES} == {row["did_description"] for row in images(clean).values()}

    left = carry_out(clean, replace(IMPORT, existing="skip"), csv, now)

    assert {"exists": 300} == words(clean, left.batch_id)


def test_targets_that_were_found_are_taken_as_they_are(block, now):
    """Patterns that stand for nothing else: no list, no range, no decoration is looked for in them."""
    odd = ["5550100-5550399", "a,b", "x y"]
    with block.begin() as conn:
        for pattern in odd:
            outside.add(conn, {"did_pattern": pattern}, now)
    lines = "".join(json.dumps(pattern) + "\n" for pattern in odd)
    found = Text(tuple(pack([lines.encode()])), len(odd), None, is_exact=True)
    with block.begin() as conn:
        [batch] = bulk_edits.accept(
            conn, [LargeEditOrder(CALLER, DELETE, found, where={"search": "odd"})], now
        )

    [done] = finish(block, now, batch.batch_id)

    assert ("done", 3) == (done.state, done.deleted)
    assert 300 == len(images(block))


def test_consecutive_numbers_are_few_rows_of_the_log(block, now):
    """Each chunk of DIDs that are alike is one change; the history of each DID has its own rows."""
    batch = carry_out(block, UPDATE, BLOCK, now, pace=100)
    with block.begin() as conn:
        changes = change_log.of_batch_before(conn, batch.batch_id, None, 1_000)
        [entry, *_] = history.history(conn, CALLER, NAMES[150])

    assert [100, 100, 100] == [one.change.size for one in changes]
    assert ("updated", batch.batch_id) == (entry.action, entry.batch_id)
    assert {"did_active": ("Y", "N"), "did_carrier_description": ("", "Carrier 2")} == entry.changed
    assert table(block)[NAMES[150]] == entry.after


def test_an_edit_in_runs_is_none_from_outside(clean, now):
    """Who compares the rows with the change log finds them as they are told, and what is not."""
    assert [] == reconciled(clean)
    for spec in (ADD, UPDATE):
        carry_out(clean, spec, BLOCK, now, pace=100)

        assert [] == reconciled(clean)
    with clean.begin() as conn:
        outside.update(conn, table(clean)[NAMES[150]]["did_id"], {"did_description": "Other"}, now)

    [change] = reconciled(clean)
    assert (NAMES[150], "New line") == (change.pattern, (change.before or {})["did_description"])

    carry_out(clean, DELETE, BLOCK, now, pace=100)

    assert [] == reconciled(clean)


@pytest.mark.parametrize(
    ("spec", "refusal"),
    [
        (EditSpec("update"), InvalidField("values", "", "at least one column")),
        (replace(UPDATE, values={"did_active": "Q"}), InvalidField("did_active", "Q", "one of Y, N")),
    ],
    ids=["no value", "a wrong value"],
)
def test_an_order_may_be_wrong_as_a_whole(block, now, spec, refusal):
    """It is refused before any of its DIDs is looked at."""
    assert refusal == at_once(block, spec, BLOCK, now)
    assert refusal == accept(block, spec, BLOCK, now)


def test_rights_are_asked_of_the_caller(block, now):
    """For a deletion both settings, for an import that updates both functions."""
    weak = replace(CALLER, user=replace(CALLER.user, delete_dids=False))
    some = replace(CALLER, user=replace(CALLER.user, functions=frozenset({"add_did"})))

    assert isinstance(accept(block, DELETE, BLOCK, now, caller=weak), NotPermitted)
    assert isinstance(accept(block, IMPORT, BLOCK, now, caller=some), NotPermitted)


def test_all_problems_of_a_small_order_are_told(block, now):
    """With their places."""
    refused = at_once(block, UPDATE, "5550100,5559998,5550100,5559999", now)

    assert isinstance(refused, NotAllPossible)
    assert [(2, "missing"), (3, "duplicate"), (4, "missing")] == [
        (one.position, one.outcome) for one in refused.problems
    ]


@pytest.mark.parametrize("large", [False, True])
def test_locks_in_bulk_are_undone(clean, now, large):
    """Locked DIDs are not deleted, by force neither; what locked them is taken back like any update."""
    lock, force = EditSpec("update", {"locked": "Y"}), replace(DELETE, force=True)
    at_once(clean, ADD, BLOCK, now)
    done = carry_out(clean, lock, BLOCK, now) if large else at_once(clean, lock, BLOCK, now)
    kept = at_once(clean, force, BLOCK, now, atomic=False)
    assert isinstance(undo(clean, done.batch_id, now), Undone)
    if large:
        finish(clean, now, done.batch_id, pace=70)
    gone = at_once(clean, force, BLOCK, now, atomic=False)

    assert {"refused"} == {item.outcome for item in kept.items}
    assert {"deleted"} == {item.outcome for item in gone.items}
