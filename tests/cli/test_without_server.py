"""The command line where the server's packages are not installed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from cli.conftest import LOGIN
from support.server import Didier

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

MISSING = set(sys.argv[1].split(","))
sys.meta_path.insert(0, Missing())
from didier.cli.main import main
main(sys.argv[2:])
"""
"""Runs the command line as if the modules that the first argument names were not installed."""

MODULES = {
    "argon2-cffi": "argon2", "phonenumberslite": "phonenumbers", "pycryptodome": "Crypto",
    "python-multipart": "python_multipart",
}  # fmt: skip
"""Modules of packages with another name."""

ALSO_TYPERS = {"pydantic"}
"""Packages that the server needs and that are there without it: Typer brings them."""


@pytest.fixture(scope="module")
def missing():
    """The modules of all packages that only the server needs."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {line.partition(">")[0] for line in extras["server"]} - ALSO_TYPERS
    return ",".join(MODULES.get(name, name.replace("-", "_")) for name in names)


@pytest.fixture
def didier(missing, tmp_path, monkeypatch):
    """Run a command without them."""

    def run(*arguments):
        command = [sys.executable, "-c", WITHOUT, missing, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["copy", "--help"], ["serve", "--help"]])
def test_it_explains_itself(didier, arguments):
    """All of it, also what it cannot do here."""
    done = didier(*arguments)

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(
    "arguments",
    [["list"], ["copy", "18001234567", "5551"], ["serve"], ["init"], ["doctor"], ["user", "list"],
     ["backup", "x.db"], ["restore", "x.db"]],
    ids=" ".join,
)  # fmt: skip
def test_work_on_a_database_says_what_to_install(didier, arguments):
    """In one line, with status 2."""
    done = didier(*arguments)

    assert (2, "", 1) == (done.returncode, done.stdout, len(done.stderr.splitlines())), done.stderr
    assert "pip install 'didier[server]'" in done.stderr


def test_commands_on_a_server_work(didier, tmp_path, monkeypatch):
    """As they do elsewhere."""
    server = Didier(tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/didier.db").start()
    for name, value in {**LOGIN, "DIDIER_SERVER": server.url}.items():
        monkeypatch.setenv(name, value)
    try:
        copied = didier("copy", "18001234567", "5551001")
        listed = didier("list", "--csv")
        user = didier("user", "add", "crm")
    finally:
        server.stop()

    assert "18001234567 -> 5551001 (DID 2)\n" == copied.stdout, copied.stderr
    assert "5551001" in listed.stdout
    assert 0 == user.returncode, user.stderr
