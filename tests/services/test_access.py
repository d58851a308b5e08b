from datetime import datetime, timedelta

import pytest

from didier.domain.users import User
from didier.errors import AddressRefused, LevelTooLow, LockedOut, SecondFactorMissing, WrongPassword
from didier.services.users import directory, lockouts, plain_passwords
from didier.services.users.authentication import Credentials, StaleProof, sign_in, stored_password
from didier.services.users.lockouts import LOCK_AFTER, LOCK_SECONDS
from didier.services.users.passwords import Proof, compare
from didier.storage.statements import run
from didier.storage.users import unknown_names
from didier.storage.users.unknown_names import Failures
from didier.storage.users.users import StoredPassword

ADDRESS = "192.0.2.7"
LOCK = timedelta(seconds=LOCK_SECONDS)
SECOND = timedelta(seconds=1)


class Door:
    """Signs users in on a database, each group of wishes in a transaction of its own."""

    def __init__(self, engine) -> None:
        self.engine = engine

    def proof(self, user: str, matched: bool) -> Proof:
        with self.engine.begin() as conn:
            return Proof(stored_password(conn, user), matched)

    def wish(self, matched=True, user="admin", address=ADDRESS, level=7) -> Credentials:
        return Credentials(user, self.proof(user, matched), address, level)

    def group(self, now, *wishes):
        with self.engine.begin() as conn:
            return sign_in(conn, wishes, now)

    def right(self, now, **wish):
        return self.group(now, self.wish(**wish))[0]

    def wrong(self, now, times=1, **wish):
        return [self.group(now, self.wish(matched=False, **wish))[0] for _ in range(times)]

    def row(self, columns, user="admin"):
        with self.engine.begin() as conn:
            [found] = run(conn, f"SELECT {columns} FROM vicidial_users WHERE user = ?", user)
        return found

    def sql(self, statement, *values):
        with self.engine.begin() as conn:
            return run(conn, statement, *values)

    def settings(self, **values):
        self.sql("DELETE FROM system_settings")
        columns = ", ".join(values)
        self.sql(
            f"INSERT INTO system_settings ({columns}) VALUES ({', '.join('?' * len(values))})",
            *values.values(),
        )


@pytest.fixture
def door(engine, now):
    with engine.begin() as conn:
        directory.add(conn, "crm", directory.AccountSettings(api_access=True, functions="copy_did"), now)
    return Door(engine)


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


# Passwords -----------------------------------------------------------------------------------------


def test_the_right_password_signs_in(door, now):
    """A proof that matches gives the user, and time and address of the sign-in are stored."""
    assert "admin" == door.right(now).name
    login, address = door.row("last_login_date, last_ip")
    assert ("2026-03-04 05:06:07", ADDRESS) == (str(login)[:19], address)


def test_case_of_the_name_does_not_count(door, now):
    """A user signs in under any case of the name."""
    assert ["admin", "admin"] == [door.right(now, user=name).name for name in ("ADMIN", "Admin")]


def test_the_wrong_password_is_refused_and_counted(door, now):
    """A failure is counted, in VICIdial's columns, with kind and address."""
    assert [WrongPassword, WrongPassword] == kinds(door.wrong(now, 2))
    assert (2, 2, 2, "aBAD", ADDRESS) == door.row(
        "failed_login_count, failed_login_count_today, failed_login_attempts_today,"
        " failed_last_type_today, failed_last_ip_today"
    )


def test_a_name_that_nobody_has_is_not_kept(door, now):
    """It is refused like a wrong password, and stored as a keyed hash alone: it may be a password."""
    before = door.sql("SELECT * FROM vicidial_users")

    outcomes = door.wrong(now, user="correct-horse")

    assert [WrongPassword] == kinds(outcomes)
    assert before == door.sql("SELECT * FROM vicidial_users")
    assert [] == door.sql("SELECT * FROM didier_lockouts")
    [(digest, failures)] = door.sql("SELECT digest, failures FROM didier_unknown_names")
    assert (64, 1) == (len(digest), failures)


