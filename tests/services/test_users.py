from datetime import timedelta

import pytest

from didier.errors import InvalidField, NotFound, UserExists
from didier.services.users import authentication, directory, passwords
from didier.services.users.directory import AccountSettings
from didier.storage.statements import run
from didier.storage.users import users as stored_users
from didier.vicidial.call import CLEAN_UP

EVERYTHING = " ALL_FUNCTIONS "


def add(engine, now, name="crm", **settings):
    with engine.begin() as conn:
        return directory.add(conn, name, AccountSettings(**settings), now)


def change(engine, now, name="crm", **settings):
    with engine.begin() as conn:
        return directory.change(conn, name, AccountSettings(**settings), now)


def row(engine, columns, name="crm"):
    with engine.begin() as conn:
        [found] = run(conn, f"SELECT {columns} FROM vicidial_users WHERE user = ?", name)
    return found


def names(engine):
    with engine.begin() as conn:
        return [account.user.name for account in directory.everyone(conn)]


def test_a_new_user_has_no_rights_but_a_level(engine, now):
    """What is not given is off; VICIdial's defaults would allow all functions."""
    account = add(engine, now).account

    assert (8, False, frozenset(), False) == (
        account.user.level,
        account.user.api_access,
        account.user.functions,
        account.user.modify_dids,
    )
    assert (False, False, True) == (account.user.delete_dids, account.user.view_reports, account.active)


def test_what_is_given_is_stored(engine, now):
    """Every setting stands in VICIdial's column."""
    add(
        engine,
        now,
        level=9,
        api_access=True,
        functions="copy_did,add_did",
        modify_dids=True,
        delete_dids=True,
        view_reports=True,
        active=False,
        group="SALES",
        full_name="Sales CRM",
    )

    assert (9, "1", " copy_did add_did ", "1", "1", "1", "N", "SALES", "Sales CRM") == row(
        engine,
        "user_level, vdc_agent_api_access, api_allowed_functions, modify_inbound_dids,"
        " delete_inbound_dids, view_reports, active, user_group, full_name",
    )


def test_a_password_is_stored_hashed(engine, now):
    """The password stands nowhere in the row, unless VICIdial must read it there, and matches."""
    add(engine, now, password="Hidden-1")

    found = str(row(engine, "*"))
    with engine.begin() as conn:
        assert stored_users.keeps_plain(conn) == ("Hidden-1" in found)
        assert passwords.compare("Hidden-1", "", authentication.stored_password(conn, "crm")).matched


def test_without_a_password_nobody_signs_in(engine, now):
    """A user that was made without a password matches none."""
    account = add(engine, now).account

    assert not passwords.compare("", "", account.password).matched


def test_a_user_that_exists_is_refused(engine, now):
    """A name that differs in case alone is the same user."""
    for name in ("admin", "ADMIN", "Admin"):
        with pytest.raises(UserExists):
            add(engine, now, name)

    assert ["admin"] == names(engine)


def test_bad_names_are_refused(engine, now):
    """A name has 2 to 20 letters, digits, - and _."""
    for name in ("", "a", "a" * 21, "a b", "a'b", "a.b", "a\n", "ab|", "a@b.c"):
        with pytest.raises(InvalidField, match="2 to 20 letters, digits, - and _"):
            add(engine, now, name)

    assert ["admin"] == names(engine)


def test_a_user_can_be_named_in_a_call(engine, now):
    """A name that the API's clean-up would change is refused, as nobody could sign in under it."""
    good, bad = ("ab", "a" * 20, "crm-1_X", "élan"), ("x²", "x½", "x\u0663")
    for name in good:
        add(engine, now, name)

    for name in bad:
        with pytest.raises(InvalidField):
            add(engine, now, name)
    assert sorted(["admin", *good]) == sorted(names(engine))
    assert good == tuple(CLEAN_UP["user"].clean(name, non_latin=True) for name in good)


def test_letters_that_cannot_be_stored_are_refused(engine, now):
    """A name with letters outside the basic plane is refused in every home, and is not a failure."""
    with pytest.raises(InvalidField):
        add(engine, now, "\U0001d400\U0001d401")

    assert ["admin"] == names(engine)


def test_levels_are_1_to_9(engine, now):
    """VICIdial has user levels 1 to 9."""
    for level in (-1, 0, 10, 255):
        with pytest.raises(InvalidField, match="1 to 9"):
            add(engine, now, level=level)

    assert ["admin"] == names(engine)


def test_an_empty_password_is_refused(engine, now):
    """A password has at least one character."""
    with pytest.raises(InvalidField):
        add(engine, now, password="")

    assert ["admin"] == names(engine)


@pytest.mark.parametrize(
    ("field", "limit"), [("full_name", 50), ("group", 20), ("functions", 998)], ids=lambda value: str(value)
)
def test_texts_that_do_not_fit_are_refused(engine, now, field, limit):
    """A text longer than its column is refused in every home, not cut, not stored and not a failure."""
    add(engine, now, "fits", **{field: "x" * limit})

    with pytest.raises(InvalidField):
        add(engine, now, "toolong", **{field: "x" * (limit + 1)})
    assert ["admin", "fits"] == names(engine)


