"""What Asterisk says in bytes, read in whatever pieces it comes, and what is said to it."""

import random

import pytest

from didier.agi.protocol import (
    ENVIRONMENT_BYTES,
    LINES,
    Environment,
    Misunderstood,
    Reading,
    Reply,
    command,
)
from didier.domain.calls.commands import argument, quoted

ENVIRONMENT = (
    b"agi_network: yes\nagi_network_script: did-route\nagi_request: agi://127.0.0.1:4573/did-route\n"
    b"agi_uniqueid: 1764375000.7\nagi_extension: 18001234567\nagi_calleridname: Ann: a  friend \n\n"
)
USAGE = b"520-Invalid syntax.  Proper usage follows:\n Usage: SET CONTEXT <x>\n\n520 End of proper usage.\n"


def after_environment(asked=True):
    reading = Reading()
    reading.feed(b"agi_extension: 1\n\n")
    if asked:
        reading.ask()
    return reading


def pieces(data, size):
    return [data[place : place + size] for place in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
def test_an_environment_comes_in_pieces(size):
    """Wherever the bytes are cut, the same values are read, at the blank line and not before."""
    reading = Reading()
    for piece in pieces(ENVIRONMENT[:-1], size):
        reading.feed(piece)
    before = reading.environment
    reading.feed(ENVIRONMENT[-1:])

    assert before is None
    assert {
        "agi_network": "yes", "agi_network_script": "did-route", "agi_uniqueid": "1764375000.7",
        "agi_request": "agi://127.0.0.1:4573/did-route", "agi_extension": "18001234567",
        "agi_calleridname": "Ann: a  friend ",
    } == reading.environment.values  # fmt: skip


@pytest.mark.parametrize(
    ("line", "value"),
    [
        (b"agi_x:", ""),
        (b"agi_x:    1", "1"),
        (b"agi_x: 1 \r", "1 "),
        (b"agi_x: caf\xc3\xa9", "café"),
        (b"agi_x: caf\xe9", "caf\ufffd"),
        (b"agi_x: a\0b", "a\0b"),
        (b"agi_x: 1\nagi_x: 2", "2"),
    ],
)
def test_a_value_is_what_stands_behind_the_colon(line, value):
    """Blanks before it and a carriage return are no part of it; other letters are replaced."""
    reading = Reading()
    reading.feed(line + b"\n\n")

    assert {"agi_x": value} == reading.environment.values


@pytest.mark.parametrize("line", [b"GET / HTTP/1.1", b"\x16\x03\x01", b"agi_x", b"AGI_x: 1", b" ", b"x: 1"])
def test_what_is_no_environment_is_refused(line):
    """A browser, a scanner or somebody else's protocol is not listened to."""
    with pytest.raises(Misunderstood):
        Reading().feed(line + b"\n")


@pytest.mark.parametrize(
    ("values", "script"),
    [
        ({"agi_network_script": "did-route"}, "did-route"),
        ({"agi_network_script": "/did-route/"}, "did-route"),
        ({"agi_network_script": "did-route?next=1"}, "did-route"),
        ({"agi_request": "agi://127.0.0.1:4573/did-route"}, "did-route"),
        ({"agi_network_script": "", "agi_request": "agi://[::1]/did-route?a=b"}, "did-route"),
        ({"agi_request": "agi-DID_route.agi"}, "agi-DID_route.agi"),
        ({"agi_request": "agi://127.0.0.1"}, ""),
        ({"agi_request": "agi://[/did-route"}, ""),
        ({}, ""),
    ],
)
def test_a_script_has_a_name(values, script):
    """The path of the address is the name; an address that is none has no name."""
    assert script == Environment(values).script


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (b"200 result=0\n", Reply(200)),
        (b"200 result=1 (gateway 7)\n", Reply(200, "gateway 7")),
        (b"200 result=1 ((a) b)\n", Reply(200, "(a) b")),
        (b"200 result=1 (caf\xe9)\n", Reply(200, "caf\ufffd")),
        (b"200 result=-1 endpos=160\n", Reply(200)),
        (b"200 result=1\r\n", Reply(200)),
        (b"200\n", Reply(200)),
        (b"510 Invalid or unknown command\n", Reply(510)),
        (b"511 Command Not Permitted on a dead channel or intercept routine\n", Reply(511)),
        (b"520 End of proper usage.\n", Reply(520)),
        (USAGE, Reply(520)),
        (USAGE.replace(b"\n", b"\r\n"), Reply(520)),
        (b"520-a\n510 not yet\n200 result=1\n520-b\n520 end\n", Reply(520)),
    ],
)
def test_a_reply_comes_in_pieces(said, reply, size):
    """A reply is there with the line feed of its last line, and not before."""
    reading = after_environment()
    for piece in pieces(said[:-1], size):
        reading.feed(piece)
    before = reading.reply
    reading.feed(said[-1:])

    assert (None, reply, False) == (before, reading.reply, reading.hung_up)


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("said", "reply"),
    [
        (b"HANGUP\n200 result=0\n", Reply(200)),
        (b"200 result=0\nHANGUP\n", Reply(200)),
        (b"HANGUP\nHANGUP\r\n511 Command Not Permitted\n", Reply(511)),
        (b"520-Usage\nHANGUP\n520 End\n", Reply(520)),
        (b"HANGUP\n", None),
    ],
)
def test_a_caller_who_goes_is_noticed(said, reply, size):
    """The line stands before, behind, between or instead of a reply, which stays what it is."""
    reading = after_environment()
    for piece in pieces(said, size):
        reading.feed(piece)

    assert (reply, True) == (reading.reply, reading.hung_up)


