"""What Didier knows of DIDs beyond VICIdial's columns: copied, undone, forgotten; and their versions."""

import pytest

from didier.cli.local import CALLER
from didier.domain.inputs import Row
from didier.errors import ChangedMeanwhile
from didier.services.batches import bulk_edits, copies, edits, journal, undo_edits
from didier.services.batches.bulk_edits import EditOrder
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.edits import AddOrder, DeleteOrder, Done, UpdateOrder
from didier.services.changes.history import history
from didier.services.dids import lookup
from didier.storage.changes import change_log
from didier.storage.database import reading
from didier.storage.dids import did_fields, dids
from didier.storage.dids.did_fields import DEFAULTS
from didier.storage.failures import Outrun
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support.batches import accept, finish, order, stored, undo
from support.passes import beside, reconciled

SOURCE, NUMBER = "18001234567", "5550001"
OWN = {
    "tags": "vip", "gateway_set": "berlin", "schedule": "office", "fallbacks": '["EXTEN 100"]',
    "managed_by": "numbers.yaml",
}  # fmt: skip
INHERITED = {name: OWN[name] for name in ("gateway_set", "schedule", "fallbacks")}


def known(engine, did_id=1):
    """What is known of a DID, without defaults."""
    with reading(engine) as conn:
        fields = did_fields.of(conn, [did_id])[did_id]
    return {name: value for name, value in fields.items() if value != DEFAULTS[name]}


def give(engine, did_id=1, **fields):
    """Let a DID have *fields*."""
    with engine.begin() as conn:
        did_fields.put(conn, {did_id: fields})


def carried_out(engine, service, wish, now):
    """Carry out an order; return its outcome."""
    with engine.begin() as conn:
        [outcome] = service(conn, [wish], now)
    return outcome


def logged(engine, pattern=SOURCE):
    """The versions and fields of the changes of a DID, in order."""
    with reading(engine) as conn:
        places = change_log.places(conn, pattern)
        found = change_log.some(conn, [place.change_id for place in places])
    return [(found[key].change.version, found[key].change.fields) for key in sorted(found)]


def test_every_change_raises_the_version(clean, now):
    """Updates, a deletion and its undo; the log has the versions, and the names of what was set."""
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"extension": "8301", "tags": "b,a"}), now)
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"extension": "8301"}), now)
    deleted = carried_out(clean, edits.delete, DeleteOrder(CALLER, SOURCE), now)
    assert {} == known(clean)
    with clean.begin() as conn:
        undo_edits.undo_edit(conn, deleted.batch_id, CALLER, now)

    assert {"version": 5, "tags": "a,b"} == known(clean)
    assert [(2, ["extension", "tags"]), (3, []), (4, None), (5, None)] == logged(clean)


def test_copies_inherit_but_tags_and_manager(clean, now):
    """A single copy, some at once, and a large batch; each begins with the first version."""
    give(clean, version=7, **OWN)
    several = carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, ("5550001", "5550002")), now)
    large = accept(clean, order("5550010-5550012"), now)
    finish(clean, now, large)

    with reading(clean) as conn:
        [first, *_] = several.items
        rest = lookup.one(conn, CALLER, "5550012")
        past = history(conn, CALLER, "5550012")
    assert INHERITED == known(clean, first.did_id)
    assert {**DEFAULTS, **INHERITED} == {name: rest[name] for name in DEFAULTS}
    assert {**DEFAULTS, **INHERITED} == {name: past[0].after[name] for name in DEFAULTS}


def test_a_copy_may_be_given_tags(clean, now):
    """All targets, or each its own: also those of one statement that have none."""
    rows = (Row("5550001", {"tags": "b, a"}), Row("5550002"))
    wish = CopyOrder(CALLER, SOURCE, ("5550001", "5550002"), rows=rows)
    own = carried_out(clean, copies.copy, wish, now).items
    alike = carried_out(clean, copies.copy, CopyOrder(CALLER, SOURCE, ("5550003",), {"tags": "x"}), now).items

    assert [{"tags": "a,b"}, {}, {"tags": "x"}] == [known(clean, one.did_id) for one in (*own, *alike)]


@pytest.mark.parametrize("forced", [False, True])
def test_undo_of_copies_keeps_what_has_other_fields(clean, now, forced):
    """Tags alone make it another; by force it goes, and the log has the version behind that."""
    batch_id = accept(clean, order("5550010-5550012"), now)
    finish(clean, now, batch_id)
    carried_out(clean, edits.update, UpdateOrder(CALLER, "5550011", {"tags": "vip"}), now)

    undo(clean, batch_id, now, force=forced)
    finish(clean, now, batch_id)

    assert (3, 0) if forced else (2, 1) == (stored(clean, batch_id).removed, stored(clean, batch_id).kept)
    assert [1, 2] == [version for version, _ in logged(clean, "5550010")]
    assert [1, 2, 3] if forced else [1, 2] == [version for version, _ in logged(clean, "5550011")]


def test_an_undo_brings_fields_back(clean, now):
    """Those of an update, and with a DID that was deleted all of them."""
    give(clean, **OWN)
    updated = carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"tags": ""}), now)
    assert {**OWN, "tags": "", "version": 2}.items() >= known(clean).items()
    undo(clean, updated.batch_id, now)
    deleted = carried_out(clean, edits.delete, DeleteOrder(CALLER, SOURCE), now)
    undo(clean, deleted.batch_id, now)

    assert {**OWN, "version": 5} == known(clean)


