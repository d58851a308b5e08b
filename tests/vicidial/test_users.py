"""The functions of users as VICIdial words them, without a password in any answer or log."""

import pytest
import sqlalchemy as sa

from didier.services.users import passwords
from didier.storage.database import reading
from didier.storage.tables import vicidial_tables
from didier.storage.users.users import accounts
from support.calls import Api

SECRET = "NewSecret77"
PHONE_SECRET = "PhoneSecret88"
NEW = {
    "agent_user": "2001", "agent_pass": SECRET, "agent_user_level": "1", "agent_full_name": "New Agent",
    "agent_user_group": "ADMIN",
}  # fmt: skip
COPY = {
    "agent_user": "3001", "agent_pass": SECRET, "agent_full_name": "Copied User", "source_user": "2001",
}  # fmt: skip


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def add(api, **parameters):
    return api.call("add_user", **{**NEW, **parameters})


def copy(api, **parameters):
    return api.call("copy_user", **{**COPY, **parameters})


def update(api, **parameters):
    return api.call("update_user", **{"agent_user": "2001", **parameters})


def user(api, name="2001"):
    with api.engine.begin() as conn:
        table = vicidial_tables().tables["vicidial_users"]
        return dict(conn.execute(sa.select(table).where(table.c.user == name)).mappings().one())


def names(api):
    return [row[0] for row in api.sql("SELECT user FROM vicidial_users ORDER BY user_id")]


def set_admin(api, **columns):
    for column, value in columns.items():
        api.sql(f"UPDATE vicidial_users SET {column} = ? WHERE user = 'admin'", value)


def logged(api):
    sql = "SELECT function, agent_user, result, result_reason, data FROM vicidial_api_log ORDER BY api_id"
    return [tuple(row) for row in api.sql(sql)]


def admin_logged(api):
    sql = "SELECT event_section, event_type, record_id, event_code, event_notes FROM vicidial_admin_log"
    return [tuple(row) for row in api.sql(f"{sql} ORDER BY admin_log_id")]


def signs_in(api, name, password):
    with reading(api.engine) as conn:
        stored = accounts(conn, [name])[name].password
    return passwords.compare(password, password, stored).matched


def everything_in(engine):
    """Return all values of all tables, as one text."""
    with engine.connect() as conn:
        return "\n".join(
            repr(row)
            for table in sa.inspect(conn).get_table_names()
            for row in conn.exec_driver_sql(f"SELECT * FROM {table}")
        )


def test_a_new_user_has_the_defaults(api):
    """The answer shows no password; the user can sign in and has no API rights."""
    assert "SUCCESS: add_user USER HAS BEEN ADDED - admin|2001|***|1|New Agent|ADMIN\n" == add(api)

    made = user(api)
    rights = ("vdc_agent_api_access", "modify_inbound_dids", "delete_inbound_dids", "view_reports")
    assert ["0"] * 4 == [made[right] for right in rights]
    assert " ALL_FUNCTIONS " == made["api_allowed_functions"]
    assert (1, "ADMIN", "New Agent", "Y") == (
        made["user_level"], made["user_group"], made["full_name"], made["active"]
    )  # fmt: skip
    empty = ("phone_login", "phone_pass", "closer_campaigns", "voicemail_id", "email")
    assert [""] * 5 == [made[column] for column in empty]
    assert signs_in(api, "2001", SECRET)


def test_adding_is_logged(api):
    """Both logs name the new user, and neither the password."""
    add(api)

    assert [
        ("add_user", "2001", "SUCCESS", "add_user USER HAS BEEN ADDED", "2001|***|1|New Agent|ADMIN")
    ] == logged(api)
    assert [("USERS", "ADD", "2001", "ADMIN API ADD USER", "user: 2001")] == admin_logged(api)


