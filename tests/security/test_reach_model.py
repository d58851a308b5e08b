"""Somebody who tries everything, at every door, against a model of what they could do in the beginning.

The model is made from the rows of the database and the documentation's list of what each operation asks for;
it knows nothing of the rule that it tests (`didier.domain.reach`).
"""

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from sqlalchemy.engine import Engine

from didier.services.users.passwords import new_hash
from didier.storage.statements import insert, run
from support.asgi import Answer, Application, basic, bearer, serving

EXAMPLES = int(os.environ.get("REACH_EXAMPLES", "45"))
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


def powers(row: Row, scopes: frozenset[str] | None = None) -> set[Power]:
    """Return all that the user with *row* can do, as the documentation says."""
    if row["vdc_agent_api_access"] != "1":
        return set()
    listed = row["api_allowed_functions"].split()
    opened = None if scopes is None else {name for scope in scopes for name in SCOPES[scope]}
    found: set[Power] = set()
    for wanted, things in ((POWERS, _seen(row["user_group"])), (USER_POWERS, _users(row))):
        for name, (level, function, columns) in wanted.items():
            allowed = row["user_level"] >= level and (ALL in listed or function in listed)
            rights = all(any(row[c] == "1" for c in column.split("|")) for column in columns)
            if allowed and rights and (opened is None or name in opened):
                found |= {(name, thing) for thing in things}
    return found


def _seen(group: str) -> list[str]:
    visible = GROUPS.get(group, "")
    return [name for name in GROUPS if "---ALL---" in visible or name in visible.split()]


def _users(row: Row) -> list[str]:
    highest = row["user_level"] - (row["modify_same_user_level"] != "1")
    return [f"{level} {group}" for level in range(1, highest + 1) for group in _seen(row["user_group"])]


def _adversary(chance: Random) -> Row:
    """Return the row of somebody who may change users, with some rights and functions."""
    functions = {*chance.sample(FUNCTIONS, chance.randrange(6)), "add_user", "copy_user", "update_user"}
    return {
        **{flag: chance.choice("01") for flag in FLAGS},
        "user_level": chance.choice([8, *[9] * 5]),
        "user_group": chance.choice(["ADMIN", "EAST", "EAST", "LEAD"]),
        "api_allowed_functions": chance.choice([f" {ALL} ", f" {' '.join(sorted(functions))} "]),
        "vdc_agent_api_access": "1",
        "modify_users": "1",
        "modify_same_user_level": chance.choice("1110"),
    }


ASLEEP: list[Row] = [{}, {}, {}, {"vdc_agent_api_access": "0"}, {"user_level": 1}]
"""What keeps all rights of a user from counting, most often nothing."""


def _more(row: Row, chance: Random) -> Row:
    """Return what another user has beyond the one with *row*: whoever differs in much is out of any reach."""
    listed = row["api_allowed_functions"]
    functions = [name for name in FUNCTIONS if ALL not in listed and name not in listed]
    kinds: list[list[Row]] = [
        [{flag: "1"} for flag in FLAGS if row[flag] == "0"],
        [{"api_allowed_functions": f"{listed}{name} "} for name in functions],
        [{"user_group": group} for group in _seen(row["user_group"]) if group != row["user_group"]],
        [{"user_level": 9}] if row["user_level"] == 8 else [],
    ]
    return chance.choice(chance.choice([kind for kind in kinds if kind]))


def _setting(chance: Random) -> Row:
    name = chance.choice([*FUNCTIONS, "ALL"])
    return chance.choice([
        {"user_level": chance.randint(1, 9)},
        {"user_group": chance.choice(list(GROUPS))},
        {"active": chance.choice("YN")},
        {"api_allowed_functions": [name]},
        {chance.choice(FLAGS[:7]): True},
        {"vdc_agent_api_access": True, "user_level": 8},
    ])  # fmt: skip


READY = ({"view_reports": True, "api_allowed_functions": ["list_dids"]},
         {"modify_inbound_dids": True, "api_allowed_functions": ["copy_did"]})  # fmt: skip
"""What a new user needs to be good for anything, beside API Access."""


def _settings(chance: Random) -> Row:
    """Return settings of the JSON API, a password the most often: it is what is got hold of."""
    ready = {"vdc_agent_api_access": True, **chance.choice(READY), **_setting(chance)}
    two = {**_setting(chance), **_setting(chance)}
    changed = {"password": "changed"}
    return chance.choice([changed, changed, _setting(chance), two, ready])


def _as_vicidial(chance: Random) -> dict[str, str]:
    given = {
        "agent_user_level": str(chance.randint(1, 9)),
        "agent_user_group": chance.choice(list(GROUPS)),
        "active": chance.choice("YN"),
        "agent_pass": "updated",
    }
    return {name: given[name] for name in chance.sample(list(given), chance.randint(1, len(given)))}


