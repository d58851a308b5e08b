from dataclasses import replace

import pytest
from sqlalchemy.engine import Engine

from didier.cli.local import CALLER
from didier.errors import (
    AlreadyExists,
    InvalidField,
    InvalidPattern,
    NotFound,
    NothingToChange,
    NotPermitted,
    Protected,
    UnknownReference,
)
from didier.services import editing
from didier.services.editing import AddOrder, DeleteOrder, Done, UpdateOrder
from didier.storage.statements import run

SOURCE = "18001234567"
SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))


def column(engine: Engine, name: str, pattern: str) -> object:
    with engine.begin() as conn:
        return run(conn, f"SELECT {name} FROM vicidial_inbound_dids WHERE did_pattern = ?", pattern)


@pytest.fixture
def edit(engine, now):
    """Carries out one order."""

    def carry_out(order):
        service = {AddOrder: editing.add, UpdateOrder: editing.update, DeleteOrder: editing.delete}
        with engine.begin() as conn:
            [outcome] = service[type(order)](conn, [order], now)
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
            UnknownReference(
                "group_id", "NOSUCH", "a value of vicidial_inbound_groups.group_id", "in-group"
            ),
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
