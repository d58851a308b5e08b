from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.grants import GRANTS, completed, problem

ALL = CALLER.user
NOTHING = replace(ALL, functions=frozenset({"copy_did"}), **{grant.setting: False for grant in GRANTS})


@pytest.mark.parametrize("grant", GRANTS, ids=lambda grant: grant.column)
def test_nobody_gives_a_right_that_they_lack(grant):
    """Taking it away, and giving what one has, is fine."""
    assert None is problem(ALL, {grant.column: "1"})
    assert None is problem(NOTHING, {grant.column: "0"})
    assert grant.column == problem(NOTHING, {grant.column: "1"}).field
    assert grant.column == problem(ALL, {grant.column: "Y"}).field


@pytest.mark.parametrize(
    ("functions", "allowed"), [("copy_did", True), ("add_did", False), ("ALL", False), ("", True)]
)
def test_nobody_gives_a_function_that_they_may_not_call(functions, allowed):
    """All of them least of all."""
    assert None is problem(ALL, {"api_allowed_functions": functions})
    assert allowed == (problem(NOTHING, {"api_allowed_functions": functions}) is None)


def test_the_list_of_functions_has_an_end():
    """VICIdial's column holds 1,000 characters."""
    assert problem(ALL, {"api_allowed_functions": "copy_did " * 200})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"api_allowed_functions": "copy_did"},
            {"api_allowed_functions": " copy_did ", "modify_inbound_dids": "1"},
        ),
        (
            {"api_allowed_functions": "ALL"},
            {"api_allowed_functions": " ALL_FUNCTIONS ", "modify_inbound_dids": "1"},
        ),
        ({"api_allowed_functions": ""}, {"api_allowed_functions": ""}),
        ({"api_allowed_functions": "list_dids"}, {"api_allowed_functions": " list_dids "}),
        (
            {"api_allowed_functions": "ALL", "modify_inbound_dids": "0"},
            {"api_allowed_functions": " ALL_FUNCTIONS ", "modify_inbound_dids": "0"},
        ),
        ({"view_reports": "1"}, {"view_reports": "1"}),
    ],
)
def test_a_did_function_switches_modify_dids_on(values, expected):
    """Unless something else is said; and only by those who have it themselves."""
    assert expected == completed(values, ALL)
    assert "modify_inbound_dids" not in completed({"api_allowed_functions": "ALL"}, NOTHING)
