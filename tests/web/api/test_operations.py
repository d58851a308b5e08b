"""From requests to answers without HTTP, on both databases."""

from datetime import timedelta

import orjson
import pytest

from didier.cli.local import CALLER
from didier.errors import DatabaseLost, LockedOut, NotFound
from didier.runtime import pipeline
from didier.runtime.logins import PasswordLogin, TokenLogin
from didier.runtime.pipeline import Proven
from didier.runtime.requests import AccessRecord
from didier.services.batches import edits
from didier.services.users import authentication, tokens
from didier.services.users.authentication import StaleProof
from didier.services.users.passwords import Proof
from didier.storage.database import reading
from didier.storage.statements import run
from didier.web.api import answers, problems
from didier.web.api.answers import Answer
from didier.web.api.callers import clean_password
from didier.web.api.operations import ApiOperation, ApiRequest, Permission, RequestContext, RequestKey


class Committer:
    """Carries out groups of requests, as the committer does."""

    def __init__(self, engine, now):
        self.engine, self.now = engine, now

    def proven(self, permission, operation=None, key=None, password="1234", token=None):
        proof = None
        if token is None:
            with reading(self.engine) as conn:
                proof = Proof(authentication.stored_password(conn, "admin"), matched=password == "1234")
            login = PasswordLogin("admin", password, clean_password)
        else:
            login = TokenLogin(tokens.digest(token))
        context = RequestContext(login, "192.0.2.1", "POST", "s", "h", "u", self.now.timestamp())
        return Proven(ApiRequest(context, permission, operation, key), proof)

    def add(self, pattern, key=None, content=b"", serialize=None, **sender):
        operation = ApiOperation(
            Permission("add_did", "dids:write", pattern),
            edits.add,
            lambda caller: edits.AddOrder(caller, pattern, {}),
            serialize or (lambda conn, done: answers.json({"did_id": done.did_id}, 201)),
            pointers={"pattern": "/did_pattern"},
        )
        named = key and RequestKey.of(key, "POST", "/dids", content)
        return self.proven(operation.permission, operation, named, **sender)

    def carry_out(self, *group):
        with self.engine.begin() as conn:
            return pipeline.carry_out(conn, group, lambda: self.now)

    def sql(self, statement, *values):
        with self.engine.begin() as conn:
            return run(conn, statement, *values)

    def token(self, *scopes):
        secret = tokens.generate()
        order = tokens.AddTokenOrder(CALLER, "admin", "x", scopes, secret)
        with self.engine.begin() as conn:
            tokens.add(conn, [order], self.now)
        return secret.text


@pytest.fixture
def committer(engine, now):
    """A database, and the way requests go to it."""
    return Committer(engine, now)


def told(answer):
    return answer.status, orjson.loads(answer.body).get("type", "").removeprefix("/problems/")


def test_a_group_is_answered_one_by_one(committer):
    """A refused request costs the others nothing; all are in the log."""
    token = committer.token("dids:read")
    outcomes = committer.carry_out(
        committer.add("18005550100"),
        committer.add("18005550101", password="wrong"),
        committer.add("18005550100"),
        committer.add("18005550102", token=token),
        committer.add("18005550103", token="didier_nothing"),
        committer.add("!"),
    )
    logged = committer.sql(
        "SELECT user, function, result, result_reason FROM vicidial_api_log ORDER BY api_id"
    )

    assert [
        (201, ""), (401, "wrong-password"), (409, "did-exists"), (403, "not-permitted"),
        (401, "token-refused"), (422, "invalid-pattern"),
    ] == [told(outcome) for outcome in outcomes]  # fmt: skip
    assert ["admin", "admin", "admin", "admin", "", "admin"] == [row[0] for row in logged]
    assert ("admin", "add_did", "ERROR", "POST 409 The DID exists already") == logged[2]


