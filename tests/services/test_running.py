"""Large batches from the order to the last row, through a real runner and committer."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.errors import Unavailable
from didier.services.batches import edits, journal
from didier.services.batches.batches import Undone
from didier.services.batches.edit_orders import LockOrder
from didier.storage.changes.change_log import Change
from didier.storage.dids import dids
from didier.storage.statements import is_transactional, run
from didier.storage.tables import DIDS
from support import outside
from support.batches import (
    SOURCE,
    accept,
    assert_agree,
    each,
    finish,
    interrupted,
    order,
    outcomes,
    running,
    stored,
    table,
    undo,
    wait_until,
)
from support.homes import ready

BLOCK = "5550100-5550399"
"""Three hundred numbers."""

NOT_COPIED = ("did_id", "did_pattern", "modify_stamp")


def names(first: int = 5_550_100, count: int = 300) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def alike(row: dict[str, object], but: tuple[str, ...] = ()) -> dict[str, object]:
    return {name: value for name, value in row.items() if name not in (*NOT_COPIED, *but)}


def add(engine: Engine, now, *patterns: str, **values: str) -> None:
    with engine.begin() as conn:
        for pattern in patterns:
            outside.add(conn, {"did_pattern": pattern, "did_description": "Not ours", **values}, now)


def trigger(engine: Engine, moment: str, pattern: str, embedded: str, server: str) -> None:
    """Let the database do something by itself when the DID *pattern* is made."""
    begin = f"CREATE TRIGGER trouble {moment} INSERT ON vicidial_inbound_dids"
    condition = f"NEW.did_pattern = '{pattern}'"
    with engine.begin() as conn:
        assert dids.count(conn)  # SQLite sees only now that an older trigger is gone
        if engine.dialect.name == "sqlite":
            conn.exec_driver_sql(f"{begin} WHEN {condition} BEGIN {embedded}; END")
        else:
            conn.exec_driver_sql(f"{begin} FOR EACH ROW IF {condition} THEN {server}; END IF")


def tamper(engine: Engine, pattern: str) -> None:
    """Let the DID *pattern* be stored otherwise than it is ordered."""
    if engine.dialect.name == "sqlite":
        change = (
            "UPDATE vicidial_inbound_dids SET did_carrier_description = 'other' WHERE did_id = NEW.did_id"
        )
        trigger(engine, "AFTER", pattern, change, "")
    else:
        trigger(engine, "BEFORE", pattern, "", "SET NEW.did_carrier_description = 'other'")


@pytest.mark.parametrize("atomic", [True, False])
def test_a_batch_is_made(clean, now, atomic):
    """Every target is there, as its source but for the overrides; the totals and the items say so."""
    batch_id = accept(
        clean, order(f"{BLOCK},lobby,+445550100", atomic=atomic, overrides={"did_active": "N"}), now
    )

    [batch] = finish(clean, now + timedelta(minutes=1), batch_id, pace=70)

    made = table(clean)
    assert [SOURCE, *names(), "lobby", "+445550100"] == [*made]
    for name in names():
        assert {**alike(made[SOURCE]), "did_active": "N"} == alike(made[name])
        assert str(now) == made[name]["modify_stamp"]
    assert ("done", None, 302, 302, 302) == (
        batch.state,
        batch.phase,
        batch.requested,
        batch.added,
        batch.position,
    )
    assert (now, now + timedelta(minutes=1)) == (batch.created_at, batch.finished_at)
    assert_agree(clean, batch_id)


def test_the_admin_log_tells_of_a_batch(clean, now):
    """One row says what was copied, how often, and how often not."""
    add(clean, now, "5550100")
    finish(clean, now, accept(clean, order(BLOCK, atomic=False), now))

    with clean.begin() as conn:
        found = run(conn, "SELECT user, event_type, record_id, event_notes FROM vicidial_admin_log")
    assert [("didier-cli", "COPY", "1", f"DID Source: {SOURCE} Inserts: 299 Insert Errors: 1")] == found


def test_the_text_of_a_finished_batch_is_forgotten(clean, now):
    """What was ordered is kept no longer than it is needed, whether it was made or not."""
    add(clean, now, "5550100")
    finish(clean, now, accept(clean, order(BLOCK), now), accept(clean, order(BLOCK, atomic=False), now))

    with clean.begin() as conn:
        assert [] == run(conn, "SELECT batch_id FROM didier_batch_input")


def test_targets_may_have_values_of_their_own(clean, now):
    """Rows of a CSV text have theirs, and a template makes descriptions of what stands there."""
    rows = "target,city,list_id\n5550100,Bonn,007\n5550101-5550103,Köln,\n5550104-5550200,,\n"
    batch_id = accept(clean, order(rows, template="{city} {target} {did_route}"), now)

    [batch] = finish(clean, now, batch_id, pace=30)

    made = table(clean)
    assert ("done", 101) == (batch.state, batch.added)
    assert [("Bonn 5550100 EXTEN", 7), ("Köln 5550101 EXTEN", 999), ("5550200 EXTEN", 999)] == [
        (made[name]["did_description"], made[name]["list_id"]) for name in ("5550100", "5550101", "5550200")
    ]
    assert alike(made[SOURCE], ("did_description", "list_id")) == alike(
        made["5550100"], ("did_description", "list_id")
    )


def test_an_atomic_batch_is_refused_as_a_whole(clean, now):
    """If one target cannot be made none is, and the items say why, with the reasons."""
    add(clean, now, "5550250")
    before = table(clean)
    batch_id = accept(clean, order(f"{BLOCK},5550300,x,5550100"), now)

    [batch] = finish(clean, now, batch_id)

    assert before == table(clean)
    assert ("failed", None, 0, 1, 1, 2) == (
        batch.state, batch.phase, batch.added, batch.existing, batch.invalid, batch.duplicates
    )  # fmt: skip
    assert [
        (151, "5550250", "exists", "already exists"),
        (301, "5550300", "duplicate", "appears earlier in this order"),
        (302, "x", "invalid", "it must have 2 to 50 characters"),
        (303, "5550100", "duplicate", "appears earlier in this order"),
    ] == [(one.position, one.target, one.outcome, one.reason) for one in each(clean, batch_id)]
    assert "5550250" in batch.failure
    assert batch.failure.endswith("and 3 more")
    assert_agree(clean, batch_id)


def test_what_can_be_made_is_made(clean, now):
    """With best effort each target that can be made is; the others keep their places and reasons."""
    add(clean, now, "5550100", "5550250", "LOBBY")
    batch_id = accept(clean, order(f"{BLOCK},lobby,x,5550100,reception,Reception,5550400", atomic=False), now)

    [batch] = finish(clean, now, batch_id, pace=40)

    assert ("done", 306, 300, 3, 1, 2) == (
        batch.state, batch.position, batch.added, batch.existing, batch.invalid, batch.duplicates
    )  # fmt: skip
    assert ["exists", "exists", "exists", "invalid", "duplicate", "added", "duplicate", "added"] == [
        one.outcome for one in each(clean, batch_id) if one.outcome != "added" or one.position > 301
    ]
    assert "Not ours" == table(clean)["5550250"]["did_description"]
    assert_agree(clean, batch_id)


@pytest.mark.parametrize("at", [3, 5])
def test_a_target_that_appears_meanwhile_fails_an_atomic_batch(clean, now, at):
    """Whatever step it is at, all that was made is taken back; what others made stays."""
    add(clean, now, "5550099", "5550400")
    batch_id = accept(clean, order(BLOCK), now)
    interrupted(clean, now, pace=70, last=at)
    add(clean, now, "5550399")
    before = {name: row for name, row in table(clean).items() if name not in names()[:-1]}

    [batch] = finish(clean, now, batch_id, pace=70)

    assert before == table(clean)
    assert ("failed", "a target that was free when the batch was checked has been created since") == (
        batch.state, batch.failure
    )  # fmt: skip
    assert batch.added == batch.removed > 0
    assert_agree(clean, batch_id)


def test_a_target_that_appears_meanwhile_exists(clean, now):
    """A batch of best effort goes on without it, also when it was decided on before."""
    batch_id = accept(clean, order(BLOCK, atomic=False), now)

    def meanwhile(step: int) -> None:
        if step == 4:  # its chunk was decided on a moment ago
            add(clean, now, "5550200")

    [batch] = finish(clean, now, batch_id, pace=70, told=meanwhile)

    assert ("done", 299, 1) == (batch.state, batch.added, batch.existing)
    assert "exists" == outcomes(clean, batch_id)["5550200"]
    assert "Not ours" == table(clean)["5550200"]["did_description"]
    assert_agree(clean, batch_id)


@pytest.mark.parametrize(
    "what", ["UPDATE {} SET did_description = 'Changed' WHERE did_id = 1", "DELETE FROM {}"]
)
def test_the_source_may_change_meanwhile(clean, now, what):
    """What a batch copies is the source as it was when it was ordered, even if it is gone."""
    description = table(clean)[SOURCE]["did_description"]
    batch_id = accept(clean, order(BLOCK), now)
    with clean.begin() as conn:
        run(conn, what.format("vicidial_inbound_dids"))

    [batch] = finish(clean, now, batch_id)

    assert ("done", 300) == (batch.state, batch.added)
    made = table(clean)
    assert {description} == {made[name]["did_description"] for name in names()}


def test_of_two_batches_for_one_target_the_second_is_told(clean, now):
    """The first makes them; of the second what is left is made, or nothing where it was all or nothing."""
    first = accept(clean, order(BLOCK), now)
    second = accept(clean, order("5550300-5550500", atomic=False), now)
    third = accept(clean, order("5550450-5550600"), now)

    found = finish(clean, now, first, second, third, pace=70)

    assert [("done", 300), ("done", 101), ("failed", 0)] == [(batch.state, batch.added) for batch in found]
    assert [(100, 0), (51, 0)] == [(batch.existing, batch.removed) for batch in found[1:]]
    assert [SOURCE, *names(count=401)] == [*table(clean)]
    for batch_id in (first, second, third):
        assert_agree(clean, batch_id)


def test_small_copies_go_on_while_a_batch_is_made(clean, now):
    """What others make between the steps has ids of its own, and the batch's items have theirs."""
    batch_id = accept(clean, order(BLOCK), now)

    finish(clean, now, batch_id, pace=30, told=lambda step: add(clean, now, f"777{step:04}"))

    assert 300 == stored(clean, batch_id).added
    assert {"Not ours"} == {
        row["did_description"] for name, row in table(clean).items() if name.startswith("777")
    }
    assert_agree(clean, batch_id)


