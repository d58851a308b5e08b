"""The port for scripts that do not percent-encode: what it takes, what it does not, and its limits."""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass
from threading import Event
from urllib.parse import quote_from_bytes

import pytest
import sqlalchemy as sa

from didier.config import Settings
from didier.errors import WrongSetting
from didier.storage.tables import vicidial_tables
from didier.web.server import check_ports
from support.certificates import certificate
from support.mariadb import free_port
from support.process import until
from support.raw import connect, connected, ended, request, send, status
from support.server import FORM, PATH, Didier, didier

SOURCE = "18001234567"
LOGIN = b"user=admin&pass=1234&source=crm"
PLAIN = f"{PATH}?function=version&{LOGIN.decode()}"
RAW = {
    "quotes": b'Sales "East" 1',
    "angle brackets": b"Sales <East> 1",
    "a letter of Latin-1": b"Line one J\xfcrgen",
    "a letter in UTF-8": "Line one Jürgen".encode(),
    "half a letter in UTF-8": b"Line one J\xc3rgen",
    "both": "Line \"Jürgen\" ".encode() + b"<J\xfcrgen>",
    "every byte above ASCII": bytes(range(0x80, 0x100)) + b"Line one",
    "a wrong percent sign": b"Line 100% <\xe9>",
}  # fmt: skip
"""Descriptions as scripts send them, but for blanks, which no server takes."""

ENOUGH = 1_000
"""Bytes after which a head that comes slowly should have been given up."""

REFUSED = [bytes([byte]) for byte in (*range(0x21), 0x7F)]


@dataclass
class Lenient:
    """A server, its second port, and its database."""

    server: Didier
    port: int
    engine: sa.Engine

    def get(self, query: bytes) -> tuple[int | None, bytes]:
        """Send *query* as it is to the second port; return status and text."""
        head = b"GET " + PATH.encode() + b"?" + query + b" HTTP/1.1\r\nhost: didier\r\n\r\n"
        return _answered(send(self, head))

    def encoded(self, query: bytes) -> tuple[int | None, bytes]:
        """Send *query* percent-encoded to the first port; return status and text."""
        target = f"{PATH}?{quote_from_bytes(query, safe='%&=+')}"
        return _answered(send(self.server, request("GET", target)))

    def row(self, pattern: str) -> dict[str, object]:
        """Return what the DID *pattern* has, but for its number and times."""
        statement = sa.text("SELECT * FROM vicidial_inbound_dids WHERE did_pattern = :pattern")
        with self.engine.connect() as conn:
            row = dict(conn.execute(statement, {"pattern": pattern}).mappings().one())
        return {
            name: value
            for name, value in row.items()
            if name not in {"did_id", "did_pattern", "modify_stamp"}
        }

    def logged(self) -> str:
        """Return the address in VICIdial's log of the last call, without its port."""
        statement = sa.text("SELECT url FROM vicidial_api_urls ORDER BY api_id DESC LIMIT 1")
        with self.engine.connect() as conn:
            return re.sub(r"^(http://[^:/]+):\d+", r"\1", conn.execute(statement).scalar_one())

    def set_non_latin(self, value: int) -> None:
        """Say whether letters of other scripts than Latin are kept."""
        with self.engine.begin() as conn:
            conn.execute(sa.text("UPDATE system_settings SET use_non_latin = :value"), {"value": str(value)})


def _answered(answer: bytes) -> tuple[int | None, bytes]:
    return status(answer), answer.partition(b"\r\n\r\n")[2]


@pytest.fixture(scope="module", params=["sqlite", "mariadb"])
def lenient(request, tmp_path_factory):
    """A server with both ports on each database."""
    directory = tmp_path_factory.mktemp("lenient")
    url = f"sqlite:///{directory}/didier.db"
    if request.param == "mariadb":
        url = request.getfixturevalue("mariadb").database()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    if request.param == "mariadb":
        with engine.begin() as conn:
            vicidial_tables().create_all(conn)
    server, port = start(directory, "--database", url)
    yield Lenient(server, port, engine)
    server.stop()


def start(directory, *flags, tls=None, **settings):
    port = free_port()
    environment = {f"DIDIER_{name.upper()}": str(value) for name, value in settings.items()}
    server = Didier(
        directory, "--demo", *flags, environment={"DIDIER_LENIENT_PORT": str(port), **environment}, tls=tls
    )
    return server.start(), port


