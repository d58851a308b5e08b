"""`didier edge`: agents beside SIP proxies, and how they stand."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, when
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import Edge

app = typer.Typer(help="SIP edges: agents beside SIP proxies, and how they stand.", no_args_is_help=True)

_COLUMNS: Sequence[Column["Edge"]] = (
    Column("Name", lambda one: one.name, short=True),
    Column("State", lambda one: "connected" if one.is_connected else "away", short=True),
    Column("Last seen", lambda one: when(one.seen_at), short=True),
    Column("Behind", lambda one: one.behind, short=True),
    Column("Numbers", lambda one: one.numbers, short=True),
    Column("Kamailio", lambda one: one.kamailio, short=True),
    Column("Calls to tell", lambda one: one.pending_calls),
    Column("Version", lambda one: one.version),
    Column("User", lambda one: one.user),
    Column("Address", lambda one: one.address),
    Column("Detail", lambda one: one.detail),
)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions, limit: Limit = None, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List edges, and how each has said that it stands.

    Example: didier edge list
    """
    with connection.client() as client:
        found = client.edges(page_size=printing.page(as_json or as_csv))
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def delete(
    connection: ConnectionOptions,
    name: Annotated[str, typer.Argument(help="Name of the edge.")],
    yes: Yes = False,
) -> None:
    """Forget an edge that is no more; one that reports again is there again.

    Example: didier edge delete london-1 --yes
    """
    printing.confirm(f"Forget the edge {name}?", yes)
    with connection.client() as client:
        client.delete_edge(name)
    say(f"The edge {name} was forgotten.")
