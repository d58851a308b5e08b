"""Who is who, at every door: users by their ids, kept answers by user and token, locks for every name."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from sqlalchemy.engine import Engine

from didier.services.users.lockouts import LOCK_AFTER
from didier.services.users.passwords import new_hash
from didier.storage.statements import run
from support.asgi import Application, basic, bearer, serving

ADMIN = basic("admin", "1234")
SOURCE = "18001234567"
HASH = new_hash("sesame")


@pytest.fixture
def app(engine):
    with serving(engine) as application:
        yield application


def copy(app: Application, headers, target: str, key: str):
    body = {"source": SOURCE, "targets": [target]}
    return app.ask("POST", "/api/v1/copies", {**headers, "idempotency-key": key}, body)


def token(app: Application, headers, *scopes: str, **settings) -> dict[str, str]:
    made = app.ask("POST", "/api/v1/tokens", headers, {"name": "t", "scopes": scopes, **settings})
    assert 201 == made.status, made.text
    return bearer(made.body["token"])


def add_user(engine: Engine, name: str) -> None:
    """Put a user there who may do everything, as an earlier release could have made them."""
    with engine.begin() as conn:
        plain = "" if conn.dialect.name == "sqlite" else "sesame"
        values = (name, plain, "" if plain else HASH)
        run(
            conn,
            "INSERT INTO vicidial_users (user, pass, pass_hash, full_name, user_level, user_group, active,"
            " vdc_agent_api_access, modify_inbound_dids) VALUES (?, ?, ?, 'X', 8, 'ADMIN', 'Y', '1', '1')",
            *values,
        )


def test_an_answer_is_kept_for_the_token_that_got_it(app):
    """A token with a prefix is not shown what its user's password, or another token, was answered."""
    wide = token(app, ADMIN, "dids:read", "dids:write")
    narrow = token(app, ADMIN, "dids:write", pattern_prefix="44")
    first = [copy(app, headers, "5550101", "key") for headers in (ADMIN, wide)]

    answer = copy(app, narrow, "5550101", "key")

    assert [201, 409] == [
        one.status for one in first
    ]  # the second is another request, and finds the number taken
    assert (404, "/problems/did-not-found") == (answer.status, answer.body["type"])
    assert first[0].body == copy(app, ADMIN, "5550101", "key").body


def test_an_answer_is_kept_for_the_user_who_got_it(engine, app):
    """Who gets the name of a user who was deleted gets none of their answers."""
    add_user(engine, "crm")
    first = copy(app, basic("crm", "sesame"), "5550101", "key")
    with engine.begin() as conn:
        run(conn, "DELETE FROM vicidial_users WHERE user = 'crm'")
    add_user(engine, "crm")

    answer = copy(app, basic("crm", "sesame"), "5550101", "key")

    assert [201, 409] == [first.status, answer.status]


LOOK_ALIKES = ("sysadmin", "\u017fysadmin")


def test_look_alikes_that_are_there_share_nothing(engine, app):
    """Tokens, kept answers and locks of one are not those of the other."""
    # MariaDB's collation has never let two of them be there.
    names = LOOK_ALIKES if engine.dialect.name == "sqlite" else ("sysadmin", "sysadmin2")
    for name in names:
        add_user(engine, name)
    first, second = (basic(name, "sesame") for name in names)
    mine = token(app, first, "dids:read")
    copies = [copy(app, headers, "5550101", "key") for headers in (first, second)]
    for _ in range(LOCK_AFTER):
        app.ask("GET", "/api/v1/dids", basic(names[0], "wrong"))

    tokens = [app.ask("GET", "/api/v1/tokens", headers) for headers in (second, mine)]
    locked = [app.ask("GET", "/api/v1/dids", headers).status for headers in (first, second)]

    assert [201, 409] == [answer.status for answer in copies]
    assert [] == tokens[0].body["items"]
    assert 403 == tokens[1].status
    assert [401, 200] == locked


def test_a_user_is_found_under_every_form_of_the_name(engine, app):
    """What the database takes for the same name is that user, and no failure of the server."""
    add_user(engine, "kelly")
    names = ["kelly", "KELLY", "k\u00e9lly"]

    answers = [app.ask("PATCH", f"/api/v1/users/{quote(name)}", ADMIN, {"full_name": "K"}) for name in names]

    same = engine.dialect.name != "sqlite"  # SQLite tells accents apart
    assert [200, 200, 200 if same else 404] == [answer.status for answer in answers]
    assert {"kelly"} == {answer.body["user"] for answer in answers if answer.status == 200}


def by_basic(app: Application, name: str, password: str) -> object:
    answer = app.ask("GET", "/api/v1/dids", basic(name, password))
    return answer.status, answer.body["type"], answer.body["detail"], answer.headers.get("retry-after")


def by_legacy(app: Application, name: str, password: str) -> object:
    return app.legacy(name, password, "list_dids").replace(name, "NAME")


def by_tutorial(app: Application, name: str, password: str) -> object:
    given = {"did_pattern": SOURCE, "new_did_pattern": "5550101", "did_active": "Y"}
    return app.legacy(name, password, "copy_did", **given).replace(name, "NAME")


def by_panel(app: Application, name: str, password: str) -> object:
    answer = app.entering(name, password)
    text = answer.text.replace(name, "NAME")
    return answer.status, text.partition('role="alert"')[2].partition("<")[0]


@pytest.mark.parametrize("door", [by_basic, by_legacy, by_tutorial, by_panel])
def test_no_door_tells_which_users_there_are(engine, app, door: Callable[[Application, str, str], object]):
    """Until the lock and after it a wrong password is answered alike, whether there is such a user or not."""
    add_user(engine, "crm")
    guesses = [f"wrong{number}" for number in range(LOCK_AFTER + 3)]

    there, nowhere = ([door(app, name, guess) for guess in guesses] for name in ("crm", "nob"))

    assert there == nowhere
    assert there[0] != there[-1]
    assert door(app, "CRM", "sesame") == door(app, "NOB", "sesame")
