"""Signing in takes the same number of statements for a group of any size, on both databases."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

import pytest

from didier.domain.users import User
from didier.errors import (
    AddressRefused,
    LockedOut,
    SecondFactorMissing,
    SecondFactorRequired,
    WrongCode,
    WrongPassword,
)
from didier.services.users import authentication, sessions, tokens
from didier.services.users.authentication import Credentials
from didier.services.users.lockouts import LOCK_AFTER
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.statements import as_text, insert, run
from didier.storage.users.users import StoredPassword
from support.homes import ready
from support.statements import sent

MANY = 500
SIZES = (1, 32, MANY)
STORED = StoredPassword("", "1234")
ADDRESS, REFUSED = "192.0.2.7", "198.51.100.1"
STEP = 100


@dataclass(frozen=True)
class Kind:
    """Who signs in: whether the password is right, from where, with which code, under which name."""

    matched: bool = True
    address: str = ADDRESS
    code: CodeProof | None = None
    name: str = "u{}"
    times: int = 1  # in a row, each time with the same

    def wishes(self, number):
        proof = Proof(None if "nobody" in self.name else STORED, self.matched)
        code, name = self.code and self._code(number), self.name.format(number)
        return [Credentials(name, proof, self.address, 7, code, asks_code=code is not None)] * self.times

    def _code(self, number):
        step, digest = self.code.step, self.code.digest
        return CodeProof(f"sealed{number}", step, digest and digest.format(number))


KINDS = {
    "right": Kind(),
    "wrong": Kind(matched=False),
    "locked out": Kind(matched=False, times=LOCK_AFTER + 1),
    "unknown": Kind(matched=False, name="nobody{}"),
    "refused address": Kind(address=REFUSED),
    "without VICIdial's second factor": Kind(name="v{}"),
    "missing code": Kind(name="f{}"),
    "right code": Kind(name="f{}", code=CodeProof("", step=STEP + 1)),
    "wrong code": Kind(name="f{}", code=CodeProof("", step=STEP)),
    "recovery code": Kind(name="f{}", code=CodeProof("", digest="d{}")),
}


@pytest.fixture
def crowd(engine, now):
    """Many users of each kind, in a VICIdial with address lists and a second factor of its own."""
    return crowded(engine, now)


def crowded(engine, now):
    users = [(f"{letter}{n}", "1234", "Y", 8, "ADMIN", 0) for letter in "uvf" for n in range(MANY)]
    confirmed = [(name, "1", as_text(now + timedelta(hours=1))) for name, *_ in users if name[0] != "v"]
    with engine.begin() as conn:
        columns = ("user", "pass", "active", "user_level", "user_group", "failed_login_count")
        insert(conn, "vicidial_users", columns, users)
        run(conn, "UPDATE vicidial_user_groups SET api_ip_list = 'OFFICE'")
        run(conn, "DELETE FROM system_settings")
        columns = ("allow_ip_lists", "system_ip_blacklist", "two_factor_auth_hours", "two_factor_container")
        insert(conn, "system_settings", columns, [("1", "BLACK", 24, "CODES")])
        insert(conn, "vicidial_ip_lists", ("ip_list_id", "active"), [("BLACK", "Y"), ("OFFICE", "Y")])
        entries = [("BLACK", REFUSED), ("OFFICE", "192.0.2.x")]
        insert(conn, "vicidial_ip_list_entries", ("ip_list_id", "ip_address"), entries)
        insert(conn, "vicidial_two_factor_auth", ("user", "auth_stage", "auth_exp_date"), confirmed)
        set_up_factors(conn, now)
        authentication.sign_in(conn, KINDS["unknown"].wishes(0), now)  # makes the key of unknown names
    return engine


def set_up_factors(conn, now):
    """Give some of the users a second factor, and a recovery code."""
    ids = dict(run(conn, "SELECT user, user_id FROM vicidial_users"))
    moment = as_text(now)
    columns = ("user_id", "user_name", "secret", "confirmed_at", "last_step", "keeps_password", "created_at")
    rows = [(ids[f"f{n}"], f"f{n}", f"sealed{n}", moment, STEP, 0, moment) for n in range(MANY)]
    insert(conn, "didier_second_factors", columns, rows)
    codes = [(ids[f"f{n}"], f"d{n}") for n in range(MANY)]
    insert(conn, "didier_recovery_codes", ("user_id", "digest"), codes)


def counted(engine, sign_in, groups):
    """Return how many statements *sign_in* takes for each of *groups*, none of which is stored."""
    counts = []
    for group in (groups[0], *groups):  # the first time the columns of the tables are looked up too
        with engine.connect() as conn:
            transaction = conn.begin()
            counts.append(sent(conn, lambda conn=conn, group=group: sign_in(conn, group)))
            transaction.rollback()
    return counts[1:]


def is_fixed(counts):
    one, some, many = counts
    return one <= some == many


@pytest.mark.parametrize("kind", KINDS)
def test_passwords(crowd, now, kind):
    """Whatever comes of it."""
    groups = [[wish for n in range(size) for wish in KINDS[kind].wishes(n)] for size in SIZES]

    counts = counted(crowd, lambda conn, wishes: authentication.sign_in(conn, wishes, now), groups)

    assert is_fixed(counts), counts


def everybody(size):
    """*size* wishes of each kind."""
    return [wish for n in range(size) for kind in KINDS.values() for wish in kind.wishes(n)]


def test_passwords_of_all_kinds_together(crowd, now):
    """A group takes each kind of statement once, and a change of users once for each set of columns."""
    groups = [everybody(size) for size in (1, 32, MANY)]

    counts = counted(crowd, lambda conn, wishes: authentication.sign_in(conn, wishes, now), groups)

    assert is_fixed(counts), counts


def test_the_decisions_are_those_that_were_meant(crowd, now):
    """So that the statements of each are counted."""
    with crowd.begin() as conn:
        alone = {
            name: type(authentication.decide(conn, kind.wishes(7), now).outcomes[-1])
            for name, kind in KINDS.items()
        }

    assert {
        "right": User, "wrong": WrongPassword, "locked out": LockedOut, "unknown": WrongPassword,
        "refused address": AddressRefused, "without VICIdial's second factor": SecondFactorMissing,
        "missing code": SecondFactorRequired, "right code": User, "wrong code": WrongCode,
        "recovery code": User,
    } == alone  # fmt: skip


@pytest.mark.parametrize("collation", ["utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_swedish_ci"])
def test_a_database_with_another_default_collation(mariadb, now, collation):
    """Didier's tables have one of their own, and MariaDB does not compare any two."""
    with ready(mariadb.database(), now) as engine:
        before = outcomes(crowded(engine, now), now)
        with engine.begin() as conn:
            run(conn, f"ALTER DATABASE COLLATE {collation}")
        engine.dispose()  # connections keep the collation that they began with
        after = outcomes(engine, now)

    assert before == after


