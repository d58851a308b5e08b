"""`didier backup` and `didier restore`: copies of the embedded database."""

from pathlib import Path
from typing import Annotated

import typer

from didier.cli import printing
from didier.cli.meters import meter
from didier.cli.places import DatabaseOption, server_packages
from didier.cli.printing import Yes, numbered
from didier.cli.terminal import say


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
    yes: Yes = False,
    database: DatabaseOption = None,
) -> None:
    """Copy the embedded database into a file, also while it is served.

    The copy is the database as it is when the command begins; it is checked, and readable by its owner alone.
    The installation's key is left out.

    Example: didier backup /var/backups/didier.db
    """
    with server_packages():
        from didier.cli.local import backups
    if file.exists():
        printing.confirm(f"Replace {file}?", yes)
    with meter() as bar:
        contents = backups.backup(database, file, lambda done, total: bar.show("Pages", done, total))
    say(f"{file} is a checked copy with {numbered(contents.dids, 'DID')}.")
    if key := backups.key_beside(database):
        say(f"The installation's key is not in it: keep a copy of {key} somewhere else.")


def restore(
    file: Annotated[Path, typer.Argument(help="A copy that 'didier backup' made.", metavar="FILE")],
    yes: Yes = False,
    database: DatabaseOption = None,
) -> None:
    """Put a copy in the place of the embedded database. What was there is kept in a file beside it.

    The copy is checked before. While a server or a command has the database open, nothing is done.

    Example: didier restore /var/backups/didier.db
    """
    with server_packages():
        from didier.cli.local import backups
    place = backups.database(database)
    if place.exists():
        printing.confirm(f"Put {file} in the place of {place}?", yes)
    with meter() as bar:
        contents, kept = backups.restore(database, file, lambda done, total: bar.show("Pages", done, total))
    say(f"{place} is as {file} is: {numbered(contents.dids, 'DID')}, checked.")
    if kept:
        say(f"What was there before is in {kept}.")
    if trouble := backups.key_trouble(database):
        say(f"Second factors cannot be checked: {trouble}")