# When each sign-in comes (seconds), and what is tried: the wrong password, under some spelling of the name.
TRIALS = [
    [(second, "as it is") for second in range(LOCK_AFTER + 3)],
    [(0, "as it is")] * (LOCK_AFTER + 1) + [(LOCK_SECONDS - 1, "as it is"), (LOCK_SECONDS, "as it is")],
    [(0, "capital")] * 4 + [(1, "as it is")] * 7,
    [(0, "as it is")] * LOCK_AFTER + [(LOCK_SECONDS, "as it is")] * (LOCK_AFTER + 1),
    [(0, "as it is")] * LOCK_AFTER + [(-5_000, "as it is"), (-5_000 + LOCK_SECONDS, "as it is")],
    [(0, "blank behind")] * (LOCK_AFTER + 1),
]


@pytest.mark.parametrize("trials", TRIALS)
def test_names_that_nobody_has_are_locked_as_users_are(door, now, trials):
    """Who guesses cannot tell from any answer whether there is such a user, lock or no lock."""
    spelled = {"as it is": str, "capital": str.upper, "blank behind": str}

    def outcomes(name):
        return [
            kinds(door.wrong(now + seconds * SECOND, user=spelled[how](name)))[0] for seconds, how in trials
        ]

    there, nowhere = outcomes("crm"), outcomes("nobody")

    assert there == nowhere
    assert LockedOut in nowhere


def test_a_locked_name_that_nobody_has_is_not_compared(door, now):
    """The time of the answer tells nothing either: it is refused without work, as a locked user is."""
    door.wrong(now, LOCK_AFTER, user="nobody")

    with door.engine.begin() as conn:
        assert lockouts.is_locked(conn, "NOBODY", now)
        assert not lockouts.is_locked(conn, "nobody2", now)


def test_the_names_that_nobody_has_are_bounded(door):
    """Who tries ever new names does not fill the database: the oldest are forgotten."""
    with door.engine.begin() as conn:
        for number in range(8):
            unknown_names.store(conn, {f"nobody{number}": Failures(1, float(number))}, most=5)

    kept = door.sql("SELECT failed_at FROM didier_unknown_names ORDER BY failed_at")
    assert [(3.0,), (4.0,), (5.0,), (6.0,), (7.0,)] == kept


def test_a_group_counts_each_name_on_its_own(door, now):
    """Of sign-ins that share a transaction each counts, under its own name."""
    unknown = [door.wish(matched=False, user=name) for name in ("one", "two", "ONE")]

    outcomes = door.group(now, *unknown, door.wish())

    assert [WrongPassword] * 3 + [User] == kinds(outcomes)
    assert [(1,), (2,)] == door.sql("SELECT failures FROM didier_unknown_names ORDER BY failures")


def test_an_inactive_user_is_refused_like_a_wrong_password(door, now):
    """Who was switched off cannot sign in, and is not told why."""
    door.sql("UPDATE vicidial_users SET active = 'N' WHERE user = 'admin'")

    assert isinstance(door.right(now), WrongPassword)
    assert (1,) == door.row("failed_login_count")


def test_a_level_that_is_too_low_is_refused(door, now):
    """The level that the door asks for is the lowest that may."""
    door.sql("UPDATE vicidial_users SET user_level = 7 WHERE user = 'admin'")

    assert isinstance(door.right(now, level=8), LevelTooLow)
    assert isinstance(door.right(now, level=7), User)


def test_a_wrong_password_is_not_told_the_level(door, now):
    """Without the password nobody learns that the level is too low."""
    door.sql("UPDATE vicidial_users SET user_level = 1 WHERE user = 'admin'")

    assert [WrongPassword] == kinds(door.wrong(now, level=8))


def test_success_clears_the_count(door, now):
    """A sign-in forgets the failures before it, but not those of the day."""
    door.wrong(now, LOCK_AFTER - 1)

    assert isinstance(door.right(now), User)
    assert (0, LOCK_AFTER - 1) == door.row("failed_login_count, failed_login_count_today")
    assert [WrongPassword] * (LOCK_AFTER - 1) == kinds(door.wrong(now, LOCK_AFTER - 1))
    assert isinstance(door.right(now), User)


# Lock ----------------------------------------------------------------------------------------------


def test_ten_failures_lock(door, now):
    """Nine failures do not lock; after the tenth the right password is refused."""
    assert [WrongPassword] * LOCK_AFTER == kinds(door.wrong(now, LOCK_AFTER))
    assert isinstance(door.right(now), LockedOut)
    assert (LOCK_AFTER, "aLOCK") == door.row("failed_login_count, failed_last_type_today")


