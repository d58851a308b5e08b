import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.patterns import MAX_LENGTH, SYMBOLS, key, problem, split_list
from didier.errors import InvalidPattern

DIGITS = "0123456789"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEPT = DIGITS + LETTERS + SYMBOLS
SEPARATORS = ",;\t\r\n "

patterns = st.text(KEPT, min_size=2, max_size=50)
numbers = st.text(DIGITS + "+", min_size=7, max_size=20)
lists = st.text(KEPT + SEPARATORS + "-()/'\xa0", max_size=60)


def clean(item: str) -> str:
    return "".join(c for c in item if c in KEPT)


@given(patterns)
def test_two_to_fifty_kept_characters_are_a_pattern(pattern):
    """Any 2 to 50 of the characters that patterns have are one."""
    assert None is problem(pattern)


@pytest.mark.parametrize("pattern", ["s", "default", "+441632960000", "_1NXX.", "éèà", "номер", "电话"])
def test_valid_patterns(pattern):
    """Asterisk's start extension, words and letters of other scripts are patterns."""
    assert None is problem(pattern)


@pytest.mark.parametrize("pattern", ["", "5", "S", "x", "1" * 51, "é" * 51])
def test_length_is_limited(pattern):
    """A pattern has 2 to 50 characters; the refusal says so."""
    assert InvalidPattern(pattern, "it must have 2 to 50 characters") == problem(pattern)


@pytest.mark.parametrize("pattern", ["é" * 26, "é" * 50])
def test_length_is_counted_in_characters(pattern):
    """Letters that take two bytes count once."""
    assert None is problem(pattern)


@pytest.mark.parametrize("bad", [*"-,;|'\"\\/%& \t\n\r\0()[]", "\xa0", "²", "٣", "½", "\u0301", "\u200b"])
def test_other_characters_are_refused(bad):
    """A character that no pattern has refuses the pattern, wherever it stands."""
    refusals = [problem(pattern) for pattern in (f"{bad}5550001", f"555{bad}0001", f"5550001{bad}")]

    allowed = f"only letters, digits and {' '.join(SYMBOLS)} are allowed, and here is"
    for refusal in refusals:
        assert refusal is not None
        assert refusal.reason.startswith(allowed)
        assert f"U+{ord(bad):04X}" in refusal.reason


@pytest.mark.parametrize("pattern", ["\U0001d400\U0001d401", "55\U00020000"])
def test_letters_that_cannot_be_stored_are_refused(pattern):
    """Letters outside the basic plane are refused, as VICIdial would store question marks."""
    found = problem(pattern)

    assert found is not None
    assert found.reason.startswith("emoji and other rare characters cannot be stored (here U+")


@given(st.text(max_size=60))
def test_a_refusal_names_the_pattern(text):
    """Whatever is asked for, it is a pattern, or the refusal has its text and a reason."""
    found = problem(text)

    assert found is None or (text == found.pattern and found.reason)


@given(st.text(KEPT, min_size=2, max_size=50))
def test_case_does_not_distinguish(pattern):
    """Two patterns that differ in case alone are the same DID."""
    assert key(pattern.upper()) == key(pattern.lower())


@given(patterns, patterns)
def test_nothing_but_case_is_ignored_in_ascii(one, other):
    """Two ASCII patterns with one key are equal but for case."""
    assert (one.lower() == other.lower()) == (key(one) == key(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("café", "CAFE"),
        ("É1", "é1"),
        ("Straße", "STRASSE"),
        ("ЖЯ", "жя"),
        ("\uff21\uff22", "ab"),
        ("Åse", "ase"),
    ],
)
def test_case_and_accents_are_ignored(one, other):
    """Letters of other scripts are compared without case and accents."""
    assert key(one) == key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("номер", "номир"), ("+1555", "1555"), ("é1", "é2"), ("#1", "*1")]
)
def test_different_patterns_have_different_keys(one, other):
    """Other letters, digits and symbols make another DID."""
    assert key(one) != key(other)


@given(st.text(max_size=60))
def test_a_key_is_its_own_key(text):
    """Taking the key twice changes nothing."""
    assert key(text) == key(key(text))


@given(lists)
def test_no_item_is_empty(text):
    """A list never yields an empty item, whatever separates."""
    assert all(split_list(text, clean))


@given(lists)
def test_no_character_is_lost_or_invented(text):
    """The items together are the cleaned list, in order."""
    assert clean(text) == "".join(split_list(text, clean))


@given(lists)
def test_commas_always_separate(text):
    """A list is the lists between its commas."""
    assert [item for part in text.split(",") for item in split_list(part, clean)] == split_list(text, clean)


@given(st.lists(patterns), st.sampled_from([",", ";", "\n", "\r\n", "\t", ",\n", ",,"]))
def test_lists_of_patterns_come_apart(wanted, separator):
    """Patterns joined by commas, semicolons, tabs or line ends come apart as they were."""
    assert wanted == split_list(separator.join(wanted), clean)


@given(st.lists(numbers), st.sampled_from([" ", "  ", ", ", "; ", " \n"]))
def test_spaces_separate_whole_numbers(wanted, separator):
    """Spaces separate numbers of seven digits and more."""
    assert wanted == split_list(separator.join(wanted), clean)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", []),
        (",", []),
        (" , ;\n", []),
        ("5550001", ["5550001"]),
        (" 5550001 ", ["5550001"]),
        ("1 800 555 0100", ["18005550100"]),
        ("1 800 555 0100,1 800 555 0101", ["18005550100", "18005550101"]),
        ("5550001 123", ["5550001123"]),
        ("18005550100 18005550101", ["18005550100", "18005550101"]),
        ("555;0002--", ["5550002"]),
        ("555;0002", ["555", "0002"]),
        ("5550001;(5550002)", ["5550001", "5550002"]),
        ("--,5550001,()", ["5550001"]),
        ("5,55", ["5", "55"]),
    ],
)
def test_lists_as_people_write_them(text, items):
    """Numbers written in groups are joined; whole numbers stand alone."""
    assert items == split_list(text, clean)


@given(st.lists(patterns, min_size=1, max_size=5))
def test_longest_pattern_still_comes_out_whole(wanted):
    """Splitting cuts nothing: an item longer than a pattern stays as long as it is."""
    long = [pattern.ljust(MAX_LENGTH + 1, "0") for pattern in wanted]

    assert long == split_list(",".join(long), clean)
