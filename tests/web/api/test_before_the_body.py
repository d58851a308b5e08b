"""Sign-in, rights and source come before the body, in every operation that has one."""

import json
import re

import pytest

from didier.web.api.signed import SignedRoute
from support.server import Didier
from web.api.conftest import PREFIX, SOURCE, Api, did

BODIES = ("{", "[" + "[]," * 5_000 + "[]]", json.dumps({"targets": [1] * 150_000, "networks": [1] * 150_000}))
IDS = ("not JSON", "a long list", "too large a list")


@pytest.fixture(scope="module")
def api(tmp_path_factory):
    """The API of one server for all tests, which takes any number of requests."""
    directory = tmp_path_factory.mktemp("before")
    server = Didier(
        directory, "--demo", "--database", f"sqlite:///{directory}/didier.db",
        environment={"DIDIER_RATE_LIMIT": "0"},
    ).start()  # fmt: skip
    yield Api(server)
    server.stop()


def operations(api):
    """Return the operations with a body: method, path with something in each place, and media type."""
    found = []
    for path, methods in json.loads(api.server.get(f"{PREFIX}/openapi.json")[1])["paths"].items():
        filled = re.sub(r"\{\w+_id\}", "1", path.removeprefix(PREFIX)).replace("{pattern}", SOURCE)
        for method, operation in methods.items():
            for kind in operation.get("requestBody", {}).get("content", ()):
                found.append((method.upper(), re.sub(r"\{\w+\}", "admin", filled), kind))
    return found


def problems(api, caller, body):
    """Return what *caller* is told in each operation."""
    return {
        one: caller.ask(one[0], one[1], body, {"Content-Type": one[2]}).problem for one in operations(api)
    }


def user(api, name, **rights):
    """Make a user who may do everything that a user may, but *rights*; return the API as that user."""
    api.server.sql("DELETE FROM vicidial_users WHERE user = ?", name)
    everything = {
        "api_allowed_functions": ["ALL"], "vdc_agent_api_access": True, "modify_users": True,
        "modify_inbound_dids": True, "delete_inbound_dids": True,
    }  # fmt: skip
    made = api.post(
        "/users", {"user": name, "password": "secret", "user_group": "ADMIN", **everything | rights}
    )
    assert 201 == made.status, made.text
    return Api(api.server, name, "secret")


def test_all_operations_with_a_body_are_here(api):
    """Those that the tests below are about."""
    assert {"/copies", "/imports", "/dids", f"/dids/{SOURCE}", "/users", "/users/admin", "/tokens"} < {
        path for _, path, _ in operations(api)
    }


@pytest.mark.parametrize("body", BODIES, ids=IDS)
def test_who_is_not_signed_in_is_told_so_first(api, body):
    """Whatever is wrong with the body: nobody, an unknown user, a wrong password, a token that is none."""
    nobody = Api(api.server)
    nobody.sign_in = ""

    assert {(401, "not-signed-in")} == set(problems(api, nobody, body).values())
    assert {(401, "wrong-password")} == {
        Api(api.server, f"unknown{len(body)}{number}").ask(method, path, body, {"Content-Type": kind}).problem
        for number, (method, path, kind) in enumerate(operations(api))  # a name is locked after ten failures
    }
    assert {(401, "token-refused")} == set(problems(api, Api(api.server, token="x"), body).values())


def test_a_wrong_password_is_told_first_and_locks(api):
    """Each of these requests is one failure; after ten the user is locked out."""
    user(api, "crm")
    wrong = Api(api.server, "crm", "wrong")
    told = [wrong.post("/copies", BODIES[0]).problem for _ in range(5)]
    counted = api.server.sql("SELECT failed_login_count FROM vicidial_users WHERE user = 'crm'")
    told += [wrong.ask("POST", "/users", BODIES[2]).problem for _ in range(5)]

    assert [(401, "wrong-password")] * 10 == told
    assert [(5,)] == counted
    assert {(401, "locked-out")} == set(problems(api, Api(api.server, "crm", "secret"), BODIES[0]).values())


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
def test_a_token_that_has_ended_is_told_first(api, end):
    """Revoked or expired."""
    token = api.token("dids:read", "dids:write", "users")
    api.server.sql(f"UPDATE didier_tokens SET {end} = '2020-01-01 00:00:00'")

    assert {(401, "token-refused")} == set(problems(api, token, BODIES[0]).values())


@pytest.mark.parametrize("body", BODIES, ids=IDS)
def test_a_missing_right_is_told_before_the_body(api, body):
    """API Access, User Level, the list of functions, and the scope of a token."""
    closed = problems(api, user(api, "closed", vdc_agent_api_access=False), body)
    narrow = problems(api, user(api, "narrow", api_allowed_functions=["version"]), body)
    # Tokens of one's own take no function; which function an undo asks for, the batch says.
    others = {one: told for one, told in narrow.items() if one[1] not in {"/tokens", "/batches/1/undo"}}
    # One's own password and second factor take no right of anybody who signs in.
    told = {
        told for found in (closed, others) for one, told in found.items() if not one[1].startswith("/me/")
    }

    assert {(403, "not-permitted")} == told
    assert {(403, "not-permitted")} == set(problems(api, api.token("reports"), body).values())


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "text/plain"])
@pytest.mark.parametrize("dry_run", ["true", "false"])
@pytest.mark.parametrize("length", [1, 200_000])
def test_a_source_that_is_not_there_is_told_before_the_targets(api, kind, dry_run, length):
    """However long the list, and whatever is wrong with it."""
    path, body = f"/copies?source=999&dry_run={dry_run}", "12\n" * length + "\x00"
    if kind == "application/json":
        targets = ",".join(['"1"'] * length)
        path, body = "/copies", f'{{"source": "999", "dry_run": {dry_run}, "targets": [{targets}, 1]}}'
    refused = api.ask("POST", path, body, {"Content-Type": kind})

    assert (404, "did-not-found") == refused.problem
    assert "/source" == refused.body["pointer"]


