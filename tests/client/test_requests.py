import base64
import json
import pickle
import traceback

import httpx2
import pytest

from didier.client import errors
from didier.client.errors import PROBLEMS, ConnectionFailed, ProblemError, TimedOut, UnexpectedAnswer

URL = "https://didier.example.com/phones/"
DID = {"did_id": 7, "did_pattern": "18001234567", "did_active": "Y", "did_description": None}
BATCH = {"id": 3, "kind": "copy", "mode": "atomic", "state": "done", "of_tomorrow": {"deep": [1]}}


def problem(kind, status=409, headers=None, **members):
    """Return a problem document of the type *kind* as an answer."""
    document = {
        "type": f"/problems/{kind}",
        "title": "Title",
        "status": status,
        "detail": "detail",
        **members,
    }
    sent = {"content-type": "application/problem+json", **(headers or {})}
    return httpx2.Response(status, headers=sent, content=json.dumps(document))


def answers(*given):
    """Return a transport that gives *given* one after the other, and the requests that it got.

    An exception is raised, as when the connection breaks.
    """
    requests = []
    waiting = list(given)

    def answer(request):
        requests.append(request)
        one = waiting.pop(0)
        if isinstance(one, Exception):
            raise one
        if isinstance(one, httpx2.Response):
            return httpx2.Response(one.status_code, headers=one.headers, content=one.content)
        return httpx2.Response(200, json=one)

    return httpx2.MockTransport(answer), requests


@pytest.fixture
def talk(clients):
    """Return a function that makes a client which gets the answers that it is given, and its requests."""

    def connected(*given, **options):
        transport, requests = answers(*given)
        return clients.connect(URL, "admin", "secret", transport=transport, **options), requests

    return connected


def test_password_goes_into_the_header_alone(talk):
    """User and password are sent with HTTP Basic, below the address that was given."""
    client, requests = talk(DID)
    client.did("*99#")

    assert "https://didier.example.com/phones/api/v1/dids/%2A99%23" == str(requests[0].url)
    basic = base64.b64encode(b"admin:secret").decode()
    assert f"Basic {basic}" == requests[0].headers["authorization"]


def test_a_token_is_a_bearer(clients):
    """A token is sent as one."""
    transport, requests = answers(DID)
    clients.connect(URL, token="didier_secret", transport=transport).did("18001234567")

    assert "Bearer didier_secret" == requests[0].headers["authorization"]


def test_a_one_time_code_is_sent_with_the_first_call_alone(talk):
    """It counts once, and wrong codes lock a user out; a call that is sent again has it too."""
    client, requests = talk(problem("overloaded", 503), DID, DID, one_time_code="123456")
    client.did("18001234567")
    client.did("18001234567")

    assert ["123456", "123456", None] == [one.headers.get("didier-one-time-code") for one in requests]
    assert "123456" not in repr(client)


def test_me(talk):
    """Who the caller is, and the state of a second factor where there is one."""
    factor = {"confirmed_at": "2026-03-04T05:06:07+00:00", "keeps_password": True, "recovery_codes_left": 9}
    me = {"user": "admin", "user_level": 9, "user_group": "ADMIN"}
    client, _ = talk({**me, "second_factor": factor}, {**me, "second_factor": None})
    found = client.me().second_factor

    assert (True, 9, 2026) == (found.keeps_password, found.recovery_codes_left, found.confirmed_at.year)
    assert client.me().second_factor is None


@pytest.mark.parametrize(
    "arguments",
    [
        {"user": "admin"},
        {"token": "didier_secret", "one_time_code": "123456"},
        {"password": "secret"},
        {"user": "admin", "password": "secret", "token": "didier_secret"},
        {"token": "didier_secret", "user": "admin"},
    ],
)
def test_half_a_sign_in_is_refused(clients, arguments):
    """A user without a password, or both ways to sign in at once, are mistakes of the program."""
    with pytest.raises(TypeError) as caught:
        clients.connect(URL, **arguments)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://admin:secret@didier.example.com", "didier.example.com:secret", "ftp://secret", "", None]
)
def test_an_address_that_is_none_is_refused(clients, url):
    """The refusal does not repeat the address, which may have a password in it."""
    with pytest.raises(ValueError, match="url") as caught:
        clients.connect(url)

    assert "secret" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("token", ["secret\nX: y", "secret secret", "s\u00e9cret"])
