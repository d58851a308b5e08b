"""Second factors on both databases; pyotp is the app on the telephone."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest

from didier.domain.users import User
from didier.errors import (
    AddressRefused,
    KeyNotUsable,
    LockedOut,
    NoSecondFactor,
    NotConfirmed,
    NotPermitted,
    SecondFactorExists,
    SecondFactorMissing,
    SecondFactorRequired,
    SecondFactorUnchecked,
    WrongCode,
    WrongPassword,
)
from didier.services.system.installation_key import KeyFile, NotOpened, generate
from didier.services.users import accounts, authentication, one_time_codes, passwords, second_factor
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.services.users.lockouts import LOCK_AFTER, LOCK_SECONDS
from didier.services.users.second_factor import BeginOrder, Begun, CodeOrder, Set, SetOrder
from didier.storage.statements import run
from didier.storage.users import second_factors

ADDRESS = "192.0.2.7"
STEP = timedelta(seconds=30)


class Home:
    """A database, its installation's key, and the administrator with an app."""

    def __init__(self, conn, file, now):
        self.conn, self.file, self.now = conn, file, now
        self.secret = ""

    @property
    def user_id(self):
        return self.account.user_id

    @property
    def account(self):
        return authentication.users.accounts(self.conn, ["admin"])["admin"]

    @property
    def caller(self):
        return Caller(self.account.user, "admin", ADDRESS)

    def proof(self, password="1234"):
        stored = authentication.stored_password(self.conn, "admin")
        return passwords.compare(password, password, stored)

    def begin(self, password="1234"):
        [outcome] = second_factor.begin(
            self.conn, [BeginOrder(self.caller, self.proof(password), self.file)], self.now
        )
        if isinstance(outcome, Begun):
            self.secret = outcome.secret
        return outcome

    def shown(self, now=None):
        """What the app shows at *now*."""
        return pyotp.TOTP(self.secret).at((now or self.now).timestamp())

    def code(self, text, now=None):
        """The proof of a code."""
        factor = second_factors.of_user(self.conn, self.user_id)
        return one_time_codes.compare(text, factor, self.file, now or self.now)

    def set(self, text, keeps_password=False, now=None):
        order = SetOrder(self.caller, self.code(text, now), keeps_password)
        [outcome] = second_factor.set_(self.conn, [order], now or self.now)
        return outcome

    def set_up(self, keeps_password=False):
        """Set a second factor up, a minute ago; return its recovery codes."""
        self.begin()
        before = self.now - 2 * STEP
        done = self.set(self.shown(before), keeps_password, before)
        assert isinstance(done, Set)
        return done.codes

    def sign_in(self, text=None, now=None, matched=True, **wish):
        now = now or self.now
        code = None if text is None else self.code(text, now)
        proof = passwords.Proof(authentication.stored_password(self.conn, "admin"), matched)
        [outcome] = authentication.sign_in(
            self.conn, [Credentials("admin", proof, ADDRESS, 8, code, **wish)], now
        )
        return outcome

    def failures(self):
        return run(self.conn, "SELECT failed_login_count FROM vicidial_users WHERE user = 'admin'")[0][0]


@pytest.fixture
def home(engine, tmp_path, now):
    """A database with the tutorial's user."""
    with engine.begin() as conn:
        yield Home(conn, KeyFile(tmp_path / "didier.key"), now)


# The codes themselves ------------------------------------------------------------------------------