def test_the_lock_does_not_depend_on_the_last_login(door, now):
    """Also who has not signed in for long, or never, is locked."""
    door.sql("UPDATE vicidial_users SET last_login_date = NULL WHERE user = 'admin'")
    door.sql("UPDATE vicidial_users SET last_login_date = '2026-03-04 00:00:00' WHERE user = 'crm'")

    for user in ("admin", "crm"):
        door.wrong(now, LOCK_AFTER, user=user)
        assert isinstance(door.right(now, user=user), LockedOut)


def test_the_lock_lasts_fifteen_minutes_from_the_filling_failure(door, now):
    """The lock ends 15 minutes after the tenth failure, whenever the first was."""
    door.wrong(now - timedelta(hours=1), LOCK_AFTER - 1)
    door.wrong(now)

    assert isinstance(door.right(now + LOCK - SECOND), LockedOut)
    assert isinstance(door.right(now + LOCK), User)


def test_refusals_do_not_prolong_the_lock(door, now):
    """Trying while the lock lasts does not move its end, with whichever password."""
    door.wrong(now, LOCK_AFTER)
    for minute in range(1, 15):
        moment = now + timedelta(minutes=minute)
        assert [LockedOut, LockedOut] == kinds([door.right(moment), *door.wrong(moment)])

    assert isinstance(door.right(now + LOCK), User)


def test_refusals_during_the_lock_count_as_attempts_alone(door, now):
    """A refusal by the lock is an attempt of the day, not another failure."""
    door.wrong(now, LOCK_AFTER)
    door.wrong(now, 3)

    assert (LOCK_AFTER, LOCK_AFTER, LOCK_AFTER + 3) == door.row(
        "failed_login_count, failed_login_count_today, failed_login_attempts_today"
    )


def test_after_the_lock_the_count_begins_anew(door, now):
    """The first failure after the lock is one, and ten more are needed for the next lock."""
    door.wrong(now, LOCK_AFTER)
    later = now + LOCK

    assert [WrongPassword] * (LOCK_AFTER - 1) == kinds(door.wrong(later, LOCK_AFTER - 1))
    assert (LOCK_AFTER - 1,) == door.row("failed_login_count")
    assert [WrongPassword, LockedOut] == kinds(door.wrong(later, 2))
    assert isinstance(door.right(later + LOCK - SECOND), LockedOut)
    assert isinstance(door.right(later + LOCK), User)


def test_a_lock_after_a_lock_is_whole(door, now):
    """Having been locked before shortens no lock."""
    door.wrong(now, LOCK_AFTER)
    door.right(now + LOCK)
    door.wrong(now + LOCK + SECOND, LOCK_AFTER)

    assert isinstance(door.right(now + LOCK + LOCK), LockedOut)


def test_who_vicidial_locked_is_locked(door, now):
    """A full count with a recent login, as VICIdial leaves it, is a lock."""
    door.sql(
        "UPDATE vicidial_users SET failed_login_count = 10, last_login_date = ? WHERE user = 'admin'",
        str(now - timedelta(minutes=10)),
    )

    assert isinstance(door.right(now), LockedOut)
    assert isinstance(door.right(now + timedelta(minutes=5)), User)


def test_a_lock_is_one_users(door, now):
    """Other users sign in while one is locked."""
    door.wrong(now, LOCK_AFTER)

    assert isinstance(door.right(now, user="crm"), User)
    assert (0,) == door.row("failed_login_count", "crm")


def test_case_of_the_name_does_not_escape_the_lock(door, now):
    """Failures under another case of the name count for the same user."""
    door.wrong(now, 5)
    door.wrong(now, 5, user="ADMIN")

    assert isinstance(door.right(now, user="Admin"), LockedOut)


def test_a_level_that_is_too_low_counts_as_a_failure(door, now):
    """Ten sign-ins below the level lock, as in VICIdial."""
    for _ in range(LOCK_AFTER):
        door.right(now, user="crm", level=9)

    assert isinstance(door.right(now, user="crm"), LockedOut)


# Groups --------------------------------------------------------------------------------------------


def test_failures_of_one_group_all_count(door, now):
    """Failures that share a transaction are counted one by one."""
    outcomes = door.group(now, *[door.wish(matched=False)] * 4)

    assert [WrongPassword] * 4 == kinds(outcomes)
    assert (4, 4, 4) == door.row("failed_login_count, failed_login_count_today, failed_login_attempts_today")


