"""In which fields copies differ from their source, and what becomes of these fields."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import fields
from didier.domain.drift import APPLY, KEEP, Difference, DriftChange, differences

SOURCE = {
    "did_id": 1, "did_pattern": "100", "version": 7, "modify_stamp": "2026-03-04 05:06:07", "tags": "",
    "locked": "N", "managed_by": "", "exceptions": "", "did_description": "Sales", "group_id": "SALES",
    "max_queue_ingroup_calls": 0, "custom_one": None, "menu_id": "",
}  # fmt: skip
COPY = {
    **SOURCE, "did_id": 2, "did_pattern": "200", "version": 1, "modify_stamp": "2027-01-01 00:00:00",
    "tags": "vip", "locked": "Y", "managed_by": "file.yaml",
}  # fmt: skip


def test_what_belongs_to_each_did_is_no_difference():
    """Identity, marks of changes, tags and locks."""
    assert {} == differences(SOURCE, COPY, ())


def test_fields_that_differ_are_named_with_both_values():
    """Whatever their type is."""
    copy = {**COPY, "did_description": "Sales!", "max_queue_ingroup_calls": 3}

    assert {
        "did_description": Difference("Sales", "Sales!"),
        "max_queue_ingroup_calls": Difference(0, 3),
    } == differences(SOURCE, copy, ())


def test_what_a_copy_was_given_and_its_exceptions_are_left_out():
    """They were meant to be others."""
    copy = {**COPY, "did_description": "x", "group_id": "y", "custom_one": "z", "exceptions": "group_id"}

    assert {"custom_one": Difference(None, "z")} == differences(SOURCE, copy, {"did_description"})


@pytest.mark.parametrize(
    ("name", "source", "copy"),
    [
        ("custom_one", None, ""),
        ("menu_id", "", None),
        ("locked", None, "N"),
        ("max_queue_ingroup_calls", 7, "7"),
    ],
)
def test_values_that_say_the_same_are_no_difference(name, source, copy):
    """No value and an empty one; a number and its text."""
    assert {} == differences({**SOURCE, name: source}, {**COPY, name: copy}, ())


def test_columns_that_one_of_both_lacks_are_left_out():
    """VICIdial may have got one since the source was copied."""
    assert {} == differences({**SOURCE, "old": "x"}, {**COPY, "new": "y"}, ())


FOUND = {
    "did_description": Difference(None, "x"),
    "group_id": Difference("SALES", "HELP"),
    "new": Difference(1, 2),
}


def test_applying_sets_what_the_source_has():
    """Of all fields that differ, or of those that are named; a column without a field cannot be set."""
    assert {"did_description": None, "group_id": "SALES"} == DriftChange(APPLY).values(FOUND, COPY)
    assert {"group_id": "SALES"} == DriftChange(APPLY, ("group_id", "menu_id")).values(FOUND, COPY)


def test_keeping_adds_to_the_exceptions():
    """Those that there are stay; nothing is changed where no field counts."""
    copy = {**COPY, "exceptions": "menu_id"}

    assert {"exceptions": "did_description,group_id,menu_id"} == DriftChange(KEEP).values(FOUND, copy)
    assert {"exceptions": "group_id,menu_id"} == DriftChange(KEEP, ("group_id",)).values(FOUND, copy)
    assert {} == DriftChange(KEEP, ("menu_id",)).values(FOUND, copy)


@pytest.mark.parametrize(
    "change", [DriftChange(), DriftChange(APPLY), DriftChange(KEEP, ("group_id", "menu_id"))]
)
def test_what_a_batch_stores_is_read_again(change):
    """Also nothing."""
    assert change == DriftChange.of(change.options)
    assert bool(change.action) == bool(change)
    assert change.problem() is None


@pytest.mark.parametrize(
    ("change", "value"),
    [
        (DriftChange("", ("group_id",)), ""),
        (DriftChange(KEEP, ("group_id", "nothing")), "nothing"),
        (DriftChange(APPLY, ("tags",)), "tags"),
    ],
)
def test_only_fields_that_copies_inherit_can_be_named(change, value):
    """The first that is none is named."""
    problem = change.problem()

    assert ("drift_fields", value) == (problem.field, problem.value)


@given(
    st.dictionaries(st.sampled_from(sorted(fields.BY_COLUMN)), st.text(max_size=5)),
    st.dictionaries(st.sampled_from(sorted(fields.BY_COLUMN)), st.text(max_size=5)),
)
def test_what_is_kept_differs_no_more(source, copy):
    """Whatever differs: once it is an exception, nothing is left."""
    found = differences(source, copy, ())
    kept = {**copy, **DriftChange(KEEP).values(found, copy)}

    assert {} == differences(source, kept, ())