def test_optional_fields_are_stored(api):
    """Fields of the agent are stored; quotes are no error, and a plus sign in an address is a space."""
    add(
        api,
        agent_full_name="Pat Brien",
        email="pat.o'brien+x@example.test",
        phone_login="cc100",
        hotkeys_active="1",
        voicemail_id="500",
        custom_one="a: b/c",
        in_groups="SALES|SUPPORT,HELP",
        active="N",
    )

    made = user(api)
    assert "pat.o'brien x@example.test" == made["email"]
    assert ("cc100", "1", "500", "a: b/c", " SALES SUPPORT HELP -", "Y") == tuple(
        made[column]
        for column in (
            "phone_login", "hotkeys_active", "voicemail_id", "custom_one", "closer_campaigns", "active",
        )
    )  # fmt: skip


SETTINGS = {
    "wrapup_seconds_override": "30", "agent_choose_ingroups": "0", "agent_choose_blended": "0",
    "closer_default_blended": "1",
}  # fmt: skip
STORED = {
    "wrapup_seconds_override": 30, "agent_choose_ingroups": "0", "agent_choose_blended": "0",
    "closer_default_blended": "1",
}  # fmt: skip


def test_settings_of_agents_are_stored(api):
    """How an agent works is set for a new user and for one who is there."""
    add(api, **SETTINGS)
    add(api, agent_user="2002")
    update(api, agent_user="2002", **SETTINGS)

    made = [user(api, name) for name in ("2001", "2002")]
    assert [STORED, STORED] == [{column: row[column] for column in STORED} for row in made]


@pytest.mark.parametrize("value", ["-1", "0", "9999", "0030"])
def test_seconds_that_are_allowed(api, value):
    """VICIdial takes -1 to 9999."""
    add(api)

    assert update(api, wrapup_seconds_override=value).startswith("SUCCESS: ")
    assert int(value) == user(api)["wrapup_seconds_override"]


@pytest.mark.parametrize(
    ("parameter", "value", "range_"),
    [
        ("wrapup_seconds_override", "-2", "-1 AND 9999"),
        ("wrapup_seconds_override", "10000", "-1 AND 9999"),
        ("wrapup_seconds_override", "3-0", "-1 AND 9999"),
        ("agent_choose_ingroups", "2", "0 AND 1"),
        ("agent_choose_blended", "10", "0 AND 1"),
        ("closer_default_blended", "9", "0 AND 1"),
    ],
)
def test_settings_of_agents_that_are_not_allowed(api, parameter, value, range_):
    """Another value is refused, of a new user and of one who is there."""
    add(api, agent_user="2002")
    before = user(api, "2002")

    text = f"{parameter} MUST BE A VALID DIGIT BETWEEN {range_}, THIS IS AN OPTIONAL FIELD: |admin|{value}\n"
    assert f"ERROR: add_user {text}" == add(api, **{parameter: value})
    assert f"ERROR: update_user {text}" == update(api, **{"agent_user": "2002", parameter: value})
    assert ["admin", "2002"] == names(api)
    assert before == user(api, "2002")


@pytest.mark.parametrize(("login", "known"), [("cc100", True), ("CC100", True), ("many", True), ("x", False)])
def test_a_phone_must_be_there(api, login, known):
    """A user who is there is given the login of a phone or an alias; of a new one VICIdial asks neither."""
    api.sql("INSERT INTO phones (extension, server_ip, login) VALUES ('100', '192.0.2.1', 'cc100')")
    api.sql("INSERT INTO phones_alias (alias_id) VALUES ('many')")
    add(api, phone_login="none")

    answer = update(api, phone_login=login)

    text = f"update_user YOU MUST USE A VALID PHONE LOGIN, THIS IS AN OPTIONAL FIELD: |admin|{login}|0|0"
    assert (f"ERROR: {text}\n" if not known else "SUCCESS: ") == (answer if not known else answer[:9])
    assert (login if known else "none") == user(api)["phone_login"]