def test_a_group_locks_in_its_midst(door, now):
    """The eleventh wish of a group is refused by the lock that the tenth began."""
    outcomes = door.group(now, *[door.wish(matched=False)] * 10, door.wish(), door.wish(user="crm"))

    assert [WrongPassword] * 10 + [LockedOut, User] == kinds(outcomes)
    assert isinstance(door.right(now), LockedOut)


def test_a_group_is_decided_in_order(door, now):
    """A success within a group clears the failures before it, not those after."""
    wrong, right = door.wish(matched=False), door.wish()

    outcomes = door.group(now, *[wrong] * 9, right, *[wrong] * 2)

    assert [WrongPassword] * 9 + [User] + [WrongPassword] * 2 == kinds(outcomes)
    assert (2,) == door.row("failed_login_count")


def test_users_of_a_group_are_apart(door, now):
    """In a group each user's failures count for that user."""
    wrong = [door.wish(matched=False), door.wish(matched=False, user="crm")]
    nobody = Credentials("nobody", Proof(None, matched=False), ADDRESS, 7)

    outcomes = door.group(now, *wrong, nobody, door.wish(user="crm"))

    assert [WrongPassword, WrongPassword, WrongPassword, User] == kinds(outcomes)
    assert [(1,), (0,)] == [door.row("failed_login_count", name) for name in ("admin", "crm")]


def test_an_empty_group_is_nothing(door, now):
    """Without wishes there are no outcomes."""
    assert [] == door.group(now)


# Stale proofs --------------------------------------------------------------------------------------


def test_a_proof_against_another_password_is_stale(door, now):
    """A proof counts only while the stored password is the one that was compared; nothing is counted."""
    wishes = door.wish(), door.wish(matched=False)
    door.sql("UPDATE vicidial_users SET pass = 'other', pass_hash = '' WHERE user = 'admin'")
    before = door.row("*")

    assert [StaleProof(), StaleProof()] == door.group(now, *wishes)
    assert before == door.row("*")


def test_a_proof_of_a_user_who_is_gone_is_stale(door, now):
    """A user who was deleted meanwhile is looked for again."""
    wish = door.wish(user="crm")
    door.sql("DELETE FROM vicidial_users WHERE user = 'crm'")

    assert [StaleProof()] == door.group(now, wish)


def test_a_proof_of_a_user_who_has_come_is_stale(door, now):
    """A user who was made after the comparison is compared again."""
    assert [StaleProof()] == door.group(now, Credentials("crm", Proof(None, matched=False), ADDRESS, 7))


def test_a_stale_proof_of_a_locked_user_is_locked(door, now):
    """While the lock lasts no proof is asked for."""
    door.wrong(now, LOCK_AFTER)
    stale = Credentials("admin", Proof(StoredPassword("old", ""), matched=True), ADDRESS, 7)

    assert [LockedOut] == kinds(door.group(now, stale))


# Address lists -------------------------------------------------------------------------------------


def listed(door, name, *addresses, active="Y"):
    door.sql("INSERT INTO vicidial_ip_lists (ip_list_id, active) VALUES (?, ?)", name, active)
    for address in addresses:
        door.sql("INSERT INTO vicidial_ip_list_entries (ip_list_id, ip_address) VALUES (?, ?)", name, address)


def test_the_black_list_refuses(door, now):
    """An address on the system's list is refused, alone or with its whole network."""
    door.settings(allow_ip_lists="1", system_ip_blacklist="BLACK")
    listed(door, "BLACK", "198.51.100.1", "192.0.2.x")

    assert [AddressRefused(ADDRESS), AddressRefused("198.51.100.1")] == [
        door.right(now),
        door.right(now, address="198.51.100.1"),
    ]
    assert [User, User] == [type(door.right(now, address=a)) for a in ("192.0.3.7", "198.51.100.2")]


def test_a_refused_address_is_an_attempt_not_a_failure(door, now):
    """A refusal by address counts one attempt of the day, and neither signs in nor locks."""
    door.settings(allow_ip_lists="1", system_ip_blacklist="BLACK")
    listed(door, "BLACK", ADDRESS)
    before = door.row("last_login_date, last_ip, failed_login_count")

    door.right(now)

    assert before == door.row("last_login_date, last_ip, failed_login_count")
    assert (1, "aIPBLOCK") == door.row("failed_login_attempts_today, failed_last_type_today")


