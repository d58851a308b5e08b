"""The command line as an operator types it, on an embedded database."""

import re
import shutil
import socket
import sqlite3
import stat
import sys
from contextlib import closing

import pytest

from didier import __version__
from support.commands import command as didier
from support.process import until
from support.server import PATH, Didier

SOURCE = "18001234567"


def sql(directory, statement, *values):
    with closing(sqlite3.connect(directory / "didier.db")) as conn, conn:
        return conn.execute(statement, values).fetchall()


def patterns(directory):
    return [row[0] for row in sql(directory, "SELECT did_pattern FROM vicidial_inbound_dids ORDER BY did_id")]


def user(directory, name, *columns):
    return sql(directory, f"SELECT {', '.join(columns)} FROM vicidial_users WHERE user = ?", name)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A directory in which `didier init` was run, and what it printed."""
    directory = tmp_path_factory.mktemp("made")
    done = didier(directory, "init")
    assert 0 == done.returncode, done.stderr
    return directory, done.stdout


@pytest.fixture
def home(made, tmp_path):
    """A working directory with a new database and one DID in it."""
    shutil.copy2(made[0] / "didier.db", tmp_path)
    sql(
        tmp_path,
        "INSERT INTO vicidial_inbound_dids (did_pattern, user_group) VALUES (?, '---ALL---')",
        SOURCE,
    )
    return tmp_path


@pytest.fixture
def demo(tmp_path):
    """A working directory whose didier.db was made by --demo."""
    assert 0 == Didier(tmp_path, "--demo", "--database", "sqlite:///didier.db").start().stop()
    return tmp_path


def refused(done, status, *words):
    """Check that a command failed with *status* and one line without a traceback that has all *words*."""
    assert "Traceback" not in done.stderr, done.stderr.splitlines()[-1]
    assert status == done.returncode, done.stderr
    assert 1 == len(done.stderr.splitlines()), done.stderr
    assert [] == [word for word in words if word not in done.stderr], done.stderr
    return True


def test_version(tmp_path):
    """--version prints name and version."""
    done = didier(tmp_path, "--version")

    assert (0, f"didier {__version__}\n") == (done.returncode, done.stdout)


@pytest.mark.parametrize(
    "command", [(), ("serve",), ("init",), ("copy",), ("user", "add"), ("user", "set"), ("user", "list")]
)
def test_every_command_explains_itself(tmp_path, command):
    """--help works without a database, and a command's help ends with an example."""
    done = didier(tmp_path, *command, "--help")

    assert 0 == done.returncode
    assert not command or f"Example: didier {' '.join(command)}" in done.stdout
    assert [] == list(tmp_path.iterdir())


# init ----------------------------------------------------------------------------------------------


def test_init_shows_a_password_once(made):
    """init prints the administrator's random password; the database has its hash alone."""
    directory, printed = made

    [password] = re.findall(r"User admin, password (\S{20}) ", printed)
    [(plain, hashed)] = user(directory, "admin", "pass", "pass_hash")
    assert ("", True) == (plain, hashed.startswith("$argon2id$"))
    assert password.encode() not in (directory / "didier.db").read_bytes()


def test_init_makes_a_new_password_each_time(made, tmp_path):
    """Two databases have different passwords."""
    first = re.findall(r"password (\S+)", made[1])

    assert first != re.findall(r"password (\S+)", didier(tmp_path, "init").stdout)


def test_init_makes_a_private_file(made):
    """Nobody but its owner may read the database."""
    assert 0o600 == stat.S_IMODE((made[0] / "didier.db").stat().st_mode)


def test_init_leaves_a_database_in_use_alone(home):
    """init refuses a database that has users, and changes nothing in it."""
    before = sql(home, "SELECT * FROM vicidial_users")

    assert refused(didier(home, "init"), 2, "didier.db", "nothing was changed")
    assert before == sql(home, "SELECT * FROM vicidial_users")