@pytest.mark.parametrize(
    ("change", "data"),
    [
        ({"agent_user": "2"}, "2|***|1|New Agent|ADMIN"),
        ({"agent_user": "2" * 21}, f"{'2' * 21}|***|1|New Agent|ADMIN"),
        ({"agent_pass": ""}, "2001||1|New Agent|ADMIN"),
        ({"agent_pass": "!!"}, "2001||1|New Agent|ADMIN"),
        ({"agent_pass": "x"}, "2001|***|1|New Agent|ADMIN"),
        ({"agent_pass": "x" * 101}, "2001|***|1|New Agent|ADMIN"),
        ({"agent_pass": "--BLANK--"}, "2001|***|1|New Agent|ADMIN"),
        ({"agent_user_level": "x"}, "2001|***||New Agent|ADMIN"),
        ({"agent_full_name": None}, "2001|***|1||ADMIN"),
        ({"agent_user_group": None}, "2001|***|1|New Agent|"),
    ],
)
def test_required_fields_of_a_new_user(api, change, data):
    """A required field that is missing, too short or too long is told, with the password masked."""
    assert f"ERROR: add_user YOU MUST USE ALL REQUIRED FIELDS: |admin|{data}\n" == add(api, **change)
    assert ["admin"] == names(api)


@pytest.mark.parametrize(
    ("own", "may_same", "wanted", "made"),
    [
        (9, "1", "9", True),
        (9, "0", "9", False),
        (9, "0", "8", True),
        (8, "1", "8", False),
        (8, "1", "7", True),
        (8, "1", "9", False),
        (9, "1", "10", False),
        (9, "1", "0", False),
        (9, "1", "9" * 5000, False),
    ],
)
def test_levels_that_may_be_given(api, own, may_same, wanted, made):
    """Below level 9 only lower levels; level 9 with the right to the same level; none outside 1 to 9."""
    set_admin(api, user_level=own, modify_same_user_level=may_same)

    answer = add(api, agent_user_level=wanted)

    refusal = "ERROR: add_user USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL: |admin|"
    assert made is answer.startswith("SUCCESS: ")
    assert made or f"{refusal}{wanted}|{own}\n" == answer
    assert made is ("2001" in names(api))


def test_levels_are_numbers(api):
    """Zeros before a level count for nothing; the answer has it as it was sent."""
    answer = add(api, agent_user_level="01")
    update(api, agent_user_level="007")

    assert "SUCCESS: add_user USER HAS BEEN ADDED - admin|2001|***|01|New Agent|ADMIN\n" == answer
    assert 7 == user(api)["user_level"]
    refusal = "ERROR: add_user USER DOES NOT HAVE PERMISSION TO ADD USERS IN THIS USER LEVEL: |admin|010|9\n"
    assert refusal == add(api, agent_user="2002", agent_user_level="010")


def test_a_name_that_is_taken(api):
    """Names are compared without case."""
    add(api, agent_user="anna")

    assert "ERROR: add_user USER ALREADY EXISTS: |admin|ANNA\n" == add(api, agent_user="ANNA")


def test_first_wish_for_a_name_wins(api):
    """Of two calls in one transaction the first gets the name."""
    request = {"function": "add_user", **NEW}

    first, second = api.together(request, request)

    assert first.startswith("SUCCESS: ")
    assert "ERROR: add_user USER ALREADY EXISTS: |admin|2001\n" == second


@pytest.mark.parametrize(("groups", "seen"), [(" SALES ", False), (" A ", True), (" ADMIN ", True)])
def test_groups_that_are_not_visible_do_not_exist(api, groups, seen):
    """A group outside the caller's list does not exist; a list of three characters is no limit."""
    api.limit_to(groups)

    assert seen is add(api).startswith("SUCCESS: ")
    assert "ERROR: add_user USER GROUP DOES NOT EXIST: |admin|GHOST\n" == add(
        api, agent_user="2002", agent_user_group="GHOST"
    )


