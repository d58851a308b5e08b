"""The clients of VICIdial over HTTP: what is sent, what is never shown, when it is sent again."""

import asyncio
import inspect
import logging
import traceback
from urllib.parse import parse_qsl

import httpx2
import pytest

from didier.client import errors
from didier.client.vicidial import (
    Added,
    AsyncVicidialClient,
    CopyInterrupted,
    Exists,
    NoSuchFunction,
    NotReached,
    UnexpectedReply,
    UserDetails,
    Version,
    VicidialClient,
)

URL = "https://dialer.example.com"
PASSWORD = "Pa;ss-w0rd"
ADDED = "SUCCESS: add_did DID HAS BEEN ADDED - apiuser|5550001\n"
COPIED = (
    "NOTICE: copy_did DID HAS BEEN ADDED - apiuser|5550001|18001234567|2|1\n"
    "NOTICE: copy_did DID ALREADY EXISTS - apiuser|5550002\n"
    "SUCCESS: copy_did DIDS HAVE BEEN ADDED - apiuser|18001234567|1|1\n"
)
VERSION = "VERSION: 2.14-1|BUILD: 250101-1200|DATE: 2026-03-04 05:06:07|EPOCH: 1|DST: 0|TZ: |TZNOW: 0|\n"


class Vicidial:
    """A server that gives the answers it was told, one after the other, and keeps the requests.

    An answer is a text, a status and a text, or an error of the connection.
    """

    def __init__(self, *answers):
        self.answers = list(answers)
        self.requests = []
        self.slept = []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, type):
            raise answer("it broke", request=request)
        status, text = answer if isinstance(answer, tuple) else (200, answer)
        return httpx2.Response(status, text=text)

    def client(self, **options):
        return VicidialClient(
            options.pop("url", URL), "apiuser", PASSWORD, transport=httpx2.MockTransport(self),
            sleep=self.slept.append, **options,
        )  # fmt: skip

    async def sleep(self, seconds):
        self.slept.append(seconds)

    @property
    def sent(self):
        """The fields of the last request in their order."""
        return parse_qsl(self.requests[-1].content.decode(), keep_blank_values=True)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://dialer.example.com", "https://dialer.example.com/vicidial/non_agent_api.php"),
        ("https://dialer.example.com/", "https://dialer.example.com/vicidial/non_agent_api.php"),
        ("http://10.0.0.1:8080/vicidial/", "http://10.0.0.1:8080/vicidial/non_agent_api.php"),
        ("http://10.0.0.1/crm", "http://10.0.0.1/crm/vicidial/non_agent_api.php"),
        ("https://d.example/vicidial/non_agent_api.php", "https://d.example/vicidial/non_agent_api.php"),
        ("https://d.example/api2.php", "https://d.example/api2.php"),
        ("http://[::1]:8080", "http://[::1]:8080/vicidial/non_agent_api.php"),
    ],
)
def test_the_address_is_that_of_the_script(url, address):
    """The address of the server, of the folder or of the script will do."""
    server = Vicidial(VERSION)
    server.client(url=url).version()

    assert address == str(server.requests[0].url)


@pytest.mark.parametrize(
    "url",
    [
        "dialer.example.com",
        "ftp://d.example",
        "https://",
        "https://d.example/?source=x",
        "https://d.example/#x",
    ],
)
def test_an_address_that_is_none_is_refused(url):
    """What is no address of a server, or has parameters, is refused at once."""
    with pytest.raises(ValueError, match="the address of a VICIdial"):
        Vicidial().client(url=url)


@pytest.mark.parametrize("source", ["", "x", "my-crm", "x" * 21, "crmé"])
def test_a_source_that_vicidial_would_change_is_refused(source):
    """It stands last in the body, so it is letters and digits."""
    with pytest.raises(ValueError, match="source"):
        Vicidial().client(source=source)