def test_what_is_stored_otherwise_fails_an_atomic_batch(clean, now):
    """A row that is not as it was ordered is found, and all that was made is taken back: that row too."""
    tamper(clean, "5550200")
    before = table(clean)
    batch_id = accept(clean, order(BLOCK), now)

    [batch] = finish(clean, now, batch_id, pace=70)

    assert "failed" == batch.state
    assert batch.failure.startswith("verification failed: 70 DIDs were ordered, 70 exist, 69 have the")
    assert before == table(clean)
    assert batch.removed == batch.added > 0
    assert_agree(clean, batch_id)


def test_what_is_stored_otherwise_fails_a_batch_of_best_effort(clean, now):
    """It fails loudly too; what it has made stays, and can be undone."""
    tamper(clean, "5550200")
    batch_id = accept(clean, order(f"{BLOCK},{BLOCK}", atomic=False), now)

    [batch] = finish(clean, now, batch_id, pace=70)

    assert "failed" == batch.state
    assert batch.failure.startswith("verification failed: 70 DIDs were ordered, 70 exist, 69 have the")
    assert 0 < batch.added < 300
    assert_agree(clean, batch_id)


@pytest.mark.parametrize("last_row", [True, False])
def test_a_difference_in_the_last_chunk_is_found(clean, now, last_row):
    """The last rows are read back as the others are."""
    tamper(clean, "5550399" if last_row else "5550350")
    batch_id = accept(clean, order(BLOCK), now)

    assert "failed" == finish(clean, now, batch_id, pace=290)[0].state


