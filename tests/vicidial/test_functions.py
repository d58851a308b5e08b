from contextlib import contextmanager
from urllib.parse import quote_from_bytes, urlencode

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from didier import tutorial
from didier.runtime.pipeline import Proven, carry_out
from didier.services.users import authentication, directory
from didier.services.users.authentication import StaleProof
from didier.services.users.directory import AccountSettings
from didier.services.users.passwords import Proof, new_hash
from didier.storage.statements import run
from didier.vicidial.call import MASKING, Call, read_parameters
from didier.vicidial.requests import CallRequest

SOURCE = tutorial.SOURCE_DID
PASSWORD = "Hidden-Pa55word"
HASH = new_hash(PASSWORD)
SCRIPT = "http://localhost/vicidial/non_agent_api.php"

# What a call may write to; every other table stays as it is.
WRITTEN = {
    "vicidial_inbound_dids", "vicidial_api_log", "vicidial_api_urls", "vicidial_urls", "vicidial_webservers",
    "vicidial_admin_log", "didier_batches", "didier_batch_items", "didier_changes", "didier_snapshots",
}  # fmt: skip
SIGN_IN = {
    "failed_login_count", "failed_login_attempts_today", "failed_login_count_today", "failed_last_ip_today",
    "failed_last_type_today", "last_login_date", "last_ip",
}  # fmt: skip

nasty = st.sampled_from(
    [
        b"'",
        b'"',
        b"\\",
        b"\\'",
        b"';DROP TABLE vicidial_users;-- ",
        b"' OR '1'='1",
        b"%",
        b"%s",
        b"%(x)s",
        b"?",
        b":x",
        b"\0",
        b"\n",
        b"$[0]",
        b"--BLANK--",
        b"5550001",
        b"5550001,5550002",
        SOURCE.encode(),
        b",",
        b"--",
        b"/*",
        b"`",
        "é".encode(),
        "Ґа".encode(),
        "\U0001f4de".encode(),
        "\U0001d400\U0001d401".encode(),
        b"\xff",
        b"Y",
        b"n",
    ]
)
value = st.lists(nasty | st.binary(max_size=12), max_size=4).map(b"".join)
# The functions are to be reached, so most calls name a source that is good enough.
names = [
    "did_pattern",
    "source_did_pattern",
    "new_did_pattern",
    "new_dids",
    "did_active",
    "did_description",
    "active",
    "did_route",
    "extension",
    "group",
    "server_ip",
    "menu_id",
    "list_id",
    "entry_list_id",
    "campaign_id",
    "call_handle_method",
    "filter_clean_cid_number",
    "phone_code",
    "voicemail_ext",
    "delete_did",
    "other",
]
extra = st.dictionaries(st.sampled_from(names), value, max_size=4)
source = st.just(b"test") | value

copy_tutorial = st.fixed_dictionaries(
    {
        "function": st.just(b"copy_did"),
        "did_pattern": st.just(SOURCE.encode()) | value,
        "new_did_pattern": value,
        "did_active": st.sampled_from([b"Y", b"N"]) | value,
        "source": source,
    },
)
copy_vicidial = st.fixed_dictionaries(
    {
        "function": st.just(b"copy_did"),
        "source_did_pattern": st.just(SOURCE.encode()) | value,
        "new_dids": value,
        "source": source,
    },
    optional={"did_description": value},
)
add = st.builds(
    lambda given, more: {**more, **given},
    st.fixed_dictionaries({"function": st.just(b"add_did"), "did_pattern": value, "source": source}),
    extra,
)
version = st.builds(lambda more: {**more, "function": b"version"}, extra)
anything = st.builds(
    lambda function, more: {**more, "function": function, "source": b"test"},
    st.sampled_from([b"", b"update_did", b"coffee", b"no_such"]) | value,
    extra,
)
any_call = copy_tutorial | copy_vicidial | add | version | anything

