"""Draw the rooms of the code, and which imports which, into the page about the architecture."""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

ROOMS = ("cli", "edge", "web", "agi", "client", "vicidial", "runtime", "services", "storage", "domain")
"""The rooms, from the top down; what else there is (errors, settings, logging) everybody may import."""


def imports() -> dict[str, set[str]]:
    """Return for each room the others that it imports itself."""
    graph = grimp.build_graph("didier")
    names = {room: f"didier.{room}" for room in ROOMS}
    for name in names.values():
        graph.squash_module(name)
    return {
        room: {other for other in ROOMS if graph.direct_import_exists(importer=name, imported=names[other])}
        - {room}
        for room, name in names.items()
    }


def reduced(found: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Leave out what a room reaches over another one too."""

    def below(room: str) -> set[str]:
        return found[room].union(*map(below, found[room]))

    return {room: direct - set().union(*map(below, direct)) for room, direct in found.items()}


def diagram() -> str:
    """Return the picture, as Mermaid's flowchart."""
    arrows = reduced(imports())
    lines = [f"    {room} --> {other}" for room in ROOMS for other in ROOMS if other in arrows[room]]
    return "\n".join(["flowchart TD", *lines])


if __name__ == "__main__":
    page = Path(sys.argv[1])
    drawn = f"```mermaid\n{diagram()}\n```"
    page.write_text(re.sub(r"```mermaid\n.*?```", drawn, page.read_text("utf-8"), flags=re.DOTALL), "utf-8")
