import pytest

from didier import tutorial
from didier.errors import DatabaseInUse
from didier.services.system import demo
from didier.services.users import authentication, passwords
from didier.storage import settings
from didier.storage.dids import dids
from didier.storage.statements import run
from didier.storage.users import users
from support import outside


@pytest.fixture
def empty(engine):
    """A database without users, DIDs and the demo's mark."""
    with engine.begin() as conn:
        run(conn, "DELETE FROM vicidial_users")
        run(conn, "DELETE FROM vicidial_inbound_dids")
        run(conn, "DELETE FROM didier_settings")
    return engine


def test_the_tutorials_request_works(empty, now):
    """The demo has the tutorial's DID, and its user with the password and rights for a copy."""
    with empty.begin() as conn:
        demo.fill(conn, now)

    with empty.begin() as conn:
        account = users.accounts(conn, [tutorial.USER])[tutorial.USER]
        assert passwords.compare(tutorial.PASSWORD, "", account.password).matched
        assert (9, True, True) == (account.user.level, account.user.api_access, account.user.modify_dids)
        assert account.user.may_call("copy_did")
        assert tutorial.SOURCE_DID == dids.find(conn, [tutorial.SOURCE_DID]).get(tutorial.SOURCE_DID).pattern
        assert demo.is_demo(conn)


def test_the_demos_password_is_stored_hashed(empty, now):
    """Even the public password is not stored as plain text, unless VICIdial must read it."""
    with empty.begin() as conn:
        demo.fill(conn, now)

        plain = authentication.stored_password(conn, tutorial.USER).plain
        assert users.keeps_plain(conn) == bool(plain)


def test_a_demo_is_left_alone(engine, now):
    """Filling a demo again changes nothing, also after its user was changed."""
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET full_name = 'Changed'")
        before = run(conn, "SELECT * FROM vicidial_users"), run(conn, "SELECT * FROM vicidial_inbound_dids")

    with engine.begin() as conn:
        demo.fill(conn, now)

    with engine.begin() as conn:
        after = run(conn, "SELECT * FROM vicidial_users"), run(conn, "SELECT * FROM vicidial_inbound_dids")
    assert before == after


def test_a_database_with_users_is_refused(empty, now):
    """A user with a public password does not get into a database that has users."""
    with empty.begin() as conn:
        users.add(conn, {"user": "boss", "pass": "x"})

    with empty.begin() as conn, pytest.raises(DatabaseInUse):
        demo.fill(conn, now)

    with empty.begin() as conn:
        assert [("boss",)] == run(conn, "SELECT user FROM vicidial_users")
        assert not demo.is_demo(conn)


def test_a_database_with_dids_is_refused(empty, now):
    """A user with a public password does not get into a database that has DIDs."""
    with empty.begin() as conn:
        outside.add(conn, {"did_pattern": "5550001"}, now)

    with empty.begin() as conn, pytest.raises(DatabaseInUse):
        demo.fill(conn, now)

    with empty.begin() as conn:
        assert [] == run(conn, "SELECT user FROM vicidial_users")
        assert not demo.is_demo(conn)


def test_a_database_is_no_demo_by_itself(empty):
    """Without the mark a database is no demo, also if another setting is there."""
    with empty.begin() as conn:
        settings.write(conn, "other", "Y")

        assert not demo.is_demo(conn)


def test_the_free_target_is_the_tutorials(engine):
    """While the tutorial's new number is free it is shown."""
    with engine.begin() as conn:
        assert tutorial.TARGET_DID == demo.free_target(conn)


def test_the_next_free_target(engine, now):
    """A number that exists is skipped, so that the example works again."""
    first = int(tutorial.TARGET_DID)
    with engine.begin() as conn:
        for number in (first, first + 1, first + 3):
            outside.add(conn, {"did_pattern": str(number)}, now)

        assert str(first + 2) == demo.free_target(conn)
