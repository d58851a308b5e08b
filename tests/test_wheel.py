import re
import subprocess
import sys
import zipfile

import pytest
from packaging.utils import canonicalize_name

from didier import __version__
from didier.client import Didier as Client
from didier.web.api.guides import FOLDERS
from support import wheels
from support.server import Didier

SERVER_PACKAGES = (
    "alembic", "argon2", "fastapi", "httptools", "orjson", "phonenumbers", "prometheus_client", "pydantic",
    "pydantic_settings", "pymysql", "sqlalchemy", "starlette", "structlog", "uvloop",
)  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as it would be published."""
    return wheels.build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def small(wheel, tmp_path_factory):
    """An environment with `didier[client]`."""
    return wheels.installed(wheel, tmp_path_factory.mktemp("small"), "client")


def test_the_wheel_has_what_the_package_has(wheel):
    """Every file that is not made by Python, the documentation that is served, and nothing else."""
    source = wheels.ROOT / "src"
    files = {
        path.relative_to(source).as_posix()
        for path in source.joinpath("didier").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    docs = wheels.ROOT / "docs"
    served = {f"didier/docs/{path.relative_to(docs)}" for name in FOLDERS for path in (docs / name).iterdir()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert files | served == packed


def test_the_client_needs_nothing_of_the_server(wheel):
    """The base and the extra client are the same, and no package of the server is among what they need."""
    names = set(wheels.closure(wheel))

    assert {"httpx2", "rich", "typer"} <= names
    assert names == set(wheels.closure(wheel, "client"))
    assert {"httptools", "sqlalchemy", "starlette"} <= set(wheels.closure(wheel, "server")) - names


def test_the_requirement_files_pin_what_is_needed(wheel):
    """All that the server needs, each with hashes and without any address."""
    for name in ("run.txt", "dev.txt"):
        text = wheels.ROOT.joinpath("requirements", name).read_text()
        pinned = {canonicalize_name(found) for found in re.findall(r"^([\w.-]+)==[^\n]*\\$", text, re.M)}

        assert set(wheels.closure(wheel, "server")) <= pinned
        assert "://" not in text


def test_the_client_alone_works(small, server):
    """It copies a DID where no package of the server is installed."""
    script = (
        "import sys\n"
        "from didier.client import Didier, AsyncDidier\n"
        f"with Didier({server.url!r}, 'admin', '1234') as client:\n"
        "    print(client.copy('18001234567', to='18002223333').state)\n"
        "import didier.client.vicidial\n"
        f"print([name for name in {SERVER_PACKAGES!r} if name in sys.modules])"
    )
    done = small.run("python", "-c", script)

    assert ("done\n[]\n", "") == (done.stdout, done.stderr)
    assert ["18001234567", "18002223333"] == server.patterns()


def test_importing_the_client_loads_no_server_package():
    """Also where they are installed."""
    script = f"import sys, didier.client; print([n for n in {SERVER_PACKAGES!r} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout


def test_the_command_line_alone_works(small):
    """It shows its help and its release; what needs the server says how to get it, in one line."""
    assert f"didier {__version__}\n" == small.run("didier", "--version").stdout
    shown = small.run("didier", "--help")
    assert (0, "") == (shown.returncode, shown.stderr)
    assert "copy" in shown.stdout

    for command in (["serve"], ["init"], ["list"]):
        refused = small.run("didier", *command, cwd=small.directory)
        assert refused.returncode != 0
        assert 1 == len(refused.stderr.splitlines()), refused.stderr
        assert "pip install 'didier[server]'" in refused.stderr


def test_the_server_works(wheel, tmp_path):
    """The extra `server` brings all that init and serve need."""
    whole = wheels.installed(wheel, tmp_path / "whole", "server")
    made = whole.run("didier", "init", cwd=tmp_path)
    assert 0 == made.returncode, made.stderr
    password = re.search(r"password (\S+)", made.stdout)[1]

    server = Didier(tmp_path, python=whole.python).start()
    try:
        with Client(server.url, "admin", password) as client:
            assert "18002223333" == client.add("18002223333").pattern
            assert __version__ == client.version()
    finally:
        server.stop()
