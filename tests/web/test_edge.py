"""Trusted proxies, allowed hosts, and the headers of every answer."""

import base64
import re

import pytest

from didier.config import load
from didier.web.edge import Edge
from support.server import PATH, TUTORIAL, Didier, didier

PROXY = "192.0.2.1"


def seen(headers, peer=PROXY, trusted=f"{PROXY}, 192.0.2.16/28, 2001:db8::1"):
    """Return address and scheme that Didier works with."""
    edge = Edge(load({"trusted_proxies": trusted}))
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    scope = edge.seen({"type": "http", "client": (peer, 1), "scheme": "http", "headers": raw})
    return scope["client"][0], scope["scheme"]


def forwarded(*values, **options):
    return seen([("x-forwarded-for", value) for value in values], **options)[0]


@pytest.mark.parametrize(
    ("values", "address"),
    [
        (("203.0.113.9",), "203.0.113.9"),
        (("203.0.113.9:5060",), "203.0.113.9"),
        (("[2001:db8::9]:80",), "2001:db8::9"),
        (("2001:DB8::9",), "2001:db8::9"),
        (("::ffff:203.0.113.9",), "203.0.113.9"),
        (("198.51.100.1, 203.0.113.9",), "203.0.113.9"),  # what is left of it the client has written itself
        (("198.51.100.1, 203.0.113.9, 192.0.2.17",), "203.0.113.9"),
        (("198.51.100.1", "203.0.113.9", "192.0.2.17"), "203.0.113.9"),
        (("192.0.2.18, 192.0.2.17",), "192.0.2.18"),
        (("203.0.113.9, unknown, 192.0.2.17",), "192.0.2.17"),
        (("unknown",), PROXY),
        (("",), PROXY),
        ((), PROXY),
    ],
)
def test_the_client_behind_trusted_proxies(values, address):
    """The nearest address that is no trusted proxy's is the client's; what is no address ends the search."""
    assert address == forwarded(*values)


def test_headers_of_others_are_only_text():
    """Who is not trusted cannot say who they are, nor that they came over TLS."""
    headers = [("x-forwarded-for", "10.0.0.1"), ("x-forwarded-proto", "https")]

    assert ("203.0.113.5", "http") == seen(headers, peer="203.0.113.5")
    assert (PROXY, "http") == seen(headers, trusted="")


def test_a_long_list_is_not_followed_for_ever():
    """Of thousands of addresses the nearest count."""
    assert "192.0.2.17" == forwarded(", ".join(["192.0.2.17"] * 5_000))


@pytest.mark.parametrize(
    ("proto", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("http, https", "https"), ("gopher", "http")],
)
def test_the_scheme_of_the_client(proto, scheme):
    """A trusted proxy says whether its client came over TLS."""
    assert scheme == seen([("x-forwarded-proto", proto)])[1]


@pytest.fixture(scope="module")
def proxied(tmp_path_factory):
    """A server behind a proxy on this machine, for two names."""
    directory = tmp_path_factory.mktemp("proxied")
    done = didier(directory, "init")
    password = re.search(r"password (\S+)", done.stdout)[1]
    environment = {
        "DIDIER_TRUSTED_PROXIES": "127.0.0.1",
        "DIDIER_ALLOWED_HOSTS": "127.0.0.1, did.example.com, *.example.org",
    }
    server = Didier(directory, environment=environment).start()
    server.password = password
    yield server
    server.stop()


def test_the_logs_have_the_client(proxied):
    """The API log, VICIdial's address checks and the request log see the client, not the proxy."""
    path = f"{PATH}?function=version"
    proxied.exchange("GET", path, headers={"X-Forwarded-For": "203.0.113.77", "X-Forwarded-Proto": "https"})

    [(address, url)] = proxied.sql(
        "SELECT remote_ip, url FROM vicidial_api_urls ORDER BY api_id DESC LIMIT 1"
    )
    assert "203.0.113.77" == address
    assert url.startswith("https://")
    assert '"client":"203.0.113.77"' in proxied.logged()


def test_cookies_behind_tls_of_the_proxy(proxied):
    """The panel's cookies are for TLS alone when the trusted proxy says that its client used it."""
    over_tls = proxied.exchange("GET", "/admin/login", headers={"X-Forwarded-Proto": "https"})
    plain = proxied.exchange("GET", "/admin/login")

    assert "Secure" in over_tls.headers["set-cookie"]
    assert "strict-transport-security" in over_tls.headers
    assert "Secure" not in plain.headers["set-cookie"]
    assert "strict-transport-security" not in plain.headers


