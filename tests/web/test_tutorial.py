"""The tutorial's dialect of the Non-Agent API: every row of its table, over HTTP."""

import pytest

from support.server import FORM, PATH, TUTORIAL, multipart

SOURCE = "18001234567"
TARGET = "18002223333"
COPIED = f"SUCCESS: {SOURCE} -> {TARGET} | DID Copied Successfully\n"
NO_FUNCTION = "ERROR: NO FUNCTION SPECIFIED\n"
WRONG_LOGIN = "ERROR: INVALID USERNAME OR PASSWORD\n"
NO_PERMISSION = "ERROR: USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION\n"
INCOMPLETE = "ERROR: copy_did YOU MUST USE ALL REQUIRED FIELDS: "
NOT_FOUND = "ERROR: DID PATTERN NOT FOUND\n"
EXISTS = "ERROR: NEW DID ALREADY EXISTS\n"
LOCKED = "ERROR: Too many login attempts, try again in 15 minutes: |admin|LOCK|\n"
IDENTITY = ("did_id", "did_pattern", "modify_stamp")


def set_user(server, **columns):
    for column, value in columns.items():
        server.sql(f"UPDATE vicidial_users SET {column} = ? WHERE user = 'admin'", value)


def test_the_tutorials_request_copies_a_did(server):
    """The request as it stands in the tutorial copies the DID and says so."""
    query = (
        "function=copy_did&user=admin&pass=1234&source=DIDCopy&did_pattern=18001234567"
        "&new_did_pattern=18002223333&did_active=Y"
    )

    assert (200, COPIED) == server.get(f"{PATH}?{query}")
    assert [SOURCE, TARGET] == server.patterns()


def test_every_column_is_copied(server):
    """The new DID has every column of its source except its identity."""
    columns = [name for name in server.did(SOURCE) if name not in (*IDENTITY, "did_active", "user_group")]
    for position, name in enumerate(columns):
        server.sql(
            f"UPDATE vicidial_inbound_dids SET `{name}` = ?", None if position % 7 == 0 else 1000 + position
        )

    server.tutorial()

    source, target = server.did(SOURCE), server.did(TARGET)
    assert len(columns) >= 59
    assert {name: source[name] for name in columns} == {name: target[name] for name in columns}
    assert source["did_id"] != target["did_id"]


@pytest.mark.parametrize("active", ["Y", "N"])
@pytest.mark.parametrize("of_source", ["Y", "N"])
def test_the_copy_is_as_active_as_asked(server, active, of_source):
    """did_active decides about the copy, whatever the source has, and leaves the source alone."""
    server.sql("UPDATE vicidial_inbound_dids SET did_active = ?", of_source)

    assert COPIED == server.tutorial(did_active=active)
    assert (of_source, active) == (server.did(SOURCE)["did_active"], server.did(TARGET)["did_active"])


REFUSALS = [
    pytest.param({"function": None}, NO_FUNCTION, id="no function"),
    pytest.param({"function": ""}, NO_FUNCTION, id="empty function"),
    pytest.param({"pass": "12345"}, WRONG_LOGIN, id="wrong password"),
    pytest.param({"pass": ""}, WRONG_LOGIN, id="empty password"),
    pytest.param({"pass": None}, WRONG_LOGIN, id="no password"),
    pytest.param({"user": "nobody"}, WRONG_LOGIN, id="unknown user"),
    pytest.param({"user": ""}, WRONG_LOGIN, id="empty user"),
    pytest.param({"user": None}, WRONG_LOGIN, id="no user"),
    pytest.param({"did_pattern": None}, f"{INCOMPLETE}|admin||{TARGET}|Y\n", id="no did_pattern"),
    pytest.param({"did_pattern": "1"}, f"{INCOMPLETE}|admin|1|{TARGET}|Y\n", id="short did_pattern"),
    pytest.param({"new_did_pattern": ""}, f"{INCOMPLETE}|admin|{SOURCE}||Y\n", id="empty new_did_pattern"),
    pytest.param({"new_did_pattern": "2"}, f"{INCOMPLETE}|admin|{SOURCE}|2|Y\n", id="short new_did_pattern"),
    pytest.param({"new_did_pattern": ",,,"}, f"{INCOMPLETE}|admin|{SOURCE}|,,,|Y\n", id="only commas"),
    # Without new_did_pattern the request is VICIdial's, which asks for the same in its own words.
    pytest.param({"new_did_pattern": None}, f"{INCOMPLETE}|admin||\n", id="no new_did_pattern"),
    pytest.param({"did_active": None}, f"{INCOMPLETE}|admin|{SOURCE}|{TARGET}|\n", id="no did_active"),
    pytest.param({"did_active": ""}, f"{INCOMPLETE}|admin|{SOURCE}|{TARGET}|\n", id="empty did_active"),
    pytest.param({"source": None}, f"{INCOMPLETE}|admin|{SOURCE}|{TARGET}|Y|source\n", id="no source"),
    pytest.param({"source": "D"}, f"{INCOMPLETE}|admin|{SOURCE}|{TARGET}|Y|source\n", id="short source"),
    pytest.param(
        {"did_active": "X"}, "ERROR: copy_did DID ACTIVE MUST BE Y OR N: |admin|X\n", id="did_active X"
    ),
    pytest.param(
        {"did_active": "YES"}, "ERROR: copy_did DID ACTIVE MUST BE Y OR N: |admin|YES\n", id="did_active YES"
    ),
    pytest.param({"did_pattern": "18009999999"}, NOT_FOUND, id="unknown source"),
    pytest.param({"new_did_pattern": SOURCE}, EXISTS, id="target exists"),
]


