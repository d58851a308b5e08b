import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.storage.batches.input_text import PIECE_BYTES, Packer, pack, unpack

PROPERTY = settings(derandomize=True, max_examples=60, deadline=None)

TEXTS = st.text(st.characters(codec="utf-8"), max_size=200)


def divided(content: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted(cut % (len(content) + 1) for cut in cuts)
    return [content[a:b] for a, b in zip([0, *places], [*places, len(content)], strict=True)]


def noise(size: int) -> bytes:
    """Return *size* bytes of text that cannot be made smaller by much."""
    return bytes(
        random.Random(7).choices(b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+/", k=size)
    )


@PROPERTY
@given(TEXTS, st.lists(st.integers(0, 1_000), max_size=8), st.lists(st.integers(0, 1_000), max_size=8))
def test_a_text_is_what_it_was(text, parts, pieces):
    """However a text comes, and in whatever pieces it is stored, it is the same: letters that are cut too."""
    packed = b"".join(pack(divided(text.encode(), parts)))

    assert text == "".join(unpack(divided(packed, pieces)))


def test_pieces_are_bounded():
    """No piece is larger than a statement may be, however large the parts are; together they are the text."""
    content = noise(4 * PIECE_BYTES)

    pieces = list(pack([content]))

    assert len(pieces) > 2
    assert all(len(piece) <= PIECE_BYTES for piece in pieces)
    assert content == "".join(unpack(pieces)).encode()


def test_a_text_is_read_a_little_at_a_time():
    """What a few bytes stand for does not come at once."""
    pieces = list(pack([b"0" * 1_000_000] * 20))

    assert len(pieces) == 1
    assert all(len(text) <= PIECE_BYTES for text in unpack(pieces))
    assert 20_000_000 == sum(map(len, unpack(pieces)))


@pytest.mark.parametrize(
    "content", [b"5550100\n\xff\n5550101", "5550100\né".encode("latin-1"), "5550100 é".encode()[:-1]]
)
def test_what_is_no_utf_8_is_refused(content):
    """Bytes that are no text, and a letter that is cut off at the end, raise an error."""
    with pytest.raises(UnicodeDecodeError):
        list(unpack(pack([content])))


def test_an_empty_text_is_empty():
    """Nothing is nothing."""
    assert [b""] != list(pack([])) == [Packer().end()]
    assert "" == "".join(unpack(pack([])))
