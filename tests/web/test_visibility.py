"""Nobody reads what belongs to another user group: every operation that reads, as each kind of caller.

What can be read is taken from the OpenAPI document, `FUNCTIONS` and the pages of the panel: what is added
later is asked from its first day on. A parameter that nobody has named values for fails the test.
"""

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from urllib.parse import quote, urlencode

import pytest

from didier.vicidial.function import Report
from didier.vicidial.functions import FUNCTIONS
from didier.vicidial.parameters import FORMS
from didier.web.admin.site import PAGES
from support.browsers import Browser
from support.server import Didier
from support.usage import count_for
from web.api.conftest import Api

ALPHA, BRAVO = ("alphamark", "5551111"), ("bravomark", "5557777")
"""Texts and numbers that belong to one of the two groups alone, at some time or at all times."""

PASSWORD = "secret-1"
NUMBERS = (
    "55511110001", "55511110002", "55577770001", "55577770002", "5550003", "5550004", "5550005", "5550006",
    "5550007",
)  # fmt: skip
USERS = ("alpha", "bravo", "mover", "bravomarkuser")
TODAY = date.today().isoformat()


@dataclass(frozen=True)
class World:
    """A server with two user groups, and callers of each kind."""

    server: Didier
    token: str  # of the administrator, for the numbers of ALPHA

    def api(self, user: str) -> Api:
        if user == "token":
            return Api(self.server, token=self.token)
        return Api(self.server) if user == "admin" else Api(self.server, user, PASSWORD)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """DIDs of both groups, some moved between them, copies across, batches, calls, logs, references."""
    directory = tmp_path_factory.mktemp("world")
    database = f"sqlite:///{directory}/didier.db"
    server = Didier(
        directory, "--demo", "--database", database, environment={"DIDIER_RATE_LIMIT": "0"}
    ).start()
    admin = Api(server)
    _groups(server, admin)
    _dids(server, admin)
    _work(server)
    narrow = {"name": "narrow", "scopes": ["dids:read", "reports"], "pattern_prefix": "5551111"}
    yield World(server, _sent(admin.post("/tokens", narrow))["token"])
    server.stop()


def _sent(reply) -> dict:
    assert reply.status < 300, reply.text
    return json.loads(reply.text) if reply.text else {}


def _groups(server: Didier, admin: Api) -> None:
    rights = {
        "vdc_agent_api_access": True, "view_reports": True, "modify_users": True, "delete_inbound_dids": True,
        "modify_inbound_dids": True, "api_allowed_functions": ["ALL"], "user_level": 9, "password": PASSWORD,
    }  # fmt: skip
    for group in ("ALPHA", "BRAVO"):
        server.sql(
            "INSERT INTO vicidial_user_groups (user_group, group_name, admin_viewable_groups)"
            " VALUES (?, ?, ?)",
            group, f"{group}mark people", f" {group} ",
        )  # fmt: skip
        mark = f"{group.upper()}MARK"
        sql = "INSERT INTO vicidial_inbound_groups (group_id, group_name, user_group) VALUES (?, ?, ?)"
        server.sql(sql, f"{mark}LINE", mark, group)
        sql = "INSERT INTO vicidial_call_menu (menu_id, menu_name, user_group) VALUES (?, ?, ?)"
        server.sql(sql, f"{mark}MENU", mark, group)
        gateways = [{"address": f"{mark.lower()}.example.com", "description": mark}]
        rules = [{"default": True}]
        values = {"gateways": gateways, "rules": rules, "user_group": group}
        _sent(admin.ask("PUT", f"/gateways/{group}", values))
    for user in USERS:
        group = "ALPHA" if user == "alpha" else "BRAVO"
        _sent(admin.post("/users", {**rights, "user": user, "user_group": group, "full_name": f"The {user}"}))