def test_numbers_are_generated_in_steps_of_seven(api):
    """A generated name skips those that are taken, and no number is given out twice."""
    add(api, agent_user="115")
    request = {"function": "add_user", **NEW, "agent_user": "AUTOGENERATED"}
    if api.engine.dialect.name != "sqlite":  # VICIdial always has its row of settings
        api.sql("INSERT INTO system_settings (auto_user_add_value) VALUES (101)")

    answers = api.together(request, request)

    assert ["108", "122"] == [answer.split("|")[1] for answer in answers]
    assert [(122,)] == api.sql("SELECT auto_user_add_value FROM system_settings")
    assert ["115", "108", "122"] == [row[1] for row in logged(api)]


def test_a_field_that_does_not_fit_is_named(api):
    """What VICIdial cuts is refused."""
    assert (
        "ERROR: add_user YOU MUST USE A VALID VOICEMAIL ID, THIS IS AN OPTIONAL FIELD: |admin|12345678901\n"
        == add(api, voicemail_id="12345678901")
    )
    assert (
        "ERROR: add_user YOU MUST USE A VALID PHONE PASSWORD, THIS IS AN OPTIONAL FIELD: |admin|***\n"
        == add(api, phone_pass="x" * 101)
    )


def test_a_copy_has_the_settings_of_its_source(api):
    """All columns are copied but name, password, and what is counted or was left of sign-ins."""
    add(api)
    with api.engine.begin() as conn:
        table = vicidial_tables().tables["vicidial_users"]
        other = {
            "api_allowed_functions": " copy_did ", "vdc_agent_api_access": "1", "modify_inbound_dids": "1",
            "user_level": 8, "email": "t@example.test", "custom_one": "c1", "user_group_two": "SALES",
            "inbound_credits": 7, "two_factor_override": "ENABLED", "failed_login_count": 5,
            "last_ip": "10.1.1.1", "shift_override_flag": "1", "failed_login_attempts_today": 3,
        }  # fmt: skip
        conn.execute(sa.update(table).where(table.c.user == "2001").values(other))

    answer = copy(api)

    assert "SUCCESS: copy_user USER HAS BEEN COPIED - admin|3001|***|Copied User|2001\n" == answer
    source, made = user(api), user(api, "3001")
    own = {"user_id", "user", "pass", "pass_hash", "full_name"}
    reset = {
        "failed_login_count": 0, "last_ip": "", "shift_override_flag": "0", "failed_login_attempts_today": 0,
    }  # fmt: skip
    assert {**{k: v for k, v in source.items() if k not in own}, **reset} == {
        k: v for k, v in made.items() if k not in own
    }
    assert "Copied User" == made["full_name"]
    assert signs_in(api, "3001", SECRET)
    assert [
        "COPY", "3001", "ADMIN API COPY USER", "user: 3001   source_user: 2001   rows: 1,0,0"
    ] == list(admin_logged(api)[-1][1:])  # fmt: skip


def test_a_copy_can_work_at_once(api):
    """The copy signs in with its own password and the rights of its source."""
    copy(api, source_user="admin", agent_pass="1234")

    assert "SUCCESS: add_did DID HAS BEEN ADDED - 3001|5551234\n" == api.call(
        "add_did", user="3001", did_pattern="5551234"
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"source_user": "ghost"}, "USER GROUP DOES NOT EXIST: |admin|"),
        ({"agent_user": "admin"}, "USER ALREADY EXISTS: |admin|admin"),
        ({"agent_full_name": ""}, "YOU MUST USE ALL REQUIRED FIELDS: |admin|3001|***|admin|"),
        ({"source_user": ""}, "YOU MUST USE ALL REQUIRED FIELDS: |admin|3001|***||Copied User"),
        (
            {"agent_full_name": "x" * 51},
            f"YOU MUST USE A VALID FULL NAME, THIS IS AN OPTIONAL FIELD: |admin|{'x' * 51}",
        ),
    ],
)
def test_refused_copies(api, change, text):
    """Nothing is made, and an unknown source is told as VICIdial tells it."""
    assert f"ERROR: copy_user {text}\n" == copy(api, **{"source_user": "admin", **change})
    assert ["admin"] == names(api)


