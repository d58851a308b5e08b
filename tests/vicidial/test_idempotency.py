"""idempotency_key: a request is carried out once, however often it is sent."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy.engine import Engine

from didier.storage.failures import is_passing
from support.calls import SOURCE, Api

COPY = {"function": "copy_did", "source_did_pattern": SOURCE, "new_dids": "5550001"}
KEY = "order-4711"


@pytest.fixture
def api(engine, now):
    return Api(engine, now)


def remembered(api):
    return api.sql("SELECT user_name, idempotency_key FROM didier_idempotency")


@pytest.mark.parametrize(
    "request_",
    [
        COPY,
        {**COPY, "format": "json"},
        {**COPY, "summary": "Y"},
        {"function": "add_did", "did_pattern": "5550001"},
        {"function": "copy_did", "did_pattern": SOURCE, "new_did_pattern": "5550001", "did_active": "Y"},
    ],
    ids=["copy", "json", "summary", "add", "tutorial"],
)
def test_the_answer_is_repeated(api, request_):
    """The second request has the first one's answer, to the byte, and makes nothing."""
    [first] = api.together({**request_, "idempotency_key": KEY})
    [second] = api.together({**request_, "idempotency_key": KEY})

    assert "SUCCESS" in first
    assert first == second
    assert [SOURCE, "5550001"] == api.patterns()
    assert [(1,)] == [tuple(row) for row in api.sql("SELECT count(*) FROM vicidial_admin_log")]


def test_a_repeated_answer_is_one_row_of_the_log(api):
    """The API log says that the answer was repeated, and with which key."""
    for _ in range(2):
        api.call(**COPY, idempotency_key=KEY)

    last = api.sql("SELECT result, result_reason, data FROM vicidial_api_log ORDER BY api_id")[2:]
    assert [("SUCCESS", "copy_did ANSWER REPEATED", KEY)] == [tuple(row) for row in last]


@pytest.mark.parametrize(
    "change", [{"new_dids": "5550002"}, {"did_description": "Another"}, {"format": "json"}, {"source": "crm"}]
)
def test_a_key_is_for_one_request(api, change):
    """The same key with other parameters is refused."""
    api.together({**COPY, "idempotency_key": KEY})
    [answer] = api.together({**COPY, **change, "idempotency_key": KEY})

    assert f"copy_did IDEMPOTENCY KEY WAS USED FOR ANOTHER REQUEST: |admin|{KEY}" in answer
    assert [SOURCE, "5550001"] == api.patterns()


def test_a_key_is_not_for_another_function(api):
    """The key of a copy is refused for an addition."""
    api.together({**COPY, "idempotency_key": KEY})

    assert f"ERROR: add_did IDEMPOTENCY KEY WAS USED FOR ANOTHER REQUEST: |admin|{KEY}\n" == api.call(
        "add_did", did_pattern="5550002", idempotency_key=KEY
    )


def test_unknown_parameters_make_no_other_request(api):
    """A parameter that has no meaning, such as the time against caches, is not compared."""
    answers = [api.call(**COPY, idempotency_key=KEY, _=str(moment)) for moment in range(2)]

    assert answers[0] == answers[1]


def test_keys_are_compared_to_the_letter(api):
    """A key in other letters is another key."""
    api.call(**COPY, idempotency_key="Order")
    answer = api.call(**COPY, idempotency_key="order")

    assert "DID ALREADY EXISTS" in answer


def test_keys_belong_to_the_user(api):
    """Another user's key of the same text is another key."""
    api.sql(
        "INSERT INTO vicidial_users (user, pass, user_level, user_group, vdc_agent_api_access,"
        " modify_inbound_dids, api_allowed_functions) VALUES ('crm', '1234', 8, 'ADMIN', '1', '1', ' ALL ')"
    )
    api.call(**COPY, idempotency_key=KEY)
    [answer] = api.together({**COPY, "user": "crm", "idempotency_key": KEY, "new_dids": "5550002"})

    assert f"SUCCESS: copy_did DIDS HAVE BEEN ADDED - crm|{SOURCE}|1|0\n" in answer
    ids = api.sql("SELECT user_id FROM vicidial_users WHERE user IN ('admin', 'crm') ORDER BY user_id")
    assert [(f"#{row[0]}", KEY) for row in ids] == sorted(tuple(row) for row in remembered(api))


def test_the_name_of_the_user_may_be_written_in_another_case(api):
    """VICIdial's user names ignore case, so a retry as ADMIN is the same user's."""
    first = api.call(**COPY, idempotency_key=KEY)
    [second] = api.together({**COPY, "user": "ADMIN", "idempotency_key": KEY})

    assert first == second


