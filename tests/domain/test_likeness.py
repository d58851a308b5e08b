"""Which DIDs are duplicates of each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain import likeness
from didier.domain.likeness import Difference, Gathered, Groups

USUAL = {"did_route": "IN_GROUP", "group_id": "SALES", "list_id": 999, "server_ip": None}


def grouped(dids, least=1):
    """Return the groups of *dids*, keys by id."""
    gathered = Gathered()
    for did_id, key in dids:
        gathered.add(did_id, key)
    return {tuple(ids) for ids, _ in gathered.groups() if len(ids) >= least}


@given(st.dictionaries(st.integers(1, 10**6), st.integers(0, 5), max_size=40).flatmap(
    lambda dids: st.tuples(st.just(dids), st.permutations(list(dids.items())))
))  # fmt: skip
def test_each_did_is_in_one_group_whatever_the_order(given_):
    """With all those that have its key, and no others."""
    dids, shuffled = given_
    found = grouped(shuffled)

    assert grouped(dids.items()) == found
    assert sorted(dids) == sorted(did_id for ids in found for did_id in ids)
    assert all({dids[ids[0]]} == {dids[did_id] for did_id in ids} for ids in found)
    assert len(set(dids.values())) == len(found)


def test_a_group_with_a_wanted_did_is_wanted_as_a_whole():
    """One is enough."""
    gathered = Gathered()
    for did_id, key, wanted in ((1, 7, False), (2, 7, True), (3, 8, False)):
        gathered.add(did_id, key, wanted=wanted)

    assert {((1, 2), True), ((3,), False)} == {(tuple(ids), wanted) for ids, wanted in gathered.groups()}


def test_groups_are_ranked_by_size_and_age():
    """The largest first, and among equals that with the oldest DID."""
    groups = Groups()
    for ids in ([5, 6], [1, 2], [7, 8, 9]):
        groups.add(ids)

    assert [2, 1, 0] == sorted(range(len(groups)), key=groups.rank)
    assert [7, 8, 9] == list(groups[2])


@pytest.mark.parametrize(
    "pattern",
    ["+18005550100", "18005550100", "8005550100", "800-555-0100", "1.800.555.0100", "(800) 555 0100"],
)
def test_spellings_of_one_number(pattern):
    """However it is written it is the same with its country code."""
    assert "+18005550100" == likeness.number(pattern, "US")


@pytest.mark.parametrize("pattern", ["*99", "sales", "default", "8300", "_1800XXXXXXX"])
def test_what_is_no_number(pattern):
    """It is spelled in one way only."""
    assert likeness.number(pattern, "US") is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (USUAL, "IN_GROUP:SALES"),
        ({"did_route": "EXTEN", "extension": "8300", "exten_context": "default"}, "EXTEN:8300@default"),
        ({"did_route": "PHONE", "phone": "gs102", "server_ip": "192.0.2.1"}, "PHONE:gs102@192.0.2.1"),
        ({"did_route": "IN_GROUP", "group_id": "---NONE---"}, "None"),
        ({"did_route": "IN_GROUP"}, "None"),
        ({"did_route": "ODD", "group_id": "SALES"}, "None"),
    ],
)
def test_destinations(row, expected):
    """By the route; where nothing is set there is none."""
    assert expected == str(likeness.destination(row))


def test_differences():
    """An empty column is the same as one without a value."""
    other = {**USUAL, "group_id": "SUPPORT", "list_id": 0, "server_ip": ""}
    found = likeness.differences(USUAL, other)

    assert (Difference("group_id", "SALES", "SUPPORT"), Difference("list_id", 999, 0)) == found
    assert ["group_id: SALES → SUPPORT", "list_id: 999 → 0"] == [*map(str, found)]
    assert "server_ip: nothing → 192.0.2.1" == str(Difference("server_ip", None, "192.0.2.1"))


ROWS = st.lists(st.fixed_dictionaries({name: st.integers(0, 3) for name in "abcde"}), max_size=30)


@given(ROWS, st.integers(0, 5))
def test_rows_are_joined_under_the_first_that_is_near(rows, most):
    """As if each were compared with all before it that are joined under none."""
    expected: list[int] = []
    for place, row in enumerate(rows):
        usual = (n for n in range(place) if expected[n] == n)
        near = (n for n in usual if len(likeness.differences(rows[n], row)) <= most)
        expected.append(next(near, place))

    assert expected == likeness.joined(rows, most)


def test_of_many_set_ups_the_most_common_are_compared():
    """Where many columns differ there are too many ways in which they may be near."""
    rows = [{f"c{n}": place for n in range(60)} for place in range(1_000)]
    found = likeness.joined(rows, 2)

    assert likeness.WORK_MOST // (60 * 59 // 2) == len(found)
    assert list(range(len(found))) == found
