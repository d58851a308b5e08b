"""All kinds of calls, mixed at random by several clients, and what the server takes meanwhile."""

import base64
import http.client
import itertools
import json
import random
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from support.browsers import Browser
from support.process import Process
from support.server import FORM, PATH, Didier

SOURCE = "18001234567"
KEPT = 200
"""DIDs that a client keeps at most: what is beyond it deletes."""

LARGE = 2_000
STRANGERS = 5_000
"""Names of users that are not there, with whom signing in is tried."""


class Unexpected(Exception):
    """An answer that should have been another."""


def expect(condition: object, *seen: object) -> None:
    """Raise `Unexpected` with what was *seen*, unless *condition* is true."""
    if not condition:
        raise Unexpected(" ".join(str(one)[:300] for one in seen))


class Client:
    """One connection, the DIDs that were made on it, and one panel."""

    def __init__(self, server: Didier, number: int, seed: int) -> None:
        self.server = server
        self.random = random.Random(seed)
        self.numbers = itertools.count(20_000_000_000 + number * 100_000_000)
        self.name = f"soak{number}"
        self.made: list[str] = []
        self.browser = Browser(server)
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)

    def new(self) -> str:
        """Give a number that no DID has."""
        return str(next(self.numbers))

    def one(self) -> str:
        """Give a DID that was made here."""
        if not self.made:
            copy_did(self)
        return self.random.choice(self.made)

    def took(self, pattern: str) -> None:
        """Keep a DID, and delete the oldest of too many."""
        self.made.append(pattern)
        while len(self.made) > KEPT:
            answer = self.call(function="update_did", did_pattern=self.made.pop(0), delete_did="Y")
            expect(answer.startswith("SUCCESS"), answer)

    def lost(self) -> list[str]:
        """Return the DIDs that should be there and are not."""
        there = self.ask("GET", "/exports/dids.ndjson")
        return [pattern for pattern in self.made if f'"{pattern}"' not in there]

    def send(
        self, method: str, path: str, body: bytes | str | None, headers: dict[str, str]
    ) -> tuple[int, str]:
        """Send a request; return status and text."""
        self._connection.request(method, path, body, headers)
        self.answer = self._connection.getresponse()
        return self.answer.status, self.answer.read().decode()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def call(self, **parameters: str) -> str:
        """Call the Non-Agent API, by GET or by POST."""
        query = urllib.parse.urlencode({"user": "admin", "pass": "1234", "source": "soak", **parameters})
        if self.random.random() < 0.2:
            status, text = self.send("POST", PATH, query, {"Content-Type": FORM})
        else:
            status, text = self.send("GET", f"{PATH}?{query}", None, {})
        expect(status == 200, status, text)
        return text

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        status: int = 200,
        login: str = "admin:1234",
        token: str | None = None,
        **headers: str,
    ) -> Any:
        """Ask the JSON API, and expect *status*; return what it says."""
        secret = f"Bearer {token}" if token else "Basic " + base64.b64encode(login.encode()).decode()
        sent = {name.replace("_", "-"): value for name, value in headers.items()} | {"Authorization": secret}
        content = None
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            content = body if isinstance(body, str) else json.dumps(body)
        found, text = self.send(method, f"/api/v1{path}", content, sent)
        expect(found == status, method, path, found, text)
        kind = self.answer.getheader("content-type") or ""
        return json.loads(text) if "json" in kind and "nd" not in kind else text


def copy_did(client: Client) -> None:
    target = client.new()
    answer = client.call(function="copy_did", did_pattern=SOURCE, new_did_pattern=target, did_active="Y")
    expect(answer == f"SUCCESS: {SOURCE} -> {target} | DID Copied Successfully\n", answer)
    client.took(target)


def copy_list(client: Client) -> None:
    targets = [client.new() for _ in range(10)]
    answer = client.call(function="copy_did", source_did_pattern=SOURCE, new_dids=",".join(targets))
    expect(answer.count("DID HAS BEEN ADDED") == 10, answer)
    for target in targets:
        client.took(target)


