"""The page about the architecture is true of the code, and the domain has no clock."""

import importlib
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
NAMED = sorted(set(re.findall(r"`([a-z_/]+/[a-z_]+(?:\.\w+)+)`", PAGE)))

sys.path.append(str(ROOT / "scripts"))


def test_the_picture_is_drawn_from_the_code():
    """Rooms and arrows are those of the imports; `make docs` draws them anew."""
    rooms = importlib.import_module("rooms")

    assert f"```mermaid\n{rooms.diagram()}\n```" in PAGE


def test_every_room_is_described():
    """No folder of the package is left out of the table."""
    there = {file.parent.name for file in ROOT.glob("src/didier/*/__init__.py")}

    assert there == set(re.findall(r"(?m)^\| `(\w+)` \|", PAGE))


@pytest.mark.parametrize("name", NAMED)
def test_what_is_named_is_there(name):
    """Each step names a function or class in the module in which it is."""
    module, _, path = name.partition(".")
    found = importlib.import_module(f"didier.{module.replace('/', '.')}")
    for attribute in path.split("."):
        found = getattr(found, attribute)

    assert callable(found)


def test_the_way_of_a_copy_has_names():
    """The page is looked through as it is written."""
    assert len(NAMED) >= 15


def test_the_domain_has_no_clock():
    """Moments are given to it, also where it counts with them."""
    files = ROOT.glob("src/didier/domain/**/*.py")
    asking = re.compile(r"\b(now|utcnow|today|monotonic)\(")

    assert [] == [file.name for file in files if asking.search(file.read_text("utf-8"))]