def test_a_stale_proof_is_nothing(committer):
    """A password that was changed meanwhile is compared anew; nothing is logged yet."""
    request = committer.add("18005550100")
    committer.sql("UPDATE vicidial_users SET pass = 'other', pass_hash = ''")

    assert [StaleProof()] == committer.carry_out(request)
    assert [(0,)] == committer.sql("SELECT count(*) FROM vicidial_api_log")


def test_a_key_in_one_group_is_done_once(committer):
    """The second gets the first one's answer, another body a refusal, others are not held up."""
    outcomes = committer.carry_out(
        committer.add("18005550100", "k", b"a"),
        committer.add("18005550100", "k", b"a"),
        committer.add("18005550101", "k", b"b"),
        committer.add("18005550102", "l", b"a"),
    )

    assert [(201, ""), (201, ""), (422, "key-reused"), (201, "")] == [told(outcome) for outcome in outcomes]
    assert outcomes[0].body == outcomes[1].body
    assert [None, "true"] == [outcome.headers.get("idempotency-replayed") for outcome in outcomes[:2]]


def test_a_key_is_remembered_for_a_day(committer):
    """With letters of every script in the answer; then it is a new one."""

    def serialize(conn, done):
        return answers.json({"text": "Zürich ✓ 😀"}, 201)

    first = committer.carry_out(committer.add("18005550100", "k", serialize=serialize))[0]
    again = committer.carry_out(committer.add("18005550100", "k"))[0]
    committer.now += timedelta(hours=25)
    later = committer.carry_out(committer.add("18005550100", "k"))[0]

    assert first.body == again.body
    assert (409, "did-exists") == told(later)


def test_an_answer_with_a_secret_is_repeated_without(committer):
    """What is kept is another body."""

    def serialize(conn, done):
        return Answer(201, b'{"secret":"x"}', repeated=b'{"secret":null}')

    first, again = committer.carry_out(
        committer.add("18005550100", "k", serialize=serialize),
        committer.add("18005550100", "k", serialize=serialize),
    )

    assert (b'{"secret":"x"}', b'{"secret":null}') == (first.body, again.body)


def test_operations_on_one_subject_wait_for_each_other(committer):
    """The second is carried out when the first is done, and sees it."""
    groups = []

    def service(conn, orders, now):
        groups.append(len(orders))
        return [None] * len(orders)

    def about(subject):
        operation = ApiOperation(
            Permission("add_did", "dids:write"), service, lambda caller: None, answers.done, subject=subject
        )
        return committer.proven(operation.permission, operation)

    committer.carry_out(about("a"), about("b"), about("a"), about(None), about(None))

    assert [4, 1] == groups


def test_reads_are_allowed_or_refused(committer):
    """Those that are allowed are logged when they were answered."""
    permission = Permission("did_info", "dids:read", "18001234567")
    good, bad = committer.proven(permission), committer.proven(permission, password="wrong")
    with committer.engine.begin() as conn:
        caller, refused = pipeline.authorize(conn, [good, bad], lambda: committer.now)
        record = AccessRecord(good.request, caller, Answer(404, b'{"title":"Not there"}'))
        pipeline.log(conn, [record], lambda: committer.now)
    logged = committer.sql("SELECT result, result_reason, data FROM vicidial_api_log ORDER BY api_id")

    assert ("admin", (401, "wrong-password")) == (caller.name, told(refused))
    assert [
        ("ERROR", "POST 401 Wrong user name or password", "18001234567"),
        ("ERROR", "POST 404 Not there", "18001234567"),
    ] == list(logged)


@pytest.mark.parametrize(
    ("error", "status", "header"),
    [(DatabaseLost(), 503, "retry-after"), (LockedOut(), 401, "retry-after"), (NotFound("1"), 404, None)],
)
def test_refusals_say_when_to_come_again(error, status, header):
    """Where that is of use."""
    answer = problems.refusal(error)

    assert status == answer.status
    assert header is None or header in answer.headers
