"""Copies the embedded database for `didier backup`, and puts copies back for `didier restore`."""

from datetime import datetime
from pathlib import Path

from didier import config
from didier.cli.local import database_url, key_file, open_database
from didier.errors import KeyProblem, WrongSetting
from didier.services.users import second_factor
from didier.storage import migrations
from didier.storage.changes import restores
from didier.storage.database import database_file, open_engine, parse_url, reading
from didier.storage.system import backups
from didier.storage.system.backups import Contents, Progress

__all__ = ["Contents", "backup", "database", "key_beside", "key_trouble", "mark_restored", "restore"]


def database(url: str | None) -> Path:
    """Return the file of the database that the flag or the settings name."""
    file = database_file(parse_url(database_url(config.load({"database": url}))))
    if file is None:
        raise WrongSetting(
            "database: back up a MariaDB database with its own tools, such as mariadb-dump; this command is"
            " for the embedded one"
        )
    return file


def backup(url: str | None, to: Path, progress: Progress) -> Contents:
    """Copy the database into the file *to*."""
    return backups.backup(database(url), to, progress)


def key_beside(url: str | None) -> Path | None:
    """Return the file with the installation's key, None when there is none."""
    path = key_file(config.load({"database": url})).path
    return path if path.exists() else None


def key_trouble(url: str | None) -> str | None:
    """Return why the installation's key does not open what the database has sealed; None when it does."""
    settings = config.load({"database": url})
    engine = open_engine(database_url(settings))
    try:
        with reading(engine) as conn:
            if migrations.revision(conn) != migrations.HEAD:
                return None  # it has no second factors yet
            return next(iter(second_factor.not_opened(conn, key_file(settings))), None)
    except KeyProblem as error:
        return str(error)
    finally:
        engine.dispose()


def restore(url: str | None, file: Path, progress: Progress) -> tuple[Contents, Path | None]:
    """Put the copy *file* in the place of the database; return where what was there is, if anything was."""
    place, now = database(url), datetime.now()
    kept = place.with_name(f"{place.name}.before-restore-{now:%Y%m%d-%H%M%S}")
    contents = backups.restore(file, place, kept, now, progress)
    return contents, kept if kept.exists() else None


def mark_restored(url: str | None) -> None:
    """Mark that other tools have put back the database."""
    engine = open_database(url)
    try:
        with engine.begin() as conn:
            restores.mark(conn, datetime.now())
    finally:
        engine.dispose()
