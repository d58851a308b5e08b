"""The installation's key: its file, and what is sealed with it."""

import os
import stat
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.engine import make_url

from didier.errors import KeyMissing, KeyProblem
from didier.services.system.installation_key import KeyFile, NotOpened, generate, seal, sealed_with, unseal

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture
def file(tmp_path):
    """Where a key would be."""
    return KeyFile(tmp_path / "didier.key")


def test_a_key_is_made_once_and_is_its_owners_alone(file):
    """The first who needs it makes it; the next finds the same."""
    [made] = file.made(NOW)

    assert (made,) == file.made(NOW + timedelta(days=1))
    assert (made, NOW) == (file.keys()[0], made.made_at)
    assert 0o600 == stat.S_IMODE(file.path.stat().st_mode)
    assert [file.path] == list(file.path.parent.iterdir())


def test_there_is_no_key_unless_one_is_made(file):
    """Reading makes none."""
    with pytest.raises(KeyMissing, match=r"didier\.key: there is no such file"):
        file.keys()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_may_read_is_refused(file, mode):
    """It says what to do about it."""
    file.made(NOW)
    file.path.chmod(mode)

    with pytest.raises(KeyProblem, match=r"others may read the installation's key: chmod 600"):
        file.keys()


@pytest.mark.parametrize(
    "text", ["", "# heading\n", "not a key\n", "a b c\n", "0123 2026-03-04T05:06:07Z eA==\n"]
)
def test_a_damaged_file_is_recognised(file, text):
    """Nothing is sealed with what is left of a key."""
    file.path.write_text(text)
    file.path.chmod(0o600)

    with pytest.raises(KeyProblem, match="not an installation key, or it is damaged"):
        file.keys()


def test_a_changed_key_is_recognised(file):
    """A key is the one that its id names."""
    [key] = file.made(NOW)
    file.path.write_text(file.path.read_text().replace(key.key_id, "0" * 16))

    with pytest.raises(KeyProblem, match="damaged"):
        file.keys()


def test_a_directory_that_is_not_there(tmp_path):
    """A key that cannot be written is a problem with its reason."""
    with pytest.raises(KeyProblem, match=r"cannot be written: No such file"):
        KeyFile(tmp_path / "nowhere" / "didier.key").made(NOW)


def test_two_keys_while_one_is_replaced(file):
    """Both open what they have sealed; the file is replaced in one step and stays private."""
    old, new = generate(NOW), generate(NOW)
    file.write((new, old))

    assert (new, old) == file.keys()
    assert "text" == unseal(file.keys(), seal(old, "text", "row 1"), "row 1")
    assert 0o600 == stat.S_IMODE(file.path.stat().st_mode)


def test_a_key_that_is_left_half_written_harms_nobody(file):
    """What a crash has left beside the file is no key, and the next one is written all the same."""
    file.path.with_name(f"{file.path.name}.{os.getpid()}").write_text("half")

    with pytest.raises(KeyMissing):
        file.keys()
    assert 1 == len(file.made(NOW))


def test_what_was_sealed_is_opened():
    """Sealing twice gives two texts that say nothing of what is in them; both name the key."""
    key = generate(NOW)
    first, second = (seal(key, "JBSWY3DP", "row 1") for _ in range(2))

    assert ("JBSWY3DP", "JBSWY3DP") == tuple(unseal((key,), one, "row 1") for one in (first, second))
    assert first != second
    assert "JBSWY3DP" not in first
    assert key.key_id == sealed_with(first)


def test_another_key_is_named():
    """Who lacks a key is told which one it is."""
    key, other = generate(NOW), generate(NOW)

    with pytest.raises(NotOpened, match=f"sealed with the key {key.key_id}, and the file has {other.key_id}"):
        unseal((other,), seal(key, "text", "row 1"), "row 1")


def test_a_value_in_another_row_is_not_opened():
    """A secret of one user is of no use in the row of another."""
    key = generate(NOW)

    with pytest.raises(NotOpened, match="changed since it was sealed"):
        unseal((key,), seal(key, "text", "row 1"), "row 2")


@pytest.mark.parametrize("place", [0, 20, 30, -1])
def test_a_changed_value_is_not_opened(place):
    """A single character is enough."""
    key = generate(NOW)
    name, _, rest = seal(key, "a text of some length", "row 1").partition(".")
    changed = list(rest)
    changed[place] = "A" if changed[place] != "A" else "Q"

    with pytest.raises(NotOpened):
        unseal((key,), f"{name}.{''.join(changed)}", "row 1")


@pytest.mark.parametrize("sealed", ["", ".", "x", "é.é", "0." + "A" * 200])
def test_what_was_never_sealed_is_not_opened(sealed):
    """Whatever stands there, it is refused and nothing breaks."""
    with pytest.raises(NotOpened):
        unseal((generate(NOW),), sealed, "row 1")


@pytest.mark.parametrize(
    ("named", "url", "expected"),
    [
        (None, "sqlite:////var/lib/didier/didier.db", "/var/lib/didier/didier.key"),
        (None, "sqlite:///sales.sqlite", "sales.key"),
        (None, "mysql+pymysql://didier@localhost/asterisk", "didier.key"),
        ("/etc/didier/key", "sqlite:///didier.db", "/etc/didier/key"),
    ],
)
def test_where_the_key_is(named, url, expected):
    """Beside an embedded database, in the working directory with MariaDB, or where the setting says."""
    assert expected == str(KeyFile.of(named, make_url(url)).path)
