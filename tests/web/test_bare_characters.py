"""Characters that a client does not percent-encode."""

import pytest

from support.raw import request, send
from support.server import FORM, PATH

CALL = b"function=update_did&user=admin&pass=1234&source=crm&did_pattern=18001234567&did_description="
DONE = b"\r\n\r\nSUCCESS: update_did DID HAS BEEN UPDATED - admin|18001234567\n"
BARE = {
    "angle brackets and quotes": (b'Sales<East>"1"', "SalesEast1"),
    "a letter of Latin-1": (b"Line one J\xfcrgen", "Line one Jrgen"),
    "a letter in UTF-8": ("Line_one_Jürgen".encode(), "Line_one_Jrgen"),
}


def description(server):
    [(found,)] = server.sql("SELECT did_description FROM vicidial_inbound_dids")
    return found


@pytest.mark.parametrize("name", BARE)
def test_bare_characters_in_a_body(server, name):
    """A form in a body has them as they are; the clean-up removes what no description has."""
    sent, stored = BARE[name]

    answer = send(server, request("POST", PATH, CALL + sent, content_type=FORM))

    assert answer.endswith(DONE)
    assert stored == description(server)


@pytest.mark.parametrize("name", BARE)
def test_bare_characters_in_an_address(server, name):
    """So it is in an address, though that should have them encoded."""
    sent, stored = BARE[name]
    head = b"GET " + PATH.encode() + b"?" + (CALL + sent).replace(b" ", b"+") + b" HTTP/1.1\r\n"

    answer = send(server, head + b"host: didier\r\nconnection: close\r\n\r\n")

    assert answer.endswith(DONE)
    assert stored == description(server)
