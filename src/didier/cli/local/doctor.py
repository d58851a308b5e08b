"""Looks the database over for `didier doctor`."""

from datetime import datetime

from didier import config
from didier.cli.local import database_url, key_file
from didier.errors import DatabaseLost, NoDatabase
from didier.services.system.doctor import Finding, Severity, examine, has_errors
from didier.services.system.installation_key import KeyFile
from didier.storage.database import check_connection, open_engine, parse_url, reading

__all__ = ["Finding", "Severity", "found", "has_errors"]


def found(database: str | None, astguiclient_conf: str | None) -> tuple[str, list[Finding]]:
    """Return the database, without its password, and what is to be said about it."""
    settings = config.load({"database": database, "astguiclient_conf": astguiclient_conf})
    url = database_url(settings)
    routes_calls = settings.agi_port is not None
    return str(parse_url(url)), _examine(url, key_file(settings), routes_calls=routes_calls)


def _examine(url: str, file: KeyFile, *, routes_calls: bool) -> list[Finding]:
    try:
        engine = open_engine(url)
        check_connection(engine)
        with reading(engine) as conn:
            return examine(conn, file, datetime.now(), routes_calls=routes_calls)
    except (NoDatabase, DatabaseLost) as error:
        return [Finding(Severity.ERROR, str(error), "check that it is running and that the setting names it")]
