"""``--column``, ``--map``, ``--ignore-columns``: how tables are read; ``--allow-…``: what may be."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

Column = Annotated[
    str | None,
    typer.Option(
        "--column",
        help="The column of the CSV that has the numbers: its header, or its place from 1.",
        metavar="HEADER",
    ),
]
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="What a column of the CSV becomes: a field of DIDs, number, first or last of a range, template"
        " or ignore; may be given several times.",
        metavar="HEADER=FIELD",
    ),
]
IgnoreColumns = Annotated[
    bool, typer.Option("--ignore-columns", help="Leave out the columns of the CSV that are not known.")
]
AllowImplausible = Annotated[
    bool,
    typer.Option("--allow-implausible", help="Also create what is no telephone number: s, default, *98."),
]
AllowNowhere = Annotated[
    bool, typer.Option("--allow-nowhere", help="Also where DIDs are active then and calls lead nowhere.")
]


def reading(
    column: str | None,
    mapped: Sequence[str] | None,
    ignore_columns: bool,
    allow_implausible: bool,
    allow_nowhere: bool = False,
) -> dict[str, Any]:
    """Return how a table is read, as the client takes it."""
    mapping = {column: "number"} if column else {}
    for one in mapped or ():
        header, sign, becomes = one.rpartition("=")
        if not sign or not header.strip() or not becomes.strip():
            raise typer.BadParameter(f"{one!r} is not HEADER=FIELD", param_hint="--map")
        mapping[header.strip()] = becomes.strip()
    given = {
        "mapping": mapping, "ignore_columns": ignore_columns, "allow_implausible": allow_implausible,
        "allow_nowhere": allow_nowhere,
    }  # fmt: skip
    return {name: value for name, value in given.items() if value}