def test_a_token_that_is_none_is_refused(clients, token):
    """Here, and not by whoever quotes it."""
    with pytest.raises(ValueError, match="token") as caught:
        clients.connect(URL, token=token)

    assert "cret" not in "".join(traceback.format_exception(caught.value)).replace("the secret", "")


@pytest.mark.parametrize("pattern", ["", ".", ".."])
def test_a_pattern_that_would_be_another_address_is_refused(talk, pattern):
    """No request is sent."""
    client, requests = talk()

    with pytest.raises(ValueError, match="no name"):
        client.delete(pattern)
    assert [] == requests


def test_a_server_that_is_busy_is_asked_again(talk, clients):
    """Each wait is about twice the one before."""
    busy = problem("database-busy", 503)
    client, requests = talk(busy, busy, busy, DID)
    client.did("18001234567")

    assert 4 == len(requests)
    assert [True] * 3 == [
        low <= wait <= 2 * low for low, wait in zip([0.25, 0.5, 1], clients.pauses, strict=True)
    ]


def test_retry_after_is_honoured(talk, clients):
    """The server's wish counts where it is longer."""
    limited = problem("too-many-requests", 429, {"retry-after": "7"})
    client, _ = talk(limited, DID)
    client.did("18001234567")

    assert [7] == clients.pauses


def test_a_wish_that_is_too_long_is_an_error(talk, clients):
    """Nobody waits for a quarter of an hour without knowing it."""
    client, _ = talk(problem("overloaded", 503, {"retry-after": "900"}))

    with pytest.raises(errors.Overloaded):
        client.did("18001234567")
    assert [] == clients.pauses


@pytest.mark.parametrize(("retries", "sent"), [(0, 1), (1, 2), (3, 4)])
def test_there_is_an_end_to_it(talk, retries, sent):
    """The last failure is raised."""
    broken = [httpx2.ConnectError("refused") for _ in range(sent)]
    client, requests = talk(*broken, retries=retries)

    with pytest.raises(ConnectionFailed, match="refused"):
        client.did("18001234567")
    assert sent == len(requests)


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ReadError("reset"),
        httpx2.RemoteProtocolError("disconnected"),
        httpx2.ReadTimeout("slow"),
        problem("database-lost", 503),
        problem("key-under-way"),
        httpx2.Response(502, text="<h1>Bad gateway</h1>"),
    ],
    ids=lambda one: type(one).__name__,
)
@pytest.mark.parametrize("kind", ["list", "iterator"])
def test_a_lost_answer_is_asked_for_with_the_same_key(talk, failure, kind):
    """A copy is sent again as it was, so that the server does it once."""
    targets = [str(18_002_220_000 + number) for number in range(5 if kind == "list" else 5_000)]
    client, requests = talk(failure, failure, BATCH)
    batch = client.copy("18001234567", to=targets if kind == "list" else iter(targets), active=False)

    assert 3 == batch.id
    assert 3 == len(requests)
    assert 1 == len({(one.headers["idempotency-key"], str(one.url), one.content) for one in requests})


def test_each_order_has_a_key_of_its_own(talk):
    """Two orders that are alike are two orders; a key that is given is used."""
    client, requests = talk(BATCH, BATCH, BATCH)
    for key in (None, None, "mine"):
        client.copy("18001234567", to="18002223333", idempotency_key=key)

    keys = [one.headers["idempotency-key"] for one in requests]
    assert 3 == len(set(keys))
    assert "mine" == keys[2]


