from dataclasses import replace

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.errors import (
    AlreadyExists,
    ChangedMeanwhile,
    DeletionLocked,
    InUse,
    InvalidField,
    InvalidPattern,
    NotFound,
    NothingToChange,
    NotPermitted,
    Protected,
    UnknownReference,
)
from didier.services.batches import edits
from didier.services.batches.edits import AddOrder, DeleteOrder, Done, LockOrder, UpdateOrder, etag
from didier.storage.batches import progress
from didier.storage.batches.progress import BatchFilter
from didier.storage.changes import change_log
from didier.storage.dids import deletion_locks, dids
from didier.storage.statements import run
from support import outside

SOURCE = "18001234567"
SERVICES = {
    AddOrder: edits.add, UpdateOrder: edits.update, DeleteOrder: edits.delete, LockOrder: edits.lock,
}  # fmt: skip
SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))


def column(engine: Engine, name: str, pattern: str) -> object:
    with engine.begin() as conn:
        return run(conn, f"SELECT {name} FROM vicidial_inbound_dids WHERE did_pattern = ?", pattern)


@pytest.fixture
def edit(engine, now):
    """Carries out one order."""

    def carry_out(order):
        with engine.begin() as conn:
            [outcome] = SERVICES[type(order)](conn, [order], now)
        return outcome

    return carry_out


def test_a_did_is_added_with_its_values(engine, edit):
    """The columns that are given are set, the others have their defaults."""
    done = edit(AddOrder(CALLER, "5550001", {"did_route": "VOICEMAIL", "voicemail_ext": "85026"}))

    assert Done("5550001", 2) == done
    assert [("VOICEMAIL", "85026", "Y", None)] == column(
        engine, "did_route, voicemail_ext, did_active, did_description", "5550001"
    )


def test_the_new_did_of_a_limited_user_has_the_users_group(engine, edit):
    """A user who sees some groups makes DIDs for the own group, one who sees all for everybody."""
    edit(AddOrder(SALES, "5550001", {}))
    edit(AddOrder(CALLER, "5550002", {}))

    assert [("SALES",)] == column(engine, "user_group", "5550001")
    assert [("---ALL---",)] == column(engine, "user_group", "5550002")


@pytest.mark.parametrize(
    ("order", "refusal"),
    [
        (AddOrder(CALLER, SOURCE, {}), AlreadyExists(SOURCE)),
        (
            AddOrder(CALLER, "5550001", {"list_id": "12abc"}),
            InvalidField("list_id", "12abc", "3 to 14 digits"),
        ),
        (
            AddOrder(CALLER, "5550001", {"group_id": "NOSUCH"}),
            UnknownReference("group_id", "NOSUCH", "a value of vicidial_inbound_groups.group_id", "in-group"),
        ),
        (UpdateOrder(CALLER, "999", {"did_active": "N"}), NotFound("999")),
        (UpdateOrder(CALLER, SOURCE, {}), NothingToChange(SOURCE)),
        (DeleteOrder(CALLER, "999"), NotFound("999")),
    ],
)
def test_what_cannot_be_done_is_refused(engine, edit, order, refusal):
    """A refused order changes nothing."""
    assert refusal == edit(order)
    with engine.begin() as conn:
        assert [(1,)] == run(conn, "SELECT count(*) FROM vicidial_inbound_dids")
        assert [(0,)] == run(conn, "SELECT count(*) FROM vicidial_admin_log")


def test_a_pattern_of_one_character_is_refused(edit):
    """A pattern has two characters or more."""
    assert isinstance(edit(AddOrder(CALLER, "5", {})), InvalidPattern)


@pytest.mark.parametrize("order", [AddOrder, UpdateOrder])
def test_rights_are_needed(edit, order):
    """The services themselves refuse a caller without the right to modify DIDs."""
    weak = replace(CALLER, user=replace(CALLER.user, modify_dids=False))

    assert isinstance(edit(order(weak, "5550001", {"did_active": "N"})), NotPermitted)


def test_a_field_is_changed_and_emptied(engine, edit):
    """An update sets what it names and nothing else; an empty text empties a field that may be empty."""
    edit(UpdateOrder(CALLER, SOURCE, {"did_description": "", "extension": "*98#"}))

    assert [("", "*98#", "trunkinbound")] == column(
        engine, "did_description, extension, exten_context", SOURCE
    )


