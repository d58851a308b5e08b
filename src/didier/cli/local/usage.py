"""Counting calls anew, for `didier usage rebuild`."""

from didier.cli.local import open_database
from didier.errors import WrongSetting
from didier.storage.database import reading, writing
from didier.storage.usage import rollups


def rebuild(database: str | None, astguiclient_conf: str | None) -> None:
    """Have the server count all calls anew that the logs still have."""
    engine = open_database(database, astguiclient_conf)
    try:
        with reading(engine) as conn:
            are_kept = rollups.are_kept(conn)
        if not are_kept:
            raise WrongSetting("calls are not counted: 'didier doctor' says which rights are missing")
        with writing(engine) as conn:
            rollups.want_anew(conn)
    finally:
        engine.dispose()
