"""Users in the panel, without a browser that draws them."""

import json
from urllib.parse import quote

import pytest

from didier.domain.grants import GRANTS
from didier.vicidial.functions import FUNCTIONS
from support.server import Didier


def add(server: Didier, name: str = "crm", **columns: object) -> None:
    """Make a user whose password is 1234."""
    values = {
        "user": name, "pass": "1234", "full_name": "The CRM", "user_level": 8, "user_group": "ADMIN",
        "active": "Y", "api_allowed_functions": "", "vdc_agent_api_access": "1", **columns,
    }  # fmt: skip
    names = ", ".join(f'"{column}"' for column in values)
    marks = ", ".join("?" for _ in values)
    server.sql(f"INSERT INTO vicidial_users ({names}) VALUES ({marks})", *values.values())


def rights(**columns: str) -> str:
    """Return the statement that changes the administrator's columns."""
    changes = ", ".join(f"{name} = '{value}'" for name, value in columns.items())
    return f"UPDATE vicidial_users SET {changes} WHERE user = 'admin'"


def test_users_are_listed(admin, server):
    """With what they may do, and who is locked out."""
    add(server, api_allowed_functions=" copy_did add_did ")
    for _ in range(10):
        server.tutorial(user="crm", **{"pass": "wrong"})

    text = admin.get("/admin/users").text

    assert ("add_did, copy_did" in text, ">ALL<" in text) == (True, True)
    assert 1 == text.count(">locked<")


def test_pages_of_users_follow_each_other(admin, server):
    """The next page begins behind the last name; a cursor of another list begins at the first."""
    for number in range(60):
        add(server, f"user{number:02}")

    first = admin.get("/admin/users").text
    link = first.partition('rel="next" href="')[2].partition('"')[0]
    second = admin.get(f"/admin/users{link}").text
    assert ("/user/user48" in first, "/user/user49" in first) == (True, False)
    assert ("/user/user48" in second, "/user/user59" in second) == (False, True)
    assert "/user/admin" in admin.get("/admin/users?after=nonsense").text


def test_the_form_has_what_the_tutorial_names(admin, server):
    """API Access, User Level, Allowed API Functions, the other rights, and Save Changes."""
    add(server, api_allowed_functions=" copy_did live_function ")
    text = admin.get("/admin/user/crm").text

    assert [] == [grant.label for grant in GRANTS if f">{grant.label}</label>" not in text]
    assert [] == [name for name in (*FUNCTIONS, "live_function") if f'value="{name}"' not in text]
    assert ">User Level</label>" in text
    assert "Save Changes" in text


def test_rights_that_the_caller_lacks_cannot_be_chosen(admin, server):
    """The form offers what the services would take."""
    add(server)
    server.sql(rights(delete_inbound_dids="0", api_allowed_functions=" copy_did user_details update_user "))
    text = " ".join(admin.get("/admin/user/crm").text.split())

    assert '<option value="1" disabled>1</option>' in text.partition('id="delete_inbound_dids"')[2][:300]
    assert "You do not have this right, so you cannot grant it." in text
    assert 'value="add_did" disabled' in text
    assert 'value="copy_did" data-initial="no"' in text


def test_a_user_of_a_higher_level_is_only_shown(admin, server):
    """Levels that may not be changed leave a form that is shut; the API refuses it too."""
    add(server, user_level=9)
    server.sql(rights(user_level="8"))
    text = admin.get("/admin/user/crm").text
    refused = admin.send("PATCH", "/users/crm", '{"active": "N"}')

    assert '<fieldset disabled class="plain">' in text
    assert "but not change it" in text
    assert 403 == refused.status


def test_a_form_is_refused_with_the_place_of_the_error(admin, server):
    """Each error has the field that it belongs to; nothing is stored."""
    add(server)
    refused = {
        "full_name": ("PATCH", "/users/crm", {"full_name": "x" * 51}),
        "user_group": ("PATCH", "/users/crm", {"user_group": "NOWHERE"}),
        "user": ("POST", "/users", {"user": "no spaces!", "password": "x", "user_group": "ADMIN"}),
        "password": ("POST", "/users", {"user": "new", "password": "", "user_group": "ADMIN"}),
    }
    places = {}
    for field, (method, path, body) in refused.items():
        problem = json.loads(admin.send(method, path, json.dumps(body)).text)
        places[field] = problem["pointer"].split("/")[1]

    assert {field: field for field in refused} == places
    assert ["admin", "crm"] == [row[0] for row in server.sql("SELECT user FROM vicidial_users ORDER BY user")]


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/users/crm/lock"), ("PATCH", "/users/crm"), ("POST", "/tokens")]
)
def test_changes_of_users_need_the_token_of_the_page(admin, server, method, path):
    """Without it another site could make the browser send them."""
    add(server, failed_login_count=10)

    assert 403 == admin.send(method, path, '{"active": "N"}', X_CSRF_Token="0" * 64).status
    assert [("Y", 10)] == server.sql(
        "SELECT active, failed_login_count FROM vicidial_users WHERE user = 'crm'"
    )
    assert [] == server.sql("SELECT * FROM didier_tokens")


