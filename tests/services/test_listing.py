"""Lists of DIDs, on both databases."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.visibility import EVERYTHING
from didier.errors import NotFound, NotPermitted
from didier.services.batches import copies, edits
from didier.services.batches.copies import CopyOrder
from didier.services.dids import lookup
from didier.services.dids.lookup import Wanted
from didier.storage.dids.pages import SORTS, Sort
from didier.storage.statements import run
from support import outside

SOURCE = "18001234567"


@pytest.fixture
def conn(engine, now):
    """A database with some DIDs."""
    with engine.begin() as conn:
        for pattern, values in {
            "+442079460000": {"did_description": "London", "did_carrier_description": "Telnyx 100%"},
            "*99#": {"did_active": "N", "user_group": "SALES"},
            "Abc_1": {"did_description": "b", "group_id": "SALESLINE", "did_route": "IN_GROUP"},
            "abc%2": {"did_description": "B", "user_group": None},
        }.items():
            outside.add(conn, {"did_pattern": pattern, "user_group": "---ALL---", **values}, now)
        yield conn


def page(conn, wanted=Wanted(), sort=Sort(), limit=100, after=None, caller=CALLER):  # noqa: B008
    return lookup.page(conn, caller, wanted, sort, limit, after)


def patterns(conn, caller=CALLER, **wanted):
    found = page(conn, Wanted(**wanted), Sort("did_id"), caller=caller)
    return [row["did_pattern"] for row in found.rows]


@pytest.mark.parametrize("by", SORTS)
@pytest.mark.parametrize("descending", [False, True])
def test_pages_are_the_list(conn, by, descending):
    """Whatever the order, pages of any size have every row once."""
    order = Sort(by, descending)
    whole = [row["did_id"] for row in page(conn, sort=order).rows]
    for limit in (1, 2, 5):
        found, after = [], None
        while True:
            one = page(conn, sort=order, limit=limit, after=after)
            found += [row["did_id"] for row in one.rows]
            after = one.following
            if after is None:
                break
        assert whole == found
    assert 5 == len(set(whole))


def test_backwards_is_the_same_list(conn):
    """In each order without ties."""
    for by in SORTS:
        forth = [row["did_id"] for row in page(conn, sort=Sort(by)).rows]
        back = [row["did_id"] for row in page(conn, sort=Sort(by, descending=True)).rows]
        assert forth == back[::-1]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"search": "london"}, ["+442079460000"]),
        ({"search": "44 20 7946"}, ["+442079460000"]),
        ({"search": "%"}, ["abc%2"]),
        ({"search": "_"}, ["Abc_1"]),
        ({"route": "IN_GROUP"}, ["Abc_1"]),
        ({"active": "N"}, ["*99#"]),
        ({"user_group": "sales"}, ["*99#"]),
        ({"group_id": "SALESLINE"}, ["Abc_1"]),
        ({"carrier": "telnyx 100%"}, ["+442079460000"]),
        ({"carrier": "100_"}, []),
        ({"copied_from": SOURCE}, []),
    ],
)
def test_filters(conn, wanted, found):
    """Each leaves what it says, without case; signs of LIKE stand for themselves."""
    assert found == patterns(conn, **wanted)


@pytest.mark.parametrize("search", ["4", "44", "(44) 20", "a", "L", "+44", "9#", "9", "nowhere"])
@pytest.mark.parametrize("by", SORTS)
def test_pages_of_a_search_are_its_list(conn, search, by):
    """Pages of one row have what one page of all has: what is near is found otherwise than what is far."""
    whole = [row["did_id"] for row in page(conn, Wanted(search), Sort(by)).rows]
    found, after = [], None
    while True:
        one = page(conn, Wanted(search), Sort(by), 1, after)
        found += [row["did_id"] for row in one.rows]
        after = one.following
        if after is None:
            break

    assert whole == found


@pytest.mark.parametrize(
    "search", ["18001234567", "+18001234567", "8001234567", "(800) 123-4567", " 1-800-123-4567 "]
)
def test_a_whole_number_is_named_in_any_spelling(conn, search):
    """The DID is found, and none that only contains it."""
    assert [SOURCE] == [row["did_pattern"] for row in lookup.named(conn, CALLER, search, "US")]


def test_what_is_not_seen_is_not_named(conn):
    """Neither a DID of another group nor one beyond a token's prefix; without rights that is said."""
    east = replace(CALLER, user=replace(CALLER.user, viewable_groups=" EAST -"))
    nobody = replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False))

    assert [] == lookup.named(conn, east, "*99#", "US")
    assert [] == lookup.named(conn, replace(CALLER, pattern_prefix="44"), SOURCE, "US")
    assert [] == lookup.named(conn, CALLER, "nothing here", "US")
    assert isinstance(lookup.named(conn, nobody, SOURCE, "US"), NotPermitted)