def test_a_user_of_the_same_level_is_not_copied(api):
    """A caller of level 8 copies lower levels alone."""
    add(api, agent_user_level="8")
    set_admin(api, user_level=8)

    assert (
        "ERROR: copy_user USER DOES NOT HAVE PERMISSION TO COPY USERS IN THIS USER LEVEL: |admin|8|8\n"
        == copy(api)
    )


def test_an_update_ends_a_lock(api):
    """Whatever is changed, the count of wrong passwords begins anew."""
    add(api)
    api.sql("UPDATE vicidial_users SET failed_login_count = 10 WHERE user = '2001'")

    assert "SUCCESS: update_user USER HAS BEEN UPDATED - admin|2001|\n" == update(
        api, agent_pass="Changed-1", active="n", agent_user_level="8"
    )

    changed = user(api)
    assert (0, "N", 8) == (changed["failed_login_count"], changed["active"], changed["user_level"])
    assert signs_in(api, "2001", "Changed-1")
    assert not signs_in(api, "2001", SECRET)
    assert ("USERS", "MODIFY", "2001", "ADMIN API UPDATE USER", "user: 2001") == admin_logged(api)[-1]


def test_the_blank_mark_empties(api):
    """Also the voicemail box, which VICIdial sets to the word."""
    filled = ("agent_full_name", "voicemail_id", "email", "custom_five", "in_groups", "phone_login")
    add(api, voicemail_id="500", email="a@b.cd", custom_five="x", in_groups="A", phone_login="100")

    update(api, **dict.fromkeys(filled, "--BLANK--"))

    columns = ("full_name", "voicemail_id", "email", "custom_five", "closer_campaigns", "phone_login")
    assert [""] * 6 == [user(api)[column] for column in columns]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"agent_user_level": "--BLANK--"}, "YOU MUST USE A VALID USER LEVEL, {}: |admin|--BLANK--|9|1"),
        ({"agent_user_level": "10"}, "YOU MUST USE A VALID USER LEVEL, {}: |admin|10|9|1"),
        ({"agent_user_group": "GHOST"}, "YOU MUST USE A VALID USER GROUP, {}: |admin|GHOST|0"),
        ({"agent_pass": "--BLANK--"}, "YOU MUST USE A VALID PASSWORD, {}: |admin|***"),
        ({"agent_pass": "x" * 101, "active": "N"}, "YOU MUST USE A VALID PASSWORD, {}: |admin|***"),
        ({"agent_pass": "x"}, "YOU MUST USE A VALID PASSWORD, {}: |admin|***"),
        ({"agent_user_level": "010"}, "YOU MUST USE A VALID USER LEVEL, {}: |admin|010|9|1"),
        ({"hotkeys_active": "2"}, "YOU MUST USE A VALID HOTKEYS SETTING, {}: |admin|2"),
        ({"email": "a@bc"}, "YOU MUST USE A VALID EMAIL, {}: |admin|a@bc"),
        ({"voicemail_id": "5"}, "YOU MUST USE A VALID VOICEMAIL ID, {}: |admin|5"),
        ({"phone_pass": "x" * 21}, "YOU MUST USE A VALID PHONE PASSWORD, {}: |admin|***"),
        ({"active": "MAYBE"}, "ACTIVE MUST BE Y OR N, {}: |admin|MAYBE"),
        ({"delete_user": "MAYBE"}, "DELETE USER MUST BE Y OR N, {}: |admin|MAYBE"),
        ({"dry_run": "MAYBE"}, "DRY RUN MUST BE Y OR N, {}: |admin|MAYBE"),
        ({"agent_user": "x"}, "YOU MUST USE ALL REQUIRED FIELDS: |admin|x|"),
        ({"agent_user": None}, "YOU MUST USE ALL REQUIRED FIELDS: |admin||"),
        ({"agent_user": "9999", "server_ip": "10.0.0.1"}, "USER DOES NOT EXIST: |admin|10.0.0.1"),
        ({"vdc_agent_api_access": "1"}, "NO UPDATES DEFINED: |admin|"),
    ],
)
def test_refused_updates(api, change, text):
    """Nothing is changed, and the answer names what is wrong."""
    add(api)
    before = user(api)

    assert f"ERROR: update_user {text.format('THIS IS AN OPTIONAL FIELD')}\n" == update(api, **change)
    assert before == user(api)


