"""What signing in reads and stores, by sets: on both databases."""

from datetime import timedelta

import pytest

from didier.storage.failures import Outrun
from didier.storage.statements import as_text, insert, run
from didier.storage.users import lockouts, second_factors, sign_in_settings, users
from didier.storage.users.second_factors import SecondFactor, StepUse
from support.statements import sent


@pytest.fixture
def ids(conn):
    """The ids of some users."""
    for number in range(5):
        users.add(conn, {"user": f"u{number}", "pass": "x", "user_level": 8})
    return [
        row[0]
        for row in run(conn, "SELECT user_id FROM vicidial_users WHERE user LIKE ? ORDER BY user", "u_")
    ]


def rows(conn, columns, ids):
    sql = f"SELECT {columns} FROM vicidial_users WHERE user_id BETWEEN ? AND ? ORDER BY user_id"
    return run(conn, sql, ids[0], ids[-1])


def test_users_get_columns_of_their_own(conn, ids):
    """One statement for each set of columns; what the table does not have is left out."""
    changes = [(user_id, {"failed_login_count": place, "last_ip": f"10.0.0.{place}", "no_such_column": 1})
               for place, user_id in enumerate(ids[:3])]  # fmt: skip
    changes += [(ids[3], {"failed_login_count": 7}), (ids[4], {"no_such_column": 1})]

    assert 2 == sent(conn, lambda: users.update(conn, changes))
    assert [(0, "10.0.0.0"), (1, "10.0.0.1"), (2, "10.0.0.2"), (7, None), (0, None)] == [
        (count, address or None) for count, address in rows(conn, "failed_login_count, last_ip", ids)
    ]


def test_texts_and_nothing_are_stored_as_they_are(conn, ids):
    """Quotes, backslashes, letters of any script, and NULL."""
    values = ["it's", 'a"b\\c', "é电?%s", None, ""]
    users.update(conn, [(user_id, {"full_name": value}) for user_id, value in zip(ids, values, strict=True)])

    assert values == [row[0] for row in rows(conn, "full_name", ids)]


def user_of(conn, name):
    return users.accounts(conn, [name])[name].user


def test_locks_are_read_and_stored_together(conn, ids):
    """However many there are; a later one takes the place of the one before."""
    some = [user_of(conn, f"u{number}") for number in range(3)]
    lockouts.lock(conn, {some[0]: 1.0, some[1]: 2.0})

    assert 3 == sent(conn, lambda: lockouts.lock(conn, {some[1]: 5.0, some[2]: 6.0}))
    assert 2 == sent(conn, lambda: lockouts.locked_at(conn, some))
    assert {ids[0]: 1.0, ids[1]: 5.0, ids[2]: 6.0} == lockouts.locked_at(conn, some)
    assert {ids[1]: 5.0} == lockouts.locked_at(conn, [some[1], user_of(conn, "u4")])


def test_locks_of_the_release_before_are_found(conn, ids):
    """They have the name alone; one of a name that only looks alike is not the user's."""
    for name in ("u1", "ü2"):
        run(conn, "INSERT INTO didier_lockouts (user_name, locked_at) VALUES (?, 7)", name)
    run(conn, "INSERT INTO didier_lockouts (user_name, user_id, locked_at) VALUES ('u3', 4711, 8)")
    some = [user_of(conn, f"u{number}") for number in range(5)]

    assert {ids[1]: 7.0} == lockouts.locked_at(conn, some)


def test_a_lock_replaces_those_under_the_user_s_id_and_name(conn, ids):
    """Also when the user had another name, or the name was somebody else's."""
    run(conn, "INSERT INTO didier_lockouts (user_name, user_id, locked_at) VALUES ('old', ?, 1)", ids[1])
    run(conn, "INSERT INTO didier_lockouts (user_name, user_id, locked_at) VALUES ('u1', 4711, 2)")

    lockouts.lock(conn, {user_of(conn, "u1"): 3.0})

    assert [("u1", ids[1], 3.0)] == run(conn, "SELECT user_name, user_id, locked_at FROM didier_lockouts")


ENTRIES = [("BLACK", "192.0.2.7"), ("OFFICE", "192.0.2.x"), ('Odd\'s "name"', "2001:db8::1")]