def _dids(server: Didier, admin: Api) -> None:
    """Let the administrator, who sees everything, work in both groups and between them."""
    bravo, alpha = {"user_group": "BRAVO"}, {"user_group": "ALPHA"}
    _sent(admin.add("55577770001", did_description="bravomark one", group_id="BRAVOMARKLINE", **bravo))
    _sent(admin.add("55511110001", did_description="alphamark one", group_id="ALPHAMARKLINE", **alpha))
    _sent(admin.add("5550003", did_description="bravomark at first", **bravo))
    _sent(admin.patch("/dids/5550003", {"did_description": "bravomark later"}))
    _sent(admin.patch("/dids/5550003", {"did_description": "alphamark now", **alpha}))
    _sent(admin.add("5550004", did_description="alphamark at first", **alpha))
    _sent(admin.patch("/dids/5550004", {"did_description": "bravomark now", **bravo}))
    _sent(admin.patch("/dids/5550004", {"did_description": "bravomark later", "menu_id": "BRAVOMARKMENU"}))
    across = {"did_description": "alphamark copy", "group_id": "", **alpha}
    _sent(admin.post("/copies", {"source": "55577770001", "targets": ["5550005"], "overrides": across}))
    across = {"did_description": "bravomark copy", "group_id": "", **bravo}
    _sent(admin.post("/copies", {"source": "55511110001", "targets": ["5550006"], "overrides": across}))
    _sent(admin.post("/copies", {"source": "55511110001", "targets": ["5550007"]}))
    table = (
        "did_pattern,user_group,did_description\n55577770002,BRAVO,bravomark two\n"
        "55511110002,ALPHA,alphamark two\n"
    )
    _sent(admin.ask("POST", "/imports", table, {"Content-Type": "text/csv"}))
    rows = "did_pattern,user_group\n55577770090,BRAVO\n55511110090,ALPHA\n"
    copied = "/copies?source=5550003&set=did_description=both-groups"
    _sent(admin.ask("POST", copied, rows, {"Content-Type": "text/csv"}))
    for did_id, number in server.sql("SELECT did_id, did_pattern FROM vicidial_inbound_dids"):
        for taker in (did_id, 9999):
            server.sql(
                "INSERT INTO vicidial_did_log (uniqueid, channel, server_ip, extension, call_date, did_id,"
                " caller_id_number) VALUES ('u', 'c', '192.0.2.1', ?, ?, ?, ?)",
                number, f"{TODAY} 00:00:01", str(taker), f"{number}00",
            )  # fmt: skip
    count_for(server)


def _work(server: Didier) -> None:
    """Let users work in their groups; one of them is in the other group later."""
    for user, mark in (("alpha", ALPHA), ("bravo", BRAVO), ("mover", BRAVO)):
        api, number = Api(server, user, PASSWORD), f"{mark[1]}08{USERS.index(user)}"
        _sent(api.add(number, did_description=f"{mark[0]} of {user}"))
        _sent(api.patch(f"/dids/{number}", {"did_description": f"{mark[0]} changed"}))
        _sent(api.post("/copies", {"source": number, "targets": [f"{number}1", f"{number}2"]}))
        _sent(api.ask("DELETE", f"/dids/{number}1"))
        undone = api.post("/copies", {"source": number, "targets": [f"{number}3"]})
        _sent(api.post(f"/batches/{_sent(undone)['id']}/undo", {}))
        _sent(api.post("/tokens", {"name": f"Token of {user}", "scopes": ["dids:read"]}))
        for function in ("did_info", "list_dids"):
            asked = {"user": user, "pass": PASSWORD, "did_pattern": number, "search": number}
            server.call(function=function, source="test", **asked)
        assert 404 == api.get("/dids/5558888").status
    server.sql("UPDATE vicidial_users SET user_group = 'ALPHA' WHERE user = 'mover'")


# What may be asked --------------------------------------------------------------------------------

ENDING = "seconds"
"""With it an answer ends that would have no end."""

BEGINNING = "after"
"""Without it nothing is told but what comes."""

