"""VICIdial's dialect over HTTP, and what every answer of the Non-Agent API has in common."""

import re
import socket
import urllib.parse

import pytest

from support.server import FORM, PATH, TUTORIAL, multipart

SOURCE = "18001234567"
VERSION = re.compile(
    r"VERSION: 2\.14-202\|BUILD: 250720-1841\|DATE: .*\|EPOCH: \d+\|DST: [01]\|TZ: .*\|TZNOW: .*\|\n"
)
NO_FUNCTION = "ERROR: NO FUNCTION SPECIFIED\n"
REFUSED = "ERROR: Login incorrect, please try again: ||***|BAD|\n"
TOO_LARGE = "ERROR: THE REQUEST IS TOO LARGE\n"


def test_copy_did_copies(server):
    """copy_did makes each new DID, names ids and counts, and skips what exists."""
    answer = server.vicidial("copy_did", source_did_pattern=SOURCE, new_dids="5550001,18001234567,5550002")

    assert (
        "NOTICE: copy_did DID HAS BEEN ADDED - admin|5550001|18001234567|2|1\n"
        "NOTICE: copy_did DID ALREADY EXISTS - admin|18001234567\n"
        "NOTICE: copy_did DID HAS BEEN ADDED - admin|5550002|18001234567|3|1\n"
        "SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|2|1\n"
    ) == answer
    assert [SOURCE, "5550001", "5550002"] == server.patterns()


def test_copy_did_sets_the_description(server):
    """did_description replaces the source's; without it the source's is copied."""
    server.vicidial("copy_did", source_did_pattern=SOURCE, new_dids="5550001", did_description="Sales north")
    server.vicidial("copy_did", source_did_pattern=SOURCE, new_dids="5550002")

    found = [server.did(pattern)["did_description"] for pattern in (SOURCE, "5550001", "5550002")]
    assert ["Tutorial sales line", "Sales north", "Tutorial sales line"] == found


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        (
            {"source_did_pattern": "999", "new_dids": "5550001"},
            "ERROR: copy_did SOURCE DID DOES NOT EXIST: |admin|999\n",
        ),
        ({"new_dids": "5550001"}, "ERROR: copy_did YOU MUST USE ALL REQUIRED FIELDS: |admin||5550001\n"),
        (
            {"source_did_pattern": SOURCE},
            "ERROR: copy_did YOU MUST USE ALL REQUIRED FIELDS: |admin|18001234567|\n",
        ),
        (
            {"source_did_pattern": SOURCE, "new_dids": "5550001", "pass": "wrong"},
            "ERROR: Login incorrect, please try again: |admin|***|BAD|\n",
        ),
        (
            {"source_did_pattern": SOURCE, "new_dids": "5550001", "source": "x"},
            "ERROR: Invalid Source - x\nERROR: Invalid Source: |x|\n",
        ),
    ],
    ids=["source unknown", "no source", "no targets", "password", "short source"],
)
def test_copy_did_refuses(server, parameters, line):
    """A copy that cannot be made is answered in VICIdial's words and makes nothing."""
    assert line == server.vicidial("copy_did", **parameters)
    assert [SOURCE] == server.patterns()


def test_the_dialect_is_told_by_the_parameters(server):
    """With new_dids or source_did_pattern a request is VICIdial's, even if new_did_pattern is there too."""
    answer = server.vicidial(
        "copy_did", source_did_pattern=SOURCE, new_dids="5550001", new_did_pattern="5550002", did_active="N"
    )

    assert "SUCCESS: copy_did DIDS HAVE BEEN ADDED - admin|18001234567|1|0\n" in answer
    assert [SOURCE, "5550001"] == server.patterns()


@pytest.mark.parametrize("login", [{}, {"user": "admin", "pass": "wrong"}])
def test_version_needs_no_login(server, login):
    """version answers anybody."""
    assert VERSION.fullmatch(server.call(function="version", **login))


@pytest.mark.parametrize("function", [None, "", "no_such_function", "COPY_DID"])
def test_unknown_function_is_named_after_the_login(server, function):
    """A function that is missing or unknown is told to those who signed in, and to nobody else."""
    assert NO_FUNCTION == server.vicidial(function)
    assert "ERROR: Login incorrect" in server.vicidial(function, **{"pass": "wrong"})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path", [f"/{PATH}", "//vicidial//non_agent_api.php", "/vicidial///non_agent_api.php"]
)
def test_doubled_slashes_are_one(server, path, method):
    """A path with doubled slashes, as a published client sends it, is the API's."""
    status, text = server.request(method, f"{path}?{urllib.parse.urlencode(TUTORIAL)}")

    assert (200, "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n") == (status, text)


def test_content_type_of_a_get_is_ignored(server):
    """A GET with a JSON content type, as some clients send always, is answered by its query."""
    answer = server.exchange(
        "GET", f"{PATH}?{urllib.parse.urlencode(TUTORIAL)}", None, {"Content-Type": "application/json"}
    )

    assert "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n" == answer.text


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "", "multipart/form-data", "nonsense"])
def test_a_body_of_another_type_is_ignored(server, kind):
    """A body that is no form has no parameters in it, whatever it holds."""
    body = '{"function": "version"}&function=version'

    assert REFUSED == server.request("POST", PATH, body, {"Content-Type": kind})[1]
    assert VERSION.fullmatch(
        server.request("POST", f"{PATH}?function=version", body, {"Content-Type": kind})[1]
    )


