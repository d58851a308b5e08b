"""Shows and replaces the installation's key for `didier key`."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Engine

from didier import config
from didier.cli.local import key_file, open_database
from didier.errors import KeyProblem
from didier.services.system import installation_key, sealed_secrets
from didier.services.system.installation_key import Key, KeyFile, NotOpened
from didier.storage.database import reading


def current(database: str | None, astguiclient_conf: str | None) -> tuple[Path, Key]:
    """Return the file with the key, and the key that seals; raises `KeyProblem`."""
    file = _file(database, astguiclient_conf)
    return file.path, file.keys()[0]


def _file(database: str | None, astguiclient_conf: str | None) -> KeyFile:
    return key_file(config.load({"database": database, "astguiclient_conf": astguiclient_conf}))


def rotate(database: str | None, astguiclient_conf: str | None) -> tuple[Path, Key, int]:
    """Put a new key in the place of the old one; return its file, itself, and how much it has sealed.

    Raises `KeyProblem` when something is sealed that no key in the file opens; then nothing is changed.
    """
    file = _file(database, astguiclient_conf)
    engine = open_database(database, astguiclient_conf)
    with _alone(file):
        old = _old_keys(engine, file)
        new = installation_key.generate(datetime.now().astimezone())
        # Both keys are on the disk before anything is sealed with the new one, and until all of it is.
        file.write((new, *old))
        count = _seal_anew(engine, file, new)
        file.write((new,))
    return file.path, new, count


def _old_keys(engine: Engine, file: KeyFile) -> tuple[Key, ...]:
    """Return the keys that there are, which open everything; none where nothing was sealed yet."""
    with reading(engine) as conn:
        if problems := sealed_secrets.not_opened(conn, file):
            raise KeyProblem(str(file.path), f"this key does not open {problems[0]}; nothing was changed")
    return file.keys() if file.path.exists() else ()


def _seal_anew(engine: Engine, file: KeyFile, new: Key) -> int:
    """Seal everything with *new*; also what a server has sealed with the old key meanwhile."""
    count = 0
    while True:
        try:
            with engine.begin() as conn:
                some = sealed_secrets.seal_anew(conn, file.keys(), new)
        except NotOpened as error:
            raise KeyProblem(str(file.path), f"{error}; the old key is kept") from None
        if not some:
            return count
        count += some


@contextmanager
def _alone(file: KeyFile) -> Iterator[None]:
    """Keep a second command from replacing the key meanwhile: it would drop the new key of this one."""
    descriptor = os.open(file.path.absolute().parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise KeyProblem(str(file.path), "another command is replacing the key") from None
    finally:
        os.close(descriptor)