@pytest.mark.parametrize(
    ("failure", "raised"),
    [
        (httpx2.ReadError("reset"), ConnectionFailed),
        (httpx2.WriteTimeout("slow"), TimedOut),
        (problem("database-lost", 503), errors.DatabaseLost),
        (problem("failed", 500), errors.ServerFailed),
        (httpx2.Response(504, text="Gateway timeout"), UnexpectedAnswer),
    ],
    ids=lambda one: getattr(one, "__name__", type(one).__name__),
)
def test_a_change_that_may_have_been_made_is_not_sent_again(talk, failure, raised):
    """A change is not idempotent: somebody else may have changed the DID since."""
    client, requests = talk(failure)

    with pytest.raises(raised):
        client.update("18001234567", active=False)
    assert 1 == len(requests)


@pytest.mark.parametrize(
    "failure",
    [
        httpx2.ConnectError("refused"),
        httpx2.ConnectTimeout("slow"),
        problem("overloaded", 503),
        problem("stopping", 503),
        problem("too-many-requests", 429),
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_change_that_was_not_begun_is_sent_again(talk, failure):
    """What the server did not take can be sent again whatever it is."""
    client, _ = talk(failure, httpx2.Response(200, json=DID, headers={"etag": '"x"'}))

    assert '"x"' == client.update("18001234567", active=False, etag='"w"').etag


@pytest.mark.parametrize(
    "failure", [httpx2.ReadError("reset"), problem("database-lost", 503)], ids=["broken", "database"]
)
def test_a_deletion_whose_answer_was_lost_is_done(talk, failure):
    """The DID is gone; that it was there before cannot be seen any more."""
    client, _ = talk(failure, problem("did-not-found", 404))

    assert client.delete("18001234567") is None


@pytest.mark.parametrize("first", [[], [httpx2.ConnectError("refused")], [problem("overloaded", 503)]])
def test_a_deletion_that_finds_nothing_is_refused(talk, first):
    """Also when it was sent again because the first one did not reach the server."""
    client, _ = talk(*first, problem("did-not-found", 404))

    with pytest.raises(errors.DidNotFound):
        client.delete("18001234567")


def test_refusals_are_not_sent_again(talk):
    """Wrong passwords above all: ten of them lock the user out."""
    client, requests = talk(problem("wrong-password", 401))

    with pytest.raises(errors.WrongPassword):
        client.did("18001234567")
    assert 1 == len(requests)


@pytest.mark.parametrize(("kind", "raised"), PROBLEMS.items())
def test_every_problem_is_an_exception_of_its_own(talk, kind, raised):
    """With all that the document says; also after a journey between processes."""
    client, _ = talk(problem(kind, 409, pointer="/overrides/did_route"), retries=0)

    with pytest.raises(raised) as caught:
        client.did("18001234567")
    error = pickle.loads(pickle.dumps(caught.value))
    assert raised is type(error)
    assert (409, kind, "Title", "detail") == (error.status, error.type, error.title, error.detail)
    assert ("/overrides/did_route", "did_route") == (error.pointer, error.field)


@pytest.mark.parametrize(
    ("pointer", "field"),
    [
        ("/did_active", "did_active"),
        ("/targets/3/did_active", "did_active"),
        ("/targets/3", "targets"),
        ("/a~1b~0c", "a/b~c"),
        ("limit", "limit"),
        ("Idempotency-Key", "Idempotency-Key"),
        ("", None),
        (None, None),
    ],
)
def test_the_field_is_the_last_name_of_the_pointer(pointer, field):
    """Numbers in a pointer are places in a list."""
    assert field == ProblemError(422, {"pointer": pointer}).field


def test_what_a_problem_says_besides(talk):
    """Missing settings, targets, places and all that is not valid are attributes."""
    target = {"position": 2, "target": "1800", "outcome": "exists", "reason": "already exists", "new": 1}
    members = {
        "not-permitted": {"function": "copy_did", "missing": ["API Access must be 1"]},
        "not-all-possible": {"count": 5, "targets": [target]},
        "did-in-use": {"places": ["call menu MAIN"]},
        "invalid-field": {"allowed": "one of Y, N"},
        "invalid-request": {"errors": [{"pointer": "/a", "detail": "b"}]},
    }
    caught = {}
    for kind, extra in members.items():
        client, _ = talk(problem(kind, **extra))
        with pytest.raises(ProblemError) as found:
            client.did("18001234567")
        caught[kind] = found.value

    assert "copy_did" == caught["not-permitted"].function
    assert ("API Access must be 1",) == caught["not-permitted"].missing
    assert 5 == caught["not-all-possible"].count
    assert ["1800 (already exists)"] == [str(one) for one in caught["not-all-possible"].targets]
    assert ("call menu MAIN",) == caught["did-in-use"].places
    assert "one of Y, N" == caught["invalid-field"].allowed
    assert "/a" == caught["invalid-request"].errors[0]["pointer"]


def test_a_problem_of_a_newer_server_is_plain(talk):
    """Its type and what it says are there."""
    client, _ = talk(problem("moon-too-full", 451, phase="full"))

    with pytest.raises(ProblemError) as caught:
        client.did("18001234567")
    assert ProblemError is type(caught.value)
    assert ("moon-too-full", 451, "full") == (
        caught.value.type, caught.value.status, caught.value.members["phase"],
    )  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<h1>Welcome</h1>"),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"no": "columns"}),
        httpx2.Response(404, text="Not found"),
        httpx2.Response(301, headers={"location": "https://elsewhere/"}),
        httpx2.Response(400, headers={"content-type": "application/problem+json"}, content="{"),
        httpx2.Response(400, headers={"content-type": "application/problem+json"}, content="[]"),
    ],
    ids=["html", "list", "keys", "proxy", "redirect", "half", "no-object"],
)
def test_answers_of_something_else_are_told_apart(talk, answer):
    """A wrong address, or a proxy, is no problem of Didier's."""
    client, _ = talk(answer)

    with pytest.raises(UnexpectedAnswer) as caught:
        client.add("18001234567")
    assert answer.status_code == caught.value.status


