"""What is sent to an endpoint, and how often."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import webhooks
from didier.domain.webhooks import DELAYS, REFUSED_SECONDS, Answer, Endpoint, GiveUp, Repeat
from didier.errors import InvalidField

HOOK = Endpoint("https://crm.example.com/hook")
HOURS = 3_600


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"url": "ftp://crm.example.com"}, "url"),
        ({"url": "crm.example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "https://user:secret@crm.example.com"}, "url"),
        ({"url": "https://crm.example.com/#there"}, "url"),
        ({"url": "https://crm.example.com:0/"}, "url"),
        ({"url": "https://crm.example.com:99999/"}, "url"),
        ({"url": "https://crm.example.com/a b"}, "url"),
        ({"url": "https://crm.example.com/\r\nX: y"}, "url"),
        ({"url": "https://[::1/"}, "url"),
        ({"url": f"https://crm.example.com/{'x' * 2000}"}, "url"),
        ({"types": ("did.renamed",)}, "types"),
        ({"types": ("nothing.*",)}, "types"),
        ({"prefixes": ("",)}, "prefixes"),
        ({"prefixes": ("x" * 51,)}, "prefixes"),
        ({"prefixes": ("1",) * 51}, "prefixes"),
        ({"routes": ("SOMEWHERE",)}, "routes"),
        ({"groups": ("a\0",)}, "groups"),
        ({"description": "x" * 101}, "description"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_endpoint_is_named(changes, field):
    """By its field, and with what would be right."""
    found = webhooks.problem(replace(HOOK, **changes))

    assert isinstance(found, InvalidField)
    assert field == found.field


@pytest.mark.parametrize("url", ["http://192.0.2.7:8080/x?key=1", "https://[2001:db8::1]/", "https://crm"])
def test_an_address_may_have_a_port_and_a_query(url):
    """And be that of one machine: whether it may be sent to is decided then."""
    assert (
        webhooks.problem(replace(HOOK, url=url, types=("did.*", "batch.finished"), routes=("in_group",)))
        is None
    )


def test_conditions_are_met_together():
    """Each has several values; a row before or behind a change is enough, and one that is not known too."""
    hook = replace(HOOK, prefixes=("1800", "+44"), routes=("IN_GROUP",), groups=("Sales",))
    row = {"did_route": "in_group", "user_group": "SALES"}

    assert hook.wants("18001234567", [None, row])
    assert hook.wants("+442071838750", [row, {"did_route": "EXTEN", "user_group": "SALES"}])
    assert hook.wants("1800", [None, None])
    assert not hook.wants("18881234567", [None, row])
    assert not hook.wants("18001234567", [None, {**row, "did_route": "EXTEN"}])
    assert not hook.wants("18001234567", [{**row, "user_group": "OTHER"}])
    assert HOOK.wants("anything", [None])


def attempts(answer, chance):
    """Return the moments of all attempts that come to *answer*, from the first on, and what ended them."""
    moment, moments = 0.0, [0.0]
    while True:
        found = webhooks.verdict(answer, len(moments), moment, chance)
        if not isinstance(found, Repeat):
            return moments, found
        moment += found.seconds
        moments.append(moment)


@pytest.mark.parametrize("chance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(
    "answer", [Answer(None, "refused"), Answer(500), Answer(302), Answer(429), Answer(100)]
)
def test_what_is_not_taken_is_repeated_for_28_hours(answer, chance):
    """From 5 seconds up to 24 hours apart; then it is given up, and the next one comes."""
    moments, end = attempts(answer, chance)
    gaps = [after - before for before, after in pairwise(moments)]

    assert GiveUp() == end
    assert 4.5 <= gaps[0] <= 5.5
    assert 21.5 * HOURS <= gaps[-1] <= 24 * HOURS
    assert sorted(gaps) == gaps
    assert 25 * HOURS <= moments[-1] <= 28.5 * HOURS


def test_what_is_refused_is_repeated_for_an_hour():
    """The receiver does not want it as it is."""
    moments, end = attempts(Answer(404), 0.5)

    assert GiveUp() == end
    assert REFUSED_SECONDS == moments[-1]


def test_who_wants_nothing_more_is_asked_nothing_more():
    """410 ends the endpoint at the first attempt."""
    assert GiveUp(is_last=True) == webhooks.verdict(Answer(410), 1, 0.0, 0.5)


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_what_is_taken_is_done_with(status):
    """Any status of success says so."""
    assert webhooks.verdict(Answer(status), 3, 100.0, 0.5) is None


def test_a_receiver_may_ask_for_time():
    """Up to a day; it never hurries what would come later."""
    assert Repeat(60) == webhooks.verdict(Answer(503, retry_after=60), 1, 0.0, 0.5)
    assert Repeat(86_400) == webhooks.verdict(Answer(429, retry_after=10**9), 1, 0.0, 0.5)
    assert Repeat(120) == webhooks.verdict(Answer(503, retry_after=1), 3, 40.0, 0.5)


@given(
    answer=st.builds(Answer, st.none() | st.integers(100, 599), retry_after=st.none() | st.floats(0, 1e12)),
    attempt=st.integers(1, len(DELAYS) + 3),
    seconds=st.floats(0, 1e6),
    chance=st.floats(0, 1),
)
def test_whatever_comes_there_is_a_verdict(answer, attempt, seconds, chance):
    """A repetition has a delay from some 5 seconds to a day."""
    found = webhooks.verdict(answer, attempt, seconds, chance)

    if isinstance(found, Repeat):
        assert 4.5 <= found.seconds <= 86_400
    else:
        assert (found is None) == answer.is_taken