@pytest.mark.parametrize("method", ["HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(server, method):
    """Only GET and POST call the API; others are told so and do nothing."""
    answer = server.exchange(method, f"{PATH}?{urllib.parse.urlencode(TUTORIAL)}")

    assert (405, "GET, POST", "") == (answer.status, answer.headers["allow"], answer.text)
    assert [SOURCE] == server.patterns()


@pytest.mark.parametrize("parameters", [{"function": "version"}, {}, TUTORIAL | {"pass": "wrong"}])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_answers_are_plain_text(server, method, parameters):
    """Every answer, a refusal too, has status 200, is plain UTF-8 text, is not sniffed and not stored."""
    answer = server.exchange(method, f"{PATH}?{urllib.parse.urlencode(parameters)}")

    assert 200 == answer.status
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert "nosniff" == answer.headers["x-content-type-options"]
    assert "no-store" == answer.headers["cache-control"]


def test_markup_is_answered_as_text(server):
    """Markup in a parameter does not come back as markup."""
    answer = server.vicidial("copy_did", user="<script>alert(1)</script>", source_did_pattern="<b>x</b>")

    assert "<" not in answer
    assert "ERROR: Login incorrect, please try again: |scriptalert1script|***|BAD|\n" == answer


def test_a_body_over_the_limit_is_refused(server):
    """A body larger than body_limit gets 413 and a text; nothing of it is carried out."""
    body = urllib.parse.urlencode(TUTORIAL | {"padding": "x" * 1_000_000})

    answer = server.exchange("POST", PATH, body, {"Content-Type": FORM})

    assert (413, TOO_LARGE) == (answer.status, answer.text)
    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert [SOURCE] == server.patterns()


def test_a_body_at_the_limit_is_read(server):
    """A body of exactly body_limit bytes is carried out."""
    body = urllib.parse.urlencode(TUTORIAL) + "&padding="
    body += "x" * (1_000_000 - len(body))

    assert (200, "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n") == server.request(
        "POST", PATH, body, {"Content-Type": FORM}
    )


MANY = [("a", "1")] * 1001


@pytest.mark.parametrize("kind", ["query", "form", "multipart"])
def test_too_many_parameters_are_refused(server, kind):
    """More than a thousand parameters get 413 and a text, wherever they stand."""
    if kind == "query":
        answer = server.request("GET", f"{PATH}?{urllib.parse.urlencode([*TUTORIAL.items(), *MANY])}")
    elif kind == "form":
        body = urllib.parse.urlencode([*TUTORIAL.items(), *MANY])
        answer = server.request("POST", PATH, body, {"Content-Type": FORM})
    else:
        answer = server.request("POST", PATH, *multipart([*TUTORIAL.items(), *MANY]))

    assert (413, TOO_LARGE) == answer
    assert [SOURCE] == server.patterns()


def test_a_long_query_is_read(server):
    """A query of 60,000 characters is answered as a short one is."""
    assert VERSION.fullmatch(server.call(function="version", padding="x" * 60_000))


@pytest.mark.parametrize("size", [100_000, 1_000_000])
def test_a_huge_query_is_refused(server, size):
    """A query that no server takes is refused by its status, and the next request is answered."""
    status, _ = server.get(f"{PATH}?function=version&padding={'x' * size}")

    assert status in {414, 431}
    assert VERSION.fullmatch(server.call(function="version"))


@pytest.mark.parametrize(
    "change",
    [
        {"new_did_pattern": "1800\x00222"},
        {"new_did_pattern": "1' OR '1'='1"},
        {"new_did_pattern": "\U0001f4de\U0001f4de"},
        {"did_pattern": "'; DROP TABLE vicidial_users; --"},
        {"user": "admin'--"},
        {"user": "a" * 5000},
        {"pass": "x" * 50_000},
        {"function": "copy_did\r\nX-Injected: 1"},
        {"source": "%0d%0a%00"},
    ],
    ids=str,
)
def test_hostile_values_get_a_line(server, change):
    """No value makes the server fail, and the tables are there afterwards."""
    answer = server.exchange("GET", f"{PATH}?{urllib.parse.urlencode(TUTORIAL | change)}")

    assert 200 == answer.status
    assert re.match("(ERROR|SUCCESS): ", answer.text)
    assert "x-injected" not in answer.headers
    assert "SUCCESS" in server.tutorial(target="18005550000")


@pytest.mark.parametrize(
    "query", ["function=%ff%fe&user=%c3", "&&&=&==", "%", "function[]=copy_did", "a[=1", "[]=1"]
)
def test_malformed_queries_get_a_line(server, query):
    """A query that is not well-formed is answered, as one with nothing useful in it."""
    status, text = server.get(f"{PATH}?{query}")

    assert 200 == status
    assert text.startswith("ERROR: ")


def test_a_body_that_breaks_off_is_not_carried_out(own_server):
    """A form whose connection ends before its announced length is not a request: a number may be cut."""
    fields = [(name, value) for name, value in TUTORIAL.items() if name != "new_did_pattern"]
    body = urllib.parse.urlencode([*fields, ("new_did_pattern", "18002223333")]).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nHost: didier\r\nContent-Type: {FORM}\r\nContent-Length: {len(body)}\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", own_server.port), 60) as connection:
        connection.sendall(head.encode() + body[:-4])

    # A graceful stop carries out what was accepted, so afterwards nothing is still on its way.
    assert 0 == own_server.stop()
    assert [SOURCE] == own_server.patterns()
