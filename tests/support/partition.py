"""A network between a client and a server that can be taken away, and comes back."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Partition:
    """Passes on what is said to a server at *port*, under a port of its own, while it is `open`.

    While it is not, nothing arrives on either side: no data, no end of a connection, no new connection. What
    was sent meanwhile arrives when it is open again.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._open = threading.Event()
        self._open.set()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Take the network away."""
        self._open.clear()

    def heal(self) -> None:
        """Bring it back."""
        self._open.set()

    def close(self) -> None:
        """Take no more connections."""
        self.heal()
        self._socket.close()

    def _accept(self) -> None:
        with suppress(OSError):  # it was closed
            while True:
                client, _ = self._socket.accept()
                threading.Thread(target=self._connect, args=[client], daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        self._open.wait()
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        for ends in ((client, server), (server, client)):
            threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                self._open.wait()
                there.sendall(data)
        self._open.wait()
        with suppress(OSError):
            there.shutdown(socket.SHUT_WR)


@contextmanager
def partition(port: int) -> Iterator[Partition]:
    """Yield a network to the server at *port*."""
    made = Partition(port)
    yield made
    made.close()
