"""The OpenAPI document as linters see it, and the clients that generators make of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.missing import cannot_run
from web.api.conftest import Api

BROWSER = Path(__file__).parents[2] / "browser"
MODULES = BROWSER / "node_modules"
HERE = Path(__file__).parent / "generated"
GENERATORS = Path(sys.prefix) / "generators" / "bin"
DONE = {
    "made": [["18002223333", "added"]],
    "again": "/problems/not-all-possible",
    "changed": "Generated",
    "listed": ["18002223333"],
}
"""What both scripts tell of the tutorial's copy: made, refused the second time, changed, listed."""

REDOCLY_NODE = (20, 19)
"""The oldest Node.js that Redocly's command runs on; Debian 12 has 18."""


@pytest.fixture
def document(server, tmp_path):
    """A file with the OpenAPI document as it is served."""
    file = tmp_path / "openapi.json"
    file.write_text(server.get("/api/v1/openapi.json")[1])
    return file


@pytest.fixture
def token(server):
    """A token that may copy and list."""
    return Api(server).token("dids:read", "dids:write").sign_in.split()[1]


def run(directory, *command, **environment):
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **environment}, capture_output=True, text=True, timeout=240
    )
    assert 0 == done.returncode, (done.stdout + done.stderr)[-5000:]
    return done.stdout


def npm(name):
    command = MODULES / ".bin" / name
    return command if command.exists() else cannot_run(f"{name} (make test installs it)")


def test_spectral_finds_nothing(document):
    """Neither error nor hint, by its rules for OpenAPI."""
    ruleset = BROWSER / "spectral.yaml"

    run(document.parent, npm("spectral"), "lint", document, "--ruleset", ruleset, "--fail-severity", "hint")


def test_redocly_finds_nothing(document):
    """Neither error nor warning, by its recommended rules."""
    redocly = npm("redocly")
    version = run(document.parent, "node", "--version").strip().removeprefix("v").split(".")
    if tuple(map(int, version[:2])) < REDOCLY_NODE:
        cannot_run("Node.js 20.19 or newer, on which redocly runs")

    told = run(
        document.parent, redocly, "lint", document, "--format", "json",
        REDOCLY_TELEMETRY="off", REDOCLY_SUPPRESS_UPDATE_NOTICE="true",
    )  # fmt: skip

    assert [] == json.loads(told)["problems"]


def test_a_generated_python_client_copies(server, document, token):
    """The client of openapi-python-client, of which nothing is left out."""
    generator = GENERATORS / "openapi-python-client"
    if not generator.exists():
        cannot_run("openapi-python-client (make test installs it)")
    path = f"{GENERATORS}{os.pathsep}{os.environ['PATH']}"  # it formats with the ruff beside it
    run(
        document.parent, generator, "generate", "--path", document, "--config", HERE / "config.yaml",
        "--meta", "none", "--output-path", document.parent / "didier_api", "--fail-on-warning", PATH=path,
    )  # fmt: skip
    shutil.copy(HERE / "copy.py", document.parent / "tutorial.py")

    told = run(document.parent, GENERATORS / "python", "tutorial.py", server.url, token)

    assert DONE == json.loads(told)


def test_a_generated_typescript_client_copies(server, document, token):
    """The client of openapi-typescript and openapi-fetch, which the strict compiler accepts."""
    directory = document.parent
    (directory / "node_modules").symlink_to(MODULES)
    shutil.copy(HERE / "copy.mts", directory)
    # What has a default need not be sent.
    optional = "--default-non-nullable=false"
    run(directory, npm("openapi-typescript"), document, "--output", directory / "schema.d.ts", optional)
    run(directory, npm("tsc"), "--strict", "--target", "es2022", "--module", "nodenext", "copy.mts")

    told = run(directory, "node", "copy.mjs", server.url, token)

    assert DONE == json.loads(told)
