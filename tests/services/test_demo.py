from datetime import timedelta

import pytest

from didier import tutorial
from didier.domain.fields import CALL_MENUS, IN_GROUPS, PHONES, SERVERS
from didier.domain.visibility import EVERYTHING
from didier.errors import DatabaseInUse
from didier.services.system import demo
from didier.services.users import authentication, passwords
from didier.storage import migrations, settings
from didier.storage.database import open_engine
from didier.storage.dids import destinations, dids
from didier.storage.statements import as_text, run
from didier.storage.usage import dashboard
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


@pytest.fixture
def furnished(tmp_path, now):
    """A demonstration with all that it shows."""
    engine = open_engine(f"sqlite:///{tmp_path}/furnished.db", create=True)
    migrations.upgrade(engine)
    with engine.begin() as conn:
        demo.fill(conn, now, furnished=True)
    yield engine
    engine.dispose()


def test_a_demonstration_is_not_empty(furnished, now):
    """A hundred DIDs of every kind but agents', with history, and a month of calls that ends now."""
    with furnished.begin() as conn:
        routes = dict(run(conn, "SELECT did_route, count(*) FROM vicidial_inbound_dids GROUP BY did_route"))
        [(calls, first, last)] = run(
            conn, "SELECT count(*), min(call_date), max(call_date) FROM vicidial_did_log"
        )
        copied = dashboard.copies_by_day(conn, now - timedelta(days=30), EVERYTHING)
        refused = dashboard.refusals(conn, now - timedelta(days=30), None, 100)

    assert 100 == sum(routes.values())
    assert {"IN_GROUP", "EXTEN", "CALLMENU", "PHONE", "VOICEMAIL"} == set(routes)
    assert (3_060, True) == (calls, as_text(now - timedelta(days=31)) < first < last <= as_text(now))
    assert 99 == sum(day.copies for day in copied)
    assert refused


def test_every_did_of_a_demonstration_leads_somewhere(furnished):
    """Its in-groups, menus and phones are there."""
    with furnished.begin() as conn:
        rows = run(conn, "SELECT group_id, menu_id, phone, server_ip FROM vicidial_inbound_dids")
        named = [{row[place] for row in rows} - {None, ""} for place in range(4)]
        missing = [
            destinations.missing(conn, reference, values)
            for reference, values in zip((IN_GROUPS, CALL_MENUS, PHONES, SERVERS), named, strict=True)
        ]

    assert [set()] * 4 == missing
    assert all(named)


def test_a_demonstration_is_the_same_each_time(furnished, tmp_path_factory, now):
    """But for when it begins."""
    other = open_engine(f"sqlite:///{tmp_path_factory.mktemp('other')}/didier.db", create=True)
    migrations.upgrade(other)
    with other.begin() as conn:
        demo.fill(conn, now, furnished=True)
    tables = ("vicidial_did_log", "vicidial_closer_log", "vicidial_call_menu_options")
    found = []
    for engine in (furnished, other):
        with engine.begin() as conn:
            found.append([run(conn, f"SELECT * FROM {table}") for table in tables])
    other.dispose()

    assert found[0] == found[1]


def test_the_tutorials_did_stays_as_it_is(furnished, engine):
    """It is the first, with the values that it has alone."""
    columns = "did_id, did_pattern, did_description, did_route, extension, exten_context, did_active"
    sql = f"SELECT {columns} FROM vicidial_inbound_dids WHERE did_pattern = '{tutorial.SOURCE_DID}'"
    with furnished.begin() as full, engine.begin() as bare:
        assert run(bare, sql) == run(full, sql)
        assert tutorial.TARGET_DID == demo.free_target(full)
