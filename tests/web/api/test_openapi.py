"""The OpenAPI document, its pages, and whether the server does what it says."""

import json
import re
import subprocess
import sys

import pytest

from didier import errors
from didier.domain.scopes import SCOPES
from didier.web.api import problems
from support.server import BASIC, Didier
from web.api.conftest import Api


@pytest.fixture
def document(server):
    """The OpenAPI document."""
    return json.loads(server.get("/api/v1/openapi.json")[1])


SETTINGS = """
[checks]
enabled = false
not_a_server_error.enabled = true
status_code_conformance.enabled = true
content_type_conformance.enabled = true
response_headers_conformance.enabled = true
response_schema_conformance.enabled = true
unsupported_method.enabled = true

[[operations]]
include-operation-id = "listChanges"
parameters = { wait = 0 }

[[operations]]
include-operation-id = "watchCalls"
parameters = { seconds = 1 }
checks.response_schema_conformance.enabled = false

[[operations]]
include-operation-id = "watchBatch"
checks.response_schema_conformance.enabled = false

[[operations]]
include-operation-id = ["getMe", "listPreferences", "setPreference", "deletePreference", "addToken"]
headers = { Authorization = "%s" }
"""
"""Nobody waits for changes that do not come, and passwords are sent where a token is not enough.

In OpenAPI 3.1 the schema of a stream of events is that of the whole text; Schemathesis takes it for that of
one event. `ignored_auth` would send wrong passwords; tests/security asks everything as nobody.
"""


def operations(document):
    return [one for path in document["paths"].values() for one in path.values()]


def test_the_server_does_what_its_document_says(tmp_path):
    """No status 500; every answer has a documented status and type, and matches its schema."""
    database = f"sqlite:///{tmp_path}/didier.db"
    server = Didier(
        tmp_path, "--demo", "--database", database, environment={"DIDIER_RATE_LIMIT": "0"}
    ).start()
    tmp_path.joinpath("schemathesis.toml").write_text(SETTINGS % BASIC["Authorization"])
    try:
        # By password, the first bodies with a wrong one lock the user out: then all there is are 401.
        token = Api(server).token(*(scope.name for scope in SCOPES)).sign_in
        done = subprocess.run(
            [
                sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/api/v1/openapi.json",
                "--header", f"Authorization: {token}", "--seed", "1", "--generation-deterministic",
                "--max-examples", "10", "--no-shrink", "--continue-on-failure",
            ],
            cwd=tmp_path, capture_output=True, text=True, timeout=1_500,
        )  # fmt: skip
        alive = server.get("/readyz")
    finally:
        server.stop()

    assert 0 == done.returncode, done.stdout[-10_000:]
    assert (200, "ready\n") == alive
    log = server.log.read_text()
    assert "request_failed" not in log
    assert '"status":401' not in log


def test_every_operation_is_described(document):
    """With an id of its own, a tag that is explained, a summary, and who may call it."""
    found = operations(document)
    tags = {tag["name"] for tag in document["tags"]}

    assert "3.1.0" == document["openapi"]
    assert len(found) == len({one["operationId"] for one in found})
    assert {tag for one in found for tag in one["tags"]} == tags
    assert all(one["summary"] and one["description"] for one in found)
    assert all([{"password": []}, {"token": []}] == one["security"] for one in found)
    assert {"password", "token"} == set(document["components"]["securitySchemes"])


def test_every_refusal_is_a_problem(document):
    """In every operation, with the statuses that every request may get."""
    for one in operations(document):
        refused = {status: answer for status, answer in one["responses"].items() if status >= "400"}
        assert {"401", "403", "413", "421", "422", "429", "500", "503"} <= set(refused)
        assert {problems.MEDIA_TYPE} == {kind for answer in refused.values() for kind in answer["content"]}


def test_every_answer_has_a_shape(document):
    """In each of its forms; only 204 has no body."""
    answers = [
        (one["operationId"], status, list((answer.get("content") or {"": {}}).values()))
        for one in operations(document)
        for status, answer in one["responses"].items()
        if status != "204"
    ]

    assert [] == [found for found in answers if not all(form.get("schema") for form in found[2])]


def test_server_and_licence_are_named(document):
    """So that generated clients know where to send requests."""
    assert ["/"] == [server["url"] for server in document["servers"]]
    assert "Apache-2.0" == document["info"]["license"]["identifier"]


def test_bodies_have_examples(document):
    """Each shape of a body shows one."""
    shapes = document["components"]["schemas"]
    bodies = json.dumps([one.get("requestBody", {}) for one in operations(document)])
    references = re.findall(r'"application/json": {"schema": {"\$ref": "#/components/schemas/(\w+)"', bodies)

    assert {"CopyBody", "NewDid", "DidChange", "NewToken", "NewUser", "UserChange"} <= set(references)
    assert [] == [name for name in references if "example" not in shapes[name]]


def test_references_of_the_document_lead_somewhere(document):
    """None to a shape that is not there."""
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))

    assert set() == named - set(document["components"]["schemas"])


def test_the_documentation_needs_no_internet(server):
    """Everything that the page loads comes from here, and the policy forbids everything else."""
    page = server.exchange("GET", "/docs")
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert 200 == page.status
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    assert "http" not in page.text
    assert {"/docs/start.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"} <= set(loaded)
    assert {200} == {server.get(path)[0] for path in loaded if not path.endswith(".png")}
    assert 404 == server.get("/docs/redoc.standalone.js")[0]


@pytest.mark.parametrize("kind", problems.ALL, ids=lambda kind: kind.name)
def test_types_of_problems_lead_to_their_meaning(server, kind):
    """The type is an address on the same server."""
    status, text = server.get(kind.type)

    assert 200 == status
    assert text.startswith(f"{kind.title} (HTTP status {kind.status})")


def test_every_refusal_has_a_type():
    """Each class that callers may meet, and each type once."""

    def below(cls):
        return {cls} | {found for inner in cls.__subclasses__() for found in below(inner)}

    grouping = {errors.Refusal, errors.SignInRefused, errors.Unavailable}
    classes = below(errors.Refusal) | below(errors.Unavailable)
    ours = {cls for cls in classes if cls.__module__ == "didier.errors"} - grouping

    assert ours == set(problems.TYPES)
    assert len(problems.ALL) == len({kind.name for kind in problems.ALL})
    assert 404 == problems.kind_of(errors.NotFound("1")).status
