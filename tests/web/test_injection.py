"""Attempts to smuggle something in, at every parameter of every function and of every operation.

What can be asked is taken from `FORMS`, `FUNCTIONS` and the OpenAPI document: what is added later is
attacked from its first day on. A canary, a DID and a user that no request names, shows what went too far.
"""

import base64
import json
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from urllib.parse import quote, urlencode

import pytest
import sqlalchemy as sa

from didier.storage.tables import vicidial_tables
from didier.vicidial.functions import FUNCTIONS, OPEN_FUNCTIONS
from didier.vicidial.parameters import FORMS
from support.server import FORM, PATH, Didier

CANARY = "7777777"
"""The DID that no request names; the canary user's name has it too."""

SECRET = "canary-hash-91"

ATTACKS = (
    "7777777' OR '1'='1'; DELETE FROM vicidial_inbound_dids; DROP TABLE vicidial_users; -- ",
    '\\\'; UPDATE vicidial_users SET user_level=9; # " OR ""="%_',
    "7777777') UNION SELECT user, pass_hash FROM vicidial_users -- ",
    'a\r\nX-Injected: yes\r\n\r\n{"event":"forged","level":"info"}\x1b[2J\x00\u202e<script>alert(1)</script>',
    "=cmd|' /C calc'!A0{{7*7}}${7*7}%s%(user)s{0.__class__}../../../../etc/passwd",
)
BYTES = "%bf%27%20OR%201%3D1%20--%20%ff%fe%f0%9f%98%80"
"""Sent as it is, percent-encoded: half a character before a quote, and bytes that are not UTF-8."""


@dataclass(frozen=True)
class Target:
    """A server and a look into its database."""

    server: Didier
    engine: sa.Engine

    def ask(self, method, path, body=None, headers=None):
        with closing(HTTPConnection("127.0.0.1", self.server.port, timeout=60)) as connection:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode("utf-8", "replace")

    def state(self):
        """Return what no request may change: the tables, the canaries, who may do what."""
        with self.engine.connect() as conn:
            return {
                "tables": sorted(sa.inspect(conn).get_table_names()),
                "did": conn.exec_driver_sql(
                    f"SELECT * FROM vicidial_inbound_dids WHERE did_pattern = '{CANARY}'"
                ).fetchall(),
                "user": conn.exec_driver_sql(
                    f"SELECT * FROM vicidial_users WHERE user = 'canary{CANARY}'"
                ).fetchall(),
                "admins": conn.exec_driver_sql(
                    "SELECT user, pass_hash FROM vicidial_users WHERE user_level > 7 ORDER BY user"
                ).fetchall(),
            }

    def log_lines(self):
        return self.server.logged().encode().split(b"\n")


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def target(request, tmp_path_factory):
    """A demonstration on each kind of database, with the canaries and as many requests as one likes."""
    directory = tmp_path_factory.mktemp("injection")
    url = f"sqlite:///{directory}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
        vicidial_tables().create_all(sa.create_engine(url, poolclass=sa.NullPool))
    server = Didier(directory, "--demo", "--database", url, environment={"DIDIER_RATE_LIMIT": "0"}).start()
    engine = sa.create_engine(url)
    server.vicidial("add_did", did_pattern="5550008")  # batch 1, which requests may undo
    server.vicidial("add_did", did_pattern=CANARY, did_description="The canary's own")
    server.vicidial(
        "add_user", agent_user=f"canary{CANARY}", agent_pass="canary-pass", agent_user_level="1",
        agent_full_name="Canary", agent_user_group="ADMIN",
    )  # fmt: skip
    with engine.begin() as conn:
        conn.exec_driver_sql(
            f"UPDATE vicidial_users SET pass_hash = '{SECRET}' WHERE user = 'canary{CANARY}'"
        )
    yield Target(server, engine)
    engine.dispose()
    server.stop()


GOOD = {
    "did_pattern": "18001234567", "source_did_pattern": "18001234567", "new_did_pattern": "5550001",
    "new_dids": "5550002", "did_active": "Y", "delete_did": "N", "phone_number": "18001234567",
    "date": "2026-03-04", "agent_user": "nobody", "agent_pass": "nobody-pass", "agent_user_level": "1",
    "agent_full_name": "Nobody", "agent_user_group": "ADMIN", "source_user": "nobody", "delete_user": "N",
}  # fmt: skip
"""A value for every parameter that a function needs."""


def attempts():
    """Yield a name and the query of each attempt at the Non-Agent API: one parameter is bad."""
    for form in FORMS:
        login = {"function": form.function, "source": "test", "user": "admin", "pass": "1234"}
        needed = {p.name: p.choices[0] if p.choices else GOOD[p.name] for p in form.parameters if p.required}
        for parameter in form.parameters:
            base = {name: value for name, value in {**login, **needed}.items() if name != parameter.name}
            for attack in (*map(quote, ATTACKS), BYTES):
                yield f"{form.name}: {parameter.name}", f"{urlencode(base)}&{parameter.name}={attack}"
    for name in ("function", "source", "user", "pass"):
        base = {**login, **GOOD, "function": "list_dids", "user": "ghost"}
        base.pop(name)
        for attack in map(quote, ATTACKS):
            yield name, f"{urlencode(base)}&{name}={attack}"


def check(target, before, attempts_made):
    """Say what went too far: in the database, in the log."""
    assert before == target.state()
    lines = [line for line in target.log_lines() if line.startswith(b"{")]
    events = [json.loads(line).get("event") for line in lines]
    assert "forged" not in events
    assert "request_failed" not in events
    assert "order_failed" not in events
    assert events.count("request") >= attempts_made
    assert b"\x1b" not in b"".join(lines)


