"""Destinations as texts: read as they are written, and the same after that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import fields
from didier.domain.route_texts import BESIDE, DESTINATIONS, Destination, listed, tidy

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=15)


@st.composite
def destinations(draw):
    route = draw(st.sampled_from(sorted(DESTINATIONS)))
    return Destination(route, draw(NAMES), draw(NAMES) if route in BESIDE and draw(st.booleans()) else "")


@given(st.lists(destinations(), max_size=10))
def test_what_is_written_is_read_again(given):
    """Whatever stands in names: blanks, colons, what divides them."""
    text = " ".join(map(str, given))

    assert given == list(listed(text))
    assert text == tidy(text)


@pytest.mark.parametrize(
    ("written", "tidied"),
    [
        ("in_group:SALES", "IN_GROUP:SALES"),
        ("  EXTEN:8600@default   PHONE:101@10.0.0.1 ", "EXTEN:8600@default PHONE:101@10.0.0.1"),
        ("EXTEN:a:b%20c%40d", "EXTEN:a:b%20c%40d"),
        ("CALLMENU:%6eight", "CALLMENU:night"),
        ("", ""),
    ],
)
def test_lists_are_tidied(written, tidied):
    """Routes in capitals, one blank between two, and no codes but those that are needed."""
    assert None is fields.fallbacks(written)
    assert tidied == tidy(written)


@pytest.mark.parametrize(
    "written",
    [
        "SALES", "IN_GROUP", "IN_GROUP:", "NOWHERE:1", "EXTEN:8600@", "EXTEN:8600@a@b", "IN_GROUP:SALES@x",
        "AGENT:1001@x", "EXTEN:50%", "EXTEN:50%zz", "EXTEN:1,EXTEN", "EXTEN:1\tEXTEN:2", "EXTEN:%00",
        "EXTEN:" + 51 * "1", "IN_GROUP:" + 21 * "A", "EXTEN:1@" + 51 * "a", 11 * "EXTEN:1 ",
        " ".join(10 * ["PHONE:" + 100 * "1"]),
    ],
)  # fmt: skip
def test_what_leads_nowhere_is_refused(written):
    """No destination, too long a part, too many, or a control character."""
    refused = [name for name in ("EXTEN:1,EXTEN",) if name == written]

    assert bool(refused) is (None is fields.fallbacks(written))


def test_a_destination_empties_the_columns_of_others():
    """What the DID has for its own route does not count for another."""
    columns = Destination("EXTEN", "8600").columns

    assert ("EXTEN", "8600", "") == tuple(
        columns[name] for name in ("did_route", "extension", "exten_context")
    )
    assert {""} == {columns[name] for name in ("group_id", "menu_id", "user", "user_unavailable_action")}
