from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.errors import (
    GroupNotFound,
    InvalidField,
    LevelNotAllowed,
    NothingToChange,
    NotPermitted,
    PasswordNotReset,
    UserExists,
    UserNotFound,
)
from didier.services.users import accounts, lockouts, tokens
from didier.services.users.accounts import (
    AddUserOrder,
    CopyUserOrder,
    DeleteUserOrder,
    UnlockUserOrder,
    UpdateUserOrder,
    UserChanged,
)
from didier.storage.statements import run
from didier.storage.users import users
from didier.storage.users.lockouts import lock as lock_user
from didier.storage.users.users import StoredPassword, profile

PASSWORD = StoredPassword("$argon2id$example", "")
VALUES = {"user_level": "1", "user_group": "ADMIN", "full_name": "Ann"}


def caller(**rights):
    return replace(CALLER, user=replace(CALLER.user, **rights))


def new(name="ann", by=CALLER, **values):
    return AddUserOrder(by, name, PASSWORD, {**VALUES, **values})


def copied(name="bob", source="admin", by=CALLER):
    return CopyUserOrder(by, name, PASSWORD, "Bob", source)


def changed(name="ann", by=CALLER, **values):
    return UpdateUserOrder(by, name, None, values)


def carry_out(engine, service, now, *orders):
    with engine.begin() as conn:
        return service(conn, orders, now)


def found(engine, name):
    with engine.begin() as conn:
        return profile(conn, name)


def test_each_order_is_decided_for_itself(engine, now):
    """A refused order costs the others nothing, and each sees what those before it did."""
    outcomes = carry_out(engine, accounts.add, now, new(), new(user_group="GHOST"), new("ANN"), new("bob"))

    assert [UserChanged("ann"), GroupNotFound("GHOST"), UserExists("ANN"), UserChanged("bob")] == outcomes


@pytest.mark.parametrize(
    ("service", "order", "missing"),
    [
        (accounts.add, new(by=caller(modify_users=False)), "Modify Users must be 1"),
        (accounts.copy, copied(by=caller(modify_users=False)), "Modify Users must be 1"),
        (accounts.update, changed(by=caller(level=7)), "User Level must be 8 or higher"),
        (accounts.delete, DeleteUserOrder(caller(api_access=False), "ann"), "API Access must be 1"),
        (accounts.delete, DeleteUserOrder(caller(delete_users=False), "admin"), "Delete Users must be 1"),
    ],
)
def test_the_service_itself_refuses(engine, now, service, order, missing):
    """Whoever lacks a right is refused, and the refusal names what is missing."""
    [outcome] = carry_out(engine, service, now, order)

    assert isinstance(outcome, NotPermitted)
    assert (missing,) == outcome.missing
    assert found(engine, "admin")


@pytest.mark.parametrize("name", ["a", "a" * 21, "\U0001d400\U0001d401", "a b", "a/b"])
def test_names_that_do_not_fit(engine, now, name):
    """A name has 2 to 20 characters that the Non-Agent API leaves of it and every database can hold."""
    assert [InvalidField("user", name, "2 to 20 letters, digits, - and _")] == carry_out(
        engine, accounts.add, now, new(name)
    )
    assert [InvalidField("user", name, "2 to 20 letters, digits, - and _")] == carry_out(
        engine, accounts.copy, now, copied(name)
    )


def test_a_level_that_no_rule_allows_is_not_copied(engine, now):
    """A user whom VICIdial let be of level 10 cannot be copied, and is above everybody."""
    carry_out(engine, accounts.add, now, new())
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET user_level = 10 WHERE user = 'ann'")

    assert [LevelNotAllowed("10")] == carry_out(engine, accounts.copy, now, copied(source="ann"))
    assert [LevelNotAllowed("10")] == carry_out(engine, accounts.update, now, changed(active="N"))


def test_the_source_must_be_in_a_visible_group(engine, now):
    """What a caller may not see cannot be copied: it is answered as a source that is not there."""
    hidden = caller(viewable_groups=" SALES ")

    assert [GroupNotFound("")] == carry_out(engine, accounts.copy, now, copied(by=hidden))


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"user_level": "0"}, "user_level"),
        ({"user_group": ""}, "user_group"),
        ({"email": "a@b."}, "email"),
        ({"email": "x" * 101}, "email"),
        ({"full_name": "\U0001d400"}, "full_name"),
        ({"active": "y"}, "active"),
        ({"hotkeys_active": "7", "full_name": "x" * 51}, "full_name"),
    ],
)
def test_the_first_bad_field_refuses_a_change(engine, now, values, field):
    """Nothing is changed, and the first field that is wrong is named."""
    carry_out(engine, accounts.add, now, new())

    [outcome] = carry_out(engine, accounts.update, now, changed(custom_one="new", **values))

    assert isinstance(outcome, InvalidField)
    assert field == outcome.field
    with engine.begin() as conn:
        assert [("",)] == run(conn, "SELECT custom_one FROM vicidial_users WHERE user = 'ann'")


