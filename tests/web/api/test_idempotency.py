"""Requests with an Idempotency-Key: done once."""

import threading

from web.api.conftest import Api, did


def test_the_finished_answer_is_repeated(api):
    """Status, body, and the headers that matter; nothing is done again."""
    first = api.post("/dids", {"did_pattern": "18005550100"}, key="k1")
    api.ask("DELETE", did("18005550100"))
    again = api.post("/dids", {"did_pattern": "18005550100"}, key="k1")

    assert (201, first.body) == (again.status, again.body)
    assert [first.headers[h] for h in ("etag", "location")] == [
        again.headers[h] for h in ("etag", "location")
    ]
    assert ("true", None) == tuple(r.headers.get("idempotency-replayed") for r in (again, first))
    assert 404 == api.get(did("18005550100")).status


def test_another_body_is_refused(api):
    """A key stands for one request."""
    api.post("/dids", {"did_pattern": "18005550100"}, key="k1")
    refused = api.post("/dids", {"did_pattern": "18005550101"}, key="k1")

    assert (422, "key-reused") == refused.problem
    assert "Idempotency-Key" == refused.body["pointer"]


def test_keys_are_of_one_user_and_one_address(api):
    """The same key of another user, or at another address, is another key."""
    rights = {"api_allowed_functions": ["ALL"], "vdc_agent_api_access": True}
    api.post("/users", {"user": "crm", "password": "secret", "user_group": "ADMIN", **rights}, key="k1")
    crm = Api(api.server, "crm", "secret")

    assert 201 == api.post("/dids", {"did_pattern": "18005550100"}, key="k1").status
    assert 201 == crm.post("/dids", {"did_pattern": "18005550101"}, key="k1").status


def test_a_refused_request_may_be_sent_again(api):
    """It changed nothing; once what was in its way is gone, it is done."""
    api.add("18005550100")
    refused = api.post("/dids", {"did_pattern": "18005550100"}, key="k1")
    api.ask("DELETE", did("18005550100"))

    assert (409, "did-exists") == refused.problem
    assert 201 == api.post("/dids", {"did_pattern": "18005550100"}, key="k1").status


def test_of_many_at_once_one_is_done(api):
    """The others are told that it is under way, or get its answer."""
    replies = []

    def send():
        replies.append(api.post("/dids", {"did_pattern": "18005550100"}, key="k1"))

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    made = [reply for reply in replies if reply.status == 201]
    assert made
    assert 1 == len({reply.text for reply in made})
    assert {(409, "key-under-way")} >= {reply.problem for reply in replies if reply.status != 201}
    assert 1 == len([row for row in api.server.patterns() if row == "18005550100"])


def test_a_new_password_is_not_kept(api):
    """Neither the password, nor anything that could be compared with guesses of it."""
    body = {"user": "crm", "password": "a-very-secret-word", "user_group": "ADMIN"}
    first = api.post("/users", body, key="k1")
    again = api.post("/users", {**body, "password": "another"}, key="k1")

    assert (201, first.body) == (again.status, again.body)
    assert "a-very-secret-word" not in str(api.server.sql("SELECT * FROM didier_idempotency"))


def test_a_bad_key_is_refused(api):
    """Keys have 1 to 255 characters."""
    refused = api.post("/dids", {"did_pattern": "18005550100"}, key="k" * 256)

    assert 422 == refused.status
    assert "Idempotency-Key" == refused.body["pointer"]


def test_an_answer_is_not_repeated_to_who_sees_other_groups(api):
    """Who was moved to another group is not shown again what the old one has, and nothing is done twice."""
    rights = {"vdc_agent_api_access": True, "modify_inbound_dids": True, "api_allowed_functions": ["ALL"]}
    new = {"user": "crm", "password": "secret", "user_group": "ADMIN", "user_level": 8}
    api.post("/users", {**new, **rights})
    crm, body = Api(api.server, "crm", "secret"), {"did_pattern": "5550001", "did_description": "Old line"}
    api.server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' OLD '")
    first, again = crm.post("/dids", body, key="one"), crm.post("/dids", body, key="one")
    api.server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' NEW '")
    moved = crm.post("/dids", body, key="one")

    assert (201, first.body) == (again.status, again.body)
    assert (422, "key-reused") == moved.problem
    assert "Old line" not in moved.text
