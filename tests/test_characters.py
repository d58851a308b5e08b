import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.characters import refused, visible, visible_json
from didier.domain import accounts, fields
from didier.domain.fields import Field
from didier.domain.templates import Template
from support.characters import COMMANDS, HARMLESS

TEXTS = [
    field for field in (*fields.DID_FIELDS, *accounts.USER_FIELDS) if field.rule("x" * 6) is None
]  # those that take any text


@given(st.text())
def test_what_is_refused(text):
    """Control characters, controls of bidirectional text, separators and what is no character are refused."""
    bad = [c for c in text if unicodedata.category(c) in {"Cc", "Zl", "Zp", "Cs"} or c in COMMANDS]

    assert bool(bad) == (refused(text) is not None)


@pytest.mark.parametrize("character", COMMANDS, ids=ascii)
def test_a_refusal_says_which_character_and_where(character):
    """The character is named by its code, and its place is counted from one."""
    assert f"a text without control characters (U+{ord(character):04X} is character 3)" == refused(
        f"ab{character}c\x1b"
    )


@pytest.mark.parametrize("text", HARMLESS)
def test_other_characters_are_left_alone(text):
    """Letters of every script, joiners and emoji are neither refused nor shown in another way."""
    assert None is refused(text)
    assert text == visible(text)
    assert json.dumps(text, ensure_ascii=False) == visible_json(json.dumps(text, ensure_ascii=False))


@pytest.mark.parametrize("field", TEXTS, ids=lambda field: field.column)
def test_no_field_takes_them(field: Field):
    """Every text of a DID and of a user is refused with one of them, and told which it is."""
    said = {character: field.rule(f"abcdef{character}") for character in COMMANDS if character <= "\uffff"}

    assert {character: refused(f"abcdef{character}") for character in said} == said


@pytest.mark.parametrize("field", [*fields.DID_FIELDS, *accounts.USER_FIELDS], ids=lambda field: field.column)
def test_no_field_of_another_kind_takes_them(field: Field):
    """Fields of a few values, or of digits, take none of them either."""
    values = [
        f"{value}{character}" for value in ("", "Y", "1", "101", "EXTEN", "CID") for character in COMMANDS
    ]

    assert None not in {field.rule(value) for value in values}


@pytest.mark.parametrize("character", COMMANDS, ids=ascii)
def test_no_name_and_no_template_takes_them(character):
    """Names of users and templates of descriptions take none of them."""
    assert accounts.name(f"ab{character}") is not None
    assert Template(f"Sales {character}{{target}}").problem(()) is not None


@given(st.text())
def test_what_is_visible_commands_nothing(text):
    """What is shown is text that may be stored, and differs from what was given in those characters alone."""
    assert None is refused(visible(text))
    assert None is not refused(text) or text == visible(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("red\x1b[31m", r"red\x1b[31m"),
        ("a\tb\r\nc", r"a\tb\r\nc"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("\u202e123\u2028", r"\u202e123\u2028"),
        ("\U0001ffff\ud800", r"\U0001ffff\ud800"),
    ],
)
def test_how_they_are_shown(text, expected):
    """They are shown by their codes, as Python writes them."""
    assert expected == visible(text)


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_json_means_the_same(value):
    """JSON without them is read as what it was made of, and commands nothing."""
    written = visible_json(json.dumps(value, ensure_ascii=False))

    assert value == json.loads(written)
    assert None is refused(written)
