import json
from collections import Counter

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from didier.storage.tables import (
    ARCHIVES,
    DIDIER_RIGHTS,
    DIDIER_TABLES,
    OPTIONAL_RIGHTS,
    RIGHTS,
    vicidial_tables,
)
from support import homes
from support.commands import command as didier
from support.restricted import PASSWORD, restricted_user
from support.server import Didier

EVERYTHING = {**RIGHTS, **OPTIONAL_RIGHTS, **dict.fromkeys(DIDIER_TABLES, DIDIER_RIGHTS)}


@pytest.fixture
def vicidial(mariadb):
    """The URL of a VICIdial database, all MyISAM, that Didier has not seen yet."""
    url = homes.vicidial(mariadb, "MyISAM")
    engine = sa.create_engine(url)
    with engine.begin() as conn:
        conn.exec_driver_sql(
            "INSERT INTO vicidial_users (user, pass, full_name, user_level, user_group,"
            " api_allowed_functions, vdc_agent_api_access, modify_inbound_dids)"
            " VALUES ('admin', '1234', 'Admin', 9, 'ADMIN', ' ALL_FUNCTIONS ', '1', '1')"
        )
        conn.exec_driver_sql(
            "INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups)"
            " VALUES ('ADMIN', 'Admin', ' ---ALL--- ')"
        )
        conn.exec_driver_sql("INSERT INTO vicidial_inbound_dids (did_pattern) VALUES ('18001234567')")
    engine.dispose()
    return url


def conf(directory, url):
    """Write VICIdial's configuration file for the database at *url*; return its path."""
    parts = make_url(url)
    file = directory / "astguiclient.conf"
    file.write_text(
        f"# VICIdial\nVARDB_server => {parts.host}\nVARDB_database => {parts.database}\n"
        f"VARDB_user => {parts.username}\nVARDB_pass => {parts.password or ''}\nVARDB_port => {parts.port}\n"
    )
    return str(file)


def findings(finished):
    return {finding["what"]: finding for finding in json.loads(finished.stdout)["findings"]}


def test_an_embedded_database_is_well(tmp_path):
    """After init there is no error; the table names what was looked at."""
    didier(tmp_path, "init")

    finished = didier(tmp_path, "doctor", environment={"COLUMNS": "200"})

    assert (0, "") == (finished.returncode, finished.stderr)
    assert "integrity_check" in finished.stdout
    assert "ok" in finished.stdout


def test_a_vicidial_is_looked_over_before_the_first_start(tmp_path, vicidial):
    """Doctor runs on a database that Didier has not touched yet, and makes nothing in it."""
    finished = didier(tmp_path, "doctor", "--database", vicidial, "--json")

    assert 0 == finished.returncode
    found = findings(finished)
    assert any("vicidial_inbound_dids is MyISAM" in what for what in found)
    assert any("revision none" in what for what in found)
    engine = sa.create_engine(vicidial)
    assert [] == [name for name in sa.inspect(engine).get_table_names() if name.startswith("didier")]


def test_json_has_severity_what_and_to_do(tmp_path, vicidial):
    """Each finding in JSON has the three parts, and no password is shown."""
    url = restricted_user(vicidial, EVERYTHING)

    finished = didier(tmp_path, "doctor", "--database", url, "--json")

    shown = json.loads(finished.stdout)
    assert all({"severity", "what", "to_do"} == set(finding) for finding in shown["findings"])
    assert "***" in shown["database"]
    assert PASSWORD not in finished.stdout + finished.stderr


def test_a_missing_right_is_an_error(tmp_path, vicidial):
    """Exit status 1, and the statement that gives the right."""
    rights = {**EVERYTHING, "vicidial_admin_log": ("SELECT",)}

    finished = didier(
        tmp_path, "doctor", "--database", restricted_user(vicidial, rights), environment={"COLUMNS": "300"}
    )

    assert 1 == finished.returncode
    assert "GRANT INSERT ON" in finished.stdout