on_databases = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def api(engine, now):
    """The tutorial's user, whose password is easily recognized, and two more."""
    with engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET pass_hash = ?", HASH)
        directory.add(conn, "crm", AccountSettings(api_access=True, functions="copy_did"), now)
        directory.add(conn, "low", AccountSettings(level=7, api_access=True, functions="ALL"), now)
    return Api(engine, now)


class Api:
    """Calls the functions as the server does, with passwords compared and masked."""

    def __init__(self, engine, now):
        self.engine = engine
        self.now = now
        with engine.begin() as conn:
            stored = {name: authentication.stored_password(conn, name) for name in ("admin", "crm", "low")}
        self.proofs = {name: Proof(password, matched=True) for name, password in stored.items()}

    def call(self, sent, user="admin", non_latin=False, matched=True):
        fields = {"user": user.encode(), "pass": PASSWORD.encode(), **sent}
        query = b"&".join(name.encode() + b"=" + quote_from_bytes(v).encode() for name, v in fields.items())
        proof = self.proofs.get(user, Proof(None, matched=False))
        call = Call(
            parameters=read_parameters(query),
            non_latin=non_latin,
            address="192.0.2.1",
            script=SCRIPT,
            host="localhost",
            url=f"{SCRIPT}?{MASKING.query(query)}",
            received=self.now.timestamp(),
        )
        return Proven(CallRequest(call), Proof(proof.stored, matched and proof.matched))

    def ask(self, user="admin", **sent):
        return self.call({name: text.encode() for name, text in sent.items()}, user)

    def copy(self, *targets, user="admin", source=SOURCE):
        return self.ask(
            user, function="copy_did", source="test", source_did_pattern=source, new_dids=",".join(targets)
        )

    def tutorial(self, target, user="admin"):
        return self.ask(
            user,
            function="copy_did",
            source="DIDCopy",
            did_pattern=SOURCE,
            new_did_pattern=target,
            did_active="Y",
        )

    def answer(self, *calls):
        with self.engine.begin() as conn:
            return carry_out(conn, calls, lambda: self.now)

    def rows(self, sql):
        with self.engine.begin() as conn:
            return run(conn, sql)

    @contextmanager
    def undone(self):
        """Open a transaction and roll it back at the end."""
        with self.engine.connect() as conn:
            transaction = conn.begin()
            try:
                yield conn
            finally:
                transaction.rollback()


def content(conn):
    """All rows of all tables."""
    return {
        name: [dict(row) for row in conn.exec_driver_sql(f"SELECT * FROM {name}").mappings()]
        for name in sa.inspect(conn).get_table_names()
    }


def lines(reply):
    return [line.text for line in reply.lines]


def without_sign_in(row):
    return {name: text for name, text in row.items() if name not in SIGN_IN}


# Whatever is sent ----------------------------------------------------------------------------------


@on_databases
@given(sent=any_call, non_latin=st.booleans())
@example({"function": b"add_did", "did_pattern": "\U0001d400\U0001d401".encode(), "source": b"test"}, True)
@example({"function": "\U0001d400".encode(), "source": b"test"}, True)
@example(
    {
        "function": b"copy_did",
        "source_did_pattern": SOURCE.encode(),
        "new_dids": b"1" * 1999,
        "source": b"x1",
    },
    False,
)
def test_every_call_has_a_reply(api, sent, non_latin):
    """Whatever the parameters hold, a call gets one reply of at least one line, and nothing is raised."""
    with api.undone() as conn:
        replies = carry_out(conn, [api.call(sent, non_latin=non_latin)], lambda: api.now)

    assert 1 == len(replies)
    assert replies[0].body
    assert all(line.result in {"SUCCESS", "NOTICE", "ERROR"} for line in replies[0].lines)


@on_databases
@given(sent=st.lists(copy_tutorial | copy_vicidial | add | version, min_size=1, max_size=3))
def test_parameters_are_stored_as_text_at_most(api, sent):
    """No parameter changes a row that was there, or a table that calls do not write to."""
    with api.undone() as conn:
        before = content(conn)
        carry_out(conn, [api.call(each) for each in sent], lambda: api.now)
        after = content(conn)

    assert set(before) == set(after)
    for name in set(before) - WRITTEN - {"vicidial_users"}:
        assert before[name] == after[name]
    for name in WRITTEN:
        assert before[name] == after[name][: len(before[name])]
    assert [without_sign_in(row) for row in before["vicidial_users"]] == [
        without_sign_in(row) for row in after["vicidial_users"]
    ]