@pytest.fixture
def lists(conn):
    """Address lists, one of them switched off."""
    insert(conn, "vicidial_ip_lists", ("ip_list_id", "active"), [("BLACK", "Y"), ("OFFICE", "N")])
    insert(conn, "vicidial_ip_list_entries", ("ip_list_id", "ip_address"), ENTRIES)
    return conn


def test_entries_of_lists_are_found_together(lists):
    """One statement says which of many addresses stand in which of many lists."""
    others = [("BLACK", "192.0.2.x"), ("OFFICE", "192.0.2.7"), ("NONE", "192.0.2.7"), ("BLACK", "")]
    many = [("BLACK", f"198.51.{number // 250}.{number % 250}") for number in range(500)]
    found = []

    statements = sent(lists, lambda: found.append(sign_in_settings.listed(lists, [*ENTRIES, *others, *many])))

    assert 1 == statements
    assert [set(ENTRIES)] == found


def test_names_of_lists_are_compared_as_the_database_compares(lists):
    """The name in the user's group may be written otherwise than the list's."""
    assert {("black", "192.0.2.7")} == sign_in_settings.listed(lists, [("black", "192.0.2.7")])
    assert {"office"} == sign_in_settings.inactive(lists, ["office", "BLACK", "NONE"])


def test_confirmed_sessions_are_found_together(conn, now):
    """Those that are confirmed and not over, whatever the name's case."""
    rows = [("u1", "1", 1), ("u1", "1", 2), ("U2", "1", 1), ("u3", "0", 1), ("u4", "1", 0)]
    columns = ("user", "auth_stage", "auth_exp_date")
    insert(conn, "vicidial_two_factor_auth", columns, [
        (user, stage, as_text(now + timedelta(hours=hours))) for user, stage, hours in rows
    ])  # fmt: skip

    assert {"u1", "u2"} == sign_in_settings.confirmed(conn, ["u1", "u2", "u3", "u4", "u5"], now)


@pytest.fixture
def factors(conn, ids, now):
    """Second factors of some users, the last of them not confirmed, and recovery codes of the first."""
    for place, user_id in enumerate(ids[:3]):
        confirmed_at = now if place < 2 else None
        second_factors.put(
            conn, SecondFactor(user_id, f"u{place}", f"sealed{place}", confirmed_at, 100, False, now)
        )
    second_factors.replace_codes(conn, ids[0], ["d1", "d2"])
    return second_factors.confirmed(conn, ids)


def last_steps(conn):
    return [row[0] for row in run(conn, "SELECT last_step FROM didier_second_factors ORDER BY user_id")]


def test_confirmed_factors_are_read_together(conn, ids, factors):
    """Those that were only begun are not asked for."""
    assert dict(zip(ids, ["sealed0", "sealed1"], strict=False)) == {
        user_id: factor.secret for user_id, factor in factors.items()
    }


def test_steps_are_used_together(conn, ids, factors):
    """Each factor gets its own last step, in one statement."""
    uses = [StepUse(factors[ids[0]], 101), StepUse(factors[ids[1]], 103)]

    assert 1 == sent(conn, lambda: second_factors.use_steps(conn, uses))
    assert [101, 103, 100] == last_steps(conn)


@pytest.mark.parametrize("change", ["last_step = 101", "secret = 'another'"])
def test_a_factor_that_was_changed_meanwhile_is_outrun(conn, ids, factors, change):
    """Whoever was faster has used the same code, perhaps, or has another secret."""
    run(conn, f"UPDATE didier_second_factors SET {change} WHERE user_id = ?", ids[1])

    with pytest.raises(Outrun):
        second_factors.use_steps(conn, [StepUse(factors[ids[0]], 101), StepUse(factors[ids[1]], 102)])


def test_recovery_codes_are_used_once(conn, ids, factors, now):
    """One that was used meanwhile is outrun; those of others, and those that are none, are not unused."""
    codes = [(ids[0], "d1"), (ids[0], "d2"), (ids[0], "d3"), (ids[1], "d1")]
    before = second_factors.unused(conn, codes)
    second_factors.use_codes(conn, [(ids[0], "d1")], now)

    assert [{(ids[0], "d1"), (ids[0], "d2")}, {(ids[0], "d2")}] == [
        before,
        second_factors.unused(conn, codes),
    ]
    with pytest.raises(Outrun):
        second_factors.use_codes(conn, [(ids[0], "d1"), (ids[0], "d2")], now)
