import json

import pytest

from didier.config import CONFIG_VARIABLE, GONE, PREFIX, Settings, load
from didier.errors import SetupError, WrongSetting

SECRET = "hidden-7"
DATABASE = f"mysql+pymysql://didier:{SECRET}@db/asterisk"

VALUES = {
    "database": ("sqlite:///flag.db", "sqlite:///environment.db", "sqlite:///file.db"),
    "host": ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    "port": (8081, 8082, 8083),
    "log_level": ("debug", "warning", "error"),
    "astguiclient_conf": ("/flag.conf", "/environment.conf", "/file.conf"),
    "log_reads": (True, False, True),
    "body_limit": (1001, 1002, 1003),
    "waiting_limit": (1, 2, 3),
    "upload_limit": (1001, 1002, 1003),
    "batch_limit": (1, 2, 3),
    "rate_limit": (0, 1, 2),
    "region": ("DE", "GB", "IT"),
    "parse_seconds": (1.5, 2.5, 3.5),
    "connection_limit": (1, 2, 3),
    "idle_seconds": (1.5, 2.5, 3.5),
    "body_seconds": (1.5, 2.5, 3.5),
    "reading_seconds": (1.5, 2.5, 3.5),
    "stop_seconds": (1.5, 2.5, 3.5),
    "dialplan_contexts": ("from-desk", "from-desk, night", "night"),
    "lease_seconds": (1.5, 2.5, 3.5),
    "reconcile": (False, True, False),
    "reconcile_seconds": (1.5, 2.5, 3.5),
    "check_seconds": (1.5, 0.0, 3.5),
    "time_zone": ("Europe/Berlin", "Asia/Kolkata", "America/New_York"),
    "usage_seconds": (1.5, 0.0, 3.5),
    "usage_months": (1, 2, 3),
    "usage_database": (
        "mysql+pymysql://a@copy/one",
        "mysql+pymysql://a@copy/two",
        "mysql+pymysql://a@copy/three",
    ),
    "feed_days": (1, 2, 3),
    "reported_calls_days": (1, 2, 3),
    "webhook_seconds": (1.5, 2.5, 3.5),
    "webhook_networks": ("192.0.2.1/32", "192.0.2.2/32, 2001:db8::/32", "192.0.2.16/28"),
    "tls_cert": ("/flag.pem", "/environment.pem", "/file.pem"),
    "tls_key": ("/flag.key", "/environment.key", "/file.key"),
    "key_file": ("/flag.key", "/environment.key", "/file.key"),
    "trusted_proxies": ("192.0.2.1/32", "192.0.2.2/32, 2001:db8::/32", "192.0.2.16/28"),
    "agi_host": ("flag.example.com", "environment.example.com", "file.example.com"),
    "agi_port": (1, 2, 3),
    "agi_networks": ("192.0.2.1/32", "192.0.2.2/32, 2001:db8::/32", "192.0.2.16/28"),
    "agi_server_ip": ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    "agi_seconds": (1.5, 2.5, 3.5),
    "agi_connections": (1, 2, 3),
    "agi_url_seconds": (1.5, 2.5, 3.5),
    "agi_url_networks": ("192.0.2.1/32", "192.0.2.2/32, 2001:db8::/32", "192.0.2.16/28"),
    "agi_replica": (False, True, False),
    "agi_directory": ("a", "b", "c"),
    "agi_database_seconds": (1.5, 2.5, 3.5),
    "agi_list_limit": (1, 2, 3),
    "agi_number_forms": (True, False, True),
    "agi_metrics_host": ("192.0.2.1", "192.0.2.2", "192.0.2.3"),
    "agi_metrics_port": (1, 2, 3),
    "allowed_hosts": ("a.example.com", "b.example.com, *.example.org", "2001:db8::1"),
}
"""For each setting a value from a flag, the environment and the file."""

