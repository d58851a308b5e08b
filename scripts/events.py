"""Write what each event has into the page about events, from the webhooks of the OpenAPI document."""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from didier.web.api.routes import application

HEADING = "## Types\n"
"""Everything behind this line of the page is written again."""

Part = Mapping[str, Any]


def page(text: str) -> str:
    """Return the page *text* with its tables written again."""
    return (
        text.partition(HEADING)[0] + HEADING + "\n" + "\n\n".join(_sections(application().openapi())) + "\n"
    )


def _sections(document: Part) -> Iterator[str]:
    webhooks, shapes = document["webhooks"], document["components"]["schemas"]
    told = {name: operation["post"] for name, operation in webhooks.items()}
    yield _table(("type", "meaning"), [(f"`{name}`", one["summary"]) for name, one in told.items()])
    events = dict.fromkeys(
        _reference(one["requestBody"]["content"]["application/json"]) for one in told.values()
    )
    for event in events:
        shape = shapes[event]["properties"]
        content = _reference(shape["data"])
        yield f"## {event}"
        yield _table(("field", "type", "meaning"), [*_rows(shape)])
        yield f"`data` is a {content}:"
        yield _table(("field", "type", "meaning"), [*_rows(shapes[content]["properties"])])
        if example := shapes[event].get("example"):
            yield f"```json\n{json.dumps(example, indent=2)}\n```"


def _reference(shape: Part) -> str:
    """Return the name of the shape that is meant."""
    found = shape.get("schema", shape)
    return str(found["$ref"].rpartition("/")[2])


def _rows(properties: Part) -> Iterator[tuple[str, str, str]]:
    for name, shape in properties.items():
        if name != "data":  # it has a table of its own
            yield f"`{name}`", _kind(shape), shape.get("description", "")


def _kind(shape: Part) -> str:
    """Return the type of a field in words."""
    if "$ref" in shape:
        return _reference(shape)
    if "enum" in shape:
        return ", ".join(f"`{one}`" for one in shape["enum"])
    if "anyOf" in shape:
        return " or ".join(_kind(one) for one in shape["anyOf"])
    if shape.get("type") == "array":
        return f"list of {_kind(shape['items'])}"
    return str(shape.get("type", "any"))


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]])


if __name__ == "__main__":
    file = Path(sys.argv[1])
    file.write_text(page(file.read_text("utf-8")), "utf-8")