TEXTS = ("mark", "bravomark", "alphamark", "555")
VALUES: dict[str, tuple[str, ...]] = {
    "pattern": NUMBERS, "did_pattern": NUMBERS, "phone_number": NUMBERS, "number": NUMBERS, "did": NUMBERS,
    "copied_from": NUMBERS, "source": NUMBERS, "targets": (), "batch_id": tuple(map(str, range(1, 41))),
    "user": (*USERS, "admin"),
    "name": (*USERS, "admin", "active", "today", "idle", "routes", "copies", "refusals", "called", "unknown",
    "calls", "nowhere", "strangers", "uncalled"), "agent_user": USERS,
    "caller": (*USERS, "admin"), "search": TEXTS,
    "carrier": TEXTS, "user_group": ("ALPHA", "BRAVO"), "group_id": ("ALPHAMARKLINE", "BRAVOMARKLINE"),
    "of": ("DID", "in-group", "call menu", "user", "user group"), "date": (TODAY,), "day": (TODAY,),
    "token_id": tuple(map(str, range(1, 8))), "function": ("copy_did", "did_info", "add_user"),
    "section": ("DIDS", "USERS"), "kind": ("copy", "add", "update", "delete", "import", "context", "loop",
    "spelling", "configuration", "destination"), "prefix": ("155", "255", "5"),
    "limit": ("2", "200"), "menu_id": ("BRAVOMARKMENU", "ALPHAMARKMENU"), "extension": ("BRAVOMARKPHONE",),
    "server_ip": ("192.0.2.1",), "server_id": ("BRAVOMARKSERVER",), "destination": TEXTS, "tag": TEXTS,
    "webhook_id": ("1",), "period": ("today",), ENDING: ("1",), BEGINNING: ("0",),
    "types": ("did.*", "batch.*", "user.*", "gateway_set.*"),
}  # fmt: skip
"""Values of parameters that name something."""

ORDINARY = frozenset({
    "active", "cursor", "did_route", "format", "header", "offset", "outcome", "result", "route", "since",
    "sort", "stage", "state", "until", "q", "locked", "total", "reason", "leads_nowhere", "check", "at",
    "wait", "fields", "against", "drift", "drift_fields", "time_zone", "by", "days", "fewer_than",
})  # fmt: skip
"""Parameters that name nothing."""


def _questions(names: list[str], needed: list[str]) -> Iterator[dict[str, str]]:
    """Yield what may be asked: each value of what is needed, and then one more parameter each."""
    unknown = {*names, *needed} - VALUES.keys() - ORDINARY
    assert not unknown, f"name values for the parameters {sorted(unknown)}"
    for chosen in itertools.product(*(VALUES[name] for name in needed)):
        given = dict(zip(needed, chosen, strict=True))
        yield given
    for name in names:
        for value in VALUES.get(name, ()):
            yield {**given, name: value}


def _operations(server: Didier) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of each operation of the JSON API that reads, with what it is asked."""
    document = json.loads(server.get("/api/v1/openapi.json")[1])
    for path, methods in document["paths"].items():
        if "get" not in methods:
            continue
        parameters = methods["get"].get("parameters", [])
        by_place = {place: [p["name"] for p in parameters if p["in"] == place] for place in ("path", "query")}
        queried = (p for p in parameters if p["in"] == "query")
        required = [p["name"] for p in queried if p.get("required") or p["name"] in {ENDING, BEGINNING}]
        optional = [name for name in by_place["query"] if name not in required]
        for asked in _questions(optional, by_place["path"] + required):
            address = path
            for name in by_place["path"]:
                address = address.replace(f"{{{name}}}", quote(asked[name]))
            query = {name: value for name, value in asked.items() if name not in by_place["path"]}
            yield f"{address}?{urlencode(query)}", asked


def _functions() -> Iterator[dict[str, str]]:
    """Yield the parameters of each call of a function that reads."""
    forms = [form for form in FORMS if isinstance(FUNCTIONS.get(form.function), Report)]
    assert {name for name, function in FUNCTIONS.items() if isinstance(function, Report)} == {
        form.function for form in forms
    }
    for form in forms:
        needed = [one.name for one in form.parameters if one.required]
        optional = [one.name for one in form.parameters if not one.required]
        for asked in _questions(optional, needed):
            yield {"function": form.function, "source": "test", **asked}


PAGE_PARAMETERS = ["search", "copied_from", "source", "caller", "user", "did", "section", "function"]


def _pages() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of each page of the panel, with what it is asked."""
    paths = {
        f"{page.path}{method._route_path}"
        for page in PAGES
        for method in vars(page).values()
        if "GET" in getattr(method, "_route_methods", ())
    }
    for path in sorted(paths):
        names = re.findall(r"{(\w+)}", path)
        optional = ["of"] if path == "/choices" else [] if names else PAGE_PARAMETERS
        for asked in _questions(optional, names):
            address = path
            for name in names:
                address = address.replace(f"{{{name}}}", quote(asked[name]))
            query = {name: value for name, value in asked.items() if name not in names}
            yield f"/admin{address}?{urlencode(query)}", asked