def test_a_wrong_password_is_not_told_about_addresses(door, now):
    """Without the password nobody learns that the address is refused."""
    door.settings(allow_ip_lists="1", system_ip_blacklist="BLACK")
    listed(door, "BLACK", ADDRESS)

    assert [WrongPassword] == kinds(door.wrong(now))


def test_the_groups_list_must_hold_the_address(door, now):
    """Users of a group with a list sign in from its addresses alone; other groups from anywhere."""
    door.settings(allow_ip_lists="1")
    listed(door, "OFFICE", "203.0.113.1", "192.0.2.x")
    door.sql("UPDATE vicidial_user_groups SET api_ip_list = 'OFFICE'")
    door.sql("UPDATE vicidial_users SET user_group = 'OTHER' WHERE user = 'crm'")

    assert [User, User] == [type(door.right(now, address=address)) for address in (ADDRESS, "203.0.113.1")]
    assert AddressRefused("198.51.100.1") == door.right(now, address="198.51.100.1")
    assert isinstance(door.right(now, user="crm", address="198.51.100.1"), User)


def test_lists_that_do_not_apply(door, now):
    """Lists count only when they are allowed and active, for users who do not ignore them."""
    door.settings(allow_ip_lists="1", system_ip_blacklist="BLACK")
    listed(door, "BLACK", ADDRESS)

    for on, off in (
        ("UPDATE vicidial_ip_lists SET active = 'Y'", "UPDATE vicidial_ip_lists SET active = 'N'"),
        ("UPDATE vicidial_users SET ignore_ip_list = '0'", "UPDATE vicidial_users SET ignore_ip_list = '1'"),
        (
            "UPDATE system_settings SET allow_ip_lists = '1'",
            "UPDATE system_settings SET allow_ip_lists = '0'",
        ),
        ("SELECT 1", "DELETE FROM system_settings"),
    ):
        assert AddressRefused(ADDRESS) == door.right(now)
        door.sql(off)
        assert isinstance(door.right(now), User)
        if on != "SELECT 1":
            door.sql(on)


def test_a_list_name_of_one_character_is_none(door, now):
    """VICIdial reads the group's list from two characters on."""
    door.settings(allow_ip_lists="1")
    door.sql("UPDATE vicidial_user_groups SET api_ip_list = 'X'")

    assert isinstance(door.right(now), User)


def test_a_list_without_entries_holds_no_address(door, now):
    """A group whose list is empty cannot sign in."""
    door.settings(allow_ip_lists="1")
    listed(door, "OFFICE")
    door.sql("UPDATE vicidial_user_groups SET api_ip_list = 'OFFICE'")

    assert AddressRefused(ADDRESS) == door.right(now)


def test_any_address_is_judged(door, now):
    """Addresses of every kind are stored as far as they fit."""
    stored = []
    for address in ("", "::1", "2001:db8::1:2:3:4", "x" * 60):
        door.right(now, address=address)
        stored += door.row("last_ip")

    assert ["", "::1", "2001:db8::1:2:3", "x" * 15] == stored


# Two-factor ----------------------------------------------------------------------------------------


def second_factor(door, now, stage="1", user="admin", hours=1):
    door.sql(
        "INSERT INTO vicidial_two_factor_auth (user, auth_stage, auth_exp_date) VALUES (?, ?, ?)",
        user, stage, str(now + timedelta(hours=hours)),
    )  # fmt: skip


@pytest.fixture
def two_factor(door):
    door.settings(two_factor_auth_hours=24, two_factor_container="CODES")
    return door


def test_a_missing_second_factor_is_refused(two_factor, now):
    """Without a confirmed session nobody signs in, and the refusal is no login."""
    before = two_factor.row("last_login_date, last_ip")

    assert isinstance(two_factor.right(now), SecondFactorMissing)
    assert before == two_factor.row("last_login_date, last_ip")


def test_a_confirmed_session_signs_in_until_it_ends(two_factor, now):
    """A confirmed session counts until it expires."""
    second_factor(two_factor, now)

    assert isinstance(two_factor.right(now), User)
    assert isinstance(two_factor.right(now + timedelta(hours=1)), SecondFactorMissing)