def test_of_two_at_once_one_does_the_work(api):
    """Two in one transaction: one makes the DID, the other has its answer."""
    request = {**COPY, "idempotency_key": KEY}
    plain = {**COPY, "new_dids": "5550009"}

    first, between, second, third = api.together(request, plain, request, {**request, "new_dids": "5550003"})

    assert first == second
    assert "|5550001|" in first
    assert "|5550009|" in between
    assert "USED FOR ANOTHER REQUEST" in third
    assert [SOURCE, "5550001", "5550009"] == api.patterns()


def test_of_two_processes_one_does_the_work(engine: Engine, now):
    """Many connections at once with one key: the DID is made once and all have one answer."""
    answers, errors = [], []

    def send() -> None:
        api = Api(engine, now)
        for _ in range(20):
            try:
                answers.append(api.call(**COPY, idempotency_key=KEY))
                return
            except Exception as error:  # the committer tries such a transaction again
                if not is_passing(error):
                    errors.append(error)
                    return

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [] == errors
    assert 6 == len(answers)
    assert 1 == len(set(answers))
    assert [SOURCE, "5550001"] == Api(engine, now).patterns()


def test_a_refused_request_may_be_sent_again(api):
    """A request that made nothing is tried anew, with the same key and corrected circumstances."""
    refused = api.call("copy_did", source_did_pattern="999", new_dids="5550001", idempotency_key=KEY)
    existing = api.call("copy_did", source_did_pattern=SOURCE, new_dids=SOURCE, idempotency_key=KEY)
    incomplete = api.call("copy_did", idempotency_key=KEY)

    assert ["ERROR" in answer for answer in (refused, existing, incomplete)] == [True] * 3
    assert [] == list(remembered(api))
    assert "DIDS HAVE BEEN ADDED" in api.call(**COPY, idempotency_key=KEY)


def test_a_refused_login_stores_nothing(api):
    """A wrong password does not take a key."""
    api.together({**COPY, "idempotency_key": KEY, "pass": "wrong"})

    assert [] == list(remembered(api))


def test_a_lost_right_is_lost_for_repeated_answers_too(api):
    """Who may not copy any longer is told so, not the answer of yesterday."""
    api.call(**COPY, idempotency_key=KEY)
    api.sql("UPDATE vicidial_users SET modify_inbound_dids = '0'")

    assert "PERMISSION TO ADD DIDS" in api.call(**COPY, idempotency_key=KEY)


@pytest.mark.parametrize(
    ("age", "repeated"), [(timedelta(hours=24, seconds=-1), True), (timedelta(hours=24), False)]
)
def test_answers_are_repeated_for_a_day(api, age, repeated):
    """After 24 hours the key is new; what has expired is removed."""
    first = api.call(**COPY, idempotency_key=KEY)
    api.now += age
    second = api.call(**COPY, idempotency_key=KEY)

    assert repeated == (first == second)
    assert (1 if repeated else 0) == len(remembered(api))


def test_a_claim_that_was_left_behind_does_not_count(api):
    """A key whose request died before it was answered is carried out again."""
    api.sql(
        "INSERT INTO didier_idempotency (user_name, idempotency_key, fingerprint, created_at)"
        " VALUES ('admin', ?, 'x', '2026-03-04 05:06:00')",
        KEY,
    )

    assert "DIDS HAVE BEEN ADDED" in api.call(**COPY, idempotency_key=KEY)


def test_a_dry_run_takes_no_key(api):
    """A preview does nothing that could be repeated; the real call behind it is carried out."""
    preview = api.call(**COPY, idempotency_key=KEY, dry_run="Y")

    assert "WOULD BE ADDED" in preview
    assert [] == list(remembered(api))
    assert "HAVE BEEN ADDED" in api.call(**COPY, idempotency_key=KEY)


@pytest.mark.parametrize("key", ["two words", "a|b", "Schlüssel", "x" * 256, "line\nline", "|"])
def test_impossible_keys_are_refused(api, key):
    """A key with other characters is refused, never cleaned into another one."""
    answer = api.call(**COPY, idempotency_key=key)

    assert answer.startswith("ERROR: copy_did IDEMPOTENCY KEY IS NOT VALID: |admin|")
    assert [SOURCE] == api.patterns()


@pytest.mark.parametrize("key", ["x" * 255, "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "a:b.c_d/e=f+g@h"])
def test_possible_keys(api, key):
    """Random identifiers and texts without blanks are keys."""
    assert api.call(**COPY, idempotency_key=key) == api.call(**COPY, idempotency_key=key)


def test_an_empty_key_is_none(api):
    """idempotency_key without a value is a request like any other."""
    api.call(**COPY, idempotency_key="")

    assert "DID ALREADY EXISTS" in api.call(**COPY, idempotency_key="")


def test_a_long_answer_is_repeated(api):
    """The answer to a copy of 1,000 numbers is stored whole."""
    request = {**COPY, "new_dids": "18002220000-18002220999", "idempotency_key": KEY}
    [first] = api.together(request)

    assert 1001 == first.count("\n")
    assert [first] == api.together(request)
