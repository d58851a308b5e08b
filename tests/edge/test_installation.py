"""What `didier kamailio init` writes, and what it refuses."""

import stat
import subprocess
from pathlib import Path

import pytest

from didier.edge.installation import (
    CONFIGURATION,
    Installation,
    listen_address,
    read_secret,
    source_network,
    write,
)
from didier.errors import WrongSetting
from support.commands import run
from support.kamailio import program


@pytest.fixture
def options(tmp_path):
    """What init has to be told, and what it makes do with here."""
    return [
        "--listen", "udp:127.0.0.1", "--listen", "tcp:[::1]:5070", "--from", "203.0.113.0/24", "--from",
        "2001:db8::/32", "--server", "https://didier.example.com", "--database", str(tmp_path / "edge.db"),
        "--user", Path.home().owner(),
    ]  # fmt: skip


def test_kamailio_accepts_it(tmp_path, options):
    """With IPv4 and IPv6, and with a default set; the secret is for its owner's eyes."""
    directory = tmp_path / "edge"
    done = run("kamailio", "init", str(directory), *options, "--default-set", "3")
    checked = subprocess.run(
        [program(), "-c", "-f", directory / CONFIGURATION], capture_output=True, check=False
    )

    assert (0, "") == (done.status, done.err)
    assert 0 == checked.returncode, checked.stderr
    assert 0o600 == stat.S_IMODE(directory.joinpath("control.cfg").stat().st_mode)
    assert 64 == len(read_secret(directory / "control.cfg"))


def test_the_services_are_complete(tmp_path, options):
    """Each placeholder is filled, and both know where all is."""
    run("kamailio", "init", str(tmp_path / "edge"), *options)
    agent, proxy = (
        tmp_path.joinpath("edge", name).read_text()
        for name in ("didier-kamailio.service", "kamailio-didier.service")
    )

    assert "@" not in agent + proxy
    assert f"--server https://didier.example.com --token-file {tmp_path}/edge/token" in agent
    assert f"-f {tmp_path}/edge/kamailio.cfg" in proxy


def test_nothing_is_overwritten(tmp_path, options):
    """What is there stays, down to the secret, unless it is said."""
    directory = tmp_path / "edge"
    run("kamailio", "init", str(directory), *options)
    secret = read_secret(directory / "control.cfg")
    refused = run("kamailio", "init", str(directory), *options)
    kept = read_secret(directory / "control.cfg")
    forced = run("kamailio", "init", str(directory), *options, "--force")

    assert 2 == refused.status
    assert "kamailio-didier.service: there already; --force writes the files anew" in refused.err
    assert secret == kept
    assert 0 == forced.status
    assert secret != read_secret(directory / "control.cfg")


@pytest.mark.parametrize(
    ("written", "listen"),
    [
        ("udp:10.0.0.1", "udp:10.0.0.1:5060"),
        ("TCP:10.0.0.1:5070", "tcp:10.0.0.1:5070"),
        ("udp:[2001:db8::1]:5060", "udp:[2001:db8::1]:5060"),
    ],
)
def test_where_it_listens(written, listen):
    """A transport, an address, and a port or that of SIP."""
    assert listen == listen_address(written)


@pytest.mark.parametrize(
    "written",
    ["10.0.0.1", "udp:pbx", "udp:0.0.0.0:5060", "udp:[::]", "udp:10.0.0.1:5060\nlisten=udp:1.1.1.1:1",
     "tls:10.0.0.1", "udp:224.0.0.1", "udp:10.0.0.1:x", "udp:10.0.0.256", "udp:[:::]"],
)  # fmt: skip
def test_where_it_cannot_listen(written):
    """Names and wildcards, other transports, and whatever would be more than an address."""
    with pytest.raises(WrongSetting, match="--listen"):
        listen_address(written)


@pytest.mark.parametrize(
    "written", ["carrier", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/8 || 1", "fe80::1%e || 1", ""]
)
def test_networks_that_are_none(written):
    """Nothing but a network comes into the condition."""
    with pytest.raises(WrongSetting, match="--from"):
        source_network(written)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("directory", Path("relative"), "relative"),
        ("directory", Path('/a"b'), "letters, digits"),
        ("database", Path("/a\nb"), "letters, digits"),
        ("token_file", Path("/a b"), "letters, digits"),
        ("server", "https://didier.example.com --yes", "--server"),
        ("server", "ftp://didier.example.com", "--server"),
        ("user", "root\nExecStart=/bin/sh", "--user"),
        ("default_set", -1, "--default-set"),
        ("default_set", 1_000_000, "--default-set"),
        ("control_port", 0, "ports"),
        ("control_port", 5081, "ports"),
        ("calls_port", 5060, "ports"),
        ("listen", ("udp:10.0.0.1:70000",), "ports"),
        ("sources", (), "--from"),
        ("listen", (), "--listen"),
    ],
)
def test_what_cannot_stand_in_the_files(tmp_path, name, value, said):
    """It is refused before anything is written."""
    values = {
        "directory": tmp_path, "listen": ("udp:10.0.0.1:5060",), "sources": ("10.0.0.0/8",),
        "server": "https://didier.example.com", "token_file": tmp_path / "token",
        "database": tmp_path / "edge.db", "didier": Path("/usr/bin/didier"),
    }  # fmt: skip

    with pytest.raises(WrongSetting, match=said):
        write(Installation(**(values | {name: value})))
    assert [] == list(tmp_path.iterdir())


def test_a_secret_that_is_none(tmp_path):
    """A file that is not there, or not init's, is said to be that."""
    tmp_path.joinpath("other").write_text("secret\n")
    for name, said in (("none", "No such file"), ("other", "no secret")):
        with pytest.raises(WrongSetting, match=said):
            read_secret(tmp_path / name)
