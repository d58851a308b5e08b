"""Copies the embedded database for `didier backup`, and puts copies back for `didier restore`."""

from datetime import datetime
from pathlib import Path

from didier import config
from didier.cli.local import database_url
from didier.errors import WrongSetting
from didier.storage import backups
from didier.storage.backups import Contents, Told
from didier.storage.database import database_file, parse_url

__all__ = ["Contents", "backup", "database", "restore"]


def database(url: str | None) -> Path:
    """Return the file of the database that the flag or the settings name."""
    file = database_file(parse_url(database_url(config.load({"database": url}))))
    if file is None:
        raise WrongSetting(
            "database: a MariaDB database is backed up by its own tools, as mariadb-dump; this is for the"
            " embedded one"
        )
    return file


def backup(url: str | None, to: Path, told: Told) -> Contents:
    """Copy the database into the file *to*."""
    return backups.backup(database(url), to, told)


def restore(url: str | None, file: Path, told: Told) -> tuple[Contents, Path | None]:
    """Put the copy *file* in the place of the database; return where what was there is, if anything was."""
    place = database(url)
    kept = place.with_name(f"{place.name}.before-restore-{datetime.now():%Y%m%d-%H%M%S}")
    contents = backups.restore(file, place, kept, told)
    return contents, kept if kept.exists() else None