def add_did(client: Client) -> None:
    target = client.new()
    answer = client.call(
        function="add_did", did_pattern=target, did_description="Soaked line", extension="8300"
    )
    expect(answer.startswith("SUCCESS"), answer)
    client.took(target)


def update_did(client: Client) -> None:
    answer = client.call(
        function="update_did", did_pattern=client.one(), did_description=f"Line {client.new()}"
    )
    expect(answer.startswith("SUCCESS"), answer)


def did_info(client: Client) -> None:
    pattern = client.one()
    expect(pattern in client.call(function="did_info", did_pattern=pattern))


def list_dids(client: Client) -> None:
    expect(client.call(function="list_dids", search="1800", limit="100").count("\n") > 0)


def did_log_export(client: Client) -> None:
    day = time.strftime("%Y-%m-%d")
    answer = client.call(function="did_log_export", phone_number=SOURCE, date=day)
    expect("NO RECORDS" in answer.upper() or "ERROR" not in answer, answer)


def version(client: Client) -> None:
    expect(client.call(function="version").startswith("VERSION"))


def legacy_users(client: Client) -> None:
    name = f"u{client.new()[-9:]}"
    answer = client.call(
        function="add_user", agent_user=name, agent_pass="Soak4ever", agent_user_level="1",
        agent_full_name="Soaked user", agent_user_group="ADMIN",
    )  # fmt: skip
    expect(answer.startswith("SUCCESS"), answer)
    answer = client.call(function="user_details", agent_user=name)
    expect(name in answer, answer)
    answer = client.call(function="update_user", agent_user=name, agent_full_name="Other name")
    expect(answer.startswith("SUCCESS"), answer)
    answer = client.call(function="update_user", agent_user=name, delete_user="Y")
    expect(answer.startswith("SUCCESS"), answer)


def wrong_password(client: Client) -> None:
    user = f"stranger{client.random.randrange(STRANGERS)}"
    answer = client.call(function="list_dids", user=user, **{"pass": client.new()})
    expect(answer.startswith("ERROR"), answer)


def locked_out(client: Client) -> None:
    """Wrong passwords of a user that is there: at first refused, then locked, then always locked."""
    answer = client.call(function="list_dids", user="victim", **{"pass": client.new()})
    expect(
        "INVALID USERNAME" in answer or "Too many login attempts" in answer or "Login incorrect" in answer,
        answer,
    )


def bad_requests(client: Client) -> None:
    for wrong in (
        {"function": "no_such_function"},
        {"function": "copy_did", "did_pattern": SOURCE},
        {"function": "copy_did", "did_pattern": "999", "new_did_pattern": "12", "did_active": "X"},
        {
            "function": "copy_did",
            "did_pattern": "99999999",
            "new_did_pattern": client.new(),
            "did_active": "Y",
        },
        {"function": "copy_did", "did_pattern": SOURCE, "new_did_pattern": SOURCE, "did_active": "Y"},
        {"function": "update_did", "did_pattern": "99999999", "did_description": "Nothing here"},
        {"function": "did_info", "did_pattern": "\u20ac" * 100},
    ):
        expect(client.call(**wrong).startswith("ERROR"), wrong)


def json_did(client: Client) -> None:
    """A DID from the beginning to its end."""
    path = f"/dids/{client.new()}"
    client.ask("POST", "/dids", {"did_pattern": path.removeprefix("/dids/")}, status=201)
    client.ask("GET", path)
    etag = client.answer.getheader("etag") or ""
    client.ask("PATCH", path, {"did_description": "Patched line"}, If_Match=etag)
    client.ask("PATCH", path, {"did_description": "Other line"}, status=412, If_Match=etag)
    client.ask("GET", f"{path}/history")
    client.ask("DELETE", path, status=204)
    client.ask("GET", path, status=404)