def test_a_source_that_is_not_visible_is_not_there(api):
    """Nor is one that the token does not reach."""
    token = api.token("dids:write", pattern_prefix="44")

    assert (404, "did-not-found") == token.post("/copies", {"source": SOURCE, "targets": [1]}).problem


def test_the_answer_is_repeated_though_the_source_is_gone(api):
    """What came with a key was done; that its source was deleted since changes nothing."""
    api.add("5550700")
    body = {"source": "5550700", "targets": ["5550701"]}
    first = api.post("/copies", body, key="a")
    text = {"Content-Type": "text/plain", "Idempotency-Key": "b"}
    first_text = api.ask("POST", "/copies?source=5550700", "5550702", text)
    long = {**body, "targets": [f"55507{n}" for n in range(100, 700)]}
    first_long = api.post("/copies", long, key="c")
    api.ask("DELETE", did("5550700"))

    assert (201, 201, 201) == (first.status, first_text.status, first_long.status)
    assert first.text == api.post("/copies", body, key="a").text
    assert first_text.text == api.ask("POST", "/copies?source=5550700", "5550702", text).text
    assert first_long.text == api.post("/copies", long, key="c").text
    assert (404, "did-not-found") == api.post("/copies", body, key="d").problem


def test_a_refusal_is_logged_once(api):
    """With what was asked, as far as it is known without the body."""
    api.server.sql("DELETE FROM vicidial_api_log")
    Api(api.server, "stranger").patch(did(SOURCE), "{")
    api.ask("POST", "/copies?source=998", "1", {"Content-Type": "text/csv"})

    assert [
        ("stranger", "update_did", "ERROR", SOURCE, "PATCH 401 Wrong user name or password"),
        ("admin", "copy_did", "ERROR", "998", "POST 404 There is no such DID"),
    ] == api.server.sql("SELECT user, function, result, data, result_reason FROM vicidial_api_log")


def test_who_may_costs_no_commit_more(api):
    """They are looked at in the transaction that does what they want, as before."""

    def commits():
        return float(
            re.search(r"^didier_commit\w*_count ([0-9.e+]+)", api.server.get("/metrics")[1], re.M)[1]
        )

    api.get("/dids")
    before = commits()
    api.add("5550800")

    assert before + 1 == commits()


@pytest.mark.parametrize(
    "body",
    [{f"x{n}": n for n in range(3_000)}, {"did_pattern": ["1"] * 3_000}],
)
def test_a_body_for_one_thing_has_few_values(api, body):
    """To tell of each that it is wrong would take long."""
    assert (413, "too-large") == api.post("/dids", body).problem


def test_many_wrong_places_are_only_counted(api):
    """Each of some is told of; of very many their number."""
    few = api.post("/copies", {"source": SOURCE, "targets": ["1"], **{f"x{n}": n for n in range(500)}})
    many = api.post("/copies", {"source": SOURCE, "targets": ["1"], **{f"x{n}": n for n in range(5_000)}})
    overrides = api.post(
        "/copies", {"source": SOURCE, "targets": ["1"], "overrides": {f"x{n}": [] for n in range(500)}}
    )

    assert (500, 100) == (few.body["count"], len(few.body["errors"]))
    assert "5000 places are not valid" in many.body["detail"]
    assert "/overrides" == overrides.body["pointer"]


def test_reading_targets_comes_to_an_end(tmp_path):
    """Copies, previews and imports that take longer than the setting allows are refused."""
    database = f"sqlite:///{tmp_path}/didier.db"
    environment = {"DIDIER_PARSE_SECONDS": "0.000001"}
    server = Didier(tmp_path, "--demo", "--database", database, environment=environment).start()
    csv = {"Content-Type": "text/csv"}
    rows = "did_pattern\n" + "".join(f"55{number}\n" for number in range(10_000, 10_900))
    try:
        api = Api(server)
        refused = [
            api.ask("POST", path, rows, csv).problem
            for path in (f"/copies?source={SOURCE}", f"/copies?source={SOURCE}&dry_run=true", "/imports")
        ]
        refused.append(api.post("/copies", {"source": SOURCE, "csv": rows}).problem)
        short = api.post("/copies", {"source": SOURCE, "targets": ["5550100"]}).status
    finally:
        server.stop()

    assert [(413, "too-much-to-read")] * 4 == refused
    assert 201 == short


def test_a_route_with_a_body_says_what_it_asks():
    """Without that it is not made: no work for who may not ask for it."""

    async def make(body: dict[str, str]) -> None: ...

    async def take() -> None: ...

    with pytest.raises(TypeError, match="/things"):
        SignedRoute("/things", make, methods=["POST"])
    with pytest.raises(TypeError, match="/texts"):
        SignedRoute("/texts", take, methods=["POST"], openapi_extra={"requestBody": {}})