ALLOWED = {
    "astguiclient_conf": ("", "at least 1 character"),
    "host": ("", "at least 1 character"),
    "port": ("65536", "less than or equal to 65535"),
    "log_level": ("loud", "'debug', 'info', 'warning' or 'error'"),
    "log_reads": ("perhaps", "valid boolean"),
    "body_limit": ("999", "greater than or equal to 1000"),
    "waiting_limit": ("0", "greater than or equal to 1"),
    "upload_limit": ("999", "greater than or equal to 1000"),
    "batch_limit": ("100000001", "less than or equal to 100000000"),
    "rate_limit": ("-1", "greater than or equal to 0"),
    "region": ("us", "match pattern '^[A-Z]{2}$'"),
    "parse_seconds": ("0", "greater than 0"),
    "connection_limit": ("0", "greater than or equal to 1"),
    "idle_seconds": ("0", "greater than 0"),
    "body_seconds": ("0", "greater than 0"),
    "reading_seconds": ("0", "greater than 0"),
    "stop_seconds": ("-1", "greater than or equal to 0"),
    "dialplan_contexts": ("two words", "match pattern"),
    "lease_seconds": ("0.9", "greater than or equal to 1"),
    "reconcile": ("perhaps", "valid boolean"),
    "reconcile_seconds": ("0.9", "greater than or equal to 1"),
    "check_seconds": ("-1", "greater than or equal to 0"),
    "time_zone": ("Berlin", "it must be the name of a time zone, such as Europe/Berlin"),
    "usage_seconds": ("-1", "greater than or equal to 0"),
    "usage_months": ("0", "greater than or equal to 1"),
    "usage_database": ("", "at least 1 character"),
    "feed_days": ("0", "greater than or equal to 1"),
    "reported_calls_days": ("0", "greater than or equal to 1"),
    "webhook_seconds": ("0", "greater than 0"),
    "webhook_networks": ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    "tls_cert": ("", "at least 1 character"),
    "tls_key": ("", "at least 1 character"),
    "key_file": ("", "at least 1 character"),
    "trusted_proxies": ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    "agi_host": ("", "at least 1 character"),
    "agi_port": ("65536", "less than or equal to 65535"),
    "agi_networks": ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    "agi_server_ip": ("", "at least 1 character"),
    "agi_seconds": ("0", "greater than 0"),
    "agi_connections": ("0", "greater than or equal to 1"),
    "agi_url_seconds": ("0", "greater than 0"),
    "agi_url_networks": ("10.0.0.1/8", "10.0.0.1/8 has host bits set"),
    "agi_replica": ("perhaps", "valid boolean"),
    "agi_directory": ("", "at least 1 character"),
    "agi_database_seconds": ("0", "greater than 0"),
    "agi_list_limit": ("-1", "greater than or equal to 0"),
    "agi_number_forms": ("perhaps", "valid boolean"),
    "agi_metrics_host": ("", "at least 1 character"),
    "agi_metrics_port": ("0", "greater than or equal to 1"),
    "allowed_hosts": ("https://a.example.com", "without scheme, port and path"),
}
"""For each setting a value that is not allowed, and what is."""


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """An empty working directory and no setting in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"{PREFIX}{name.upper()}", raising=False)
    monkeypatch.delenv(CONFIG_VARIABLE, raising=False)
    return tmp_path


def write(directory, name, value, file="didier.toml"):
    directory.joinpath(file).write_text(f"{name} = {json.dumps(value, ensure_ascii=False)}\n")


def refusal(flags=None):
    with pytest.raises(WrongSetting) as refused:
        load(flags or {})
    return str(refused.value)


def test_every_setting_is_tested():
    """A new setting gets its rows in this file."""
    assert set(Settings.model_fields) == set(VALUES) == set(ALLOWED) | {"database"}


def test_defaults_are_enough():
    """Without any setting there is a complete set of them, on the loopback address."""
    settings = load({})

    assert ("127.0.0.1", 8080, "sqlite:///didier.db") == (settings.host, settings.port, settings.database)


def test_every_setting_is_explained():
    """Every setting has a description."""
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("name", sorted(VALUES))
def test_the_order_of_weight(directory, monkeypatch, name):
    """A flag counts more than the environment, that more than the file, that more than the default."""
    flag, environment, file = VALUES[name]
    found = [value(name)]
    write(directory, name, file)
    found.append(value(name))
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", str(environment))
    found.append(value(name))
    found.append(value(name, {name: flag}))

    assert [written(Settings.model_fields[name].default), file, environment, flag] == found


def value(name, flags=None):
    return written(getattr(load(flags or {}), name))


def written(value):
    return ", ".join(str(item) for item in value) if isinstance(value, tuple) else value


def test_lists_in_the_file(directory):
    """A list may stand in the file as a list."""
    directory.joinpath("didier.toml").write_text('allowed_hosts = ["B.example.com.", "[::1]"]\n')

    assert ("b.example.com", "::1") == load({}).allowed_hosts


@pytest.mark.parametrize("host", ["*", "*.", "a:80", "a/b", "a b", "[::1]:80"])
def test_hosts_that_are_none(host):
    """A host is a name, an address, or a domain behind an asterisk."""
    assert "allowed_hosts" in refusal({"allowed_hosts": host})


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_flag_that_was_not_given_does_not_count(name):
    """None is no flag."""
    assert Settings.model_fields[name].default == getattr(load({name: None}), name)


def test_flags_are_texts():
    """A flag's text is read as the environment's is."""
    assert 8081 == load({"port": "8081"}).port


def test_a_file_elsewhere(directory, monkeypatch):
    """DIDIER_CONFIG names the file that counts, instead of the one in the working directory."""
    write(directory, "port", 8081)
    write(directory, "host", "192.0.2.1", "other.toml")
    monkeypatch.setenv(CONFIG_VARIABLE, "other.toml")

    assert (8080, "192.0.2.1") == (load({}).port, load({}).host)


def test_a_file_that_is_named_must_be_there(monkeypatch):
    """A DIDIER_CONFIG without a file is refused."""
    monkeypatch.setenv(CONFIG_VARIABLE, "missing.toml")

    assert "DIDIER_CONFIG: there is no file missing.toml" == refusal()


@pytest.mark.parametrize("text", [b"port = ", b"port 8081", b"[a", b"\xff\xfe"])
def test_a_file_that_cannot_be_read_is_named(directory, text):
    """A file that is not TOML is refused by name."""
    directory.joinpath("didier.toml").write_bytes(text)

    assert refusal().startswith("didier.toml: cannot be read: ")


@pytest.mark.parametrize("source", ["flag", "environment", "file"])
@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_a_wrong_value_is_explained(directory, monkeypatch, name, source):
    """The refusal names the setting in both spellings, the value, and what is allowed."""
    wrong, allowed = ALLOWED[name]
    if source == "flag":
        said = refusal({name: wrong})
    elif source == "environment":
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", wrong)
        said = refusal()
    else:
        write(directory, name, wrong)
        said = refusal()

    repeated = "" if name == "usage_database" else f": {wrong!r} is not allowed"  # it may hold a password
    assert said.startswith(f"{name} ({PREFIX}{name.upper()}){repeated}: ")
    assert allowed in said


def test_every_wrong_value_is_told():
    """Two wrong values are two lines."""
    assert ["host", "port"] == sorted(
        line.split()[0] for line in refusal({"port": "x", "host": ""}).splitlines()
    )


@pytest.mark.parametrize("value", ["x", "8081.5", "", "0", "-1", "0x50"])
def test_ports_that_are_none(value):
    """A port is a number from 1 to 65535."""
    assert "port (DIDIER_PORT)" in refusal({"port": value})


def test_an_unknown_setting_in_the_file(directory):
    """A misspelt setting is refused, and the refusal lists those that exist."""
    write(directory, "prot", 8081)

    said = refusal()
    assert said.startswith("prot: there is no such setting; choose from ")
    assert all(name in said for name in VALUES)


def test_an_unknown_setting_in_the_environment(monkeypatch):
    """A misspelt variable is refused, and the refusal lists those that exist."""
    monkeypatch.setenv("DIDIER_PROT", "8081")

    said = refusal()
    assert said.startswith("DIDIER_PROT: there is no such setting; choose from ")
    assert all(f"{PREFIX}{name.upper()}" in said for name in VALUES)


@pytest.mark.parametrize("name", GONE)
def test_a_setting_that_is_gone(directory, monkeypatch, name):
    """Who still has a setting that there was is told what is in its place."""
    write(directory, name, 8081)
    in_file = refusal()
    write(directory, "port", 8081)
    monkeypatch.setenv(f"{PREFIX}{name.upper()}", "8081")

    assert f"{name}: this setting is gone: {GONE[name]}" == in_file
    assert f"{PREFIX}{name.upper()}: this setting is gone: {GONE[name]}" == refusal()


def test_other_variables_do_not_matter(monkeypatch):
    """Variables of other programs are left alone."""
    monkeypatch.setenv("PORT", "9999")
    monkeypatch.setenv("DIDIERX_PORT", "9999")

    assert 8080 == load({}).port


def test_settings_do_not_change():
    """What was read is not changed."""
    with pytest.raises(ValueError, match="frozen"):
        load({}).port = 1


def test_the_database_is_not_shown():
    """The text form of the settings holds no password."""
    settings = load({"database": DATABASE})

    assert DATABASE == settings.database
    assert SECRET not in f"{settings!r} {settings}"


@pytest.mark.parametrize(
    "text",
    [
        f'database = ["{DATABASE}"]',
        f'database = {{ url = "{DATABASE}" }}',
        f'databse = "{DATABASE}"',
        f'[database]\nurl = "{DATABASE}"',
        f'[didier]\ndatabase = "{DATABASE}"',
        f'database = "{DATABASE}',
        f'database = "{DATABASE}"\nport = "x"',
        f'database = "{DATABASE}"\ndatabase = "{DATABASE}"',
    ],
)
def test_a_password_in_the_file_is_never_repeated(directory, text):
    """Whatever is wrong with the file, the refusal does not hold the database's password."""
    directory.joinpath("didier.toml").write_text(text)

    with pytest.raises(SetupError) as refused:
        load({})
    assert SECRET not in f"{refused.value!r} {refused.value}"


@pytest.mark.parametrize("name", ["DIDIER_DATABSE", "DIDIER_DATABASE_URL"])
def test_a_password_in_the_environment_is_never_repeated(monkeypatch, name):
    """A misspelt variable is named without its value."""
    monkeypatch.setenv(name, DATABASE)

    assert SECRET not in refusal()


def test_a_password_beside_a_wrong_setting_is_not_repeated():
    """The refusal of another setting does not show the database."""
    assert SECRET not in refusal({"database": DATABASE, "port": "x"})


def test_two_databases_are_refused():
    """A database and VICIdial's file that names another are not both a setting; no password is shown."""
    said = refusal({"database": DATABASE, "astguiclient_conf": "/etc/astguiclient.conf"})

    assert said.startswith("database and astguiclient_conf both name a database")
    assert SECRET not in said