def json_pages(client: Client) -> None:
    page = client.ask("GET", "/dids?limit=20&sort=-did_pattern")
    for _ in range(5):
        if not page["next"]:
            return
        page = client.ask(
            "GET", f"/dids?limit=20&sort=-did_pattern&cursor={urllib.parse.quote(page['next'])}"
        )


def json_search(client: Client) -> None:
    client.ask("GET", f"/dids?search={client.new()[:6]}")


def small_batch(client: Client) -> None:
    order = {"source": SOURCE, "targets": [client.new() for _ in range(20)]}
    key = f"{client.name}-{client.new()}"
    made = client.ask("POST", "/copies", order, status=201, Idempotency_Key=key)
    again = client.ask("POST", "/copies", order, status=201, Idempotency_Key=key)
    expect(made["id"] == again["id"], made, again)
    client.ask("POST", f"/batches/{made['id']}/undo", {})


def large_batch(client: Client) -> None:
    first = int(client.new())
    client.numbers = itertools.count(first + LARGE)
    order = {"source": SOURCE, "ranges": [f"{first}-{first + LARGE - 1}"], "dry_run": True}
    client.ask("POST", "/copies", order)
    batch = client.ask("POST", "/copies", {**order, "dry_run": False}, status=202)
    expect("event: end" in client.ask("GET", f"/batches/{batch['id']}/events"))
    client.ask("GET", f"/batches/{batch['id']}/items?limit=1000")
    client.ask("POST", f"/batches/{batch['id']}/undo", {}, status=202)
    ended = client.ask("GET", f"/batches/{batch['id']}/events")
    expect('"state":"undone"' in ended, ended[-300:])


def exports(client: Client) -> None:
    kind = client.random.choice(["csv", "ndjson"])
    expect(SOURCE in client.ask("GET", f"/exports/dids.{kind}?search=1800"))


def imports(client: Client) -> None:
    target = client.one()
    text = f"did_pattern,did_description\n{target},Imported line\n"
    client.ask("POST", "/imports?existing=update", text, status=201, Content_Type="text/csv")


def tokens(client: Client) -> None:
    made = client.ask("POST", "/tokens", {"name": client.name, "scopes": ["dids:read"]}, status=201)
    client.ask("GET", "/dids?limit=1", token=made["token"])
    client.ask("DELETE", f"/tokens/{made['token_id']}", status=204)
    client.ask("GET", "/dids?limit=1", token=made["token"], status=401)


def json_reports(client: Client) -> None:
    for path in ("/log?limit=50", "/usage", "/users?limit=50", "/batches?limit=50"):
        client.ask("GET", path)


def json_refused(client: Client) -> None:
    client.ask("GET", "/nothing", status=404)
    client.ask("POST", "/dids", {"did_pattern": ""}, status=422)
    client.ask("POST", "/dids", "{", status=422)
    client.ask("GET", "/dids?cursor=abc", status=422)
    client.ask("GET", "/dids", login=f"stranger{client.random.randrange(STRANGERS)}:x", status=401)
    client.ask("GET", "/dids", token=f"didier_{client.new()}", status=401)


def pages(client: Client) -> None:
    """A visit to the panel, from signing in to signing out."""
    browser = client.browser = Browser(client.server)
    expect(browser.sign_in().status == 303)
    for page in (
        "",
        "dashboard",
        "dids",
        f"did/{SOURCE}",
        "copy",
        "batches",
        "users",
        "log",
        "changes",
        "console",
    ):
        answer = browser.get(f"/admin/{page}")
        expect(answer.status in {200, 303}, page, answer.status, answer.text)
    answer = browser.send("PATCH", f"/dids/{client.one()}", '{"did_description": "From the panel"}')
    expect(answer.status == 200, answer.status, answer.text)
    expect(browser.post("/admin/logout", {"csrf_token": browser.token}).status == 303)


