"""Files that their owner alone may read, and that are on the disk once that is said."""

import os
from pathlib import Path
from typing import BinaryIO


def new(file: Path) -> BinaryIO:
    """Open *file* for writing: a new one that its owner alone may read, in the place of what was there."""
    file.unlink(missing_ok=True)
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def sync(path: Path) -> None:
    """Wait until a file or directory is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
