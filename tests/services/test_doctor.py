import os
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from didier.errors import MissingRights, SchemaTooOld
from didier.services.system import doctor
from didier.services.system.doctor import Finding, Severity, examine, has_errors
from didier.services.system.installation_key import KeyFile
from didier.services.users.authentication import stored_password
from didier.storage import migrations
from didier.storage.changes import edges, reconcile, webhooks
from didier.storage.changes.reconcile import Pass
from didier.storage.database import SQL_MODE, open_engine, reading, server_problem
from didier.storage.dids import gateways, schedules
from didier.storage.statements import run
from didier.storage.system import health
from didier.storage.tables import (
    ARCHIVES,
    CALL_RIGHTS,
    DIDIER_RIGHTS,
    DIDIER_TABLES,
    EDGES,
    GATEWAYS,
    OPTIONAL_OWN,
    OPTIONAL_RIGHTS,
    PREFERENCES,
    RIGHTS,
    SCHEDULES,
    WEBHOOK_ATTEMPTS,
    WEBHOOKS,
    vicidial_tables,
)
from didier.storage.users import preferences
from didier.vicidial.conf import read
from support import homes
from support.mariadb import running_mariadb
from support.restricted import restricted_user

NO_KEY = KeyFile(Path("there-is-no.key"))
EVERYTHING = {**RIGHTS, **OPTIONAL_RIGHTS, **dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS)}


def findings(url_or_engine, now=None, *, routes_calls=False):
    engine = open_engine(url_or_engine) if isinstance(url_or_engine, str) else url_or_engine
    with reading(engine) as conn:
        return examine(conn, NO_KEY, now or datetime.now(), routes_calls=routes_calls)


def those(found, severity):
    return [finding for finding in found if finding.severity is severity]


def about(found, text):
    chosen = [finding for finding in found if text in finding.what]
    assert chosen, [finding.what for finding in found]
    return chosen[0]


def sql(engine, *statements):
    with engine.begin() as conn:
        for statement in statements:
            conn.exec_driver_sql(statement)


def test_users_who_look_alike_are_named(engine):
    """Names that people take for the same are shown with what makes them different."""
    sql(engine, "INSERT INTO vicidial_users (user, pass, full_name) VALUES ('adm\u0131n', '', 'Other')")

    found = those(findings(engine), Severity.WARNING)

    assert "users look alike: 'admin', 'adm\\u0131n'" in [finding.what for finding in found]


@pytest.fixture
def vicidial(mariadb):
    """The URL of a VICIdial database that Didier has not seen yet."""
    return homes.vicidial(mariadb, "InnoDB")


@pytest.fixture
def mariadb_engine(vicidial):
    engine = open_engine(vicidial)
    migrations.upgrade(engine)
    yield engine
    engine.dispose()


def test_a_healthy_database_has_no_errors(engine):
    """Nothing is wrong with a new database, and what is well is said."""
    found = findings(engine)

    assert not has_errors(found)
    assert all("passwords are plain text" in finding.what for finding in those(found, Severity.WARNING))
    assert len(those(found, Severity.OK)) > 4


def test_each_finding_says_what_to_do(engine):
    """Whatever is not well comes with what to do."""
    sql(engine, "ALTER TABLE didier_batches RENAME TO away_1", "DELETE FROM didier_version")
    found = findings(engine)

    assert all(finding.to_do for finding in found if finding.severity is not Severity.OK)


def test_nothing_is_changed(engine):
    """Looking a database over writes nothing."""

    def contents():
        with reading(engine) as conn:
            tables = sorted(sa.inspect(conn).get_table_names())
            return [(name, run(conn, f"SELECT * FROM {name}")) for name in tables]

    before = contents()
    findings(engine)

    assert before == contents()


