"""Environments with the built wheel, and of all other packages only those that it asks for.

They are linked from this environment, so that nothing is fetched; pip then finds all of them there, or fails.
"""

import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from email import message_from_bytes
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def build(directory: Path) -> Path:
    """Build the wheel into *directory*; return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(directory)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    [wheel] = directory.glob("*.whl")
    return wheel


def requirements(wheel: Path) -> list[str]:
    """Return what *wheel* asks for, in its own words."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_bytes(archive.read(name)).get_all("Requires-Dist") or []


def wanted(asked: Iterable[str], extra: str = "") -> Iterator[Requirement]:
    """Yield those of *asked* that count on this machine, with *extra*."""
    for requirement in map(Requirement, asked):
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield requirement


def closure(wheel: Path, extra: str = "") -> dict[str, Distribution]:
    """Return all packages that *wheel* with *extra* needs, by name, as they are in this environment."""
    found: dict[str, Distribution] = {}
    seen = set()
    waiting = list(wanted(requirements(wheel), extra))
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        found[name] = distribution(name)
        for option in {"", *one.extras}:
            if (name, option) not in seen:
                seen.add((name, option))
                waiting += wanted(found[name].requires or (), option)
    return found


@dataclass(frozen=True)
class Environment:
    """A virtual environment."""

    directory: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.directory / "bin" / "python"

    def run(
        self, program: str, *arguments: str, cwd: Path | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of its programs, which sees nothing of this environment."""
        return subprocess.run(
            [self.directory / "bin" / program, *arguments],
            cwd=cwd, env=clean(), capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip


def clean() -> dict[str, str]:
    """Return the environment's variables without what would change Python, pip or Didier."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "DIDIER_", "VIRTUAL_"))
    }
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def installed(wheel: Path, directory: Path, extra: str) -> Environment:
    """Install *wheel* with *extra* into a new environment in *directory*."""
    venv.create(directory, symlinks=True)
    [site] = directory.glob("lib/python*/site-packages")
    for package in closure(wheel, extra).values():
        _link(package, site)
    pip = [sys.executable, "-m", "pip", "--python", str(directory / "bin" / "python"), "install", "--quiet"]
    done = subprocess.run(
        [*pip, "--no-index", f"{wheel}[{extra}]"], env=clean(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return Environment(directory)


def _link(package: Distribution, site: Path) -> None:
    tops = {Path(file).parts[0] for file in package.files or ()} - {"..", "__pycache__"}
    for top in tops:
        link = site / top
        if not link.exists():
            link.symlink_to(package.locate_file(top))
