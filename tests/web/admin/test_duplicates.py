"""The page of duplicates, without a browser that draws it."""

import re
from urllib.parse import quote

import pytest

from web.api.conftest import Api

NUMBERS = ["18005550100", "8005550100", "18005550102", "18005550103"]
PATH = "/admin/reports/duplicates"


@pytest.fixture
def doubled(own_server):
    """A number in two spellings, one that is set up like it, and one with another extension."""
    api = Api(own_server)
    for number in NUMBERS:
        extension = "8302" if number == NUMBERS[-1] else "8301"
        assert 201 == api.add(number, extension=extension, record_call="Y", custom_one="x").status


def shown(page):
    return " ".join(re.sub(r"<[^>]+>", " ", page.partition('id="content"')[2]).split())


def test_there_are_no_duplicates(own_admin):
    """The page says so, and offers no export."""
    page = own_admin.get(PATH).text

    assert "There are no duplicates of this kind." in shown(page)
    assert "format=csv" not in page


def test_a_group_leads_to_its_dids(own_admin, doubled):
    """To each of them, and to all in the list."""
    page = own_admin.get(PATH).text
    listed = own_admin.get(f"/admin/dids?search={quote('+18005550100')}").text

    assert "2 DIDs in 1 group, as of" in shown(page)
    assert "+18005550100 2 DIDs Open in the list" in shown(page)
    assert 'href="/admin/dids?search=%2B18005550100"' in page
    assert [True, True, False] == [f"/admin/did/{number}" in listed for number in NUMBERS[:3]]


def test_set_ups_and_in_what_they_differ(own_admin, doubled):
    """With both values; the list of some DIDs has these alone."""
    page = own_admin.get(f"{PATH}?kind=configuration&fields=1&prefix=18005550102").text
    listed = own_admin.get(f"/admin/dids?did={NUMBERS[0]}&did={NUMBERS[3]}").text

    assert f"Set up like {NUMBERS[0]} 4 DIDs" in shown(page)
    assert "Extension: 8301 8302" in shown(page)
    assert [True, False, False, True] == [f"/admin/did/{number}" in listed for number in NUMBERS]


def test_filters_and_odd_addresses(own_admin, doubled):
    """What is not understood is left out of account."""
    odd = own_admin.get(f"{PATH}?kind=odd&fields=9&route=ODD&sort=odd&after=odd").text

    assert "2 DIDs in 1 group" in shown(odd)
    assert "No DID that matches has duplicates of this kind." in shown(own_admin.get(f"{PATH}?tag=vip").text)