def test_tables_of_an_older_didier_are_named(engine):
    """A revision that is not this one is told, with what to do."""
    sql(engine, "UPDATE didier_version SET version_num = '0000'")
    assert Severity.NOTE is about(findings(engine), "revision 0000").severity

    sql(engine, "UPDATE didier_version SET version_num = '9999'")
    assert Severity.ERROR is about(findings(engine), "revision 9999").severity


@pytest.mark.parametrize(
    ("key", "cost", "severity", "text"),
    [
        ("abcdefghijklmnop", 2, Severity.NOTE, "bcrypt with cost 2"),
        ("abcdefghijklmnop", 12, Severity.OK, "bcrypt with cost 12"),
        ("abcdefghijklmnop", 40, Severity.ERROR, "pass_cost is 40"),
        ("short", 2, Severity.ERROR, "pass_key has 5 bytes"),
    ],
)
def test_vicidials_hashing_is_told(engine, key, cost, severity, text):
    """Kind and cost of VICIdial's password hashes, and what keeps them from being compared."""
    sql(
        engine,
        "DELETE FROM system_settings",
        f"INSERT INTO system_settings (pass_hash_enabled, pass_key, pass_cost) VALUES ('1', '{key}', {cost})",
    )
    found = about(findings(engine), text)

    assert severity is found.severity
    assert key not in found.what + found.to_do


def test_plain_passwords_are_told(engine):
    """Users with a plain password are counted."""
    sql(engine, "UPDATE vicidial_users SET pass = 'hidden-7'")

    found = about(findings(engine), "plain")

    assert "1 users" in found.what
    assert "hidden-7" not in str(found)


# SQLite -------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/didier.db", create=True)
    migrations.upgrade(engine)
    engine.dispose()
    return tmp_path / "didier.db"


def test_a_file_open_to_others_is_told(file):
    """A database that others may read is a warning, with the command."""
    os.chmod(file, 0o644)

    found = about(findings(f"sqlite:///{file}"), "mode 644")

    assert (Severity.WARNING, f"chmod 600 {file}") == (found.severity, found.to_do)


def test_a_damaged_file_is_an_error(file):
    """What integrity_check finds is an error."""
    with closing(sqlite3.connect(file)) as conn:
        [(page,)] = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = 'vicidial_urls'")
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as stream:
        stream.seek((page - 1) * 4096)
        stream.write(b"\xff" * 4096)

    assert Severity.ERROR is about(findings(f"sqlite:///{file}"), "the database file is damaged").severity


def test_journal_and_synchronous_are_told(file):
    """WAL and FULL are what Didier relies on."""
    whats = [finding.what for finding in findings(f"sqlite:///{file}")]

    assert "the journal mode is WAL" in whats
    assert any("synchronous is FULL" in what for what in whats)


# MariaDB ------------------------------------------------------------------------------------------


def test_myisam_is_told_with_what_follows(mariadb_engine):
    """Each MyISAM table is named, with what it cannot do and how to change it."""
    sql(mariadb_engine, "ALTER TABLE vicidial_inbound_dids ENGINE=MyISAM")

    found = about(findings(mariadb_engine), "vicidial_inbound_dids is MyISAM")

    assert Severity.WARNING is found.severity
    for word in ("no transactions", "lock", "Galera"):
        assert word in found.what
    assert "ALTER TABLE vicidial_inbound_dids ENGINE=InnoDB;" in found.to_do


def test_a_table_in_use_is_not_damaged(mariadb_engine):
    """MyISAM tables that are written to are whole."""
    sql(mariadb_engine, "ALTER TABLE vicidial_inbound_dids ENGINE=MyISAM")
    sql(mariadb_engine, "INSERT INTO vicidial_inbound_dids (did_pattern) VALUES ('5550001')")

    assert not has_errors(findings(mariadb_engine))


