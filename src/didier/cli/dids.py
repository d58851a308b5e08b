"""`didier copy`."""

from datetime import datetime
from typing import Annotated

import typer

from didier.cli.local import CALLER, AstguiclientOption, DatabaseOption, open_database
from didier.domain.targets import expand, plain, split
from didier.errors import Refusal
from didier.services.copying import Copied, CopyOrder, CopyResult
from didier.services.copying import copy as copy_dids


def copy(
    source: Annotated[str, typer.Argument(help="The DID to copy.", metavar="SOURCE")],
    targets: Annotated[
        list[str],
        typer.Argument(
            help="The new DIDs: numbers, lists with commas, ranges like 18002220000-18002220099.",
            metavar="TARGET...",
        ),
    ],
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Make copies that accept no calls yet.")
    ] = False,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Copy a DID to new numbers.

    Exit status 0 when all were made, 1 when any was refused.

    Example: didier copy 18001234567 18002223333 18002223334
    """
    wanted = tuple(expand(split(",".join(targets), plain), limit=RANGE_LIMIT))
    if not wanted:
        raise typer.BadParameter("name at least one number", param_hint="TARGET...")
    order = CopyOrder(CALLER, source, wanted, {"did_active": "N"} if inactive else {})
    with open_database(database, astguiclient_conf).begin() as conn:
        result = copy_dids(conn, [order], datetime.now())[0]
    if isinstance(result, Refusal):
        raise result
    if not _report(source, result):
        raise typer.Exit(1)


RANGE_LIMIT = 10_000
"""Most numbers that the ranges of one command come to."""


def _report(source: str, result: CopyResult) -> bool:
    """Print a line for each target; return whether all were made."""
    for item in result.items:
        if isinstance(item, Copied):
            typer.echo(f"{source} -> {item.pattern} (DID {item.did_id})")
        else:
            typer.echo(f"didier: {item}", err=True)
    return len(result.copied) == len(result.items)