def test_the_password_is_in_the_body_and_not_last():
    """Neither address nor headers have it; VICIdial's log takes the last field, which is the source."""
    server = Vicidial(ADDED)
    server.client(source="crm").add("5550001", description="Sales line", active=False)

    [request] = server.requests
    assert [
        ("user", "apiuser"), ("pass", PASSWORD), ("function", "add_did"), ("did_pattern", "5550001"),
        ("did_description", "Sales line"), ("active", "N"), ("source", "crm"),
    ] == server.sent  # fmt: skip
    assert "POST" == request.method
    assert "application/x-www-form-urlencoded" == request.headers["content-type"]
    assert "w0rd" not in str(request.url) + str(request.headers)


def test_version_sends_no_password():
    """VICIdial tells its version to anybody."""
    server = Vicidial(VERSION)

    assert Version("2.14-1", "250101-1200") == server.client().version()
    assert [("function", "version")] == server.sent


def test_a_login_of_http_is_sent_as_such():
    """User and password in the address are for the web server, and are not shown."""
    server = Vicidial(VERSION)
    client = server.client(url="https://web:s%40cret@d.example")
    client.version()

    assert "Basic d2ViOnNAY3JldA==" == server.requests[0].headers["authorization"]
    assert "cret" not in repr(client) + client.url


def test_the_verbs_and_their_answers():
    """Each verb sends its function and gives its answer as a value."""
    server = Vicidial(
        COPIED,
        "SUCCESS: update_did DID HAS BEEN UPDATED - apiuser|5550001\n",
        "SUCCESS: update_did DID HAS BEEN DELETED - apiuser|5550001|2\n",
        "1001|Ann|ADMIN|3|Y\n",
        "SUCCESS: add_user USER HAS BEEN ADDED - apiuser|108|Secret1|1|Ann|ADMIN\n",
        "SUCCESS: copy_user USER HAS BEEN COPIED - apiuser|3001|Secret1|Ann|tmpl\n",
        "SUCCESS: update_user USER HAS BEEN UPDATED - apiuser|1001|\n",
        "SUCCESS: update_user USER HAS BEEN DELETED - apiuser|1001|\n",
    )
    with server.client() as client:
        assert [Added("5550001", 2), Exists("5550002")] == client.copy("18001234567", ["5550001", "5550002"])
        client.update("5550001", extension="8300")
        client.delete("5550001")
        assert UserDetails("1001", "Ann", "ADMIN", 3, True) == client.user_details("1001")
        assert "108" == client.add_user(
            "AUTOGENERATED", "Secret1", full_name="Ann", user_level=1, user_group="ADMIN"
        )
        assert "3001" == client.copy_user("3001", "Secret1", full_name="Ann", source_user="tmpl")
        client.update_user("1001", password="Secret2", custom_one="--BLANK--")
        client.delete_user("1001")

    sent = [dict(parse_qsl(request.content.decode()))["function"] for request in server.requests]
    assert [
        "copy_did", "update_did", "update_did", "user_details", "add_user", "copy_user", "update_user",
        "update_user",
    ] == sent  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("ERROR: Login incorrect, please try again: |apiuser|Pass-w0rd|BAD|", errors.WrongPassword, "wrong"),
        (
            "ERROR: Login incorrect, please try again: |apiuser|Pass-w0rd|2FA|",
            errors.SecondFactorMissing,
            "two-factor",
        ),
        ("ERROR: Too many login attempts, try again in 15 minutes: |apiuser|LOCK|", errors.LockedOut, "15"),
        ("ERROR: Your IP Address is not allowed: 192.0.2.1: ||IPBLOCK|", errors.AddressRefused, "192.0.2.1"),
        ("ERROR: Invalid Source - x\nERROR: Invalid Source: |x|", errors.InvalidField, "source"),
        ("ERROR: NO FUNCTION SPECIFIED", NoSuchFunction, "add_did"),
        (
            "ERROR: auth USER DOES NOT HAVE PERMISSION TO USE THIS FUNCTION: |apiuser|add_did|",
            errors.NotPermitted,
            "Allowed API Functions",
        ),
        (
            "ERROR: add_did USER DOES NOT HAVE PERMISSION TO ADD DIDS: |apiuser|0",
            errors.NotPermitted,
            "Modify DIDs",
        ),
        ("ERROR: add_did DID ALREADY EXISTS: |apiuser|5550001", errors.DidExists, "5550001 already exists"),
        ("ERROR: add_did YOU MUST USE ALL REQUIRED FIELDS: |apiuser|5550001", errors.InvalidPattern, "555"),
        ("<html>log in</html>", UnexpectedReply, "log in"),
        ("", UnexpectedReply, "empty"),
        ("SUCCESS: add_did DID HAS BEEN ADDED - apiuser|555000", UnexpectedReply, "555000"),
        ("SUCCESS: add_did SOMETHING NEW - apiuser|5550001", UnexpectedReply, "NEW"),
        ((404, "<h1>Not Found</h1>"), UnexpectedReply, "404"),
        ((503, "<h1>Busy</h1>"), errors.Unavailable, "Busy"),
        ((503, "ERROR: THE DATABASE CANNOT BE REACHED"), errors.Unavailable, "DATABASE"),
    ],
)  # fmt: skip
def test_a_refusal_is_the_exception_that_didiers_client_raises(text, kind, words):
    """What is said, in whatever form, becomes the exception, and no text shows the password."""
    with pytest.raises(kind) as caught:
        Vicidial(text).client().add("5550001")

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert words in str(caught.value)
    assert "w0rd" not in shown


