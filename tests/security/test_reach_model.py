"""Somebody who tries everything, at every door, against a model of what they could do in the beginning.

The model is made from the rows of the database and the documentation's list of what each operation asks for;
it knows nothing of the rule that it tests (`didier.domain.reach`).
"""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy.engine import Engine

from didier.services.passwords import new_hash
from didier.storage.statements import insert, run
from support.asgi import Answer, Application, basic, bearer, serving

EXAMPLES = int(os.environ.get("REACH_EXAMPLES", "20"))
"""Worlds that somebody tries to get more of, on each database."""

STEPS = 25
PASSWORD = "1234"
HASH = new_hash(PASSWORD)
ALL = "ALL_FUNCTIONS"

FLAGS = (
    "vdc_agent_api_access", "modify_inbound_dids", "delete_inbound_dids", "view_reports", "modify_users",
    "delete_users", "ast_admin_access", "modify_same_user_level", "ignore_ip_list",
)  # fmt: skip
# The leads are seen by those of the east, and see more.
GROUPS = {"ADMIN": " ---ALL--- ", "EAST": " EAST LEAD ", "WEST": " WEST ", "LEAD": " EAST LEAD WEST "}
NAMES = ("ann", "bob", "cat", "dan")
NEW = ("new1", "new2", "new3")

FUNCTIONS = (
    "add_did", "copy_did", "update_did", "delete_did", "list_dids", "did_info", "did_log_export", "api_log",
    "add_user", "copy_user", "update_user", "delete_user", "user_details", "server_refresh",
)  # fmt: skip

# What each thing that can be done with DIDs, users and logs asks for: level, function, all of these columns
# ("a|b": one of two).
POWERS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "create DIDs": (8, "add_did", ("modify_inbound_dids",)),
    "copy DIDs": (8, "copy_did", ("modify_inbound_dids",)),
    "update DIDs": (8, "update_did", ("modify_inbound_dids",)),
    "delete DIDs": (8, "delete_did", ("delete_inbound_dids",)),
    "delete DIDs by update_did": (8, "update_did", ("modify_inbound_dids", "delete_inbound_dids")),
    "undo copies": (8, "copy_did", ("modify_inbound_dids", "delete_inbound_dids")),
    "list DIDs": (7, "list_dids", ("view_reports|modify_inbound_dids",)),
    "show DIDs": (7, "did_info", ("view_reports|modify_inbound_dids",)),
    "show calls": (7, "did_log_export", ("view_reports",)),
    "show the log": (7, "api_log", ("view_reports",)),
    "refresh servers": (8, "server_refresh", ("ast_admin_access",)),
}
USER_POWERS: dict[str, tuple[int, str, tuple[str, ...]]] = {
    "create users": (8, "add_user", ("modify_users",)),
    "copy users": (8, "copy_user", ("modify_users",)),
    "change users": (8, "update_user", ("modify_users",)),
    "delete users": (8, "update_user", ("modify_users", "delete_users")),
    "show users": (7, "user_details", ("view_reports",)),
}
SCOPES = {
    "dids:read": {"list DIDs", "show DIDs"},
    "dids:write": set(POWERS) - {"list DIDs", "show DIDs", "show calls", "show the log", "refresh servers"},
    "users": {"create users", "copy users", "change users", "delete users", "show users"},
    "reports": {"show calls", "show the log"},
}  # fmt: skip

Row = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]
Power = tuple[str, str]
"""What can be done, and the group of DIDs, or the level and group of users, that it is done to."""


@dataclass(frozen=True)
class Credential:
    """Something to sign in with that somebody has got hold of."""

    user_id: int
    name: str
    headers: dict[str, str] = field(hash=False, compare=False)
    scopes: frozenset[str] | None = None
    prefix: str | None = None
    door: str = "/api/v1"


