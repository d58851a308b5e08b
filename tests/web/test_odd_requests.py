"""Requests that no honest client sends: each is refused or understood, and costs the server little."""

import base64
import gzip
import json
import re
import urllib.parse

import pytest

from support.process import Process
from support.raw import connect, ended, request, send, status
from support.server import FORM, PATH, TUTORIAL, multipart

COPY = urllib.parse.urlencode(TUTORIAL)
SOURCE, TARGET = "18001234567", "18002223333"
JSON = "application/json"
SIGN_IN = "Basic " + base64.b64encode(b"admin:1234").decode()
MEGABYTES = 100
"""Most that one of these requests may take beside what the process has."""

MILLION = "a" * 1_000_000
MANY = "&".join(f"a{n}=1" for n in range(100_000))


def form(body, **headers):
    return request(
        "POST", PATH, body.encode() if isinstance(body, str) else body, content_type=FORM, **headers
    )


def api(body, content_type=JSON, **headers):
    sent = {"content_type": content_type, "authorization": SIGN_IN, **headers}
    return request("POST", "/api/v1/copies", body.encode() if isinstance(body, str) else body, **sent)


def in_parts(fields):
    body, headers = multipart(fields)
    return request("POST", PATH, body, content_type=headers["Content-Type"])


def chunks(*parts, trailer=""):
    sized = b"".join(b"%x\r\n%s\r\n" % (len(part), part.encode()) for part in parts)
    return sized + f"0\r\n{trailer}\r\n".encode()


def chunked(body, **headers):
    return form(body, transfer_encoding="chunked", **headers)


def with_head(line, *lines):
    return "\r\n".join([line, "host: didier", "connection: close", *lines, "", ""]).encode("latin-1")


def with_lengths(*lines, body=COPY):
    head = with_head(f"POST {PATH} HTTP/1.1", f"content-type: {FORM}", *lines)
    return head + body.encode()


