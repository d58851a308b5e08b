"""What is wrong with DIDs, as the panel shows it."""

import re

from web.api.conftest import Api

NUMBERS = ["18005550100", "18005550101"]


def wrong(server):
    for number in NUMBERS:
        sent = Api(server).add(number, did_route="VOICEMAIL", voicemail_ext=None, allow_nowhere=True)
        assert 201 == sent.status
    assert 200 == Api(server).patch(f"/dids/{NUMBERS[0]}", {"exten_context": "odd"}).status


def shown(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition('id="content"')[2]))


def test_nothing_is_wrong(own_admin):
    """The page says so, and chooses nothing."""
    page = own_admin.get("/admin/checks").text

    assert "Nothing is wrong with any active DID." in shown(page)
    assert 'name="did"' not in page


def test_figures_by_kind_and_what_is_wrong(own_admin, own_server):
    """Each figure leads to its kind; each DID to itself, and to where its calls go."""
    wrong(own_server)
    page = own_admin.get("/admin/checks").text
    odd = own_admin.get("/admin/checks?check=context").text
    none = own_admin.get("/admin/checks?check=loop").text

    assert "All 2 No destination 2 Missing destination 0" in shown(page)
    assert "Unknown context 1" in shown(page)
    assert 'href="/admin/checks?check=context"' in page
    assert [number in page for number in NUMBERS] == [True, True]
    assert f'href="/admin/did/{NUMBERS[0]}/route"' in page
    assert [number in odd for number in NUMBERS] == [True, False]
    assert "calls go to the context odd, which is not known" in odd
    assert "no voicemail box is set" not in odd
    assert 'name="check" value="context"' in odd
    assert "No DID has such a finding." in shown(none)


def test_lists_and_edits_of_all_of_a_kind(own_admin, own_server):
    """The filter of the list is that of the page, and an edit takes it."""
    wrong(own_server)
    listed = own_admin.get("/admin/dids?check=context").text
    bulk = own_admin.get("/admin/bulk?action=deactivate&all=1&check=context").text
    unknown = own_admin.get("/admin/dids?check=unheard-of").text

    assert [number in listed for number in NUMBERS] == [True, False]
    assert "&#34;where&#34;: {&#34;check&#34;: &#34;context&#34;}" in bulk
    assert "No DID matches." in unknown


def test_an_odd_address_shows_all(own_admin, own_server):
    """An old or made-up place, or kind, is none."""
    wrong(own_server)

    assert NUMBERS[0] in own_admin.get("/admin/checks?check=odd&after=odd").text
