"""The interfaces: how each asks, in which circumstances, and how it words what is expected."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, ClassVar
from urllib.parse import urlencode

from pyotp import TOTP

from didier import errors
from didier.web.admin.cookies import SESSION
from didier.web.api import problems
from didier.web.api.callers import CODE_HEADER
from didier.web.api.routes import application
from security import circumstances as c
from security.circumstances import Circumstance
from security.functions import FUNCTIONS_ASKED, Function
from security.lines import lines
from security.operations import OPERATIONS, Operation
from security.pages import PAGES_OPENED, Opened
from security.rule import ALLOWED, LEVEL, PARTLY, Expected, Row
from security.world import CALLER, PARTS, PASSWORD, World
from support.server import PATH, Answer
from web.api.conftest import Api


class Interface:
    """A way in: *rows* are what is asked, *rights* and *entry* the circumstances."""

    name: ClassVar[str]
    level: ClassVar[int] = 1  # the lowest that is let in
    rows: ClassVar[Sequence[Row]]
    rights: ClassVar[Sequence[Circumstance]]
    entry: ClassVar[Sequence[Circumstance]]

    def expected(self, row: Row, circumstance: Circumstance) -> Expected:
        """Return what has to be answered to *row*."""
        return circumstance.expected(row, self.level)

    def ask(self, world: World, row: Any, circumstance: Circumstance) -> Answer:
        """Send the request."""
        raise NotImplementedError

    def worded(self, sent: Answer, row: Any) -> str:
        """Return what an answer says, in the interface's words; a success as `ALLOWED` or `PARTLY`."""
        raise NotImplementedError

    def words(self, expected: Expected, row: Any) -> Sequence[str]:
        """Return the words with which an answer may begin."""
        raise NotImplementedError

    def misnamed(self, sent: Answer, lacking: Sequence[str]) -> Sequence[str]:
        """Return what a refusal says to be missing beyond what is *lacking*."""
        return []


def shown(row: Row, text: str) -> str:
    """Say whether the thing that *row* is about stands in an answer."""
    return PARTLY if row.mark and row.mark not in text else ALLOWED


@cache
def addresses() -> Mapping[str, tuple[str, str]]:
    """Return method and address of each operation of the OpenAPI document."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, operations in application().openapi()["paths"].items()
        for method, operation in operations.items()
    }


class JsonApi(Interface):
    """The JSON API, with a password or a token."""

    name = "JSON API"
    rows = OPERATIONS
    rights = (*c.RIGHTS_COLUMNS, *c.TOKEN_COLUMNS)
    entry = (
        *c.BY_PASSWORD,
        c.WRONG_CODE,
        c.NOBODY,
        c.CROSS_SITE,
        *c.BY_TOKEN,
        c.TOKEN_LOCKED,
        c.TOKEN_FACTOR,
    )

    def expected(self, row: Row, circumstance: Circumstance) -> Expected:
        """Return what has to be answered: what only reads may be sent from anywhere."""
        if circumstance.refusal in {c.CrossSite, c.Forged} and _only_reads(row, circumstance):
            return ALLOWED
        return super().expected(row, circumstance)

    def ask(self, world: World, row: Operation, circumstance: Circumstance) -> Answer:
        """Send the request, signed in as the circumstance says."""
        method, path, body, headers = self.request(world, row, circumstance)
        if circumstance is c.CROSS_SITE:
            headers["Sec-Fetch-Site"] = "cross-site"
        return world.server.exchange(
            method, path, body, {**headers, **_authorization(world, circumstance.login)}
        )

    def request(
        self, world: World, row: Operation, circumstance: Circumstance
    ) -> tuple[str, str, str | None, dict[str, str]]:
        """Return method, address, body and headers."""
        method, template = addresses()[row.operation_id]
        ids = {name: str(world.ids[key]) for name, key in row.parts.items()}
        path = template.format_map({**PARTS, **ids}) + row.query
        headers = _code(world, row, circumstance)
        body = row.body
        if row.named:
            body = {**body, **{name: world.ids[key] for name, key in row.named.items()}}
        if row.gives:
            body = {**body, **{name: int(value) for name, value in circumstance.given.items()}}
            body = {name: bool(v) if name == "delete_inbound_dids" else v for name, v in body.items()}
        if body is None:
            return method, path, None, headers
        sent = body if isinstance(body, str) else json.dumps(body)
        return method, path, sent, {**headers, "Content-Type": row.kind}

    def worded(self, sent: Answer, row: Operation) -> str:
        """Return status and type of a problem."""
        if sent.status < 300:
            return shown(row, sent.text)
        if sent.headers.get("content-type") != problems.MEDIA_TYPE:
            return f"{sent.status} {sent.text[:40]}"
        return f"{sent.status} {json.loads(sent.text)['type'].removeprefix(problems.BASE)}"

    def words(self, expected: Expected, row: Operation) -> Sequence[str]:
        """Return status and type of the problem that is expected."""
        return [expected] if isinstance(expected, str) else [_problem(expected)]

    def misnamed(self, sent: Answer, lacking: Sequence[str]) -> Sequence[str]:
        """Return what `missing` names wrongly; a scope is told by the token alone."""
        found = json.loads(sent.text).get("missing", [])
        wrong = [text for text in found if not any(f"{name} " in text for name in (*lacking, "Scopes"))]
        return wrong if found else ["nothing"]


def _code(world: World, row: Row, circumstance: Circumstance) -> dict[str, str]:
    """Return the header with the one-time code, where the request or the sign-in asks for one."""
    if circumstance is c.WRONG_CODE:
        return {CODE_HEADER: "wrong"}
    return {CODE_HEADER: TOTP(world.secret).now()} if row.factor and circumstance is not c.NO_CODE else {}


def _only_reads(row: Row, circumstance: Circumstance) -> bool:
    """Say whether the request changes nothing, nor comes from a site that the panel does not answer."""
    method = addresses()[row.operation_id][0]  # type: ignore[attr-defined]  # its rows are operations
    return method == "GET" and circumstance is not c.FOREIGN


_KINDS: Mapping[Any, problems.ProblemType] = {
    **problems.TYPES, c.NotSignedIn: problems.NOT_SIGNED_IN, c.CrossSite: problems.CROSS_SITE
}  # fmt: skip


def _problem(refusal: type[Exception] | None) -> str:
    kind = _KINDS[refusal]
    return f"{kind.status} {kind.name}"


def _authorization(world: World, login: str) -> dict[str, str]:
    if login == "nobody":
        return {}
    if login in {"password", "wrong"}:
        api = Api(world.server, CALLER, PASSWORD if login == "password" else "wrong")
    else:
        api = Api(world.server, token=world.logins[login])
    return {"Authorization": api.sign_in}


class PanelApi(JsonApi):
    """The JSON API as the panel's pages ask it, behind a session."""

    name = "JSON API of the panel"
    level = 8
    rights = tuple(replace(one, login="session") for one in c.RIGHTS_COLUMNS if one not in c.LOW_LEVELS)
    entry = (c.SESSION_LEVEL_7, *c.BY_SESSION, c.SESSION_LOCKED, c.FORGED, c.FOREIGN)

    def ask(self, world: World, row: Operation, circumstance: Circumstance) -> Answer:
        """Send the request with the cookie of the session and the token of the page."""
        method, path, body, headers = self.request(world, row, circumstance)
        sent = {**headers, **_cookies(world, circumstance.login)}
        if circumstance.heading == c.FORGED.heading:
            del sent["X-CSRF-Token"]
        if circumstance.heading == c.FOREIGN.heading:
            sent["Sec-Fetch-Site"] = "cross-site"
        return world.server.exchange(method, f"/admin{path}", body, sent)

    def words(self, expected: Expected, row: Operation) -> Sequence[str]:
        """Return the same, and what is said to who lacks the token of the page."""
        return (
            ["403 The page's security token is missing"]
            if expected is c.Forged
            else super().words(expected, row)
        )


