"""One code at two nodes that share a database: who is faster gets in, and nobody with it a second time."""

import asyncio

import pytest

from didier.domain.users import User
from didier.errors import WrongCode, WrongPassword
from didier.runtime.committer import Committer
from didier.services.users import authentication, directory
from didier.services.users.authentication import Credentials
from didier.services.users.one_time_codes import CodeProof
from didier.services.users.passwords import Proof
from didier.storage.database import reading
from didier.storage.failures import Outrun
from didier.storage.statements import run
from didier.storage.users import second_factors, users
from didier.storage.users.second_factors import SecondFactor

SEALED = "key.sealed"
CODES = [CodeProof(SEALED, step=101), CodeProof(SEALED, digest="d1")]
PATIENCE = 30

codes = pytest.mark.parametrize("code", CODES, ids=["one-time", "recovery"])


@pytest.fixture
def shared(engine, now):
    """A database in which the administrator has a second factor, and another user none."""
    with engine.begin() as conn:
        directory.add(conn, "crm", directory.AccountSettings(api_access=True), now)
        user_id = users.accounts(conn, ["admin"])["admin"].user_id
        second_factors.put(conn, SecondFactor(user_id, "admin", SEALED, now, 100, False, now))
        second_factors.replace_codes(conn, user_id, ["d1"])
    return engine


def wishes(engine, code):
    """The administrator with *code*, behind one who gives a wrong password."""
    with reading(engine) as conn:
        stored = {name: authentication.stored_password(conn, name) for name in ("crm", "admin")}
    return [
        Credentials("crm", Proof(stored["crm"], matched=False), "192.0.2.7", 7),
        Credentials("admin", Proof(stored["admin"], matched=True), "192.0.2.7", 8, code),
    ]


def decided(engine, code, now):
    """What a node decides on before the other one is faster."""
    with reading(engine) as conn:
        return authentication.decide(conn, wishes(engine, code), now)


def used_elsewhere(engine, code, now):
    """Sign the administrator in at the other node."""
    with engine.begin() as conn:
        [outcome] = authentication.sign_in(conn, wishes(engine, code)[1:], now)
    assert isinstance(outcome, User)


def failures(engine):
    with engine.begin() as conn:
        sql = "SELECT user, failed_login_count FROM vicidial_users ORDER BY user"
        return {name: count for name, count in run(conn, sql) if count}


@codes
def test_a_decision_that_was_outrun_is_not_recorded(shared, now, code):
    """Nothing of its group is."""
    early = decided(shared, code, now)
    used_elsewhere(shared, code, now)

    with pytest.raises(Outrun), shared.begin() as conn:
        authentication.record(conn, early)
    assert {} == failures(shared)


@codes
def test_a_group_that_was_outrun_is_decided_again(shared, now, code):
    """The committer takes it for a race that was lost: the code is wrong now, and everything counts once."""
    early = [decided(shared, code, now)]
    used_elsewhere(shared, code, now)

    def sign_in(conn, orders):
        found = early.pop() if early else authentication.decide(conn, orders, now)
        authentication.record(conn, found)
        return found.outcomes

    async def scenario():
        committer = Committer(shared)
        together = [committer.run(sign_in, wish) for wish in wishes(shared, code)]
        waiting = asyncio.gather(*together)
        await asyncio.sleep(0)  # both wait for the thread, so that they are one group
        committer.start()
        try:
            return await asyncio.wait_for(waiting, PATIENCE)
        finally:
            await committer.stop()

    outcomes = asyncio.run(scenario())

    assert [WrongPassword, WrongCode] == [type(outcome) for outcome in outcomes]
    assert {"admin": 1, "crm": 1} == failures(shared)
    assert [] == early


def test_codes_of_later_steps_are_good(shared, now):
    """Who was outrun by an earlier code decides again, and is let in."""
    used_elsewhere(shared, CODES[0], now)
    later = CodeProof(SEALED, step=102)

    with shared.begin() as conn:
        outcomes = authentication.sign_in(conn, wishes(shared, later), now)

    assert isinstance(outcomes[1], User)
