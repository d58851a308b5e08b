"""DIDs over the JSON API."""

import pytest

from web.api.conftest import SOURCE, Api, did


def crm(api, **settings):
    """Make a user with Modify DIDs; return the API as that user."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True, **settings}
    made = api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights})
    assert 201 == made.status, made.text
    return Api(api.server, "crm", "secret")


def test_a_did_is_shown_with_all_its_columns(api):
    """The answer has every column of the row, and the mark of its state."""
    shown = api.get(did(SOURCE))

    row = api.server.did(SOURCE)
    assert 200 == shown.status
    own = {
        "version": 1, "tags": "", "gateway_set": "", "schedule": "", "fallbacks": "", "managed_by": "",
        "locked": "N", "exceptions": "",
    }  # fmt: skip
    assert {**row, **own, "copied_from": None, "nowhere": None} == shown.body
    assert shown.headers["etag"].startswith('"')


@pytest.mark.parametrize("pattern", ["+442079460000", "*99#", "a.b_c:d", "default", "18005550100"])
def test_patterns_with_symbols_go_through_addresses(api, pattern):
    """A DID is made, found at the address that it was given, changed and deleted there."""
    made = api.add(pattern, did_description="With symbols", allow_implausible=True)
    there = made.headers["location"].removeprefix("/api/v1")

    assert 201 == made.status
    assert pattern == api.get(there).body["did_pattern"]
    assert "N" == api.patch(there, {"did_active": "N"}).body["did_active"]
    assert 204 == api.ask("DELETE", f"{there}?force=true").status
    assert (404, "did-not-found") == api.get(there).problem


def test_a_did_that_exists_is_not_made_again(api):
    """The problem says so and points at the pattern."""
    refused = api.add(SOURCE)

    assert (409, "did-exists") == refused.problem
    assert "/did_pattern" == refused.body["pointer"]


def test_unknown_fields_are_refused_by_name(api):
    """A misspelt field is no silent nothing."""
    refused = api.add("18005550100", did_descripton="Sales line")

    assert (422, "invalid-request") == refused.problem
    assert "/did_descripton" == refused.body["pointer"]


def test_a_value_that_is_not_allowed_is_pointed_at(api):
    """The problem has the place, and what would be allowed."""
    refused = api.patch(did(SOURCE), {"did_active": "X"})

    assert (422, "invalid-field") == refused.problem
    assert ("/did_active", "one of Y, N") == (refused.body["pointer"], refused.body["allowed"])


def test_a_reference_to_nothing_is_named(api):
    """An in-group that does not exist is refused with its name."""
    refused = api.patch(did(SOURCE), {"group_id": "GHOST"})

    assert (422, "unknown-reference") == refused.problem
    assert "GHOST" in refused.body["detail"]


def test_fallbacks_are_written_as_other_fields_are(api):
    """They are tidied, copied, in the history, and emptied."""
    changed = api.patch(did(SOURCE), {"fallbacks": " exten:8600@default  VOICEMAIL:200"})
    api.post("/copies", {"source": SOURCE, "targets": ["18005550100"]})
    emptied = api.patch(did(SOURCE), {"fallbacks": None})

    fallbacks = "EXTEN:8600@default VOICEMAIL:200"
    assert (200, fallbacks) == (changed.status, changed.body["fallbacks"])
    assert fallbacks == api.get(did("18005550100")).body["fallbacks"]
    assert "" == emptied.body["fallbacks"]
    last, *_ = api.get(f"{did(SOURCE)}/history").body["items"]
    assert (fallbacks, "") == (last["before"]["fallbacks"], last["after"]["fallbacks"])


@pytest.mark.parametrize(
    ("fallbacks", "problem", "named"),
    [
        ("SALES", "invalid-field", "EXTEN:8600@default"),
        (11 * "EXTEN:1 ", "invalid-field", "up to 10"),
        ("EXTEN:8600 CALLMENU:GHOST", "unknown-reference", "no such call menu"),
        ("PHONE:1@192.0.2.99", "unknown-reference", "no such phone"),
        ("AGENT:ghost", "unknown-reference", "no such user"),
    ],
)
def test_fallbacks_that_lead_nowhere_are_refused(api, fallbacks, problem, named):
    """What is no destination, and one that names nothing that is there."""
    refused = api.patch(did(SOURCE), {"fallbacks": fallbacks})

    assert ((422, problem), "/fallbacks") == (refused.problem, refused.body["pointer"])
    assert named in refused.body["detail"]


@pytest.mark.parametrize("empty", [None, ""])
def test_a_field_is_emptied(api, empty):
    """Null and the empty text both empty a column that may be empty."""
    changed = api.patch(did(SOURCE), {"did_description": empty, "list_id": 998})

    assert ("", 998) == (changed.body["did_description"], changed.body["list_id"])


def test_tags_are_tidied_and_the_version_goes_up(api):
    """They are shown in their order, each once; the history has the version of each change."""
    changed = api.patch(did(SOURCE), {"tags": " vip, Berlin ,VIP,"})
    emptied = api.patch(did(SOURCE), {"tags": None})
    made = api.add("18005550100", tags="a")

    past = api.get(f"{did(SOURCE)}/history").body["items"]
    assert ("Berlin,vip", 2) == (changed.body["tags"], changed.body["version"])
    assert ("", 3) == (emptied.body["tags"], emptied.body["version"])
    assert ("a", 1) == (made.body["tags"], made.body["version"])
    assert [3, 2] == [change["version"] for change in past]


def test_tags_that_are_too_long_are_refused(api):
    """The problem says what would be allowed."""
    refused = api.patch(did(SOURCE), {"tags": "x" * 41})

    assert (422, "invalid-field") == refused.problem
    assert "1 to 40 characters" in refused.body["allowed"]


def test_a_field_that_must_have_a_value_is_not_emptied(api):
    """Null where there must be a value is refused."""
    assert (422, "invalid-field") == api.patch(did(SOURCE), {"did_active": None}).problem


def test_a_change_of_nothing_is_refused(api):
    """An empty body changes nothing, and says so."""
    assert (422, "nothing-to-change") == api.patch(did(SOURCE), {}).problem


def test_a_change_asks_for_the_state_that_was_seen(api):
    """If-Match lets the first of two editors through, and not the second."""
    seen = api.get(did(SOURCE)).headers["etag"]
    first = api.patch(did(SOURCE), {"did_active": "N"}, **{"If-Match": seen})
    second = api.patch(did(SOURCE), {"did_active": "Y"}, **{"If-Match": seen})
    third = api.patch(did(SOURCE), {"did_active": "Y"}, **{"If-Match": first.headers["etag"]})

    assert [200, 412, 200] == [first.status, second.status, third.status]
    assert first.headers["etag"] != seen
    assert api.get(did(SOURCE)).headers["etag"] == third.headers["etag"]


def test_a_weak_mark_lets_nothing_through(api):
    """A weak mark is none that a change may rely on."""
    seen = api.get(did(SOURCE)).headers["etag"]

    assert (412, "changed-meanwhile") == api.ask(
        "DELETE", did(SOURCE), headers={"If-Match": f"W/{seen}"}
    ).problem
    assert 204 == api.ask("DELETE", did(SOURCE), headers={"If-Match": "*"}).status


def test_a_locked_did_is_not_deleted(api):
    """Not by force either, until it is unlocked."""
    lock = f"{did(SOURCE)}/lock"

    assert 204 == api.ask("PUT", lock).status
    assert (409, "did-locked") == api.ask("DELETE", f"{did(SOURCE)}?force=true").problem
    assert 204 == api.ask("DELETE", lock).status
    assert 204 == api.ask("DELETE", did(SOURCE)).status


def test_protected_dids_ask_for_force(api):
    """What call handling relies on is not deleted by mistake."""
    api.add("default", allow_implausible=True)

    assert (409, "did-protected") == api.ask("DELETE", did("default")).problem


def test_a_missing_right_is_named(api):
    """All settings that are missing, at once."""
    caller = crm(api, api_allowed_functions=["copy_did"], user_level=7, modify_inbound_dids=False)
    refused = caller.add("18005550100")

    assert (403, "not-permitted") == refused.problem
    assert "add_did" == refused.body["function"]
    assert [
        "Allowed API Functions must contain add_did or ALL",
        "User Level must be 8 or higher",
        "Modify DIDs must be 1",
    ] == refused.body["missing"]


def test_a_right_that_is_taken_away_is_gone_at_once(api):
    """The next request is refused, though the password was compared a moment ago."""
    caller = crm(api)
    before = caller.add("18005550100").status
    api.patch("/users/crm", {"modify_inbound_dids": False})

    assert 201 == before
    assert ["Modify DIDs must be 1"] == caller.add("18005550101").body["missing"]


def test_pages_follow_each_other(api):
    """Each page has the way to the next one; together they are the list, once."""
    wanted = [f"1800555{n:04}" for n in range(7)]
    for pattern in wanted:
        api.add(pattern)
    path, found = "/dids?search=1800555&limit=3", []
    while path:
        page = api.get(path)
        found += [one["did_pattern"] for one in page.body["items"]]
        link = page.headers.get("link")
        assert (link is None) == (page.body["next"] is None)
        path = link and link.partition(">")[0].removeprefix("</api/v1")

    assert wanted == found


@pytest.mark.parametrize("sort", ["did_id", "did_pattern", "did_description"])
def test_pages_go_backwards(api, sort):
    """Sorted the other way round it is the same list, reversed."""
    for pattern, text in (("18005550001", "Beta line"), ("18005550002", "Alpha line"), ("18005550003", None)):
        api.add(pattern, did_description=text)

    def walk(order):
        found, cursor = [], ""
        while cursor is not None:
            page = api.get(f"/dids?limit=2&sort={order}{cursor}").body
            found += [one["did_pattern"] for one in page["items"]]
            cursor = page["next"] and f"&cursor={page['next']}"
        return found

    assert 4 == len(set(walk(sort)))
    assert walk(sort) == walk(f"-{sort}")[::-1]


def test_a_cursor_of_another_list_is_refused(api):
    """A cursor counts in the order that it was given out in."""
    api.add("18005550100")
    cursor = api.get("/dids?limit=1").body["next"]

    assert (422, "invalid-cursor") == api.get(f"/dids?limit=1&sort=did_id&cursor={cursor}").problem
    assert (422, "invalid-cursor") == api.get("/dids?cursor=nonsense").problem


def test_filters(api):
    """Each filter leaves what it says; a number is found in any spelling."""
    api.add(
        "+442079460000", did_description="London line", did_active="N", did_carrier_description="Telnyx 1"
    )
    api.server.tutorial(target="18002223333")

    assert ["+442079460000"] == api.patterns("?search=020-7946".replace("020", "44-20"))
    assert ["+442079460000"] == api.patterns("?search=london")
    assert ["+442079460000"] == api.patterns("?active=N&route=EXTEN")
    assert ["+442079460000"] == api.patterns("?carrier=telnyx")
    assert ["18002223333"] == api.patterns(f"?copied_from={SOURCE}")
    assert [] == api.patterns("?group_id=SALES")
    assert [SOURCE, "18002223333"] == sorted(api.patterns(f"?did={SOURCE}&did=18002223333&did=1"))
    assert [SOURCE, "18002223333"] == sorted(api.patterns("?destination=8300"))
    assert [] == api.patterns("?tag=vip")
    assert (422, "invalid-request") == api.get("/dids?active=maybe").problem


def test_a_list_is_counted_on_demand(api):
    """All of it, whatever the page; without being asked nothing is counted."""
    api.server.tutorial(target="18002223333,18002223334")

    assert api.get("/dids").body["total"] is None
    for how in ("estimated", "exact"):
        assert {"count": 2, "exact": True} == api.get(f"/dids?search=222&limit=1&total={how}").body["total"]
    assert (422, "invalid-request") == api.get("/dids?total=1").problem


def test_a_copy_names_its_source(api):
    """A DID knows which one it was copied from."""
    api.server.tutorial(target="18002223333")

    assert SOURCE == api.get(did("18002223333")).body["copied_from"]


def test_the_history_has_every_change(api):
    """The newest first, page by page, also when the DID is gone."""
    api.add("18005550100", did_description="First line")
    api.patch(did("18005550100"), {"did_description": "Second line"})
    api.ask("DELETE", did("18005550100"))
    first = api.get(f"{did('18005550100')}/history?limit=2").body
    rest = api.get(f"{did('18005550100')}/history?limit=2&cursor={first['next']}").body

    assert ["deleted", "updated", "added"] == [one["action"] for one in first["items"] + rest["items"]]
    assert "First line" == first["items"][1]["before"]["did_description"]
    assert None is rest["next"]


def test_only_dids_of_visible_groups_are_seen(api):
    """Others are not there, for lists and for single requests."""
    api.add("18005550100", user_group="ADMIN")
    caller = crm(api)
    api.server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' SALES '")

    assert SOURCE in caller.patterns()
    assert "18005550100" not in caller.patterns()
    assert (404, "did-not-found") == caller.get(did("18005550100")).problem
    assert (404, "did-not-found") == caller.patch(did("18005550100"), {"did_active": "N"}).problem


def test_requests_are_in_the_api_log(api):
    """Under the names of VICIdial's functions, so that reports of use show them; without secrets."""
    token = api.token("dids:read")
    token.get(did("18005550999"))
    api.add("18005550100")
    rows = api.server.sql(
        "SELECT user, function, result, source, data FROM vicidial_api_log ORDER BY api_id DESC LIMIT 2"
    )
    logged = str(api.server.sql("SELECT * FROM vicidial_api_log")) + api.server.logged()

    assert [
        ("admin", "add_did", "SUCCESS", "json-api", "18005550100"),
        ("admin", "did_info", "ERROR", "json-api", "18005550999"),
    ] == rows
    assert token.sign_in.split()[1] not in logged
