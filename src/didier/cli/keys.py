"""`didier key`: show and rotate the installation's key."""

from datetime import UTC, datetime

import typer

from didier.cli.connection_options import AstguiclientOption, DatabaseOption, server_packages
from didier.cli.printing import numbered, pairs
from didier.cli.terminal import say

app = typer.Typer(
    help="The installation's key, which encrypts second factors and secrets of webhooks.",
    no_args_is_help=True,
)


@app.command()
def show(
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Show where the key is, its id and its age; never the key.

    Example: didier key show
    """
    with server_packages():
        from didier.cli.local import keys
    file, key = keys.current(database, astguiclient_conf)
    days = (datetime.now(UTC) - key.made_at).days
    lines = [
        ("File", str(file)),
        ("Id", key.key_id),
        ("Created", f"{key.made_at:%Y-%m-%d} ({numbered(days, 'day')} ago)"),
    ]
    for line in pairs(lines):
        say(line)


@app.command()
def rotate(
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Create a new key and re-encrypt the second factors with it. Users need not set up anything.

    The old key is kept until everything is stored: after a crash, run the command again. Then copy the file
    to the other nodes: until then they cannot check one-time codes.

    Example: didier key rotate
    """
    with server_packages():
        from didier.cli.local import keys
    file, key, count = keys.rotate(database, astguiclient_conf)
    say(f"{file} has the new key {key.key_id}; {numbered(count, 'second factor')} re-encrypted.")
    say("Keep a copy of the file, apart from the backups of the database.")
