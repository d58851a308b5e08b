"""Changing one's own password, on both databases."""

from dataclasses import replace

import pytest

from didier.errors import NotConfirmed, SessionEnded
from didier.services.users import authentication, own_password, passwords, sessions, tokens
from didier.services.users.authentication import Caller, Credentials
from didier.services.users.lockouts import LOCK_AFTER
from didier.services.users.own_password import PasswordChanged, PasswordOrder
from didier.services.users.sessions import Opening, PresentedSession
from didier.storage.statements import run
from didier.storage.users import users

ADDRESS = "192.0.2.7"


@pytest.fixture
def conn(engine):
    """A database with the tutorial's user."""
    with engine.begin() as conn:
        yield conn


def proof(conn, password="1234"):
    return passwords.compare(password, password, authentication.stored_password(conn, "admin"))


def change(conn, now, password="1234", **settings):
    """Change the administrator's password to another one."""
    caller = Caller(users.accounts(conn, ["admin"])["admin"].user, "admin", ADDRESS)
    new = passwords.to_store("Another1", users.hashing(conn), keeps_plain=users.keeps_plain(conn))
    [outcome] = own_password.change(
        conn, [PasswordOrder(caller, proof(conn, password), new, **settings)], now
    )
    return outcome


def session(conn, now):
    secret = sessions.generate()
    sessions.begin(conn, [Opening(Credentials("admin", proof(conn), ADDRESS, 8), secret)], now)
    return secret


def test_the_new_password_counts_at_once(conn, now):
    """And the old one no more."""
    assert PasswordChanged(0) == change(conn, now)
    assert (True, False) == (proof(conn, "Another1").matched, proof(conn).matched)


def test_it_takes_the_present_one(conn, now):
    """A wrong one is counted, and changes nothing."""
    refused = change(conn, now, "wrong")

    assert (NotConfirmed, "password") == (type(refused), refused.field)
    assert [(1,)] == run(conn, "SELECT failed_login_count FROM vicidial_users WHERE user = 'admin'")
    assert proof(conn).matched


def test_ten_wrong_ones_lock_the_user_out(conn, now):
    """Then the right one is refused too."""
    for _ in range(LOCK_AFTER):
        change(conn, now, "wrong")

    assert "too many wrong passwords, try again in 15 minutes" == str(change(conn, now))


def test_a_proof_of_a_password_that_was_changed_meanwhile_is_none(conn, now):
    """What counts is the password that is stored when the change is made."""
    old = proof(conn)
    change(conn, now)
    caller = Caller(users.accounts(conn, ["admin"])["admin"].user, "admin", ADDRESS)
    [outcome] = own_password.change(conn, [PasswordOrder(caller, old, replace(old.stored))], now)

    assert isinstance(outcome, NotConfirmed)


def test_its_session_stays_and_others_end(conn, now):
    """Who changes it stays signed in where they do."""
    mine, other = session(conn, now), session(conn, now)
    change(conn, now, session=mine)
    outcomes = sessions.sign_in(conn, [PresentedSession(one, ADDRESS) for one in (mine, other)], now)

    assert [Caller, SessionEnded] == [type(outcome) for outcome in outcomes]


def test_tokens_are_revoked_if_wanted(conn, now):
    """Those that work; the number is told."""
    caller = Caller(users.accounts(conn, ["admin"])["admin"].user, "admin", ADDRESS)
    orders = [
        tokens.AddTokenOrder(caller, "admin", name, ("dids:read",), tokens.generate())
        for name in ("CRM", "PBX")
    ]
    first, _ = tokens.add(conn, orders, now)
    tokens.revoke(conn, [tokens.RevokeOrder(caller, first.token.token_id)], now)

    assert PasswordChanged(1) == change(conn, now, revoke_tokens=True)
    assert [(0,)] == run(conn, "SELECT count(*) FROM didier_tokens WHERE revoked_at IS NULL")


def test_it_is_in_the_log_of_administrators(conn, now):
    """Without a password."""
    change(conn, now)
    [logged] = run(conn, "SELECT user, record_id, event_code, event_notes FROM vicidial_admin_log")

    assert ("admin", "admin", "ADMIN API CHANGE OWN PASSWORD", "user: admin") == tuple(logged)