@pytest.fixture
def impatient(tmp_path):
    """A server whose second port waits for a second."""
    server, port = start(
        tmp_path,
        "--database",
        f"sqlite:///{tmp_path}/didier.db",
        idle_seconds=1,
        body_seconds=1,
        body_limit=1000,
    )
    yield Lenient(server, port, sa.create_engine(f"sqlite:///{tmp_path}/didier.db"))
    server.stop()


@pytest.mark.parametrize("non_latin", [0, 1])
@pytest.mark.parametrize("name", RAW)
def test_raw_is_as_encoded(lenient, name, non_latin):
    """An address with raw bytes is answered, carried out and logged as the encoded one is."""
    lenient.set_non_latin(non_latin)
    text = RAW[name].replace(b" ", b"+")
    update = b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=" + text

    told = lenient.encoded(update)
    expected = told, lenient.row(SOURCE), lenient.logged()
    lenient.encoded(b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=Other+text")

    assert expected == (lenient.get(update), lenient.row(SOURCE), lenient.logged())
    assert 200 == told[0]


@pytest.mark.parametrize("name", RAW)
def test_copies_are_as_encoded(lenient, name):
    """A copy gets the same description, whichever way that is sent."""
    text = RAW[name].replace(b" ", b"+")
    copy = b"function=copy_did&" + LOGIN + b"&source_did_pattern=18001234567&did_description=" + text
    place = list(RAW).index(name)
    targets = [f"1800222{place}{kind}00" for kind in range(2)]

    raw = lenient.get(copy + b"&new_dids=" + targets[0].encode())
    encoded = lenient.encoded(copy + b"&new_dids=" + targets[1].encode())

    assert b"SUCCESS: copy_did" in raw[1]
    assert len(raw[1].splitlines()) == len(encoded[1].splitlines())
    assert lenient.row(targets[1]) == lenient.row(targets[0])


@pytest.mark.parametrize("byte", REFUSED)
def test_what_apache_refuses_too(lenient, byte):
    """Control characters and blanks in an address are refused, and nothing is changed."""
    before = lenient.row(SOURCE)
    query = (
        b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=Sales" + byte + b"East"
    )

    assert 400 == lenient.get(query)[0]
    assert before == lenient.row(SOURCE)


def test_a_form_in_a_body(lenient):
    """What is posted is read as at the other port, with what the address has."""
    body = b"function=update_did&did_pattern=18001234567&did_description=Sales+<\xfcber>"
    answer = send(lenient, request("POST", f"{PATH}?{LOGIN.decode()}", body, content_type=FORM))

    assert answer.endswith(b"SUCCESS: update_did DID HAS BEEN UPDATED - admin|18001234567\n")


@pytest.mark.parametrize(
    "target", ["/", "/healthz", "/metrics", "/admin/", "/api/v1/dids", "/docs", f"{PATH}/x", "*"]
)
def test_nothing_else_is_served(lenient, target):
    """Other pages are not found, and their answers have the headers of all answers."""
    answer = send(lenient, request("GET", target))

    assert 404 == status(answer)
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
    assert b"\r\nserver:" not in answer.lower()


def test_a_doubled_slash(lenient):
    """The address of a published client leads to the Non-Agent API."""
    assert 200 == status(send(lenient, request("GET", f"/{PLAIN}")))


def test_one_request_a_connection(lenient):
    """The answer to the first closes the connection; a second one is not answered."""
    answer = send(lenient, request("GET", PLAIN, close=False) * 3)

    assert 1 == answer.count(b"HTTP/1.1 ")
    assert b"\r\nconnection: close\r\n" in answer


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (request("GET", f"{PLAIN}&x={'x' * 65_534}"), 414),
        (request("GET", f"{PLAIN}&x=").replace(b"x= ", b"x=" + b"\xfc" * 22_000 + b" "), 414),
        (request("GET", PLAIN, more="x" * 100_000), 431),
        (request("GET", PLAIN, **{f"x{n}": "x" for n in range(99)}), 431),
        (request("GET", PLAIN, **{f"x{n}": "x" for n in range(98)}), 200),
        (request("POST", PATH, b"2\r\na=\r\n0\r\n\r\n", transfer_encoding="chunked", content_type=FORM), 411),
        (request("POST", PATH, LOGIN + b"x" * 20_000, content_type=FORM), 413),
        (request("GET", PLAIN, connection="upgrade", upgrade="websocket", close=False), 200),
        (b"GET / HTTP/1.1\nhost: didier\n\n", 400),
        (b"CONNECT didier:443 HTTP/1.1\r\nhost: didier\r\n\r\n", 400),
        (b"\x16\x03\x01\n\n", 400),
    ],
    ids=[
        "target", "encoded", "header", "headers", "fewer", "chunks", "body", "upgrade", "lf", "connect",
        "tls",
    ],
)  # fmt: skip
def test_limits(impatient, data, expected):
    """What is too large or not HTTP is refused; others are served."""
    assert expected == status(send(impatient, data))
    assert 200 == impatient.get(b"function=version&" + LOGIN)[0]
    assert not re.findall(r"Traceback|Invalid HTTP", impatient.server.logged())


