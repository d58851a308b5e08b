"""What pages show, without a browser that draws them."""

import json

import pytest

from support.server import Didier

SOURCE = "18001234567"


@pytest.fixture
def groups(server: Didier) -> None:
    """Some in-groups, one of them of another user group."""
    for name, title, group in (
        ("SALESLINE", "Sales", "---ALL---"),
        ("SUPPORT", "Help", "---ALL---"),
        ("EAST", "East", "EAST"),
    ):
        server.sql(
            "INSERT INTO vicidial_inbound_groups (group_id, group_name, user_group) VALUES (?, ?, ?)",
            name, title, group,
        )  # fmt: skip


def choices(admin, **query):
    """Return what is offered."""
    pairs = "&".join(f"{name}={value}" for name, value in query.items())
    return json.loads(admin.get(f"/admin/choices?{pairs}").text)


def test_the_menu_leads_to_the_documentation_of_the_api(admin):
    """Which everybody may read."""
    assert '<a class="nav-link" href="/docs" target="_blank" rel="noopener">' in admin.get("/admin/dids").text


def test_what_there_is_is_offered(admin, groups):
    """By its value and by what it is called; signs of LIKE stand for themselves."""
    assert [{"value": "SALESLINE", "name": "Sales"}] == choices(admin, of="in-group", search="sale")
    assert ["SUPPORT"] == [one["value"] for one in choices(admin, of="in-group", search="help")]
    assert [] == choices(admin, of="in-group", search="%25")
    assert [SOURCE] == [one["value"] for one in choices(admin, of="DID", search="800")]
    assert [] == choices(admin, of="phone", search="") == choices(admin, of="no-such-kind", search="")


def test_what_other_groups_have_is_not_offered(admin, groups, server):
    """A user of a group is offered what belongs to it, and to all."""
    server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' WEST '")

    assert ["SALESLINE", "SUPPORT"] == [one["value"] for one in choices(admin, of="in-group", search="")]


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("did_description", "abc", "did_description 'abc' is not allowed: 6 to 50 characters."),
        ("group_id", "NOWHERE", "group_id 'NOWHERE' is not allowed: there is no such in-group."),
        ("group_id", "SALESLINE", ""),
        ("did_description", "", ""),
        ("no_such_column", "x", ""),
    ],
)
def test_a_value_is_checked_by_the_services(admin, groups, column, value, text):
    """In their words; what is allowed is not talked about."""
    found = admin.get(f"/admin/choices/check?column={column}&value={value}")

    assert {"text": text} == json.loads(found.text)


def test_a_list_is_narrowed_by_its_address(admin, server):
    """The state of the list is its address, whole."""
    server.tutorial(target="18002223333,18002224444")
    change = "did_active = 'N', did_route = 'IN_GROUP'"
    server.sql(f"UPDATE vicidial_inbound_dids SET {change} WHERE did_pattern = '18002223333'")

    inactive = admin.get("/admin/dids?active=N&route=IN_GROUP").text
    copies = admin.get(f"/admin/dids?copied_from={SOURCE}&sort=-did_pattern").text
    assert "18002223333" in inactive
    assert "18002224444" not in inactive
    assert 0 < copies.index('/did/18002224444"') < copies.index('/did/18002223333"')


def test_what_is_listed_is_exported(admin, server):
    """The button above a list leads to a file with the same DIDs."""
    server.tutorial()

    page = admin.get("/admin/dids?search=18002223333").text
    link = page.partition('href="/admin/api/v1/exports/')[2].partition('"')[0].replace("&amp;", "&")
    export = admin.get(f"/admin/api/v1/exports/{link}")
    assert 200 == export.status
    assert export.headers["content-disposition"].startswith("attachment; ")
    assert ("18002223333" in export.text, SOURCE + "," in export.text) == (True, False)


def test_a_whole_number_is_found_at_once(admin, server):
    """In any spelling, and with the way to what only contains it."""
    server.vicidial("add_did", did_pattern="9918001234567", did_description="Longer number")

    alone = admin.get("/admin/dids?search=(800)+123-4567").text
    within = admin.get("/admin/dids?search=18001234567&within=1").text
    assert ("/did/9918001234567" in alone, "within=1" in alone) == (False, True)
    assert "/did/9918001234567" in within


