"""`didier gateway`: sets of SIP gateways that DIDs have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import json_files, printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes
from didier.cli.terminal import say
from didier.domain.gateways import Rule

if TYPE_CHECKING:
    from didier.client import Gateway, GatewayRule, GatewaySet

app = typer.Typer(
    help="Sets of SIP gateways to which a SIP edge sends the calls to DIDs.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Name of the gateway set.")]
Search = Annotated[str | None, typer.Argument(help="Part of the name.")]
File = Annotated[
    typer.FileText,
    typer.Argument(help="JSON as `didier gateway show NAME --json` prints it; - for standard input."),
]

_COLUMNS: Sequence[Column["GatewaySet"]] = (
    Column("Number", lambda one: one.number, short=True),
    Column("Name", lambda one: one.name, short=True),
    Column("Gateways", lambda one: ", ".join(gateway.address for gateway in one.gateways)),
    Column("Rules", lambda one: "; ".join(map(_rule, one.rules))),
)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions,
    search: Search = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List gateway sets, with their gateways and rules.

    Example: didier gateway list
    """
    with connection.client() as client:
        found = client.gateway_sets(search, page_size=printing.page(as_json or as_csv))
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def show(connection: ConnectionOptions, name: Name, as_json: AsJson = False) -> None:
    """Show a gateway set: its gateways, and the rules by which DIDs have it.

    Example: didier gateway show london
    """
    with connection.client() as client:
        found = client.gateway_set(name)
    if as_json:
        printing.print_json(printing.fields(found))
    else:
        _show(found)


def _show(found: "GatewaySet") -> None:
    say(f"The gateway set {found.name} has the number {found.number}.")
    rows: list[tuple[str, object]] = [("gateway", _gateway(one)) for one in found.gateways]
    rows += [("rule", _rule(one)) for one in found.rules]
    rows += [("probing", "yes" if found.probing else "no"), ("user group", found.user_group)]
    say(*printing.pairs(rows))


def _gateway(one: "Gateway") -> str:
    described = f" ({one.description})" if one.description else ""
    return f"{one.address}, priority {one.priority}, weight {one.weight}{described}"


def _rule(one: "GatewayRule") -> str:
    return str(Rule(one.prefix, one.route, one.server_ip, one.user_group))


@app.command("set")
@with_connection_options
def set_(connection: ConnectionOptions, name: Name, file: File) -> None:
    """Store a gateway set in the place of the one with its name, from a file.

    Example: didier gateway set london london.json
    """
    values = json_files.values(file, "a gateway set", ("name",))
    with connection.client() as client:
        stored = client.set_gateway_set(name, values)
    say(f"The gateway set {stored.name} was stored; its number is {stored.number}.")


@app.command()
@with_connection_options
def delete(connection: ConnectionOptions, name: Name, yes: Yes = False) -> None:
    """Delete a gateway set that no DID has.

    Example: didier gateway delete london --yes
    """
    printing.confirm(f"Delete the gateway set {name}?", yes)
    with connection.client() as client:
        client.delete_gateway_set(name)
    say(f"The gateway set {name} was deleted.")