def _cookies(world: World, login: str) -> dict[str, str]:
    if login == "nobody":
        return {}
    text = world.browser.cookies[SESSION] if login == "session" else "ended"
    return {"Cookie": f"{SESSION}={text}", "X-CSRF-Token": world.tokens[login]}


class NonAgentApi(Interface):
    """VICIdial's API, in its own dialect and in the tutorial's."""

    name = "Non-Agent API"
    level = 7
    rows = FUNCTIONS_ASKED
    rights = c.RIGHTS_COLUMNS
    entry = (*c.BY_PASSWORD, c.NOBODY)

    def expected(self, row: Row, circumstance: Circumstance) -> Expected:
        """Return what has to be answered: open functions ask for nothing, and level 6 is not let in."""
        if getattr(row, "is_open", False):
            return ALLOWED
        if circumstance.given and getattr(row, "gives", False) and LEVEL not in circumstance.given:
            return None  # no parameter gives rights
        if circumstance is c.LEVEL_6 and not getattr(row, "in_tutorial", False):
            return errors.LevelTooLow
        return super().expected(row, circumstance)

    def ask(self, world: World, row: Function, circumstance: Circumstance) -> Answer:
        """Send the call."""
        parameters = {"function": row.function, "source": "test", **row.parameters}
        if row.gives and LEVEL in circumstance.given:
            parameters["agent_user_level"] = circumstance.given[LEVEL]
        if circumstance.login != "nobody":
            parameters |= {"user": CALLER, "pass": PASSWORD if circumstance.login == "password" else "wrong"}
        return world.server.exchange("GET", f"{PATH}?{urlencode(parameters)}")

    def worded(self, sent: Answer, row: Function) -> str:
        """Return the first line."""
        if not sent.text.startswith("ERROR"):
            return shown(row, sent.text)
        return sent.text.partition("\n")[0]

    def words(self, expected: Expected, row: Function) -> Sequence[str]:
        """Return how the line that is expected begins."""
        if isinstance(expected, str):
            return [expected]
        return lines(expected, row)


LEADING_ON = ("/", "/reports")
"""The pages that lead to the first of others."""


class Panel(Interface):
    """The pages of the panel, which only read."""

    name = "panel"
    level = 8
    rows = PAGES_OPENED
    rights = PanelApi.rights
    entry = (c.SESSION_LEVEL_7, *c.BY_SESSION, c.SESSION_LOCKED)

    def ask(self, world: World, row: Opened, circumstance: Circumstance) -> Answer:
        """Open the page."""
        path = (row.path or row.route).format_map(world.ids)
        cookies = _cookies(world, circumstance.login)
        return world.server.exchange("GET", f"/admin{path}", headers=cookies)

    def worded(self, sent: Answer, row: Opened) -> str:
        """Return the status of an answer, and where it leads."""
        leads = sent.headers.get("location", "").partition("?")[0]
        if sent.status == 200 or (row.route in LEADING_ON and leads not in {"", "/admin/login"}):
            return shown(row, sent.text)
        return f"{sent.status} {leads}".strip()

    def words(self, expected: Expected, row: Opened) -> Sequence[str]:
        """Return the status that is expected, and where it leads."""
        if isinstance(expected, str):
            return [expected]
        if expected in {errors.SessionEnded, errors.AddressRefused}:
            return ["303 /admin/login"]
        return ["403"] if expected is errors.NotPermitted else ["404"]


INTERFACES: tuple[type[Interface], ...] = (NonAgentApi, JsonApi, PanelApi, Panel)