def test_a_crashed_table_is_named_with_its_repair(mariadb, mariadb_engine):
    """A MyISAM table that MariaDB marks as crashed is an error with the command."""
    sql(mariadb_engine, "ALTER TABLE vicidial_urls ENGINE=MyISAM")
    for number in range(50):
        sql(mariadb_engine, f"INSERT INTO vicidial_urls (url) VALUES ('address {number}')")
    sql(mariadb_engine, "FLUSH TABLES")
    data = mariadb.directory / "data" / mariadb_engine.url.database / "vicidial_urls.MYD"
    os.truncate(data, 200)
    with mariadb_engine.connect() as conn:
        conn.exec_driver_sql("CHECK TABLE vicidial_urls").all()  # MariaDB finds it and marks it

    found = about(findings(mariadb_engine), "vicidial_urls is damaged")

    assert Severity.ERROR is found.severity
    assert "REPAIR TABLE vicidial_urls;" in found.to_do


def test_missing_columns_and_tables_are_told(mariadb_engine):
    """What an older VICIdial lacks is named, and is no error."""
    sql(
        mariadb_engine,
        "ALTER TABLE vicidial_inbound_dids DROP COLUMN inbound_route_answer",
        "DROP TABLE vicidial_api_urls",
        "DROP TABLE vicidial_ip_lists",
    )
    found = findings(mariadb_engine)

    assert "inbound_route_answer" in about(found, "vicidial_inbound_dids lacks").what
    assert Severity.NOTE is about(found, "there is no table vicidial_api_urls").severity
    assert Severity.NOTE is about(found, "there is no table vicidial_ip_lists").severity
    assert not has_errors(found)


@pytest.mark.parametrize(
    ("table", "column"), [("vicidial_inbound_dids", "user_group"), ("vicidial_users", "view_reports")]
)
def test_a_vicidial_that_is_too_old_is_an_error(vicidial, table, column):
    """Without a column that every function needs doctor finds an error, and the start is refused."""
    sql(open_engine(vicidial), f"ALTER TABLE {table} DROP COLUMN {column}")
    engine = open_engine(vicidial)

    with pytest.raises(SchemaTooOld) as refused:
        migrations.upgrade(engine)

    assert (
        Severity.ERROR is about(findings(engine), f"too old for Didier: it lacks {table}.{column}").severity
    )
    assert f"it lacks {table}.{column}; upgrade VICIdial" in str(refused.value)


def test_another_database_is_an_error(mariadb):
    """A database that is no VICIdial's is told as such."""
    found = findings(mariadb.database())

    assert Severity.ERROR is about(found, "there is no table vicidial_inbound_dids").severity


def test_sql_mode_and_version_are_told(mariadb_engine):
    """The server's sql_mode and version, and what Didier's connections use."""
    found = findings(mariadb_engine)

    assert SQL_MODE in about(found, "sql_mode of the server is").what
    assert Severity.OK is about(found, "MariaDB 1").severity
    with reading(mariadb_engine) as conn:
        assert {SQL_MODE} == {row[0] for row in run(conn, "SELECT @@sql_mode")}


def test_clocks_apart_are_told(mariadb_engine, now):
    """A difference between this machine's clock and the database's is a warning in seconds."""
    with reading(mariadb_engine) as conn:
        there = health.clock(conn)
    late = datetime.fromtimestamp(there.epoch) + timedelta(seconds=90)
    found = findings(mariadb_engine, late)

    assert Severity.WARNING is about(found, "seconds apart").severity
    assert Severity.OK is about(findings(mariadb_engine), "clocks of this machine").severity


def test_another_time_zone_is_told(mariadb_engine):
    """A database that writes times of another zone is a warning."""
    engine = mariadb_engine
    with engine.connect() as conn:
        conn.exec_driver_sql("SET time_zone = '+09:30'")
        found = examine(conn, NO_KEY, datetime.now())

    assert Severity.WARNING is about(found, "another time zone").severity


