"""``--set field=value`` and ``--blank field``: columns of DIDs as they are typed."""

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
