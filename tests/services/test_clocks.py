"""Clocks that are set back, jump, and have an hour twice: on both databases.

New York: on 1 November 2026 the clock goes from 1:59 back to 1:00; on 8 March from 1:59 to 3:00.
"""

import time
from datetime import datetime, timedelta

import pytest

from didier.domain.users import User
from didier.errors import LockedOut, SessionEnded, TokenRefused
from didier.services.system import idempotency
from didier.services.system.idempotency import Answered, KeyedRequest
from didier.services.users import authentication, passwords, sessions, tokens
from didier.services.users.authentication import Caller, Credentials
from didier.services.users.lockouts import LOCK_AFTER, LOCK_SECONDS
from didier.services.users.sessions import Opening, PresentedSession
from didier.services.users.tokens import has_passed

MINUTE = timedelta(minutes=1)


def first(minute):
    """Return a minute past one, before the hour comes again."""
    return datetime(2026, 11, 1, 1, minute)


def again(minute):
    """Return a minute past one when the hour has come again."""
    return datetime(2026, 11, 1, 1, minute, fold=1)


BEFORE_SPRING = datetime(2026, 3, 8, 1, 59)
AFTER_SPRING = datetime(2026, 3, 8, 3, 0)
"""A minute later."""


@pytest.fixture(autouse=True)
def new_york(monkeypatch):
    """The zone of the process."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def conn(engine):
    """A database with the tutorial's user."""
    with engine.begin() as conn:
        yield conn


def credentials(conn, password="1234"):
    stored = authentication.stored_password(conn, "admin")
    return Credentials("admin", passwords.compare(password, password, stored), "192.0.2.7", 8)


def locked(conn, now):
    authentication.sign_in(conn, [credentials(conn, "wrong")] * LOCK_AFTER, now)


def signed_in(conn, now):
    [outcome] = authentication.sign_in(conn, [credentials(conn)], now)
    return outcome


def begun(conn, now):
    secret = sessions.generate()
    sessions.begin(conn, [Opening(credentials(conn), secret)], now)
    return secret


def shown(conn, secret, now):
    [outcome] = sessions.sign_in(conn, [PresentedSession(secret, "192.0.2.8")], now)
    return outcome


def test_a_lock_in_the_hour_that_comes_twice(conn):
    """It lasts its 15 minutes over the change of the clock, and no hour more or less."""
    locked(conn, first(59))

    assert isinstance(signed_in(conn, again(13)), LockedOut)
    assert isinstance(signed_in(conn, again(14)), User)


def test_a_lock_over_the_hour_that_is_left_out(conn):
    """A minute after the lock it still holds, though the clock shows an hour more."""
    locked(conn, BEFORE_SPRING)

    assert isinstance(signed_in(conn, AFTER_SPRING), LockedOut)
    assert isinstance(signed_in(conn, AFTER_SPRING + timedelta(seconds=LOCK_SECONDS)), User)


def test_a_clock_that_is_set_back_prolongs_no_lock(conn, now):
    """From then on it lasts 15 minutes at most, not the days that the clock went back."""
    locked(conn, now)
    back = now - timedelta(days=3)

    assert isinstance(signed_in(conn, back), LockedOut)
    assert isinstance(signed_in(conn, back + timedelta(seconds=LOCK_SECONDS)), User)


def test_a_clock_that_was_wrong_when_the_user_signed_in(conn, now):
    """A login that the clock has put into the future does not keep a lock up until then."""
    signed_in(conn, now + timedelta(days=400))
    locked(conn, now)

    assert isinstance(signed_in(conn, now + MINUTE), LockedOut)
    assert isinstance(signed_in(conn, now + timedelta(seconds=LOCK_SECONDS)), User)


@pytest.mark.parametrize(
    ("began", "later", "goes_on"),
    [
        (BEFORE_SPRING, AFTER_SPRING, True),
        (first(30), again(1), False),
        (first(59), again(0), True),
        (again(30), again(31), True),
        (again(10), again(41), False),
    ],
)
def test_sessions_over_the_change_of_the_clock(conn, began, later, goes_on):
    """A session goes on for as long as it may be idle, whatever the clock shows."""
    assert goes_on == isinstance(shown(conn, begun(conn, began), later), Caller)


def test_a_session_from_the_future_is_none(conn, now):
    """A clock set back by a minute does not matter; by hours, nobody knows how old a session is."""
    secret = begun(conn, now)

    assert isinstance(shown(conn, secret, now - MINUTE), Caller)
    assert isinstance(shown(conn, secret, now - timedelta(hours=2)), SessionEnded)


def test_a_token_that_has_expired_stays_so(conn):
    """At half past one it expires, the first time, and is not good again when the hour comes back."""
    caller = Caller(signed_in(conn, BEFORE_SPRING), "admin", "192.0.2.7")
    order = tokens.AddTokenOrder(
        caller, "admin", "crm", ("dids:read",), tokens.generate(), expires_at=first(30)
    )
    [made] = tokens.add(conn, [order], BEFORE_SPRING)

    def outcome(now):
        [found] = tokens.sign_in(conn, [tokens.PresentedToken(made.secret.digest, "192.0.2.7")], now)
        return found

    assert isinstance(outcome(first(29)), Caller)
    assert [TokenRefused("it has expired")] * 3 == [outcome(now) for now in (first(30), again(29), again(30))]


def test_what_has_passed():
    """Moments are compared as they come, not as they are written."""
    assert has_passed(first(30), again(29))
    assert not has_passed(first(30), first(29))
    assert has_passed(BEFORE_SPRING, AFTER_SPRING)


@pytest.mark.parametrize(
    "later",
    [timedelta(hours=-30), timedelta(hours=-1), timedelta(0), timedelta(hours=1), timedelta(hours=23)],
)
def test_a_repeated_request_is_not_done_twice(conn, now, later):
    """Whether the clock was set back, forward or stood still: the answer that was given is given again."""
    request = KeyedRequest("admin", "key-1", "fingerprint")
    idempotency.begin(conn, [request], now)
    idempotency.finish(conn, [(request, "SUCCESS\n")])

    [known] = idempotency.begin(conn, [request], now + later)

    assert isinstance(known, Answered)