@on_databases
@given(sent=st.lists(any_call, min_size=1, max_size=3))
def test_new_dids_are_those_of_the_replies(api, sent):
    """The DIDs that are there afterwards are those that the answers name, no more and no fewer."""
    with api.undone() as conn:
        replies = carry_out(conn, [api.call(each) for each in sent], lambda: api.now)
        patterns = [
            row[0] for row in run(conn, "SELECT did_pattern FROM vicidial_inbound_dids ORDER BY did_id")
        ]

    told = []
    for reply in replies:
        for line in reply.lines:
            if line.reason == "copy_did DID HAS BEEN ADDED":
                told.append(line.data.split("|")[0])
            elif line.reason == "copy_did DID Copied Successfully":
                told.append(line.data.split("|")[1])
            elif line.reason == "add_did DID HAS BEEN ADDED":
                told.append(line.data)
    assert sorted([SOURCE, *told]) == sorted(patterns)


@on_databases
@given(
    sent=st.lists(
        st.tuples(any_call, st.sampled_from(["admin", "crm", "low", "nobody", "x' OR '1"]), st.booleans()),
        min_size=2,
        max_size=6,
    )
)
def test_groups_are_logged_line_by_line(api, sent):
    """In a group every call has its reply, and every line of them a row in the API log and an address."""
    with api.undone() as conn:
        calls = [api.call(each, user, matched=matched) for each, user, matched in sent]
        replies = carry_out(conn, calls, lambda: api.now)
        logged = run(conn, "SELECT result, result_reason FROM vicidial_api_log ORDER BY api_id")
        urls = run(conn, "SELECT url FROM vicidial_api_urls ORDER BY api_id")

    assert len(sent) == len(replies)
    pairs = [(call, line) for call, reply in zip(calls, replies, strict=True) for line in reply.lines]
    assert [(line.result, line.reason) for _, line in pairs] == logged
    assert [(call.request.call.url,) for call, _ in pairs] == urls


@on_databases
@given(
    sent=st.lists(
        st.tuples(any_call, st.sampled_from(["admin", "crm", "nobody"]), st.booleans()), max_size=4
    ),
    where=st.sampled_from(["pass", "p%61ss", "pass[]", "agent.pass", "phone_pass"]),
)
def test_a_password_is_stored_nowhere(api, sent, where):
    """No column of any table holds the password that a call was made with, right or wrong."""
    with api.undone() as conn:
        calls = [api.call(each, user, matched=matched) for each, user, matched in sent]
        calls += [api.call({"function": b"version", where: PASSWORD.encode()})]
        replies = carry_out(conn, calls, lambda: api.now)
        after = content(conn)

    assert PASSWORD not in "".join(reply.body for reply in replies)
    assert PASSWORD not in repr(after)


# Groups --------------------------------------------------------------------------------------------


def test_calls_of_a_group_are_answered_each(api):
    """Functions, dialects and users of one group do not mix; replies stand in the order of the calls."""
    found = api.answer(
        api.copy("5550001", "5550002", user="crm"),
        api.ask(function="version"),
        api.tutorial("5550003"),
        api.ask("crm", function="add_did", source="test", did_pattern="5550004"),
        api.ask(function="add_did", source="test", did_pattern="5550005"),
        api.ask("low", function="add_did", source="test", did_pattern="5550006"),
        api.tutorial("5550007", user="nobody"),
        api.ask(function="no_such", source="test"),
    )

    replies = [lines(reply) for reply in found]
    assert "SUCCESS: copy_did DIDS HAVE BEEN ADDED - crm|18001234567|2|0" == replies[0][-1]
    assert replies[1][0].startswith("VERSION: ")
    assert [
        [f"SUCCESS: {SOURCE} -> 5550003 | DID Copied Successfully"],
        ["ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: |crm|add_did|"],
        ["SUCCESS: add_did DID HAS BEEN ADDED - admin|5550005"],
        ["ERROR: add_did USER DOES NOT HAVE PERMISSION TO ADD DIDS: |low|0"],
        ["ERROR: INVALID USERNAME OR PASSWORD"],
        ["ERROR: NO FUNCTION SPECIFIED"],
    ] == replies[2:]


