"""`didier serve`, `didier agi` and `didier init`."""

from typing import Annotated

import typer

from didier.cli.connection_options import AstguiclientOption, DatabaseOption, server_packages


def serve(
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Serve the tutorial's DID and user, to this machine only; without --database a hundred DIDs,"
            " in-groups, menus and a month of calls too.",
        ),
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address to listen on. Setting: host.")] = None,
    port: Annotated[str | None, typer.Option(help="Port to listen on. Setting: port.")] = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
    agi_port: Annotated[
        str | None,
        typer.Option(help="Port on which Asterisk asks where calls go, 4573 as a rule. Setting: agi_port."),
    ] = None,
    tls_cert: Annotated[
        str | None, typer.Option(help="PEM file with the certificate: serve TLS. Setting: tls_cert.")
    ] = None,
    tls_key: Annotated[str | None, typer.Option(help="PEM file with its key. Setting: tls_key.")] = None,
) -> None:
    """Serve the Non-Agent API, the JSON API and the pages.

    Example: didier serve --host 0.0.0.0 --port 8080
    """
    with server_packages():
        from didier.cli.local import serving
    flags = {
        "host": host,
        "port": port,
        "database": database,
        "astguiclient_conf": astguiclient_conf,
        "agi_port": agi_port,
        "tls_cert": tls_cert,
        "tls_key": tls_key,
    }
    serving.serve(demo, flags)


def agi(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on for Asterisk. Setting: agi_host.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Port to listen on; 4573 by default. Setting: agi_port.")
    ] = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Tell Asterisk by FastAGI where calls go, and serve nothing else: one beside each Asterisk.

    Example: didier agi --astguiclient-conf /etc/astguiclient.conf
    """
    with server_packages():
        from didier.cli.local import serving
    flags = {
        "agi_host": host,
        "agi_port": port,
        "database": database,
        "astguiclient_conf": astguiclient_conf,
    }
    serving.serve_calls(flags)


def init(database: DatabaseOption = None, astguiclient_conf: AstguiclientOption = None) -> None:
    """Create a database with an administrator; the password is shown once.

    Example: didier init --database sqlite:////var/lib/didier/didier.db
    """
    with server_packages():
        from didier.cli.local import serving
    serving.init(database, astguiclient_conf)