# What is answered ---------------------------------------------------------------------------------


def _marks(text: str, asked: dict[str, str], marks: tuple[str, ...]) -> list[str]:
    """Return the words with one of *marks* in an answer; what was asked may be said again."""
    told = text.lower()
    for value in sorted(asked.values(), key=len, reverse=True):
        told = re.sub(rf"(?<![\w-]){re.escape(value.lower())}(?![\w-])", "", told)
    told = re.sub(r"(search|copied_from|source|targets|did|caller|user)=[\w.-]*", "", told)
    return sorted({word for word in re.findall(r"[\w-]+", told) if any(mark in word for mark in marks)})


HIDDEN = {"alpha": BRAVO, "mover": BRAVO, "bravo": ALPHA, "token": BRAVO}
READERS = pytest.mark.parametrize("user", HIDDEN)


@READERS
def test_the_json_api_tells_nothing_of_another_group(world, user):
    """Whatever is asked, of single things, in lists, by filters and in exports."""
    api = world.api(user)
    told = {}
    for address, asked in _operations(world.server):
        answer = api.get(address.removeprefix("/api/v1"))
        assert answer.status < 500, (address, answer.text)
        if found := _marks(answer.text, asked, HIDDEN[user]):
            told[address] = found

    assert {} == told


@pytest.mark.parametrize("user", ["alpha", "mover", "bravo"])
def test_the_non_agent_api_tells_nothing_of_another_group(world, user):
    """Every function that reads, with each of its parameters."""
    told = {}
    for asked in _functions():
        answer = world.server.call(user=user, **{"pass": PASSWORD}, **asked)
        if found := _marks(answer, asked, HIDDEN[user]):
            told[str(asked)] = found

    assert {} == told


@pytest.mark.parametrize("user", ["alpha", "mover", "bravo"])
def test_the_panel_tells_nothing_of_another_group(world, user):
    """Every page, with each filter."""
    browser = Browser(world.server)
    assert 303 == browser.sign_in(user, PASSWORD).status
    told = {}
    for address, asked in _pages():
        answer = browser.get(address)
        assert answer.status < 500, (address, answer.text)
        if found := _marks(answer.text, asked, HIDDEN[user]):
            told[address] = found

    assert {} == told


def test_there_is_something_to_tell(world):
    """The administrator is told of both groups by every operation that tells of DIDs, changes or users."""
    api = world.api("admin")
    told = {"".join(f"/{part}" for part in re.findall(r"[a-z][a-z.]+", address.partition("?")[0])[1:])
            for address, asked in _operations(world.server)
            if _marks(api.get(address.removeprefix("/api/v1")).text, {}, BRAVO)}  # fmt: skip

    assert {
        "/dids",
        "/dids/history",
        "/batches",
        "/batches/items",
        "/changes",
        "/exports/dids.csv",
        "/log",
        "/usage",
    } <= told


@pytest.mark.parametrize("user", ["alpha", "bravo"])
def test_each_group_is_told_of_what_is_its_own(world, user):
    """A rule that hides everything would be none."""
    own = {"alpha": ALPHA, "bravo": BRAVO}[user]
    api = world.api(user)
    seen = "".join(api.get(path).text for path in (
        "/dids?limit=200", "/batches?limit=200", "/log?limit=200", f"/dids/{own[1]}0001/history",
    )).lower()  # fmt: skip

    assert all(mark in seen for mark in own)
    assert f"{own[0]} changed" in seen