def test_a_did_of_another_group_does_not_exist(engine, edit):
    """What the caller may not see can be neither changed nor deleted."""
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")

    assert NotFound(SOURCE) == edit(UpdateOrder(SALES, SOURCE, {"did_active": "N"}))
    assert NotFound(SOURCE) == edit(DeleteOrder(SALES, SOURCE))


def test_deleting_needs_its_own_right(engine, edit):
    """Modify DIDs is not enough to delete."""
    careful = replace(CALLER, user=replace(CALLER.user, delete_dids=False))

    assert NotPermitted("delete_did", ("Delete DIDs must be 1",)) == edit(DeleteOrder(careful, SOURCE))
    assert Done(SOURCE, 1) == edit(DeleteOrder(CALLER, SOURCE))
    assert [] == column(engine, "did_id", SOURCE)


@pytest.mark.parametrize("pattern", ["default", "DEFAULT", "did_system_filter"])
def test_what_call_handling_relies_on_is_deleted_by_force_alone(engine, edit, pattern):
    """The DIDs that catch all other calls are refused, in any case of letters, unless forced."""
    edit(AddOrder(CALLER, pattern.lower(), {}))

    assert Protected(pattern) == edit(DeleteOrder(CALLER, pattern))
    assert Done(pattern, 2) == edit(DeleteOrder(CALLER, pattern, force=True))


# What else is checked ------------------------------------------------------------------------------


def image(engine, pattern):
    """The row of a DID."""
    with engine.begin() as conn:
        did = dids.find(conn, [pattern]).get(pattern)
        return dids.images(conn, [did.did_id])[did.did_id]


def test_none_empties_a_field(engine, edit):
    """None and the empty text are stored as what stands for no value."""
    edit(UpdateOrder(CALLER, SOURCE, {"extension": None, "entry_list_id": "", "filter_url": None}))

    assert [("", 0, "")] == column(engine, "extension, entry_list_id, filter_url", SOURCE)


def test_the_same_values_are_a_success(engine, edit):
    """An update that changes nothing is carried out and recorded like any other."""
    assert Done(SOURCE, 1) == edit(UpdateOrder(CALLER, SOURCE, {"extension": "8300"}))


def test_a_limited_user_cannot_give_a_did_away(engine, edit):
    """A group that the user does not see is refused, of a new DID and of one that is there."""
    edit(AddOrder(SALES, "5550001", {}))

    for order in (AddOrder(SALES, "5550002", {"user_group": "---ALL---"}),
                  UpdateOrder(SALES, "5550001", {"user_group": "---ALL---"})):  # fmt: skip
        assert isinstance(edit(order), UnknownReference)


def test_a_token_reaches_its_own_numbers_alone(edit):
    """With a prefix, other numbers are not made, and those that are there are not found."""
    narrow = replace(CALLER, pattern_prefix="555")

    assert Done("5550001", 2) == edit(AddOrder(narrow, "5550001", {}))
    assert isinstance(edit(AddOrder(narrow, "6660001", {})), NotPermitted)
    assert NotFound(SOURCE) == edit(UpdateOrder(narrow, SOURCE, {"did_active": "N"}))
    assert NotFound(SOURCE) == edit(DeleteOrder(narrow, SOURCE))
    assert NotFound(SOURCE) == edit(LockOrder(narrow, SOURCE))


@pytest.mark.parametrize(
    "order", [UpdateOrder(CALLER, SOURCE, {"did_active": "N"}), DeleteOrder(CALLER, SOURCE)], ids=type
)
def test_a_did_that_was_changed_meanwhile_is_left_alone(engine, edit, order):
    """With the tag of an earlier row an order is refused, with that of the present one carried out."""
    seen = etag(image(engine, SOURCE))
    edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))

    assert ChangedMeanwhile(SOURCE) == edit(replace(order, etag=seen))
    assert Done(SOURCE, 1) == edit(replace(order, etag=etag(image(engine, SOURCE))))


def test_the_tag_counts_within_a_group(engine, now):
    """Of two orders with the same tag the second finds the DID changed."""
    tag = etag(image(engine, SOURCE))
    orders = [UpdateOrder(CALLER, SOURCE, {"extension": x}, etag=tag) for x in ("8301", "8302")]
    with engine.begin() as conn:
        outcomes = edits.update(conn, orders, now)

    assert [Done(SOURCE, 1), ChangedMeanwhile(SOURCE)] == outcomes
    assert [("8301",)] == column(engine, "extension", SOURCE)


