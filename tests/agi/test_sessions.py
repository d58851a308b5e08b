"""Whatever Asterisk says, a call is sent on as a whole or not at all, and every conversation ends."""

import asyncio
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agi.asterisk import (
    OK,
    PRIORITY,
    TARGET,
    UNSET,
    WHOLE,
    decided,
    ended,
    environment,
    pair,
    talk,
    to_extension,
)
from didier.agi.session import SCRIPTS, Session
from didier.domain.calls.live import Undecided
from didier.domain.calls.targets import Target
from didier.errors import DatabaseLost

SECONDS = 0.02
"""How long is waited for a word: conversations of the tests have their words ready."""

USAGE = b"520-Invalid command syntax.  Proper usage follows:\n Usage: x\n520 End of proper usage.\n"


async def conversation(said, route=to_extension, seconds=SECONDS):
    channel, asterisk = await pair(seconds)
    talking = asyncio.ensure_future(talk(*asterisk, *said))
    try:
        await Session(channel, route).run()
    finally:
        channel.close()
        commands = await talking
    return commands


def commands_of(*said, route=to_extension, seconds=SECONDS):
    """Return the commands that Asterisk got, which has said one of *said* at the start and behind each."""
    return asyncio.run(ended(conversation(said, route, seconds)))


@pytest.mark.parametrize("script", sorted(SCRIPTS))
def test_a_call_is_sent_on(script):
    """By each of its names; one command at a time, the last lets the call leave."""
    assert WHOLE == commands_of(environment(script), OK, OK, OK, OK, seconds=60)


@pytest.mark.parametrize("script", ["", "did-route2", "agi-VDAD.agi", "did-route/x"])
def test_an_unknown_script_is_closed(script):
    """Without a command, and without a decision: the dialplan goes on."""
    asked = []

    assert [] == commands_of(environment(script), OK, route=asked.append, seconds=60)
    assert [] == asked


REFUSALS = {
    "510": b"510 Invalid or unknown command\n",
    "511": b"511 Command Not Permitted on a dead channel or intercept routine\n",
    "520": USAGE,
    "gone before": b"HANGUP\n511 Command Not Permitted on a dead channel\n",
    "gone": b"HANGUP\n" + OK,
    "gone behind": OK + b"HANGUP\n",
    "closed": None,
    "nonsense": b"whatever\n",
    "twice": OK + OK,
    "too long": b"2" * 70_000,
}
SILENCES = {
    "gone instead": b"HANGUP\n",
    "silence": b"",
    "half a reply": b"200 resul",
    "half a usage": b"520-Usage\n",
}


@pytest.mark.parametrize("place", [2, 3], ids=["context", "extension"])
@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_nothing_follows_a_refusal(refusal, place):
    """The call must not leave with half of what was wanted: it would come back for ever."""
    said = [environment(), *[OK] * 3]
    said[place] = refusal

    assert WHOLE[:place] == commands_of(*said, OK, seconds=60)


@pytest.mark.parametrize("place", [1, 2, 3], ids=["gateway", "context", "extension"])
@pytest.mark.parametrize("silence", SILENCES.values(), ids=SILENCES)
def test_nothing_follows_silence(silence, place):
    """Nor does a caller who has gone keep the connection."""
    said = [environment(), *[OK] * 3]
    said[place] = silence
    commands = commands_of(*said, OK)

    assert commands == WHOLE[: len(commands)]
    assert len(commands) <= place


@pytest.mark.parametrize("reply", [OK, b"200 result=1 (gw)\n", b"510 no\n", b"HANGUP\n" + OK, USAGE])
def test_a_call_is_decided_on_without_a_gateway(reply):
    """Whether or not the variable is there, and when the caller has gone: the call leaves its rows."""
    calls = []

    async def route(call):
        calls.append(call.gateway)
        return Undecided("too slow")

    assert [UNSET] == commands_of(environment(), reply, route=route, seconds=60)
    assert ["gw" if b"gw" in reply else ""] == calls


@pytest.mark.parametrize(
    ("argument", "expected"), [("next=2", 2), ("next=x", 0), ("x", 0), ("", 0), ("next=0", 0), ("NEXT=1", 0)]
)
def test_an_argument_asks_for_the_next_destination(argument, expected):
    """Others say nothing."""
    calls = []

    async def route(call):
        calls.append(call.next)
        return Undecided("it was only asked about")

    assert [UNSET] == commands_of(environment(arg_1=argument), OK, route=route, seconds=60)
    assert [expected] == calls


