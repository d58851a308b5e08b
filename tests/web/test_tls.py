"""TLS by settings."""

import ssl
import subprocess

import pytest

from didier.config import Settings
from didier.errors import WrongSetting
from didier.web.server import check_tls
from support.certificates import certificate
from support.missing import program
from support.process import until
from support.raw import connect, connected
from support.server import PATH, Didier, didier


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    """A directory with two certificates for 127.0.0.1 and their keys, the second key encrypted too."""
    directory = tmp_path_factory.mktemp("certificates")
    for name in ("a", "b"):
        certificate(directory, name)
    openssl = program("openssl", "openssl")
    lock = [openssl, "ec", "-in", "b.key", "-aes128", "-passout", "pass:x", "-out", "locked.key"]
    subprocess.run(lock, cwd=directory, check=True, capture_output=True)
    return directory


@pytest.fixture
def server(certificates, tmp_path):
    """A server that is asked over TLS, by a client that trusts its certificate alone."""
    tls = ssl.create_default_context(cafile=str(certificates / "a.pem"))
    flags = ("--tls-cert", f"{certificates}/a.pem", "--tls-key", f"{certificates}/a.key")
    database = f"sqlite:///{tmp_path}/didier.db"
    server = Didier(tmp_path, "--demo", "--database", database, *flags, tls=tls).start()
    yield server
    server.stop()


def refusal(certificates, cert, key):
    with pytest.raises(WrongSetting) as refused:
        check_tls(Settings(tls_cert=str(certificates / cert), tls_key=str(certificates / key)))
    return str(refused.value)


def test_requests_over_tls(server):
    """The tutorial's request is answered over TLS; the log has the address as it was, and no password."""
    answer = server.tutorial()

    [(url,)] = server.sql("SELECT url FROM vicidial_api_urls")
    assert "SUCCESS: 18001234567 -> 18002223333 | DID Copied Successfully\n" == answer
    assert url.startswith(f"https://127.0.0.1:{server.port}{PATH}?")
    assert "1234&" not in url


def test_everything_says_https(server):
    """Pages, the Postman collection and the first lines of the server name addresses that work."""
    page = server.exchange("GET", "/")
    until(lambda: "curl" in server.log.read_text())

    assert server.url in page.text
    assert f'"value": "{server.url}"' in server.get("/postman_collection.json")[1]
    assert f"Didier serves {server.url}/" in server.log.read_text()
    assert f'curl "{server.url}{PATH}?' in server.log.read_text()
    assert "max-age=31536000" == page.headers["strict-transport-security"]


def test_the_session_is_for_tls_alone(server):
    """The panel's cookies are not sent over a connection without TLS."""
    cookie = server.exchange("GET", "/admin/login").headers["set-cookie"]

    assert "; Secure" in cookie


def test_old_protocols_are_refused(server):
    """TLS 1.2 is the oldest that is spoken."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.options |= ssl.OP_NO_TLSv1_2 | ssl.OP_NO_TLSv1_3
    server.tls = old

    with pytest.raises(ssl.SSLError):
        server.get("/healthz")


def test_half_of_the_settings(tmp_path):
    """A certificate without a key is a wrong setting, and says which is missing."""
    done = didier(tmp_path, "serve", "--demo", "--tls-cert", "a.pem")

    assert "tls_key: TLS needs both a certificate and its key; this one is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("cert", "key", "problem"),
    [
        ("none.pem", "a.key", "tls_cert: cannot read"),
        ("a.pem", "none.key", "tls_key: cannot read"),
        ("a.pem", "b.key", "b.key is not the key of the certificate in"),
        ("a.key", "a.key", "must be PEM files"),
        ("b.pem", "locked.key", "locked.key is encrypted; Didier needs a plain key"),
    ],
)
def test_files_that_cannot_be_used(certificates, cert, key, problem):
    """What is wrong with the files is told before anything is served."""
    assert problem in refusal(certificates, cert, key)


def test_clients_that_do_not_begin_keep_nobody_out(server):
    """Hundreds of connections on which no handshake begins are no matter to others."""
    with connected(server, 300):
        assert server.tutorial().startswith("SUCCESS: ")


def test_http_2_is_not_offered(server, certificates):
    """A client that would rather speak HTTP/2 is told to speak HTTP/1.1."""
    tls = ssl.create_default_context(cafile=str(certificates / "a.pem"))
    tls.set_alpn_protocols(["h2", "http/1.1"])
    with connect(server) as sock, tls.wrap_socket(sock, server_hostname="127.0.0.1") as secured:
        assert "http/1.1" == secured.selected_alpn_protocol()
