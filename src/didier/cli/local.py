"""Work on the local database: who runs a command may do everything, as who may read the file may anyway."""

from typing import Annotated

import typer
from sqlalchemy.engine import Engine

from didier import config
from didier.domain.users import ALL_FUNCTIONS, EVERY_GROUP, User
from didier.errors import NoDatabase
from didier.services.access import Caller
from didier.storage import migrations
from didier.storage.database import open_engine, reading

DatabaseOption = Annotated[
    str | None,
    typer.Option("--database", help="Database: sqlite:///FILE. Setting: database.", metavar="URL"),
]

CALLER = Caller(
    user=User(
        name="didier-cli",
        level=9,
        group=EVERY_GROUP,
        api_access=True,
        functions=ALL_FUNCTIONS,
        modify_dids=True,
        delete_dids=True,
        view_reports=True,
        viewable_groups=EVERY_GROUP,
    ),
    name="didier-cli",
    address="",
)
"""The caller of services that the command line works as."""


def open_database(database: str | None) -> Engine:
    """Open the database that the flag or the settings name; it must have been made ready before."""
    engine = open_engine(config.load({"database": database}).database)
    with reading(engine) as conn:
        found = migrations.revision(conn)
    if found != migrations.HEAD:
        raise NoDatabase(
            f"the database is not ready (revision {found or 'none'}, this is {migrations.HEAD});"
            " 'didier init' or a start of the server makes it so"
        )
    return engine