def test_rights_for_calls_are_needed_with_a_port_for_asterisk(tmp_path, vicidial):
    """They are an error with `agi_port`, and a note without."""
    url = restricted_user(vicidial, EVERYTHING)
    without = didier(tmp_path, "doctor", "--json", "--database", url)

    finished = didier(
        tmp_path, "doctor", "--json", "--database", url, environment={"DIDIER_AGI_PORT": "4573"}
    )

    def about_calls(done):
        return Counter(one["severity"] for what, one in findings(done).items() if "routing calls" in what)

    assert (0, {"note": 1}) == (without.returncode, about_calls(without))
    # Of the tables that it may read it knows that they are there: those that it cannot write to.
    assert (1, 2) == (finished.returncode, about_calls(finished)["error"])
    assert "GRANT INSERT ON" in finished.stdout


def test_a_database_that_is_away_is_an_error(tmp_path, mariadb):
    """What cannot be reached is one finding, without a stack trace and without the password."""
    url = make_url(mariadb.url("none")).set(username="nobody", password=PASSWORD)

    finished = didier(tmp_path, "doctor", "--json", "--database", url.render_as_string(hide_password=False))

    assert 1 == finished.returncode
    [what] = findings(finished)
    assert "cannot be opened" in what
    assert PASSWORD not in finished.stdout + finished.stderr
    assert "" == finished.stderr


def test_no_file_is_an_error(tmp_path):
    """Without an embedded database doctor says so and makes none."""
    finished = didier(tmp_path, "doctor", "--json")

    assert 1 == finished.returncode
    assert not (tmp_path / "didier.db").exists()


# On an existing VICIdial ----------------------------------------------------------------------------


def test_serve_on_an_existing_vicidial(tmp_path, vicidial):
    """With a user of few rights, named by VICIdial's file, Didier copies and makes only its own tables."""
    file = conf(tmp_path, restricted_user(vicidial, EVERYTHING))
    server = Didier(tmp_path, "--astguiclient-conf", file).start()
    try:
        answers = [
            server.tutorial(target="5550001"),
            server.vicidial("copy_did", source_did_pattern="18001234567", new_dids="5550002,5550003"),
            server.vicidial("add_did", did_pattern="5550004"),
            server.vicidial("update_did", did_pattern="5550004", active="N"),
            server.vicidial("update_did", did_pattern="5550001", delete_did="Y"),
            server.call(function="version"),
        ]
    finally:
        server.stop()

    kinds = [answer.splitlines()[-1].partition(":")[0] for answer in answers]
    assert ["SUCCESS", "SUCCESS", "SUCCESS", "SUCCESS", "ERROR", "VERSION"] == kinds
    assert "PERMISSION TO DELETE" in answers[4]
    made = set(sa.inspect(sa.create_engine(vicidial)).get_table_names()) - set(vicidial_tables().tables)
    assert set(DIDIER_TABLES) == made - ARCHIVES
    assert PASSWORD not in server.log.read_text()


OLDER = (
    "ALTER TABLE vicidial_inbound_dids DROP COLUMN modify_stamp, DROP COLUMN inbound_route_answer,"
    " DROP COLUMN entry_list_id",
    "ALTER TABLE vicidial_users DROP COLUMN pass_hash, DROP COLUMN failed_login_attempts_today,"
    " DROP COLUMN ignore_ip_list, DROP COLUMN two_factor_override, DROP COLUMN modify_stamp",
    "ALTER TABLE vicidial_user_groups DROP COLUMN api_ip_list",
    "ALTER TABLE system_settings DROP COLUMN pass_hash_enabled, DROP COLUMN pass_key, DROP COLUMN pass_cost,"
    " DROP COLUMN allow_ip_lists, DROP COLUMN system_ip_blacklist, DROP COLUMN two_factor_auth_hours",
    "ALTER TABLE vicidial_api_log DROP COLUMN webserver, DROP COLUMN api_url",
    "DROP TABLE vicidial_api_urls, vicidial_urls, vicidial_webservers, vicidial_ip_lists,"
    " vicidial_ip_list_entries, vicidial_two_factor_auth",
)
"""What VICIdial versions of years ago lacked."""


