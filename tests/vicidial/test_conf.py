import pytest
from sqlalchemy.engine import make_url

from didier.errors import WrongSetting
from didier.vicidial.conf import read

FILE = """\
# astguiclient.conf - configuration elements for the astguiclient package

# Paths used by astGUIclient
PATHhome => /usr/share/astguiclient

# The IP address of this machine
VARserver_ip => 192.0.2.10

# Database connection information
VARDB_server => 127.0.0.1
VARDB_database => asterisk
VARDB_user => cron
VARDB_pass => 1234
VARDB_custom_user => custom
VARDB_port => 3307
"""


@pytest.fixture
def conf(tmp_path):
    """Write a configuration file with some lines replaced; None takes the line out."""

    def write(**values):
        text = FILE
        for name, value in values.items():
            line = next(line for line in FILE.splitlines(keepends=True) if line.startswith(f"{name} "))
            text = text.replace(line, "" if value is None else f"{name} => {value}\n")
        file = tmp_path / "astguiclient.conf"
        file.write_text(text)
        return file

    return write


def refusal(file):
    with pytest.raises(WrongSetting) as refused:
        read(file)
    return str(refused.value)


def test_the_database_is_read(conf):
    """Server, database, user, password and port make the URL; the server's own address is told too."""
    found = read(conf())

    assert ("mysql+pymysql://cron:1234@127.0.0.1:3307/asterisk", "192.0.2.10") == (
        found.database, found.server_ip,
    )  # fmt: skip


@pytest.mark.parametrize(
    "line",
    ["VARDB_user=>cron2", "VARDB_user   =>   cron2  ", "VARDB_user\t=>\tcron2\r", "  VARDB_user => cron2",
     "VARDB_user => cron2 # of the web pages", "VARDB_user => cron2;note"],
)  # fmt: skip
def test_lines_are_read_as_vicidial_does(conf, line):
    """Blanks do not count, and a comment may follow."""
    file = conf()
    file.write_bytes(FILE.replace("VARDB_user => cron", line).encode())

    assert "cron2" == make_url(read(file).database).username


def test_comments_are_not_values(conf):
    """A line that is commented out does not count."""
    file = conf()
    file.write_text(FILE + "#VARDB_server => 192.0.2.99\n")

    assert "127.0.0.1" == make_url(read(file).database).host


@pytest.mark.parametrize("password", ["p@ss:w/rd%41", "a&b?c=d", "+'\"[]", "é€", "=="])
def test_special_characters_are_quoted(conf, password):
    """Whatever the characters of user and password, they arrive as they are."""
    url = make_url(read(conf(VARDB_pass=password, VARDB_user=f"u{password}")).database)

    assert (password, f"u{password}", "127.0.0.1", "asterisk") == (
        url.password, url.username, url.host, url.database,
    )  # fmt: skip


def test_the_usual_port_needs_no_line(conf):
    """Without VARDB_port it is 3306, as in VICIdial."""
    assert 3306 == make_url(read(conf(VARDB_port=None)).database).port


def test_an_empty_password_is_one(conf):
    """A database user may have no password."""
    assert make_url(read(conf(VARDB_pass="")).database).password is None


@pytest.mark.parametrize("key", ["VARDB_server", "VARDB_database", "VARDB_user", "VARDB_pass"])
def test_a_missing_key_is_named(conf, key):
    """What is missing is named with the file."""
    file = conf(**{key: None})

    assert f"astguiclient_conf: {file} has no {key}" == refusal(file)


@pytest.mark.parametrize("key", ["VARDB_server", "VARDB_database", "VARDB_user"])
def test_an_empty_key_is_missing(conf, key):
    """A key without a value is as good as none."""
    assert f"has no {key}" in refusal(conf(**{key: ""}))


@pytest.mark.parametrize("port", ["0", "65536", "x", "-1", "²"])
def test_a_wrong_port_is_named(conf, port):
    """A port that is none is refused by name."""
    assert "VARDB_port" in refusal(conf(VARDB_port=port))


def test_a_missing_file_is_named(tmp_path):
    """A file that is not there is named."""
    file = tmp_path / "none.conf"

    assert f"astguiclient_conf: {file} cannot be read: No such file or directory" == refusal(file)


def test_a_directory_is_no_file(tmp_path):
    """A directory is refused as any file that cannot be read."""
    assert str(tmp_path) in refusal(tmp_path)


def test_the_password_is_not_shown(conf):
    """Neither the text form of what was read nor a refusal has the password."""
    file = conf(VARDB_pass="hidden-7", VARDB_port="x")

    assert "hidden-7" not in repr(read(conf(VARDB_pass="hidden-7")))
    file = conf(VARDB_pass="hidden-7", VARDB_port="x")
    assert "hidden-7" not in refusal(file)
