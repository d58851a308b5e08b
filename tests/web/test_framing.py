"""Where a request ends: what can be read in two ways is refused (RFC 9112), however its bytes are divided."""

import pytest

from support.requests import Reading, read

FIRST = b"POST /a?b HTTP/1.1\r\nhost: didier\r\n"
NEXT = b"GET /next HTTP/1.1\r\nhost: didier\r\n\r\n"
CHUNKED = FIRST + b"transfer-encoding: chunked\r\n\r\n"
TO_HTTP_2 = (b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk", b"Connection: Upgrade, HTTP2-Settings")
"""What clients ask with by themselves, as curl --http2 does."""


def with_lines(*lines, body=b""):
    return FIRST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


REFUSED = {
    "a length and chunks": with_lines(b"content-length: 5", b"transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "chunks and a length": with_lines(b"transfer-encoding: chunked", b"content-length: 5", body=b"0\r\n\r\n"),
    "two lengths": with_lines(b"content-length: 1", b"content-length: 2", body=b"ab"),
    "a length twice": with_lines(b"content-length: 1", b"content-length: 1", body=b"a"),
    "two lengths in a line": with_lines(b"content-length: 1, 1", body=b"a"),
    "a length with a plus": with_lines(b"content-length: +1", body=b"a"),
    "a length with a minus": with_lines(b"content-length: -1", body=b"a"),
    "a length with a blank": with_lines(b"content-length: 1 0", body=b"a" * 10),
    "a length in hexadecimal": with_lines(b"content-length: 0x1", body=b"a"),
    "a length with an underscore": with_lines(b"content-length: 1_0", body=b"a" * 10),
    "a length in other digits": with_lines("content-length: \u0661".encode(), body=b"a"),
    "an empty length": with_lines(b"content-length:", body=b"a"),
    "a length beyond all": with_lines(b"content-length: " + b"9" * 30, body=b"a"),
    "a length of thousands of digits": with_lines(b"content-length: " + b"0" * 4_400 + b"1", body=b"a"),
    "a blank before the colon": with_lines(b"content-length : 1", body=b"a"),
    "chunks under a coding": with_lines(b"transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunks within a coding": with_lines(b"transfer-encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunks twice": with_lines(*[b"transfer-encoding: chunked"] * 2, body=b"0\r\n\r\n"),
    "chunks and another": with_lines(b"transfer-encoding: chunked", b"transfer-encoding: x"),
    "chunks with a tail": with_lines(b"transfer-encoding: chunkedx", body=b"0\r\n\r\n"),
    "chunks with a tab": with_lines(b"transfer-encoding: \x0bchunked", body=b"0\r\n\r\n"),
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "lines that end with LF": b"GET / HTTP/1.1\nhost: didier\n\n",
    "a line that ends with LF": with_lines(b"x: a\ncontent-length: 1", body=b"a"),
    "an empty line of LF": FIRST + b"\n" + NEXT,
    "a line that ends with CR": with_lines(b"x: a\rcontent-length: 1", body=b"a"),
    "a line that is folded": with_lines(b"x: a", b" b"),
    "a length that is folded": with_lines(b"content-length:", b" 1", body=b"a"),
    "a NUL in a value": with_lines(b"x: a\0b"),
    "a NUL in a name": with_lines(b"x\0: a"),
    "a line without a colon": with_lines(b"content-length"),
    "a version of its own": b"GET / HTTP/1.2\r\nhost: didier\r\n\r\n",
    "another protocol": b"GET / RTSP/1.0\r\nhost: didier\r\n\r\n",
    "no version": b"GET /\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a head in a head": b"GET / HTTP/1.1\r\nhost: didier\r\n\nGET /next HTTP/1.1\r\nhost: didier\r\n\r\n",
}  # fmt: skip

BROKEN = {
    "a size that is none": CHUNKED + b"zz\r\na\r\n0\r\n\r\n",
    "a size with a sign": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "a size in two ways": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "a size beyond all": CHUNKED + b"f" * 17 + b"\r\na\r\n0\r\n\r\n",
    "a size that ends with LF": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "a chunk that ends with LF": CHUNKED + b"1\r\na\n0\r\n\r\n",
    "a chunk that is longer": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "an extension with LF": CHUNKED + b"1;x\n\r\na\r\n0\r\n\r\n",
    "a trailer that is folded": CHUNKED + b"0\r\nx: a\r\n b\r\n\r\n",
    "a hundred trailers and more": CHUNKED + b"0\r\n" + b"x: a\r\n" * 101 + b"x",
}


@pytest.mark.parametrize("divided", [1, 2, 7, 100_000])
@pytest.mark.parametrize("name", REFUSED)
def test_what_can_be_read_in_two_ways(name, divided):
    """No request begins, neither this one nor what another reader would take for the next."""
    assert Reading(refused=True) == read(REFUSED[name], divided)


@pytest.mark.parametrize("divided", [1, 2, 7, 100_000])
@pytest.mark.parametrize("name", BROKEN)
def test_chunks_that_are_broken(name, divided):
    """A body whose end is not clear has none, and nothing comes behind it."""
    reading = read(BROKEN[name] + NEXT, divided)

    assert reading.refused
    assert [("POST", b"/a", False)] == [(one.method, one.path, one.whole) for one in reading.requests]


@pytest.mark.parametrize("divided", [1, 2, 7, 100_000])
@pytest.mark.parametrize(
    ("data", "bodies"),
    [
        (with_lines(b"content-length: 3", body=b"abc") + NEXT, [b"abc", b""]),
        (with_lines(b"content-length: 0") + NEXT, [b"", b""]),
        (with_lines(b"Content-Length:   3  ", body=b"abc") + NEXT, [b"abc", b""]),
        (with_lines(b"content-length: %d" % len(NEXT), body=NEXT) + NEXT, [NEXT, b""]),
        (NEXT * 3, [b""] * 3),
        (b"\r\n\r\n" + NEXT + b"\r\n" + NEXT, [b""] * 2),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", [b"abc"]),
        (CHUNKED + b"3;a=b;c\r\nabc\r\n1\r\nd\r\n0;e\r\nx: y\r\n\r\n", [b"abcd"]),
        (CHUNKED + b"0" * 14 + b"3\r\nabc\r\n0\r\n\r\n" + NEXT, [b"abc"]),
        (with_lines(b"connection: close") + NEXT, [b""]),
        (b"GET / HTTP/1.0\r\n\r\n" + NEXT, [b""]),
        (with_lines(b"upgrade: websocket", b"connection: upgrade") + NEXT, [b"", b""]),
        (with_lines(*TO_HTTP_2, b"content-length: 3", body=b"abc") + NEXT, [b"abc", b""]),
        (with_lines(*TO_HTTP_2, b"transfer-encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"), [b"abc"]),
    ],
    ids=[
        "length", "none", "blanks", "a request in a body", "three", "empty lines", "chunks", "extensions",
        "behind chunks", "close", "HTTP/1.0", "upgrade",
        "upgrade with a length", "upgrade with chunks",
    ],
)  # fmt: skip
def test_where_requests_end(data, bodies, divided):
    """A body is what its length or its chunks say; behind chunks and a last request nothing is read."""
    reading = read(data, divided)

    assert not reading.refused
    assert bodies == [one.body for one in reading.requests]
    assert all(one.whole for one in reading.requests)


def test_trailers_are_forgotten():
    """What stands behind chunks changes nothing of the head."""
    [one] = read(CHUNKED + b"0\r\ncontent-length: 5\r\nx: y\r\n\r\n").requests

    assert [(b"host", b"didier"), (b"transfer-encoding", b"chunked")] == one.headers


@pytest.mark.parametrize(
    "begun", [b"0\r\nx: ", b"0\r\nx", b"1;", b"1;x="], ids=["value", "name", "one", "two"]
)
def test_what_has_no_end_behind_a_chunk(begun):
    """A trailer or an extension is given up when it is too long."""
    reading = read(CHUNKED + begun + b"a" * 200_000, 1_000)

    assert reading.refused


@pytest.mark.parametrize(
    ("sent", "path", "query"),
    [
        (b'/a"<>\xfc\xc3?"<>\xfc', b"/a%22%3C%3E%FC%C3", b"%22%3C%3E%FC"),
        (b"/a?b#c?d", b"/a", b"b"),
        (b"/a#c?d", b"/a", b""),
        (b"/?", b"/", b""),
        (b"http://elsewhere/a?b", b"/a", b"b"),
        (b"http://elsewhere", b"/", b""),
        (b"*", b"*", b""),
        (b"//a/b", b"//a/b", b""),
        (b"/http://a", b"/http://a", b""),
    ],
)
def test_addresses(sent, path, query):
    """Path and query of a target in each of its forms; raw bytes are encoded in the first line alone."""
    [one] = read(b"OPTIONS " + sent + b' HTTP/1.1\r\nhost: didier\r\nx: "<\xfc>\r\n\r\n').requests

    assert (path, query) == (one.path, one.query)
    assert (b"x", b'"<\xfc>') in one.headers
