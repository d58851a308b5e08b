"""Ten endpoints of webhooks and an edge follow a large batch, then single changes: what do they miss?

    make soak SOAK=changes                          on an embedded database
    make soak SOAK='changes --mariadb'              on MariaDB
    make soak SOAK='changes --numbers 100000'       a smaller batch

Ends with status 1 when an endpoint was not told every event once and in order, the feed has other changes
than were acknowledged, or Kamailio has other numbers than an export and the gateway sets make.
"""

import argparse
import itertools
import json
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from statistics import median

import databases
import machine
import servers
from wrk import wrk

from didier.client import Didier
from didier.client.events import ChangedDid
from didier.domain import gateways
from didier.domain.gateways import Choices
from didier.edge.digest import Digest, digest
from didier.edge.tables import INACTIVE, key
from support.edge import Edge, running
from support.endpoints import Endpoint, Endpoints, Heard
from support.process import Process, until
from support.soaking import SOURCE, Client

ENDPOINTS = 10
TYPES = "did.*"
FIRST = 30_000_000_000
"""The first number of the batch."""

CLIENTS = 8
"""How many make single changes."""

KEPT = 50
"""DIDs that a client keeps: more are deleted, fewer copied."""

FOLLOWERS = {
    "nobody follows": (False, False),
    "the edge does": (True, False),
    "the endpoints do": (False, True),
    "all do": (True, True),
}
"""Whether the edge and the endpoints follow while single copies are made."""

PACE_SECONDS = 0.2
"""How long a client rests that copies now and then, so that everybody can follow."""

COMPARE_MINUTES = 5.0
"""As agents do by themselves."""

SECONDS = 5.0
"""How long single copies are made each time."""

LONGEST = 3_600.0
"""Seconds after which what has not happened counts as never."""

LOOK_SECONDS = 0.2


def main(arguments: Sequence[str]) -> int:
    """Do all three, and print what was seen; return the exit status."""
    options = _options(arguments)
    with ExitStack() as stack:
        followed = stack.enter_context(_followed(mariadb=options.mariadb, rounds=options.rounds))
        followed.batch(options.numbers)
        followed.changes(options.changes)
        followed.copies("now and then", followed.now_and_then)
        followed.copies("1 at once", lambda: followed.at_once(1))
        followed.copies("8 at once", lambda: followed.at_once(8))
    _print(followed, options)
    return 1 if followed.wrong else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "soak.py changes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--numbers", type=int, default=1_000_000, help="copies in the batch")
    parser.add_argument("--changes", type=int, default=20_000, help="single changes")
    parser.add_argument("--rounds", type=int, default=3, help="turns of single copies")
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB instead of SQLite")
    return parser.parse_args(arguments)


@contextmanager
def _followed(*, mariadb: bool, rounds: int) -> Iterator["Followed"]:
    with ExitStack() as stack:
        directory = stack.enter_context(servers.workplace())
        url = f"sqlite:///{directory}/didier.db"
        if mariadb:
            url = stack.enter_context(servers.mariadb()).database()
            databases.prepared(url).dispose()
        settings = {"DIDIER_RATE_LIMIT": "0", "DIDIER_WEBHOOK_NETWORKS": "127.0.0.0/8"}
        edge = stack.enter_context(running(directory, url, compare_minutes=COMPARE_MINUTES, **settings))
        endpoints = stack.enter_context(Endpoints(ENDPOINTS))
        until(lambda: "took an export" in edge.said and edge.is_told)
        for endpoint in endpoints:
            edge.client.add_webhook(endpoint.url, types=[TYPES])
        yield Followed(edge, endpoints, rounds)


