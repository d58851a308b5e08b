import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from didier import characters
from didier.domain import fields
from didier.domain.fields import (
    BY_COLUMN,
    DID_FIELDS,
    GROUPS,
    OWN_FIELDS,
    digits,
    number,
    one_of,
    problem,
    stored,
    text,
)
from didier.errors import InvalidField
from didier.storage.dids.dids import IDENTITY
from didier.storage.tables import DIDS, vicidial_tables

COLUMNS = vicidial_tables().tables[DIDS].columns
MARIADB = sa.dialects.mysql.dialect()


def column_type(column):
    """What MariaDB calls the type of a column."""
    return COLUMNS[column].type.compile(MARIADB)


ENUMS = [column for column in COLUMNS.keys() if column_type(column).startswith("ENUM(")]  # noqa: SIM118


@given(st.text(max_size=30), st.integers(0, 10), st.integers(10, 20))
def test_lengths_of_texts(value, shortest, longest):
    """A text has so many characters at most, so many bytes at least, and none that cannot be stored."""
    storable = all(ord(c) <= 0xFFFF for c in value) and characters.refused(value) is None
    fits = len(value) <= longest and shortest <= len(value.encode())

    assert (storable and fits) == (text(shortest, longest)(value) is None)


@pytest.mark.parametrize("value", ["\U0001f4de phone", "\U0001d400" * 6])
def test_text_that_cannot_be_stored_is_refused(value):
    """Characters outside the basic plane are refused in every text."""
    assert f"none of them rare or an emoji (U+{ord(value[0]):04X})" in str(text(6, 50)(value))


@pytest.mark.parametrize("value", ["12", "0" * 15, "12a", "", "٣٣٣", "²²²", "-12", "1 2", "123\n", "+123"])
def test_digits_are_ascii_digits(value):
    """Nothing but the right number of ASCII digits is allowed."""
    assert "3 to 14 digits" == digits(3, 14)(value)


@given(st.integers(100, 99_999_999_999_999))
def test_numbers_of_three_to_fourteen_digits(number):
    """Every number of the right length is allowed."""
    assert None is digits(3, 14)(str(number))


@pytest.mark.parametrize("value", ["", "-1", "32768", "1.5", "٣", "9" * 6000])
def test_numbers_have_a_limit(value):
    """Nothing but digits up to the highest number is allowed."""
    assert "0 to 32767" == number(32767)(value)


@given(st.integers(0, 32767))
def test_numbers_up_to_the_limit(value):
    """Every number up to the highest is allowed."""
    assert None is number(32767)(str(value))


@pytest.mark.parametrize("value", ["y", "", "Y ", "YN", "Y\n"])
def test_one_of_is_exact(value):
    """Case and spaces count; the refusal lists what is allowed."""
    assert "one of Y, N" == one_of("Y", "N")(value)


@pytest.mark.parametrize(
    "value",
    ["CID", "CIDLOOKUP", "CIDLOOKUPRL", "CIDLOOKUPRCALT", "ANI", "ANILOOKUPRL", "VIDPROMPT",
     "VIDPROMPTLOOKUPRC", "CLOSER", "3DIGITID", "4DIGITID", "5DIGITID", "10DIGITID", "NOT_A_METHOD"],
)  # fmt: skip
def test_call_handle_methods(value):
    """VICIdial's ways to find a lead are allowed, and those that a later release may have."""
    assert None is problem("call_handle_method", value)
    assert None is problem("call_handle_method", value, api=True)


@pytest.mark.parametrize("value", ["", "AB", "x" * 41, "CID-LOOKUP", "CID ", "CID\n", "CIDÉ"])
@pytest.mark.parametrize("api", [True, False])
def test_what_is_no_call_handle_method(value, api):
    """Other characters, and what the column does not hold, are refused."""
    assert isinstance(problem("call_handle_method", value, api=api), InvalidField)


@pytest.mark.parametrize("value", ["VIDPROMPTSPECIALLOOKUPRC", "x" * 40])
def test_vicidials_api_takes_shorter_methods_alone(value):
    """Most methods of VICIdial's own page are too long for its API; other doors take them."""
    assert None is problem("call_handle_method", value)
    assert isinstance(problem("call_handle_method", value, api=True), InvalidField)


@pytest.mark.parametrize("value", ["lb", "Lo", "SO"])
def test_search_methods_have_no_case(value):
    """They are stored as VICIdial's column has them."""
    assert None is problem("agent_search_method", value)
    assert {"agent_search_method": value.upper()} == fields.stored({"agent_search_method": value})


@pytest.mark.parametrize(
    ("value", "allowed"),
    [("客服热线一", True), ("客服", True), ("客", False), ("éèê", True), ("éè", False), ("客" * 50, True),
     ("客" * 51, False)],
)  # fmt: skip
def test_letters_that_say_more_may_be_fewer(value, allowed):
    """The least length counts bytes, as VICIdial does; the most counts letters."""
    assert allowed is (problem("did_description", value) is None)