def test_a_change_by_others_is_no_difference(clean, now):
    """A row that somebody changes before it is read back does not fail the batch."""
    batch_id = accept(clean, order(BLOCK, atomic=False), now)

    def meanwhile(step: int) -> None:
        with clean.begin() as conn:
            there = run(
                conn, "SELECT did_id FROM vicidial_inbound_dids WHERE did_id > 1 ORDER BY did_id DESC LIMIT 1"
            )
            for (did_id,) in there:
                outside.update(conn, did_id, {"did_description": "Changed"}, now + timedelta(minutes=step))

    [batch] = finish(clean, now, batch_id, pace=20, told=meanwhile)

    assert ("done", None) == (batch.state, batch.failure)


def test_undo_removes_what_was_made(clean, now):
    """Only what the batch has made goes, and the items say so."""
    add(clean, now, "5550200")
    before = table(clean)
    batch_id = accept(clean, order(BLOCK, atomic=False), now)
    finish(clean, now, batch_id)
    undo(clean, batch_id, now + timedelta(minutes=5))

    [batch] = finish(clean, now, batch_id)

    assert before == table(clean)
    assert ("undone", 299, 0) == (batch.state, batch.removed, batch.kept)
    assert ("didier-cli", now + timedelta(minutes=5)) == (batch.undone_by, batch.undone_at)
    assert {"removed": 299, "exists": 1} == {
        word: list(outcomes(clean, batch_id).values()).count(word) for word in ("removed", "exists")
    }
    assert_agree(clean, batch_id)