def test_other_sessions_do_not_count(two_factor, now):
    """A session counts when it is confirmed, the user's own, and not over."""
    for session in ({"stage": "0"}, {"stage": "2"}, {"user": "crm"}, {"hours": -1}):
        second_factor(two_factor, now, **session)

    assert isinstance(two_factor.right(now), SecondFactorMissing)


def test_who_is_exempt_needs_no_second_factor(two_factor, now):
    """DISABLED in the user's settings counts, ENABLED does not."""
    two_factor.sql("UPDATE vicidial_users SET two_factor_override = 'DISABLED' WHERE user = 'admin'")
    two_factor.sql("UPDATE vicidial_users SET two_factor_override = 'ENABLED' WHERE user = 'crm'")

    assert isinstance(two_factor.right(now), User)
    assert isinstance(two_factor.right(now, user="crm"), SecondFactorMissing)


def test_two_factor_that_is_off(door, now):
    """Two-factor is on when it has hours and a container."""
    for hours, container in ((0, "CODES"), (24, "---DISABLED---"), (24, "")):
        door.settings(two_factor_auth_hours=hours, two_factor_container=container)

        assert isinstance(door.right(now), User)


def test_automated_reports_do_not_switch_two_factor_off(two_factor, now):
    """Unlike VICIdial, enable_auto_reports changes nothing."""
    two_factor.sql("UPDATE system_settings SET enable_auto_reports = '1'")

    assert isinstance(two_factor.right(now), SecondFactorMissing)


# Plain passwords -----------------------------------------------------------------------------------


def plain(door, password):
    door.sql("UPDATE vicidial_users SET pass = ?, pass_hash = '' WHERE user = 'crm'", password)


def test_a_plain_password_is_replaced_by_its_hash(door, now):
    """A plain password that matched is stored as a hash that matches, and its proof counts."""
    plain(door, "Hidden-1")
    with door.engine.begin() as conn:
        proof = compare("Hidden-1", "Hidden1", stored_password(conn, "crm"))
        [new] = plain_passwords.replace(conn, [plain_passwords.hashed("crm", proof)])

    assert ("",) == door.row("pass", "crm")
    assert [User] == kinds(door.group(now, Credentials("crm", new, ADDRESS, 7)))
    with door.engine.begin() as conn:
        assert compare("Hidden-1", "", stored_password(conn, "crm")).matched


def test_a_password_that_was_changed_meanwhile_is_left(door):
    """The hash of the old password does not replace the new one, and the proof is found stale."""
    plain(door, "Hidden-1")
    with door.engine.begin() as conn:
        old = plain_passwords.hashed("crm", compare("Hidden-1", "", stored_password(conn, "crm")))
    plain(door, "Hidden-2")

    with door.engine.begin() as conn:
        [proof] = plain_passwords.replace(conn, [old])

    assert "Hidden-1" == proof.stored.plain
    assert ("Hidden-2", "") == door.row("pass, pass_hash", "crm")


@pytest.mark.parametrize(
    "proof",
    [
        Proof(None, matched=False),
        Proof(StoredPassword("", "x"), matched=False),
        Proof(StoredPassword("hash", ""), matched=True),
    ],
    ids=["nobody", "mismatch", "hashed"],
)
def test_only_plain_passwords_that_match_are_replaced(proof):
    """Nothing replaces a hash, or a password that did not match."""
    assert None is plain_passwords.hashed("crm", proof)


def test_a_user_who_is_gone_gets_no_hash(door):
    """A user who was deleted meanwhile is not made again."""
    plain(door, "Hidden-1")
    with door.engine.begin() as conn:
        old = plain_passwords.hashed("crm", compare("Hidden-1", "", stored_password(conn, "crm")))
    door.sql("DELETE FROM vicidial_users WHERE user = 'crm'")

    with door.engine.begin() as conn:
        assert [Proof(old.plain, matched=True)] == plain_passwords.replace(conn, [old])
        assert None is stored_password(conn, "crm")


def test_stored_password_of_nobody(door):
    """Where there is no user there is no password."""
    with door.engine.begin() as conn:
        assert None is stored_password(conn, "nobody")


def test_a_moment_with_microseconds_is_whole(door):
    """Moments are counted in whole seconds, as the databases keep them."""
    door.right(datetime(2026, 3, 4, 5, 6, 7, 999_999))

    assert "2026-03-04 05:06:07" == str(door.row("last_login_date")[0])[:19]