def wrong_sign_in(client: Client) -> None:
    answer = Browser(client.server).sign_in(f"stranger{client.random.randrange(STRANGERS)}", client.new())
    expect(answer.status in {200, 401}, answer.status)


def watching(client: Client) -> None:
    for path in (
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/postman_collection.json",
        "/api/openapi.json",
    ):
        status, _ = client.send("GET", path, None, {})
        expect(status in {200, 404}, path, status)


def broken_off(client: Client) -> None:
    """A client that goes away before the answer, and one that has not sent all."""
    for length in ("0", "100"):
        other = http.client.HTTPConnection("127.0.0.1", client.server.port, timeout=60)
        other.request(
            "POST", f"{PATH}?function=version", b"", {"Content-Length": length, "Content-Type": FORM}
        )
        other.close()


KINDS: MappingProxyType[str, tuple[Callable[[Client], None], int]] = MappingProxyType({
    kind.__name__: (kind, weight)
    for kind, weight in {
        copy_did: 300, copy_list: 30, add_did: 60, update_did: 60, did_info: 60, list_dids: 30,
        did_log_export: 20, version: 30, legacy_users: 5, wrong_password: 10, locked_out: 10,
        bad_requests: 20, json_did: 20, json_pages: 10, json_search: 20, small_batch: 10, large_batch: 1,
        exports: 5, imports: 10, tokens: 10, json_reports: 10, json_refused: 10, pages: 3,
        wrong_sign_in: 3, watching: 5, broken_off: 10,
    }.items()
})  # fmt: skip
"""The kinds of calls, and how often each comes."""


@dataclass
class Sample:
    """What the process has at a moment."""

    seconds: float
    megabytes: float
    files: int
    threads: int
    done: int


@dataclass
class Soak:
    """Several clients at a *rate* of calls a second (none: as fast as they can) on one server."""

    server: Didier
    clients: int = 8
    rate: float | None = None
    first: int = 0  # the number of the first client: none may have been there before
    done: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)
    kept: int = 0
    lost: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(
        self, seconds: float, *, every: float = 5.0, tell: Callable[[Sample], None] | None = None
    ) -> None:
        """Call for *seconds*, after each kind once, and take a sample now and then."""
        process = Process(self.server.process.pid)
        threads = [threading.Thread(target=self._work, args=[number]) for number in range(self.clients)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        while (passed := time.monotonic() - began) < seconds:
            self._end.wait(min(every, seconds - passed))
            self.samples.append(self._sample(process, time.monotonic() - began))
            if tell:
                tell(self.samples[-1])
        self._end.set()
        for thread in threads:
            thread.join()

    def _sample(self, process: Process, seconds: float) -> Sample:
        done = sum(self.done.values())
        return Sample(round(seconds, 1), round(process.megabytes, 1), process.files, process.threads, done)

    def _work(self, number: int) -> None:
        client = Client(self.server, self.first + number, seed=self.first + number)
        names = list(KINDS)
        weights = [weight for _, weight in KINDS.values()]
        # Each client begins with its share of the kinds, so that none is left out of a short run.
        first = iter(names[number :: self.clients])
        due = time.monotonic()
        while True:
            name = next(first, None)
            if name is None:
                if self._end.is_set():
                    break
                name = client.random.choices(names, weights)[0]
            self._act(client, name)
            if self.rate:
                due += client.random.expovariate(self.rate / self.clients)
                if (pause := due - time.monotonic()) > 0:
                    self._end.wait(pause)
                else:
                    due = max(due, time.monotonic() - 5)
        lost = client.lost()
        client.close()
        with self._lock:
            self.kept += len(client.made)
            self.lost += lost

    def _act(self, client: Client, name: str) -> None:
        try:
            KINDS[name][0](client)
        except Exception as error:
            with self._lock:
                self.errors.append(f"{name}: {type(error).__name__}: {error}")
            client.close()
        with self._lock:
            self.done[name] += 1
