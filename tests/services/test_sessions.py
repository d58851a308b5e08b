"""Sessions of the admin panel, on both databases."""

from dataclasses import replace
from datetime import timedelta

import pytest

from didier.errors import SessionEnded, WrongPassword
from didier.services.users import authentication, passwords, sessions
from didier.services.users.authentication import Caller, Credentials, StaleProof
from didier.services.users.sessions import IDLE, LONGEST, Opening, PresentedSession
from didier.storage.statements import run


@pytest.fixture
def conn(engine):
    """A database with the tutorial's user."""
    with engine.begin() as conn:
        yield conn


def credentials(conn, password="1234"):
    stored = authentication.stored_password(conn, "admin")
    return Credentials("admin", passwords.compare(password, password, stored), "192.0.2.7", sessions.LEVEL)


def begun(conn, now):
    secret = sessions.generate()
    [outcome] = sessions.begin(conn, [Opening(credentials(conn), secret)], now)
    assert isinstance(outcome, Caller)
    return secret


def shown(conn, secret, now):
    [outcome] = sessions.sign_in(conn, [PresentedSession(secret, "192.0.2.8")], now)
    return outcome


def test_a_session_names_its_user(conn, now):
    """Who shows it is the user, from where it is shown."""
    who = shown(conn, begun(conn, now), now)

    assert ("admin", "192.0.2.8", None) == (who.name, who.address, who.scopes)


def test_a_wrong_password_begins_none(conn, now):
    """Nothing is stored, and the failure counts."""
    opening = Opening(credentials(conn, "wrong"), sessions.generate())

    [outcome] = sessions.begin(conn, [opening], now)

    assert isinstance(outcome, WrongPassword)
    assert [] == run(conn, "SELECT * FROM didier_sessions")
    assert [(1,)] == run(conn, "SELECT failed_login_count FROM vicidial_users")


def test_a_proof_of_another_password_begins_none(conn, now):
    """The password that was compared must be the one that is stored."""
    wish = credentials(conn)
    stale = replace(wish, proof=replace(wish.proof, stored=replace(wish.proof.stored, hash="other")))

    assert [StaleProof()] == sessions.begin(conn, [Opening(stale, sessions.generate())], now)


@pytest.mark.parametrize(
    ("later", "goes_on"),
    [(timedelta(0), True), (IDLE, True), (IDLE + timedelta(seconds=1), False)],
)
def test_silence_ends_a_session(conn, now, later, goes_on):
    """After the time that a session may be idle it is over."""
    secret = begun(conn, now)

    assert goes_on == isinstance(shown(conn, secret, now + later), Caller)


def test_use_prolongs_a_session_but_not_for_ever(conn, now):
    """It goes on while it is used, up to the longest time."""
    secret = begun(conn, now)
    moment = now
    while moment + IDLE <= now + LONGEST:
        moment += IDLE
        assert isinstance(shown(conn, secret, moment), Caller)

    assert SessionEnded("too much time has passed") == shown(
        conn, secret, now + LONGEST + timedelta(seconds=1)
    )


def test_another_password_ends_all_sessions(conn, now):
    """Those of the user, wherever they are signed in."""
    secrets = [begun(conn, now), begun(conn, now)]
    run(conn, "UPDATE vicidial_users SET pass = 'other', pass_hash = ''")

    assert [SessionEnded("the password was changed")] * 2 == [shown(conn, secret, now) for secret in secrets]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("active = 'N'", "the user is not active"),
        ("user_level = 7", "the user level is too low"),
        ("user_id = 4711", "the user is not active"),
    ],
)
def test_a_user_who_may_not_sign_in_has_no_session(conn, now, change, why):
    """The user's row counts as it is now; a new user of an old name has no part in old sessions."""
    secret = begun(conn, now)
    run(conn, f"UPDATE vicidial_users SET {change}")

    assert SessionEnded(why) == shown(conn, secret, now)


def test_a_session_that_was_ended_is_none(conn, now):
    """Signing out counts for the one session."""
    ended, other = begun(conn, now), begun(conn, now)
    sessions.end(conn, [ended])

    assert SessionEnded("there is no such session") == shown(conn, ended, now)
    assert isinstance(shown(conn, other, now), Caller)


def test_old_sessions_are_forgotten(conn, now):
    """The next who signs in clears them away."""
    begun(conn, now)
    begun(conn, now + IDLE + timedelta(seconds=1))

    assert 1 == len(run(conn, "SELECT * FROM didier_sessions"))


def test_what_is_stored_tells_neither_secret_nor_password(conn, now):
    """The mark of a password is keyed with the secret, which is not stored."""
    secret = begun(conn, now)
    stored = str(run(conn, "SELECT * FROM didier_sessions"))

    assert secret.text not in stored
    assert begun(conn, now).mark("x") != secret.mark("x")
    assert secret.text not in repr(PresentedSession(secret, ""))