def test_a_token_is_bound_to_the_client(proxied):
    """A token for a network is taken from a client in it, whatever the proxy's own address."""
    secret = base64.b64encode(f"admin:{proxied.password}".encode()).decode()
    login = {"Authorization": f"Basic {secret}"}
    made = proxied.exchange(
        "POST", "/api/v1/tokens", '{"name": "crm", "scopes": ["dids:read"], "networks": ["203.0.113.0/24"]}',
        {**login, "Content-Type": "application/json"},
    )  # fmt: skip
    token = re.search(r'"token":"([^"]+)"', made.text)[1]

    def status(address):
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": address}
        return proxied.exchange("GET", "/api/v1/dids", headers=headers).status

    assert 200 == status("203.0.113.4")
    assert status("198.51.100.4") in {401, 403}


@pytest.mark.parametrize(
    "host", ["did.example.com", "DID.example.com:8080", "a.b.example.org", "127.0.0.1:1"]
)
def test_our_hosts(proxied, host):
    """The names of the setting are answered, with any port and in any case."""
    assert 200 == proxied.exchange("GET", "/", headers={"Host": host}).status


@pytest.mark.parametrize(
    "host", ["evil.com", "did.example.com.evil.com", "example.org", "", "[::1", "xexample.org"]
)
@pytest.mark.parametrize(
    "path", ["/", f"{PATH}?function=version", "/api/v1/dids", "/admin/login", "/metrics"]
)
def test_other_hosts(proxied, host, path):
    """Other names are refused at every door with a text that says why."""
    answer = proxied.exchange("GET", path, headers={"Host": host})

    assert 421 == answer.status
    assert "allowed_hosts" in answer.text
    assert ("application/problem+json" if path.startswith("/api") else "text/plain") in answer.headers[
        "content-type"
    ]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_under_any_name(proxied, path):
    """What watches the server asks by address."""
    assert 200 == proxied.exchange("GET", path, headers={"Host": "10.9.8.7"}).status


def test_a_demo_is_not_for_proxies(tmp_path):
    """The sample user, whose password is public, is not shown to others by a proxy."""
    done = didier(tmp_path, "serve", "--demo", environment={"DIDIER_TRUSTED_PROXIES": "127.0.0.1"})

    assert "trusted_proxies: not allowed with --demo" in done.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "example.com", "0", "::ffff:127.0.0.1"])
def test_a_demo_is_for_this_machine(tmp_path, host):
    """The sample user cannot exist where others can reach it: neither made nor served later."""
    done = didier(tmp_path, "serve", "--demo", "--host", host)

    assert "host" in done.stderr
    assert done.returncode != 0
    assert not list(tmp_path.glob("*.db"))


def test_a_demo_database_is_not_served_to_others(tmp_path):
    """A database with the sample user is refused to every server but a demonstration."""
    Didier(tmp_path, "--demo", "--database", f"sqlite:///{tmp_path}/demo.db").start().stop()
    done = didier(tmp_path, "serve", "--host", "0.0.0.0", "--database", f"sqlite:///{tmp_path}/demo.db")

    assert "this database was created by --demo" in done.stderr
    assert done.returncode != 0


EVERY = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"), ("GET", "/postman_collection.json"), ("GET", "/healthz"), ("GET", "/readyz"),
        ("GET", "/metrics"), ("GET", "/nothing"), ("POST", "/"), ("GET", f"{PATH}?function=version"),
        ("GET", PATH), ("PUT", PATH), ("GET", "/api/v1/dids"), ("GET", "/api/v1/openapi.json"),
        ("GET", "/api/nothing"), ("DELETE", "/api/v1/dids"), ("GET", "/docs"), ("GET", "/docs/nothing"),
        ("GET", "/docs/swagger-ui.css"), ("GET", "/problems/failed"), ("GET", "/admin"), ("GET", "/admin/"),
        ("GET", "/admin/login"), ("POST", "/admin/login"), ("GET", "/admin/nothing"),
        ("GET", "/admin/statics/css/tabler.min.css"),
    ],
)  # fmt: skip
def test_every_answer_has_the_headers(server, method, path):
    """Whatever the door and the status: no sniffing, no frames, a policy, nothing kept that is not public."""
    answer = server.exchange(method, path)

    policy = answer.headers["content-security-policy"]
    assert EVERY == {name: answer.headers.get(name) for name in EVERY}
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'none'" in policy or "default-src 'self'" in policy
    assert answer.headers["referrer-policy"] in {"no-referrer", "same-origin"}
    assert "cache-control" in answer.headers
    assert "unsafe-inline" not in policy.partition("script-src")[2].partition(";")[0]
    assert "server" not in answer.headers
    assert "x-powered-by" not in answer.headers


def test_the_tutorial_as_it_was(server):
    """The headers change nothing of the answer."""
    answer = server.exchange(
        "GET", f"{PATH}?" + "&".join(f"{name}={value}" for name, value in TUTORIAL.items())
    )

    assert "text/plain; charset=utf-8" == answer.headers["content-type"]
    assert answer.text.startswith("SUCCESS: ")
