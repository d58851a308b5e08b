"""Measures the panel's pages on a database with a million DIDs: seconds in the server, as a browser waits."""

import http.client
import re
import time
from collections.abc import Iterator
from urllib.parse import urlencode

from databases import bare, prepared
from rows import Options, Row, alone, at_most
from servers import didier, workplace

from didier.storage.statements import run
from didier.storage.tables import DIDS

COUNT = 1_000_000
REQUESTS = 15
TARGET = at_most(100)

PAGES = {
    "list, first page": "/dids",
    "list, newest first": "/dids?sort=-did_id",
    "list, by description": "/dids?sort=did_description",
    "search, whole number": "/dids?search=18002765432",
    "search, another spelling": "/dids?search=%2B1+(800)+276-5432",
    "search, within numbers": "/dids?search=18002765432&within=1",
    "search, the end of a number": "/dids?search=65432",
    "search, description of one": "/dids?search=needle",
    "search, nothing found": "/dids?search=nowhere",
    "filter, in-group of a few": "/dids?group_id=FEW",
    "filter, route of a few": "/dids?route=CALLMENU",
    "filter, inactive ones": "/dids?active=N",
    "one DID": "/did/18002765432",
    "dashboard, its frame": "/dashboard",
    "API log": "/log",
    "change log": "/changes",
    "users": "/users",
    "console": "/console",
}


class Visitor:
    """A browser that is signed in, on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        visit, text = self._ask("GET", "/login")
        token = re.search(r'name="csrf_token" value="(\w+)"', text)
        assert token
        self._cookie = visit
        self._cookie, _ = self._ask(
            "POST", "/login", urlencode({"csrf_token": token[1], "user": "admin", "password": "1234"})
        )

    _cookie = ""

    def _ask(self, method: str, path: str, body: str | None = None) -> tuple[str, str]:
        headers = {"Cookie": self._cookie, "Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request(method, f"/admin{path}", body, headers)
        response = self._connection.getresponse()
        text = response.read().decode()
        assert response.status in {200, 303}, text
        return (response.getheader("set-cookie") or "").partition(";")[0], text

    def milliseconds(self, path: str) -> list[float]:
        """Return how long a page takes, again and again."""
        taken = []
        for _ in range(REQUESTS):
            began = time.perf_counter()
            self._ask("GET", path)
            taken.append((time.perf_counter() - began) * 1000)
        return taken

    def following(self, path: str, pages: int) -> str:
        """Return the address of the page that is *pages* behind the first."""
        for _ in range(pages):
            _, text = self._ask("GET", path)
            link = re.search(r'rel="next" href="([^"]+)"', text)
            assert link
            path = f"/dids{link[1].replace('&amp;', '&')}"
        return path


def lists(options: Options) -> Iterator[Row]:
    """Lists and searches of a million DIDs, on SQLite."""
    count = min(COUNT, options.largest)
    with workplace() as directory:
        engine = prepared(f"sqlite:///{directory}/didier.db")
        bare(engine, count)
        _vary(engine)
        engine.dispose()
        with didier(directory) as (_, port):
            visitor = Visitor(port)
            pages = {**PAGES, "list, page 51": visitor.following("/dids", 50)}
            for name, path in pages.items():
                yield alone(f"panel, {count:,} DIDs: {name}", "ms", visitor.milliseconds(path), TARGET)


def _vary(engine) -> None:
    """Give some of the DIDs what searches look for."""
    changes = {
        "did_description = 'A needle in the hay'": "did_id = 600000",
        "group_id = 'FEW'": "did_id % 100000 = 0",
        "did_route = 'CALLMENU'": "did_id % 200000 = 0",
        "did_active = 'N'": "did_id % 3 = 0",
    }
    with engine.begin() as conn:
        for change, which in changes.items():
            run(conn, f"UPDATE {DIDS} SET {change} WHERE {which}")