@pytest.mark.parametrize("status", [200, 500])
def test_a_refused_field_is_named(status):
    """The exception has the column, its value and what would be allowed, whatever the status."""
    text = "ERROR: update_did DID ROUTE IS NOT VALID, THIS IS AN OPTIONAL FIELD: |apiuser|QUEUE\n"
    with pytest.raises(errors.InvalidField) as caught:
        Vicidial((status, text)).client().update("5550001", route="QUEUE")

    assert ("did_route", "QUEUE", status) == (
        caught.value.field,
        caught.value.members["value"],
        caught.value.status,
    )
    assert caught.value.allowed.startswith("one of EXTEN, ")


def test_a_line_counts_though_the_status_is_500():
    """VICIdial acts, prints its line, and then may fail to write its log."""
    Vicidial((500, ADDED)).client().add("5550001")


def test_a_redirect_is_not_followed():
    """The password is not sent where an answer points to; the error says where that is."""
    answers = httpx2.MockTransport(
        lambda request: httpx2.Response(301, headers={"Location": "https://elsewhere.example/"})
    )
    with pytest.raises(UnexpectedReply, match=r"301.*moved to https://elsewhere\.example/"):
        VicidialClient("http://d.example", "u", PASSWORD, transport=answers).add("5550001")


def test_new_passwords_are_not_shown():
    """An answer that is not understood may have the new password in it."""
    server = Vicidial("SUCCESS: add_user SOMETHING NEW - apiuser|2001|NewPass1|1|Ann|ADMIN\n")
    with pytest.raises(UnexpectedReply) as caught:
        server.client().add_user("2001", "NewPass1", full_name="Ann", user_level=1, user_group="ADMIN")

    assert "NewPass1" not in str(caught.value) + repr(vars(caught.value))
    assert "|***|" in caught.value.text