@dataclass
class Followed:
    """A server, and who follows it; *figures* are what was seen, *wrong* what should have been otherwise."""

    edge: Edge
    endpoints: Sequence[Endpoint]
    rounds: int
    figures: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    _turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def client(self) -> Didier:
        """Whoever may do everything."""
        return self.edge.client

    # A batch

    def batch(self, numbers: int) -> None:
        """Copy so many *numbers*, and see when who knows them all."""
        last = str(FIRST + numbers - 1)
        self.figures["batch: numbers"] = f"{numbers:,}"
        after = self.client.sequence()
        with _Memory(self.edge) as memory, ThreadPoolExecutor(1) as pool:
            began = time.monotonic()
            made = self.client.copy(SOURCE, f"{FIRST}-{last}")
            # Who asks again and again whether it is done is given way to.
            waiting = pool.submit(made.wait)
            self._wait(
                began,
                {
                    "batch: made": waiting.done,
                    "batch: known to Kamailio": lambda: self._is_told(last),
                    "batch: heard of by all endpoints": lambda: self._have_heard(numbers),
                },
            )
        self.figures["batch: messages for each endpoint"] = f"{len(self.endpoints[0].heard):,}"
        self._tell_memory("batch", memory)
        feed = self._check(after)
        self._expect(sum(one.size for one in feed), numbers, "DIDs in the feed of the batch")

    # Single changes

    def changes(self, count: int) -> None:
        """Make so many single changes by several clients, and see that nobody misses one."""
        after = self.client.sequence()
        for endpoint in self.endpoints:
            endpoint.forget()
        changers = [Changer(Client(self.edge.server, number, number)) for number in range(CLIENTS)]
        with _Memory(self.edge) as memory, ThreadPoolExecutor(CLIENTS) as pool:
            began = time.monotonic()
            for work in [pool.submit(one.work, (count - 1) // CLIENTS) for one in changers]:
                work.result()
            last = changers[0].copy()  # behind all others: who knows it knows them
            done = [one for changer in changers for one in changer.done]
            seconds = time.monotonic() - began
            self.figures["changes: made"] = f"{len(done):,}, {len(done) / seconds:,.0f}/s"
            self._wait(
                began,
                {
                    "changes: known to Kamailio": lambda: self._is_told(last),
                    "changes: heard of by all endpoints": lambda: self._have_heard(len(done)),
                },
            )
            seconds = time.monotonic() - began
            rate = len(done) * len(self.endpoints) / seconds
            self.figures["changes: messages to all endpoints"] = f"{rate:,.0f}/s"
        self._tell_memory("changes", memory)
        feed = self._check(after)
        told = Counter((one.type, one.first) for one in feed)
        self._expect(told - Counter(done), Counter(), "changes in the feed that nobody made")
        self._expect(Counter(done) - told, Counter(), "changes that were made, and are not in the feed")

    # Copies beside

    def copies(self, how: str, measure: Callable[[], float]) -> None:
        """Have single copies made, with each kind of followers in turn; *measure* says how long one takes."""
        taken: dict[str, list[float]] = {who: [] for who in FOLLOWERS}
        for _ in range(self.rounds):
            for who, (is_edge, are_endpoints) in FOLLOWERS.items():
                self._follow(is_edge=is_edge, are_endpoints=are_endpoints)
                taken[who].append(measure())
        [alone, *_] = taken.values()
        for who, found in taken.items():
            times = median(one / other for one, other in zip(found, alone, strict=True))
            figure = f"{median(found):.1f} ms each, {times:.2f} times"
            self.figures[f"copies {how}, {who}"] = figure
            print(f"copies {how}, {who}: {figure}", flush=True)

    def at_once(self, connections: int) -> float:
        """Copy as fast as it goes; return the milliseconds that a connection waits for each, on average."""
        prefix = f"{next(self._turns):03}"
        return 1000 * connections / wrk(self.edge.server.port, connections, SECONDS, prefix).rate

    def now_and_then(self) -> float:
        """Copy with rests; return the milliseconds that half of the copies have taken at most."""
        changer = Changer(Client(self.edge.server, CLIENTS + next(self._turns), 0))
        taken = []
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            began = time.perf_counter()
            changer.copy()
            taken.append(time.perf_counter() - began)
            time.sleep(PACE_SECONDS)
        return 1000 * median(taken)

    def _follow(self, *, is_edge: bool, are_endpoints: bool) -> None:
        """Let these follow from now on, and nobody else."""
        self._leave()
        for endpoint in self.endpoints if are_endpoints else ():
            endpoint.forget()
            self.client.add_webhook(endpoint.url, types=[TYPES])
        if is_edge:
            self.edge.follow()
            number = str(FIRST - 1 - next(self._turns))
            self.client.copy(SOURCE, [number])
            until(lambda: self._is_told(number))

    def _leave(self) -> None:
        self.edge.kill()
        for one in list(self.client.webhooks()):
            self.client.delete_webhook(one.id)
        heard = -1
        while heard != (heard := sum(len(one.heard) for one in self.endpoints)):
            time.sleep(5 * LOOK_SECONDS)

    # What is waited for, and looked at

    def _wait(self, began: float, wanted: Mapping[str, Callable[[], bool]]) -> None:
        """Wait for all that is *wanted*, and keep how many seconds each has taken since it *began*."""
        missing = dict(wanted)
        while missing and time.monotonic() < began + LONGEST:
            for what in [what for what, happened in missing.items() if happened()]:
                del missing[what]
                self.figures[what] = f"after {time.monotonic() - began:,.1f} s"
                print(f"{what}: {self.figures[what]}", flush=True)
            time.sleep(LOOK_SECONDS)
        self.wrong += [f"{what}: not within {LONGEST:g} s" for what in missing]

    def _is_told(self, number: str) -> bool:
        """Whether Kamailio knows a number, and all else that the agent knows."""
        return "item" in self.edge.kamailio.rpc("htable.get", "did", number) and self.edge.is_told

    def _have_heard(self, dids: int) -> bool:
        return all(one.dids >= dids for one in self.endpoints)

    def _check(self, after: int) -> Sequence[Heard]:
        """Look whether all is as the server says; return its feed behind the number *after*."""
        feed = list(_feed(self.client, after))
        for endpoint in self.endpoints:
            if endpoint.heard != feed:
                self.wrong.append(_difference(endpoint, feed))
        count, total, _ = self.edge.kamailio.http.get("/digest").text.split()
        self._expect(Digest(int(count), int(total)), _digest(self.client), "Kamailio's numbers")
        return feed

    def _expect(self, found: object, wanted: object, what: str) -> None:
        if found != wanted:
            self.wrong.append(f"{what}: {str(found)[:300]}, and not {str(wanted)[:300]}")

    def _tell_memory(self, what: str, memory: "_Memory") -> None:
        for place, name in enumerate(("the server", "the agent")):
            said = f"{what}: memory of {name}"
            self.figures[said + " before, at most, after"] = memory.ends(place)
            self.figures[said + " after a third, two thirds, all"] = memory.thirds(place)


class Changer:
    """A client that copies, updates and deletes its own DIDs; *done* are types and numbers of what it did."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._made: list[str] = []
        self.done: list[tuple[str, str]] = []

    def work(self, count: int) -> None:
        """Make so many changes."""
        for _ in range(count):
            if len(self._made) < KEPT // 2 or (len(self._made) < KEPT and self._client.random.random() < 0.3):
                self.copy()
            elif self._client.random.random() < 0.3:
                self._delete()
            else:
                self._update()

    def copy(self) -> str:
        """Copy a DID; return its number."""
        number = self._client.new()
        self._client.ask("POST", "/copies", {"source": SOURCE, "targets": [number]}, status=201)
        self._made.append(number)
        self.done.append(("did.created", number))
        return number

    def _delete(self) -> None:
        number = self._made.pop(self._client.random.randrange(len(self._made)))
        # By force, as MariaDB looks through all DIDs for one that leads there.
        self._client.ask("DELETE", f"/dids/{number}?force=true", status=204)
        self.done.append(("did.deleted", number))

    def _update(self) -> None:
        number, chance = self._client.random.choice(self._made), self._client.random
        values = {
            "did_description": f"Change {len(self.done):07}",  # so that each changes something
            "gateway_set": chance.choice(["", "london", "paris"]),
            "did_active": chance.choice("YYYN"),
        }
        self._client.ask("PATCH", f"/dids/{number}", values)
        self.done.append(("did.updated", number))


class _Memory:
    """The megabytes of the server and of the agent, looked at again and again."""

    def __init__(self, edge: Edge) -> None:
        assert edge.agent
        self._processes = Process(edge.server.process.pid), Process(edge.agent.pid)
        self._samples: list[tuple[float, ...]] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "_Memory":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def ends(self, place: int) -> str:
        """Say what one had before, at most, and after."""
        found = [sample[place] for sample in self._samples]
        return _megabytes(found[0], max(found), found[-1])

    def thirds(self, place: int) -> str:
        """Say what one had after a third of the time, two thirds, and at the end."""
        count = len(self._samples)
        return _megabytes(*(self._samples[(count - 1) * part // 3][place] for part in (1, 2, 3)))

    def _look(self) -> None:
        while True:
            self._samples.append(tuple(one.megabytes for one in self._processes))
            if self._end.wait(LOOK_SECONDS):
                return


def _megabytes(*values: float) -> str:
    return ", ".join(f"{value:,.0f}" for value in values) + " MB"


def _feed(client: Didier, after: int) -> Iterator[Heard]:
    for event in client.changes(after, types=TYPES):
        assert isinstance(event.data, ChangedDid)
        yield Heard(event.sequence, event.id, event.type, event.data.did_pattern, event.data.size)


def _difference(endpoint: Endpoint, feed: Sequence[Heard]) -> str:
    """Say in which way an endpoint has heard of something else than is in the feed."""
    times = Counter(one.id for one in endpoint.heard)
    lost = sum(one.id not in times for one in feed)
    places = [one.sequence for one in endpoint.heard]
    order = "in order" if places == sorted(places) else "out of order"
    return f"{endpoint.url}: {lost} events lost, {times.total() - len(times)} once more, {order}"


def _digest(client: Didier) -> Digest:
    """Return the digest of what Kamailio should have, by an export and the gateway sets of now."""
    sets = [gateways.of(one.name, one.number, one.user_group, asdict(one)) for one in client.gateway_sets()]
    choices = Choices.of(sets)
    with tempfile.TemporaryFile() as file:
        client.export(file, format="ndjson")
        file.seek(0)
        return digest(_entries(map(json.loads, file), choices))


def _entries(dids: Iterator[Mapping[str, str]], choices: Choices) -> Iterator[tuple[str, int]]:
    for did in dids:
        choice = choices.choose(did)
        if did["did_active"] != "Y":
            yield key(did["did_pattern"]), INACTIVE
        elif choice:
            yield key(did["did_pattern"]), choice.chosen.number


def _print(followed: Followed, options: argparse.Namespace) -> None:
    database = "MariaDB" if options.mariadb else "SQLite"
    print(f"\n{database}; {machine.described()}\n\n| what | {database} |\n|---|---|")
    for what, figure in followed.figures.items():
        print(f"| {what} | {figure} |")
    print(f"\nlost, out of order, or different: {len(followed.wrong)}")
    for one in followed.wrong:
        print(f"  {one}")