def test_nothing_secret_is_shown(clients):
    """Neither what is raised nor what is printed has the password or the token in it."""
    failures = [
        httpx2.ConnectError("refused"), httpx2.ReadTimeout("slow"), problem("wrong-password", 401),
        httpx2.Response(200, text="no"),
    ]  # fmt: skip
    texts = []
    for failure in failures:
        for login in ({"user": "admin", "password": "hunter2"}, {"token": "didier_hunter2"}):
            transport, _ = answers(failure)
            client = clients.connect(URL, transport=transport, retries=0, **login)
            with pytest.raises(errors.DidierError) as caught:
                client.did("18001234567")
            texts += [repr(client), repr(caught.value), *traceback.format_exception(caught.value)]
    transport, _ = answers(BATCH, {"token_id": 1, "user": "a", "name": "b", "token": "didier_hunter2"})
    client = clients.connect(URL, "admin", "hunter2", transport=transport)
    texts += [repr(client.copy("18001234567", to="18002223333")), repr(client.add_token("b", ["dids:read"]))]

    basic = base64.b64encode(b"admin:hunter2").decode()
    assert [] == [text for text in texts if "hunter2" in text or basic in text]


def test_pages_are_asked_for_as_they_are_needed(talk):
    """The next page is asked for when the one before is used up, with the same parameters."""
    first = {"items": [DID, {**DID, "did_pattern": "1801"}], "next": "c1"}
    client, requests = talk(first, {"items": [{**DID, "did_pattern": "1802"}], "next": None})
    found = client.dids(search="180", active=True, sort="-did_id", page_size=2)

    assert [] == requests
    assert ["18001234567", "1801"] == [next(found).pattern, next(found).pattern]
    assert 1 == len(requests)
    assert ["1802"] == [did.pattern for did in found]
    wanted = {"search": "180", "active": "Y", "sort": "-did_id", "limit": "2"}
    assert [wanted, {**wanted, "cursor": "c1"}] == [dict(one.url.params) for one in requests]


