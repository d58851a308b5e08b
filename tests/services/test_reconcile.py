"""What is done to DIDs beside Didier: found, recorded, and told from what Didier does itself."""

import os
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from didier.cli.local import CALLER
from didier.errors import NotFound
from didier.services.batches import copies, edits, undo_edits
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edits import AddOrder, DeleteOrder, UpdateOrder
from didier.services.changes import reconcile as services
from didier.services.changes.history import history
from didier.services.dids import lookup
from didier.storage.changes import ranges, reconcile
from didier.storage.changes.change_log import CREATED, DELETED, UPDATED
from didier.storage.database import reading
from didier.storage.dids import dids
from didier.storage.statements import columns_of, run
from didier.storage.tables import DIDS, vicidial_tables
from support import batches, outside
from support.homes import emptied
from support.passes import beside, number_all, reconciled, replayed, table

EXAMPLES = int(os.environ.get("RECONCILE_EXAMPLES", "25"))
"""Sequences of changes, on each database."""

SOURCE = "18001234567"
NUMBER, OTHER = "5550001", "5550002"
SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
SERVICES = {
    AddOrder: edits.add, UpdateOrder: edits.update, DeleteOrder: edits.delete, CopyOrder: copies.copy,
}  # fmt: skip
INSERT = "INSERT INTO {} (did_pattern, did_description, user_group) VALUES (?, 'By SQL', ?)"


@pytest.fixture
def engine(clean):
    """A database that was looked through once."""
    assert [] == reconciled(clean)
    return clean


@pytest.fixture
def sql(engine):
    """Runs SQL as another program would."""
    with beside(engine) as execute:
        yield execute


@pytest.fixture
def order(engine, now):
    """Has an order carried out by Didier."""

    def carry_out(wish):
        with engine.begin() as conn:
            [done] = SERVICES[type(wish)](conn, [wish], now)
        return done

    return carry_out


@pytest.fixture
def did_id(order):
    """The id of a DID that Didier has added."""
    return order(AddOrder(CALLER, NUMBER, {"extension": "8301"})).did_id


def told(changes):
    return [(change.action, change.did_id, change.pattern) for change in changes]


def test_the_first_pass_finds_nothing(clean, now):
    """Whatever there is, it is learned; the second knows it."""
    with beside(clean) as execute:
        execute(INSERT, NUMBER, "---ALL---")
    with clean.begin() as conn:
        outside.update(conn, 1, {"did_description": "Other"}, now)

    assert [] == reconciled(clean)
    assert [] == reconciled(clean)


def test_in_an_empty_database_everything_is_new(clean):
    """Also the first DID, once it was seen that there was none."""
    with beside(clean) as execute:
        execute("DELETE FROM {}")
        assert [] == reconciled(clean)
        execute(INSERT, NUMBER, "SALES")

    assert [(CREATED, NUMBER)] == [(change.action, change.pattern) for change in reconciled(clean)]


def test_an_insert_is_found(engine, sql):
    """With the whole row; nobody is named, and it belongs to no batch."""
    sql(INSERT, NUMBER, "SALES")
    [change] = reconciled(engine)

    assert (CREATED, "outside", NUMBER, 0) == (change.action, change.cause, change.pattern, change.batch_id)
    assert ("", None, "outside") == (change.author.name, change.author.user_id, change.author.origin)
    assert (None, "By SQL") == (change.before, change.after["did_description"])
    assert [] == reconciled(engine)


def test_an_update_is_found(engine, sql, did_id):
    """With the row as Didier left it."""
    sql("UPDATE {} SET extension = '8302' WHERE did_id = ?", did_id)
    [change] = reconciled(engine)

    assert (UPDATED, did_id) == (change.action, change.did_id)
    assert ("8301", "8302") == (change.before["extension"], change.after["extension"])
    assert [] == reconciled(engine)