def test_init_names_a_place_that_cannot_be_written(tmp_path):
    """A database in a directory that does not exist is refused by its name."""
    done = didier(tmp_path, "init", "--database", "sqlite:///nowhere/didier.db")

    assert refused(done, 2, "nowhere/didier.db")


def test_the_password_of_init_copies(made, tmp_path):
    """The administrator that init made may copy at once, with the password that was shown."""
    shutil.copy2(made[0] / "didier.db", tmp_path)
    sql(
        tmp_path,
        "INSERT INTO vicidial_inbound_dids (did_pattern, user_group) VALUES (?, '---ALL---')",
        SOURCE,
    )
    [password] = re.findall(r"password (\S+)", made[1])
    server = Didier(tmp_path, "--database", "sqlite:///didier.db", python=sys.executable).start()
    try:
        answer = server.tutorial(**{"pass": password})
    finally:
        server.stop()

    assert f"SUCCESS: {SOURCE} -> 18002223333 | DID Copied Successfully\n" == answer


# user ----------------------------------------------------------------------------------------------


def test_the_tutorials_three_settings_are_enough(home):
    """A user made with level 8, API Access and copy_did can copy: Modify DIDs is switched on and told."""
    made = didier(
        home, "user", "add", "crm", "--level", "8", "--api-access", "--functions", "copy_did", "--password",
        typed="Marigold77\n",
    )  # fmt: skip
    server = Didier(home, "--database", "sqlite:///didier.db").start()
    try:
        answer = server.tutorial(user="crm", **{"pass": "Marigold77"})
    finally:
        server.stop()

    assert 0 == made.returncode
    assert "Modify DIDs was switched on" in made.stdout
    assert "Marigold77" not in made.stdout
    assert f"SUCCESS: {SOURCE} -> 18002223333 | DID Copied Successfully\n" == answer


def test_a_new_user_has_a_password_that_is_shown_once(home):
    """Without --password the user gets a random password; only its hash is stored."""
    done = didier(home, "user", "add", "crm")

    [password] = re.findall(r"Password (\S{20}) ", done.stdout)
    [(plain, hashed)] = user(home, "crm", "pass", "pass_hash")
    assert ("", True) == (plain, hashed.startswith("$argon2id$"))
    assert password not in hashed


def test_a_new_user_may_do_nothing_that_was_not_asked_for(home):
    """A user that was made without options has no API Access, no functions and no rights."""
    done = didier(home, "user", "add", "crm")

    columns = ("vdc_agent_api_access", "api_allowed_functions", "modify_inbound_dids", "delete_inbound_dids")
    assert [("0", "", "0", "0")] == user(home, "crm", *columns)
    assert "switched on" not in done.stdout


@pytest.mark.parametrize("functions", ["copy_did", "add_did", "version,copy_did", "ALL"])
def test_allowing_a_did_function_switches_modify_dids_on(home, functions):
    """Allowing a function that makes DIDs switches Modify DIDs on, and says so, when it was off."""
    didier(home, "user", "add", "crm")

    first = didier(home, "user", "set", "crm", "--functions", functions)
    second = didier(home, "user", "set", "crm", "--functions", functions)

    assert [("1",)] == user(home, "crm", "modify_inbound_dids")
    assert [True, False] == ["Modify DIDs was switched on" in done.stdout for done in (first, second)]


def test_modify_dids_stays_off_when_that_is_asked_for(home):
    """An operator who names --no-modify-dids gets it, whatever functions are allowed."""
    done = didier(home, "user", "add", "crm", "--functions", "copy_did", "--no-modify-dids")

    assert [("0",)] == user(home, "crm", "modify_inbound_dids")
    assert "switched on" not in done.stdout


