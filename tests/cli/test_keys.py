"""The installation's key: `didier key`, and what other commands say about it."""

import os
import shutil
import subprocess
import sys

import pytest

from didier.services.system.installation_key import KeyFile, generate
from support.authenticator import set_up
from support.commands import run
from support.server import Didier
from web.api.conftest import Api


@pytest.fixture
def server(own_server):
    """A server that is stopped."""
    return own_server


@pytest.fixture
def secured(server, tmp_path, monkeypatch):
    """A stopped server's directory, with a second factor of the administrator; and the app."""
    app = set_up(server)
    monkeypatch.chdir(tmp_path)
    server.stop()
    return app


@pytest.fixture
def file(secured, tmp_path):
    """The file with the key."""
    return KeyFile(tmp_path / "didier.key")


DATABASE = ("--database", "sqlite:///didier.db")


def opens(server, app):
    """Say whether the code that the app shows signs in."""
    server.start()
    try:
        return 200 == Api(server).get("/dids", **{"Didier-One-Time-Code": app.fresh()}).status
    finally:
        server.stop()


def test_show_never_shows_the_key(file):
    """Its file, its id and its age."""
    shown = run("key", "show", *DATABASE)
    [key] = file.keys()
    secret = file.path.read_text().split()[-1]

    assert (0, True, False) == (shown.status, key.key_id in shown.out, secret in shown.out)
    assert "didier.key" in shown.out
    assert "(0 days ago)" in shown.out


def test_rotate_makes_a_new_key_and_the_app_goes_on(server, secured, file):
    """The old key opens nothing any more; nobody has to set anything up anew."""
    [old] = file.keys()
    rotated = run("key", "rotate", *DATABASE)
    [new] = file.keys()
    sealed = server.sql("SELECT secret FROM didier_second_factors")

    assert 0 == rotated.status
    assert "1 second factor re-encrypted" in rotated.out
    assert old.key_id != new.key_id
    assert sealed[0][0].startswith(new.key_id)
    assert opens(server, secured)


CRASHES = {
    "before": "file.write = crash",
    "between": "keys._seal_anew = crash",
    "after": "writes = [KeyFile.write, crash]\nKeyFile.write = lambda *a: writes.pop(0)(*a)",
}
"""What ends `didier key rotate`: before all, with two keys in the file, once everything is sealed anew."""

ROTATE = """
import os
from didier.cli.local import keys
from didier.services.system.installation_key import KeyFile
def crash(*_):
    os._exit(9)
{crash}
keys.rotate("sqlite:///didier.db", None)
"""


@pytest.mark.parametrize("crash", CRASHES)
def test_a_crash_while_the_key_is_replaced_loses_nothing(server, secured, file, tmp_path, crash):
    """Whatever was done, codes are checked; and the command, run again, ends it with one key."""
    code = ROTATE.format(crash=CRASHES[crash].replace("file.write", "KeyFile.write"))
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=os.environ)

    assert 9 == ended.returncode
    assert ({"before": 1, "between": 2, "after": 2}[crash]) == len(file.keys())
    assert opens(server, secured)
    assert 0 == run("key", "rotate", *DATABASE).status
    assert 1 == len(file.keys())
    assert opens(server, secured)


def test_rotate_refuses_what_it_cannot_open(file):
    """A file with another key is left as it is."""
    file.write((generate(file.keys()[0].made_at),))
    before = file.path.read_bytes()
    refused = run("key", "rotate", *DATABASE)

    assert 2 == refused.status
    assert "this key does not open the second factor of user 1" in refused.err
    assert before == file.path.read_bytes()


def test_rotate_without_the_key_is_refused(file):
    """A new key would open nothing of what there is."""
    file.path.unlink()

    assert "there is no such file" not in run("key", "rotate", *DATABASE).out
    assert not file.path.exists()


def test_rotate_makes_the_first_key(server, tmp_path, monkeypatch):
    """Where nothing is sealed yet."""
    monkeypatch.chdir(tmp_path)

    assert 0 == run("key", "rotate", *DATABASE).status
    assert 1 == len(KeyFile(tmp_path / "didier.key").keys())


def findings():
    """Return what `didier doctor` says of the key: how bad it is, and what."""
    found = run("doctor", "--json", *DATABASE).json["findings"]
    said = [(one["severity"], one["what"]) for one in found]
    return [(severity, what) for severity, what in said if "key" in what or "sealed" in what]


def test_doctor_finds_the_key_well(file):
    """It opens everything."""
    [key] = file.keys()

    assert [("ok", f"the installation's key {key.key_id} opens all secrets (1)")] == findings()


def test_doctor_misses_the_key(file):
    """Somebody needs it."""
    file.path.unlink()
    [(severity, what)] = findings()

    assert "error" == severity
    assert what.endswith("and so no installation's key; secrets that need it: 1")


def test_doctor_finds_a_key_that_others_may_read(file):
    """It says what to do."""
    file.path.chmod(0o644)
    [(severity, what)] = findings()

    assert ("error", True) == (severity, "others may read the installation's key" in what)


def test_doctor_finds_another_key(file):
    """With the id of the one that is missing."""
    missing = file.keys()[0].key_id
    file.write((generate(file.keys()[0].made_at),))
    [(severity, what)] = findings()

    assert ("error", True) == (severity, what.startswith("1 of 1 secrets cannot be opened"))
    assert missing in what


def test_doctor_misses_no_key_that_nobody_needs(server, tmp_path, monkeypatch):
    """Most installations have none."""
    monkeypatch.chdir(tmp_path)
    [(severity, what)] = findings()

    assert ("ok", "nothing is encrypted, and there is no installation key (didier.key)") == (severity, what)


def test_backups_leave_the_key_out(secured, file, tmp_path):
    """And say so."""
    done = run("backup", "copy.db", *DATABASE)
    secret = file.path.read_text().split()[-1].encode()

    assert "The installation's key is not in it: keep a copy of didier.key somewhere else." in done.out
    assert secret not in (tmp_path / "copy.db").read_bytes()


def test_a_copy_that_is_put_back_without_its_key(server, secured, file, tmp_path):
    """It is said; the local command line lets the user in again."""
    run("backup", "copy.db", *DATABASE)
    file.path.unlink()
    restored = run("restore", "copy.db", "--yes", *DATABASE)
    reset = run("user", "set", "admin", "--no-second-factor", *DATABASE)
    server.start()

    assert "Second factors cannot be checked: didier.key: there is no such file" in restored.out
    assert (0, "User admin was updated.") == (reset.status, reset.lines[0])
    assert 200 == Api(server).get("/dids").status


def test_a_copy_that_is_put_back_with_its_key(secured, tmp_path):
    """There is nothing to say."""
    run("backup", "copy.db", *DATABASE)

    assert "Second factors" not in run("restore", "copy.db", "--yes", *DATABASE).out


def test_a_key_file_of_its_own(tmp_path, monkeypatch):
    """The setting says where the key is."""
    named = tmp_path / "etc" / "key"
    named.parent.mkdir()
    server = Didier(
        tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db",
        environment={"DIDIER_KEY_FILE": str(named)},
    ).start()  # fmt: skip
    try:
        set_up(server)
    finally:
        server.stop()

    assert named.is_file()
    assert not (tmp_path / "didier.key").exists()
    shutil.rmtree(named.parent)
