"""Duplicates among DIDs: looked for in steps, in groups page by page, and as lines of an export."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain.visibility import Visibility
from didier.services.reports import duplicate_groups, duplicates
from didier.services.reports.duplicates import Wanted
from didier.storage.database import reading
from didier.storage.dids import did_fields
from didier.storage.statements import run
from support import outside
from support.batches import SOURCE

SALES = {"did_route": "IN_GROUP", "group_id": "SALES", "did_active": "Y", "user_group": "---ALL---"}
EXTEN = {"did_route": "EXTEN", "extension": "8300", "exten_context": "default", "did_active": "Y"}
DIDS = {
    "+18005550100": SALES,
    "18005550101": SALES,
    "8005550101": {**SALES, "user_group": "OTHERS"},
    "18005550102": {**SALES, "did_description": "Another line"},
    "18005550103": {**SALES, "group_id": "sales"},
    "18005550104": {**SALES, "group_id": "SUPPORT", "list_id": 998},
    "18005550105": {**SALES, "group_id": "SUPPORT", "list_id": 998, "record_call": "Y"},
    "18005550100": {**EXTEN, "did_active": "N", "voicemail_ext": "1", "custom_one": "x"},
    "1.800.555.0100": {**EXTEN, "extension": "8301", "voicemail_ext": "2", "custom_one": "y"},
    "442079460000": {**EXTEN, "extension": None},
    "*99": EXTEN,
    "*98": {**EXTEN, "exten_context": "night"},
}


@pytest.fixture
def mixed(clean, now):
    """A database with duplicates of all kinds."""
    with clean.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids")
        for pattern, columns in DIDS.items():
            outside.add(conn, {**columns, "did_pattern": pattern}, now)
    return clean


def look(engine, wanted, caller=CALLER, piece=5_000):
    search = duplicates.search(caller, wanted, "US", piece)
    with reading(engine) as conn:
        while search.step(conn):
            pass
    return search.found


def page(engine, wanted, caller=CALLER, sort="-count", limit=100, after=None):
    found = look(engine, wanted, caller)
    with reading(engine) as conn:
        return duplicate_groups.page(conn, caller, found, "US", sort, limit, after)


def patterns(engine, wanted, caller=CALLER, **asked):
    """Return the patterns in each group, by its name."""
    groups = page(engine, wanted, caller, **asked).groups
    return {group.name: [did.pattern for did in group.dids] for group in groups}


def seeing(*groups):
    """Return a caller who sees DIDs of *groups*, and of all."""
    return replace(CALLER, user=replace(CALLER.user, group="X", viewable_groups=f" {' '.join(groups)} "))


SPELLED = {
    "+18005550100": ["+18005550100", "18005550100", "1.800.555.0100"],
    "+18005550101": ["18005550101", "8005550101"],
}


def test_one_number_in_several_spellings(mixed):
    """All that are the same with their country code, active or not; the oldest first."""
    [group, _] = page(mixed, Wanted("spelling")).groups

    assert SPELLED == patterns(mixed, Wanted("spelling"))
    assert (3, 3, [], 0) == (group.count, group.alike, group.variants, group.near)
    assert ["in-group SALES", "extension 8300 in the context default"] == [
        did.destination for did in group.dids[:2]
    ]


@pytest.mark.parametrize("kind", ["spelling", "configuration", "destination"])
def test_many_dids_are_read_in_pieces(mixed, kind):
    """Where one ends the next goes on, and the same is found."""
    whole, in_pieces = (look(mixed, Wanted(kind), piece=piece) for piece in (1_000, 2))

    assert sorted(map(list, whole.groups)) == sorted(map(list, in_pieces.groups))
    assert whole.variants == in_pieces.variants


def test_dids_that_are_set_up_alike(mixed):
    """Whatever their descriptions; those that differ in a few fields are joined to the usual ones."""
    found = page(mixed, Wanted("configuration"))
    [group] = [one for one in found.groups if one.name == "+18005550100"]
    told = [
        (one.count, [*map(str, one.differences)], [did.pattern for did in one.dids]) for one in group.variants
    ]

    assert (6, 3) == (group.count, group.alike)
    assert ["+18005550100", "18005550101", "18005550102"] == [did.pattern for did in group.dids]
    assert [
        (1, ["user_group: ---ALL--- → OTHERS"], ["8005550101"]),
        (1, ["group_id: SALES → sales"], ["18005550103"]),
        (1, ["group_id: SALES → SUPPORT", "list_id: 999 → 998"], ["18005550104"]),
    ] == told
    assert ("442079460000", 3) == (found.groups[1].name, found.groups[1].count)


@pytest.mark.parametrize(("fields", "count"), [(0, 3), (1, 5), (2, 6)])
def test_in_how_many_fields_they_may_differ(mixed, fields, count):
    """As many as are asked for."""
    [first, *_] = page(mixed, Wanted("configuration", fields)).groups

    assert count == first.count


def test_didiers_own_fields_count(mixed):
    """A schedule says what happens with calls; tags do not."""
    with mixed.begin() as conn:
        ids = dict(run(conn, "SELECT did_pattern, did_id FROM vicidial_inbound_dids"))
        did_fields.put(conn, {ids["18005550101"]: {"schedule": "night"}, ids["18005550102"]: {"tags": "vip"}})
    [group, *_] = page(mixed, Wanted("configuration", 1)).groups

    assert ["+18005550100", "18005550102"] == [did.pattern for did in group.dids]
    assert ["schedule: nothing → night"] == [str(one) for one in group.variants[0].differences]


def test_several_active_numbers_for_one_destination(mixed):
    """Compared without case, each in its context; what leads nowhere is none."""
    expected = {
        "IN_GROUP:SALES": ["+18005550100", "18005550101", "8005550101", "18005550102", "18005550103"],
        "IN_GROUP:SUPPORT": ["18005550104", "18005550105"],
    }

    assert expected == patterns(mixed, Wanted("destination"))


@pytest.mark.parametrize("kind", ["spelling", "configuration", "destination"])
def test_each_did_is_in_one_group(mixed, kind):
    """And an export has all of them."""
    found = look(mixed, Wanted(kind))
    with reading(mixed) as conn:
        rows = [
            row
            for piece in duplicate_groups.pieces(found)
            for row in duplicate_groups.exported(conn, CALLER, found, piece, "US")
        ]
    patterns = [row["did_pattern"] for row in rows]

    assert sorted(set(patterns)) == sorted(patterns)
    assert found.dids == len(patterns)
    assert {duplicate_groups.COLUMNS} == {tuple(row) for row in rows}


def test_lines_of_an_export_say_what_differs(mixed):
    """The usual ones in nothing."""
    found = look(mixed, Wanted("configuration"))
    with reading(mixed) as conn:
        [piece] = duplicate_groups.pieces(found)
        rows = {
            row["did_pattern"]: row for row in duplicate_groups.exported(conn, CALLER, found, piece, "US")
        }

    assert ("+18005550100", 6, 0, "") == tuple(
        rows["18005550101"][name] for name in ("group", "count", "differences", "fields")
    )
    assert (2, "group_id: SALES → SUPPORT; list_id: 999 → 998") == tuple(
        rows["18005550104"][name] for name in ("differences", "fields")
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"user_group": "OTHERS"}, ["+18005550101"]),
        ({"route": "EXTEN"}, ["+18005550100"]),
        ({"prefix": "800"}, ["+18005550101"]),
        ({"prefix": "+1"}, ["+18005550100"]),
        ({"tag": "vip"}, ["+18005550101"]),
        ({"prefix": "800", "route": "EXTEN"}, []),
    ],
)
def test_filters(mixed, given, expected):
    """Groups are told of which one DID has all that is asked for, each as a whole."""
    with mixed.begin() as conn:
        [(did_id,)] = run(conn, "SELECT did_id FROM vicidial_inbound_dids WHERE did_pattern = '18005550101'")
        did_fields.put(conn, {did_id: {"tags": "new,vip"}})

    assert {name: SPELLED[name] for name in expected} == patterns(mixed, Wanted("spelling", **given))


def test_pages_follow_each_other(mixed):
    """In every order."""
    wanted = Wanted("spelling")
    for sort, names in {"-count": list(SPELLED), "count": [*SPELLED][::-1], "did_id": list(SPELLED)}.items():
        first = page(mixed, wanted, sort=sort, limit=1)
        second = page(mixed, wanted, sort=sort, limit=1, after=first.following)

        assert names == [one.name for one in (*first.groups, *second.groups)]
        assert second.following is None


def test_only_dids_that_are_seen_are_compared(mixed):
    """Neither a group nor a number in it is told of the others."""
    of_token = replace(CALLER, pattern_prefix="1800")
    spelled = {"+18005550100": SPELLED["+18005550100"]}

    assert {} == patterns(mixed, Wanted("spelling"), of_token)
    assert "8005550101" not in patterns(mixed, Wanted("destination"), seeing("SALES"))["IN_GROUP:SALES"]
    assert SPELLED == patterns(mixed, Wanted("spelling"), seeing("OTHERS"))
    assert spelled == patterns(mixed, Wanted("spelling"), seeing("SALES"))


def test_what_is_gone_meanwhile_is_not_shown(mixed):
    """What was found is kept for a while; a DID that is hidden or deleted since is left out of it."""
    found = look(mixed, Wanted("spelling"))
    with mixed.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids WHERE did_pattern = '18005550100'")
    with reading(mixed) as conn:
        first = duplicate_groups.page(conn, CALLER, found, "US", "-count", 1).groups[0]
        hidden = replace(CALLER, pattern_prefix="9")
        [none, _] = duplicate_groups.page(conn, hidden, found, "US", "-count", 5).groups
        [piece] = duplicate_groups.pieces(found)
        exported = duplicate_groups.exported(conn, hidden, found, piece, "US")

    assert ["+18005550100", "1.800.555.0100"] == [did.pattern for did in first.dids]
    assert ("", []) == (none.name, none.dids)
    assert [] == exported


def test_no_dids_have_no_duplicates(clean):
    """Nor has a single one."""
    with clean.begin() as conn:
        run(conn, f"DELETE FROM vicidial_inbound_dids WHERE did_pattern <> '{SOURCE}'")
    single = [patterns(clean, Wanted(kind)) for kind in ("spelling", "configuration", "destination")]
    with clean.begin() as conn:
        run(conn, "DELETE FROM vicidial_inbound_dids")
    none = [patterns(clean, Wanted(kind)) for kind in ("spelling", "configuration", "destination")]

    assert [{}] * 6 == [*single, *none]


def test_rights(mixed):
    """View Reports is needed for each part."""
    unable = replace(CALLER, user=replace(CALLER.user, view_reports=False))
    found = look(mixed, Wanted("spelling"))
    with reading(mixed) as conn:
        refused = [
            duplicates.search(unable, Wanted("spelling"), "US"),
            duplicate_groups.page(conn, unable, found, "US", "-count", 1),
            duplicate_groups.exported(conn, unable, found, [], "US"),
        ]

    assert {("View Reports must be 1",)} == {one.missing for one in refused}
    assert Visibility() == CALLER.visibility