BIG = "5550000-5551499"
"""More numbers than an undo removes at once."""


def made_with_changes(engine: Engine, now) -> int:
    """Make a large batch; then change, delete and lock some of its DIDs."""
    batch_id = accept(engine, order(BIG), now)
    finish(engine, now, batch_id)
    there, later = table(engine), now + timedelta(minutes=1)
    with engine.begin() as conn:
        outside.update(conn, there["5550007"]["did_id"], {"did_description": "Changed since"}, later)
        outside.update(conn, there["5551499"]["did_id"], {"did_active": "N"}, later)
        outside.delete(conn, there["5550800"]["did_id"])
        outside.delete(conn, there["5550801"]["did_id"])
        edits.lock(conn, [LockOrder(CALLER, "5551000")], now)
    return batch_id


def test_undo_keeps_what_was_changed_since(clean, now):
    """Changed and locked DIDs are kept and named; those that are gone already are missing."""
    batch_id = made_with_changes(clean, now)
    asked = undo(clean, batch_id, now)
    assert isinstance(asked, Undone)
    assert ("running", "remove") == (asked.batch.state, asked.batch.phase)

    [batch] = finish(clean, now, batch_id, pace=130)

    assert [SOURCE, "5550007", "5551000", "5551499"] == [*table(clean)]
    assert ("undone", 1495, 3) == (batch.state, batch.removed, batch.kept)
    assert {
        "5550007": "kept",
        "5551000": "kept",
        "5551499": "kept",
        "5550800": "missing",
        "5550801": "missing",
    } == {target: word for target, word in outcomes(clean, batch_id).items() if word != "removed"}
    assert_agree(clean, batch_id)