def test_durability_is_told():
    """innodb_flush_log_at_trx_commit other than 1 is a warning: acknowledged copies could be lost."""
    with running_mariadb() as server:
        url = server.database()
        engine = open_engine(url)
        sql(engine, "SET GLOBAL innodb_flush_log_at_trx_commit = 2")

        found = about(findings(engine), "innodb_flush_log_at_trx_commit is 2")

        engine.dispose()
    assert Severity.WARNING is found.severity
    assert "SET GLOBAL" in found.to_do


CLUSTER = {"wsrep_ready": "ON", "wsrep_cluster_size": "3", "wsrep_cluster_status": "Primary"}


@pytest.mark.parametrize(
    ("state", "settings", "severity", "text"),
    [
        ({}, {}, Severity.OK, "the cluster has 3 nodes"),
        ({"wsrep_ready": "OFF"}, {}, Severity.ERROR, "not ready"),
        ({"wsrep_cluster_status": "non-Primary"}, {}, Severity.ERROR, "without quorum"),
        ({"wsrep_cluster_size": "2"}, {}, Severity.NOTE, "the cluster has 2 nodes"),
        ({}, {"wsrep_auto_increment_control": "OFF"}, Severity.WARNING, "auto_increment_increment is 1"),
        (
            {},
            {"wsrep_auto_increment_control": "OFF", "auto_increment_increment": "3"},
            Severity.OK,
            "auto_increment_increment is 3",
        ),
    ],
)
def test_the_state_of_a_cluster_is_told(state, settings, severity, text):
    """Readiness, quorum, size and the steps of ids of a Galera node."""
    found = list(doctor._cluster(CLUSTER | state, settings))

    assert severity in {finding.severity for finding in found if text in finding.what}


def test_without_galera_it_is_said(mariadb_engine):
    """One server alone is well."""
    assert Severity.OK is about(findings(mariadb_engine), "Galera is off").severity


def test_tables_without_primary_key_are_found(mariadb_engine):
    """Galera needs a primary key; VICIdial's user groups have none."""
    with reading(mariadb_engine) as conn:
        found = health.without_primary_key(conn)

    assert "vicidial_user_groups" in found
    assert "vicidial_inbound_dids" not in found


@pytest.mark.parametrize(
    ("mariadb_is", "version", "refused"),
    [(True, (10, 5, 9), "10.6 or newer"), (True, (10, 6, 0), None), (True, (11, 4), None),
     (False, (8, 0, 36), "MySQL")],
)  # fmt: skip
def test_old_servers_are_refused(mariadb_engine, mariadb_is, version, refused):
    """MariaDB before 10.6, and MySQL, are named with what is needed."""
    with reading(mariadb_engine) as conn:
        known = conn.dialect.is_mariadb, conn.dialect.server_version_info
        conn.dialect.is_mariadb, conn.dialect.server_version_info = mariadb_is, version
        try:
            problem = server_problem(conn)
        finally:
            conn.dialect.is_mariadb, conn.dialect.server_version_info = known

    assert (refused is None and problem is None) or refused in problem


# Rights -------------------------------------------------------------------------------------------


def test_every_table_has_its_rights():
    """Each of VICIdial's tables that is used has its row, and each of Didier's own is known."""
    assert set(vicidial_tables().tables) == {*RIGHTS, *OPTIONAL_RIGHTS, *CALL_RIGHTS} - ARCHIVES


def test_didiers_tables_are_those_of_the_migrations(vicidial, mariadb_engine):
    """Only didier_* tables are made in a VICIdial database, and all of them are known."""
    with reading(mariadb_engine) as conn:
        there = set(sa.inspect(conn).get_table_names())

    assert set(DIDIER_TABLES) == there - set(vicidial_tables().tables) - ARCHIVES


def test_the_rights_suffice(vicidial):
    """A user with these rights alone makes Didier's tables, and nothing is missing."""
    engine = open_engine(restricted_user(vicidial, EVERYTHING))
    migrations.upgrade(engine)
    found = findings(engine)

    assert not has_errors(found)
    assert Severity.OK is about(found, "has all rights").severity
    with reading(engine) as conn:
        assert stored_password(conn, "nobody") is None


