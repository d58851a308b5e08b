"""The web addresses of filters are asked within limits, and whatever comes of it is an answer or none."""

import asyncio
import gzip
from ipaddress import ip_network

import pytest

from didier.runtime.web_answers import MOST_BYTES, NO_ANSWER, WebAnswers
from support.answering import said, silent, slow, web

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
LONG = 600.0
SHORT = 0.1


def asked(*urls, seconds=LONG, networks=(), limit=LONG):
    async def ask():
        answers = WebAnswers(seconds, networks)
        return [await answers.ask(url, limit) for url in urls]

    return asyncio.run(ask())


def test_status_and_body_are_answered():
    """Whatever the status is; letters that are none are replaced."""
    with web(said(404, b"caf\xe9 \xc3\xa9")) as server:
        assert [(404, "caf\ufffd é")] == asked(f"{server.url}/x?a=%26b")
    assert "/x?a=%26b" == server.asked[0][0]


def test_redirects_are_not_followed():
    """Where they lead is not asked."""
    with web(said()) as other, web(said(302, b"moved", Location=f"{other.url}/")) as server:
        assert [(302, "moved")] == asked(server.url)
    assert [] == other.asked


def test_an_answer_has_an_end():
    """Of an endless one the beginning is read."""

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"1" * 10_000)

    with web(endless) as server:
        assert [(200, "1" * MOST_BYTES)] == asked(server.url)


def test_compressed_answers_are_not_expanded():
    """A small one may be huge: none is asked for, and what comes all the same is read as it is."""
    small = gzip.compress(b"1" * 10_000_000)
    with web(said(200, small, Content_Encoding="gzip")) as server:
        [(status, body)] = asked(server.url)

    assert "identity" == server.asked[0][1]["Accept-Encoding"]
    assert (200, small[:MOST_BYTES].decode("utf-8", "replace")) == (status, body)


def test_cookies_are_forgotten():
    """Each question stands for itself."""
    with web(said(200, b"1", Set_Cookie="caller=1; Path=/")) as server:
        asked(server.url, server.url)

    assert [None, None] == [headers.get("Cookie") for _, headers in server.asked]


@pytest.mark.parametrize("answer", [silent, slow])
@pytest.mark.parametrize("limits", [{"seconds": SHORT}, {"limit": SHORT}])
def test_waiting_has_an_end(answer, limits):
    """An address that is silent, or slow, has not answered."""
    with web(answer) as server:
        assert [NO_ANSWER] == asked(server.url, **limits)
    assert len(server.asked) <= 1  # none: it was not reached in time


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/", "", "http://", "http:///x", "ftp://127.0.0.1/", "file:///etc/passwd",
        "http://[::1", "http://a b/", "http://127.0.0.1:99999/", "http://127.0.0.1:x/",
        "http://nowhere.invalid/", "xhttp", "http://\u2603\u0301/", "http://" + "a" * 300 + "/", "http://127.0.0.1\0/",
        "http://xn--/", "http://..../",
    ],
)  # fmt: skip
@pytest.mark.parametrize("networks", [(), LOOPBACK])
def test_what_cannot_be_asked_has_not_answered(url, networks):
    """Nothing listens there, or it is no address: never an error."""
    assert [NO_ANSWER] == asked(url, networks=networks)


@pytest.mark.parametrize(
    "words", [b"", b"HTTP/1.1 200", b"220 smtp\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n1"]
)
def test_what_is_no_answer_is_none(words):
    """Somebody else's protocol, or an answer that ends too early."""

    def answer(handler):
        handler.wfile.write(words)
        handler.close_connection = True

    with web(answer) as server:
        assert [NO_ANSWER] == asked(server.url)


@pytest.mark.parametrize(
    ("networks", "answer"),
    [
        (LOOPBACK, (200, "1")),
        ((ip_network("127.0.0.1/32"),), (200, "1")),
        ((ip_network("10.0.0.0/8"),), NO_ANSWER),
        ((ip_network("::/0"),), NO_ANSWER),
    ],
)
def test_only_the_networks_of_the_settings_are_asked(networks, answer):
    """Others are not connected to at all."""
    with web(said()) as server:
        assert [answer] == asked(server.url, networks=networks)
    assert (answer != NO_ANSWER) == bool(server.asked)


def test_a_name_is_asked_by_the_address_that_was_looked_at():
    """The server is told the name all the same."""
    with web(said()) as server:
        url = f"http://localhost:{server.server_port}/x"

        assert [(200, "1")] == asked(url, networks=(ip_network("127.0.0.0/8"), ip_network("::1/128")))
    assert f"localhost:{server.server_port}" == server.asked[0][1]["Host"]


def test_no_proxy_is_taken_from_the_environment(monkeypatch):
    """What is set for other programs would see callers' numbers."""
    with web(said(200, b"proxy")) as proxy, web(said()) as server:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        assert [(200, "1")] == asked(server.url)
    assert [] == proxy.asked
