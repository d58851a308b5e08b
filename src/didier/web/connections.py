"""Connections as the system sees them: how many there may be, and how fast their clients read.

What a client does not take of its answer is kept for it, here or in the kernel. Granian waits for it without
end, so who reads too slowly is found by looking at the sockets themselves, whatever kind of answer it is.
"""

import asyncio
import os
import resource
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass

import structlog

SPARE_FILES = 200
"""Open files that are left for the database, the log and large answers."""

FEWEST = 16
"""Connections that are taken in any case."""

SLOWEST_READER = 1_000
"""Bytes a second that a client must take of an answer."""

LOOKS = 4
"""How often a connection is looked at in the time within which its client must have read."""

AT_ONCE = 500
"""Files that are looked at in one go; between them requests are answered."""

# Where Linux's struct tcp_info has the bytes that the peer has confirmed, and those not sent to it yet.
_ACKED, _NOT_SENT, _END = 120, 144, 148

log = structlog.get_logger()


def most_connections(wanted: int) -> int:
    """Return how many of the *wanted* connections there may be without running out of files.

    Granian lets this process have as many files open as the system allows, when it is imported.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if files == resource.RLIM_INFINITY or wanted <= files - SPARE_FILES:
        return wanted
    most = max(FEWEST, files - SPARE_FILES)
    log.info("fewer_connections", wanted=wanted, taken=most, open_files=files)
    return most


def sockets(port: int) -> Iterator[socket.socket]:
    """Give a duplicate of each socket of this process that has *port* on our side."""
    for name in _files():
        if sock := _socket(int(name), port):
            yield sock


def _files() -> list[str]:
    with suppress(OSError):  # not Linux, or no file is left to look with
        return os.listdir("/proc/self/fd")
    return []


def _socket(file: int, port: int) -> socket.socket | None:
    with suppress(OSError):
        if stat.S_ISSOCK(os.fstat(file).st_mode):
            sock = socket.socket(fileno=os.dup(file))
            if sock.family in {socket.AF_INET, socket.AF_INET6} and sock.getsockname()[1] == port:
                return sock
            sock.close()
    return None


@dataclass(frozen=True, slots=True)
class Progress:
    """How many bytes of a connection the client had confirmed at a moment, when there were more to send."""

    moment: float
    acked: int


class Readers:
    """Ends connections whose clients take less than `SLOWEST_READER` of their answers."""

    def __init__(self, port: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._port = port
        self._seconds = seconds
        self._clock = clock
        self._seen: dict[int, Progress] = {}  # by the number of the socket, which no other gets

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(self._seconds / LOOKS)
            await self.look()

    async def look(self) -> None:
        """End the connections that are too slow."""
        seen: dict[int, Progress] = {}
        files = _files()
        for start in range(0, len(files), AT_ONCE):
            for name in files[start : start + AT_ONCE]:
                if sock := _socket(int(name), self._port):
                    with closing(sock), suppress(OSError, struct.error):
                        self._judge(sock, seen)
            await asyncio.sleep(0)
        self._seen = seen

    def _judge(self, sock: socket.socket, seen: dict[int, Progress]) -> None:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _END)
        [acked] = struct.unpack_from("Q", info, _ACKED)
        [waiting] = struct.unpack_from("I", info, _NOT_SENT)
        if not waiting:
            return
        inode, now = os.fstat(sock.fileno()).st_ino, self._clock()
        before = self._seen.get(inode, Progress(now, acked))
        passed = now - before.moment
        if passed < self._seconds:
            seen[inode] = before
        elif acked - before.acked < passed * SLOWEST_READER:
            _reset(sock)
        else:
            seen[inode] = Progress(now, acked)


def _reset(sock: socket.socket) -> None:
    """End a connection, and let the kernel forget what its client has not taken."""
    address = sock.getpeername()[0]
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.shutdown(socket.SHUT_RDWR)
    log.warning("client_reads_too_slowly", client=address)
