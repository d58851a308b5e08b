"""Which fields of a DID count."""

import pytest

from didier.domain import forms
from didier.domain.fields import BY_COLUMN, ROUTES

PLAIN = {"filter_inbound_number": "DISABLED"}


@pytest.mark.parametrize(
    ("route", "column"),
    [
        ("EXTEN", "extension"),
        ("VOICEMAIL", "voicemail_ext"),
        ("VMAIL_NO_INST", "voicemail_ext"),
        ("AGENT", "user"),
        ("PHONE", "phone"),
        ("IN_GROUP", "group_id"),
        ("CALLMENU", "menu_id"),
    ],
)
def test_each_route_counts_its_destination(route, column):
    """And none of those of other routes."""
    row = {**PLAIN, "did_route": route}
    destinations = {"extension", "voicemail_ext", "user", "phone", "group_id", "menu_id"}

    assert {column} == {name for name in destinations if forms.counts(name, row)}
    assert not any(forms.counts(f"filter_{name}", row) for name in destinations)


def test_an_agents_replacement_counts():
    """Where calls go that the agent cannot take is shown with its own fields."""
    row = {**PLAIN, "did_route": "AGENT", "user_unavailable_action": "VOICEMAIL"}

    assert forms.counts("voicemail_ext", row)
    assert not forms.counts("extension", row)


def test_filtered_calls_have_fields_of_their_own():
    """As soon as calls are filtered, by their route."""
    row = {"did_route": "EXTEN", "filter_inbound_number": "GROUP", "filter_action": "CALLMENU"}
    counting = {"filter_action", "filter_phone_group_id", "filter_menu_id"}

    assert counting == {
        name for name in (*counting, "filter_url", "filter_extension") if forms.counts(name, row)
    }


def test_rare_fields_count_where_they_are_filled():
    """Fields for one's own use are not in the way."""
    assert forms.counts("custom_one", {"custom_one": "x"})
    assert not forms.counts("custom_one", {"custom_one": ""})


def test_every_condition_names_a_column():
    """The table speaks of fields that there are, and of their values."""
    for column, conditions in forms.CONDITIONS.items():
        assert column in BY_COLUMN
        for condition in conditions:
            assert condition.keys() <= BY_COLUMN.keys()
    routes = {route for c in forms.CONDITIONS["voicemail_ext"] for route in c.get("did_route", ())}
    assert routes <= set(ROUTES)