def test_an_update_of_any_column_is_found(engine, sql, did_id):
    """Of each but the time of the last change, also when that is kept."""
    with engine.connect() as conn:
        names = [name for name in columns_of(conn, DIDS) if name not in dids.IDENTITY]
        [image] = dids.images(conn, [did_id]).values()
    for name in names:
        value = "7" if isinstance(image[name], int) else another(engine, name, image[name])
        change_it = f"UPDATE {{}} SET `{name}` = ?, modify_stamp = ? WHERE did_id = ?"
        sql(change_it, value, image["modify_stamp"], did_id)
        [change] = reconciled(engine)

        assert [name] == [one for one in names if change.before[one] != change.after[one]]


def another(engine, name, value):
    """Return another value of a column, for an enum one that it has."""
    column = vicidial_tables().tables[DIDS].c[name]
    there = getattr(column.type.dialect_impl(engine.dialect), "values", ("new",))
    return next(one for one in there if one != value)


def test_the_time_alone_is_no_change(engine, sql, did_id):
    """It is part of no history either."""
    sql("UPDATE {} SET modify_stamp = '2020-01-01 00:00:00' WHERE did_id = ?", did_id)

    assert [] == reconciled(engine)


def test_nothing_is_something_else_than_null(engine, sql, did_id):
    """An empty text is another value."""
    for value in ("", None, ""):
        sql("UPDATE {} SET did_description = ? WHERE did_id = ?", value, did_id)

        assert [value] == [change.after["did_description"] for change in reconciled(engine)]


def test_a_deletion_is_found(engine, sql, did_id):
    """With the row that there was."""
    sql("DELETE FROM {} WHERE did_id = ?", did_id)
    [change] = reconciled(engine)

    assert (DELETED, did_id, NUMBER, None) == (change.action, change.did_id, change.pattern, change.after)
    assert "8301" == change.before["extension"]
    assert [] == reconciled(engine)


def test_of_what_the_log_never_had_number_and_group_are_known(engine, sql):
    """The rest of the row is gone, and nothing is made up."""
    sql("DELETE FROM {} WHERE did_id = 1")
    [change] = reconciled(engine)

    assert {"did_id": 1, "did_pattern": SOURCE, "user_group": "---ALL---"} == change.before


def test_another_did_with_the_number_is_another(engine, sql, did_id):
    """What was deleted and inserted again is a deletion and a creation."""
    sql("DELETE FROM {} WHERE did_id = ?", did_id)
    sql(INSERT, NUMBER, "SALES")

    assert [(DELETED, did_id, NUMBER), (CREATED, did_id + 1, NUMBER)] == told(reconciled(engine))


def test_another_number_is_a_deletion_and_a_creation(engine, sql, did_id):
    """Each number has its history; letters in another case are the same number."""
    sql("UPDATE {} SET did_pattern = ? WHERE did_id = ?", "sales", did_id)
    assert [(DELETED, did_id, NUMBER), (CREATED, did_id, "sales")] == told(reconciled(engine))

    sql("UPDATE {} SET did_pattern = ? WHERE did_id = ?", "Sales", did_id)
    assert [(UPDATED, did_id, "sales")] == told(reconciled(engine))


def test_with_another_number_it_is_still_a_copy(engine, sql, order):
    """Of what it was copied from."""
    order(CopyOrder(CALLER, SOURCE, (NUMBER,)))
    sql("UPDATE {} SET did_pattern = ? WHERE did_pattern = ?", OTHER, NUMBER)
    reconciled(engine)
    with reading(engine) as conn:
        assert SOURCE == lookup.one(conn, CALLER, OTHER)["copied_from"]


def test_an_update_in_front_of_a_copy_is_not_taken_for_it(engine, sql, order):
    """What was copied and changed before it was looked at is found; so is what was deleted."""
    done = order(CopyOrder(CALLER, SOURCE, (NUMBER, OTHER)))
    first, second = [one.did_id for one in done.copied]
    sql("UPDATE {} SET did_description = 'By SQL' WHERE did_id = ?", first)
    sql("DELETE FROM {} WHERE did_id = ?", second)
    changes = reconciled(engine)

    assert [(DELETED, second, OTHER), (UPDATED, first, NUMBER)] == told(changes)
    assert "By SQL" == changes[1].after["did_description"]
    assert "By SQL" != changes[1].before["did_description"]