def test_a_head_without_end(impatient):
    """A head that goes on and on is refused when it is too long, and its connection closed."""
    sent = 0
    with connect(impatient) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\n")
        try:
            while sent < 100_000_000:
                sock.sendall(b"x: " + b"x" * 60_000 + b"\r\n")
                sent += 60_000
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert sent < 100_000_000


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", None),
        (b"GET / HT", None),
        (request("POST", PATH, LOGIN, content_type=FORM)[:-1], 400),
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_who_sends_nothing_more(impatient, data, expected):
    """A connection on which the rest of a request does not come is closed."""
    with connect(impatient) as sock:
        sock.sendall(data)

        assert expected == status(ended(sock))


def test_a_head_byte_by_byte(impatient):
    """A head has its time as a whole, however often something comes."""
    pause, sent = Event(), 0
    with connect(impatient) as sock, suppress(BrokenPipeError, ConnectionResetError):
        while not pause.wait(0.02) and sent < ENOUGH:
            sock.sendall(b"x")
            sent += 1

    assert sent < ENOUGH


def test_more_connections_than_places(impatient):
    """Connections beyond the limit wait until silent ones have ended."""
    with connected(impatient, 300):
        assert 200 == impatient.get(b"function=version&" + LOGIN)[0]


def test_hosts_and_proxies(tmp_path):
    """Allowed hosts and trusted proxies are those of the other port."""
    database = tmp_path / "didier.db"
    didier(tmp_path, "init", "--database", f"sqlite:///{database}")
    port = free_port()
    environment = {
        "DIDIER_LENIENT_PORT": str(port),
        "DIDIER_TRUSTED_PROXIES": "127.0.0.1",
        "DIDIER_ALLOWED_HOSTS": "did.example.com",
    }
    server = Didier(tmp_path, "--database", f"sqlite:///{database}", environment=environment).start()
    lenient = Lenient(server, port, sa.create_engine(f"sqlite:///{database}"))
    own = request("GET", PLAIN, host="did.example.com", x_forwarded_for="192.0.2.7")
    answers = [status(send(lenient, data)) for data in (own, request("GET", PLAIN))]
    until(lambda: '"client":"192.0.2.7"' in server.log.read_text())
    server.stop()

    assert [200, 421] == answers


def test_tls(tmp_path):
    """With certificate and key both ports speak TLS 1.2 and 1.3, and HTTP/1.1."""
    certificate(tmp_path, "a")
    tls = ssl.create_default_context(cafile=str(tmp_path / "a.pem"))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    flags = ("--tls-cert", f"{tmp_path}/a.pem", "--tls-key", f"{tmp_path}/a.key")
    server, port = start(tmp_path, "--database", f"sqlite:///{tmp_path}/didier.db", *flags, tls=tls)
    lenient = Lenient(server, port, sa.create_engine(f"sqlite:///{tmp_path}/didier.db"))
    without = send(lenient, request("GET", PLAIN))
    with connect(lenient) as sock, tls.wrap_socket(sock, server_hostname="127.0.0.1") as secured:
        protocol = secured.selected_alpn_protocol()
        secured.sendall(request("GET", PLAIN))
        answer = ended(secured)
    server.stop()

    assert b"HTTP/1.1" not in without
    assert "http/1.1" == protocol
    assert 200 == status(answer)
    assert b"\r\nstrict-transport-security: max-age=31536000\r\n" in answer
    assert f"https://127.0.0.1:{port}{PATH}\n" in server.log.read_text()


def test_it_is_off_by_default():
    """Without the setting there is no second port."""
    assert Settings().lenient_port is None


def test_ports_that_cannot_be_used(lenient):
    """A port that is taken, or that of the other, is a wrong setting and says so."""
    with pytest.raises(WrongSetting, match=r"^host and lenient_port: cannot listen on 127\.0\.0\.1:"):
        check_ports(Settings(port=free_port(), lenient_port=lenient.port))
    with pytest.raises(WrongSetting, match=r"^lenient_port: it is the same as port"):
        check_ports(Settings(port=(port := free_port()), lenient_port=port))
