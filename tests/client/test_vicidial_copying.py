"""Copies of many: what is sent, in how many requests, and what is told of each target."""

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from didier.client import errors
from didier.client.vicidial import (
    Added,
    CopyInterrupted,
    Exists,
    NotReached,
    Refused,
    UnexpectedReply,
    expand,
    lines,
)
from didier.client.vicidial.calls import Answer, FunctionCall
from didier.client.vicidial.copying import LIST_BYTES, RANGE_LIMIT, copy, examine, read, split

SOURCE = "18001234567"
MANY = [str(18_002_220_000 + number) for number in range(400)]
PROPERTY = settings(derandomize=True, max_examples=150, deadline=None)
PATTERNS = st.text("0123456789aZ:+*#._é", min_size=2, max_size=50)


def copied(targets, *, there=(), first_id=2):
    """Return what VICIdial answers to a copy to *targets*, of which some are *there*."""
    text, made = "", 0
    for number, target in enumerate(targets):
        if target in there:
            text += f"NOTICE: copy_did DID ALREADY EXISTS - u|{target}\n"
        else:
            text += f"NOTICE: copy_did DID HAS BEEN ADDED - u|{target}|{SOURCE}|{first_id + number}|1\n"
            made += 1
    if made:
        return f"{text}SUCCESS: copy_did DIDS HAVE BEEN ADDED - u|{SOURCE}|{made}|{len(targets) - made}\n"
    return f"{text}ERROR: copy_did NO DIDS ADDED - u|{SOURCE}|0|{len(targets)}\n"


def answer(text, status=200):
    return Answer(status, text, text[:80])


def run(talk, *outcomes):
    """Run a conversation with *outcomes*, texts or errors; return the lists that were sent and its result."""
    waiting = list(outcomes)
    sent = []
    try:
        call = next(talk)
        while True:
            sent.append(call.parameters["new_dids"].split(","))
            outcome = waiting.pop(0)
            outcome = outcome(sent[-1]) if callable(outcome) else outcome
            call = talk.throw(outcome) if isinstance(outcome, Exception) else talk.send(outcome)
    except StopIteration as end:
        return sent, end.value


def all_made(asked):
    return answer(copied(asked))


def test_one_result_per_target_in_order():
    """What exists is told, and what is refused keeps its place."""
    sent, results = run(
        copy(SOURCE, ["5550001", "", "5550002", "800-555-0100", "5550003"]),
        lambda asked: answer(copied(asked, there=["5550002"])),
    )

    assert [["5550001", "5550002", "5550003"]] == sent
    other = "only letters, digits and : + * # . _ are allowed; VICIdial would make 8005550100 of it"
    assert [
        Added("5550001", 2),
        Refused("", "it must have 2 to 50 characters"),
        Exists("5550002"),
        Refused("800-555-0100", other),
        Added("5550003", 4),
    ] == results


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("", "2 to 50"),
        ("s", "2 to 50"),
        ("5" * 51, "2 to 50"),
        ("800-555-0100", "would make 8005550100 of it"),
        ("5550001;5550002", "would make 55500015550002 of it"),
        ("5550001 5550002", "would make 55500015550002 of it"),
        ("5550001,5550002", "would make"),
        ("((()))", "would make an empty DID of it"),
        ("línea", "would make lnea of it"),
        ("18002220099-18002220000", "before the beginning"),
        ("18002220000-19002220000", "at most"),
    ],
)
def test_a_target_of_which_vicidial_makes_another_is_not_sent(target, why):
    """Such a target is refused here, with the reason, and the others are sent."""
    sent, [refused, added] = run(copy(SOURCE, [target, "5550001"]), all_made)

    assert [["5550001"]] == sent
    assert Added("5550001", 2) == added
    assert target == refused.pattern
    assert why in refused.reason


def test_nothing_is_sent_for_nothing():
    """Where no target may be sent, no request is."""
    assert ([], [Refused("x", "it must have 2 to 50 characters")]) == run(copy(SOURCE, ["x"]))
    assert ([], []) == run(copy(SOURCE, []))


@pytest.mark.parametrize("second", ["LOBBY", "Lobby", "lobby"])
def test_a_target_that_is_named_before_is_refused(second):
    """Two spellings that VICIdial's column holds as one are one DID."""
    _, results = run(copy(SOURCE, ["lobby", second]), all_made)

    assert [Added("lobby", 2), Refused(second, "it appears earlier, as lobby")] == results


