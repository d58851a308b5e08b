"""Work on the local database: a command may do everything, as its user can read the file anyway.

What stands in here needs the server's packages; the modules beside it import it when it is needed.
"""

from pathlib import Path

from sqlalchemy.engine import Engine

from didier import config
from didier.config import Settings
from didier.errors import NoDatabase
from didier.services.system.installation_key import KeyFile
from didier.services.users.authentication import Caller
from didier.services.users.local_user import LOCAL_USER
from didier.storage import migrations
from didier.storage.database import open_engine, parse_url, reading
from didier.vicidial import conf

CALLER = Caller(user=LOCAL_USER, name=LOCAL_USER.name, address="", is_local=True)
"""The caller of services that the command line works as."""


def database_url(settings: Settings) -> str:
    """Return the URL of the database that the settings name, themselves or by VICIdial's file."""
    if settings.astguiclient_conf is None:
        return settings.database
    return conf.read(Path(settings.astguiclient_conf)).database


def key_file(settings: Settings) -> KeyFile:
    """Return the file with the installation's key."""
    return KeyFile.of(settings.key_file, parse_url(database_url(settings)))


def open_database(database: str | None, astguiclient_conf: str | None = None) -> Engine:
    """Open the database that the flags or the settings name; it must have been made ready before."""
    settings = config.load({"database": database, "astguiclient_conf": astguiclient_conf})
    engine = open_engine(database_url(settings))
    migrations.check_home(engine)
    with reading(engine) as conn:
        found = migrations.revision(conn)
    if found != migrations.HEAD:
        raise NoDatabase(
            f"the database is not ready (revision {found or 'none'}, this is {migrations.HEAD});"
            " run 'didier init', or start the server"
        )
    return engine