REFUSED = {
    "a query of a megabyte": (request("GET", f"{PATH}?{MILLION}"), {414, 431}),
    "a query of 70,000 bytes": (request("GET", f"{PATH}?{MILLION[:70_000]}"), {414}),
    "a path of a megabyte": (request("GET", f"/{MILLION}"), {414, 431}),
    "a header of a megabyte": (request("GET", "/", x=MILLION), {431}),
    "a thousand headers": (with_head("GET / HTTP/1.1", *(f"x{n}: 1" for n in range(1_000))), {431}),
    "100,000 parameters in the query": (request("GET", f"{PATH}?{MANY}"), {414, 431}),
    "1,100 parameters in the query": (request("GET", f"{PATH}?{'&'.join('a' * 1_100)}"), {413}),
    "100,000 parameters in the body": (form(MANY), {413}),
    "10,000 parts": (in_parts((f"a{n}", "1") for n in range(10_000)), {413}),
    "a body that is too long": (form(MILLION + "a"), {413}),
    "a chunked body that is too long": (chunked(chunks(*[MILLION] * 3)), {413}),
    "60,000 JSON keys": (api(json.dumps({f"k{n}": 1 for n in range(60_000)})), {422}),
    "lists in lists": (api("[" * 400_000 + "]" * 400_000), {422}),
    "objects in objects": (api('{"a":' * 150_000 + "1" + "}" * 150_000), {422}),
    "a number of 900,000 digits": (api('{"source": ' + "1" * 900_000 + "}"), {422}),
    "a number beyond all": (api('{"source": 1e999999999}'), {422}),
    "half a character in JSON": (api(b'{"source": "\xed\xa0\x80"}'), {400, 422}),
    "compressed JSON": (api(gzip.compress(b"[" * 10_000_000), content_encoding="gzip"), {415, 422}),
    "a chunk without a size": (chunked("\r\nfunction\r\n0\r\n\r\n"), {400}),
    "a chunk of size zz": (chunked("zz\r\nfunction\r\n0\r\n\r\n"), {400}),
    "a chunk of size -1": (chunked("-1\r\nfunction\r\n0\r\n\r\n"), {400}),
    "a chunk of size 2^80": (chunked(f"{2**80:x}\r\nfunction\r\n0\r\n\r\n"), {400}),
    "a chunk longer than it says": (chunked("2\r\nfunction\r\n0\r\n\r\n"), {400}),
    "a chunk's extension without end": (chunked(f"1;{MILLION}\r\na\r\n0\r\n\r\n"), {400}),
    "trailers without end": (chunked(chunks(COPY, trailer=f"x: {MILLION}\r\n")), {400, 431}),
    "a negative length": (with_lengths("content-length: -1"), {400}),
    "a length with a sign": (with_lengths(f"content-length: +{len(COPY)}"), {400}),
    "a length in hexadecimal": (with_lengths("content-length: 0x10"), {400}),
    "a length of 2^64": (with_lengths(f"content-length: {2**64}"), {400}),
    "an empty length": (with_lengths("content-length: "), {400}),
    "two lengths": (with_lengths(f"content-length: {len(COPY)}", "content-length: 0"), {400}),
    "two lengths in one": (with_lengths(f"content-length: {len(COPY)}, 0"), {400}),
    "a length that is told twice": (with_lengths(*[f"content-length: {len(COPY)}"] * 2), {400}),
    "chunks that are not the last coding": (with_lengths("transfer-encoding: chunked, gzip"), {400}),
    "an unknown coding": (with_lengths("transfer-encoding: xchunked"), {400}),
    "a header's name with a space": (with_lengths("transfer-encoding : chunked"), {400}),
    "a header on two lines": (with_head("GET / HTTP/1.1", "x: a\r\n b"), {400}),
    "a header with a NUL": (with_head("GET / HTTP/1.1", "x: a\0b"), {400}),
    "chunks in HTTP/1.0": (
        f"POST {PATH} HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n".encode() + chunks(COPY), {400},
    ),
    "lines without a carriage return": (f"GET {PATH}?{COPY} HTTP/1.0\nhost: didier\n\n".encode(), {400}),
    "a path with a NUL": (with_head("GET /\0 HTTP/1.1"), {400}),
    "a path with an encoded NUL": (with_head("GET /%00 HTTP/1.1"), {404}),
    "a path in no encoding": (with_head("GET /\xff\xfe HTTP/1.1"), {400, 404}),
    "an encoded path in no encoding": (with_head("GET /%ff%fe HTTP/1.1"), {400, 404}),
    "a path out of the tree": (with_head("GET /admin/static/../../../../etc/passwd HTTP/1.1"), {404}),
    "a file of the panel that is not there": (with_head(f"GET /admin/static/{'a' * 5_000} HTTP/1.1"), {404}),
    "a change in the panel by nobody": (request("POST", "/admin/dids/1", b"a=b", content_type=FORM), {405}),
    "a sign-in of a megabyte": (request("POST", "/admin/login", MILLION.encode() * 2), {413}),
    "a path with spaces": (with_head("GET /a b HTTP/1.1"), {400}),
    "an unknown method": (with_head("BREW / HTTP/1.1"), {501}),
    "an unknown method of the legacy API": (with_head(f"BREW {PATH}?{COPY} HTTP/1.1"), {501}),
    "a method in small letters": (with_head(f"get {PATH}?{COPY} HTTP/1.1"), {501}),
    "a method of 100,000 letters": (with_head(f"{'A' * 100_000} / HTTP/1.1"), {414, 431}),
    "TRACE": (with_head("TRACE / HTTP/1.1"), {405}),
    "CONNECT": (with_head("CONNECT example.com:443 HTTP/1.1"), {400}),
    "OPTIONS for the server": (with_head("OPTIONS * HTTP/1.1"), {404}),
    "a version that is not there": (with_head("GET / HTTP/9.9"), {400}),
    "HTTP/0.9": (b"GET /\r\n\r\n", {505}),
    "TLS where none is spoken": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500), {400}),
    "noise": (bytes(range(128, 256)) * 100, {400}),
}  # fmt: skip
"""Bytes, and the statuses that may answer them."""


