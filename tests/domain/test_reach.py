from dataclasses import replace

import pytest

from didier.domain import reach, scopes
from didier.domain.grants import GRANTS
from didier.domain.users import RIGHTS, User

EVERYTHING = User(
    name="boss", level=9, group="ADMIN", api_access=True, functions=frozenset({"ALL_FUNCTIONS"}),
    modify_dids=True, delete_dids=True, view_reports=True, viewable_groups=" ---ALL--- ",
    modify_users=True, delete_users=True, manage_servers=True, modify_same_level=True,
    ignores_ip_lists=True,
)  # fmt: skip
AGENT = User(
    name="agent", level=1, group="SALES", api_access=False, functions=frozenset({"ALL_FUNCTIONS"}),
    modify_dids=False, delete_dids=False, view_reports=False, viewable_groups=" SALES ",
    modify_same_level=True,
)  # fmt: skip
RIGHTFUL = {grant.setting: True for grant in GRANTS}
MANAGER = replace(
    AGENT, name="manager", level=8, api_access=True, modify_users=True,
    functions=frozenset({"add_user", "update_user", "copy_user"}),
)  # fmt: skip


def lacking(holder, other):
    return reach.lacking(reach.of(holder), reach.of(other))


def test_everybody_holds_their_own_reach():
    """Whoever acts on themselves lacks nothing of what they are."""
    assert [(), (), ()] == [lacking(user, user) for user in (EVERYTHING, MANAGER, AGENT)]


def test_who_may_everything_holds_every_reach():
    """The administrator may act on everybody."""
    assert [(), ()] == [lacking(EVERYTHING, other) for other in (MANAGER, AGENT)]


def test_dormant_functions_reach_nothing():
    """An agent has all functions by VICIdial's default, which count for nothing without API Access."""
    assert () == lacking(MANAGER, replace(AGENT, delete_dids=True, modify_dids=True))


GAINS = [
    *({grant.setting: True} for grant in GRANTS if grant.setting not in {"api_access", "modify_users"}),
    {"viewable_groups": " SALES SUPPORT "},
    {"viewable_groups": " ---ALL--- "},
    {"viewable_groups": ""},
    {"level": 9},
]


def label(gain):
    """Name a gain the same in every process: sets have no order."""
    [(name, value)] = gain.items()
    return f"{name}={' '.join(sorted(value)) if isinstance(value, frozenset) else value}"


@pytest.mark.parametrize("gain", GAINS, ids=label)
def test_each_thing_that_the_other_has_is_lacking(gain):
    """Of everything that a user can have, nothing is got through somebody who has it."""
    other = replace(MANAGER, name="other", **gain)

    assert lacking(MANAGER, other)


@pytest.mark.parametrize("gain", GAINS[:-1], ids=label)
@pytest.mark.parametrize("dormant", [{"api_access": False}, {"level": 6}], ids=repr)
def test_what_does_not_count_is_not_lacking(gain, dormant):
    """Without API Access, or below level 7, nothing that is set reaches anything."""
    assert () == lacking(MANAGER, replace(MANAGER, **{**gain, **dormant}))


FURTHER = sorted(set(RIGHTS) - MANAGER.functions)


@pytest.mark.parametrize("functions", [*({name} for name in FURTHER), {"ALL"}], ids=sorted)
def test_each_function_that_the_other_may_call_is_lacking(functions):
    """Of two who have all rights, one whose list of functions is longer is out of the other's reach."""
    short = replace(MANAGER, **RIGHTFUL, level=9)
    long = replace(short, functions=short.functions | functions)

    assert lacking(short, long)
    assert () == lacking(long, short)


# Reporting calls asks for API Access alone, which the manager has.
@pytest.mark.parametrize("function", [name for name in FURTHER if RIGHTS[name].setting != "api_access"])
def test_a_function_counts_with_the_right_that_it_asks_for(function):
    """Functions of somebody without any right reach nothing."""
    rights = {"modify_dids": False, "delete_dids": False, "view_reports": False, "manage_servers": False,
              "delete_users": False, "modify_users": False}  # fmt: skip
    other = replace(MANAGER, functions=frozenset({function}), **rights)

    assert () == lacking(MANAGER, other)


@pytest.mark.parametrize("gain", [gain for gain in GAINS if gain != {"viewable_groups": ""}], ids=label)
def test_who_has_more_holds_who_has_less(gain):
    """The other way round nothing is lacking. (A list of no groups limits DIDs, and users not at all.)"""
    assert () == lacking(replace(MANAGER, **gain), MANAGER)


def test_a_list_of_addresses_is_part_of_the_reach():
    """Who is accepted from an office alone gets nobody who is accepted from elsewhere, nor ignores lists."""
    office = replace(MANAGER, api_ip_list="OFFICE")

    assert lacking(office, MANAGER)
    assert lacking(office, replace(office, api_ip_list="HOME"))
    assert lacking(office, replace(office, ignores_ip_lists=True))
    assert () == lacking(office, replace(office, name="other"))
    assert () == lacking(MANAGER, office)


def test_who_may_not_change_their_own_level_gets_nobody_who_may():
    """Modify Same User Level is a right like the others."""
    lower = replace(MANAGER, modify_same_level=False)

    assert ("changing users of level 8",) == lacking(lower, MANAGER)
    assert () == lacking(MANAGER, lower)


@pytest.mark.parametrize("scope", [scope.name for scope in scopes.SCOPES])
def test_a_token_holds_what_its_scopes_open(scope):
    """Its user's other functions are out of its reach, also through other users."""
    token = reach.narrowed(reach.of(EVERYTHING), {scope}, from_networks=False)
    opened = scopes.functions_of([scope])

    for name in RIGHTS:
        other = reach.of(replace(AGENT, **RIGHTFUL, level=RIGHTS[name].level, functions=frozenset({name})))
        assert (name in opened) == (() == reach.lacking(token, other)), name


def test_a_token_of_some_networks_holds_no_user_who_is_accepted_everywhere():
    """What the token can do from its networks the user could do from anywhere."""
    token = reach.narrowed(reach.of(MANAGER), {"users"}, from_networks=True)

    assert ("being accepted from the same addresses",) == reach.lacking(token, reach.of(MANAGER))
    assert () == reach.lacking(token, reach.of(AGENT))


def test_the_refusal_names_what_is_lacking():
    """The caller reads which rights, functions and groups they would need."""
    other = replace(MANAGER, modify_dids=True, functions=MANAGER.functions | {"copy_did"}, viewable_groups="")

    assert ("Modify DIDs", "the function copy_did", "user groups that they see") == lacking(MANAGER, other)