def test_fields_of_newer_servers_are_left_out(talk):
    """A column that this release does not know is there; a field of another value is left out."""
    client, _ = talk({**DID, "did_moon": "full"}, BATCH)

    assert "full" == client.did("18001234567")["did_moon"]
    assert "done" == client.batch(3).state


def test_columns_have_short_names(talk):
    """True and False stand for Y and N, None empties, and long names are as good."""
    client, requests = talk(DID)
    client.add(
        "1800", active=False, description="Sales", in_group=None, call_menu="M", carrier="C", user_group="G"
    )

    assert {
        "did_pattern": "1800", "did_active": "N", "did_description": "Sales", "group_id": None,
        "menu_id": "M", "did_carrier_description": "C", "user_group": "G",
    } == json.loads(requests[0].content)  # fmt: skip


def test_an_order_says_what_differs(talk):
    """In JSON and beside a text body alike."""
    named = {
        "active": False, "description": "Sales", "set": {"extension": 8300, "group_id": None},
        "description_template": "{target}", "atomic": False,
    }  # fmt: skip
    client, requests = talk(BATCH, BATCH)
    client.copy("1800", to=["1801", {"target": "1802", "active": True}], **named)
    client.copy("1800", csv="target\n1801\n", **named)

    assert {
        "source": "1800", "targets": ["1801", {"target": "1802", "did_active": "Y"}], "dry_run": False,
        "overrides": {"extension": 8300, "group_id": None, "did_active": "N", "did_description": "Sales"},
        "mode": "best_effort", "description_template": "{target}",
    } == json.loads(requests[0].content)  # fmt: skip
    assert b"target\n1801\n" == requests[1].content
    assert [
        ("source", "1800"), ("mode", "best_effort"), ("description_template", "{target}"),
        ("set", "extension=8300"), ("set", "group_id="), ("set", "did_active=N"),
        ("set", "did_description=Sales"),
    ] == requests[1].url.params.multi_items()  # fmt: skip


@pytest.mark.parametrize("given", [{}, {"to": "1801", "csv": "target\n1801\n"}])
def test_what_is_to_be_made_is_said_once(talk, given):
    """Neither nothing nor two things."""
    client, _ = talk()

    with pytest.raises(TypeError, match="either to or csv"):
        client.copy("1800", **given)


def test_a_token_that_nobody_has_seen_is_revoked(talk):
    """The server says what a token is once: if that answer is lost, another one is made."""
    token = {"token_id": 4, "user": "admin", "name": "crm", "token": None}
    again = {**token, "token_id": 5, "token": "didier_x"}
    client, requests = talk(httpx2.ReadError("reset"), token, httpx2.Response(204), again)

    assert "didier_x" == client.add_token("crm", ["dids:read"]).secret
    assert ["POST", "POST", "DELETE", "POST"] == [one.method for one in requests]
    assert requests[2].url.path.endswith("/tokens/4")
    assert requests[0].headers["idempotency-key"] != requests[3].headers["idempotency-key"]


def test_a_token_that_is_lost_again_and_again_is_an_error(talk):
    """None of them stays valid."""
    token = {"token_id": 4, "user": "admin", "name": "crm", "token": None}
    client, requests = talk(*[token, httpx2.Response(204)] * 3)

    with pytest.raises(ConnectionFailed, match="revoked"):
        client.add_token("crm", ["dids:read"])
    assert ["POST", "DELETE"] * 3 == [one.method for one in requests]


@pytest.mark.parametrize(("named", "also"), [({}, {}), ({"revoke_tokens": True}, {"revoke_tokens": True})])
def test_tokens_are_revoked_when_asked(talk, named, also):
    """Otherwise the field is not sent: earlier servers do not know it."""
    client, requests = talk({"user": "crm"})
    client.update_user("crm", password="another-one", **named)

    assert {"password": "another-one", **also} == json.loads(requests[0].content)