UNDERSTOOD = {
    "chunks": chunked(chunks(COPY[:9], COPY[9:])),
    "a thousand chunks of a byte": chunked(chunks(*COPY)),
    "chunks with extensions": chunked(f"{len(COPY):x};a=b\r\n{COPY}\r\n0\r\n\r\n"),
    "chunks and trailers": chunked(chunks(COPY, trailer="pass: wrong\r\n")),
    "chunks for a GET": request("GET", f"{PATH}?{COPY}", chunks("a=b"), transfer_encoding="chunked"),
    "a body for a GET": request("GET", f"{PATH}?{COPY}", b"function=version"),
    "HTTP/1.0": f"GET {PATH}?{COPY} HTTP/1.0\r\n\r\n".encode(),
    "HTTP/1.1 without a host": f"GET {PATH}?{COPY} HTTP/1.1\r\nconnection: close\r\n\r\n".encode(),
    "a whole address": with_head(f"GET http://elsewhere.example{PATH}?{COPY} HTTP/1.1"),
    "empty lines before it": b"\r\n\r\n" + request("GET", f"{PATH}?{COPY}"),
    "an upgrade to HTTP/2": with_head(
        f"GET {PATH}?{COPY} HTTP/1.1", "upgrade: h2c", "http2-settings: AAMAAABkAAQAAP__"
    ),
    "an upgrade to WebSocket": with_head(
        f"GET {PATH}?{COPY} HTTP/1.1", "upgrade: websocket", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
        "sec-websocket-version: 13",
    ),
    "a query with angle brackets": with_head(f"GET {PATH}?{COPY}&x=<a> HTTP/1.1"),
    "a query with a quote": with_head(f'GET {PATH}?{COPY}&x="a HTTP/1.1'),
    "a query with letters beyond ASCII": with_head(f"GET {PATH}?{COPY}&x=\xe4 HTTP/1.1"),
    "parameters beside 60,000 bytes": request("GET", f"{PATH}?{COPY}&x={MILLION[:60_000]}"),
    "an expectation": form(COPY, expect="200-maybe"),
}  # fmt: skip
"""Odd ways to say what the tutorial says."""

NOTHING = {
    "a part of a megabyte": in_parts([("a" * 900_000, "1")]),
    "a part without an end": request(
        "POST", PATH,
        b"--x\r\nContent-Disposition: form-data; name=\"function\"\r\n\r\n" + b"a" * 900_000,
        content_type="multipart/form-data; boundary=x",
    ),
    "parts without a boundary": request("POST", PATH, COPY.encode(), content_type="multipart/form-data"),
    "parts with a long boundary": request(
        "POST", PATH, MILLION.encode(), content_type=f"multipart/form-data; boundary={'a' * 5_000}"
    ),
    "a part with 10,000 headers": request(
        "POST", PATH, b"--x\r\n" + b"x: 1\r\n" * 10_000 + b"\r\n1\r\n--x--\r\n",
        content_type="multipart/form-data; boundary=x",
    ),
    "a file among the parts": request(
        "POST", PATH,
        b'--x\r\nContent-Disposition: form-data; name="function"; filename="a"\r\n\r\ncopy_did\r\n--x--\r\n',
        content_type="multipart/form-data; boundary=x",
    ),
    "a compressed form": form(gzip.compress(COPY.encode()), content_encoding="gzip"),
    "a compressed form of 40 megabytes": form(gzip.compress(b"a=b&" * 10_000_000), content_encoding="gzip"),
    "a form of separators": form("&" * 1_000 + "=" * 900_000),
    "a form of percent signs": form("%" * 900_000),
    "a form in no encoding": form(b"function=\xff\xfe\0"),
}  # fmt: skip
"""Requests that say nothing that the Non-Agent API understands."""


def gauge(server):
    process = Process(server.process.pid)
    process.forget_peak()
    return process, process.megabytes


def check_unharmed(server, process, before):
    """The server has logged no failure, taken little memory, made nothing, and serves others."""
    log = server.logged()

    assert not re.findall(r'Traceback|panicked|"level":"(?:error|critical)"', log)
    assert process.peak - before < MEGABYTES
    assert (200, "ok\n") == server.get("/healthz")


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(server, name):
    """Odd requests get a status that says the client is wrong, whatever comes behind them."""
    data, statuses = REFUSED[name]
    process, before = gauge(server)
    answer = send(server, data)

    assert status(answer) in statuses
    assert [SOURCE] == server.patterns()
    check_unharmed(server, process, before)


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_it_is_understood(server, name):
    """What is odd and clear is answered once, and done."""
    process, before = gauge(server)
    answer = send(server, UNDERSTOOD[name])

    assert 1 == answer.count(b"HTTP/1.")
    assert answer.endswith(f"\r\n\r\nSUCCESS: {SOURCE} -> {TARGET} | DID Copied Successfully\n".encode())
    assert [SOURCE, TARGET] == server.patterns()
    check_unharmed(server, process, before)