@pytest.mark.parametrize(
    ("own", "may_same", "other", "data"),
    [(8, "1", "9", "2001|<=|8"), (8, "0", "8", "2001|<|8"), (9, "0", "9", "2001|<|9")],
)
def test_users_of_higher_levels_are_not_touched(api, own, may_same, other, data):
    """Neither changed nor deleted; those of the same level only with the right to it."""
    add(api, agent_user_level=other)
    set_admin(api, user_level=own, modify_same_user_level=may_same)

    refusal = "ERROR: update_user USER DOES NOT HAVE PERMISSION TO UPDATE THIS USER: |admin|"
    assert f"{refusal}{data}\n\n" == update(api, active="N")
    assert f"{refusal}{data}\n\n" == update(api, delete_user="Y")


def test_a_user_of_the_same_level_is_changed_with_the_right(api):
    """Modify Same User Level lets level 8 change level 8, and not raise it."""
    add(api, agent_user_level="8")
    set_admin(api, user_level=8)

    assert update(api, active="N").startswith("SUCCESS: ")
    assert (
        "ERROR: update_user YOU MUST USE A VALID USER LEVEL, THIS IS AN OPTIONAL FIELD: |admin|9|8|1\n"
        == update(api, agent_user_level="9")
    )


def test_users_of_hidden_groups_do_not_exist(api):
    """Neither to be shown nor to be changed."""
    add(api)
    api.limit_to(" SALES ")

    assert "ERROR: user_details USER NOT FOUND: admin|2001\n" == api.call("user_details", agent_user="2001")
    assert "ERROR: update_user USER DOES NOT EXIST: |admin|\n" == update(api, active="N")


def test_deleting(api):
    """The row goes; the second of two in one transaction finds none."""
    add(api)
    request = {"function": "update_user", "agent_user": "2001", "delete_user": "y"}

    first, second = api.together(request, request)

    assert "SUCCESS: update_user USER HAS BEEN DELETED - admin|2001|\n" == first
    assert "ERROR: update_user USER DOES NOT EXIST: |admin|\n" == second
    assert ["admin"] == names(api)
    assert ("USERS", "DELETE", "2001", "ADMIN API DELETE USER", "user: 2001") == admin_logged(api)[-1]


def test_deleting_asks_for_its_right(api):
    """Modify Users alone does not delete."""
    add(api)
    set_admin(api, delete_users="0")

    assert "ERROR: update_user USER DOES NOT HAVE PERMISSION TO DELETE USERS: |admin|0\n" == update(
        api, delete_user="Y"
    )


@pytest.mark.parametrize(
    ("email", "line"),
    [
        (None, "NO VALID EMAIL PROVIDED - admin|2001|"),
        ("nowhere", "NO VALID EMAIL PROVIDED - admin|2001|nowhere"),
        ("a@example.test", "EMAIL FAILURE - admin|2001|a@example.test"),
    ],
)
def test_no_random_password_is_mailed(api, email, line):
    """The notice says that the password was not reset, and it was not; other changes are made."""
    add(api)
    notice = f"NOTICE: update_user USER PASSWORD RESET FAILED: {line}\n"

    answer = update(api, reset_password="8", active="N", email=email)

    assert f"{notice}SUCCESS: update_user USER HAS BEEN UPDATED - admin|2001|\n" == answer
    assert signs_in(api, "2001", SECRET)
    assert "N" == user(api)["active"]


def test_only_a_random_password(api):
    """Then nothing is changed; a length under 8 asks for none."""
    add(api)
    nothing = "ERROR: update_user NO UPDATES DEFINED: |admin|\n"

    notice, error = update(api, reset_password="12").splitlines()
    assert (True, nothing.strip()) == (notice.startswith("NOTICE: "), error)
    assert nothing == update(api, reset_password="7")


