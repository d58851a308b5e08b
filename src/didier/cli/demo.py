"""`didier demo`: the demonstration's database."""

import typer

from didier.cli import printing
from didier.cli.connection_options import DatabaseOption, server_packages
from didier.cli.printing import Yes
from didier.cli.terminal import say

app = typer.Typer(help="The demonstration of 'didier serve --demo'.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the one command below its group's name."""


@app.command()
def reset(yes: Yes = False, database: DatabaseOption = None) -> None:
    """Make the demonstration as new; its database as it was is kept in a file beside it.

    Only for a database that 'didier serve --demo' has made, and while no server has it open.

    Example: didier demo reset --yes
    """
    with server_packages():
        from didier.cli.local import demo
    place = demo.place(database)
    printing.confirm(f"Replace all that is in {place}?", yes)
    kept = demo.reset(place)
    say(f"{place} is as new.", f"The previous database is in {kept}.")
