"""Leases: one holder at a time, by the database's clock, and no step of an old one."""

import threading

import pytest
from sqlalchemy.exc import DBAPIError

from didier.storage.failures import is_passing
from didier.storage.statements import run, scalar
from didier.storage.system import leases
from didier.storage.system.leases import Lease, LeaseLost
from support.engines import opened
from support.leases import expire
from support.statements import sent

JOB, SECONDS = "batches", 15.0


def taken(engine, holder, name=JOB, **options):
    """Take a lease in a transaction of its own."""
    with engine.begin() as conn:
        return leases.take(conn, name, holder, SECONDS, **options)


def left(engine, *names, holder="b"):
    """Return how long the holder *holder* has to wait for leases."""
    with engine.begin() as conn:
        return leases.seconds_left(conn, names, holder)


def row(engine):
    with engine.begin() as conn:
        [found] = run(conn, "SELECT holder, epoch, taken_at, expires_at FROM didier_leases")
    return found


def work(engine, lease):
    """Do a step of the work under *lease*."""
    with engine.begin() as conn:
        leases.hold(conn, lease)
        run(conn, "INSERT INTO didier_settings (name, value) VALUES ('.step', '')")


def steps(engine):
    with engine.begin() as conn:
        return scalar(conn, "SELECT count(*) FROM didier_settings WHERE name = '.step'")


def test_a_lease_has_one_holder(engine):
    """Who comes first gets it, in its first epoch; others get none, and change nothing."""
    first = taken(engine, "a")
    before = row(engine)
    second = taken(engine, "b")

    assert (Lease(JOB, "a", 1, SECONDS), None) == (first, second)
    assert before == row(engine)
    assert Lease("rollups", "b", 1, SECONDS) == taken(engine, "b", "rollups")


def test_the_holder_renews_it_by_taking_it(engine):
    """It stays in its epoch, since when it was taken, and ends later."""
    first = taken(engine, "a")
    expire(engine, JOB, seconds=-1)
    before = row(engine)
    second = taken(engine, "a")
    after = row(engine)

    assert first == second
    assert before[:3] == after[:3]
    assert before[3] < after[3]


def test_an_expired_lease_is_taken(engine):
    """The next holder gets a new epoch; the old one has none any more."""
    old = taken(engine, "a")
    before = row(engine)
    expire(engine, JOB)
    new = taken(engine, "b")

    assert (1, Lease(JOB, "b", 2, SECONDS)) == (old.epoch, new)
    assert before[2] <= row(engine)[2] < row(engine)[3]
    assert taken(engine, "a") is None


def test_a_lease_lasts_as_long_as_it_says(engine):
    """By the database's clock; one that is free has no time left."""
    taken(engine, "a")
    lasting = left(engine, JOB, "other")
    expire(engine, JOB)

    assert 0 < lasting[JOB] <= SECONDS
    assert 0 == lasting["other"]
    assert {JOB: 0} == left(engine, JOB)


def test_nobody_waits_for_oneself(engine):
    """Who is not told that it was given the lease, as the connection broke, takes it again."""
    taken(engine, "a")

    assert {JOB: 0} == left(engine, JOB, holder="a")


def test_a_lease_that_was_given_back_is_free(engine):
    """Anybody may have it at once, in a new epoch, also who had it before."""
    with engine.begin() as conn:
        leases.release(conn, leases.take(conn, JOB, "a", SECONDS))

    assert {JOB: 0} == left(engine, JOB)
    assert 2 == taken(engine, "a").epoch


def test_nobody_gives_back_what_another_has(engine):
    """A release that comes late changes nothing."""
    old = taken(engine, "a")
    expire(engine, JOB)
    new = taken(engine, "b")
    with engine.begin() as conn:
        leases.release(conn, old)

    work(engine, new)
    assert 1 == steps(engine)


def test_a_step_renews_the_lease(engine):
    """Whoever works needs no other renewal."""
    lease = taken(engine, "a")
    expire(engine, JOB, seconds=1)
    work(engine, lease)

    assert left(engine, JOB)[JOB] > 1


def test_a_step_of_an_old_holder_changes_nothing(engine):
    """It is told that it has lost the lease, and what it has stored is gone."""
    old = taken(engine, "a")
    expire(engine, JOB)
    taken(engine, "b")
    with pytest.raises(LeaseLost):
        work(engine, old)

    assert 0 == steps(engine)


def test_a_step_of_an_old_epoch_changes_nothing(engine):
    """Also when the same process has the lease again: what it began then another has gone on with."""
    old = taken(engine, "a")
    expire(engine, JOB)
    taken(engine, "b")
    expire(engine, JOB)
    new = taken(engine, "a")
    with pytest.raises(LeaseLost):
        work(engine, old)

    work(engine, new)
    assert (3, 1) == (new.epoch, steps(engine))


def test_an_expired_lease_that_nobody_took_is_held_still(engine):
    """A holder that was slow goes on: nobody else has done anything."""
    lease = taken(engine, "a")
    expire(engine, JOB)
    work(engine, lease)

    assert 1 == steps(engine)
    assert taken(engine, "b") is None


def test_a_lease_is_taken_by_force(engine):
    """Whoever knows that its holder has ended need not wait."""
    old = taken(engine, "a")
    new = taken(engine, "b", force=True)
    with pytest.raises(LeaseLost):
        work(engine, old)

    assert Lease(JOB, "b", 2, SECONDS) == new
    assert new == taken(engine, "b", force=True)


def test_nobody_takes_it_while_a_step_is_under_way(engine, database_url):
    """Who tries waits for the step, and finds the lease renewed."""
    lease = taken(engine, "a")
    expire(engine, JOB)
    found = []
    with opened(database_url) as other, engine.begin() as conn:
        leases.hold(conn, lease)
        trying = threading.Thread(target=lambda: found.append(taken(other, "b")))
        trying.start()
        run(conn, "INSERT INTO didier_settings (name, value) VALUES ('.step', '')")
        conn.commit()
        trying.join()

    assert [None] == found
    assert 1 == steps(engine)


def test_of_many_at_once_one_gets_it(engine, database_url):
    """Whether it was never taken or has expired; the others get none, or an error that will pass."""
    for epoch in range(1, 6):
        got = at_once(database_url, [f"holder {number} of round {epoch}" for number in range(6)])
        expire(engine, JOB)

        assert [epoch] == [getattr(lease, "epoch", lease) for lease in got]


def at_once(url, holders):
    """Let *holders* take the lease at once; return the leases that they got."""
    got, ready = [], threading.Barrier(len(holders))

    def take(holder):
        with opened(url) as engine:
            engine.connect().close()
            ready.wait()
            try:
                got.append(taken(engine, holder))
            except DBAPIError as error:
                if not is_passing(error):
                    got.append(error)

    threads = [threading.Thread(target=take, args=[holder]) for holder in holders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [one for one in got if one]


@pytest.mark.parametrize("state", ["new", "own", "another's", "expired"])
def test_each_takes_one_statement(engine, state):
    """Whatever there is."""
    if state != "new":
        taken(engine, "a" if state == "own" else "b")
    if state == "expired":
        expire(engine, JOB)
    lease = Lease(JOB, "a", 1, SECONDS)

    with engine.begin() as conn:
        assert [1, 1, 1, 1] == [
            sent(conn, lambda: leases.take(conn, JOB, "a", SECONDS)),
            sent(conn, lambda: leases.renew(conn, lease)),
            sent(conn, lambda: leases.release(conn, lease)),
            sent(conn, lambda: leases.seconds_left(conn, [JOB, "x"], "a")),
        ]
