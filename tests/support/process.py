"""What a running process takes of the machine, as Linux counts it."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

SECONDS = 60
"""How long `until` waits."""


class Process:
    """The process *pid*."""

    def __init__(self, pid: int) -> None:
        self._place = Path(f"/proc/{pid}")

    def _status(self, name: str) -> int:
        text = self._place.joinpath("status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]  # it is there

    @property
    def megabytes(self) -> float:
        """The memory that it has now."""
        return self._status("VmRSS") / 1024

    @property
    def peak(self) -> float:
        """The most megabytes that it has had since `forget_peak`."""
        return self._status("VmHWM") / 1024

    def forget_peak(self) -> None:
        """Begin anew with `peak`."""
        self._place.joinpath("clear_refs").write_text("5")

    @property
    def threads(self) -> int:
        """The threads that it has."""
        return self._status("Threads")

    @property
    def files(self) -> int:
        """The files and sockets that it has open."""
        return len(os.listdir(self._place / "fd"))

    @property
    def sockets(self) -> int:
        """The sockets that it has open."""
        return sum(self._target(file).startswith("socket:") for file in (self._place / "fd").iterdir())

    @staticmethod
    def _target(file: Path) -> str:
        try:
            return os.readlink(file)
        except FileNotFoundError:  # closed meanwhile
            return ""

    @property
    def seconds(self) -> float:
        """The seconds that it has computed, of all processors."""
        fields = self._place.joinpath("stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def until(condition: Callable[[], object], pause: float = 0.01) -> None:
    """Wait for *condition* to be true, looking after each *pause* of seconds; fail when it never is."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(pause)
