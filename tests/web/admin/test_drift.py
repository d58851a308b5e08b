"""Copies that differ from their source, as the panel shows them."""

import re

from web.api.conftest import SOURCE, Api

COPIES = ["18005550100", "18005550101", "18005550102"]


def drifted(server):
    api = Api(server)
    assert 201 == api.post("/copies", {"source": SOURCE, "targets": COPIES}).status
    assert 200 == api.patch(f"/dids/{COPIES[1]}", {"did_description": "Another line"}).status
    assert 200 == api.patch(f"/dids/{COPIES[2]}", {"extension": "8399"}).status


def shown(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="content"')[2]))


def test_nothing_differs(own_admin):
    """The page says so, and chooses nothing; the menu's entry leads to it."""
    page = own_admin.get("/admin/reports/drift").text

    assert "No copy differs from its source." in shown(page)
    assert 'name="did"' not in page
    assert 'href="/admin/reports"' in page


def test_copies_with_what_differs(own_admin, own_server):
    """With the labels of fields; filtered by what they have, or by their source."""
    drifted(own_server)
    page = own_admin.get("/admin/reports/drift").text
    some = own_admin.get("/admin/reports/drift?prefix=18005550101").text
    none = own_admin.get(f"/admin/reports/drift?source={COPIES[0]}").text

    assert [False, True, True] == [f'value="{number}"' in page for number in COPIES]
    assert "→ Another line" in shown(page)
    assert "Extension:" in shown(page)
    assert [True, False] == [f'value="{number}"' in some for number in COPIES[1:]]
    assert "No copy differs from its source." in shown(none)
    assert COPIES[1] in own_admin.get("/admin/reports/drift?against=odd&sort=odd&after=odd").text


def test_the_page_of_a_source_tells_how_many_copies_differ(own_admin, own_server):
    """And leads to them; a DID whose copies are alike says nothing."""
    drifted(own_server)
    source, copy = own_admin.get(f"/admin/did/{SOURCE}").text, own_admin.get(f"/admin/did/{COPIES[0]}").text

    assert "2 copies differ from this DID now." in shown(source)
    assert "Copies of this DID (3)" in shown(source)
    assert f'href="/admin/reports/drift?source={SOURCE}"' in source
    assert "differ" not in shown(copy)


def test_orders_of_the_report(own_admin, own_server):
    """The bulk page applies the source again, or keeps what differs, of chosen copies or of all of a DID."""
    drifted(own_server)
    some = own_admin.get(f"/admin/bulk?action=keep&did={COPIES[1]}").text
    every = own_admin.get(f"/admin/bulk?action=apply&all=1&copied_from={SOURCE}").text

    assert f"[&#34;{COPIES[1]}&#34;], &#34;drift&#34;: &#34;keep&#34;}}" in some
    assert "&#34;drift&#34;: &#34;apply&#34;" in every
    assert f'href="/admin/reports/drift?source={SOURCE}"' in every