@pytest.mark.parametrize(
    ("stage", "header", "text"),
    [
        (None, None, "2001|New Agent|ADMIN|1|Y"),
        ("tab", "no", "2001\tNew Agent\tADMIN\t1\tY"),
        ("csv", "YES", "user,full_name,user_group,user_level,active\n2001,New Agent,ADMIN,1,Y"),
    ],
)
def test_details(api, stage, header, text):
    """A line with what VICIdial shows, in the format that is asked for; the log has it too."""
    add(api)

    assert f"{text}\n" == api.call("user_details", agent_user="2001", stage=stage, header=header)
    data = f"admin|2001|{stage or 'pipe'}"
    assert ("user_details", "2001", "SUCCESS", f"user_details {text}\n", data) == logged(api)[-1]


def test_details_of_awkward_names(api):
    """The name is shown as it was asked for; quotes and separators break nothing."""
    add(api, agent_user="anna")
    api.sql("UPDATE vicidial_users SET full_name = ? WHERE user = 'anna'", 'O\'Brien, "Pat" | x')

    assert 'ANNA|O\'Brien, "Pat"   x|ADMIN|1|Y\n' == api.call("user_details", agent_user="ANNA")
    assert 'ANNA,"O\'Brien, ""Pat"" | x",ADMIN,1,Y\n' == api.call(
        "user_details", agent_user="ANNA", stage="csv"
    )
    assert [
        {
            "user": "anna",
            "full_name": 'O\'Brien, "Pat" | x',
            "user_group": "ADMIN",
            "user_level": 1,
            "active": "Y",
        }
    ] == api.json("user_details", agent_user="anna")["rows"]


@pytest.mark.parametrize("name", [None, ""])
def test_details_of_nobody(api, name):
    """A name is required."""
    assert "ERROR: user_details INVALID SEARCH PARAMETERS: admin|\n" == api.call(
        "user_details", agent_user=name
    )


@pytest.mark.parametrize("name", ["x", "x" * 21, "x" * 1000])
def test_details_of_a_name_that_no_user_has(api, name):
    """Names that are too short or too long for a user are those of nobody."""
    assert f"ERROR: user_details USER NOT FOUND: admin|{name}\n" == api.call("user_details", agent_user=name)


@pytest.mark.parametrize(
    ("function", "setting", "text"),
    [
        ("add_user", "modify_users", "ADD USERS: |admin|0"),
        ("copy_user", "modify_users", "COPY USERS: |admin|0"),
        ("update_user", "modify_users", "UPDATE USERS: |admin|0"),
        ("user_details", "view_reports", "GET USER DETAILS: |admin|0|"),
        ("server_refresh", "ast_admin_access", "REFRESH SERVERS: |admin|0"),
    ],
)
def test_each_function_asks_for_its_right(api, function, setting, text):
    """Without the setting the function is refused, whatever the parameters."""
    set_admin(api, **{setting: "0"})

    assert f"ERROR: {function} USER DOES NOT HAVE PERMISSION TO {text}\n" == api.call(function)


def test_a_dry_run_changes_nothing(api):
    """Every function of users says what it would do."""
    add(api)
    before = (names(api), user(api))

    answers = [
        add(api, agent_user="AUTOGENERATED", dry_run="Y"),
        copy(api, dry_run="Y"),
        update(api, active="N", dry_run="Y"),
        update(api, delete_user="Y", dry_run="Y"),
    ]

    assert ["ADDED", "COPIED", "UPDATED", "DELETED"] == [
        answer.partition(" USER WOULD BE ")[2].split()[0] for answer in answers
    ]
    assert before == (names(api), user(api))
    assert 1 == len(admin_logged(api))


def test_json_names_the_user(api):
    """The object has the user and no password."""
    answer = api.json("add_user", **NEW)

    assert ("2001", False, "2001|***|1|New Agent|ADMIN") == (
        answer["user"], answer["dry_run"], answer["data"]
    )  # fmt: skip