def test_one_target_in_a_group_is_made_once(api):
    """Of calls of one group for the same number one succeeds, in whichever dialect and function."""
    found = api.answer(
        api.tutorial("5550001"),
        api.copy("5550001"),
        api.tutorial("5550001"),
        api.ask(function="add_did", source="test", did_pattern="5550001"),
    )

    assert ["SUCCESS", "ERROR", "ERROR", "ERROR"] == [reply.lines[-1].result for reply in found]
    assert [(1,)] == api.rows("SELECT count(*) FROM vicidial_inbound_dids WHERE did_pattern = '5550001'")


def test_failures_of_a_group_lock(api):
    """Ten wrong passwords in one group lock; the calls behind them are refused."""
    wrong = [api.call({"function": b"copy_did", "new_dids": b"1"}, matched=False)] * 10

    found = api.answer(*wrong, api.copy("5550001"), api.copy("5550002", user="crm"))

    assert "ERROR: Login incorrect, please try again: |admin|***|BAD|\n" == found[9].body
    assert "ERROR: Too many login attempts, try again in 15 minutes: |admin|LOCK|\n" == found[10].body
    assert "SUCCESS" == found[11].lines[-1].result


def test_a_stale_proof_has_no_reply(api):
    """A call whose password has to be compared anew is not logged, and costs no other."""
    stale = api.copy("5550001")
    with api.engine.begin() as conn:
        run(conn, "UPDATE vicidial_users SET pass = 'changed' WHERE user = 'admin'")

    outcome, reply = api.answer(stale, api.copy("5550002", user="crm"))

    assert StaleProof() == outcome
    assert "SUCCESS" == reply.lines[-1].result
    assert [("crm",)] == api.rows("SELECT DISTINCT user FROM vicidial_api_log")


def test_a_call_without_a_compared_password_is_an_error(api):
    """A call that needs a password and has no proof is not answered."""
    unproven = Proven(api.copy("5550001").request)

    with pytest.raises(ValueError, match="password"):
        api.answer(unproven)


def test_no_calls_no_replies(api):
    """An empty group does nothing."""
    assert [] == api.answer()


# Log -----------------------------------------------------------------------------------------------


def test_a_row_for_each_line(api):
    """The API log has a row for each line: who, what, result, reason and data."""
    api.answer(api.copy("5550001", SOURCE), api.tutorial("5550002", user="crm"))

    assert [
        ("admin", "copy_did", "test", "NOTICE", "copy_did DID HAS BEEN ADDED", f"5550001|{SOURCE}|2|1"),
        ("admin", "copy_did", "test", "NOTICE", "copy_did DID ALREADY EXISTS", SOURCE),
        ("admin", "copy_did", "test", "SUCCESS", "copy_did DIDS HAVE BEEN ADDED", f"{SOURCE}|1|1"),
        ("crm", "copy_did", "DIDCopy", "SUCCESS", "copy_did DID Copied Successfully", f"{SOURCE}|5550002|3"),
    ] == api.rows(
        "SELECT user, `function`, source, result, result_reason, data FROM vicidial_api_log ORDER BY api_id"
    )


def test_invalid_source_is_one_row(api):
    """VICIdial's double line is logged once, without data."""
    [reply] = api.answer(
        api.ask(function="copy_did", source="x", source_did_pattern=SOURCE, new_dids="5550001")
    )

    assert "ERROR: Invalid Source - x\nERROR: Invalid Source: |x|\n" == reply.body
    assert [("ERROR", "Invalid Source", "")] == api.rows(
        "SELECT result, result_reason, data FROM vicidial_api_log"
    )


