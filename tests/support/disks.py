"""A small disk of its own, to be filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from support.missing import cannot_run, program

MEGABYTE = 1_048_576


class Disk:
    """A file system in memory, mounted on *path*."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def resize(self, megabytes: int) -> None:
        """Give it another size."""
        _run("mount", "-o", f"remount,size={megabytes}m", self.path)

    def read_only(self) -> None:
        """Take no changes from now on; nobody may have a file open for writing."""
        _run("mount", "-o", "remount,ro", self.path)

    def fill(self) -> None:
        """Leave no byte free."""
        with self._filler.open("ab", buffering=0) as file, suppress(OSError):
            for piece in (MEGABYTE, 4096):
                with suppress(OSError):
                    while file.write(bytes(piece)) == piece:
                        pass

    def free(self) -> None:
        """Take out what `fill` has put in."""
        self._filler.unlink()


def _run(*command: str | Path) -> None:
    """Run *command* as root."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    subprocess.run([*root, *command], check=True, capture_output=True)


@contextmanager
def _mounted(path: Path, *options: str | Path) -> Iterator[None]:
    path.mkdir(exist_ok=True)
    try:
        _run("mount", *options, path)
    except (OSError, subprocess.CalledProcessError):
        cannot_run("the right to mount a small disk (root, sudo without a password, or unshare -Urm)")
    try:
        yield
    finally:
        _run("umount", "--lazy", path)


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[Disk]:
    """Mount a new disk of this size on *path*."""
    with _mounted(path, "-t", "tmpfs", "-o", f"size={megabytes}m,mode=1777", "didier-test"):
        yield Disk(path)


@dataclass
class Image:
    """A disk in a file, with a file system that stops to be written to when it fails, as disks do."""

    file: Path
    path: Path

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Mount it on its path."""
        with _mounted(self.path, "-o", "loop,errors=remount-ro", self.file):
            _run("chmod", "1777", self.path)
            yield

    def fail(self) -> None:
        """Let the kernel find an error on it: from now on it is read-only, also for those who write.

        What is on its way is stored before. Of an ``fsync`` that the error meets half way, Linux says now
        and then that all went well, though it is lost: no program can do anything about that.
        """
        _run("fsfreeze", "--freeze", self.path)
        try:
            _run("sh", "-c", f"echo failed > /sys/fs/ext4/{_device(self.path)}/trigger_fs_error")
        finally:
            _run("fsfreeze", "--unfreeze", self.path)


def _device(path: Path) -> str:
    """Return the kernel's name of the block device under *path*."""
    number = path.stat().st_dev
    return Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name


def disk_image(directory: Path, megabytes: int) -> Image:
    """Make a disk of this size that is mounted nowhere."""
    make = program("mkfs.ext4", "e2fsprogs")
    file = directory / "disk.img"
    with file.open("wb") as image:
        image.truncate(megabytes * MEGABYTE)
    subprocess.run([make, "-q", file], check=True)
    return Image(file, directory / "disk")
