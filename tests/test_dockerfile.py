"""The Dockerfile, as far as it can be looked at without an image to begin with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT.joinpath("Dockerfile").read_text()
COPIED = [name for line in re.findall(r"^COPY (?!--)(.*)$", FILE, re.M) for name in line.split()[:-1]]


def test_what_is_copied_is_enough(tmp_path):
    """The wheel can be built of the files that go into the image."""
    for name in COPIED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, tmp_path / Path(name).name)

    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", "made"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert 0 == done.returncode, done.stderr
    assert 1 == len(list((tmp_path / "made").glob("*.whl")))


def test_what_is_copied_is_not_ignored():
    """`.dockerignore` lets through what the file copies, and no database, key or repository."""
    let_in = set(re.findall(r"^!(.*)$", ROOT.joinpath(".dockerignore").read_text(), re.M))

    assert set(COPIED) == let_in


def test_the_server_has_no_rights_and_is_watched():
    """It runs as a user of its own, which is no name, and says whether it is well; packages have hashes."""
    assert re.search(r"^USER \d{4,}:\d{4,}$", FILE, re.M)
    assert re.search(r"^HEALTHCHECK .*\\\n.*/readyz", FILE, re.M)
    assert "--require-hashes --requirement requirements/run.txt" in FILE
