"""`didier route`: where a call would go, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.printing import AsJson, Column
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import CallRoute, RouteGateways, RouteStep

Number = Annotated[str, typer.Argument(help="What is dialled; it need not be a DID.", metavar="NUMBER")]
From = Annotated[str, typer.Option("--from", help="The number of who calls.", metavar="CALLER")]
Name = Annotated[str, typer.Option(help="The name of who calls.")]
ServerIp = Annotated[
    str | None,
    typer.Option(
        help="Address of the server on which the call arrives. Default: that in the setting agi_server_ip,"
        " or the only server that there is.",
        metavar="ADDRESS",
    ),
]
At = Annotated[
    datetime | None,
    typer.Option(
        help="When the call comes, for schedules, in local time. Default: now.",
        metavar="TIME",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"],
    ),
]

_STEPS: Sequence[Column["RouteStep"]] = (
    Column("Step", lambda step: step.rule, short=True),
    Column("What it came to", lambda step: step.outcome),
)


@with_connection_options
def route(
    connection: ConnectionOptions,
    number: Number,
    from_: From = "",
    name: Name = "",
    server_ip: ServerIp = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show where a call would go, and why. Status 1 if it leads nowhere.

    It is decided as calls are that Asterisk asks about. Nothing is written, and web addresses of filters are
    not asked, which counts as no hit. Agents and queues are looked at as they are now, also with --at.

    Example: didier route 18001234567 --from 7275551212
    """
    with connection.client() as client:
        found = client.route(number, from_, name, server_ip=server_ip, at=at and at.astimezone())
    if as_json:
        printing.print_json(printing.fields(found))
    else:
        _show(found)
    if found.nowhere:
        raise typer.Exit(Status.REFUSED)


def _show(found: "CallRoute") -> None:
    caller = f"from {found.caller}" if found.caller else "without a number"
    where = f"goes to {found.leads_to}" if found.leads_to else "is not sent anywhere"
    say(f"A call {caller} to {found.dialled} {where}.")
    if found.nowhere:
        say(f"It leads nowhere: {found.nowhere}.")
    if found.did is not None:
        say(f"The DID {found.did} decides; its way is {found.route or 'none'}.")
    if found.gateways:
        _show_gateways(found.gateways)
    printing.listing(found.steps, _STEPS, as_json=False, as_csv=False, limit=0)
    if found.commands:
        say("Asterisk would be told:", *(f"  {command}" for command in found.commands))


def _show_gateways(found: "RouteGateways") -> None:
    addresses = ", ".join(found.addresses)
    chosen = f"set {found.number} ({found.name})"
    say(f"A SIP edge sends its calls to {chosen}: {addresses} ({found.reason}).")