def test_groups_and_prefixes_limit_what_is_seen(conn):
    """Both, whatever is asked for."""
    sales = replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES -"))
    prefixed = replace(CALLER, pattern_prefix="ABC")
    nobody = replace(CALLER, user=replace(CALLER.user, view_reports=False, modify_dids=False))

    assert [SOURCE, "+442079460000", "*99#", "Abc_1"] == patterns(conn, sales)
    assert ["Abc_1", "abc%2"] == patterns(conn, prefixed)
    assert isinstance(page(conn, caller=nobody), NotPermitted)
    assert NotFound("abc%2") == lookup.one(conn, sales, "abc%2")
    assert NotFound(SOURCE) == lookup.one(conn, prefixed, SOURCE)
    assert NotFound("nothing") == lookup.one(conn, CALLER, "nothing")
    assert "Abc_1" == lookup.one(conn, prefixed, "aBC_1")["did_pattern"]


def test_a_prefix_with_signs_of_like(conn):
    """They stand for themselves."""
    assert ["abc%2"] == patterns(conn, replace(CALLER, pattern_prefix="abc%"))
    assert ["Abc_1"] == patterns(conn, replace(CALLER, pattern_prefix="abc_"))


def test_copies_know_their_source(conn, now):
    """In lists, by filter, and in runs; others have none."""
    order = CopyOrder(CALLER, SOURCE, ("18005550001", "18005550002"))
    copies.copy(conn, [order], now)
    single = CopyOrder(CALLER, "Abc_1", ("18005550003",))
    copies.copy(conn, [single], now)
    sources = {row["did_pattern"]: row["copied_from"] for row in page(conn).rows}

    assert {SOURCE: None, "Abc_1": None, "18005550001": SOURCE, "18005550002": SOURCE,
            "18005550003": "Abc_1"} == {
        pattern: source for pattern, source in sources.items() if pattern in {SOURCE, "Abc_1"} or source
    }  # fmt: skip
    assert ["18005550001", "18005550002"] == patterns(conn, copied_from=SOURCE)
    assert ["18005550003"] == patterns(conn, copied_from="ABC_1")


@pytest.fixture
def copies_of_two(conn, now):
    """Copies, visible to a group, of a DID that another group had at first, and of one with a long number."""
    rows = "('SALES', 'Sales'), ('OTHER', 'Others')"
    run(conn, f"INSERT INTO vicidial_user_groups (user_group, group_name) VALUES {rows}")
    outside.add(conn, {"did_pattern": "5559999", "user_group": "OTHER"}, now)
    copies.copy(conn, [CopyOrder(CALLER, "5559999", ("18005550001",), {"user_group": "SALES"})], now)
    run(conn, "UPDATE vicidial_inbound_dids SET user_group = 'SALES' WHERE did_pattern = '5559999'")
    copies.copy(conn, [CopyOrder(CALLER, "5559999", ("18005550002",))], now)
    return replace(CALLER, user=replace(CALLER.user, viewable_groups=" SALES "))


def test_the_source_of_a_copy_is_shown_as_it_was(conn, copies_of_two):
    """With the group that it had when it was copied; a token shows those that it reaches."""
    numbers = ("18005550001", "18005550002")

    def sources(caller):
        return [lookup.one(conn, caller, number)["copied_from"] for number in numbers]

    assert [["5559999", "5559999"], [None, "5559999"]] == [sources(CALLER), sources(copies_of_two)]
    assert [None, None] == sources(replace(CALLER, pattern_prefix="1800"))
    assert [None, "5559999"] == [
        row["copied_from"] for row in page(conn, caller=copies_of_two).rows if row["did_pattern"] in numbers
    ]


def test_copies_are_found_by_sources_that_are_seen(conn, copies_of_two):
    """The filter tells nothing that the list does not."""
    found = [
        patterns(conn, caller, copied_from="5559999")
        for caller in (CALLER, copies_of_two, replace(CALLER, pattern_prefix="1800"))
    ]

    assert [["18005550001", "18005550002"], ["18005550002"], []] == found


def test_a_did_that_was_written_shows_its_source_to_who_sees_it(conn, copies_of_two, now):
    """The answer to a change says no more than the list."""
    order = edits.UpdateOrder(copies_of_two, "18005550001", {"did_description": "Sales line"})
    [done] = edits.update(conn, [order], now)

    assert None is lookup.written(conn, done.did_id, done.sight)["copied_from"]


def test_a_run_is_a_source_for_all_its_dids(conn, now):
    """Changes of large batches stand for many DIDs with consecutive ids."""
    copies.copy(conn, [CopyOrder(CALLER, SOURCE, ("18005550001",))], now)
    [[first]] = run(conn, "SELECT did_id FROM didier_changes")
    run(conn, "UPDATE didier_changes SET size = 3")
    for number in (2, 3, 4):
        outside.add(conn, {"did_pattern": f"1800555000{number}", "user_group": "---ALL---"}, now)

    assert [f"1800555000{n}" for n in (1, 2, 3)] == patterns(conn, copied_from=SOURCE)
    assert None is lookup.written(conn, first + 3, EVERYTHING)["copied_from"]
    assert SOURCE == lookup.written(conn, first + 2, EVERYTHING)["copied_from"]


def test_the_mark_changes_with_the_row(conn, now):
    """And with nothing else."""
    before = lookup.one(conn, CALLER, SOURCE)
    outside.update(conn, before["did_id"], {"did_description": "Other"}, now)
    after = lookup.one(conn, CALLER, SOURCE)

    assert lookup.version(before) == lookup.version(dict(before))
    assert lookup.version(before) != lookup.version(after)