def test_set_leaves_the_rest_as_it_is(home):
    """set changes what is named and nothing else."""
    didier(home, "user", "add", "crm", "--api-access", "--functions", "copy_did")
    before = user(home, "crm", "pass_hash", "vdc_agent_api_access", "api_allowed_functions")

    done = didier(home, "user", "set", "crm", "--level", "9", "--inactive")

    assert 0 == done.returncode
    assert [(9, "N")] == user(home, "crm", "user_level", "active")
    assert before == user(home, "crm", "pass_hash", "vdc_agent_api_access", "api_allowed_functions")


def test_a_new_password_ends_a_lock_out(home):
    """set --password gives a new password and forgets failures."""
    sql(home, "UPDATE vicidial_users SET failed_login_count = 10")
    before = user(home, "admin", "pass_hash")

    done = didier(home, "user", "set", "admin", "--password", typed="Marigold77\n")

    assert 0 == done.returncode
    assert "Marigold77" not in done.stdout + done.stderr
    assert before != user(home, "admin", "pass_hash")
    assert [(0,)] == user(home, "admin", "failed_login_count")


@pytest.mark.parametrize("typed", ["", "\n"])
def test_an_empty_password_is_refused(home, typed):
    """Without a password on standard input nothing changes."""
    before = user(home, "admin", "pass_hash")

    done = didier(home, "user", "set", "admin", "--password", typed=typed)

    assert refused(done, 1, "password")
    assert before == user(home, "admin", "pass_hash")


def test_list_names_users_and_their_functions(home):
    """list shows each user with the functions they may call, whole, also in a pipe; and no hash."""
    didier(home, "user", "add", "crm", "--functions", "copy_did,add_did")

    done = didier(home, "user", "list")

    assert 0 == done.returncode
    assert "admin" in done.stdout
    assert "crm" in done.stdout
    assert "copy_did" in done.stdout
    assert "add_did" in done.stdout
    assert "argon2" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "admin"), ["admin", "exists"]),
        (("set", "nobody", "--level", "8"), ["nobody"]),
        (("add", "x"), ["user", "'x'"]),
        (("add", "with space"), ["user", "'with space'"]),
        (("add", "crm", "--level", "10"), ["level", "'10'", "1 to 9"]),
        (("set", "admin", "--level", "0"), ["level", "'0'", "1 to 9"]),
    ],
    ids=" ".join,
)
def test_what_cannot_be_done_is_one_line(home, arguments, words):
    """A refused change is one line that names what is wrong, status 1, and nothing is changed."""
    before = sql(home, "SELECT * FROM vicidial_users")

    assert refused(didier(home, "user", *arguments), 1, *words)
    assert before == sql(home, "SELECT * FROM vicidial_users")


# copy ----------------------------------------------------------------------------------------------


def test_copy_copies(home):
    """copy makes each target, says so, and ends with status 0."""
    done = didier(home, "copy", SOURCE, "5550001", "5550002,5550003")

    noted = "didier: 5550001 and 2 more: it has 7 digits, its source 11\n"
    assert (0, noted) == (done.returncode, done.stderr)
    assert [f"{SOURCE} -> 555000{i} (DID {i + 1})" for i in (1, 2, 3)] == done.stdout.splitlines()
    assert [SOURCE, "5550001", "5550002", "5550003"] == patterns(home)


def test_copy_inactive(home):
    """With --inactive the copies accept no calls; the source stays active."""
    didier(home, "copy", SOURCE, "5550001", "--inactive")

    assert [(SOURCE, "Y"), ("5550001", "N")] == sql(
        home, "SELECT did_pattern, did_active FROM vicidial_inbound_dids ORDER BY did_id"
    )


def test_copy_makes_what_it_can_and_says_what_it_cannot(home):
    """With a target that exists and one that is invalid the others are made, and the status is 3."""
    done = didier(home, "copy", SOURCE, "5550001", SOURCE, "5", "5550002")

    assert 3 == done.returncode
    assert [SOURCE, "5550001", "5550002"] == patterns(home)
    assert 2 == len(done.stdout.splitlines())
    assert [f"didier: DID {SOURCE} already exists", "didier: '5' is not a valid DID"] == [
        line.partition(":")[0] + ":" + line.partition(":")[2].partition(":")[0]
        for line in done.stderr.splitlines()[:2]
    ]


