"""Which requests come from another site: what browsers say in `Origin` and `Sec-Fetch-Site`."""

import pytest

from didier.web.origins import is_foreign


def foreign(scheme="http", host="did.example.com", **headers):
    pairs = [("host", host), *((name.replace("_", "-"), value) for name, value in headers.items())]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in pairs if value is not None]
    return is_foreign({"type": "http", "scheme": scheme, "headers": raw})


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("http", "did.example.com", "http://did.example.com"),
        ("http", "did.example.com:8080", "http://did.example.com:8080"),
        ("http", "did.example.com:80", "http://did.example.com"),
        ("http", "did.example.com", "http://did.example.com:80"),
        ("https", "did.example.com", "https://did.example.com"),
        ("https", "did.example.com:443", "https://did.example.com"),
        ("https", "did.example.com:8443", "https://did.example.com:8443"),
        ("http", "did.example.com", "https://did.example.com"),  # a proxy that is not known ends TLS
        ("http", "DID.Example.com", "http://did.example.com"),
        ("http", "did.example.com", "HTTP://DID.EXAMPLE.COM"),
        ("http", "[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
        ("http", "[2001:DB8::1]", "http://[2001:db8::1]"),
        ("http", "127.0.0.1:8080", "http://127.0.0.1:8080"),
    ],
)
def test_our_own_pages(scheme, host, origin):
    """The host and port that were asked, in any spelling, are ours."""
    assert not foreign(scheme, host, origin=origin)


@pytest.mark.parametrize(
    "origin",
    [
        "null", "", "http://elsewhere.example", "http://did.example.com.elsewhere.example",
        "http://sub.did.example.com", "http://example.com", "http://did.example.com:8080",
        "https://did.example.com:80", "http://did.example.com@elsewhere.example", "ftp://did.example.com",
        "http://did.example.com/path", "http://", "did.example.com", "http://[::1", "http://did.example.com:x",
        "http://did.example.com http://elsewhere.example", "http://did.example.com.",
    ],
)  # fmt: skip
def test_other_sites(origin):
    """Another host or port, no origin, and what is none are another site."""
    assert foreign(origin=origin)


def test_a_page_without_tls_is_foreign_to_a_server_with_it():
    """Anybody on the way can have written it."""
    assert foreign("https", origin="http://did.example.com")
    assert foreign("https", "did.example.com:8443", origin="http://did.example.com:8443")


@pytest.mark.parametrize("host", [None, "", "[::1", "did.example.com:x"])
def test_without_a_host_no_origin_is_ours(host):
    """What cannot be compared is not the same."""
    assert foreign(host=host, origin="http://did.example.com")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "", "something-new"])
def test_what_the_browser_says_of_other_sites(site):
    """Another host of the same site is another site, and so is what no browser says today."""
    assert foreign(sec_fetch_site=site)
    assert foreign(sec_fetch_site=site, origin="http://did.example.com")


@pytest.mark.parametrize("site", ["same-origin", "none", "Same-Origin", None])
def test_what_the_browser_says_of_our_own_pages(site):
    """The origin counts as well; programs, which send neither header, are no other site."""
    assert not foreign(sec_fetch_site=site)
    assert not foreign(sec_fetch_site=site, origin="http://did.example.com")
    assert foreign(sec_fetch_site=site, origin="http://elsewhere.example")


@pytest.mark.parametrize("values", [("same-origin", "cross-site"), ("cross-site", "same-origin")])
def test_each_line_of_a_header_counts(values):
    """One that says something else is not passed over."""
    sites = [(b"sec-fetch-site", value.encode()) for value in values]
    origins = [(b"origin", b"http://a.example"), (b"origin", b"http://b.example")]
    for order in (origins, origins[::-1]):
        scope = {"type": "http", "scheme": "http", "headers": [(b"host", b"a.example"), *order]}
        assert is_foreign(scope)

    assert is_foreign({"type": "http", "scheme": "http", "headers": [(b"host", b"a.example"), *sites]})
