"""What `didier kamailio` runs: the agent beside a Kamailio."""

import os
import re
import socket
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from didier.cli import login
from didier.cli.connection_options import TIMEOUT_SECONDS, ServerOption
from didier.cli.terminal import say
from didier.edge.defaults import CALLS_PORT, CONTROL_PORT, SECRET_FILE
from didier.environment import SERVER, TOKEN
from didier.errors import WrongSetting

COMPARE_MINUTES = 5.0
RPC = f"http://127.0.0.1:{CONTROL_PORT}/RPC"
NAME_LONGEST = 50


def agent(
    context: typer.Context,
    server: ServerOption = None,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"File with the edge's token. Without it {TOKEN} has the token.", metavar="FILE"),
    ] = None,
    database: Annotated[
        Path, typer.Option(help="The file in which the edge keeps what it knows.", metavar="FILE")
    ] = Path("edge.db"),
    rpc: Annotated[str, typer.Option(help="Where Kamailio is controlled.", metavar="URL")] = RPC,
    secret_file: Annotated[
        Path,
        typer.Option(help="File with the secret of that control, as init has written it.", metavar="FILE"),
    ] = Path(SECRET_FILE),
    calls_port: Annotated[
        int,
        typer.Option(min=1, max=65_535, help="Port on this machine for calls from Kamailio, and /metrics."),
    ] = CALLS_PORT,
    name: Annotated[
        str | None, typer.Option(help="What the edge is called. Default: the name of this machine.")
    ] = None,
    compare_minutes: Annotated[
        float,
        typer.Option(min=0.01, help="How often all numbers that Kamailio has are compared with the file."),
    ] = COMPARE_MINUTES,
) -> None:
    """Keep a Kamailio as the server says: it sends calls to the gateway sets of their DIDs.

    It goes on while either of both is away, and ends with SIGTERM or Ctrl-C.

    Example: didier kamailio --server https://didier.example.com --token-file token --database edge.db
    """
    if context.invoked_subcommand:
        return
    from didier.cli.following import Stop  # signals are others on Windows
    from didier.client import Didier
    from didier.edge.agent import Agent, Place
    from didier.edge.installation import read_secret

    address = server or os.environ.get(SERVER)
    if not address:
        raise WrongSetting(f"--server: give the server with --server or {SERVER}")
    login.check_address(address)
    place = Place(
        name=_name(name),
        file=database,
        rpc=_control(rpc),
        secret=read_secret(secret_file),
        port=calls_port,
        compare_seconds=compare_minutes * 60,
    )
    stop = Stop()
    with stop.heard(), Didier(address, token=_token(token_file), timeout=TIMEOUT_SECONDS) as client:
        Agent(client, place, lambda text: say(f"didier: {text}", err=True)).run()


def _token(file: Path | None) -> str:
    if file is None:
        token = os.environ.get(TOKEN, "")
    else:
        try:
            token = file.read_text(errors="replace")
        except OSError as error:
            raise WrongSetting(f"--token-file: {file}: {error.strerror}") from None
    if not token.strip():
        raise WrongSetting(f"--token-file: give the edge's token in a file, or with {TOKEN}")
    if not re.fullmatch("[!-~]+", token.strip()):
        raise WrongSetting("--token-file: what is there is no token")
    return token.strip()


def _control(address: str) -> str:
    """Return where Kamailio is controlled, without the path of commands."""
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise WrongSetting(f"--rpc: {address!r} is not an address such as {RPC}")
    return address.rstrip("/").removesuffix("/RPC")


def _name(given: str | None) -> str:
    """Return what the edge is called: as it was said, or as this machine."""
    name = (
        given
        or re.sub("[^0-9A-Za-z_-]", "_", socket.gethostname().partition(".")[0])[:NAME_LONGEST]
        or "edge"
    )
    if not re.fullmatch(f"[0-9A-Za-z_.-]{{1,{NAME_LONGEST}}}", name):
        raise WrongSetting(f"--name: {name!r} is not 1 to {NAME_LONGEST} letters, digits and . _ -")
    return name