def test_a_refusal_names_field_value_and_rule():
    """The refusal says which column, what was given and what is allowed."""
    assert InvalidField("did_description", "short", "6 to 50 characters") == problem(
        "did_description", "short"
    )


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("did_description", ["sixsix", "d" * 50, "é" * 26], ["five5", "d" * 51]),
        ("did_active", ["Y", "N"], ["y", "", "YES"]),
        ("did_route", fields.ROUTES, ["exten", "QUEUE", ""]),
        ("record_call", ["Y", "N", "Y_QUEUESTOP"], ["QUEUESTOP"]),
        ("extension", ["8", "8" * 50], ["8" * 51]),
        ("exten_context", ["d", "d" * 50], ["d" * 51]),
        ("voicemail_ext", ["1", "1" * 10], ["1" * 11]),
        ("phone", ["1", "1" * 100], ["1" * 101]),
        ("filter_clean_cid_number", ["1", "1" * 20], ["1" * 21]),
        ("agent_search_method", ["LO", "LB", "SO", "lb"], ["XX", "L", "\u017fo"]),
        ("list_id", ["101", "9" * 14], ["12", "9" * 15, "abc"]),
        ("entry_list_id", ["0", "9" * 14], ["9" * 15, "x"]),
        ("campaign_id", ["C", "C" * 8], ["C" * 9]),
        ("phone_code", ["1", "1" * 10], ["1" * 11]),
        ("did_carrier_description", ["c", "c" * 255], ["c" * 256]),
        ("filter_url", ["u", "u" * 1000], ["u" * 1001]),
        ("filter_phone_group_id", ["g", "€" * 21_845], ["€" * 21_846]),
        ("max_queue_ingroup_calls", ["0", "32767"], ["32768", "x"]),
        ("filter_list_id", ["101", "9" * 14], ["12", "", "abc"]),
        ("filter_action", fields.ROUTES, ["", "HANGUP"]),
        ("user_group", ["g", "---ALL---"], ["", "g" * 21]),
    ],
)
def test_limits_of_each_field(column, good, bad):
    """The values at the limits are allowed, those beyond are not."""
    assert [None] * len(good) == [problem(column, value) for value in good]
    assert [column] * len(bad) == [getattr(problem(column, value), "field", None) for value in bad]


@pytest.mark.parametrize("field", DID_FIELDS, ids=lambda field: field.column)
def test_a_field_is_a_column(field):
    """Every field is a column of the table, once, and has a label, a help text and a group."""
    assert field.column in COLUMNS
    assert field is BY_COLUMN[field.column]
    assert all((field.label, field.help, field.group))


def test_every_column_is_a_field():
    """All columns but those that make a DID's identity can be set."""
    assert set(COLUMNS.keys()) - set(IDENTITY) == {field.column for field in DID_FIELDS}
    assert {*BY_COLUMN} == {field.column for field in (*DID_FIELDS, *OWN_FIELDS)}


def test_groups_stand_together():
    """The fields of one group follow each other, and forms show all groups, the route early."""
    seen = [field.group for field in DID_FIELDS]
    runs = [group for i, group in enumerate(seen) if i == 0 or seen[i - 1] != group]

    assert sorted(GROUPS) == sorted(runs)
    assert ["Identity", "Route", "Destination"] == list(GROUPS[:3])


@pytest.mark.parametrize("field", DID_FIELDS, ids=lambda field: field.column)
def test_a_reference_has_a_kind(field):
    """What a field refers to has a name that callers understand."""
    assert not field.refers_to or fields.KINDS[field.refers_to]


@pytest.mark.parametrize("field", DID_FIELDS, ids=lambda field: field.column)
def test_every_field_is_emptied_or_must_have_a_value(field):
    """None and the empty text are one: they empty the field, or are refused where there must be a value."""
    assert problem(field.column, None) == problem(field.column, "")
    assert (field.empty is None) == (problem(field.column, None) is not None)


def test_what_is_stored_for_no_value():
    """A field that is emptied holds what stands for no value; other values are stored as they are."""
    assert {"phone": "", "entry_list_id": "0", "filter_url": "", "list_id": "101"} == stored(
        {"phone": None, "entry_list_id": "", "filter_url": "", "list_id": "101"}
    )


@pytest.mark.parametrize("field", DID_FIELDS, ids=lambda field: field.column)
def test_what_a_rule_allows_fits_the_column(field):
    """No rule allows a text that is longer than its column."""
    kind = COLUMNS[field.column].type
    length = 65_535 // 3 if isinstance(kind, sa.Text) else getattr(kind, "length", None) or 20

    assert None is not field.rule("1" * (length + 1))


@pytest.mark.parametrize("column", ENUMS)
def test_choices_are_those_of_the_column(column):
    """A choice allows each of the enum's values."""
    allowed = [value.strip("' ") for value in column_type(column)[len("ENUM(") : -1].split(",")]

    assert [None] * len(allowed) == [problem(column, value) for value in allowed]
    assert len(allowed) > 1


@pytest.mark.parametrize("field", [f for f in DID_FIELDS if f.empty is None], ids=lambda field: field.column)
def test_a_field_that_must_have_a_value_refuses_none(field):
    """Where nothing stands for no value, the empty text is refused."""
    assert None is not field.rule("")


@given(st.sampled_from(DID_FIELDS), st.text(max_size=120))
def test_every_value_is_judged(field, value):
    """Any text is allowed or refused under the field's name; nothing is raised."""
    found = problem(field.column, value)

    assert found is None or (field.column, value) == (found.field, found.value)


def test_an_unknown_column_is_no_field():
    """A column that callers may not set is an error of the programmer."""
    with pytest.raises(KeyError):
        problem("did_id", "1")