def test_what_was_put_back_is_found_all_the_same(engine, sql, order, did_id):
    """Didier's change, and another's back to where it was: the range is as it was, the log says otherwise."""
    assert [] == reconciled(engine)
    number_all(engine)
    order(UpdateOrder(CALLER, NUMBER, {"extension": "8302"}))
    number_all(engine)
    sql("UPDATE {} SET extension = '8301' WHERE did_id = ?", did_id)

    assert ["8301"] == [change.after["extension"] for change in reconciled(engine)]


def test_what_came_and_went_between_two_passes_is_found(engine, sql, order):
    """Also where nothing was before, nor is now."""
    sql("INSERT INTO {} (did_id, did_pattern) SELECT MAX(did_id) + 5000, ? FROM {}", OTHER)
    did_id = order(AddOrder(CALLER, NUMBER, {})).did_id
    sql("DELETE FROM {} WHERE did_pattern IN (?, ?)", NUMBER, OTHER)

    assert [(DELETED, did_id, NUMBER)] == told(reconciled(engine))


def test_own_changes_are_not_found(engine, now, order):
    """Whatever Didier does, and whether it has a number yet or not."""
    order(CopyOrder(CALLER, SOURCE, (NUMBER, OTHER, "5550003"), {"did_description": "Ünïcode \"'\\ line"}))
    assert [] == reconciled(engine)
    added = order(AddOrder(CALLER, "Sales", {"max_queue_ingroup_calls": "007"}))
    order(CopyOrder(CALLER, "Sales", ("5550009",), {"max_queue_ingroup_calls": "008"}))
    updated = order(UpdateOrder(CALLER, OTHER, {"did_active": "N", "did_carrier_description": None}))
    order(DeleteOrder(CALLER, NUMBER))
    number_all(engine)
    assert [] == reconciled(engine)
    for batch_id in (updated.batch_id, added.batch_id):
        with engine.begin() as conn:
            undo_edits.undo_edit(conn, batch_id, CALLER, now)
        assert [] == reconciled(engine)


def test_a_deletion_that_is_undone_is_not_found(engine, now, order, did_id):
    """The DID has its id again."""
    assert [] == reconciled(engine)
    deleted = order(DeleteOrder(CALLER, NUMBER))
    assert [] == reconciled(engine)
    with engine.begin() as conn:
        undo_edits.undo_edit(conn, deleted.batch_id, CALLER, now)

    assert [] == reconciled(engine)


@pytest.mark.parametrize("template", [None, "Line {target}"])
def test_large_batches_are_not_found(engine, now, template):
    """Nor what is taken back of them, between all steps and behind an end without warning."""
    wish = batches.order("6000000-6001499", atomic=False, overrides={"did_active": "N"}, template=template)
    batch_id = batches.accept(engine, wish, now)
    batches.interrupted(engine, now, pace=300, last=3, abruptly=True)
    assert [] == reconciled_or_left(engine)
    batches.finish(engine, now, batch_id)
    number_all(engine)
    assert [] == reconciled(engine)
    batches.undo(engine, batch_id, now)
    batches.finish(engine, now, batch_id)

    assert [] == reconciled(engine)


def reconciled_or_left(engine):
    """Make a pass; ranges in which something was left half done are left for the next."""
    with reading(engine) as conn:
        return reconciled(engine) if reconcile.is_clear(conn) else []


def test_what_is_being_written_without_a_transaction_is_left_alone(engine, sql):
    """While a journal is open nothing is settled: what is in the table may not be in the log yet."""
    sql(INSERT, NUMBER, "SALES")
    with engine.begin() as conn:
        run(conn, "INSERT INTO didier_journal (guard, high_water, content) VALUES ('x', 1, 'x')")
        is_clear = reconcile.is_clear(conn)
    found = reconciled(engine)
    with engine.begin() as conn:
        run(conn, "DELETE FROM didier_journal")

    assert [NUMBER][: len(found)] == [change.pattern for change in found]
    assert is_clear == bool(found)
    assert [NUMBER][len(found) :] == [change.pattern for change in reconciled(engine)]


