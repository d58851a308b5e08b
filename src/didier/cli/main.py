"""`didier`: the commands and what they have in common."""

import sys
from typing import Annotated

import typer
from sqlalchemy.exc import DBAPIError

import didier
from didier.cli import dids, serving, tokens, users
from didier.cli.doctor import doctor
from didier.errors import DidierError, NoDatabase, SetupError

app = typer.Typer(
    help=didier.__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.command()(serving.serve)
app.command()(serving.init)
app.command()(doctor)
app.command()(dids.copy)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"didier {didier.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Provision inbound phone numbers (DIDs) for call centres on VICIdial and Asterisk."""


def main() -> None:
    """Run the command line; a refusal is one line on standard error and exit status 1, bad set-up 2."""
    try:
        app()
    except SetupError as error:
        sys.exit(_fail(error, 2))
    except DidierError as error:
        sys.exit(_fail(error, 1))
    except DBAPIError as error:
        sys.exit(_fail(NoDatabase(f"the database cannot be used: {error.orig}"), 2))


def _fail(error: DidierError, status: int) -> int:
    for line in str(error).splitlines():
        print(f"didier: {line}", file=sys.stderr)
    return status