def test_ranges_and_line_ends_are_understood():
    """A range is written out in its place; the line ends of a file do not count."""
    assert ["5550001", "18002220000", "18002220001", "s"] == expand(
        ["5550001\n", " 18002220000-18002220001 ", "s"]
    )
    assert ["18002220000", "18002220001"] == expand("18002220000-01")
    assert [f"10000000000-1{RANGE_LIMIT:010}"] == expand(f"10000000000-1{RANGE_LIMIT:010}")


def test_what_is_wrong_with_the_source_or_the_description_is_told_at_once():
    """Nothing is sent when the order itself cannot be carried out."""
    with pytest.raises(errors.InvalidPattern):
        run(copy("800-555", ["5550001"]))
    with pytest.raises(errors.InvalidField) as caught:
        run(copy(SOURCE, ["5550001"], "Short"))
    assert "did_description" == caught.value.field


def test_a_long_list_is_sent_in_several_requests():
    """Each list has 2000 bytes at most; the results are one list in order, told one by one."""
    told = []
    sent, results = run(copy(SOURCE, MANY, on_result=told.append), *[all_made] * 3)

    assert [166, 166, 68] == [len(one) for one in sent]
    assert MANY == [result.pattern for result in results]
    assert told == results


def test_a_lost_connection_loses_no_result():
    """The exception has what is known, what may have been made, and what was not."""
    lost = errors.ConnectionFailed("the connection to the server failed")
    told = []
    with pytest.raises(CopyInterrupted) as caught:
        run(copy(SOURCE, ["x", *MANY], on_result=told.append), all_made, lost)

    error = caught.value
    assert ("x", *MANY[:166]) == tuple(result.pattern for result in error.results)
    assert tuple(MANY[166:332]) == error.unknown
    assert tuple(MANY[332:]) == error.unsent
    assert lost is error.reason is error.__cause__
    assert told == list(error.results)
    assert error.results == pickle.loads(pickle.dumps(error)).results


def test_asking_again_tells_what_was_made():
    """The same order again makes the rest, and tells the others as existing."""
    with pytest.raises(CopyInterrupted):
        run(copy(SOURCE, MANY), all_made, errors.TimedOut("late"))

    _, results = run(copy(SOURCE, MANY), *[lambda asked: answer(copied(asked, there=MANY[:200]))] * 3)

    assert [Exists] * 200 + [Added] * 200 == [type(result) for result in results]


@pytest.mark.parametrize("status", [200, 500])
def test_an_answer_that_breaks_off_tells_what_it_has(status):
    """VICIdial may fail after it has made some: these are known, the others are not."""
    broken = answer(f"NOTICE: copy_did DID HAS BEEN ADDED - u|5550001|{SOURCE}|2|1\n", status)
    with pytest.raises(CopyInterrupted) as caught:
        run(copy(SOURCE, ["5550001", "5550002"]), broken)

    assert (Added("5550001", 2),) == caught.value.results
    assert (("5550002",), ()) == (caught.value.unknown, caught.value.unsent)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>Please log in</html>",
        f"NOTICE: copy_did DID HAS BEEN ADDED - u|5559999|{SOURCE}|2|1\n",
        "NOTICE: copy_did SOMETHING NEW - u|5550001\n",
        f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - u|{SOURCE}|1|0\n",
        copied(["5550001", "5550002"]),
        "SUCCESS: copy_did SOMETHING ELSE - u|x\n",
    ],
)
def test_an_answer_that_is_not_understood_makes_nothing_up(text):
    """Of targets that are not told one by one nothing is claimed."""
    with pytest.raises(CopyInterrupted) as caught:
        run(copy(SOURCE, ["5550001"]), answer(text))

    assert isinstance(caught.value.reason, UnexpectedReply)
    assert {"5550001"} >= {result.pattern for result in caught.value.results}
    assert len(caught.value.results) + len(caught.value.unknown) == 1


def test_a_target_that_took_another_s_place_is_told_as_existing():
    """VICIdial tells a row that it did not insert as added, with id 0 and no rows."""
    text = copied(["5550001"]).replace("|2|1", "|0|0")

    assert [Exists("5550001")] == run(copy(SOURCE, ["5550001"]), answer(text))[1]