def test_force_takes_what_was_changed_too(clean, now):
    """With force only a locked DID is kept."""
    batch_id = made_with_changes(clean, now)
    undo(clean, batch_id, now, force=True)

    [batch] = finish(clean, now, batch_id, pace=130)

    assert [SOURCE, "5551000"] == [*table(clean)]
    assert ("undone", 1497, 1) == (batch.state, batch.removed, batch.kept)
    assert_agree(clean, batch_id)


def test_undo_of_targets_with_values_of_their_own(clean, now):
    """What was stored of the order's own text is no change; what was changed since is kept."""
    rows = "target,did_description\n" + "".join(f"{name},Line number {name}\n" for name in names())
    batch_id = accept(clean, order(rows), now)
    finish(clean, now, batch_id)
    with clean.begin() as conn:
        later = now + timedelta(minutes=1)
        outside.update(conn, table(clean)["5550150"]["did_id"], {"did_description": "Changed"}, later)

    asked = undo(clean, batch_id, now)

    assert ("undone", 299, 1, ("5550150",)) == (
        asked.batch.state, asked.batch.removed, asked.batch.kept, asked.kept
    )  # fmt: skip
    assert_agree(clean, batch_id)


@pytest.mark.parametrize("abruptly", [False, True])
@pytest.mark.parametrize("mode", ["atomic", "best_effort", "fails", "undone"])
def test_a_batch_goes_on_from_where_it_was(clean, now, abruptly, mode):
    """However often the server stops, and behind whichever step, nothing is done twice or left out."""
    rows = f"{BLOCK},x,5550100" if mode == "best_effort" else BLOCK
    batch_id = accept(clean, order(rows, atomic=mode != "best_effort"), now)
    add(clean, now, "5550099", "5550400")
    if mode == "fails":
        tamper(clean, "5550380")
    if mode == "undone":
        finish(clean, now, batch_id)
        with clean.begin() as conn:
            run(conn, "UPDATE didier_batches SET state = 'running', phase = 'remove', undone_by = 'admin'")

    restarts = 0
    while stored(clean, batch_id).state in {"pending", "running"}:
        interrupted(clean, now, pace=60, last=2 + restarts % 3, abruptly=abruptly)
        restarts += 1
        assert restarts < 60

    batch = stored(clean, batch_id)
    left = names() if mode in {"atomic", "best_effort"} else []
    assert {"atomic": "done", "best_effort": "done", "fails": "failed", "undone": "undone"}[
        mode
    ] == batch.state
    assert restarts > 2
    assert sorted([SOURCE, "5550099", "5550400", *left]) == sorted(table(clean))
    assert 300 == batch.added
    assert ["invalid", "duplicate"] * (mode == "best_effort") == [
        one.outcome for one in each(clean, batch_id) if one.position > 300
    ]
    assert_agree(clean, batch_id)


def test_a_chunk_that_fails_half_way_is_taken_back(clean, now):
    """An error of the database in the middle of a chunk leaves no row that nobody knows of."""
    batch_id = accept(clean, order(BLOCK), now)
    interrupted(clean, now, pace=100, last=4)
    trigger(clean, "BEFORE", "5550350", "SELECT RAISE(FAIL, 'no')", "SIGNAL SQLSTATE '45000'")

    [batch] = finish(clean, now, batch_id, pace=100)

    assert "failed" == batch.state
    assert [SOURCE] == [*table(clean)]
    assert 200 == batch.added == batch.removed
    assert_agree(clean, batch_id)


