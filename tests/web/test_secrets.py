"""Passwords of requests: whatever way they come, they stay nowhere."""

import sqlite3
import urllib.parse
from contextlib import closing

import pytest

from support.server import FORM, PATH, TUTORIAL, didier, multipart

RIGHT = "Marigold-77_right"
WRONG = "Tulip-88_wrong"
OTHER = "Crocus-99_other"
SECRETS = (RIGHT, WRONG, OTHER)


def with_password(server):
    """Give the server's user admin the password `RIGHT`."""
    arguments = ("user", "set", "admin", "--password", "--database", f"sqlite:///{server.database}")
    changed = didier(server.directory, *arguments, typed=f"{RIGHT}\n")
    assert 0 == changed.returncode, changed.stderr
    return server


@pytest.fixture(scope="module")
def password_hash(running):
    """The hash of `RIGHT` as `didier user set` makes it."""
    return with_password(running[0]).sql("SELECT pass_hash FROM vicidial_users")[0][0]


@pytest.fixture
def server(password_hash, server):
    """A server whose user admin has the password `RIGHT`."""
    server.sql("UPDATE vicidial_users SET pass_hash = ?", password_hash)
    return server


def cells(file):
    """Yield table and value of everything that stands in the database *file*."""
    with closing(sqlite3.connect(file)) as conn:
        tables = [row[0] for row in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in conn.execute(f"SELECT * FROM `{table}`"):
                yield from ((table, str(value)) for value in row)


def places(server, answers, *secrets):
    """Return where any of *secrets* stands: in an answer, the log, or a table."""
    found = {f"answer {answer!r}" for answer in answers if any(secret in answer for secret in secrets)}
    found |= {table for table, value in cells(server.database) if any(secret in value for secret in secrets)}
    log = server.logged()
    return found | {f"log {line}" for line in log.splitlines() if any(secret in line for secret in secrets)}


def ask(server, kind, fields):
    """Send *fields* in the way *kind*; return the answer."""
    if kind == "get":
        return server.get(f"{PATH}?{urllib.parse.urlencode(fields)}")[1]
    if kind == "form":
        return server.request("POST", PATH, urllib.parse.urlencode(fields), {"Content-Type": FORM})[1]
    if kind == "multipart":
        return server.request("POST", PATH, *multipart(fields))[1]
    # Every character of the names is encoded: p%61ss is pass.
    query = "&".join(
        "".join(f"%{ord(c):02x}" for c in name) + "=" + urllib.parse.quote(value) for name, value in fields
    )
    if kind == "encoded names":
        return server.get(f"{PATH}?{query}")[1]
    return server.request("POST", PATH, query, {"Content-Type": FORM})[1]


KINDS = ["get", "form", "multipart", "encoded names", "encoded names in a form"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_password_stays_anywhere(server, kind):
    """Right and wrong passwords, in both dialects, are in no answer, no log line and no table."""
    vicidial = TUTORIAL | {"source_did_pattern": "18001234567", "new_dids": "5550001"}
    answers = [
        ask(server, kind, [*(request | {"pass": password}).items()])
        for request in (TUTORIAL, vicidial, {"user": "admin", "function": "version"}, {"user": "nobody"})
        for password in (RIGHT, WRONG)
    ]

    assert "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n" == answers[0]
    assert set() == places(server, answers, *SECRETS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["agent_pass", "phone_pass"])
def test_passwords_of_others_stay_nowhere(server, kind, name):
    """A password that a request sets for somebody else is stored and logged as little as the caller's."""
    answers = [ask(server, kind, [*(TUTORIAL | {"pass": RIGHT, name: OTHER}).items()])]

    assert set() == places(server, answers, *SECRETS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("character", ["&", "=", ";", "+", "%26", "\n", "#", "é"])
def test_no_part_of_a_password_stays(server, kind, character):
    """Of a password with a character that means something in a URL no part stays."""
    answers = [ask(server, kind, [*(TUTORIAL | {"pass": f"Begonia{character}Dahlia"}).items()])]

    assert ["ERROR: INVALID USERNAME OR PASSWORD\n"] == answers
    assert set() == places(server, answers, "Begonia", "Dahlia")


@pytest.mark.parametrize(
    "query",
    [
        f"pass={WRONG}&pass={OTHER}",
        f"pass[]={WRONG}",
        f"pass[x]={WRONG}",
        f"+pass={WRONG}",
        f"%20pass={WRONG}",
        f"agent.pass={WRONG}",
        f"agent%20pass={WRONG}",
        f"agent[pass={WRONG}",
        f"=&&pass={WRONG}&",
        f"pass=%{WRONG}",
        f"a=%ff&pass={WRONG}",
    ],
)
def test_odd_spellings_of_the_name_are_known(server, query):
    """A password under a name that PHP reads as a password's is masked in logs and tables."""
    answers = [
        server.get(f"{PATH}?function=copy_did&user=admin&{query}")[1],
        server.request("POST", PATH, f"function=copy_did&user=admin&{query}", {"Content-Type": FORM})[1],
    ]

    assert set() == places(server, answers, *SECRETS)


@pytest.mark.parametrize(
    "address",
    [
        f"{PATH}&user=admin&pass={WRONG}",
        f"{PATH}%3Fuser=admin&pass={WRONG}",
        f"{PATH}?function=version&amp;user=admin&amp;pass={WRONG}",
        f"{PATH}?function=version;user=admin;pass={WRONG}",
        f"{PATH}?function=version&PASS={WRONG}",
    ],
    ids=["& for ?", "%3F for ?", "&amp; for &", "; for &", "PASS for pass"],
)
def test_mistyped_addresses_give_no_password_away(server, address):
    """A password in an address that was typed or pasted wrongly is not logged either."""
    assert set() == places(server, [server.get(address)[1]], *SECRETS)


@pytest.mark.parametrize(
    "path", [f"/{PATH}", "/", "/healthz", "/nothing", "/vicidial/non_agent_api.php/", "/metrics"]
)
def test_other_pages_log_no_password_either(server, path):
    """A password sent to the wrong address is not logged."""
    answers = [server.get(f"{path}?user=admin&pass={RIGHT}")[1]]

    assert set() == places(server, answers, *SECRETS)


def test_a_failing_request_logs_no_password(own_server):
    """When a request fails and its traceback is logged, the password is not in it."""
    server = with_password(own_server)
    server.sql("ALTER TABLE vicidial_api_log RENAME TO away")

    status, answer = server.get(f"{PATH}?{urllib.parse.urlencode(TUTORIAL | {'pass': RIGHT})}")

    assert 500 == status
    assert "Traceback" in server.logged()
    assert set() == places(server, [answer], *SECRETS)


def test_requests_are_logged_with_the_password_masked(server):
    """The log and the table of addresses show each request as it came, with *** for its password."""
    server.get(f"{PATH}?function=copy_did&user=admin&pass={WRONG}&source=DIDCopy")

    query = '"query":"function=copy_did&user=admin&pass=***&source=DIDCopy"'
    address = f"{server.url}{PATH}?function=copy_did&user=admin&pass=***&source=DIDCopy"
    assert 1 == server.logged().count(query)
    assert [(address,)] == server.sql("SELECT url FROM vicidial_api_urls")


def test_forms_are_stored_with_the_password_masked(server):
    """The table of addresses shows a form as VICIdial does, with *** for its password."""
    server.post(query="function=copy_did", user="admin", source="DIDCopy", **{"pass": WRONG})

    [(address,)] = server.sql("SELECT url FROM vicidial_api_urls")
    assert (
        f"{server.url}{PATH}?function=copy_did&GET-AND-POST=Y&user=admin&source=DIDCopy&pass=***" == address
    )


def test_a_plain_password_becomes_a_hash(server):
    """A plain password that is found in the database is accepted and stands there as a hash from then on."""
    server.sql("UPDATE vicidial_users SET pass = ?, pass_hash = ''", OTHER)

    answers = [server.tutorial(**{"pass": OTHER}), server.tutorial(target="5550001", **{"pass": OTHER})]

    assert [2, 0] == [sum("SUCCESS" in answer for answer in answers), len(places(server, answers, *SECRETS))]
    [(plain, hashed)] = server.sql("SELECT pass, pass_hash FROM vicidial_users")
    assert "" == plain
    assert hashed.startswith("$argon2id$")