def test_functions_are_stored_as_vicidial_reads_them(engine, now):
    """Names stand with a space on each side, and ALL as ALL_FUNCTIONS."""
    add(engine, now)
    stored = {
        "": "",
        " , ": "",
        "ALL": EVERYTHING,
        "ALL_FUNCTIONS": EVERYTHING,
        "copy_did": " copy_did ",
        "copy_did,add_did": " copy_did add_did ",
        " copy_did  add_did ": " copy_did add_did ",
        "version ALL": " version ALL_FUNCTIONS ",
    }

    found = {}
    for given in stored:
        change(engine, now, functions=given)
        [found[given]] = row(engine, "api_allowed_functions")

    assert stored == found


def test_allowing_a_did_function_switches_modify_dids_on(engine, now):
    """The three settings of the tutorial are enough, and the answer says what was switched on."""
    made = [
        add(engine, now, f"crm{i}", functions=functions)
        for i, functions in enumerate(["ALL", "copy_did", "add_did", "version,update_did"])
    ]

    assert [(True, True)] * 4 == [(m.modify_dids_switched_on, m.account.user.modify_dids) for m in made]


def test_other_settings_leave_modify_dids(engine, now):
    """Nothing is switched on where no DID function is allowed."""
    made = [
        add(engine, now, f"crm{i}", **settings)
        for i, settings in enumerate([{"functions": "version"}, {"functions": ""}, {"level": 9}])
    ]

    assert [(False, False)] * 3 == [(m.modify_dids_switched_on, m.account.user.modify_dids) for m in made]


def test_modify_dids_off_is_respected(engine, now):
    """Who says Modify DIDs 0 gets it."""
    changed = add(engine, now, functions="ALL", modify_dids=False)

    assert not changed.modify_dids_switched_on
    assert not changed.account.user.modify_dids


def test_what_is_on_is_not_switched_on(engine, now):
    """Allowing a DID function to a user with Modify DIDs tells nothing."""
    add(engine, now, modify_dids=True)

    assert not change(engine, now, functions="copy_did").modify_dids_switched_on


def test_a_change_leaves_the_rest(engine, now):
    """Only what is named is changed, of one user alone, and the time of the change."""
    add(engine, now, password="Hidden-1", functions="copy_did", full_name="CRM")
    columns = "pass_hash, api_allowed_functions, modify_inbound_dids, full_name, active"
    before, admin = row(engine, columns), row(engine, "*", "admin")

    change(engine, now + timedelta(hours=1), level=9)

    assert before == row(engine, columns)
    assert admin == row(engine, "*", "admin")
    level, stamp = row(engine, "user_level, modify_stamp")
    assert (9, "2026-03-04 06:06:07") == (level, str(stamp)[:19])


def test_a_new_password_ends_a_lock(engine, now):
    """The count of failures begins anew with a new password, and not with another change."""
    add(engine, now)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET failed_login_count = 10 WHERE user = 'crm'")

    change(engine, now, level=7)
    assert (10,) == row(engine, "failed_login_count")
    change(engine, now, password="Hidden-2")
    assert (0,) == row(engine, "failed_login_count")


def test_a_new_password_replaces_a_plain_one(engine, now):
    """VICIdial's plain password does not stay beside the new one."""
    add(engine, now)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET pass = 'old' WHERE user = 'crm'")

    account = change(engine, now, password="Hidden-2").account

    assert ("old",) != row(engine, "pass")
    assert not passwords.compare("old", "old", account.password).matched
    assert passwords.compare("Hidden-2", "", account.password).matched


def test_an_unknown_user_is_not_changed(engine, now):
    """Changing a user who is not there is refused."""
    with pytest.raises(NotFound):
        change(engine, now, "nobody", level=9)


def test_a_refused_change_changes_nothing(engine, now):
    """A change with one bad setting leaves all as it was."""
    add(engine, now)
    before = row(engine, "*")

    with pytest.raises(InvalidField):
        change(engine, now, full_name="New", level=10)

    assert before == row(engine, "*")


def test_users_are_listed_by_name(engine, now):
    """All users are listed, ordered by name."""
    for name in ("zoe", "Bob", "crm"):
        add(engine, now, name)

    assert ["admin", "Bob", "crm", "zoe"] == names(engine)


def test_the_first_administrator_may_everything(engine, now):
    """The password that is returned matches, and every right is on."""
    with engine.begin() as conn:
        run(conn, "DELETE FROM vicidial_users")
        run(conn, "DELETE FROM vicidial_user_groups")
        password = directory.first_administrator(conn, None, now)

    with engine.begin() as conn:
        [account] = directory.everyone(conn)
    user = account.user
    assert passwords.compare(password, "", account.password).matched
    assert (9, True, True, True, True) == (
        user.level, user.api_access, user.modify_dids, user.delete_dids, user.view_reports,
    )  # fmt: skip
    assert user.may_call("copy_did")
    assert user.sees(None)


def test_random_passwords_differ(engine, now):
    """Every database gets a password of its own, long enough not to be guessed."""
    made = []
    for _ in range(2):
        with engine.begin() as conn:
            run(conn, "DELETE FROM vicidial_users")
            made.append(directory.first_administrator(conn, None, now))

    assert made[0] != made[1]
    assert min(map(len, made)) >= 16