def test_copy_of_an_unknown_source_is_refused(home):
    """A source that does not exist is one line and status 1."""
    assert refused(didier(home, "copy", "999", "5550001"), 1, "999")
    assert [SOURCE] == patterns(home)


@pytest.mark.parametrize(
    "arguments", [("copy",), ("copy", SOURCE), ("frobnicate",), ("serve", "--nonsense"), ("user",)]
)
def test_wrong_usage_has_status_two(home, arguments):
    """A command that is not understood explains itself with status 2."""
    done = didier(home, *arguments)

    assert 2 == done.returncode
    assert "Usage: " in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", [("serve",), ("copy", SOURCE, "5550001"), ("user", "list"), ("user", "add", "crm")]
)
def test_without_a_database_the_command_says_what_to_do(tmp_path, arguments):
    """A command that finds no database names `didier init`, and makes no file."""
    assert refused(didier(tmp_path, *arguments), 2, "didier.db", "didier init")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [("copy", SOURCE, "5550001"), ("user", "list"), ("user", "add", "crm")])
def test_a_foreign_database_is_refused(tmp_path, arguments):
    """A SQLite file that is not Didier's is refused in one line and left as it was."""
    sql(tmp_path, "CREATE TABLE mine (a)")

    assert refused(didier(tmp_path, *arguments), 2, "database")
    assert [("mine",)] == sql(tmp_path, "SELECT name FROM sqlite_master")


@pytest.mark.parametrize("arguments", [("serve",), ("init",), ("copy", SOURCE, "5550001"), ("user", "list")])
def test_a_file_that_is_no_database_is_refused(tmp_path, arguments):
    """A file that is not SQLite at all is refused in one line that names it, and left as it was."""
    (tmp_path / "didier.db").write_text("these are my notes, not a database\n" * 100)

    assert refused(didier(tmp_path, *arguments), 2, "didier.db")
    assert (tmp_path / "didier.db").read_text().startswith("these are my notes")


# serve ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environment", "words"),
    [
        (["--port", "99999"], {}, ["port", "DIDIER_PORT", "99999"]),
        (["--port", "http"], {}, ["port", "DIDIER_PORT", "http"]),
        ([], {"DIDIER_PORT": "0"}, ["port", "DIDIER_PORT", "'0'"]),
        ([], {"DIDIER_LOG_LEVEL": "loud"}, ["log_level", "DIDIER_LOG_LEVEL", "loud", "info"]),
        ([], {"DIDIER_BODY_LIMIT": "-1"}, ["body_limit", "DIDIER_BODY_LIMIT", "-1"]),
        ([], {"DIDIER_PROT": "8080"}, ["DIDIER_PROT", "DIDIER_PORT"]),
        ([], {"DIDIER_CONFIG": "none.toml"}, ["DIDIER_CONFIG", "none.toml"]),
        (["--host", "not a host"], {}, ["host", "not a host"]),
        (["--database", "postgres://x"], {}, ["database", "sqlite:///FILE"]),
    ],
    ids=str,
)
def test_a_wrong_setting_names_itself(home, arguments, environment, words):
    """A setting that is not allowed is refused in one line that names it and what is allowed; status 2."""
    assert refused(didier(home, "serve", *arguments, environment=environment), 2, *words)


def test_a_wrong_line_in_the_file_names_itself(home):
    """An unknown name in didier.toml is refused by its name."""
    (home / "didier.toml").write_text("prot = 8080\n")

    assert refused(didier(home, "serve"), 2, "prot", "port")


def test_a_wrong_database_does_not_show_its_password(home):
    """The address of a database, which may hold a password, is not repeated."""
    done = didier(home, "serve", "--database", "oracle://didier:Marigold77@db/didier")

    assert refused(done, 2, "database")
    assert "Marigold77" not in done.stdout + done.stderr