@pytest.mark.parametrize("name", NOTHING)
def test_it_says_nothing(server, name):
    """A form that cannot be read names no function: neither is anything done nor inflated."""
    process, before = gauge(server)
    answer = send(server, NOTHING[name])

    assert b"\r\n\r\nERROR: " in answer
    assert status(answer) in {200, 413}  # VICIdial's clients look at the text
    assert [SOURCE] == server.patterns()
    check_unharmed(server, process, before)


LENGTH_THEN_CHUNKS = ("content-length: 4", "transfer-encoding: chunked")
SMUGGLED = request("GET", f"{PATH}?{COPY}")


@pytest.mark.parametrize("lines", [LENGTH_THEN_CHUNKS, LENGTH_THEN_CHUNKS[::-1]], ids=["before", "behind"])
@pytest.mark.parametrize("path", [PATH, "/", "/api/v1/copies", "/admin/login"])
def test_nothing_is_smuggled_behind_chunks(server, lines, path):
    """A request with chunks and a length is the last one of its connection, whoever believes which."""
    head = f"POST {path} HTTP/1.1\r\nhost: didier\r\ncontent-type: {FORM}\r\n" + "\r\n".join(lines)
    answer = send(server, f"{head}\r\n\r\n".encode() + chunks("a=b") + SMUGGLED)

    assert 1 == answer.count(b"HTTP/1.1 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert [SOURCE] == server.patterns()


def test_bytes_behind_a_body_are_no_part_of_it(server):
    """A body is as long as its length says; what follows is the next request, here none."""
    head = f"POST {PATH} HTTP/1.1\r\nhost: didier\r\ncontent-type: {FORM}\r\n"
    answer = send(server, f"{head}content-length: {len(COPY)}\r\n\r\n{COPY}&did_active=N\r\n\r\n".encode())

    assert [b"200", b"400"] == re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert "Y" == server.did(TARGET)["did_active"]


def test_chunks_without_end(server):
    """A body that never ends is refused when it is too long, and its connection closed."""
    process, before = gauge(server)
    head = form(b"", transfer_encoding="chunked")
    chunk = chunks(MILLION[:60_000]).removesuffix(b"0\r\n\r\n")
    sent = 0
    with connect(server) as sock:
        sock.sendall(head)
        try:
            while sent < 1_000_000_000:
                sock.sendall(chunk)
                sent += len(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert sent < 100_000_000
    check_unharmed(server, process, before)


def test_a_client_that_waits_to_be_asked_for_its_body(server):
    """With Expect: 100-continue a body is asked for, and sent then."""
    with connect(server) as sock:
        sock.sendall(form(COPY, expect="100-continue").removesuffix(COPY.encode()))
        asked = sock.recv(65536)
        sock.sendall(COPY.encode())
        answer = ended(sock)

    assert b"HTTP/1.1 100 Continue\r\n\r\n" == asked
    assert b"SUCCESS: " in answer


def test_a_thousand_requests_at_once(server):
    """Requests that are sent without waiting for answers are answered in their order."""
    targets = [str(18_100_000_000 + n) for n in range(100)]
    health = request("GET", "/healthz", close=False) * 9
    copies = [request("GET", f"{PATH}?{COPY.replace(TARGET, target)}", close=False) for target in targets]
    process, before = gauge(server)
    with connect(server) as sock:
        sock.sendall(b"".join(copy + health for copy in copies) + request("GET", "/readyz"))
        answers = ended(sock).decode()

    expected = [answer for target in targets for answer in (target, *["ok"] * 9)]
    assert [*expected, "ready"] == re.findall(
        r"^(?:SUCCESS: \d+ -> )?(\d{11}|ok|ready)(?: .*)?$", answers, re.M
    )
    assert [SOURCE, *targets] == server.patterns()
    check_unharmed(server, process, before)


def test_http_2_is_not_spoken(server):
    """A client that begins with HTTP/2 is not answered in it, but sent away."""
    answer = send(server, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9))

    assert status(answer) in {None, 400}
    assert b"\x00\x00" not in answer