def test_no_password_is_in_any_table(api):
    """Neither the user's new password nor the phone's, but where VICIdial has to read it."""
    add(api, phone_pass=PHONE_SECRET)
    copy(api)
    update(api, agent_pass=f"{SECRET}x", phone_pass=PHONE_SECRET)
    update(api, agent_pass=SECRET, agent_user="9999", agent_user_level="10")
    copy(api, agent_user="1")

    if api.engine.dialect.name != "sqlite":
        assert [(f"{SECRET}x", PHONE_SECRET)] == api.sql(
            "SELECT pass, phone_pass FROM vicidial_users WHERE user = '2001'"
        )
        api.sql("UPDATE vicidial_users SET pass = '', phone_pass = ''")
    found = everything_in(api.engine)
    assert "2001" in found
    assert SECRET not in found
    assert PHONE_SECRET not in found


def test_vicidials_hash_is_stored_where_it_hashes(api):
    """With pass_hash_enabled a VICIdial database gets VICIdial's hash, our own argon2id as ever."""
    api.sql("DELETE FROM system_settings")
    api.sql(
        "INSERT INTO system_settings (pass_hash_enabled, pass_key, pass_cost)"
        " VALUES ('1', 'abcdefghijklmnop', 4)"
    )

    assert add(api, agent_pass="1234").startswith("SUCCESS: ")

    made = user(api)
    assert "" == made["pass"]
    own = api.engine.dialect.name == "sqlite"
    assert made["pass_hash"].startswith("$argon2id$" if own else "uTpfxUqSKSbGH6FhoDfMWL1iFXhpekW")
    assert signs_in(api, "2001", "1234")


class Unprepared(Api):
    """Nothing could be made of the new password, because VICIdial's hashing is set up wrongly."""

    def proven(self, requests):
        proven = super().proven(requests)
        for one in proven:
            one.request.call.new_password = None
        return proven


def test_a_password_that_cannot_be_stored_is_refused(engine, now):
    """Where nothing was prepared to be stored, nobody is made or changed."""
    api = Unprepared(engine, now)
    text = "PASSWORD CANNOT BE STORED, SYSTEM SETTINGS OF THE PASSWORD HASH ARE NOT VALID: |admin|"

    assert f"ERROR: add_user {text}2001\n" == add(api)
    assert f"ERROR: update_user {text}admin\n" == update(api, agent_user="admin", agent_pass=SECRET)
    assert ["admin"] == names(api)


def test_server_refresh(api, now):
    """Every server writes its configuration anew; those that were about to are not counted."""
    api.sql("DELETE FROM system_settings")
    api.sql("INSERT INTO system_settings (use_non_latin) VALUES ('0')")
    for number, state in enumerate(("N", "Y", None)):
        api.sql(
            "INSERT INTO servers (server_id, server_ip, rebuild_conf_files) VALUES (?, ?, ?)",
            f"s{number}", f"10.0.0.{number}", state,
        )  # fmt: skip
    request = {"function": "server_refresh", "stage": "REFRESH"}

    assert ["SUCCESS: server_refresh SERVER REFRESH HAS BEEN TRIGGERED - admin|2\n",
            "SUCCESS: server_refresh SERVER REFRESH HAS BEEN TRIGGERED - admin|0\n"] == api.together(
        request, request
    )  # fmt: skip

    assert [("Y",)] == api.sql("SELECT DISTINCT rebuild_conf_files FROM servers")
    assert now.isoformat(" ") == str(api.sql("SELECT reload_timestamp FROM system_settings")[0][0])
    assert ("SERVERS", "OTHER", "refresh", "ADMIN API SERVERS REFRESH", "servers: 2") == admin_logged(api)[0]


@pytest.mark.parametrize("stage", [None, "refresh", "NOW"])
def test_server_refresh_asks_for_its_stage(api, stage):
    """Nothing is refreshed without the word."""
    assert f"ERROR: server_refresh YOU MUST USE ALL REQUIRED FIELDS: |admin|{stage or ''}||\n" == api.call(
        "server_refresh", stage=stage
    )