def test_what_the_server_refuses_keeps_its_place():
    """Didier tells a target that it does not take; VICIdial knows no such line."""
    text = copied(["5550001"], there=["5550001"]).replace("ALREADY EXISTS", "PATTERN IS NOT VALID")

    _, [result] = run(copy(SOURCE, ["5550001"]), answer(text))
    assert ("5550001", Refused) == (result.pattern, type(result))


def test_a_refusal_of_the_order_is_raised_as_it_is():
    """When nothing was made, the reason itself is what the caller gets."""
    with pytest.raises(errors.DidNotFound) as caught:
        run(copy(SOURCE, MANY), answer(f"ERROR: copy_did SOURCE DID DOES NOT EXIST: |u|{SOURCE}\n"))
    assert f"there is no DID {SOURCE}" == str(caught.value)

    with pytest.raises(NotReached):
        run(copy(SOURCE, ["x", *MANY]), NotReached("refused"))


@pytest.mark.parametrize(
    "outcome",
    [answer("ERROR: Too many login attempts, try again in 15 minutes: |u|LOCK|\n"), NotReached("x")],
)
def test_a_refusal_in_the_middle_leaves_nothing_unknown(outcome):
    """What was refused, or not sent at all, was not made."""
    with pytest.raises(CopyInterrupted) as caught:
        run(copy(SOURCE, MANY), all_made, outcome)

    assert ((), tuple(MANY[166:])) == (caught.value.unknown, caught.value.unsent)


def test_a_server_that_is_not_there_now_leaves_it_unknown():
    """A proxy's 503 does not say whether the request came through."""
    with pytest.raises(CopyInterrupted) as caught:
        run(copy(SOURCE, ["5550001"]), answer("", 503))

    assert ("5550001",) == caught.value.unknown
    assert isinstance(caught.value.reason, errors.Unavailable)


@PROPERTY
@given(st.lists(PATTERNS | st.builds(Refused, PATTERNS, st.just("no"))))
def test_splitting_keeps_everything_in_order(items):
    """Nothing is lost or moved, each list fits, and none could have taken the next target too."""
    parts = list(split(items))

    lists = [[one for one in part if isinstance(one, str)] for part in parts]
    sizes = [len(",".join(one).encode()) for one in lists]
    assert items == [one for part in parts for one in part]
    assert all(size <= LIST_BYTES for size in sizes)
    for size, following in zip(sizes, lists[1:], strict=False):
        assert size + 1 + len(following[0].encode()) > LIST_BYTES


@PROPERTY
@given(st.lists(st.text("0123456789-aZé ,;#\n", max_size=60)), st.booleans())
def test_what_is_sent_comes_back_as_it_was_asked(targets, non_latin):
    """Whatever is asked for: every target has one result, and what is sent is what VICIdial would store."""
    sent, results = run(copy(SOURCE, targets, non_latin=non_latin), *[all_made] * 100)

    asked = expand(targets)
    assert asked == [result.pattern for result in results]
    flat = [one for part in sent for one in part]
    assert flat == [result.pattern for result in results if isinstance(result, Added)]
    assert len(flat) == len({one.casefold() for one in flat})
    assert [one for one in examine(targets, non_latin=non_latin) if isinstance(one, str)] == flat


@PROPERTY
@given(st.text() | st.lists(st.sampled_from(copied(["5550001", "5550002"]).splitlines())).map("\n".join))
def test_any_answer_gives_results_of_what_was_asked(text):
    """Whatever a server answers, the results are of the first targets, and the rest has a reason."""
    asked = ["5550001", "5550002"]
    told, problem = read(answer(text), asked, FunctionCall("copy_did", {"new_dids": ",".join(asked)}))

    assert asked[: len(told)] == [result.pattern for result in told]
    is_whole = len(told) == 2 and len(lines.read(text)) == 3
    assert (problem is None) == (is_whole and text.rstrip().endswith("|2|0"))


def test_the_list_is_one_parameter():
    """The call has VICIdial's names and nothing else."""
    call = next(copy(SOURCE, ["5550001", "+5550002"], "Sales line"))

    assert ("copy_did", False) == (call.function, call.repeatable)
    assert {
        "source_did_pattern": SOURCE, "did_description": "Sales line", "new_dids": "5550001,+5550002"
    } == call.parameters  # fmt: skip