# What is recorded ----------------------------------------------------------------------------------


def test_every_edit_is_a_batch_with_both_rows(engine, edit):
    """Each is a batch of one item, and its change has the rows before and after."""
    done = [
        edit(AddOrder(CALLER, "5550001", {"extension": "8301"})),
        edit(UpdateOrder(CALLER, "5550001", {"extension": "8302"})),
        edit(DeleteOrder(CALLER, "5550001")),
    ]
    with engine.begin() as conn:
        batches = [progress.get(conn, each.batch_id) for each in done]
        items = [progress.items(conn, each.batch_id, 0, 10) for each in done]
        logged = [change_log.of_batch(conn, each.batch_id) for each in done]

    assert [(kind, "atomic", "done", CALLER.name) for kind in ("add", "update", "delete")] == [
        (batch.kind, batch.mode, batch.state, batch.user_name) for batch in batches
    ]
    assert [("5550001", outcome) for outcome in ("added", "updated", "deleted")] == [
        (placed.item.target, placed.item.outcome) for [placed] in items
    ]
    assert [(None, "8301"), ("8301", "8302"), ("8302", None)] == [
        (
            one.change.before and one.change.before["extension"],
            one.change.after and one.change.after["extension"],
        )
        for [one] in logged
    ]


def test_who_changed_what_is_told_with_the_row(engine, edit):
    """The answer has the row as it is now, or as it was before it was deleted."""
    updated = edit(UpdateOrder(CALLER, SOURCE, {"extension": "8301"}))
    now_there = image(engine, SOURCE)

    assert now_there == updated.image
    assert now_there == edit(DeleteOrder(CALLER, SOURCE)).image


def test_orders_for_one_did_each_have_their_own_rows(engine, now):
    """Several updates of one DID in a group are told one after the other."""
    orders = [UpdateOrder(CALLER, SOURCE, {"extension": x}) for x in ("8301", "8302", "8303")]
    with engine.begin() as conn:
        done = edits.update(conn, orders, now)
        changes = [one.change for each in done for one in change_log.of_batch(conn, each.batch_id)]

    assert [("8300", "8301"), ("8301", "8302"), ("8302", "8303")] == [
        (change.before["extension"], change.after["extension"]) for change in changes
    ]


@pytest.mark.parametrize(
    "order",
    [
        AddOrder(CALLER, "5550001", {}, dry_run=True),
        UpdateOrder(CALLER, SOURCE, {"did_active": "N"}, dry_run=True),
        DeleteOrder(CALLER, SOURCE, dry_run=True),
        UpdateOrder(CALLER, "999", {"did_active": "N"}),
    ],
    ids=type,
)
def test_what_is_not_done_is_not_recorded(engine, edit, order):
    """Dry runs and refusals leave neither a batch nor a change."""
    edit(order)

    with engine.begin() as conn:
        assert [] == progress.page(conn, BatchFilter(), None, 10)
        assert [(0,)] == run(conn, "SELECT count(*) FROM didier_changes")


# Deletion ------------------------------------------------------------------------------------------


def test_a_number_in_use_is_deleted_by_force_alone(engine, edit):
    """The refusal names each place; forced, the DID is deleted."""
    edit(AddOrder(CALLER, "5550001", {"extension": SOURCE}))
    edit(AddOrder(CALLER, "5550002", {"extension": SOURCE}))
    with engine.begin() as conn:
        columns = "menu_id, option_value, option_route, option_route_value"
        sql = f"INSERT INTO vicidial_call_menu_options ({columns}) VALUES ('MAIN', '1', 'DID', ?)"
        run(conn, sql, SOURCE)

    places = ("call menu MAIN, option 1", "DID 5550001 (extension) and 1 more")
    assert InUse(SOURCE, places) == edit(DeleteOrder(CALLER, SOURCE))
    assert Done(SOURCE, 1) == edit(DeleteOrder(CALLER, SOURCE, force=True))


