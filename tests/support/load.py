"""Clients that keep copying, and write down what they were told."""

import http.client
import itertools
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from support.server import PATH, TUTORIAL, Didier


@dataclass
class Copying:
    """Clients, each on one connection, that copy the tutorial's DID to new targets until they are cut off.

    *targets* gives each request its list of new patterns. `acknowledged` are the targets that were
    answered with SUCCESS, `others` the answers that were anything else.
    """

    server: Didier
    targets: Iterator[list[str]]
    clients: int = 8
    acknowledged: list[str] = field(default_factory=list)
    others: list[tuple[int, str]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _enough: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _wanted: int = 0

    def start(self, wanted: int) -> None:
        """Begin; return when *wanted* targets have been acknowledged."""
        self._wanted = wanted
        self._threads = [threading.Thread(target=self._work) for _ in range(self.clients)]
        for thread in self._threads:
            thread.start()
        assert self._enough.wait(30), f"{len(self.acknowledged)} copies acknowledged, {self.others[:3]}"

    def join(self) -> None:
        """Wait until every client was cut off."""
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a request was neither answered nor cut off"

    def _work(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=50)
        try:
            while self._copy(connection):
                pass
        except (OSError, http.client.HTTPException):
            pass  # the server is gone
        finally:
            connection.close()

    def _copy(self, connection: http.client.HTTPConnection) -> bool:
        with self._lock:
            targets = next(self.targets)
        query = urllib.parse.urlencode({**TUTORIAL, "new_did_pattern": ",".join(targets)})
        connection.request("GET", f"{PATH}?{query}")
        answer = connection.getresponse()
        text = answer.read().decode()
        told = [line.split()[3] for line in text.splitlines() if line.startswith("SUCCESS: ")]
        with self._lock:
            self.acknowledged += told
            if told != targets:
                self.others.append((answer.status, text))
            if len(self.acknowledged) >= self._wanted:
                self._enough.set()
        return told == targets


def new_targets(each: int) -> Iterator[list[str]]:
    """Give lists of *each* patterns, none of them twice."""
    numbers = itertools.count(18_100_000_000)
    while True:
        yield [str(next(numbers)) for _ in range(each)]


def at_once(count: int, action: Callable[[int], str]) -> list[str]:
    """Run *action* in *count* threads that all begin at the same moment; return what each returned."""
    barrier = threading.Barrier(count)
    results = [""] * count

    def run(position: int) -> None:
        barrier.wait(30)
        results[position] = action(position)

    threads = [threading.Thread(target=run, args=[position]) for position in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