def test_many_at_once(clean, now):
    """An order of many has them as one of one does, and what it leaves out stays."""
    spec = EditSpec("add", {"tags": "b,a"})
    rows = (Row("5550001"), Row("5550002"))
    added = carried_out(clean, bulk_edits.edit, EditOrder(CALLER, spec, rows), now)
    changed = EditSpec("update", {"did_active": "N"})
    carried_out(clean, bulk_edits.edit, EditOrder(CALLER, changed, rows), now)

    ids = [item.did_id for item in added.items]
    assert [{"tags": "a,b", "version": 2}] * 2 == [known(clean, did_id) for did_id in ids]


def test_the_mark_of_a_did_is_also_of_its_fields(clean, now):
    """Who has seen other fields changes nothing."""
    with reading(clean) as conn:
        seen = lookup.version(lookup.one(conn, CALLER, SOURCE))
    give(clean, gateway_set="berlin")

    wish = UpdateOrder(CALLER, SOURCE, {"did_active": "N"}, etag=seen)
    assert ChangedMeanwhile(SOURCE) == carried_out(clean, edits.update, wish, now)


def test_what_is_deleted_outside_is_forgotten(clean, now):
    """Fields go with the DID; one that gets its id has none of them, and goes on with its version."""
    give(clean, version=3, **OWN)
    reconciled(clean)
    with beside(clean) as sql:
        sql("DELETE FROM {} WHERE did_id = 1")
        [deleted] = reconciled(clean)
        assert (4, {}) == (deleted.version, known(clean))
        sql("INSERT INTO {} (did_id, did_pattern) VALUES (1, '5550009')")
        [created] = reconciled(clean)

    assert (5, {"version": 5}) == (created.version, known(clean))


def test_a_new_did_from_outside_needs_no_row(clean, now):
    """It begins with the first version, whatever was left of one that had its id."""
    give(clean, 5, tags="left")
    reconciled(clean)
    with beside(clean) as sql:
        sql("INSERT INTO {} (did_id, did_pattern) VALUES (5, '5550009'), (6, '5550010')")
        created = reconciled(clean)

    assert [1, 1] == [change.version for change in created]
    assert {} == known(clean, 5)
    with reading(clean) as conn:
        assert [(5,)] == run(conn, "SELECT did_id FROM didier_did_fields")


def test_a_change_outside_raises_the_version(clean, now):
    """Fields stay as they are, also with another number, which is two changes."""
    give(clean, **OWN)
    reconciled(clean)
    with beside(clean) as sql:
        sql("UPDATE {} SET did_active = 'N' WHERE did_id = 1")
        [updated] = reconciled(clean)
        sql("UPDATE {} SET did_pattern = '5550009' WHERE did_id = 1")
        deleted, created = reconciled(clean)

    assert [2, 3, 4] == [change.version for change in (updated, deleted, created)]
    assert {**OWN, "version": 4} == known(clean)
    assert OWN.items() <= created.after.items()


def test_fields_outside_are_no_change(clean, now):
    """What somebody does to Didier's own table is nothing that VICIdial did."""
    carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"did_active": "N"}), now)
    reconciled(clean)
    give(clean, **OWN)

    assert [] == reconciled(clean)


@pytest.mark.parametrize("verb", ["copy", "add", "update", "delete"])
def test_nothing_is_left_of_what_failed(clean, now, verb):
    """Neither rows nor fields, whether the table has transactions or what is done is taken back."""
    give(clean, **OWN)
    service, wish = {
        "copy": (copies.copy, CopyOrder(CALLER, SOURCE, (NUMBER,))),
        "add": (edits.add, AddOrder(CALLER, NUMBER, {"tags": "x"})),
        "update": (edits.update, UpdateOrder(CALLER, SOURCE, {"tags": "x", "did_active": "N"})),
        "delete": (edits.delete, DeleteOrder(CALLER, SOURCE)),
    }[verb]
    before = _everything(clean)

    with clean.connect() as conn:
        with conn.begin() as transaction:
            [outcome] = service(conn, [wish], now)
            transaction.rollback()
        with conn.begin():
            journal.take_back(conn)
    assert isinstance(outcome, Done | copies.CopyResult)

    assert before == _everything(clean)


def _everything(engine):
    with reading(engine) as conn:
        ids = [row[0] for row in run(conn, f"SELECT did_id FROM {DIDS}")]
        fields = run(conn, "SELECT * FROM didier_did_fields ORDER BY did_id")
        return dids.images(conn, ids), fields


@pytest.mark.parametrize("kept_home", ["mariadb", "myisam"], indirect=True)
@pytest.mark.parametrize("service", [edits.update, edits.delete])
def test_what_another_process_has_changed_meanwhile_is_decided_again(clean, now, service):
    """Also where only what Didier knows was changed, behind what the transaction sees already.

    SQLite has one transaction at a time that writes, and it sees all that was before.
    """
    wish = UpdateOrder(CALLER, SOURCE, {"did_active": "N"})
    with clean.connect() as conn:
        with conn.begin() as transaction:
            run(conn, "SELECT COUNT(*) FROM didier_did_fields")  # from now on it sees what there is now
            carried_out(clean, edits.update, UpdateOrder(CALLER, SOURCE, {"tags": "x"}), now)
            with pytest.raises(Outrun):
                service(conn, [wish if service is edits.update else DeleteOrder(CALLER, SOURCE)], now)
            transaction.rollback()
        with conn.begin():
            journal.take_back(conn)

    assert {"tags": "x", "version": 2} == known(clean)