@pytest.mark.parametrize(
    ("table", "right"),
    [(table, right) for table, rights in RIGHTS.items() for right in rights]
    + [("didier_batches", right) for right in DIDIER_RIGHTS if right != "CREATE"],
)
def test_each_missing_right_is_named(vicidial, table, right):
    """Each right that is missing is named with the statement that gives it, and the start is refused."""
    rights = dict(EVERYTHING)
    rights[table] = tuple(r for r in rights[table] if r != right) or ("SHOW VIEW",)
    engine = open_engine(restricted_user(vicidial, rights))
    found = about(findings(engine), f"lacks {right} on {table}")

    with pytest.raises(MissingRights) as refused:
        migrations.upgrade(engine)

    url = make_url(vicidial)
    given = ", ".join(DIDIER_RIGHTS) if table in DIDIER_TABLES else right
    grant = f"GRANT {given} ON `{url.database}`.`{table}` TO 'u_{url.database}'@'127.0.0.1';"
    assert (Severity.ERROR, grant) == (found.severity, found.to_do)
    assert f"lacks {right} on {table}" in str(refused.value)
    assert grant in str(refused.value)


def test_a_user_who_may_make_no_table_is_told(vicidial):
    """Without any right on didier_* tables each is named, with a statement that works before it is there."""
    engine = open_engine(restricted_user(vicidial, {**RIGHTS, **OPTIONAL_RIGHTS}))
    found = those(findings(engine), Severity.ERROR)
    statements = [finding.to_do for finding in found if finding.to_do.startswith("GRANT")]

    assert len(DIDIER_TABLES) - len(OPTIONAL_OWN) == len(statements)
    sql(open_engine(vicidial), *statements)
    migrations.upgrade(engine)
    assert not has_errors(findings(engine))


@pytest.mark.parametrize(
    ("table", "are_kept", "off"),
    [
        (PREFERENCES, preferences.are_kept, "mappings of files"),
        (SCHEDULES, schedules.TABLE.are_kept, "no opening hours"),
        (WEBHOOKS, webhooks.are_kept, "there are no webhooks"),
        (WEBHOOK_ATTEMPTS, webhooks.are_kept, "there are no webhooks"),
        (GATEWAYS, gateways.TABLE.are_kept, "no gateway sets"),
        (EDGES, edges.are_kept, "nobody sees how SIP edges stand"),
    ],
)
def test_a_table_of_our_own_may_do_without_rights(vicidial, table, are_kept, off):
    """Without any right on it Didier starts, what it is for is off, and the statement makes that work."""
    rights = {name: given for name, given in EVERYTHING.items() if name != table}
    engine = open_engine(restricted_user(vicidial, rights))
    migrations.upgrade(engine)
    [found] = [one for one in findings(engine) if table in one.what]
    with reading(engine) as conn:
        assert not are_kept(conn)
    sql(open_engine(vicidial), found.to_do)

    migrations.upgrade(engine)

    assert (Severity.WARNING, True) == (found.severity, found.what.endswith(off))
    assert not [one for one in findings(engine) if table in one.what]
    with reading(open_engine(engine.url)) as conn:
        assert are_kept(conn)


def test_optional_tables_without_rights_are_a_warning(vicidial):
    """A table that older versions lack may be without rights; it is told, and the start goes on."""
    rights = {table: needed for table, needed in EVERYTHING.items() if table != "vicidial_api_urls"}
    engine = open_engine(restricted_user(vicidial, rights))
    migrations.upgrade(engine)

    assert Severity.WARNING is about(findings(engine), "on vicidial_api_urls, or the table").severity