def test_pages_follow_each_other(admin, server):
    """The next page begins behind the last row; an address of another order begins at the first."""
    targets = ",".join(str(18002220000 + number) for number in range(60))
    server.tutorial(target=targets)

    first = admin.get("/admin/dids").text
    link = first.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = admin.get(f"/admin/dids{link}").text
    assert "18002220048" in first
    assert ("18002220048" in second, "18002220049" in second, "18002220059" in second) == (False, True, True)
    assert 200 == admin.get(f"/admin/dids{link}&sort=did_id").status


def test_a_did_shows_what_was_done_beside_didier(admin, server):
    """Nobody is named, and there is no batch."""
    server.sql(
        "INSERT INTO didier_changes (action, cause, origin, changed_at, user_name, address, batch_id, did_id,"
        " did_pattern, before_image, after_image)"
        " VALUES ('updated', 'outside', 'outside', ?, '', '', 0, 1, ?, ?, ?)",
        "2026-03-04 05:06:07", SOURCE, '{"extension": "8299"}', '{"extension": "8300", "did_active": "Y"}',
    )  # fmt: skip
    page = admin.get(f"/admin/did/{SOURCE}").text
    history = page.partition('aria-label="History"')[2].partition("</section>")[0]

    assert "<strong>updated</strong> outside Didier, found" in history
    assert ("8299" in history, "batch" in history, history.count("<li><span")) == (True, False, 1)


@pytest.mark.parametrize("pattern", ["%2B442079460000", "*99%23", "Abc_1"])
def test_every_pattern_has_a_page(admin, server, pattern):
    """Also with signs that mean something in an address."""
    server.vicidial("add_did", did_pattern=pattern.replace("%2B", "+").replace("%23", "#"), did_route="EXTEN")

    assert 200 == admin.get(f"/admin/did/{pattern}").status
    assert 200 == admin.get(f"/admin/did/{pattern}/edit").status


@pytest.mark.parametrize(
    "path", ["/did/nowhere", "/did/nowhere/edit", "/batches/99", "/batches/x", "/batches/-1"]
)
def test_what_is_not_there_is_not_found(admin, path):
    """A page says so."""
    assert 404 == admin.get(f"/admin{path}").status


@pytest.mark.parametrize("path", ["/dids/new", f"/did/{SOURCE}/edit", "/copy"])
def test_forms_are_for_those_who_may(admin, server, path):
    """Who may only look gets no form."""
    server.sql("UPDATE vicidial_users SET modify_inbound_dids = '0'")

    assert (403, 200) == (admin.get(f"/admin{path}").status, admin.get(f"/admin/did/{SOURCE}").status)


def test_what_users_wrote_is_no_markup(admin, server):
    """A description with signs of HTML is shown as it is."""
    server.sql("UPDATE vicidial_inbound_dids SET did_description = '<script>alert(1)</script>'")

    for path in ("/dids", f"/did/{SOURCE}", f"/did/{SOURCE}/edit"):
        text = admin.get(f"/admin{path}").text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert(1)" in text


def test_what_leads_nowhere_is_marked(admin, server):
    """In the list, on the page of the DID, and on the dashboard with a way to all of them."""
    server.tutorial(target="18002223333")
    server.sql("UPDATE vicidial_inbound_dids SET extension = '' WHERE did_pattern = '18002223333'")

    listed = admin.get("/admin/dids?leads_nowhere=Y").text
    others = admin.get("/admin/dids?leads_nowhere=N").text
    assert ">leads nowhere</span>" in listed
    assert "no extension is set" in listed
    assert ("18002223333" in others, SOURCE in others) == (False, True)
    assert "Calls to this DID lead nowhere: no extension is set." in admin.get("/admin/did/18002223333").text
    assert "lead nowhere" not in admin.get(f"/admin/did/{SOURCE}").text


def test_the_dashboard_leads_to_what_leads_nowhere(own_admin, own_server):
    """Its figure is the number of the list."""
    own_server.sql("UPDATE vicidial_inbound_dids SET extension = ''")

    part = own_admin.get("/admin/dashboard/nowhere").text
    assert 'href="/admin/dids?leads_nowhere=Y"' in part
    assert "no extension is set" in part