def test_a_caller_may_go_before_all():
    """The channel tells of itself all the same."""
    reading = Reading()
    reading.feed(b"HANGUP\nagi_x: 1\nHANGUP\n\n")

    assert reading.hung_up
    assert {"agi_x": "1"} == reading.environment.values


@pytest.mark.parametrize("said", [b"\n", b"hello\n", b"20 result=1\n", b"2000\n", b"HANGUP now\n", b"\xff\n"])
def test_what_is_no_reply_is_refused(said):
    """Nothing is guessed from it."""
    with pytest.raises(Misunderstood):
        after_environment().feed(said)


def test_a_reply_that_nobody_asked_for_is_refused():
    """It would be taken for that of the next command, which may be refused."""
    early, twice, begun = after_environment(asked=False), after_environment(), after_environment()
    begun.feed(b"200 result=0\n200 res")

    with pytest.raises(Misunderstood):
        early.feed(b"200 result=0\n")
    with pytest.raises(Misunderstood):
        twice.feed(b"200 result=0\n200 result=0\n")
    with pytest.raises(Misunderstood):
        begun.ask()


def test_a_command_follows_a_line_that_has_begun():
    """A caller goes while the next command is written; each command has its own reply."""
    reading = after_environment()
    reading.feed(b"200 result=0\nHANG")
    reading.ask()
    before = reading.reply
    reading.feed(b"UP\n511 dead\n")

    assert (None, Reply(511), True) == (before, reading.reply, reading.hung_up)


TOKENS = (
    b"agi_x: 1\n", b"agi_network_script: did-route\n", b"agi_request: agi://[::1]/x\n", b"\n", b"\r\n",
    b"\n\n", b"HANGUP\n", b"200 result=0\n", b"200 result=1 (x)\n", b"200", b" result=", b"(", b")",
    b"510 no\n", b"511 dead\n", b"520-use\n", b"520 end\n", b"-", b"agi_", b":", b"HANG", b"\0",
    b"\xff", b"\xc3", b"[",
)  # fmt: skip
INPUTS = 100_000


def test_bytes_are_read_or_misunderstood():
    """Of a hundred thousand inputs none raises anything else, whoever asks for a reply in between."""
    chance = random.Random(4573)
    understood = 0
    for _ in range(INPUTS):
        reading = Reading()
        try:
            for piece in chance.choices(TOKENS, k=chance.randrange(1, 12)):
                reading.feed(piece if chance.random() < 0.9 else chance.randbytes(3))
                if reading.environment and chance.random() < 0.5:
                    reading.ask()
        except Misunderstood:
            continue
        understood += 1
        assert reading.environment is None or isinstance(reading.environment.script, str)

    assert 0 < understood < INPUTS


LIMITED = {
    "a line": lambda n: b"agi_x: " + b"1" * n,
    "lines": lambda n: (b"agi_x: " + b"1" * 1000 + b"\n") * (n // 1008),
    "short lines": lambda n: b"agi_x:\n" * (n * LINES // ENVIRONMENT_BYTES),
}


@pytest.mark.parametrize("kind", LIMITED)
def test_an_environment_has_an_end(kind):
    """Less than the limits is read, more is refused, however it comes."""
    Reading().feed(LIMITED[kind](ENVIRONMENT_BYTES - 1000))
    whole, in_pieces = Reading(), Reading()
    sent = LIMITED[kind](ENVIRONMENT_BYTES + 2000)

    with pytest.raises(Misunderstood):
        whole.feed(sent)
    with pytest.raises(Misunderstood):
        list(map(in_pieces.feed, pieces(sent, 999)))


@pytest.mark.parametrize("line", [b"a" * 1000, b"HANGUP", b""])
def test_usage_has_an_end(line):
    """A refusal of endless lines is refused."""
    reading = after_environment()
    reading.feed(b"520-Usage\n")

    with pytest.raises(Misunderstood):
        reading.feed((line + b"\n") * (LINES + 1))


def test_limits_are_those_of_each_reply():
    """A conversation may be longer than a reply."""
    reading = after_environment()
    for _ in range(3 * LINES):
        reading.feed(b"200 result=1 (" + b"1" * 1000 + b")\n")
        reading.ask()

    assert reading.reply is None


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("18001234567", "18001234567"),
        ("99909*1***DID", "99909*1***DID"),
        ("a b", '"a b"'),
        ("a\tb", "ab"),
        ("a\nSET PRIORITY 1", '"aSET PRIORITY 1"'),
        ("\0\r\x7f", '""'),
        ("", '""'),
        ("a\\", '"a\\\\"'),
        ('a "b', '"a \\"b"'),
        ("a\xa0b", '"a\xa0b"'),
    ],
)
def test_an_argument_is_one_argument(text, written):
    """What would be several, or none, is quoted; a control character ends no command."""
    assert written == argument(text)


def test_a_command_is_a_line():
    """It ends in a line feed alone, and quotes hold what is in them."""
    told = quoted('café "x"\r\n <1>')

    assert b'SET CALLERID "caf\xc3\xa9 \\"x\\" <1>"\n' == command(f"SET CALLERID {told}")