@pytest.mark.parametrize("kind", [httpx2.ConnectError, httpx2.ReadError, httpx2.ReadTimeout])
def test_a_lost_connection_shows_no_secret(kind, caplog):
    """Neither the exception, nor what led to it, nor the log holds the request."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.DidierError) as caught:
        Vicidial(kind).client(retries=0).add("5550001")

    error = caught.value
    assert (None, None) == (error.__cause__, error.__context__)
    assert "w0rd" not in "".join(traceback.format_exception(error)) + caplog.text


@pytest.mark.parametrize(
    "lost", [httpx2.ReadError, httpx2.ReadTimeout, httpx2.RemoteProtocolError, (503, "")]
)
def test_a_change_that_may_have_been_made_is_not_sent_again(lost):
    """After a lost answer nobody knows whether it was made; the caller is told so."""
    server = Vicidial(lost, COPIED)
    with pytest.raises(CopyInterrupted) as caught:
        server.client().copy("18001234567", ["5550001", "5550002"])

    assert ("5550001", "5550002") == caught.value.unknown
    assert 1 == len(server.requests)


@pytest.mark.parametrize("lost", [httpx2.ConnectError, httpx2.ConnectTimeout])
def test_a_change_that_was_not_sent_is_sent_again(lost):
    """Where no connection came about, nothing can have been made."""
    server = Vicidial(lost, COPIED)

    assert 2 == len(server.client().copy("18001234567", ["5550001", "5550002"]))
    assert 2 == len(server.requests)


@pytest.mark.parametrize("lost", [httpx2.ConnectError, httpx2.ReadError, (503, ""), (502, "<h1>Bad</h1>")])
def test_what_changes_nothing_is_sent_again(lost):
    """Reading may be repeated, whatever went wrong."""
    server = Vicidial(lost, VERSION)

    assert "2.14-1" == server.client().version().version
    assert (2, 1) == (len(server.requests), len(server.slept))


def test_waits_become_longer_and_end():
    """After the last attempt the failure is told."""
    server = Vicidial(*[httpx2.ConnectError] * 4)
    with pytest.raises(NotReached):
        server.client(retries=3).version()

    assert 4 == len(server.requests)
    assert sorted(server.slept) == server.slept
    assert 3 == len(server.slept)


def test_a_refused_login_is_not_sent_again():
    """Ten of them lock the user out."""
    server = Vicidial("ERROR: Login incorrect, please try again: |apiuser||BAD|\n")
    with pytest.raises(errors.WrongPassword):
        server.client().user_details("1001")

    assert 1 == len(server.requests)


def test_without_retries_the_failure_is_told_at_once():
    """retries=0 sends everything once."""
    server = Vicidial(httpx2.ConnectError)
    with pytest.raises(NotReached, match="cannot be reached"):
        server.client(retries=0).version()

    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda client: client.update("5550001"), errors.NothingToChange),
        (lambda client: client.update_user("1001"), errors.NothingToChange),
        (lambda client: client.add("800-555"), errors.InvalidPattern),
        (lambda client: client.delete(""), errors.InvalidPattern),
        (lambda client: client.did_log("+5550001", "2026-03-04"), errors.InvalidField),
        (lambda client: client.did_log("5550001", "04.03.2026"), errors.InvalidField),
        (lambda client: client.user_details("a b"), errors.InvalidField),
        (lambda client: client.delete_user(""), errors.InvalidField),
        (
            lambda client: client.add_user(
                "2001", "x", full_name="A", user_level=1, user_group="G", active="N"
            ),
            errors.InvalidField,
        ),
    ],
)
def test_what_cannot_be_right_is_not_sent(call, kind):
    """The refusal comes before the request."""
    server = Vicidial()
    with pytest.raises(kind) as caught:
        call(server.client())

    assert ([], 0) == (server.requests, caught.value.status)


def test_both_clients_have_the_same_verbs():
    """What is awaited in one is called in the other, with the same parameters."""

    def verbs(client):
        members = inspect.getmembers(client, inspect.isfunction)
        return {
            name: str(inspect.signature(member))
            for name, member in members
            if not name.startswith("_") and "close" not in name
        }

    assert verbs(VicidialClient) == verbs(AsyncVicidialClient)


def test_the_awaited_client_does_the_same():
    """Results, retries and errors are the same."""
    server = Vicidial(httpx2.ConnectError, COPIED, "ERROR: add_did DID ALREADY EXISTS: |u|5550001\n", VERSION)

    async def work():
        transport = httpx2.MockTransport(server)
        async with AsyncVicidialClient(
            URL, "apiuser", PASSWORD, transport=transport, sleep=server.sleep
        ) as client:
            results = await client.copy("18001234567", ["5550001", "5550002"])
            with pytest.raises(errors.DidExists):
                await client.add("5550001")
            assert [] == await client.copy("18001234567", [])
            return results, await client.version(), repr(client)

    results, version, shown = asyncio.run(work())

    assert [Added("5550001", 2), Exists("5550002")] == results
    assert "2.14-1" == version.version
    assert shown.startswith("AsyncVicidialClient(")
    assert "w0rd" not in shown