def powers(row: Row, groups: dict[str, str], scopes: frozenset[str] | None = None) -> set[Power]:
    """Return all that the user with *row* can do, as the documentation says."""
    if row["vdc_agent_api_access"] != "1":
        return set()
    listed = row["api_allowed_functions"].split()
    opened = None if scopes is None else {name for scope in scopes for name in SCOPES[scope]}
    found: set[Power] = set()
    visible = groups.get(row["user_group"], "")
    for wanted, things in ((POWERS, _dids(visible)), (USER_POWERS, _users(row, visible))):
        for name, (level, function, columns) in wanted.items():
            allowed = row["user_level"] >= level and (ALL in listed or function in listed)
            rights = all(any(row[c] == "1" for c in column.split("|")) for column in columns)
            if allowed and rights and (opened is None or name in opened):
                found |= {(name, thing) for thing in things}
    return found


def _dids(visible: str) -> list[str]:
    return [group for group in GROUPS if "---ALL---" in visible or group in visible.split()]


def _users(row: Row, visible: str) -> list[str]:
    highest = row["user_level"] - (row["modify_same_user_level"] != "1")
    groups = [group for group in GROUPS if "---ALL---" in visible or group in visible.split()]
    return [f"{level} {group}" for level in range(1, highest + 1) for group in groups]


FUNCTION_LISTS = st.just(f" {ALL} ") | st.sets(st.sampled_from(FUNCTIONS), max_size=5).map(
    lambda names: f" {' '.join(sorted({*names, 'add_user', 'copy_user', 'update_user'}))} "
)
SETTING = {
    "user_level": st.sampled_from([1, 7, 8, 9]),
    "user_group": st.sampled_from(sorted(GROUPS)),
    "api_allowed_functions": FUNCTION_LISTS,
    **dict.fromkeys(FLAGS, st.sampled_from("01")),
}
ADVERSARY = st.fixed_dictionaries({
    **SETTING,
    "user_level": st.sampled_from([8, 9, 9]),
    "user_group": st.sampled_from(["ADMIN", "EAST", "EAST", "LEAD"]),
    "vdc_agent_api_access": st.just("1"),
    "modify_users": st.just("1"),
    "modify_same_user_level": st.sampled_from("1110"),
})  # fmt: skip
DORMANT = st.sampled_from([{}, {}, {}, {"vdc_agent_api_access": "0"}, {"user_level": 1}])
"""What keeps all rights of a user from counting, most often nothing."""


