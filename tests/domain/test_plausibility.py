import pytest

from didier.domain.plausibility import block_doubt, doubt
from didier.domain.targets import Range


@pytest.mark.parametrize(
    "pattern",
    [
        "18002220100",
        "+18002220100",
        "+442079460000",
        "+390212345678",
        "42",
        "4001",
        "5550100",
        "123456789012345",
    ],
)
def test_numbers_that_calls_may_come_to(pattern):
    """Digits alone may be a number, up to 15 of them; with a plus sign it is one that some country has."""
    assert doubt(pattern) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("1234567890123456", "more than 15 digits"),
        ("+1800222", "no such number in any country"),
        ("+99912345678", "no such number in any country"),
        ("+4402079460000", "the 0 behind +44 is dialled within the country only"),
        ("_X.", "no call will match this wildcard"),
        ("_1NXXNXXXXXX", "no call will match this wildcard"),
        ("180022201XX", "a telephone number has digits"),
        ("s", "a telephone number has digits"),
        ("default", "a telephone number has digits"),
        ("*98", "a telephone number has digits"),
        ("18002220100.5", "a telephone number has digits"),
        ("1800+555", "a telephone number has digits"),
        ("\u0661\u0662\u0663", "a telephone number has digits"),
    ],
)
def test_patterns_that_no_call_comes_to(pattern, reason):
    """Letters, dots, wildcards and numbers that there are not are doubted, with the reason."""
    assert reason in str(doubt(pattern))


@pytest.mark.parametrize(
    ("block", "is_doubted"),
    [
        (Range("", 11, 18002220000, 18002229999), False),
        (Range("+", 11, 18002220000, 18002229999), False),
        (Range("", 16, 10**15, 10**15 + 9), True),
        (Range("+", 7, 1800222, 1800229), True),
    ],
)
def test_a_block_is_doubted_as_its_numbers_are(block, is_doubted):
    """One look says it of all of them."""
    assert is_doubted == (block_doubt(block) is not None)
    assert is_doubted == any(doubt(block.pattern(number)) for number in (block.first, block.last))