def test_a_locked_user_is_unlocked(admin, server):
    """The button's request lets the user in at once."""
    add(server, api_allowed_functions=" copy_did ", modify_inbound_dids="1")
    for _ in range(10):
        server.tutorial(user="crm", **{"pass": "wrong"})
    locked = server.tutorial(user="crm"), admin.get("/admin/user/crm").text
    answer = admin.send("DELETE", "/users/crm/lock")

    assert "15 minutes" in locked[0]
    assert 'id="unlock"' in locked[1]
    assert 204 == answer.status
    assert "DID Copied Successfully" in server.tutorial(user="crm")
    assert 'id="unlock"' not in admin.get("/admin/user/crm").text


def test_tokens_are_listed_without_what_they_say(admin, server):
    """Those that work first; a token is in the answer that made it and nowhere else."""
    made = [
        json.loads(admin.send("POST", "/tokens", json.dumps({"name": name, "scopes": ["users"]})).text)
        for name in ("Old one", "New one")
    ]
    admin.send("DELETE", f"/tokens/{made[1]['token_id']}", "")
    text = admin.get("/admin/user/admin").text

    assert 0 < text.index("Old one") < text.index("New one") < text.index(">revoked<")
    assert 1 == text.count("data-revoke=")
    assert [] == [one["name"] for one in made if one["token"] in text]


@pytest.mark.parametrize(("count", "offer"), [(0, None), (1, "the valid token"), (2, "the 2 valid tokens")])
def test_a_new_password_offers_to_revoke_the_tokens(admin, server, count, offer):
    """Those that work are counted; without any there is nothing to tick."""
    for _ in range(count + 1):
        made = admin.send("POST", "/tokens", json.dumps({"name": "CRM", "scopes": ["users"]}))
    admin.send("DELETE", f"/tokens/{json.loads(made.text)['token_id']}", "")
    text = admin.get("/admin/user/admin").text

    assert (offer is not None) == ('name="revoke_tokens" checked' in text)
    assert (f"Revoke {offer} too" in text) == (offer is not None)


def test_the_panel_says_what_a_change_would_take_away(admin):
    """Before it is saved; nothing is changed."""
    changes = quote('{"user_level": 1, "view_reports": false, "full_name": "Ann"}')
    found = admin.get(f"/admin/user/admin/losses?changes={changes}")

    assert (200, {"losses": ["User Level 9 (it becomes 1)", "View Reports"]}) == (
        found.status, json.loads(found.text),
    )  # fmt: skip
    assert 'value="9" selected' in admin.get("/admin/user/admin").text


@pytest.mark.parametrize("query", ["", "changes=", "changes=[]", "changes=%7B%22user_level%22%3A%22x%22%7D"])
def test_changes_that_cannot_be_read_take_nothing_away(admin, query):
    """The change itself would be refused."""
    assert 422 == admin.get(f"/admin/user/admin/losses?{query}").status


@pytest.mark.parametrize(("user", "dialogs"), [("admin", 1), ("crm", 0)])
def test_changes_to_oneself_alone_are_asked_about(admin, server, user, dialogs):
    """The page of another user has no such question."""
    add(server)

    assert dialogs == admin.get(f"/admin/user/{user}").text.count('id="losing"')


@pytest.mark.parametrize("path", ["/users", "/users/new", "/user/crm"])
def test_users_are_for_those_who_may(admin, server, path):
    """Who lacks the right sees none, and is told what is missing."""
    add(server)
    server.sql(rights(view_reports="0", modify_users="0"))

    answer = admin.get(f"/admin{path}")
    assert 403 == answer.status
    assert "must be 1" in answer.text
    assert "The CRM" not in answer.text
    assert 'href="/admin/users"' not in answer.text


def test_users_of_other_groups_are_invisible(admin, server):
    """In the list, at their address, and to requests."""
    add(server, user_group="EAST")
    server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' WEST '")

    assert "/user/crm" not in admin.get("/admin/users").text
    assert 404 == admin.get("/admin/user/crm").status
    assert 404 == admin.send("DELETE", "/users/crm/lock").status
    assert "There are no users in your groups" in admin.get("/admin/users").text


def test_an_own_new_password_ends_the_session(admin):
    """Everywhere, this browser included."""
    answer = admin.send("PATCH", "/users/admin", '{"password": "another-one"}')

    assert (200, 303) == (answer.status, admin.get("/admin/users").status)