def _more(row: Row, place: int) -> Row:
    """Return what another user has beyond the one with *row*: whoever differs in much is out of any reach."""
    listed = row["api_allowed_functions"]
    functions = [name for name in FUNCTIONS if ALL not in listed and name not in listed]
    kinds: list[list[Row]] = [
        [{flag: "1"} for flag in FLAGS if row[flag] == "0"],
        [{"api_allowed_functions": f"{listed}{name} "} for name in functions],
        [{"user_group": group} for group in GROUPS if group != row["user_group"]],
        [{"user_level": 9}] if row["user_level"] == 8 else [],
    ]
    gains: list[Row] = kinds[place % len(kinds)] or [{}]
    return gains[place // len(kinds) % len(gains)]


ONE_SETTING = st.one_of(
    st.integers(1, 9).map(lambda level: {"user_level": level}),
    st.sampled_from(sorted(GROUPS)).map(lambda group: {"user_group": group}),
    st.sampled_from("YN").map(lambda active: {"active": active}),
    st.sampled_from([*FUNCTIONS, "ALL"]).map(lambda name: {"api_allowed_functions": [name]}),
    st.sampled_from(FLAGS[:7]).map(lambda flag: {flag: True}),
    st.just({"vdc_agent_api_access": True, "user_level": 8}),
)
READY = ({"view_reports": True, "api_allowed_functions": ["list_dids"]},
         {"modify_inbound_dids": True, "api_allowed_functions": ["copy_did"]})  # fmt: skip
"""What a new user needs to be good for anything, beside API Access."""

TWO_SETTINGS = st.tuples(ONE_SETTING, ONE_SETTING).map(lambda pair: {**pair[0], **pair[1]})
READY_SETTINGS = st.tuples(st.sampled_from(READY), ONE_SETTING).map(
    lambda pair: {"vdc_agent_api_access": True, **pair[0], **pair[1]}
)
# Chosen by hand: of strategies that are joined each of their parts would be as likely as a password.
SETTINGS = st.sampled_from(["password", "password", "one", "two", "ready"]).flatmap(
    lambda kind: {
        "password": st.just({"password": "changed"}),
        "one": ONE_SETTING,
        "two": TWO_SETTINGS,
        "ready": READY_SETTINGS,
    }[kind]
)
NEW_NAMES, LEVELS = st.sampled_from(NEW), st.integers(1, 9)
SOME_SCOPES = st.sets(st.sampled_from(sorted(SCOPES)), min_size=1)
VICIDIAL_SETTINGS = st.fixed_dictionaries({}, optional={
    "agent_user_level": st.integers(1, 9).map(str),
    "agent_user_group": st.sampled_from(sorted(GROUPS)),
    "active": st.sampled_from("YN"),
    "agent_pass": st.just("updated"),
})  # fmt: skip
TARGETS = st.sampled_from([*NAMES, NAMES[0], *NAMES[1:], *NEW[:2]])


class Somebody(RuleBasedStateMachine):
    """Tries whatever there is with all that they have got hold of."""

    def __init__(self, engine: Engine, app: Application) -> None:
        super().__init__()
        self.engine = engine
        self.app = app
        self.held: list[Credential] = []
        self.start: set[Power] = set()

    @initialize(
        adversary=ADVERSARY,
        gains=st.lists(st.integers(0, 1_000), min_size=3, max_size=3),
        dormant=st.lists(DORMANT, min_size=3, max_size=3),
        scopes=st.none() | st.none() | st.sets(st.sampled_from(sorted(SCOPES)), min_size=1),
    )
    def world(self, adversary: Row, gains: list[int], dormant: list[Row], scopes: set[str] | None) -> None:
        """Put users, groups and DIDs there; what somebody has in the beginning is one password or token."""
        self._empty()
        self._add(NAMES[0], adversary)
        for name, place, sleep in zip(NAMES[1:], gains, dormant, strict=True):
            # Of a lower level, most often: levels alone would keep nearly everything from being tried.
            self._add(name, adversary | {"user_level": 8} | _more(adversary, place) | sleep)
        narrowed = frozenset(scopes) if scopes else None
        headers = basic(NAMES[0], PASSWORD)
        if narrowed is not None:
            answer = self.app.ask("POST", "/api/v1/tokens", headers, {"name": "t", "scopes": [*narrowed]})
            assert 201 == answer.status, answer.text
            headers = bearer(answer.body["token"])
        user_id = self._id(NAMES[0])
        self.held = [Credential(user_id, NAMES[0], headers, narrowed)]
        self.start = powers(self._rows()[user_id], GROUPS, narrowed)

    def _empty(self) -> None:
        with self.engine.begin() as conn:
            for table in ("vicidial_users", "vicidial_user_groups", "vicidial_inbound_dids", "didier_tokens",
                          "didier_sessions", "didier_batches", "didier_batch_items", "didier_history",
                          "didier_unknown_names", "didier_lockouts", "didier_snapshots"):  # fmt: skip
                run(conn, f"DELETE FROM {table}")
            insert(conn, "vicidial_user_groups", ("user_group", "group_name", "admin_viewable_groups"),
                   [(name, name, visible) for name, visible in GROUPS.items()])  # fmt: skip
            columns = ("did_pattern", "did_description", "user_group", "did_route")
            rows = [
                (f"1800555010{n}", f"SECRET OF {group}", group, "EXTEN") for n, group in enumerate(GROUPS)
            ]
            insert(conn, "vicidial_inbound_dids", columns, rows)

    def _add(self, name: str, row: Row) -> None:
        columns = ("user", "pass", "pass_hash", "full_name", "active", *row)
        with self.engine.begin() as conn:
            plain = "" if conn.dialect.name == "sqlite" else PASSWORD
            values = (name, plain, "" if plain else HASH, name, "Y", *row.values())
            insert(conn, "vicidial_users", columns, [values])

    def _rows(self) -> dict[int, Row]:
        columns = ("user_id", "user", "active", "user_level", "user_group", "api_allowed_functions", *FLAGS)
        with self.engine.begin() as conn:
            found = run(conn, f"SELECT {', '.join(f'`{c}`' for c in columns)} FROM vicidial_users")
        return {row[0]: dict(zip(columns, row, strict=True)) for row in found}

    def _hold(self, *credentials: Credential) -> None:
        """Take what was got hold of, and look whether it opens more than there was in the beginning."""
        self.held += credentials
        self._check()

    def _check(self) -> None:
        rows = self._rows()
        for one in self.held:
            if row := rows.get(one.user_id):
                gained = powers(row, GROUPS, one.scopes) - self.start
                assert not gained, (one, sorted(gained)[:5])

    def _id(self, name: str) -> int:
        with self.engine.begin() as conn:
            return int(run(conn, "SELECT user_id FROM vicidial_users WHERE user = ?", name)[0][0])

    def _which(self, place: int) -> Credential:
        return self.held[place % len(self.held)]

    def _ask(self, place: int, method: str, path: str, body: Any = None) -> Answer:
        by = self._which(place)
        answer = self.app.ask(method, f"{by.door}{path}", by.headers, body)
        assert answer.status < 500, answer.text
        if answer.status == 401 and len(self.held) > 1:
            self.held.remove(by)  # the password was changed, or the user is locked: it opens nothing now
        return answer

    def _with_password(self, place: int) -> tuple[str, str] | None:
        """Return name and password of a credential that is one, for the doors that take nothing else."""
        sent = self._which(place).headers.get("authorization", "")
        if not sent.startswith("Basic "):
            return None
        name, _, password = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
        return name, password

    @rule(place=st.integers(0, 5), draw=st.data())
    def act(self, place: int, draw: st.DataObject) -> None:
        """Try one thing with one of the credentials."""
        draw.draw(st.sampled_from(self._acts()))(place, draw.draw)

    def _acts(self) -> list[Callable[[int, Draw], None]]:
        """Return what is tried, what gives most the most often."""
        on_users = [self.change_a_user, self.create_a_token, self.create_a_user, self.copy_a_user]
        as_vicidial = [self.update_a_user_as_vicidial, self.add_a_user_as_vicidial, self.unlock_a_user]
        return [*on_users * 3, *as_vicidial, self.enter_the_panel, self.work_with_dids, self.read_everything]

    def create_a_user(self, place: int, draw: Draw) -> None:
        """By the JSON API, with any settings."""
        name, group, body = draw(NEW_NAMES), draw(st.sampled_from(sorted(GROUPS))), draw(SETTINGS)
        sent = {"user_group": group, **body, "user": name, "password": "created"}
        if self._ask(place, "POST", "/users", sent).status == 201:
            self._hold(Credential(self._id(name), name, basic(name, "created")))

    def change_a_user(self, place: int, draw: Draw) -> None:
        """By the JSON API, themselves too."""
        name, body = draw(TARGETS), draw(SETTINGS)
        answer = self._ask(place, "PATCH", f"/users/{quote(name)}", body)
        if answer.status == 200 and "password" in body:
            self._hold(Credential(self._id(name), name, basic(name, "changed")))
        self._check()

    def create_a_token(self, place: int, draw: Draw) -> None:
        """For anybody."""
        name, scopes = draw(TARGETS), draw(SOME_SCOPES)
        answer = self._ask(place, "POST", "/tokens", {"name": "t", "user": name, "scopes": sorted(scopes)})
        if answer.status == 201:
            self._hold(Credential(self._id(name), name, bearer(answer.body["token"]), frozenset(scopes)))

    def enter_the_panel(self, place: int, draw: Draw) -> None:
        """With a password; the session can do what the user can."""
        if known := self._with_password(place):
            headers = self.app.enter(*known)
            if headers:
                by = self._which(place)
                self._hold(Credential(by.user_id, by.name, headers, door="/admin/api/v1"))

    def add_a_user_as_vicidial(self, place: int, draw: Draw) -> None:
        """By the Non-Agent API, which gives VICIdial's default functions."""
        name, level, group = draw(NEW_NAMES), draw(LEVELS), draw(st.sampled_from(sorted(GROUPS)))
        if known := self._with_password(place):
            given = {"agent_user": name, "agent_pass": "added", "agent_user_level": str(level)}
            more = {"agent_full_name": "N", "agent_user_group": group}
            text = self.app.legacy(*known, "add_user", **given, **more)
            if text.startswith("SUCCESS"):
                self._hold(Credential(self._id(name), name, basic(name, "added")))

    def copy_a_user(self, place: int, draw: Draw) -> None:
        """With the rights of the source."""
        name, source = draw(NEW_NAMES), draw(TARGETS)
        if known := self._with_password(place):
            given = {
                "agent_user": name,
                "agent_pass": "copied",
                "agent_full_name": "N",
                "source_user": source,
            }
            text = self.app.legacy(*known, "copy_user", **given)
            if text.startswith("SUCCESS"):
                self._hold(Credential(self._id(name), name, basic(name, "copied")))

    def update_a_user_as_vicidial(self, place: int, draw: Draw) -> None:
        """By the Non-Agent API."""
        name, changes = draw(TARGETS), draw(VICIDIAL_SETTINGS)
        if known := self._with_password(place):
            text = self.app.legacy(*known, "update_user", agent_user=name, **changes)
            if text.startswith("SUCCESS") and "agent_pass" in changes:
                self._hold(Credential(self._id(name), name, basic(name, "updated")))
            self._check()

    def unlock_a_user(self, place: int, draw: Draw) -> None:
        """It gives nobody anything."""
        self._ask(place, "DELETE", f"/users/{quote(draw(TARGETS))}/lock")
        self._check()

    def work_with_dids(self, place: int, draw: Draw) -> None:
        """Whatever succeeds is something that could be done in the beginning, to DIDs of those groups."""
        pattern = f"1800555010{draw(st.integers(0, len(GROUPS) - 1))}"
        number = draw(st.sampled_from(["5550101", "5550102"]))
        group = list(GROUPS)[int(pattern[-1])]
        tried: dict[str, Callable[[], Answer]] = {
            "show DIDs": lambda: self._ask(place, "GET", f"/dids/{pattern}"),
            "update DIDs": lambda: self._ask(place, "PATCH", f"/dids/{pattern}", {"extension": "8300"}),
            "copy DIDs": lambda: self._ask(
                place, "POST", "/copies", {"source": pattern, "targets": [number]}
            ),
        }
        for name, ask in tried.items():
            answer = ask()
            assert answer.status >= 400 or (name, group) in self.start, (name, group, answer.text)

    def read_everything(self, place: int, draw: Draw) -> None:
        """No answer has anything of a group that could not be seen in the beginning."""
        seen = {group for name, group in self.start if name in {"list DIDs", "show DIDs"}}
        for text in self._everything(place):
            for group in GROUPS:
                assert group in seen or f"SECRET OF {group}" not in text, (group, text[:200])

    def _everything(self, place: int) -> Iterator[str]:
        for path in ("/dids", "/batches", "/exports/dids.csv", "/log"):
            yield self._ask(place, "GET", path).text
        for number in range(len(GROUPS)):
            yield self._ask(place, "GET", f"/dids/1800555010{number}/history").text
        for batch in self._ask(place, "GET", "/batches").body.get("items", ()):
            yield self._ask(place, "GET", f"/batches/{batch['id']}").text
        if known := self._with_password(place):
            yield self.app.legacy(*known, "list_dids")
            yield self.app.legacy(*known, "did_info", did_pattern="18005550101")


def test_nobody_gets_more_by_their_own_acts(engine):
    """Whatever somebody does, in whatever order: what they hold in the end does not open more than before."""
    with serving(engine) as app:
        run_state_machine_as_test(
            lambda: Somebody(engine, app),
            settings=settings(
                max_examples=EXAMPLES,
                stateful_step_count=STEPS,
                derandomize=True,
                phases=[Phase.generate],  # to shrink what fails would take minutes
                report_multiple_bugs=False,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