def test_refusals_of_what_is_not_needed_do_not_matter():
    """A call that cannot be recorded, or whose caller cannot be named, is sent on."""

    async def route(call):
        return decided(call, is_recorded=True)

    said = commands_of(environment(callerid="1"), OK, b"510 no\n", OK, OK, OK, route=route, seconds=60)

    assert [b"EXEC", *(line.split()[0] for line in WHOLE[1:])] == [line.split()[0] for line in said[1:]]


@pytest.mark.parametrize(
    "target", [None, Target("default", ""), Target("", "1"), Target("default", "\1"), Target('""', "1")]
)
def test_no_target_has_no_commands(target):
    """What would empty context or extension is not sent: such a call would be lost, or come back for ever."""

    async def route(call):
        return decided(call, target)

    assert [UNSET] == commands_of(environment(), OK, OK, route=route, seconds=60)


@dataclass(frozen=True)
class Said:
    """What Asterisk says to a command, and whether the next may come."""

    words: bytes | tuple[bytes, ...] | None
    goes_on: bool = False


def in_pieces(words):
    return st.integers(1, 9).map(
        lambda size: tuple(words[place : place + size] for place in range(0, len(words), size))
    )


GOOD = st.one_of(
    st.just(OK), in_pieces(b"200 result=1 (7)\n"), st.just(b"200 result=1\r\n"), in_pieces(b"200\n")
).map(lambda words: Said(words, goes_on=True))
BAD = st.one_of(
    in_pieces(USAGE).map(Said),
    st.binary(max_size=40).filter(lambda words: not words.strip().startswith(b"200")).map(Said),
)
REPLIES = st.builds(
    lambda before, bad, after: [*before, bad, *after],
    st.lists(GOOD, max_size=4),
    st.one_of(st.sampled_from([Said(words) for words in (*REFUSALS.values(), *SILENCES.values())]), BAD),
    st.lists(st.one_of(GOOD, BAD), max_size=2),
)
SPOILED = st.one_of(
    in_pieces(environment(callerid='"x" <1>', calleridname="unknown")),
    st.binary(max_size=60),
    st.just(environment()[:-1]),
    st.just(environment("other")),
    st.just(environment(x="1" * 70_000)),
    st.none(),
)
ENVIRONMENTS = st.integers(0, 9).flatmap(lambda n: st.just(environment()) if n else SPOILED)
TARGETS = st.one_of(
    st.just(TARGET), st.builds(Target, st.text(max_size=6), st.text(max_size=6)), st.just(TARGET), st.none()
)


class Jumping(asyncio.SelectorEventLoop):
    """A loop whose clock jumps ahead, as that of a machine that was asleep."""

    def __init__(self, jumps):
        super().__init__()
        self._jumps = jumps
        self._ahead = 0.0

    def time(self):
        if self._jumps:
            self._ahead += self._jumps.pop()
        return super().time() + self._ahead


JUMPS = st.lists(st.sampled_from([0.0, SECONDS, 1.0]), max_size=30)
CLOCKS = st.integers(0, 9).flatmap(lambda n: st.just([]) if n else JUMPS)


@settings(max_examples=200)
@given(first=ENVIRONMENTS, replies=REPLIES, target=TARGETS, fault=st.booleans(), jumps=CLOCKS)
def test_calls_leave_as_a_whole_or_not_at_all(first, replies, target, fault, jumps):
    """Whatever is said, cut, left out, decided, and whatever the time is: each conversation has an end.

    `SET PRIORITY` is the last command, once, and only behind two SETs that were carried out.
    """

    async def route(call):
        if fault and target is None:
            raise DatabaseLost
        return decided(call, target)

    async def run():
        try:
            return await ended(conversation([first, *(reply.words for reply in replies)], route))
        except DatabaseLost:  # the server closes the connection
            return []

    with asyncio.Runner(loop_factory=lambda: Jumping([0.0, *jumps])) as runner:
        commands = runner.run(run())
    done = [reply.goes_on for reply in replies[: len(commands)]]

    assert len(commands) <= len(replies) + 1
    assert all(done[1 : len(commands) - 1])
    kinds = [b" ".join(command.split(b" ")[:2]) for command in commands]
    assert kinds == [UNSET[:12], b"SET CONTEXT", b"SET EXTENSION", b"SET PRIORITY"][: len(kinds)]
    assert PRIORITY not in commands[:-1]
    assert not {b'""', b""} & {command.split(b" ", 2)[2] for command in commands}
