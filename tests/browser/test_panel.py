"""The admin panel in Debian's Chromium: what an administrator does there."""

import re

import pytest

from browser.panel import Panel, barriers_on

SOURCE = "18001234567"
PAGES = (
    "/dids", "/dids?search=nothing", "/dids?route=EXTEN", "/dids/new", f"/did/{SOURCE}",
    f"/did/{SOURCE}?all=1", f"/did/{SOURCE}/edit", f"/did/{SOURCE}/route", f"/copy?source={SOURCE}",
    "/batches", "/batches/1",
    "/no-such-page",
)  # fmt: skip


@pytest.fixture
def panel(server, open_page):
    """The panel, with the administrator signed in."""
    return Panel(open_page(), server.url, drawn=False)


def limited(server, **changes):
    """Make the user limited, password 1234, with all rights but for *changes*."""
    columns = [row[1] for row in server.sql("PRAGMA table_info(vicidial_users)") if row[1] != "user_id"]
    values = {"user": "'limited'", "pass": "'1234'", "pass_hash": "''", **changes}
    chosen = ", ".join(values.get(name, f'"{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    server.sql(
        f"INSERT INTO vicidial_users ({names}) SELECT {chosen} FROM vicidial_users WHERE user = 'admin'"
    )


def test_a_did_is_copied_to_one_number(panel, server):
    """From the row of a DID: source, new number, preview, copy; the new DID is there."""
    panel.open("/dids")
    panel.page.click(f"[aria-label='Copy {SOURCE}']")
    panel.preview("18002223333")
    before = server.patterns()
    panel.make()

    assert [SOURCE] == before
    assert [SOURCE, "18002223333"] == server.patterns()
    assert "The DID was copied." in panel.text("#notes")
    assert [] == panel.page.complaints


def test_a_block_is_copied_watched_and_undone(home, open_page):
    """A range of 10,000 is previewed, made while its progress is shown, and taken back as a whole."""
    panel = Panel(open_page(), home.url)
    panel.open(f"/copy?source={SOURCE}")
    panel.preview(f"18002220000-18002229999\n{SOURCE}")
    refused = panel.text("#verdict"), panel.text("#totals"), panel.text("#targets-seen")
    panel.preview("18002220000-18002229999")
    verdict = panel.text("#verdict")
    panel.make()
    made = panel.text("#totals")
    panel.undo()
    panel.open("/dids?search=1800222")

    assert "Nothing would be created: 1 of 10,001 cannot be created." == refused[0]
    assert ["10,000", "new", "0", "similar", "1", "exists"] == refused[1].split()[:6]
    assert f"{SOURCE}" in refused[2]
    assert "10,000 of 10,000 will be created. Nothing has been saved yet." == verdict
    assert "10,000 added" in made
    assert "No DID matches." in panel.text()
    assert any("/events" in url for url in panel.asked)
    assert [] == panel.page.complaints


def test_a_file_with_values_of_its_own_is_copied(panel, server, tmp_path):
    """A CSV file gives each number its description; a column that is no field is said to be left out."""
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("number,description\n18002221111,Sales line\n18002222222,Support line\n")
    bad.write_text("number,colour\n18002221111,green\n")
    panel.open(f"/copy?source={SOURCE}")
    panel.page.set_input_files("#file", bad)
    panel.wait_for("One column is no field of a DID and will be left out")
    panel.page.set_input_files("#file", good)
    panel.page.select_option("#active", "N")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#make:not([hidden])")
    panel.make()

    did = server.did("18002222222")
    assert ("Support line", "N") == (did["did_description"], did["did_active"])


def test_what_was_changed_since_is_kept_by_an_undo(panel, server):
    """The undo names what it keeps; a second one takes that too."""
    panel.open(f"/copy?source={SOURCE}")
    panel.preview("18002220001,18002220002")
    panel.make()
    server.vicidial("update_did", did_pattern="18002220001", did_description="Changed since")
    panel.undo()
    panel.wait_for("These DIDs were kept because they were changed since or are locked: 18002220001")
    kept = server.patterns()
    panel.page.click("#undo")
    panel.page.check("#undo-force")
    with panel.page.expect_navigation():
        panel.page.click("#undo-yes")
    panel.wait_for("The batch was undone.")

    assert [SOURCE, "18002220001"] == kept
    assert [SOURCE] == server.patterns()
    assert "Kept" not in panel.text("#notes")


def test_a_batch_is_stopped(panel, server):
    """What it has done stays until it is undone; the page says who has stopped it, and by which order."""
    panel.open("/batches")
    batch_id = panel.page.evaluate(
        """async () => {
            const { ask } = await import("/admin/static/didier/api.js");
            const body = { verb: "add", ranges: ["18110000000-18110499999"], mode: "best_effort" };
            return (await ask("POST", "/batches", { body })).id;
        }"""
    )
    panel.page.goto(f"{panel.url}/admin/batches/{batch_id}")
    panel.page.click("#cancel")
    panel.page.click("#cancel-yes")
    panel.page.wait_for_selector("#state:has-text('failed')")
    panel.page.wait_for_load_state()  # its scripts run
    told, made = panel.text(), len(server.patterns())
    panel.undo()

    assert "cancelled by admin" in told
    assert "add, as many as possible" in told
    assert 1 < made < 500_000
    assert [SOURCE] == server.patterns()


def test_a_wrong_value_is_said_beside_its_field(panel, server):
    """The services' own words stand beside the field, while it is written and when it is saved."""
    panel.open(f"/did/{SOURCE}/edit")
    panel.page.select_option("#did_route", "IN_GROUP")
    panel.page.fill("#group_id", "NOWHERE")
    panel.page.press("#group_id", "Tab")
    panel.page.wait_for_selector("#group_id-problem:has-text('there is no such in-group')")
    panel.page.fill("#group_id", "")
    panel.page.select_option("#did_route", "EXTEN")
    panel.page.fill("#did_description", "abc")
    panel.page.click("button:has-text('Save changes')")
    panel.page.wait_for_selector("#did_description-problem:has-text('6 to 50 characters')")
    panel.page.wait_for_selector("#did_description:focus")
    untouched = server.did(SOURCE)["did_description"]
    panel.page.fill("#did_description", "Sales of the west")
    panel.page.click("button:has-text('Save changes')")
    panel.wait_for("The changes are saved.")

    assert "Tutorial sales line" == untouched
    assert "Sales of the west" == server.did(SOURCE)["did_description"]
    assert "DID Description: Tutorial sales line → Sales of the west" in panel.text()


def test_a_button_stays_under_the_pointer_that_presses_it(panel):
    """What is wrong with the field that is left for a button is said when the button is let go: it counts."""
    panel.open(f"/did/{SOURCE}/edit")
    panel.page.fill("#did_description", "abc")
    panel.page.hover("button:has-text('Save changes')")
    with panel.page.expect_response(lambda answer: "/admin/choices/check" in answer.url):
        panel.page.mouse.down()
    # An answer later than the one that tells of the field: that has been dealt with.
    panel.page.evaluate(
        "fetch('/admin/choices/check?column=did_description&value=abc').then((one) => one.json())"
    )
    while_pressed = panel.text("#did_description-problem")
    panel.page.mouse.up()
    panel.page.wait_for_selector("#did_description:focus")

    assert "" == while_pressed
    assert "6 to 50 characters" in panel.text("#did_description-problem")


def test_a_change_that_was_made_meanwhile_is_not_lost(panel, server):
    """A form that shows an older state changes nothing, and says why."""
    panel.open(f"/did/{SOURCE}/edit")
    server.vicidial("update_did", did_pattern=SOURCE, did_description="Of somebody else")
    panel.page.fill("#did_description", "Of the form")
    panel.page.click("button:has-text('Save changes')")
    panel.page.wait_for_selector("#notes .alert-danger")

    assert f"DID {SOURCE} was changed in the meantime." in panel.text("#notes")
    assert "Of somebody else" == server.did(SOURCE)["did_description"]


def test_only_the_fields_that_the_route_needs_are_shown(panel):
    """Another route brings other fields at once; a switch shows all."""
    panel.open(f"/did/{SOURCE}/edit")
    places = ("#extension", "#menu_id", "#filter_menu_id", "#custom_one")
    by_route = [panel.page.is_visible(place) for place in places]
    panel.page.select_option("#did_route", "CALLMENU")
    by_other = [panel.page.is_visible(place) for place in places]
    panel.page.check("#everything")

    assert [True, False, False, False] == by_route
    assert [False, True, False, False] == by_other
    assert [True] * 4 == [panel.page.is_visible(place) for place in places]


def test_a_did_is_made_found_and_deleted(panel, server):
    """A new DID with what was filled in; a deletion asks first; one that is locked stays."""
    panel.open("/dids/new")
    panel.page.fill("#did_pattern", "+442079460000")
    panel.page.fill("#extension", "8301")
    panel.page.click("button:has-text('Create the DID')")
    panel.wait_for("+442079460000 was created.")
    panel.page.click("#lock")
    panel.wait_for("is locked against deletion.")
    panel.page.click("#delete")
    panel.page.click("#deletion-yes")
    panel.page.wait_for_selector("#deletion-problem:has-text('is locked against deletion')")
    panel.page.click("#deletion-no")
    panel.page.click("#lock")
    panel.wait_for("is unlocked.")
    extension = server.did("+442079460000")["extension"]
    panel.page.click("#delete")
    panel.page.click("#deletion-yes")
    panel.page.wait_for_url("**/admin/dids")

    assert "8301" == extension
    assert [SOURCE] == server.patterns()


def test_a_new_number_in_another_spelling_is_pointed_out(panel):
    """It is created; the page that comes next says what else there is."""
    panel.open("/dids/new")
    panel.page.fill("#did_pattern", "8001234567")
    panel.page.select_option("#did_route", "EXTEN")
    panel.page.fill("#extension", "8300")
    panel.page.click("[type=submit]:has-text('Create')")
    panel.page.wait_for_url("**/admin/did/8001234567")
    panel.wait_for(f"8001234567 was created. The same number already exists as {SOURCE}.")


def test_a_did_that_calls_rely_on_is_deleted_by_force(panel, server):
    """What a protected DID is for is said, and a second decision asked for."""
    server.vicidial("add_did", did_pattern="default", did_description="Catches the rest")
    panel.open("/did/default")
    panel.page.click("#delete")
    panel.page.click("#deletion-yes")
    panel.page.check("#deletion-force input")
    said = panel.text("#deletion-problem")
    panel.page.click("#deletion-yes")
    panel.page.wait_for_url("**/admin/dids")

    assert "DID default is protected" in said
    assert [SOURCE] == server.patterns()


def test_the_keyboard_is_enough(panel):
    """A slash leads to the search, Enter finds in any spelling, and Enter on a number opens it."""
    panel.open("/batches")
    panel.page.keyboard.press("/")
    panel.page.keyboard.type("(800) 123-4567")
    panel.page.keyboard.press("Enter")
    panel.page.wait_for_url("**/admin/dids?search=**")
    panel.page.focus(f"text={SOURCE}")
    panel.page.keyboard.press("Enter")
    panel.page.wait_for_url(f"**/admin/did/{SOURCE}")

    assert "Calls go to extension 8300" in panel.text()


def test_a_user_without_rights_sees_nothing(server, open_page):
    """Neither menu nor data, and 403 with the missing settings on the direct address."""
    limited(server, view_reports="'0'", modify_inbound_dids="'0'", ast_admin_access="'0'")

    panel = Panel(open_page(), server.url, "limited")
    statuses = [panel.open(path).status for path in ("/dids", f"/did/{SOURCE}", "/copy", "/batches")]
    direct = panel.text()
    panel.open("/")

    assert [403] * 4 == statuses
    assert "View Reports or Modify DIDs must be 1" in direct
    assert SOURCE not in panel.page.content()
    assert ["API console", "JSON API"] == [
        link.inner_text().strip() for link in panel.page.query_selector_all("nav a.nav-link")
    ]


def test_dids_of_other_groups_are_invisible(server, open_page):
    """A user of a group sees its DIDs: no others in lists, choices and at their addresses."""
    server.sql(
        "INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups)"
        " VALUES ('WEST', 'West', ' WEST ')"
    )
    server.sql("UPDATE vicidial_inbound_dids SET user_group = 'EAST'")
    limited(server, user_group="'WEST'")

    panel = Panel(open_page(), server.url, "limited")
    panel.open("/dids")
    lists = panel.text()
    choices = panel.open("/choices?of=DID&search=").text()
    statuses = [panel.open(path).status for path in (f"/did/{SOURCE}", f"/did/{SOURCE}/edit")]
    panel.open(f"/copy?source={SOURCE}")
    panel.page.fill("#targets", "18002223333")
    panel.page.click("#preview")
    panel.page.wait_for_selector("#source-problem:has-text('there is no DID')", state="attached")

    assert (True, "[]") == (SOURCE not in lists, choices)
    assert [404, 404] == statuses
    assert [SOURCE] == server.patterns()


def test_a_request_without_the_token_is_refused(panel, server):
    """What a script sends from a page of ours without its token changes nothing."""
    panel.open("/dids")
    status = panel.page.evaluate(
        """async (did) => (await fetch(`/admin/api/v1/dids/${did}`, {
            method: "PATCH", headers: {"Content-Type": "application/json"}, body: '{"did_active": "N"}',
        })).status""",
        SOURCE,
    )

    assert 403 == status
    assert "Y" == server.did(SOURCE)["did_active"]


def test_signing_out_ends_what_other_windows_show(panel):
    """After signing out a script of an open page leads to the sign-in page."""
    panel.open(f"/copy?source={SOURCE}")
    other = panel.page.context.new_page()
    other.goto(f"{panel.url}/admin/dids")
    other.click(".topbar .dropdown-toggle")
    other.click("text=Sign out")
    other.wait_for_url("**/admin/login")
    panel.page.fill("#targets", "18002223333")
    panel.page.click("#preview")
    panel.page.wait_for_url("**/admin/login?next=**")

    assert "Sign in" in panel.page.title()


def test_colours_are_kept(panel):
    """The button that switches between light and dark counts from then on, on every page."""
    panel.open("/dids")
    panel.page.click("#theme")
    panel.open("/batches")

    assert "dark" == panel.page.evaluate("document.documentElement.dataset.bsTheme")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(server, open_page, scheme):
    """On no page axe-core finds a serious violation; nothing comes from elsewhere or is too wide."""
    server.tutorial()
    page = open_page(color_scheme=scheme, reduced_motion="reduce")
    page.goto(f"{server.url}/admin/login")
    found = {"login": barriers} if (barriers := barriers_on(page)) else {}
    panel = Panel(page, server.url)
    for path in PAGES:
        panel.open(path)
        if barriers := barriers_on(page):
            found[path] = barriers
        page.set_viewport_size({"width": 360, "height": 740})
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            found[f"{path} at 360 px"] = ["is wider than the window"]
        page.set_viewport_size({"width": 1280, "height": 900})

    panel.open(f"/copy?source={SOURCE}")
    panel.preview("18002223333-18002223340,8002223333,x")
    found |= {"preview": barriers} if (barriers := barriers_on(page)) else {}
    for path, button in ((f"/did/{SOURCE}", "#delete"), ("/batches/1", "#undo")):
        panel.open(path)
        page.click(button)
        found |= {button: barriers} if (barriers := barriers_on(page)) else {}

    assert {} == found
    assert {server.url} == {
        re.match(r"\w+://[^/]+", url)[0] for url in panel.asked if not url.startswith("data:")
    }
    assert [text for text in page.complaints if "404" not in text] == []