def test_rights_for_calls_are_a_note_while_none_are_routed(vicidial):
    """All that routing calls would need is one note, which is no error, and names the setting."""
    engine = open_engine(restricted_user(vicidial, EVERYTHING))
    migrations.upgrade(engine)
    [found] = [one for one in findings(engine) if "routing calls" in one.what]

    assert Severity.NOTE is found.severity
    assert "INSERT on vicidial_did_log; INSERT on call_log" in found.what
    assert "agi_port" in found.to_do


def test_rights_for_calls_are_needed_where_they_are_routed(vicidial):
    """What is there is an error, what may not be there a warning; the statements make both well."""
    engine = open_engine(restricted_user(vicidial, EVERYTHING))
    migrations.upgrade(engine)
    found = [one for one in findings(engine, routes_calls=True) if "for routing calls" in one.what]
    log = about(found, "lacks INSERT on vicidial_did_log")
    dnc = about(found, "lacks SELECT on vicidial_dnc,")

    assert len(CALL_RIGHTS) == len(found)
    assert (Severity.ERROR, True) == (log.severity, log.what.endswith("leave no row in it"))
    assert (Severity.WARNING, True) == (dnc.severity, dnc.what.endswith("as if it were empty"))
    sql(open_engine(vicidial), *(finding.to_do.removeprefix("if it exists: ") for finding in found))
    last = findings(engine, routes_calls=True)
    assert Severity.OK is about(last, "all rights that routing calls needs").severity


def test_tables_for_calls_that_older_versions_lack_are_told(mariadb_engine):
    """They are named where calls are routed, and there alone."""
    sql(mariadb_engine, "DROP TABLE vicidial_did_gateway_log")

    found = findings(mariadb_engine, routes_calls=True)

    assert Severity.NOTE is about(found, "there is no table vicidial_did_gateway_log").severity
    assert not [one for one in findings(mariadb_engine) if "gateway_log" in one.what]


def test_doctor_says_that_ranks_are_off(vicidial):
    """Without rights on the ranks of agents it is told what is off, and which statement switches it on."""
    rights = {**EVERYTHING, "vicidial_campaign_agents": ("SELECT",)}
    engine = open_engine(restricted_user(vicidial, rights))
    migrations.upgrade(engine)
    found = about(findings(engine), "lacks INSERT, UPDATE, DELETE on vicidial_campaign_agents")

    assert "ranks in campaigns cannot be set" in found.what
    assert "GRANT INSERT, UPDATE, DELETE ON" in found.to_do


def test_a_finding_has_what_and_to_do():
    """A finding is plain text."""
    assert "" == Finding(Severity.OK, "well").to_do


def test_the_configuration_file_leads_to_the_database(tmp_path, vicidial):
    """What VICIdial's file says opens the database, whatever the characters of the password."""
    url = make_url(restricted_user(vicidial, EVERYTHING))
    file = tmp_path / "astguiclient.conf"
    file.write_text(
        f"VARDB_server => {url.host}\nVARDB_database => {url.database}\nVARDB_user => {url.username}\n"
        f"VARDB_pass => {url.password}\nVARDB_port => {url.port}\n"
    )

    with reading(open_engine(read(file).database)) as conn:
        assert [(url.database,)] == run(conn, "SELECT database()")


def test_it_says_when_changes_beside_didier_were_looked_for(engine):
    """Nothing is wrong with a database in which that is yet to begin, or was done today."""
    now = datetime.now()
    before = about(findings(engine, now), "beside Didier")
    with engine.begin() as conn:
        reconcile.end_pass(conn, Pass(0, now.timestamp() - 3600))
    after = about(findings(engine, now), "beside Didier")
    late = about(findings(engine, now + timedelta(hours=47)), "beside Didier")

    assert "changes of DIDs beside Didier are not looked for yet" == before.what
    assert (Severity.OK, "changes of DIDs beside Didier are found") == (after.severity, after.what)
    assert (Severity.NOTE, True) == (late.severity, "48 hours ago" in late.what)