def test_settings_come_from_flag_then_environment_then_file(home):
    """A flag counts more than the environment, and that more than didier.toml."""
    (home / "didier.toml").write_text('port = 1\ndatabase = "sqlite:///other.db"\nbody_limit = 1000\n')
    server = Didier(
        home,
        environment={
            "DIDIER_PORT": "2",
            "DIDIER_DATABASE": "sqlite:///didier.db",
            "DIDIER_LOG_LEVEL": "error",
        },
    ).start()  # the fixture gives --port
    try:
        status, _ = server.request("POST", PATH, "x" * 1001)
    finally:
        server.stop()

    assert 413 == status
    assert '"event":"request"' not in server.log.read_text()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_demo_listens_to_this_machine_only(tmp_path, host):
    """--demo on any address but the loopback is refused, and makes no database."""
    assert refused(didier(tmp_path, "serve", "--demo", "--host", host), 2, host, "--demo")
    assert [] == list(tmp_path.iterdir())


def test_demo_host_from_the_environment_is_refused_too(tmp_path):
    """The address counts, not where it comes from."""
    done = didier(tmp_path, "serve", "--demo", environment={"DIDIER_HOST": "0.0.0.0"})

    assert refused(done, 2, "0.0.0.0", "--demo")


def test_demo_leaves_a_database_in_use_alone(home):
    """--demo on a real database is refused: a user with a public password must not get into it."""
    before = sql(home, "SELECT * FROM vicidial_users")

    assert refused(
        didier(home, "serve", "--demo", "--database", "sqlite:///didier.db"), 2, "--demo", "in use"
    )
    assert before == sql(home, "SELECT * FROM vicidial_users")


def test_demo_may_be_started_again(demo):
    """A demonstration's database may be served with --demo again; its DIDs are still there."""
    server = Didier(demo, "--demo", "--database", "sqlite:///didier.db").start()
    try:
        assert "SUCCESS" in server.tutorial()
    finally:
        server.stop()
    again = Didier(demo, "--demo", "--database", "sqlite:///didier.db").start()
    try:
        answer = again.tutorial()
        until(lambda: "curl" in again.log.read_text())
        printed = again.log.read_text()
    finally:
        again.stop()

    assert "ERROR: NEW DID ALREADY EXISTS\n" == answer
    assert "new_did_pattern=18002223334" in printed


def test_a_demonstration_is_not_served_for_real(demo):
    """Without --demo the database of a demonstration is refused."""
    assert refused(didier(demo, "serve"), 2, "--demo", "didier init")


def test_the_greeting_of_demo_copies(tmp_path):
    """The curl line that --demo prints copies as it stands, and its password is said to be public."""
    server = Didier(tmp_path, "--demo", "--database", "sqlite:///didier.db", python=sys.executable).start()
    try:
        until(lambda: "curl" in server.log.read_text())
        printed = server.log.read_text()
        [address] = re.findall(r'curl "([^"]+)"', printed)
        _, answer = server.get(address.removeprefix(server.url))
    finally:
        server.stop()

    assert f"SUCCESS: {SOURCE} -> 18002223333 | DID Copied Successfully\n" == answer
    assert "password is public" in printed


def test_a_port_in_use_is_named(home):
    """A port that somebody listens on is one clear line and status 2."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        done = didier(home, "serve", "--port", port)

    assert refused(done, 2, f"127.0.0.1:{port}")


def test_two_servers_do_not_share_a_port(home):
    """A second server on the port of a first is refused, and the first goes on."""
    server = Didier(home, "--database", "sqlite:///didier.db").start()
    try:
        done = didier(home, "serve", "--port", str(server.port))
        health = server.get("/healthz")
    finally:
        server.stop()

    assert refused(done, 2, str(server.port))
    assert (200, "ok\n") == health
