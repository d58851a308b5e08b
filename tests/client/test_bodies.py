import io
from itertools import count, islice

import pytest

from didier.client import bodies

NUMBERS = [str(18_002_220_000 + number) for number in range(5_000)]


def sent(given):
    listed, body = bodies.targets(given)
    return listed if body is None else (body.media_type, b"".join(body).decode())


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("18002220000-99", ["18002220000-99"]),
        (["1801", "1802"], ["1801", "1802"]),
        (iter(NUMBERS[:1_000]), NUMBERS[:1_000]),
        ({"target": "1801", "active": True}, [{"target": "1801", "did_active": "Y"}]),
        ([], []),
    ],
)
def test_few_targets_are_a_list(given, listed):
    """They go into the JSON body."""
    assert listed == sent(given)


def test_many_targets_are_a_text():
    """A line each."""
    assert ("text/plain; charset=utf-8", "".join(f"{one}\n" for one in NUMBERS)) == sent(NUMBERS)


def test_many_targets_with_columns_are_csv():
    """The columns are those of the first thousand; what is empty is left as the source has it."""
    given = [{"target": "1801", "description": 'a "b", c', "group_id": None}, "1802"]
    given += [{"target": one, "active": True} for one in NUMBERS]

    kind, text = sent(given)
    assert "text/csv; charset=utf-8" == kind
    assert [
        "target,did_description,group_id,did_active",
        '1801,"a ""b"", c",--BLANK--,',
        "1802,,,",
        "18002220000,,,Y",
    ] == text.split("\r\n")[:4]
    assert 5_003 == text.count("\r\n")


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ([*NUMBERS, {"target": "1801"}], ValueError),
        ([{"target": "1801"}, *NUMBERS, {"target": "1802", "description": "late"}], ValueError),
        ([{"description": "no target"}], ValueError),
        ([1801], TypeError),
        ([*NUMBERS, 1801], ValueError),
    ],
)
def test_targets_that_cannot_be_sent_are_refused(given, error):
    """Before or while they are sent."""
    with pytest.raises(error):
        sent(given)


def test_targets_are_read_as_they_are_sent():
    """Of targets without end no more is read than a piece has."""
    numbers = count(18_000_000_000)
    _, body = bodies.targets(str(number) for number in numbers)

    assert 18_000_000_000 + bodies.SMALL + 1 == next(numbers)
    assert 1 == len(list(islice(body, 1)))
    assert next(numbers) < 18_000_000_000 + bodies.PIECE_BYTES


def test_pieces_are_sent_again_from_the_beginning():
    """Wherever the first attempt broke off, and however large it is."""
    pieces = [bytes([number]) * 3_000_000 for number in range(5)]
    body = bodies.Remembered(iter(pieces))

    assert b"".join(pieces)[:1] == next(iter(body))[:1]
    assert 4_000_000 < sum(map(len, islice(body, 70)))
    assert b"".join(pieces) == b"".join(body)
    assert b"".join(pieces) == b"".join(body)


@pytest.mark.parametrize("kind", ["text", "bytes", "path", "binary", "textual", "pieces"])
def test_csv_comes_in_many_forms(kind, tmp_path):
    """All are sent alike, and again."""
    text = "target,description\n1801,Grüße\n"
    path = tmp_path / "numbers.csv"
    path.write_text(text, encoding="utf-8")
    given = {
        "text": text, "bytes": text.encode(), "path": path, "binary": io.BytesIO(text.encode()),
        "textual": io.StringIO(text), "pieces": iter([text.encode()[:28], b"", text.encode()[28:]]),
    }  # fmt: skip
    body = bodies.table(given[kind])

    assert "text/csv; charset=utf-8" == body.media_type
    assert [text, text] == [b"".join(body).decode() for _ in range(2)]


def test_the_name_of_a_file_is_no_csv():
    """A text of one line has no rows: it is a mistake."""
    with pytest.raises(ValueError, match=r"pathlib\.Path"):
        bodies.table("numbers.csv")


def test_pieces_of_csv_are_bytes():
    """Texts in pieces are a mistake of the program."""
    with pytest.raises(TypeError, match="not str"):
        list(bodies.table(["target\n", "1801\n"]))
