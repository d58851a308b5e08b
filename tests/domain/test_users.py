from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.users import EVERY_GROUP, RIGHTS, User, missing_function, missing_rights
from didier.errors import NotPermitted

USER = User(
    name="crm",
    level=8,
    group="SALES",
    api_access=True,
    functions=frozenset({"copy_did"}),
    modify_dids=True,
    delete_dids=True,
    view_reports=True,
    viewable_groups=" SALES SUPPORT ",
)

words = st.text(st.characters(codec="ascii", exclude_characters=" ", categories=["L", "N", "P"]), min_size=1)


def seeing(groups: str | None) -> User:
    return replace(USER, viewable_groups=groups)


@pytest.mark.parametrize("everything", ["ALL", "ALL_FUNCTIONS"])
@given(function=words)
def test_all_allows_every_function(everything, function):
    """ALL and ALL_FUNCTIONS both allow any function."""
    assert replace(USER, functions=frozenset({everything})).may_call(function)


@given(st.frozensets(words), words)
def test_a_function_counts_as_a_whole_word(functions, function):
    """Without ALL exactly the functions in the list may be called."""
    listed = functions - {"ALL", "ALL_FUNCTIONS"}

    assert (function in listed) == replace(USER, functions=listed).may_call(function)


@pytest.mark.parametrize("name", ["COPY_DID", "copy", "copy_did2", "XALL", "all", "ALL_FUNCTIONSX"])
def test_similar_words_do_not_count(name):
    """Case and parts of words do not allow a function."""
    assert not replace(USER, functions=frozenset({name})).may_call("copy_did")


def test_a_function_that_is_not_listed_names_the_setting():
    """The refusal says which word is missing from Allowed API Functions."""
    assert None is missing_function(USER, "copy_did")
    assert NotPermitted(
        "add_did", ("Allowed API Functions must contain add_did or ALL",)
    ) == missing_function(USER, "add_did")


@pytest.mark.parametrize("action", sorted(RIGHTS))
def test_the_rights_of_an_action(action):
    """The action's level, API access and its own setting are enough."""
    level = RIGHTS[action].level
    able = replace(
        USER, level=level, view_reports=True, modify_users=True, delete_users=True, manage_servers=True
    )

    assert None is missing_rights(able, action)


@pytest.mark.parametrize("action", ["list_dids", "did_info"])
def test_looking_at_dids_asks_for_one_of_two_rights(action):
    """View Reports or Modify DIDs, with level 7, is enough to look at DIDs."""
    reporter = replace(USER, level=7, view_reports=True, modify_dids=False)
    modifier = replace(USER, level=7, view_reports=False, modify_dids=True)
    neither = replace(USER, level=7, view_reports=False, modify_dids=False)

    assert [None, None] == [missing_rights(user, action) for user in (reporter, modifier)]
    assert NotPermitted(action, ("View Reports or Modify DIDs must be 1",)) == missing_rights(neither, action)


def test_exporting_calls_asks_for_view_reports():
    """The right to modify DIDs does not show calls."""
    modifier = replace(USER, level=7, view_reports=False)

    assert NotPermitted("did_log_export", ("View Reports must be 1",)) == missing_rights(
        modifier, "did_log_export"
    )


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"level": 7}, "User Level must be 8 or higher"),
        ({"api_access": False}, "API Access must be 1"),
        ({"modify_dids": False}, "Modify DIDs must be 1"),
    ],
)
@pytest.mark.parametrize("action", ["add_did", "copy_did", "update_did"])
def test_a_missing_right_is_named(action, change, missing):
    """The refusal names the one setting that is missing."""
    assert NotPermitted(action, (missing,)) == missing_rights(replace(USER, **change), action)


def test_deleting_asks_for_its_own_right():
    """Delete DIDs, not Modify DIDs, allows deleting."""
    deleter = replace(USER, modify_dids=False)
    modifier = replace(USER, delete_dids=False)

    assert None is missing_rights(deleter, "delete_did")
    assert NotPermitted("delete_did", ("Delete DIDs must be 1",)) == missing_rights(modifier, "delete_did")


def test_every_missing_right_is_named():
    """A user who lacks everything is told everything."""
    weak = replace(USER, level=1, api_access=False, modify_dids=False)

    assert NotPermitted(
        "copy_did",
        ("User Level must be 8 or higher", "API Access must be 1", "Modify DIDs must be 1"),
    ) == missing_rights(weak, "copy_did")


@pytest.mark.parametrize("groups", ["---ALL---", " ---ALL--- ", "--all--", "SALES --All-- X", "x--ALL--y"])
@pytest.mark.parametrize("group", ["", None, "OTHER", EVERY_GROUP])
def test_a_list_with_all_has_no_limit(groups, group):
    """--ALL-- in any case, anywhere in the list, shows every DID."""
    assert seeing(groups).sees(group)


@pytest.mark.parametrize("groups", [None, "", " ", "SALES", " SALES ", "-ALL-"])
def test_dids_of_no_one_group(groups):
    """A DID of every group is visible to all; one whose group is NULL to nobody with a limit."""
    user = seeing(groups)

    assert user.sees(EVERY_GROUP)
    assert not user.sees(None)


@pytest.mark.parametrize("group", ["SALES", "sales", "Support"])
def test_groups_of_the_list_are_visible(group):
    """A DID of a group in the list is visible, whatever the case."""
    assert USER.sees(group)


@pytest.mark.parametrize("group", ["SALE", "SALES2", "SALES SUPPORT", "OTHER"])
def test_other_groups_are_not_visible(group):
    """Groups are compared as whole words."""
    assert not USER.sees(group)


@pytest.mark.parametrize(
    ("groups", "visible"),
    [(None, True), ("", True), (" SALES", True), ("SALES ", True), ("A  B", True), ("SALES", False)],
)
def test_a_space_too_many_shows_the_empty_group(groups, visible):
    """An empty part of the list stands for DIDs without a group, as in VICIdial."""
    assert visible == seeing(groups).sees("")


def test_space_and_dash_are_dropped():
    """VICIdial writes " -" at the end of its lists; it is no group."""
    user = seeing(" SALES -")

    assert user.sees("SALES")
    assert not user.sees("-")


@given(words.filter(lambda word: "--ALL--" not in word.upper() and not word.startswith("-")))
def test_a_limited_user_sees_a_listed_group(group):
    """Any group that stands in the list is visible, and no other."""
    user = seeing(f"FIRST {group}")

    assert user.sees(group)
    assert not user.sees(f"{group}2FIRST")


def test_new_dids_belong_to_all_or_to_the_group():
    """A user without limit makes DIDs for all, another one DIDs of the own group."""
    assert EVERY_GROUP == seeing("---ALL---").group_of_new_dids()
    assert "SALES" == seeing(" SALES ").group_of_new_dids()
