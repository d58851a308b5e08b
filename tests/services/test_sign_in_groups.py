"""Sign-ins that share a decision come out as they would one after the other, on both databases."""

import random
from datetime import timedelta

import pytest

from didier.services.users import authentication, directory
from didier.services.users.authentication import Credentials
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.statements import run
from didier.storage.users import second_factors, users
from didier.storage.users.second_factors import SecondFactor

NAMES = ("admin", "ADMIN", "crm", "nobody", "Nobody", "other")
STORED = (
    "SELECT user, failed_login_count, failed_login_attempts_today, failed_login_count_today,"
    " failed_last_ip_today, failed_last_type_today, last_login_date, last_ip FROM vicidial_users"
    " ORDER BY user",
    "SELECT user_name, user_id, locked_at FROM didier_lockouts ORDER BY user_name",
    "SELECT failures, failed_at FROM didier_unknown_names ORDER BY digest",
    "SELECT user_id, last_step FROM didier_second_factors ORDER BY user_id",
    "SELECT digest, used_at FROM didier_recovery_codes ORDER BY digest",
)


@pytest.fixture
def home(engine, now):
    """Two users, of whom one has a second factor, and the key of unknown names."""
    with engine.begin() as conn:
        directory.add(conn, "crm", directory.AccountSettings(api_access=True), now)
        user_id = users.accounts(conn, ["admin"])["admin"].user_id
        second_factors.put(conn, SecondFactor(user_id, "admin", "sealed", now, 100, False, now))
        second_factors.replace_codes(conn, user_id, ["d1", "d2"])
        authentication.sign_in(conn, [Credentials("x", Proof(None, matched=False), "", 7)], now)
    return engine


def wishes(conn, seed):
    """Return some wishes, which *seed* decides on: passwords right and wrong, codes good and bad."""
    draw = random.Random(seed)
    stored = {name: authentication.stored_password(conn, name) for name in NAMES}
    wrong = draw.choice([0.1, 0.5, 0.9])
    codes = [None, CodeProof("sealed"), CodeProof("other", step=500)]
    codes += [CodeProof("sealed", step=step) for step in (100, 101, 102, 103)]
    codes += [CodeProof("sealed", digest=digest) for digest in ("d1", "d2", "d3")]

    def wish():
        name = draw.choice(NAMES)
        code = draw.choice(codes) if name in ("admin", "ADMIN") else None
        proof = Proof(stored[name], stored[name] is not None and draw.random() > wrong)
        return Credentials(name, proof, draw.choice(["192.0.2.7", "192.0.2.8"]), draw.choice([7, 7, 9]), code)

    return [wish() for _ in range(60)]


def outcome(conn, groups, now):
    """What becomes of *groups*, and what is stored in the end; it is taken back."""
    transaction = conn.begin()
    found = [one for group in groups for one in authentication.sign_in(conn, group, now)]
    stored = [run(conn, sql) for sql in STORED]
    transaction.rollback()
    return [type(one).__name__ for one in found], stored


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=20), timedelta(minutes=-20)])
def test_a_group_is_as_one_after_the_other(home, now, seed, later):
    """Whatever they are, also behind others, when a lock is over, and when the clock was set back."""
    with home.begin() as conn:
        run(conn, "UPDATE didier_second_factors SET keeps_password = ?", seed % 2)
        authentication.sign_in(conn, wishes(conn, seed + 1_000), now)
        together = wishes(conn, seed)
    with home.connect() as conn:
        one_by_one = outcome(conn, [[wish] for wish in together], now + later)

        assert one_by_one == outcome(conn, [together], now + later)