@pytest.mark.parametrize("atomic", [True, False])
def test_what_a_crash_left_of_a_chunk_is_taken_back(clean, now, atomic):
    """Where tables have no transactions, rows of an unfinished chunk are removed before it is done again."""
    batch_id = accept(clean, order(BLOCK, atomic=atomic), now)
    interrupted(clean, now, pace=100, last=4 if atomic else 3)
    before = stored(clean, batch_id)
    with clean.connect() as conn:
        if not is_transactional(conn, DIDS):
            left = [
                Change(before.author, "created", "copy", 0, name, batch_id)
                for name in names()[before.position :][:100]
            ]
            with conn.begin() as transaction:
                journal.protect(conn, left, before.created_at)
                for change in left[:60]:
                    values = {"did_pattern": change.pattern, "did_description": "Half done"}
                    outside.add(conn, values, before.created_at)
                transaction.rollback()
            conn.invalidate()  # as a process that is gone

    [batch] = finish(clean, now, batch_id, pace=100)

    assert 0 < before.position < 300
    assert ("done", 300, 0) == (batch.state, batch.added, batch.existing)
    assert {table(clean)[SOURCE]["did_description"]} == {
        row["did_description"] for row in table(clean).values()
    }
    assert_agree(clean, batch_id)


def test_a_database_that_is_lost_is_waited_for(mariadb, now):
    """When the connections break in the middle the batch goes on with new ones."""
    with ready(mariadb.database(), now) as engine:
        batch_id = accept(engine, order(BLOCK), now)

        def meanwhile(step: int) -> None:
            if step == 5:
                with engine.connect() as conn:
                    mine = "SELECT id FROM information_schema.processlist WHERE db = database()"
                    for (other,) in run(conn, f"{mine} AND id <> connection_id() AND command = 'Sleep'"):
                        run(conn, f"KILL {other}")

        def is_done() -> bool:
            with suppress(Unavailable):  # this connection may be among those that break
                return stored(engine, batch_id).state == "done"
            return False

        with running(engine, now, pace=50, told=meanwhile):
            wait_until(is_done)

        assert 300 == stored(engine, batch_id).added
        assert sorted([SOURCE, *names()]) == sorted(table(engine))
        assert_agree(engine, batch_id)


def test_letters_beyond_ascii_in_older_tables(mariadb, now):
    """Where VICIdial's tables are latin1, what is stored in them is no difference, and can be undone."""
    with ready(mariadb.database(), now) as engine:
        with engine.begin() as conn:
            conn.exec_driver_sql(f"ALTER TABLE {DIDS} CONVERT TO CHARACTER SET latin1")
            run(conn, f"UPDATE {DIDS} SET did_description = 'Été à Köln'")
        plain = accept(engine, order("5550100-5550199,lobbé"), now)
        own = accept(engine, order("5550200-5550299", template="Été {target}"), now)

        found = finish(engine, now, plain, own)
        undone = [undo(engine, batch_id, now) for batch_id in (plain, own)]

        assert [("done", 101), ("done", 100)] == [(batch.state, batch.added) for batch in found]
        assert [(101, ()), (100, ())] == [(one.batch.removed, one.kept) for one in undone]


def test_values_of_targets_are_looked_for_among_what_the_caller_sees(clean, now):
    """A large batch is made without its caller: what they saw is stored with it."""
    sales = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
    with clean.begin() as conn:
        for line, group in (("SLINE", "SALES"), ("OLINE", "OTHER")):
            sql = "INSERT INTO vicidial_inbound_groups (group_id, user_group) VALUES (?, ?)"
            run(conn, sql, line, group)
    rows = "target,group_id\n5550100,SLINE\n5550101,OLINE\n5550102,NOLINE\n"
    seen, everything = (
        accept(clean, order(rows.replace("55501", number), atomic=False, caller=who), now)
        for who, number in ((sales, "55501"), (CALLER, "55502"))
    )
    finish(clean, now, seen, everything)

    assert {"5550100": "added", "5550101": "invalid", "5550102": "invalid"} == outcomes(clean, seen)
    assert {"5550200": "added", "5550201": "added", "5550202": "invalid"} == outcomes(clean, everything)
    hidden, unknown = (one.reason for one in each(clean, seen)[1:])
    assert unknown == hidden.replace("OLINE", "NOLINE")
