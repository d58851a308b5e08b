"""VICIdial's recorded answers and rows, replayed against a running server."""

import os
import subprocess
import sys

import pytest

from support.missing import shared


@pytest.mark.parametrize("recording", ["copy_did", "version", "dispatch", "auth", "request", "add_did"])
def test_answers_and_rows_are_vicidials(server, recording):
    """Every recorded request is answered as VICIdial answers it and leaves the same rows."""
    replay = shared("replay.py")
    recorded = shared(f"recordings/{recording}.json")
    address = f"sqlite:///{server.database}"

    done = subprocess.run(
        [sys.executable, replay, "--url", server.url, "--database", address, recorded],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )

    print(done.stdout, done.stderr)  # pytest shows it when the test fails
    last = done.stdout.splitlines()[-1]
    assert ", 0 failed, " in last
    assert not last.startswith("0 passed")
    assert 0 == done.returncode