def outcomes(engine, now):
    """What becomes of some of each kind, and of a session; none of which is stored."""
    secret = sessions.generate()
    opening = sessions.Opening(KINDS["right"].wishes(9)[0], secret)
    with engine.connect() as conn:
        transaction = conn.begin()
        found = [
            *authentication.sign_in(conn, everybody(3), now),
            *sessions.begin(conn, [opening], now),
            *sessions.sign_in(
                conn, [sessions.PresentedSession(one, ADDRESS) for one in (secret, OTHER)], now
            ),
        ]
        transaction.rollback()
    return [(type(one), str(one)) for one in found]


OTHER = sessions.generate()


def digest(number):
    return hashlib.sha256(str(number).encode()).hexdigest()


def test_tokens(crowd, now):
    """Those that are accepted, and are marked as used, and those that are not."""
    columns = ("user_id", "user_name", "name", "hint", "scopes", "digest", "created_at", "created_by")
    with crowd.begin() as conn:
        ids = run(conn, "SELECT user_id, user FROM vicidial_users WHERE user LIKE ?", "u%")
        rows = [
            (user_id, name, "CRM", "didier_", "dids:read", digest(name), as_text(now), "admin")
            for user_id, name in ids
        ]
        insert(conn, "didier_tokens", columns, rows)
    shown = [
        tokens.PresentedToken(digest(name), (ADDRESS, REFUSED)[n % 7 == 1])
        for n in range(MANY)
        for name in [("u{}", "none{}")[n % 5 == 1].format(n)]
    ]

    groups = [shown[:size] for size in SIZES]
    counts = counted(crowd, lambda conn, shown: tokens.sign_in(conn, shown, now), groups)

    assert is_fixed(counts), counts


def test_sessions(crowd, now):
    """Those that begin, and those that go on and are marked as used."""
    secrets = [sessions.generate() for _ in range(MANY)]
    openings = [
        sessions.Opening(Credentials(f"u{n}", Proof(STORED, matched=True), ADDRESS, 8), secret)
        for n, secret in enumerate(secrets)
    ]
    begun = counted(
        crowd,
        lambda conn, openings: sessions.begin(conn, openings, now),
        [openings[:size] for size in SIZES],
    )
    with crowd.begin() as conn:
        sessions.begin(conn, openings, now)
    shown = [sessions.PresentedSession(secret, ADDRESS) for secret in secrets]
    later = now + timedelta(minutes=5)

    gone_on = counted(
        crowd,
        lambda conn, shown: sessions.sign_in(conn, shown, later),
        [shown[:size] for size in SIZES],
    )

    assert is_fixed(begun), begun
    assert is_fixed(gone_on), gone_on