def _scopes(chance: Random) -> frozenset[str]:
    return frozenset(chance.sample(list(SCOPES), chance.randint(1, len(SCOPES))))


def _password(by: Credential) -> tuple[str, str] | None:
    """Return name and password of a credential that is one, for the doors that take nothing else."""
    sent = by.headers.get("authorization", "")
    if not sent.startswith("Basic "):
        return None
    name, _, password = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
    return name, password


TARGETS = (*NAMES, *NAMES[1:], *NEW[:2])


class Somebody(RuleBasedStateMachine):
    """Tries whatever there is with all that they have got hold of."""

    def __init__(self, engine: Engine, app: Application, seed: int) -> None:
        super().__init__()
        self.chance = Random(seed)
        self.engine = engine
        self.app = app
        self.held: list[Credential] = []
        self.start: set[Power] = set()

    @initialize()
    def world(self) -> None:
        """Put users, groups and DIDs there; what somebody has in the beginning is one password or token."""
        chance = self.chance
        self._empty()
        adversary = _adversary(chance)
        self._add(NAMES[0], adversary)
        for name in NAMES[1:]:
            # Of a lower level, most often: levels alone would keep nearly everything from being tried.
            more = _more(adversary, chance)
            self._add(name, adversary | {"user_level": 8} | more | chance.choice(ASLEEP))
        narrowed = _scopes(chance) if chance.randrange(3) == 0 else None
        headers = basic(NAMES[0], PASSWORD)
        if narrowed is not None:
            answer = self.app.ask("POST", "/api/v1/tokens", headers, {"name": "t", "scopes": [*narrowed]})
            assert 201 == answer.status, answer.text
            headers = bearer(answer.body["token"])
        user_id = self._id(NAMES[0])
        self.held = [Credential(user_id, NAMES[0], headers, narrowed)]
        self.start = powers(self._rows()[user_id], narrowed)

    def _empty(self) -> None:
        with self.engine.begin() as conn:
            for table in ("vicidial_users", "vicidial_user_groups", "vicidial_inbound_dids", "didier_tokens",
                          "didier_sessions", "didier_batches", "didier_batch_items", "didier_changes",
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
                gained = powers(row, one.scopes) - self.start
                assert not gained, (one, sorted(gained)[:5])

    def _id(self, name: str) -> int:
        with self.engine.begin() as conn:
            return int(run(conn, "SELECT user_id FROM vicidial_users WHERE user = ?", name)[0][0])

    def _ask(self, by: Credential, method: str, path: str, body: Any = None) -> Answer:
        answer = self.app.ask(method, f"{by.door}{path}", by.headers, body)
        assert answer.status < 500, answer.text
        if answer.status == 401 and len(self.held) > 1 and by in self.held:
            self.held.remove(by)  # the password was changed, or the user is locked: it opens nothing now
        return answer

    @rule()
    def act(self) -> None:
        """Try one thing with one of the credentials."""
        self.chance.choice(self._acts())(self._one_of_the_held(), self.chance)

    def _one_of_the_held(self) -> Credential:
        """Return a credential, most often one that opens the most: whoever changes users gets further."""
        rows = self._rows()
        able = [
            one
            for one in self.held
            if one.user_id in rows
            and any(name == "change users" for name, _ in powers(rows[one.user_id], one.scopes))
        ]
        return self.chance.choice(able if able and self.chance.randrange(5) else self.held)

    def _acts(self) -> list[Callable[[Credential, Random], None]]:
        """Return what is tried, what gives most the most often."""
        on_users = [self.change_a_user, self.create_a_token, self.create_a_user, self.copy_a_user]
        as_vicidial = [self.update_a_user_as_vicidial, self.add_a_user_as_vicidial, self.unlock_a_user]
        return [*on_users * 3, *as_vicidial, self.enter_the_panel, self.work_with_dids, self.read_everything]

    def create_a_user(self, by: Credential, chance: Random) -> None:
        """By the JSON API, with any settings."""
        name, group, body = chance.choice(NEW), chance.choice(list(GROUPS)), _settings(chance)
        sent = {"user_group": group, **body, "user": name, "password": "created"}
        if self._ask(by, "POST", "/users", sent).status == 201:
            self._hold(Credential(self._id(name), name, basic(name, "created")))

    def change_a_user(self, by: Credential, chance: Random) -> None:
        """By the JSON API, themselves too."""
        name, body = chance.choice(TARGETS), _settings(chance)
        answer = self._ask(by, "PATCH", f"/users/{quote(name)}", body)
        if answer.status == 200 and "password" in body:
            self._hold(Credential(self._id(name), name, basic(name, "changed")))
        self._check()

    def create_a_token(self, by: Credential, chance: Random) -> None:
        """For anybody."""
        name, scopes = chance.choice(TARGETS), _scopes(chance)
        answer = self._ask(by, "POST", "/tokens", {"name": "t", "user": name, "scopes": sorted(scopes)})
        if answer.status == 201:
            self._hold(Credential(self._id(name), name, bearer(answer.body["token"]), frozenset(scopes)))

    def enter_the_panel(self, by: Credential, chance: Random) -> None:
        """With a password; the session can do what the user can."""
        if known := _password(by):
            headers = self.app.enter(*known)
            if headers:
                self._hold(Credential(by.user_id, by.name, headers, door="/admin/api/v1"))

    def add_a_user_as_vicidial(self, by: Credential, chance: Random) -> None:
        """By the Non-Agent API, which gives VICIdial's default functions."""
        name, level, group = chance.choice(NEW), chance.randint(1, 9), chance.choice(list(GROUPS))
        if known := _password(by):
            given = {"agent_user": name, "agent_pass": "added", "agent_user_level": str(level)}
            more = {"agent_full_name": "N", "agent_user_group": group}
            text = self.app.legacy(*known, "add_user", **given, **more)
            if text.startswith("SUCCESS"):
                self._hold(Credential(self._id(name), name, basic(name, "added")))

    def copy_a_user(self, by: Credential, chance: Random) -> None:
        """With the rights of the source."""
        name, source = chance.choice(NEW), chance.choice(TARGETS)
        if known := _password(by):
            given = {
                "agent_user": name,
                "agent_pass": "copied",
                "agent_full_name": "N",
                "source_user": source,
            }
            text = self.app.legacy(*known, "copy_user", **given)
            if text.startswith("SUCCESS"):
                self._hold(Credential(self._id(name), name, basic(name, "copied")))

    def update_a_user_as_vicidial(self, by: Credential, chance: Random) -> None:
        """By the Non-Agent API."""
        name, changes = chance.choice(TARGETS), _as_vicidial(chance)
        if known := _password(by):
            text = self.app.legacy(*known, "update_user", agent_user=name, **changes)
            if text.startswith("SUCCESS") and "agent_pass" in changes:
                self._hold(Credential(self._id(name), name, basic(name, "updated")))
            self._check()

    def unlock_a_user(self, by: Credential, chance: Random) -> None:
        """It gives nobody anything."""
        self._ask(by, "DELETE", f"/users/{quote(chance.choice(TARGETS))}/lock")
        self._check()

    def work_with_dids(self, by: Credential, chance: Random) -> None:
        """Whatever succeeds is something that could be done in the beginning, to DIDs of those groups."""
        pattern = f"1800555010{chance.randrange(len(GROUPS))}"
        number = chance.choice(["5550101", "5550102"])
        group = list(GROUPS)[int(pattern[-1])]
        tried: dict[str, Callable[[], Answer]] = {
            "show DIDs": lambda: self._ask(by, "GET", f"/dids/{pattern}"),
            "update DIDs": lambda: self._ask(by, "PATCH", f"/dids/{pattern}", {"extension": "8300"}),
            "copy DIDs": lambda: self._ask(by, "POST", "/copies", {"source": pattern, "targets": [number]}),
        }
        for name, ask in tried.items():
            answer = ask()
            assert answer.status >= 400 or (name, group) in self.start, (name, group, answer.text)

    def read_everything(self, by: Credential, chance: Random) -> None:
        """No answer has anything of a group that could not be seen in the beginning."""
        seen = {group for name, group in self.start if name in {"list DIDs", "show DIDs"}}
        for text in self._everything(by):
            for group in GROUPS:
                assert group in seen or f"SECRET OF {group}" not in text, (group, text[:200])

    def _everything(self, by: Credential) -> Iterator[str]:
        for path in ("/dids", "/batches", "/exports/dids.csv", "/log"):
            yield self._ask(by, "GET", path).text
        for number in range(len(GROUPS)):
            yield self._ask(by, "GET", f"/dids/1800555010{number}/history").text
        for batch in self._ask(by, "GET", "/batches").body.get("items", ()):
            yield self._ask(by, "GET", f"/batches/{batch['id']}").text
        if known := _password(by):
            yield self.app.legacy(*known, "list_dids")
            yield self.app.legacy(*known, "did_info", did_pattern="18005550101")


def test_nobody_gets_more_by_their_own_acts(engine):
    """Whatever somebody does, in whatever order: what they hold in the end does not open more than before.

    Each world is one example with a seed of its own: of those that hypothesis draws four in five repeat what
    it has drawn before, which leaves a walk like this hardly anywhere new.
    """
    with serving(engine) as app:
        for world in range(EXAMPLES):
            run_state_machine_as_test(
                partial(Somebody, engine, app, world),
                settings=settings(
                    max_examples=1,
                    stateful_step_count=STEPS,
                    derandomize=True,
                    phases=[Phase.generate],
                    database=None,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
