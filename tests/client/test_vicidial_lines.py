"""Answers of VICIdial, read."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.client.vicidial.lines import (
    Line,
    LoggedCall,
    UserDetails,
    Version,
    excerpt,
    masked,
    read,
    read_calls,
    read_users,
    read_version,
)

WARNING = "<br />\n<b>Warning</b>:  Undefined variable $x in <b>/srv/api.php</b> on line <b>7</b><br />\n"
PROPERTY = settings(derandomize=True, max_examples=300, deadline=None)
CALL = LoggedCall("5550001", "7275551212", datetime(2026, 3, 4, 9), 100)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "SUCCESS: add_did DID HAS BEEN ADDED - u|5550001",
            Line("SUCCESS", "add_did", "DID HAS BEEN ADDED", "u", ("5550001",)),
        ),
        (
            "NOTICE: copy_did DID HAS BEEN ADDED - u|5550001|555|2|1",
            Line("NOTICE", "copy_did", "DID HAS BEEN ADDED", "u", ("5550001", "555", "2", "1")),
        ),
        (
            "ERROR: add_did DID ALREADY EXISTS: |u|5550001",
            Line("ERROR", "add_did", "DID ALREADY EXISTS", "u", ("5550001",)),
        ),
        (
            "ERROR: user_details USER NOT FOUND: u|9999",
            Line("ERROR", "user_details", "USER NOT FOUND", "u", ("9999",)),
        ),
        (
            "ERROR: did_log_export NO RECORDS FOUND - u|||2026-03-04",
            Line("ERROR", "did_log_export", "NO RECORDS FOUND", "u", ("", "", "2026-03-04")),
        ),
        (
            "NOTICE: update_user USER PASSWORD RESET FAILED: NO VALID EMAIL PROVIDED - u|1001|",
            Line(
                "NOTICE", "update_user", "USER PASSWORD RESET FAILED: NO VALID EMAIL PROVIDED", "u",
                ("1001", ""),
            ),
        ),
        (
            "ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: |u|add_did|",
            Line("ERROR", "auth", "USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION", "u", ("add_did", "")),
        ),
        (
            "ERROR: Your IP Address is not allowed: 192.0.2.1: ||IPBLOCK|",
            Line("ERROR", "", "Your IP Address is not allowed: 192.0.2.1", "", ("IPBLOCK", "")),
        ),
        ("ERROR: NO FUNCTION SPECIFIED", Line("ERROR", "", "NO FUNCTION SPECIFIED")),
        ("ERROR: Invalid Source - x", Line("ERROR", "", "Invalid Source", "x")),
        (
            "ERROR: add_did CAMPAIGN MUST BE FROM 1 TO 8 CHARACTERS, THIS IS AN OPTIONAL FIELD: |u|a - b",
            Line(
                "ERROR", "add_did",
                "CAMPAIGN MUST BE FROM 1 TO 8 CHARACTERS, THIS IS AN OPTIONAL FIELD", "u", ("a - b",),
            ),
        ),
    ],
)  # fmt: skip
def test_each_form_of_a_line_is_read(text, line):
    """Kind, function, text, user and data are told apart in every form that lines have."""
    assert [line] == read(f"{text}\n")


def test_a_password_that_vicidial_shows_is_not_kept():
    """The line of a refused login has the mask where the password was."""
    [line] = read("ERROR: Login incorrect, please try again: |u|Qu1et-word|BAD|\n")

    assert ("***", "BAD", "") == line.data
    assert "Qu1et-word" not in repr(line)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("before", ["", "\n\n", WARNING, "\ufeff", "PHP Notice:  x in y on line 3\n"])
@pytest.mark.parametrize("after", ["", "\n<!-- script runtime: 0 seconds -->\n</body>\n</html>\n"])
def test_what_stands_around_lines_is_passed_over(before, after, ends):
    """Blank lines, warnings of PHP and the tags of a page do not hide the lines."""
    text = f"{before}NOTICE: copy_did DID ALREADY EXISTS - u|5550001\nERROR: NO FUNCTION SPECIFIED\n{after}"

    assert ["DID ALREADY EXISTS", "NO FUNCTION SPECIFIED"] == [
        line.text for line in read(text.replace("\n", ends))
    ]


def test_a_page_has_no_lines():
    """A login page, and an empty answer, say nothing."""
    assert [] == read("<html><body><h1>Please log in</h1></body></html>")
    assert [] == read("")


def test_the_version_is_read():
    """Version and build are found, also behind a warning."""
    text = f"{WARNING}VERSION: 2.14-1|BUILD: 250101-1200|DATE: 2026-03-04 05:06:07|EPOCH: 1|DST: 0|\n"

    assert Version("2.14-1", "250101-1200") == read_version(text)
    assert read_version("VERSION: 2.14-1\n") is None


@pytest.mark.parametrize("caller", ["7275551212", "a\tb", "a|b,c", ""])
def test_calls_are_read(caller):
    """What a caller is called may hold anything, a tab too."""
    text = f"5550001\t{caller}\t2026-03-04 09:00:00\t100\n5550001\t7275551212\t2026-03-04 09:00:00\t100\n"

    assert [LoggedCall("5550001", caller, CALL.called_at, 100), CALL] == read_calls(text)


@pytest.mark.parametrize(
    "row", ["5550001", "5550001\t1\tyesterday\t0", "5550001\t1\t0000-00-00 00:00:00\t0", "Something else"]
)
def test_a_row_that_cannot_be_read_is_not_left_out(row):
    """Rows are all read or none, so that no call is lost unseen; warnings are no rows."""
    good = "5550001\t7275551212\t2026-03-04 09:00:00\t100\n"

    assert read_calls(f"{good}{row}\n") is None
    assert [CALL] == read_calls(f"{WARNING}{good}\n")
    assert read_calls(WARNING) is None


def test_a_user_is_read():
    """Name, group, level and whether active; a name may have a pipe in it."""
    assert [UserDetails("1001", "Ann | Bob", "ADMIN", 3, False)] == read_users("1001|Ann | Bob|ADMIN|3|N\n")
    assert read_users("1001|Ann|ADMIN|three|Y\n") is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("|u|p;a'ss|BAD|", "|u|***|BAD|"),
        ("|u|pass|BAD|", "|u|***|BAD|"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_secrets_are_masked_as_sent_and_as_cleaned(text, shown):
    """VICIdial shows a password without its punctuation."""
    assert shown == masked(text, ["p;a'ss"])
    assert text == masked(text, [])


def test_an_excerpt_has_no_tags_and_an_end():
    """Of a page its words are shown, and not too many."""
    assert "Please log in" == excerpt("<html><style>x{}</style><body><h1>Please\n\nlog in</h1></body></html>")
    assert 501 == len(excerpt("x" * 1000))


@PROPERTY
@given(st.text(), st.text())
def test_any_text_is_read_without_an_error(text, word):
    """Whatever a server answers, reading it raises nothing."""
    for answer in (
        text,
        f"SUCCESS: add_did {text}",
        f"ERROR: {word}: |{text}",
        f"NOTICE: copy_did {word} - {text}",
    ):
        for line in read(answer):
            assert line.kind in {"SUCCESS", "NOTICE", "ERROR"}
        read_calls(answer)
        read_users(answer)
        read_version(answer)
        excerpt(masked(answer, [word]))


NAMES = st.text("ABCdef0123456789-_", max_size=12)


@PROPERTY
@given(
    st.sampled_from(["SUCCESS", "NOTICE", "ERROR"]),
    NAMES,
    st.lists(st.text("0123456789aZ:+*#._,", max_size=9)),
)
def test_a_line_is_read_as_it_was_written(kind, user, data):
    """A line of either form gives the user and the data back."""
    rest = "|".join([user, *data])

    expected = Line(kind, "copy_did", "DID HAS BEEN ADDED", user, tuple(data))
    assert [expected] == read(f"{kind}: copy_did DID HAS BEEN ADDED - {rest}")
    assert [expected] == read(f"{kind}: copy_did DID HAS BEEN ADDED: |{rest}")