def test_what_is_gone_when_it_is_to_be_settled_is_left(engine, sql, did_id):
    """Only what two looks have seen counts: behind a write another process may have committed meanwhile."""
    sql("UPDATE {} SET extension = '8302' WHERE did_id = ?", did_id)
    back = lambda: sql("UPDATE {} SET extension = '8301' WHERE did_id = ?", did_id)  # noqa: E731

    assert [] == reconciled(engine, back)
    assert [] == reconciled(engine)


def test_what_didier_does_meanwhile_stands_behind(engine, sql, order, did_id):
    """Between a look and its step Didier deletes the DID: nothing is recorded of it any more."""
    sql("UPDATE {} SET extension = '8302' WHERE did_id = ?", did_id)
    found = reconciled(engine, lambda: order(DeleteOrder(CALLER, NUMBER)))

    assert [] == found
    assert [] == reconciled(engine)
    with reading(engine) as conn:
        assert table(conn) == replayed(conn, {1: (SOURCE, "---ALL---")})


def test_many_at_once_are_recorded_in_steps(engine, sql):
    """All of them, each once."""
    with engine.begin() as conn:
        for number in range(services.MOST + 5):
            run(conn, INSERT.format(DIDS), str(6_000_000 + number), "SALES")

    assert services.MOST + 5 == len({change.did_id for change in reconciled(engine)})
    assert [] == reconciled(engine)


def test_a_column_of_a_later_vicidial_is_no_change(clean, now):
    """Nor is it taken for one of all DIDs; what is done to their numbers is found as ever."""
    before = ranges.signature_of(("did_id", "did_pattern", "user_group"))
    with clean.begin() as conn:
        known = ranges.rows(conn, 0)
        rows = {1: replace(known[1], digest=5), 2: replace(known[1], digest=6, pattern=NUMBER)}
        ranges.keep(conn, ranges.RangeRows(0, 0, before, rows))
        reconcile.end_pass(conn, reconcile.Pass(0, 0.0))

    assert [(DELETED, 2, NUMBER)] == told(reconciled(clean))
    assert [] == reconciled(clean)
    with reading(clean) as conn:
        assert known == ranges.read(conn, 0).rows


def test_behind_a_backup_that_was_put_back_it_is_learned_anew(engine, sql, order):
    """What is remembered of changes that the log does not have says nothing of this database."""
    order(CopyOrder(CALLER, SOURCE, (NUMBER,)))
    number_all(engine)
    reconciled(engine)
    with engine.begin() as conn:
        assert not reconcile.is_foreign(conn)
        run(conn, "DELETE FROM didier_changes")
        assert reconcile.is_foreign(conn)
        reconcile.begin_anew(conn)
        assert not reconcile.is_foreign(conn)

    assert [] == reconciled(engine)


def test_the_history_tells(engine, sql, did_id):
    """By nobody, in no batch."""
    sql("UPDATE {} SET extension = '8302' WHERE did_id = ?", did_id)
    reconciled(engine)
    with reading(engine) as conn:
        changes = history(conn, CALLER, NUMBER)

    assert [("updated", "", None), ("added", "admin", changes[1].batch_id)] == [
        (change.action, change.user and "admin", change.batch_id) for change in changes
    ]
    assert {"extension": ("8301", "8302")} == changes[0].changed


def test_the_history_shows_of_a_remembered_row_what_is_known(engine, sql):
    """Columns that nobody knows any more do not count as changed."""
    sql("UPDATE {} SET extension = '8302', user_group = 'SALES' WHERE did_id = 1")
    reconciled(engine)
    with reading(engine) as conn:
        [change] = history(conn, CALLER, SOURCE)

    assert {"user_group": ("---ALL---", "SALES")} == change.changed


