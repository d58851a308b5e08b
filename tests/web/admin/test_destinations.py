"""In-groups, call menus, phones and servers in the panel, without a browser that draws them."""

import pytest

from didier.domain.destinations import CALL_MENU, IN_GROUP, KINDS, PHONE, SERVER
from support.browsers import Browser
from support.homes import ready
from support.server import Didier

PAGES = {
    IN_GROUP: ("/in-group/SALES", "Sales line"),
    CALL_MENU: ("/call-menu/MAIN", "Main menu"),
    PHONE: ("/phone/gs102/192.0.2.10", "Front desk"),
    SERVER: ("/server/one", "Asterisk in Leeds"),
}
FILLED = (
    "INSERT INTO servers (server_id, server_ip, server_description)"
    " VALUES ('one', '192.0.2.10', 'Asterisk in Leeds')",
    "INSERT INTO vicidial_inbound_groups (group_id, group_name) VALUES ('SALES', 'Sales line')",
    "INSERT INTO vicidial_call_menu (menu_id, menu_name) VALUES ('MAIN', 'Main menu')",
    "INSERT INTO vicidial_call_menu_options (menu_id, option_value, option_route, option_route_value)"
    " VALUES ('MAIN', '1', 'INGROUP', 'SALES')",
    "INSERT INTO phones (extension, server_ip, fullname) VALUES ('gs102', '192.0.2.10', 'Front desk')",
)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.path)


@pytest.fixture
def filled(server):
    """The server with one thing of each kind."""
    for statement in FILLED:
        server.sql(statement)
    return server


@every_kind
def test_what_is_there_is_listed(admin, filled, kind):
    """With its name, and a link to its page; a search leaves the others out."""
    address, name = PAGES[kind]
    listed = admin.get(f"/admin/{kind.path}").text
    found = admin.get(f"/admin/{kind.path}?search={name[:4]}").text
    not_found = admin.get(f"/admin/{kind.path}?search=nothing").text

    assert [True, True, False] == [f'href="/admin{address}"' in text for text in (listed, found, not_found)]
    assert name in listed
    assert f'href="/admin/{kind.path}/new"' in listed


@every_kind
def test_the_form_has_all_columns(admin, filled, kind):
    """What they are named by cannot be changed; the choices and the button are there."""
    address, name = PAGES[kind]
    text = admin.get(f"/admin{address}").text
    new = admin.get(f"/admin/{kind.path}/new").text

    assert [] == [column for column in kind.columns if f'id="{column}"' not in text]
    assert (len(kind.fixed), 0) == (text.count(" readonly"), new.count(" readonly"))
    assert all(part in text for part in (name, "Save changes", 'id="delete"', 'data-choices="user group"'))
    assert f"Create the {kind.name}" in new


def test_the_page_says_what_sends_calls_there(admin, filled):
    """DIDs with a link, options of call menus."""
    filled.sql("UPDATE vicidial_inbound_dids SET did_route = 'IN_GROUP', group_id = 'SALES'")
    text = admin.get("/admin/in-group/SALES").text

    assert 'DID <a href="/admin/did/18001234567">18001234567</a>' in text
    assert "call menu MAIN, option 1" in text


def test_options_of_a_menu_are_in_its_form(admin, filled):
    """A row for each, with what its route offers."""
    text = admin.get("/admin/call-menu/MAIN").text

    assert 2 == text.count('<tr class="option">')  # one of them is the template of new ones
    assert 'data-of="in-group" selected>INGROUP' in text
    assert 'value="SALES"' in text


def test_the_form_of_a_did_leads_to_the_lists(admin):
    """Where a field is about one of these."""
    text = admin.get("/admin/did/18001234567/edit").text

    assert [] == [kind.path for kind in KINDS if f'(<a href="/admin/{kind.path}">' not in text]


def test_the_menu_has_a_part_for_them(admin):
    """Under a heading of its own."""
    menu = admin.get("/admin/dids").text.partition("<nav")[2].partition("</nav>")[0]
    part = menu.partition(">Destinations<")[2].partition("</ul>")[0]

    assert [True] * 4 == [f'href="/admin/{kind.path}"' in part for kind in KINDS]
    assert 'href="/admin/users"' not in part


def test_who_may_not_change_them_gets_no_buttons(admin, filled):
    """Without Modify DIDs the form is shown, and says why it cannot be changed."""
    filled.sql("UPDATE vicidial_users SET modify_inbound_dids = '0', view_reports = '1'")
    listed, shown = admin.get("/admin/in-groups").text, admin.get("/admin/in-group/SALES").text

    assert "/admin/in-groups/new" not in listed
    assert ("Save changes" in shown, "needs Modify DIDs" in shown) == (False, True)
    assert 403 == admin.get("/admin/in-groups/new").status


def test_a_thing_that_is_not_there(admin):
    """A page says so."""
    answer = admin.get("/admin/in-group/GHOST")

    assert (404, True) == (answer.status, "There is no in-group GHOST." in answer.text)


@pytest.fixture
def of_vicidial(mariadb, tmp_path, now):
    """A browser in which the administrator of a server on a VICIdial's own database has signed in."""
    url = mariadb.database()
    with ready(url, now) as engine, engine.begin() as conn:
        for statement in FILLED:
            conn.exec_driver_sql(statement)
    server = Didier(tmp_path, "--demo", "--database", url).start()
    browser = Browser(server)
    assert 303 == browser.sign_in().status
    yield browser
    server.stop()


def test_vicidials_are_only_shown(of_vicidial):
    """Lists and forms without buttons, and whose they are."""
    lists = [of_vicidial.get(f"/admin/{kind.path}").text for kind in KINDS]
    forms = [of_vicidial.get(f"/admin{address}").text for address, _ in PAGES.values()]

    assert [True] * 8 == ["VICIdial's: its own pages" in text.replace("&#39;", "'") for text in lists + forms]
    assert [] == [text for text in lists if 'class="btn btn-primary" href="/admin/in-groups/new"' in text]
    assert [False] * 4 == ["Save changes" in text or 'id="delete"' in text for text in forms]
    assert [True] * 4 == [name in text for text, (_, name) in zip(forms, PAGES.values(), strict=True)]