def test_places_of_other_groups_keep_a_number_without_their_names(engine, edit):
    """Who does not see what uses a number is told that something does, and not how much."""
    edit(AddOrder(SALES, "5550001", {}))
    for pattern in ("5550002", "5550003", "5550004"):
        edit(AddOrder(CALLER, pattern, {"extension": "5550001"}))
    with engine.begin() as conn:
        sql = "UPDATE vicidial_inbound_dids SET user_group = 'OTHER' WHERE did_pattern <> ?"
        run(conn, sql, "5550001")
    hidden = edit(DeleteOrder(SALES, "5550001"))
    with engine.begin() as conn:
        sql = "UPDATE vicidial_inbound_dids SET user_group = 'SALES' WHERE did_pattern = ?"
        run(conn, sql, "5550003")
    some = edit(DeleteOrder(SALES, "5550001"))

    assert InUse("5550001", ("something of another user group",)) == hidden
    assert InUse("5550001", ("DID 5550003 (extension)", "something of another user group")) == some
    assert Done("5550001", 2) == edit(DeleteOrder(SALES, "5550001", force=True))


def test_each_caller_is_told_of_the_places_that_they_see(engine, now):
    """Deletions that share a transaction name places to one and not to another."""
    with engine.begin() as conn:
        for pattern, group in (("5550001", "SALES"), ("5550002", "OTHER")):
            outside.add(conn, {"did_pattern": pattern, "extension": "5550001", "user_group": group}, now)
        orders = [DeleteOrder(who, "5550001") for who in (SALES, CALLER)]
        refused = edits.delete(conn, orders, now)

    assert [("something of another user group",), ("DID 5550002 (extension)",)] == [
        one.places for one in refused
    ]


def test_what_a_did_of_the_own_group_refers_to_may_be_said_again(engine, edit):
    """An in-group of another group stays in a DID, and cannot be given to one."""
    with engine.begin() as conn:
        sql = "INSERT INTO vicidial_inbound_groups (group_id, user_group) VALUES ('OTHERLINE', 'OTHER')"
        run(conn, sql)
    edit(AddOrder(CALLER, "5550001", {"group_id": "OTHERLINE"}))
    same, new = {"group_id": "OTHERLINE", "did_description": "Sales line"}, {"group_id": "OTHERLINE"}

    assert isinstance(edit(UpdateOrder(SALES, "5550001", same)), Done)
    assert isinstance(edit(AddOrder(SALES, "5550002", new)), UnknownReference)


def test_of_two_deletions_the_second_finds_nothing(engine, now):
    """A DID is deleted once, and told as missing then."""
    with engine.begin() as conn:
        outcomes = edits.delete(conn, [DeleteOrder(CALLER, SOURCE)] * 2, now)

    assert [Done(SOURCE, 1), NotFound(SOURCE)] == outcomes


def test_a_locked_did_is_not_deleted(engine, edit):
    """A lock holds against force too, until it is ended."""
    assert Done(SOURCE, 1) == edit(LockOrder(CALLER, SOURCE))
    assert DeletionLocked(SOURCE) == edit(DeleteOrder(CALLER, SOURCE, force=True))

    edit(LockOrder(CALLER, SOURCE, locked=False))
    assert Done(SOURCE, 1) == edit(DeleteOrder(CALLER, SOURCE))


def test_of_several_locks_the_last_counts(engine, now, edit):
    """Locking twice is no error; each is a change, which history has and an undo takes back."""
    edit(LockOrder(CALLER, SOURCE))
    edit(LockOrder(CALLER, SOURCE))
    with engine.begin() as conn:
        assert {1} == deletion_locks.locked(conn, [1, 2])
        done = edits.lock(conn, [LockOrder(CALLER, SOURCE), LockOrder(CALLER, SOURCE, locked=False)], now)

        assert set() == deletion_locks.locked(conn, [1, 2])
        assert 2 == len({one.batch_id for one in done})


def test_a_lock_of_an_earlier_release_counts_and_is_ended(engine, edit):
    """It stands in a table of its own, where such a release looks for it."""
    with engine.begin() as conn:
        run(
            conn,
            "INSERT INTO didier_locked_dids (did_id, locked_at, user_name) VALUES (1, '2026-03-04', 'x')",
        )
    assert DeletionLocked(SOURCE) == edit(DeleteOrder(CALLER, SOURCE, force=True))

    edit(LockOrder(CALLER, SOURCE, locked=False))
    assert Done(SOURCE, 1) == edit(DeleteOrder(CALLER, SOURCE))


def test_locking_needs_the_right_to_modify(edit):
    """A lock is refused like a change; a DID that is not there is not found."""
    weak = replace(CALLER, user=replace(CALLER.user, modify_dids=False))

    assert isinstance(edit(LockOrder(weak, SOURCE)), NotPermitted)
    assert NotFound("999") == edit(LockOrder(CALLER, "999"))