def test_a_change_of_a_group_that_is_not_seen_stays_hidden(engine, sql):
    """A DID that enters what is seen is a creation, one that leaves it a deletion."""
    sql(INSERT, NUMBER, "OTHER")
    reconciled(engine)
    sql("UPDATE {} SET did_description = 'secret' WHERE did_pattern = ?", NUMBER)
    reconciled(engine)
    with reading(engine) as conn:
        assert isinstance(history(conn, SALES, NUMBER), NotFound)
    for group in ("SALES", "OTHER"):
        sql("UPDATE {} SET user_group = ? WHERE did_pattern = ?", group, NUMBER)
        reconciled(engine)
    with reading(engine) as conn:
        seen = history(conn, SALES, NUMBER)

    assert [("deleted", None), ("added", "SALES")] == [
        (change.action, change.after and change.after["user_group"]) for change in seen
    ]


NUMBERS = [NUMBER, OTHER, "5550003", "sales", "SALES", "5550100"]
GROUPS = ["---ALL---", "SALES", "OTHER"]
OUTSIDE = ("insert", "change", "rename", "remove")
OPERATIONS = st.tuples(
    st.sampled_from(["add", "copy", "update", "delete", "undo", "pass", "number", *OUTSIDE]),
    st.sampled_from(NUMBERS),
    st.sampled_from(GROUPS),
)  # fmt: skip


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(OPERATIONS, max_size=25))
def test_the_log_replayed_is_the_table(kept_home, now, operations):
    """Whatever Didier and others do, in any order, with passes and numbering in between."""
    emptied(*kept_home)
    engine = kept_home[0]
    reconciled(engine)
    own, undone = [], count()
    with reading(engine) as conn:
        before = table(conn)
        [(last,)] = run(conn, "SELECT COALESCE(MAX(change_id), 0) FROM didier_changes")
    for what, number, group in operations:
        _carry_out(engine, now, what, number, group, own, undone)
    found = reconciled(engine)
    beside_it = {*OUTSIDE} & {what for what, _, _ in operations}

    assert beside_it or not found
    assert [] == reconciled(engine)
    with reading(engine) as conn:
        assert table(conn) == replayed(conn, before, last)


def _carry_out(engine, now, what, number, group, own, undone):
    values = {"did_description": f"Line {group}"}
    orders = {
        "add": lambda: AddOrder(CALLER, number, values),
        "copy": lambda: CopyOrder(CALLER, SOURCE, (number, f"{number}1"), values),
        "update": lambda: UpdateOrder(CALLER, number, values),
        "delete": lambda: DeleteOrder(CALLER, number),
    }
    sql = {
        "insert": ("INSERT INTO {} (did_pattern, user_group) SELECT * FROM (SELECT ? AS p, ? AS g) AS r"
                   " WHERE NOT EXISTS (SELECT 1 FROM {} AS t WHERE t.did_pattern = r.p)", number, group),
        "change": ("UPDATE {} SET user_group = ? WHERE did_pattern = ?", group, number),
        "rename": ("UPDATE {} SET did_pattern = CONCAT(did_pattern, '7') WHERE did_pattern = ?", number),
        "remove": ("DELETE FROM {} WHERE did_pattern = ?", number),
    }  # fmt: skip
    if what == "pass":
        reconciled(engine)
    elif what == "number":
        number_all(engine)
    elif what in sql:
        text, *given_values = sql[what]
        with engine.begin() as conn:
            if engine.dialect.name == "sqlite":
                text = text.replace("CONCAT(did_pattern, '7')", "did_pattern || '7'")
            taken = dids.find(conn, [f"{number}7"]).get(f"{number}7")
            if what != "rename" or not taken:
                run(conn, text.format(DIDS, DIDS), *given_values)
    elif what == "undo":
        if own:
            with engine.begin() as conn:
                undo_edits.undo_edit(conn, own[next(undone) % len(own)], CALLER, now, force=True)
    else:
        with engine.begin() as conn:
            wish = orders[what]()
            [done] = SERVICES[type(wish)](conn, [wish], now)
        if batch_id := getattr(done, "batch_id", None):
            own.append(batch_id)