def test_serve_on_an_older_vicidial(tmp_path, vicidial):
    """Columns and tables that an older version lacks are left out, and doctor names them."""
    engine = sa.create_engine(vicidial)
    with engine.begin() as conn:
        for statement in OLDER:
            conn.exec_driver_sql(statement)
    server = Didier(tmp_path, "--database", vicidial).start()
    try:
        answers = [
            server.tutorial(target="5550001"),
            server.vicidial("add_did", did_pattern="5550004", entry_list_id="101"),
            server.vicidial("update_did", did_pattern="5550004", entry_list_id="102", active="N"),
            server.tutorial(target="5550002", **{"pass": "wrong"}),
        ]
    finally:
        server.stop()
    looked = didier(tmp_path, "doctor", "--json", "--database", vicidial)

    kinds = [answer.partition(":")[0] for answer in answers]
    assert ["SUCCESS", "SUCCESS", "SUCCESS", "ERROR"] == kinds
    assert "USERNAME OR PASSWORD" in answers[3]
    with engine.begin() as conn:
        logged = conn.exec_driver_sql("SELECT count(*) FROM vicidial_api_log").scalar()
    assert len(answers) == logged
    found = "".join(findings(looked))
    assert 0 == looked.returncode
    for lacking in ("entry_list_id", "pass_hash_enabled", "vicidial_webservers", "api_ip_list"):
        assert lacking in found


@pytest.mark.parametrize("how", ["flag", "environment", "file"])
def test_commands_take_the_database_from_vicidials_file(tmp_path, vicidial, how):
    """The file may be named by flag, environment or didier.toml, for each command."""
    file = conf(tmp_path, vicidial)
    Didier(tmp_path, "--astguiclient-conf", file).start().stop()
    flags = ["--astguiclient-conf", file] if how == "flag" else []
    environment = {"DIDIER_ASTGUICLIENT_CONF": file} if how == "environment" else {}
    if how == "file":
        (tmp_path / "didier.toml").write_text(f'astguiclient_conf = "{file}"\n')

    listed = didier(tmp_path, "user", "list", *flags, environment={"COLUMNS": "200", **environment})
    copied = didier(tmp_path, "copy", "18001234567", "5550001", *flags, environment=environment)
    looked = didier(tmp_path, "doctor", *flags, environment=environment)

    assert [0, 0, 0] == [done.returncode for done in (listed, copied, looked)], copied.stderr
    assert "admin" in listed.stdout


@pytest.mark.parametrize("command", [["serve"], ["doctor"], ["user", "list"], ["init"], ["copy", "1", "2"]])
def test_database_and_file_together_are_refused(tmp_path, command):
    """Two databases are named: neither is opened, and the message has both settings."""
    finished = didier(
        tmp_path, *command, "--astguiclient-conf", "x.conf", environment={"DIDIER_DATABASE": "sqlite:///y.db"}
    )

    assert 2 == finished.returncode
    assert "database and astguiclient_conf both name a database" in finished.stderr


def test_a_missing_file_is_named(tmp_path):
    """A configuration file that is not there is named; nothing is started."""
    finished = didier(tmp_path, "serve", "--astguiclient-conf", "none.conf")

    assert (2, True) == (finished.returncode, "none.conf cannot be read" in finished.stderr)


@pytest.mark.parametrize("command", [["serve"], ["user", "list"]])
def test_a_start_without_rights_names_them(tmp_path, vicidial, command):
    """Without rights no command starts; each missing right comes with its statement, no stack trace."""
    rights = {**EVERYTHING, "vicidial_users": ("SELECT",)}

    finished = didier(tmp_path, *command, "--database", restricted_user(vicidial, rights))

    assert 2 == finished.returncode
    assert "the database user lacks INSERT, UPDATE, DELETE on vicidial_users" in finished.stderr
    assert "GRANT INSERT, UPDATE, DELETE ON" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_a_database_that_refuses_is_named(tmp_path, mariadb):
    """A wrong database password is one line on standard error."""
    url = make_url(mariadb.url("mysql")).set(username="nobody", password=PASSWORD)

    finished = didier(tmp_path, "serve", "--database", url.render_as_string(hide_password=False))

    assert 2 == finished.returncode
    assert finished.stderr.startswith("didier: the database mysql+pymysql://nobody:***@")
    assert "cannot be opened: Access denied" in finished.stderr
    assert PASSWORD not in finished.stderr
    assert 1 == len(finished.stderr.splitlines())