def problem(status, headers, text):
    """Say what is wrong with an answer, None when nothing is."""
    if status >= 500:
        return f"{status}: {text}"
    if any("inject" in name.lower() for name in headers):
        return f"a header was smuggled in: {headers}"
    return f"the secret was told: {text}" if SECRET in text else None


def test_every_function_can_be_attacked():
    """Each function that may be called has a form, or there is nothing to be sent to it."""
    assert set(FUNCTIONS) | set(OPEN_FUNCTIONS) == {form.function for form in FORMS} | set(OPEN_FUNCTIONS)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_functions(target, method):
    """Nothing sent in any parameter reaches the database, the headers or the log as anything but text."""
    before = target.state()
    made, problems = 0, []
    for name, query in list(attempts())[:: 1 if method == "GET" else 4]:
        made += 1
        if method == "GET":
            answer = target.ask("GET", f"{PATH}?{query}")
        else:
            answer = target.ask("POST", PATH, query, {"Content-Type": FORM})
        if (found := problem(*answer)) is not None:
            problems.append((name, query, found))

    assert [] == problems
    check(target, before, made)


LOGIN = {"Authorization": f"Basic {base64.b64encode(b'admin:1234').decode()}"}
PARTS = {
    "pattern": "5550009", "batch_id": "1", "name": "nobody", "token_id": "1", "user": "nobody",
    "webhook_id": "1", "event_id": "1",
    "group_id": "NOBODY", "menu_id": "NOBODY", "extension": "8300", "server_ip": "192.0.2.1",
    "server_id": "NOBODY",
}  # fmt: skip
"""A value for every part of an address."""


def operations(document):
    """Yield method, address and operation of all that the JSON API can do; what deletes comes last."""
    found = [
        (method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    yield from sorted(found, key=lambda each: each[0] == "DELETE")


def resolved(document, schema):
    """Return a schema without references, the first of alternatives that is an object or a list if any is."""
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    choices = [
        resolved(document, choice) for key in ("anyOf", "oneOf", "allOf") for choice in schema.get(key, ())
    ]
    return (
        next((c for c in choices if c.get("type") in {"object", "array"}), choices[0]) if choices else schema
    )


def bodies(document, schema, attack):
    """Yield values of *schema*, each with *attack* in another place, and as a name too."""
    schema = resolved(document, schema)
    match schema.get("type"):
        case "object":
            for name, inner in schema.get("properties", {}).items():
                for value in bodies(document, inner, attack):
                    yield sample(document, schema) | {name: value}
            yield sample(document, schema) | {attack: attack}
        case "array":
            for value in bodies(document, schema.get("items", {}), attack):
                yield [value]
        case _:
            yield attack


def sample(document, schema):
    """Return a small value of *schema*."""
    schema = resolved(document, schema)
    if schema.get("type") == "object":
        needed = schema.get("required", ())
        return {name: sample(document, schema["properties"][name]) for name in needed}
    if "enum" in schema or "const" in schema:
        return schema.get("enum", [schema.get("const")])[0]
    kinds = {"array": ["5550009"], "integer": 1, "number": 1, "boolean": True}
    return kinds.get(schema.get("type"), "5550009")


def requests(document):
    """Yield a name, method, address, headers and body of each attempt at the JSON API."""
    for method, path, operation in operations(document):
        parameters = operation.get("parameters", ())
        plain = path.format_map(PARTS)
        content = operation.get("requestBody", {}).get("content", {})
        as_json = content.get("application/json", {}).get("schema")
        body = json.dumps(sample(document, as_json)) if as_json else None
        kind = {"Content-Type": "application/json"} if as_json else {}
        for attack in ATTACKS:
            for parameter in parameters:
                name, where = parameter["name"], parameter["in"]
                address, headers = plain, dict(kind)
                if where == "path":
                    address = path.format_map(PARTS | {name: quote(attack, safe="")})
                elif where == "query":
                    address = f"{plain}?{quote(name)}={quote(attack)}"
                elif where == "header":
                    headers[name] = "".join(c for c in attack if " " <= c <= "~")
                yield f"{method} {path}: {name}", method, address, headers, body
            if as_json:
                for value in bodies(document, as_json, attack):
                    yield f"{method} {path}: body", method, plain, kind, json.dumps(value)
            for other in content.keys() - {"application/json"}:
                yield f"{method} {path}: {other}", method, plain, {"Content-Type": other}, attack.encode()


def test_every_address_has_a_value():
    """Each part of an address of the JSON API has a value that these tests put there."""
    from didier.web.api.routes import application  # the document that the server shows

    parts = {
        parameter["name"]
        for _, _, operation in operations(application().openapi())
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path"
    }

    assert parts <= set(PARTS)


def test_operations(target):
    """Nothing sent in any parameter, header or field of the JSON API is taken for anything but text."""
    document = json.loads(target.ask("GET", "/api/v1/openapi.json")[2])
    target.server.vicidial("add_did", did_pattern="5550009")
    before = target.state()
    made, problems = 0, []
    for name, method, address, headers, body in requests(document):
        made += 1
        answer = target.ask(method, address, body, LOGIN | headers)
        if (found := problem(*answer)) is not None:
            problems.append((name, address, body, found))

    assert [] == problems[:5]
    assert made > 1_000
    check(target, before, made)
