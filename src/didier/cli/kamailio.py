"""`didier kamailio`: an edge, Kamailio that sends the calls to DIDs to their gateways."""

import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

from didier.cli.edge_agent import agent
from didier.cli.terminal import say
from didier.edge import defaults

app = typer.Typer()
app.callback(invoke_without_command=True)(agent)

_DATABASE = Path("/var/lib/didier-kamailio/edge.db")


@app.command()
def init(
    directory: Annotated[Path, typer.Argument(help="Where the files are written, as /etc/didier-kamailio.")],
    listen: Annotated[
        list[str],
        typer.Option(
            help="Address of this machine for SIP, udp or tcp; again for each.", metavar="udp:IP:PORT"
        ),
    ],
    from_: Annotated[
        list[str],
        typer.Option(
            "--from",
            help="Who may call: an address or network of a carrier; again for each.",
            metavar="NETWORK",
        ),
    ],
    server: Annotated[str, typer.Option(help="Address of the Didier that the agent follows.", metavar="URL")],
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with the agent's token there; `token` in the directory without it."),
    ] = None,
    database: Annotated[Path, typer.Option(help="File with the tables of this edge.")] = _DATABASE,
    default_set: Annotated[
        int,
        typer.Option(help="Number of the gateway set for unknown numbers; 0: they are answered with 404."),
    ] = 0,
    rpc_port: Annotated[
        int, typer.Option(help="Port of 127.0.0.1 at which Kamailio listens to the agent.")
    ] = defaults.CONTROL_PORT,
    calls_port: Annotated[
        int, typer.Option(help="Port of 127.0.0.1 at which the agent takes calls that Kamailio reports.")
    ] = defaults.CALLS_PORT,
    user: Annotated[str, typer.Option(help="System user as which both run.")] = defaults.USER,
    force: Annotated[bool, typer.Option("--force", help="Write the files anew if they are there.")] = False,
) -> None:
    """Write what an edge is made of: Kamailio's configuration, two systemd services, a secret, empty tables.

    Example: didier kamailio init /etc/edge --listen udp:10.0.0.1 --from 203.0.113.0/24 --server URL
    """
    from didier.edge import installation

    directory = directory.absolute()
    one = installation.Installation(
        directory,
        tuple(map(installation.listen_address, listen)),
        tuple(map(installation.source_network, from_)),
        server,
        (token_file or directory / "token").absolute(),
        database.absolute(),
        _command(),
        default_set,
        rpc_port,
        calls_port,
        user,
    )
    installation.write(one, force)
    say(*installation.summary(one))


def _command() -> Path:
    return Path(shutil.which("didier") or sys.argv[0]).absolute()
