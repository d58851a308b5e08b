"""A lock that ends with the process that holds it, however that ends."""

import fcntl
import os
from pathlib import Path


class FileLock:
    """An empty file beside the database; not the database itself, whose closing would free SQLite's locks."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @classmethod
    def taken(cls, database: Path, name: str) -> "FileLock | None":
        """Take the lock *name* of a database; None while another process, or this one, has it."""
        owner = database.stat()
        path = database.with_name(f"{database.name}-{name}")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.geteuid() == 0:  # as SQLite does: what root begins the server's user can go on with
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError:
            os.close(descriptor)
            raise
        return cls(descriptor)

    def alive(self) -> bool:
        """Say whether the lock is held still: another could hold a new file of this name."""
        return os.fstat(self._descriptor).st_nlink > 0

    def release(self) -> None:
        """Let another process have it."""
        os.close(self._descriptor)
