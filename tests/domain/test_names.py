import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.names import fold

ALIKE = [
    ("admin", "ADMIN"),
    ("admin", "\uff41\uff44\uff4d\uff49\uff4e"),  # full width
    ("sysadmin", "\u017fysadmin"),  # long s
    ("kelly", "K\u00e9lly"),
    ("kelly", "ke\u0301lly"),  # the accent as a character of its own
    ("strasse", "Stra\u00dfe"),
    ("admin", "adm\u0131n"),  # dotless i
    ("istanbul", "\u0130stanbul"),  # i with a dot above
    ("kelvin", "\u212aelvin"),  # the sign of the unit
    ("ole", "\u00d8le"),
    ("aeon", "\u00c6on"),
    ("admin", "admin  "),
    ("\u03c9mega", "\u03a9mega"),
    ("\u03c3\u03c3", "\u03c3\u03c2"),  # the two small sigmas
]


@pytest.mark.parametrize(("name", "other"), ALIKE)
def test_look_alikes_are_one(name, other):
    """Compatibility forms, case, accents, strokes and blanks at the end make no other name."""
    assert fold(name) == fold(other)


@pytest.mark.parametrize(("name", "other"), [("ann", "anne"), ("a-b", "a_b"), ("user1", "user2"), ("o", "0")])
def test_other_names_are_others(name, other):
    """What people tell apart stays apart."""
    assert fold(name) != fold(other)


@given(st.text(max_size=20))
def test_folding_twice_changes_nothing(name):
    """What is folded is its own fold, so that it can be looked for in the database."""
    assert fold(name) == fold(fold(name))