RFC_6238 = [
    (59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"),
    (2000000000, "279037"), (20000000000, "353130"),
]  # fmt: skip
"""Appendix B, SHA-1; the last six of its eight digits."""


@pytest.mark.parametrize(("seconds", "code"), RFC_6238)
def test_codes_are_those_of_the_rfc(home, seconds, code):
    """Codes that other programs make are understood."""
    home.begin()
    key = home.file.keys()[0]
    rfc = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # 12345678901234567890
    sealed = second_factor.seal(key, rfc, one_time_codes.about(home.user_id))
    factor = replace(second_factors.of_user(home.conn, home.user_id), secret=sealed)
    moment = home.now.fromtimestamp(seconds)

    assert seconds // 30 == one_time_codes.compare(code, factor, home.file, moment).step


@pytest.mark.parametrize(("late", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_the_clock_of_a_telephone_may_be_a_step_off(home, late, is_right):
    """One step of 30 seconds each way counts, and no more."""
    home.set_up()
    later = home.now + timedelta(minutes=10)

    outcome = home.sign_in(home.shown(later + late * STEP), later)

    assert (User if is_right else WrongCode) is type(outcome)


def test_people_write_codes_with_spaces(home):
    """Apps show six digits in two groups."""
    home.set_up()
    code = home.shown()

    assert isinstance(home.sign_in(f" {code[:3]} {code[3:]} "), User)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "٠١٢٣٤٥", "\ud800", "x" * 100])
def test_what_is_no_code_is_wrong(home, code):
    """Whatever is written, it is refused and nothing breaks."""
    home.set_up()

    assert isinstance(home.sign_in(code), WrongCode)


# Setting up ----------------------------------------------------------------------------------------


def test_the_address_for_apps(home):
    """Apps call the account Didier, with the user's name, and take the secret from it."""
    begun = home.begin()
    parts = urlsplit(begun.uri)

    assert ("otpauth", "totp", "/Didier:admin") == (parts.scheme, parts.netloc, unquote(parts.path))
    assert {"secret": [begun.secret], "issuer": ["Didier"]} == parse_qs(parts.query)


def test_nothing_is_asked_for_before_a_code_confirms_it(home):
    """Who closes the page before that still signs in."""
    home.begin()

    assert isinstance(home.sign_in(), User)
    assert second_factor.state(home.conn, home.user_id) is None


def test_a_code_confirms_it(home):
    """Ten recovery codes come with it; from now on a code is asked for."""
    codes = home.set_up()

    assert (10, 10) == (len(set(codes)), second_factor.state(home.conn, home.user_id).codes_left)
    assert isinstance(home.sign_in(), SecondFactorRequired)


def test_a_wrong_code_confirms_nothing(home):
    """What the app does not show sets nothing up."""
    home.begin()

    assert isinstance(home.set("000000", now=home.now + timedelta(days=1)), NotConfirmed)
    assert isinstance(home.sign_in(), User)


def test_the_code_that_confirmed_it_signs_nobody_in(home):
    """It counts once."""
    home.begin()
    home.set(home.shown())

    assert isinstance(home.sign_in(home.shown()), WrongCode)


def test_setting_up_takes_the_password(home):
    """A session that was left open is not enough, and guesses count."""
    refused = home.begin("wrong")

    assert (NotConfirmed, "password") == (type(refused), refused.field)
    assert 1 == home.failures()
    assert [] == run(home.conn, "SELECT * FROM didier_second_factors")


def test_beginning_again_forgets_what_was_begun(home):
    """The code of the first secret confirms nothing any more."""
    home.begin()
    first = home.shown()
    home.begin()

    assert isinstance(home.set(first), NotConfirmed)


def test_a_confirmed_one_is_not_replaced(home):
    """It has to be ended first, which takes a code."""
    home.set_up()

    assert isinstance(home.begin(), SecondFactorExists)


def test_secrets_and_recovery_codes_are_not_stored_as_they_are(home):
    """Who reads the database finds neither."""
    codes = home.set_up()
    stored = str(
        [
            run(home.conn, f"SELECT * FROM {name}")
            for name in ("didier_second_factors", "didier_recovery_codes")
        ]
    )

    assert home.secret not in stored
    assert not [code for code in codes if code in stored or code.replace("-", "") in stored]


# Signing in ----------------------------------------------------------------------------------------


def test_a_code_counts_once(home):
    """The same code is refused, and so are those before it; the next one is accepted."""
    home.set_up()
    code, before = home.shown(), home.shown(home.now - STEP)

    assert [User, WrongCode, WrongCode] == [type(home.sign_in(text)) for text in (code, code, before)]
    assert isinstance(home.sign_in(home.shown(home.now + STEP), home.now + STEP), User)


def test_a_code_counts_once_among_wishes_that_share_a_transaction(home):
    """Two that come at once do not both get in."""
    home.set_up()
    proof = passwords.Proof(authentication.stored_password(home.conn, "admin"), matched=True)
    wish = Credentials("admin", proof, ADDRESS, 8, home.code(home.shown()))

    assert [User, WrongCode] == [
        type(one) for one in authentication.sign_in(home.conn, [wish, wish], home.now)
    ]


def test_a_clock_that_is_set_back_lets_no_code_count_again(home):
    """Codes of steps that come a second time are refused; a recovery code lets the user in meanwhile."""
    codes = home.set_up()
    code = home.shown()
    home.sign_in(code)
    back = home.now - timedelta(seconds=20)

    assert isinstance(home.sign_in(code, back), WrongCode)
    assert isinstance(home.sign_in(home.shown(home.now - 3 * STEP), home.now - 3 * STEP), WrongCode)
    assert isinstance(home.sign_in(codes[0], back), User)


def test_wrong_codes_lock_the_user_out(home):
    """They count like wrong passwords, and among them."""
    home.set_up()
    home.sign_in(matched=False)
    outcomes = [home.sign_in("000000") for _ in range(LOCK_AFTER - 1)]

    assert {WrongCode} == set(map(type, outcomes))
    assert isinstance(home.sign_in(home.shown()), LockedOut)
    later = home.now + timedelta(seconds=LOCK_SECONDS)
    assert isinstance(home.sign_in(home.shown(later), later), User)


def test_a_missing_code_is_neither_failure_nor_success(home):
    """Otherwise who knows the password could begin to count anew, and guess codes for ever."""
    home.set_up()
    home.sign_in("000000")

    assert isinstance(home.sign_in(), SecondFactorRequired)
    assert 1 == home.failures()


def test_a_wrong_password_is_not_told_that_a_code_is_missing(home):
    """Nobody learns who has a second factor, and no code is used up."""
    home.set_up()
    code = home.shown()

    assert [WrongPassword, WrongPassword] == [
        type(home.sign_in(matched=False)), type(home.sign_in(code, matched=False))
    ]  # fmt: skip
    assert isinstance(home.sign_in(code), User)


def test_a_right_code_ends_the_count(home):
    """As the right password does without a second factor."""
    home.set_up()
    home.sign_in("000000")
    home.sign_in(home.shown())

    assert 0 == home.failures()


def test_the_password_alone_opens_what_is_kept_open(home):
    """On purpose, for what cannot ask for a code; a door that can asks all the same."""
    home.set_up(keeps_password=True)

    assert isinstance(home.sign_in(), User)
    assert isinstance(home.sign_in(asks_code=True), SecondFactorRequired)
    assert isinstance(home.sign_in("000000"), WrongCode)


def test_the_password_alone_does_not_begin_the_count_anew(home):
    """Who knows the password of a user who keeps it open could guess codes for ever."""
    home.set_up(keeps_password=True)
    for _ in range(LOCK_AFTER):
        home.sign_in("000000")
        home.sign_in()

    assert isinstance(home.sign_in(home.shown()), LockedOut)


def test_a_code_of_who_has_no_second_factor_is_not_looked_at(home):
    """It came with the password, which is right."""
    assert isinstance(home.sign_in("000000"), User)


def test_a_code_that_was_compared_before_it_was_confirmed_is_stale(home):
    """What was compared with no secret says nothing about one."""
    code = home.code("000000")
    home.set_up()
    proof = passwords.Proof(authentication.stored_password(home.conn, "admin"), matched=True)

    [outcome] = authentication.sign_in(home.conn, [Credentials("admin", proof, ADDRESS, 8, code)], home.now)

    assert isinstance(outcome, StaleProof)


def test_a_recovery_code_signs_in_once(home):
    """In any case and with or without hyphens."""
    codes = home.set_up()

    assert isinstance(home.sign_in(codes[0].upper().replace("-", " ")), User)
    assert isinstance(home.sign_in(codes[0]), WrongCode)
    assert 9 == second_factor.state(home.conn, home.user_id).codes_left


def test_only_who_uses_a_code_needs_to_be_recorded(home):
    """Where nothing can be stored the code could not be used up, and would count again."""
    home.set_up(keeps_password=True)
    proof = passwords.Proof(authentication.stored_password(home.conn, "admin"), matched=True)
    right, wrong = home.code(home.shown()), home.code("000000")
    used = replace(right, used=True)
    wishes = [Credentials("admin", proof, ADDRESS, 8, code) for code in (None, used, right, right, wrong)]

    decided = authentication.decide(home.conn, wishes, home.now)

    assert [User, User, User, WrongCode, WrongCode] == [type(outcome) for outcome in decided.outcomes]
    assert [False, False, True, False, False] == decided.needs_record


def test_vicidials_second_factor_counts_beside_it(home):
    """Who has one of Didier's still needs VICIdial's where that is on."""
    home.set_up()
    run(home.conn, "DELETE FROM system_settings")
    run(
        home.conn,
        "INSERT INTO system_settings (two_factor_auth_hours, two_factor_container) VALUES (24, 'CODES')",
    )

    outcome = home.sign_in(home.shown())

    assert SecondFactorMissing is type(outcome)


def test_an_address_that_is_refused_uses_no_code_up(home):
    """The black list is looked at first."""
    home.set_up()
    code = home.shown()
    run(home.conn, "DELETE FROM system_settings")
    run(
        home.conn,
        "INSERT INTO system_settings (allow_ip_lists, system_ip_blacklist) VALUES ('1', 'BLACK')",
    )
    run(home.conn, "INSERT INTO vicidial_ip_lists (ip_list_id, active) VALUES ('BLACK', 'Y')")
    run(home.conn, "INSERT INTO vicidial_ip_list_entries VALUES ('BLACK', ?)", ADDRESS)
    refused = home.sign_in(code)
    run(home.conn, "DELETE FROM vicidial_ip_list_entries")

    assert isinstance(refused, AddressRefused)
    assert isinstance(home.sign_in(code), User)


# Without the key -----------------------------------------------------------------------------------


def test_without_the_key_no_code_can_be_checked(home):
    """It is said, and counts as no failure; recovery codes need no key."""
    codes = home.set_up()
    home.file.path.unlink()

    assert isinstance(home.sign_in(home.shown()), SecondFactorUnchecked)
    assert 0 == home.failures()
    assert isinstance(home.sign_in(codes[0]), User)


def test_with_another_key_no_code_can_be_checked(home):
    """A key that was made anew opens nothing."""
    home.set_up()
    home.file.write((generate(home.now),))

    assert isinstance(home.sign_in(home.shown()), SecondFactorUnchecked)
    [reason] = second_factor.not_opened(home.conn, home.file)
    assert f"the second factor of user {home.user_id}: it was sealed with the key" in reason


def test_no_new_key_is_made_while_one_is_missing(home):
    """A new one would hide that the old one is gone."""
    home.begin()
    home.file.path.unlink()

    assert isinstance(home.begin(), KeyNotUsable)
    assert not home.file.path.exists()


def test_all_secrets_are_sealed_anew(home):
    """The new key opens them, the old one is not needed any more, and nobody notices."""
    home.set_up()
    old, new = home.file.keys()[0], generate(home.now)
    home.file.write((new, old))

    assert (1, 0) == tuple(second_factor.seal_anew(home.conn, home.file.keys(), new) for _ in range(2))
    home.file.write((new,))
    assert isinstance(home.sign_in(home.shown()), User)


def test_what_no_key_opens_is_not_sealed_anew(home):
    """Nothing is lost by a key that is another one."""
    home.set_up()
    new = generate(home.now)

    with pytest.raises(NotOpened):
        second_factor.seal_anew(home.conn, (new,), new)


# Changing and ending it ----------------------------------------------------------------------------


def test_ending_it_takes_a_code(home):
    """Then the password alone signs in, and nothing is left of it."""
    home.set_up()
    wrong = CodeOrder(home.caller, home.code("000000"))
    [refused] = second_factor.end(home.conn, [wrong], home.now)
    [done] = second_factor.end(home.conn, [CodeOrder(home.caller, home.code(home.shown()))], home.now)

    assert (NotConfirmed, "code", None) == (type(refused), refused.field, done)
    assert 1 == home.failures()
    assert isinstance(home.sign_in(), User)
    assert [] == run(home.conn, "SELECT * FROM didier_recovery_codes")


def test_a_code_that_signed_the_request_in_is_not_asked_for_again(home):
    """It cannot come twice."""
    home.set_up()
    order = CodeOrder(replace(home.caller, code_used=True), None)

    assert [None] == second_factor.end(home.conn, [order], home.now)


def test_without_a_code_nothing_is_changed(home):
    """Neither ended, nor opened to the password, nor given new recovery codes."""
    home.set_up()
    order = CodeOrder(home.caller, None)
    outcomes = [
        *second_factor.end(home.conn, [order], home.now),
        *second_factor.new_codes(home.conn, [order], home.now),
        *second_factor.set_(home.conn, [SetOrder(home.caller, None, True)], home.now),
    ]

    assert [NotConfirmed] * 3 == [type(outcome) for outcome in outcomes]
    assert isinstance(home.sign_in(), SecondFactorRequired)


def test_new_recovery_codes_replace_the_old_ones(home):
    """A list that was lost is of no use to who finds it."""
    old = home.set_up()
    [done] = second_factor.new_codes(home.conn, [CodeOrder(home.caller, home.code(home.shown()))], home.now)

    assert isinstance(home.sign_in(old[0]), WrongCode)
    assert isinstance(home.sign_in(done.codes[0]), User)


def test_what_it_closes_is_changed_with_a_code(home):
    """The user opens other doors to the password on purpose."""
    home.set_up()
    home.set(home.shown(), keeps_password=True)

    assert isinstance(home.sign_in(), User)


def test_a_confirmation_is_refused_while_the_user_is_locked(home):
    """Guessing goes on nowhere."""
    home.set_up()
    for _ in range(LOCK_AFTER):
        home.sign_in("000000")

    refused = home.set(home.shown(), keeps_password=True)

    assert (NotConfirmed, str(LockedOut())) == (type(refused), str(refused))


def test_there_is_nothing_to_change_without_one(home):
    """It says so."""
    order = CodeOrder(home.caller, None)
    outcomes = [
        *second_factor.end(home.conn, [order], home.now),
        *second_factor.new_codes(home.conn, [order], home.now),
        *second_factor.set_(home.conn, [SetOrder(home.caller, None, False)], home.now),
    ]

    assert [NoSecondFactor] * 3 == [type(outcome) for outcome in outcomes]


# Others --------------------------------------------------------------------------------------------


def boss(home):
    """A user who may change all others."""
    user = replace(
        home.account.user,
        user_id=99,
        name="boss",
        level=9,
        modify_users=True,
        delete_users=True,
        modify_same_level=True,
    )
    return Caller(user, "boss", ADDRESS)


def test_an_administrator_resets_it(home):
    """The user signs in with the password; the log of administrators has it."""
    home.set_up()
    [done] = accounts.reset_second_factor(home.conn, [accounts.ResetOrder(boss(home), "admin")], home.now)
    logged = run(home.conn, "SELECT user, record_id, event_code FROM vicidial_admin_log")

    assert "admin" == done.name
    assert isinstance(home.sign_in(), User)
    assert [("boss", "admin", "ADMIN API RESET SECOND FACTOR")] == logged


def test_who_may_not_set_the_password_may_not_reset_it(home):
    """It takes the same right."""
    home.set_up()
    weak = replace(boss(home), user=replace(boss(home).user, modify_users=False))

    [outcome] = accounts.reset_second_factor(home.conn, [accounts.ResetOrder(weak, "admin")], home.now)

    assert "NotPermitted" == type(outcome).__name__
    assert isinstance(home.sign_in(), SecondFactorRequired)


def test_nobody_resets_their_own_without_a_code(home):
    """With a token, or a password that is kept open, they could; the local command line is exempt."""
    home.set_up()
    own = replace(boss(home), user=replace(boss(home).user, user_id=home.user_id))
    order = accounts.ResetOrder(own, "admin")
    [refused] = accounts.reset_second_factor(home.conn, [order], home.now)
    local = accounts.ResetOrder(replace(own, is_local=True), "admin")
    [done] = accounts.reset_second_factor(home.conn, [local], home.now)

    assert (NotPermitted, accounts.UserChanged) == (type(refused), type(done))


def test_a_deleted_users_rows_go_with_them(home):
    """A new user of the name has no part in them."""
    home.set_up()
    local = replace(boss(home), is_local=True)
    accounts.delete(home.conn, [accounts.DeleteUserOrder(local, "admin")], home.now)

    assert [] == run(home.conn, "SELECT * FROM didier_second_factors")
    assert [] == run(home.conn, "SELECT * FROM didier_recovery_codes")
