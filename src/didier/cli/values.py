"""``--set field=value``, ``--blank field`` and ``--where key=value`` as they are typed."""

import re
from collections.abc import Sequence
from typing import Annotated

import typer

from didier.client.values import column

Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a field; may be given several times.", metavar="FIELD=VALUE"),
]
Blank = Annotated[
    list[str] | None,
    typer.Option("--blank", help="Empty a field; may be given several times.", metavar="FIELD"),
]

AddTag = Annotated[
    list[str] | None,
    typer.Option("--add-tag", help="Add a tag, beside those of each DID; may be given several times."),
]
RemoveTag = Annotated[
    list[str] | None,
    typer.Option("--remove-tag", help="Remove a tag; the others stay; may be given several times."),
]

CONDITIONS = (
    "search", "route", "active", "user_group", "group_id", "carrier", "copied_from", "destination", "tag",
    "locked", "check",
)  # fmt: skip
"""What DIDs may be chosen by: the filters of lists."""

Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        help=f"In place of DIDs: all that meet this condition; may be given several times. Keys:"
        f" {', '.join(CONDITIONS)}.",
        metavar="KEY=VALUE",
    ),
]


def items(given: Sequence[str]) -> list[str]:
    """Return the items of lists of numbers and ranges as they were typed."""
    return [item.strip() for item in re.split(r"[,;\n]", ",".join(given)) if item.strip()]


def conditions(given: Sequence[str] | None) -> dict[str, str]:
    """Return the conditions that DIDs are to meet; one without a value would leave all of them."""
    found: dict[str, str] = {}
    for one in given or ():
        name, _, value = (part.strip() for part in one.partition("="))
        if name not in CONDITIONS or not value:
            raise typer.BadParameter(
                f"{one!r} is not KEY=VALUE with one of {', '.join(CONDITIONS)}", param_hint="--where"
            )
        if name in found:
            raise typer.BadParameter(f"{name} is given twice", param_hint="--where")
        found[name] = value
    return found


def values(assigned: Sequence[str] | None, blank: Sequence[str] | None = None) -> dict[str, str | None]:
    """Return columns and values; None empties."""
    found: dict[str, str | None] = {}
    for one in assigned or ():
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise typer.BadParameter(f"{one!r} is not FIELD=VALUE", param_hint="--set")
        _add(found, name, value)
    for name in blank or ():
        _add(found, name, None)
    return found


def _add(found: dict[str, str | None], name: str, value: str | None) -> None:
    known = column(name.strip())
    if known in found:
        raise typer.BadParameter(f"{known} is set twice")
    found[known] = value
