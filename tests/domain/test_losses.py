"""What a change of their own settings takes away from users."""

import pytest

from didier.domain.grants import GRANTS
from didier.domain.losses import losses

BEFORE = {
    "user_level": 8, "active": "Y", "user_group": "ADMIN", "full_name": "Ann", "email": "",
    "api_allowed_functions": ["copy_did", "add_did"], **{grant.column: True for grant in GRANTS},
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "lost"),
    [
        ({"active": "N"}, "Active (nobody can sign in as this user)"),
        ({"user_level": 1}, "User Level 8 (it becomes 1)"),
        ({"user_group": "WEST"}, "User Group ADMIN (it becomes WEST)"),
        ({"api_allowed_functions": ["add_did"]}, "Allowed API Functions: copy_did"),
        ({"api_allowed_functions": []}, "Allowed API Functions: add_did, copy_did"),
        *(({grant.column: False}, grant.label) for grant in GRANTS),
    ],
)
def test_what_is_taken_away_is_named(changes, lost):
    """Each setting that gives something, and each right."""
    assert (lost,) == losses(BEFORE, changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"user_level": 8},
        {"user_level": 9},
        {"user_group": "admin"},
        {"active": "Y", "full_name": "Bob", "email": "bob@example.org", "password": "x"},
        {"api_allowed_functions": ["add_did", "copy_did", "update_did"]},
        {"api_allowed_functions": ["ALL"]},
        {grant.column: True for grant in GRANTS},
    ],
)
def test_what_stays_or_grows_is_no_loss(changes):
    """Nobody is asked for it."""
    assert () == losses(BEFORE, changes)


@pytest.mark.parametrize("column", ["vdc_agent_api_access", "view_reports"])
def test_what_was_not_there_is_not_lost(column):
    """Nor what was off, nor the activity of who was not active."""
    assert () == losses({**BEFORE, column: False, "active": "N"}, {column: False, "active": "N"})


@pytest.mark.parametrize(
    ("functions", "lost"),
    [
        (["copy_did", "add_did"], ("Allowed API Functions: ALL (only add_did, copy_did from now on)",)),
        ([], ("Allowed API Functions: ALL",)),
        (["ALL"], ()),
    ],
)
def test_all_functions_are_more_than_some(functions, lost):
    """Whatever they are called: VICIdial stores ALL_FUNCTIONS, people write ALL."""
    everything = {**BEFORE, "api_allowed_functions": ["ALL_FUNCTIONS"]}

    assert lost == losses(everything, {"api_allowed_functions": functions})


def test_all_losses_of_a_change_are_named():
    """In one order, whatever the order of the changes."""
    changes = {"view_reports": False, "user_level": 7, "active": "N"}

    assert 3 == len(losses(BEFORE, changes))
    assert losses(BEFORE, changes) == losses(BEFORE, dict(reversed(changes.items())))
