"""`didier backup` and `didier restore`: copies of the embedded database."""

from pathlib import Path
from typing import Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import DatabaseOption, server_packages
from didier.cli.printing import Yes, numbered
from didier.cli.progress_bars import progress_bar
from didier.cli.terminal import say
from didier.errors import WrongSetting


def backup(
    file: Annotated[Path, typer.Argument(help="The file to write.", metavar="FILE")],
    yes: Yes = False,
    database: DatabaseOption = None,
) -> None:
    """Copy the embedded database into a file, even while it is being served.

    The copy is the database as it was when the command began. It is checked, and only its owner can read it.
    It does not contain the installation's key.

    Example: didier backup /var/backups/didier.db
    """
    with server_packages():
        from didier.cli.local import backups
    if file.exists():
        printing.confirm(f"Replace {file}?", yes)
    with progress_bar() as bar:
        contents = backups.backup(database, file, lambda done, total: bar.show("Pages", done, total))
    say(f"{file} is a verified copy with {numbered(contents.dids, 'DID')}.")
    if key := backups.key_beside(database):
        say(f"The installation's key is not in it: keep a copy of {key} somewhere else.")


def restore(
    file: Annotated[
        Path | None, typer.Argument(help="A copy written by 'didier backup'.", metavar="FILE")
    ] = None,
    yes: Yes = False,
    by_other_tools: Annotated[
        bool,
        typer.Option(
            "--by-other-tools",
            help="Restore nothing, but say that the database was put back by its own tools, such as mariadb;"
            " before a server is started.",
        ),
    ] = False,
    database: DatabaseOption = None,
) -> None:
    """Replace the embedded database with a copy. The database that was there is kept in a file beside it.

    The copy is checked first. Nothing is done while a server or another command has the database open. Who
    follows changes, and knows of some that are undone, is told to take an export.

    Example: didier restore /var/backups/didier.db
    """
    with server_packages():
        from didier.cli.local import backups
    if (file is not None) == by_other_tools:
        raise WrongSetting("restore: give either a FILE or --by-other-tools")
    if file is None:
        backups.mark_restored(database)
        say("Followers of changes that were undone will be told to take an export.")
        return
    place = backups.database(database)
    if place.exists():
        printing.confirm(f"Replace {place} with {file}?", yes)
    with progress_bar() as bar:
        contents, kept = backups.restore(database, file, lambda done, total: bar.show("Pages", done, total))
    say(f"{place} was restored from {file}: {numbered(contents.dids, 'DID')}, verified.")
    if kept:
        say(f"The previous database is in {kept}.")
    if trouble := backups.key_trouble(database):
        say(f"Second factors cannot be checked: {trouble}")
