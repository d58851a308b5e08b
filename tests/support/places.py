"""Where tests keep what is gone afterwards."""

import os
import shutil
from pathlib import Path

ROOM_BYTES = 4_000_000_000


def quick_place() -> Path | None:
    """Return a directory in memory when there is room, and programs may be run there.

    Tests make tables all the time, and only kill servers: nothing here takes the power away, which is all
    that a disk would be needed for.
    """
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK) or os.statvfs(memory).f_flag & os.ST_NOEXEC:
        return None
    return memory if shutil.disk_usage(memory).free > ROOM_BYTES else None
