"""Commands on a terminal: a pseudo-terminal that records what a person would see."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from support.forking import Forked

WAIT_SECONDS = 60
MOST_SECONDS = 300
"""How long a command may take, also one that shows something all the time."""

_CODES = re.compile(r"\x1b(\[[0-9;?]*[A-Za-z]|\][^\x07]*\x07|[()][AB0])")


class Terminal:
    """A command whose input, output and errors are a terminal of *width* columns."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        environment: Mapping[str, str] | None = None,
        width: int = 120,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
        settings = {"TERM": "xterm-256color", **(environment or {})}
        inherited = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
        self.process = Forked(arguments, directory, {**inherited, **settings}, [theirs] * 3, terminal=True)
        os.close(theirs)
        self.session = ""
        self._deadline = time.monotonic() + MOST_SECONDS

    @property
    def text(self) -> str:
        """What was shown, without codes for colours and the cursor."""
        return _CODES.sub("", self.session)

    def read(self) -> bool:
        """Take what is shown next; say whether there was anything before the end."""
        ready, _, _ = select.select([self._ours], [], [], WAIT_SECONDS)
        assert ready, f"nothing was shown for {WAIT_SECONDS} seconds: {self.text[-500:]}"
        assert time.monotonic() < self._deadline, f"no end in {MOST_SECONDS} seconds: {self.text[-500:]}"
        try:
            shown = os.read(self._ours, 65_536)
        except OSError:  # the other end is closed
            shown = b""
        self.session += shown.decode(errors="replace")
        return bool(shown)

    def until(self, there: Callable[[str], object]) -> None:
        """Read until what is shown is *there*."""
        while not there(self.text):
            assert self.read(), f"the command ended: {self.text[-500:]}"

    def type(self, text: str) -> None:
        """Type *text*."""
        os.write(self._ours, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.killpg(os.tcgetpgrp(self._ours), signal.SIGINT)

    def finish(self) -> int:
        """Read to the end; return the exit status."""
        while self.read():
            pass
        os.close(self._ours)
        return self.process.wait(WAIT_SECONDS)