@pytest.mark.parametrize(("changes", "line"), REFUSALS)
def test_each_situation_has_its_line(server, changes, line):
    """Each situation of the table is answered by exactly its line, and no DID is made."""
    # A good login first: the table's wrong passwords must not add up to a lock-out.
    assert EXISTS == server.tutorial(target=SOURCE)

    assert line == server.tutorial(**changes)
    assert [SOURCE] == server.patterns()


def test_a_refusal_is_a_plain_page_like_a_success(server):
    """A refused request has status 200 and the type of plain text, as VICIdial's clients expect."""
    answer = server.exchange("GET", f"{PATH}?new_did_pattern=1")

    assert (200, "text/plain; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert "nosniff" == answer.headers["x-content-type-options"]


def hide_source(server):
    server.sql("UPDATE vicidial_inbound_dids SET user_group = 'OTHER'")
    server.sql("UPDATE vicidial_user_groups SET admin_viewable_groups = ' SALES '")


def test_source_of_another_group_does_not_exist(server):
    """A source that the user's group may not see is not found."""
    hide_source(server)

    assert NOT_FOUND == server.tutorial()
    assert [SOURCE] == server.patterns()


SITUATIONS = [
    ({"function": None}, NO_FUNCTION),
    ({"pass": "wrong"}, WRONG_LOGIN),
    ("modify_inbound_dids", NO_PERMISSION),
    ({"source": ""}, INCOMPLETE),
    ({"did_active": "X"}, "ERROR: copy_did DID ACTIVE MUST BE Y OR N: |admin|X\n"),
    ({"did_pattern": "18009999999"}, NOT_FOUND),
    ({"new_did_pattern": SOURCE}, EXISTS),
]


@pytest.mark.parametrize("first", range(len(SITUATIONS)))
def test_the_earlier_situation_answers(server, first):
    """With one situation of the table and all later ones at once, the earliest is told."""
    changes = {}
    for situation, _ in SITUATIONS[first:]:
        if isinstance(situation, str):
            set_user(server, **{situation: "0"})
        else:
            changes |= situation

    answer = server.tutorial(**changes)

    assert SITUATIONS[first][1] in answer
    assert 1 == len(answer.splitlines())
    assert [SOURCE] == server.patterns()


def test_several_targets_have_a_line_each_in_order(server):
    """New, existing, invalid and repeated targets are answered in the order in which they were sent."""
    server.tutorial(target="18002220002")

    answer = server.tutorial(target="18002220001,18002220002,5,18002220003,18002220001")

    success = "SUCCESS: 18001234567 -> {} | DID Copied Successfully\n"
    invalid = "ERROR: copy_did DID PATTERN IS NOT VALID: |admin|5\n"
    assert success.format("18002220001") + EXISTS + invalid + success.format("18002220003") + EXISTS == answer
    assert [SOURCE, "18002220002", "18002220001", "18002220003"] == server.patterns()


def test_empty_items_are_skipped(server):
    """An empty item of a list is answered by nothing and makes nothing."""
    answer = server.tutorial(target=",18002220001,,18002220002,")

    assert 2 == answer.count("SUCCESS: ") == len(answer.splitlines())
    assert [SOURCE, "18002220001", "18002220002"] == server.patterns()


def test_targets_are_compared_without_case(server):
    """A target that differs from an existing DID in case alone exists."""
    server.tutorial(target="lobby")

    assert EXISTS == server.tutorial(target="LOBBY")
    assert [SOURCE, "lobby"] == server.patterns()


def test_a_form_is_a_request(server):
    """The parameters may be posted as a form."""
    assert COPIED == server.post(**TUTORIAL)
    assert [SOURCE, TARGET] == server.patterns()


def test_a_multipart_form_is_a_request(server):
    """The parameters may be posted as a browser's FormData or curl -F sends them."""
    assert (200, COPIED) == server.request("POST", PATH, *multipart(TUTORIAL.items()))
    assert [SOURCE, TARGET] == server.patterns()


def test_the_query_wins_over_the_form(server):
    """Of a parameter in query and form the query's value counts."""
    query = f"new_did_pattern={TARGET}&pass=1234"

    assert COPIED == server.post(
        query=query, **{**TUTORIAL, "new_did_pattern": "18009990000", "pass": "wrong"}
    )
    assert [SOURCE, TARGET] == server.patterns()


def test_an_empty_value_in_the_query_hides_the_forms(server):
    """A parameter that is empty in the query is empty, whatever the form says."""
    answer = server.post(query="did_active=", **TUTORIAL)

    assert f"{INCOMPLETE}|admin|{SOURCE}|{TARGET}|\n" == answer


def test_a_form_is_understood_whatever_follows_its_type(server):
    """A content type with a charset, in any case, is a form."""
    body = "&".join(f"{name}={value}" for name, value in TUTORIAL.items())
    kind = {"Content-Type": f"{FORM.upper()}; charset=UTF-8"}

    assert (200, COPIED) == server.request("POST", PATH, body, kind)


@pytest.mark.parametrize(
    "column_and_value",
    [
        ("user_level", 7),
        ("user_level", 1),
        ("vdc_agent_api_access", "0"),
        ("api_allowed_functions", " add_did "),
        ("api_allowed_functions", " not_copy_did "),
        ("api_allowed_functions", ""),
        ("modify_inbound_dids", "0"),
    ],
    ids="{0[0]} {0[1]}".format,
)
def test_a_missing_right_is_a_missing_permission(server, column_and_value):
    """Each right that is missing, alone, refuses the copy, also after a copy has just been made."""
    assert COPIED == server.tutorial()
    column, value = column_and_value
    set_user(server, **{column: value})

    assert NO_PERMISSION == server.tutorial(target="18002220001")
    assert [SOURCE, TARGET] == server.patterns()


def test_an_inactive_user_cannot_sign_in(server):
    """A user who was switched off is refused like a wrong password."""
    assert COPIED == server.tutorial()
    set_user(server, active="N")

    assert WRONG_LOGIN == server.tutorial(target="18002220001")
    assert [SOURCE, TARGET] == server.patterns()


@pytest.mark.parametrize("functions", [" copy_did ", "ALL", " ALL ", "ALL_FUNCTIONS", " add_did copy_did"])
def test_the_tutorials_settings_are_enough(server, functions):
    """Level 8, API Access, Modify DIDs and copy_did or ALL among the functions are all that is asked for."""
    set_user(server, user_level=8, api_allowed_functions=functions, delete_inbound_dids="0", view_reports="0")

    assert COPIED == server.tutorial()


def test_ten_failures_lock_the_user_out(server):
    """After ten wrong passwords the right one is refused too, in both spellings of the user's name."""
    failures = [server.tutorial(**{"pass": f"wrong{i}"}) for i in range(10)]

    assert [WRONG_LOGIN] * 10 == failures
    assert LOCKED == server.tutorial()
    assert LOCKED.replace("admin", "ADMIN") == server.tutorial(user="ADMIN")
    assert [SOURCE] == server.patterns()


def test_a_lock_out_ends_after_fifteen_minutes(server):
    """When the lock is older than 15 minutes the right password is accepted again."""
    for i in range(10):
        server.tutorial(**{"pass": f"wrong{i}"})
    assert LOCKED == server.tutorial()
    server.sql("UPDATE didier_lockouts SET locked_at = locked_at - 901")

    assert COPIED == server.tutorial()


def test_a_good_login_forgets_failures(server):
    """Nine failures, a good login and nine failures more lock nobody out."""
    for round_ in range(2):
        for i in range(9):
            server.tutorial(**{"pass": f"wrong{i}"})
        assert "SUCCESS" in server.tutorial(target=f"1800222000{round_}")


def test_failures_of_one_user_do_not_lock_another(server):
    """A lock-out is the user's own."""
    for i in range(12):
        server.tutorial(user="nobody", **{"pass": f"wrong{i}"})

    assert COPIED == server.tutorial()


def test_the_api_log_says_what_was_answered(server):
    """Each answer line has its row in the API log, refusals too."""
    server.tutorial()
    server.tutorial()
    server.tutorial(**{"pass": "wrong"})

    rows = server.sql("SELECT user, function, result, source FROM vicidial_api_log ORDER BY api_id")
    assert [
        ("admin", "copy_did", "SUCCESS", "DIDCopy"),
        ("admin", "copy_did", "ERROR", "DIDCopy"),
        ("admin", "copy_did", "ERROR", "DIDCopy"),
    ] == rows
