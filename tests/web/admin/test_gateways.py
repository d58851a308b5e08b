"""Pages of gateway sets without their scripts."""

import pytest

from web.api.conftest import Api

LONDON = (
    '{"gateways": [{"address": "10.0.0.5", "description": "<London>"}],'
    ' "rules": [{"prefix": "1800", "route": "EXTEN"}, {"default": true}]}'
)
DID = "18001234567"


def test_a_set_is_listed_and_shown(admin):
    """With its gateways and rules, and who names it; where calls go there is the set, too."""
    assert 200 == admin.send("PUT", "/gateways/london", LONDON).status
    assert 200 == admin.send("PATCH", f"/dids/{DID}", '{"gateway_set": "london"}').status
    listed, shown = admin.get("/admin/gateways?search=ond").text, admin.get("/admin/gateway/LONDON").text
    route, form = admin.get(f"/admin/did/{DID}/route").text, admin.get(f"/admin/did/{DID}/edit").text

    assert '<a class="fw-bold" href="/admin/gateway/london">london</a>' in listed
    assert "number begins with 1800 and route EXTEN" in listed
    assert 'value="sip:10.0.0.5:5060"' in shown
    assert 'value="&lt;London&gt;"' in shown
    assert "<option selected>EXTEN</option>" in shown
    assert 'id="default" type="checkbox" checked' in shown
    assert f'DID <a href="/admin/did/{DID}">{DID}</a>' in shown
    assert '(<a href="/admin/gateway/london">london</a>): sip:10.0.0.5:5060 (the DID names it).' in route
    assert 'data-choices="gateway set"' in form


@pytest.mark.parametrize("path", ["/gateways?search=none", "/gateways?after=x", "/gateways/new"])
def test_pages_without_any(admin, path):
    """What is looked for is not there, an address is an old one, and the form is empty."""
    assert 200 == admin.get(f"/admin{path}").status


def test_what_is_not_there(admin):
    """It is said so."""
    assert 404 == admin.get("/admin/gateway/ghost").status


EDGE = {"sequence": 0, "numbers": 120_000, "kamailio": "away", "detail": "<b>no answer</b>"}


def test_edges_are_shown_as_they_stand(own_server, own_admin):
    """Below the sets, and on the dashboard while one is away."""
    api = Api(own_server)
    assert 200 == api.ask("PUT", "/edges/london-1", EDGE).status

    def pages():
        return [own_admin.get(f"/admin/{path}").text for path in ("gateways", "dashboard")]

    connected = pages()
    own_server.sql("UPDATE didier_edges SET seen_at = '2026-03-04 05:06:07'")
    away = pages()
    api.ask("DELETE", "/edges/london-1")

    assert {True} == {
        words in connected[0] for words in ("SIP edges", ">connected<", "120,000", "&lt;b&gt;no answer")
    }
    assert [True, False, True, True, False, False] == [
        "london-1" in one for one in (*connected, *away, *pages())
    ]
    assert (False, True) == (">connected<" in away[0], "is away since" in away[1])