def test_refused_sign_ins_are_logged(api):
    """Unlike VICIdial a refused sign-in is in the log, whoever it claims to be."""
    api.answer(api.copy("5550001", user="nobody"))

    assert [("nobody", "Login incorrect, please try again", "BAD")] == api.rows(
        "SELECT user, result_reason, data FROM vicidial_api_log"
    )


def test_long_values_are_cut_at_the_column(api):
    """What is longer than its column is cut in the log, and the call is answered."""
    [reply] = api.answer(api.ask(user="u" * 50, function="f" * 50, source="s" * 50))

    assert "BAD" == reply.lines[0].data
    assert [("u" * 20, "f" * 20, "s" * 20)] == api.rows(
        "SELECT user, `function`, source FROM vicidial_api_log"
    )


def test_addresses_are_kept_once(api):
    """Script and host are stored once; each log row refers to them and has its own address."""
    api.answer(api.tutorial("5550001"), api.tutorial("5550002"))
    api.answer(api.tutorial("5550003"))

    assert [(SCRIPT,)] == api.rows("SELECT url FROM vicidial_urls")
    assert [("localhost",)] == api.rows("SELECT webserver FROM vicidial_webservers")
    assert [(1, 1)] == api.rows("SELECT DISTINCT webserver, api_url FROM vicidial_api_log")
    assert 3 == len(
        api.rows("SELECT l.api_id FROM vicidial_api_log l JOIN vicidial_api_urls u ON u.api_id = l.api_id")
    )


def test_any_address_can_be_logged(api):
    """An address with characters of any kind, as a form can hold them, does not cost the answer."""
    call = api.tutorial("5550001")
    call.request.call.url += "&GET-AND-POST=Y&comment=\U0001f4de é \0 '\\"

    [reply] = api.answer(call)

    assert f"SUCCESS: {SOURCE} -> 5550001 | DID Copied Successfully\n" == reply.body


# Patterns that are compared as VICIdial compares them ----------------------------------------------


def is_found_again(api, there, asked):
    """Copy to *there* and then to *asked*; say whether the second is told to exist."""

    def copy(target):
        sent = {"source_did_pattern": SOURCE, "new_dids": target, "function": "copy_did", "source": "test"}
        return api.call({name: text.encode() for name, text in sent.items()}, non_latin=True)

    api.answer(copy(there))
    [reply] = api.answer(copy(asked))
    return f"NOTICE: copy_did DID ALREADY EXISTS - admin|{asked}" == reply.lines[0].text


def test_accents_and_case_of_other_scripts_are_one_did(api):
    """A pattern that differs from a DID in case or accents alone is told to exist, in every home."""
    assert is_found_again(api, "ÉÉ", "éé")
    assert is_found_again(api, "caffé", "CAFFE")
    assert is_found_again(api, "ЖЯ", "жя")


def test_letters_that_vicidial_alone_takes_for_one(api):
    """Letters without a decomposition that VICIdial's collation takes for one never make a call fail."""
    is_found_again(api, "ҐЯ", "ГЯ")

    [reply] = api.answer(
        api.call(
            {
                "function": b"copy_did",
                "source": b"test",
                "source_did_pattern": SOURCE.encode(),
                "new_dids": "ҐЯ,ГЯ,5550001".encode(),
            },
            non_latin=True,
        )
    )
    assert "SUCCESS: copy_did DIDS HAVE BEEN ADDED" in reply.lines[-1].text


def test_the_url_of_a_call_is_as_received(api):
    """The stored address is the one that was asked for, with the password masked."""
    api.answer(api.tutorial("5550001"))

    sent = {
        "user": "admin",
        "pass": "***",
        "function": "copy_did",
        "source": "DIDCopy",
        "did_pattern": SOURCE,
        "new_did_pattern": "5550001",
        "did_active": "Y",
    }
    assert [(f"{SCRIPT}?{urlencode(sent, safe='*')}",)] == api.rows("SELECT url FROM vicidial_api_urls")