def test_values_are_bound(engine, now):
    """Quotes, percent signs and question marks are text like any other."""
    text = 'O\'Brien "?%s" -- \\'

    carry_out(engine, accounts.add, now, new(full_name=text))
    carry_out(engine, accounts.update, now, changed(email=text))

    there = found(engine, "ann")
    assert (text, text) == (there.full_name, there.email)


def test_nothing_to_change(engine, now):
    """An order without values is refused; one for a random password says that none was sent."""
    carry_out(engine, accounts.add, now, new(email="a@example.test"))
    reset = replace(changed(), reset_password=True)

    assert [
        NothingToChange("ann"), UserNotFound("bob"), PasswordNotReset("ann", "a@example.test", True)
    ] == carry_out(engine, accounts.update, now, changed(), changed("bob"), reset)  # fmt: skip


@pytest.mark.parametrize("email", ["@@@@@", "anna@", "@b.cd", "ann@b", "ann@b.", "annie"])
def test_what_is_no_address(engine, now, email):
    """Without an address no password could be sent anyway."""
    carry_out(engine, accounts.add, now, new())
    order = replace(changed(email=email), reset_password=True)

    [outcome] = carry_out(engine, accounts.update, now, order)

    assert PasswordNotReset("ann", email, False) == outcome.not_reset


def test_a_number_of_a_dry_run_is_not_given_out(engine, now):
    """The next real user gets it."""
    order = new("AUTOGENERATED")
    with engine.begin() as conn:
        run(conn, "DELETE FROM system_settings")
        run(conn, "INSERT INTO system_settings (auto_user_add_value) VALUES (200)")

    outcomes = carry_out(engine, accounts.add, now, replace(order, dry_run=True), order, order)

    assert [UserChanged("207", dry_run=True), UserChanged("207"), UserChanged("214")] == outcomes


def test_numbers_without_settings(engine, now):
    """A database without system settings still gives names that are free."""
    with engine.begin() as conn:
        run(conn, "DELETE FROM system_settings")

    assert [UserChanged("108"), UserChanged("115")] == carry_out(
        engine, accounts.copy, now, copied("AUTOGENERATED"), copied("AUTOGENERATED")
    )


def lock(engine, now, name="ann"):
    carry_out(engine, accounts.add, now, new(name))
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET failed_login_count = 10 WHERE user = ?", name)
        lock_user(conn, {users.accounts(conn, [name])[name].user: now.timestamp()})


def is_locked(engine, now):
    with engine.begin() as conn:
        found, _ = accounts.page(conn, CALLER.user, 10)
        return lockouts.is_locked(conn, "ann", now), accounts.locked(conn, found, now)


def test_a_lock_is_ended(engine, now):
    """The user may sign in again at once, and the admin log says who did it."""
    lock(engine, now)
    before = is_locked(engine, now)
    outcomes = carry_out(
        engine, accounts.unlock, now, UnlockUserOrder(CALLER, "ann"), UnlockUserOrder(CALLER, "no")
    )

    assert (True, {"ann"}) == before
    assert [UserChanged("ann"), UserNotFound("no")] == outcomes
    assert (False, set()) == is_locked(engine, now)
    with engine.begin() as conn:
        sql = "SELECT record_id FROM vicidial_admin_log WHERE event_code = 'ADMIN API UNLOCK USER'"
        assert [("ann",)] == run(conn, sql)


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        ({"modify_users": False}, NotPermitted),
        ({"viewable_groups": " SALES "}, UserNotFound),
        ({"level": 8}, LevelNotAllowed),
    ],
)
def test_a_lock_is_ended_by_those_who_may_change_the_user(engine, now, by, refusal):
    """Others are refused, and the lock stays."""
    lock(engine, now)
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET user_level = 9 WHERE user = 'ann'")

    [outcome] = carry_out(engine, accounts.unlock, now, UnlockUserOrder(caller(**by), "ann"))

    assert isinstance(outcome, refusal)
    assert (True, {"ann"}) == is_locked(engine, now)


def test_a_password_revokes_tokens_in_the_same_transaction(engine, now):
    """Those of the user that are valid; a dry run and a refused order revoke none."""
    carry_out(engine, accounts.add, now, new())
    for user in ("ann", "ann", "admin"):
        secret = tokens.generate()
        carry_out(engine, tokens.add, now, tokens.AddTokenOrder(CALLER, user, "CRM", ("users",), secret))
    order = UpdateUserOrder(CALLER, "ann", PASSWORD, {}, revoke_tokens=True)
    alone = carry_out(engine, accounts.update, now, replace(order, password=None))
    carry_out(
        engine, accounts.update, now,
        replace(order, dry_run=True), replace(order, values={"user_level": "0"}),
    )  # fmt: skip
    before = valid(engine)
    carry_out(engine, accounts.update, now, order)

    assert [InvalidField("revoke_tokens", "true", "only together with a new password")] == alone
    assert (["admin", "ann", "ann"], ["admin"]) == (before, valid(engine))


def valid(engine):
    """Return whose tokens are not revoked."""
    with engine.begin() as conn:
        query = "SELECT user_name FROM didier_tokens WHERE revoked_at IS NULL ORDER BY user_name"
        return [row[0] for row in run(conn, query)]
