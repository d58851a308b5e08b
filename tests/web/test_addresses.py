"""Addresses that are not percent-encoded, as old scripts send them: taken as VICIdial's Apache takes them."""

from dataclasses import dataclass
from urllib.parse import quote_from_bytes

import pytest
import sqlalchemy as sa

from support.raw import request, send, status
from support.server import FORM, PATH, Didier

SOURCE = "18001234567"
LOGIN = b"user=admin&pass=1234&source=crm"
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

REFUSED = [bytes([byte]) for byte in (*range(0x21), 0x7F)]


@dataclass
class Served:
    """A server and its database."""

    server: Didier
    engine: sa.Engine

    def get(self, query: bytes) -> tuple[int | None, bytes]:
        """Send *query* as it is; return status and text."""
        head = (
            b"GET " + PATH.encode() + b"?" + query + b" HTTP/1.1\r\nhost: didier\r\nconnection: close\r\n\r\n"
        )
        return _answered(send(self.server, head))

    def encoded(self, query: bytes) -> tuple[int | None, bytes]:
        """Send *query* percent-encoded; return status and text."""
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
        """Return the address in VICIdial's log of the last call."""
        statement = sa.text("SELECT url FROM vicidial_api_urls ORDER BY api_id DESC LIMIT 1")
        with self.engine.connect() as conn:
            return str(conn.execute(statement).scalar_one())

    def set_non_latin(self, value: int) -> None:
        """Say whether letters of other scripts than Latin are kept."""
        with self.engine.begin() as conn:
            conn.execute(sa.text("UPDATE system_settings SET use_non_latin = :value"), {"value": str(value)})


def _answered(answer: bytes) -> tuple[int | None, bytes]:
    return status(answer), answer.partition(b"\r\n\r\n")[2]


@pytest.fixture
def served(home):
    """A server on each database."""
    return Served(*home)


@pytest.mark.parametrize("non_latin", [0, 1])
@pytest.mark.parametrize("name", RAW)
def test_raw_is_as_encoded(served, name, non_latin):
    """An address with raw bytes is answered, carried out and logged as the encoded one is."""
    served.set_non_latin(non_latin)
    text = RAW[name].replace(b" ", b"+")
    update = b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=" + text

    told = served.encoded(update)
    expected = told, served.row(SOURCE), served.logged()
    served.encoded(b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=Other+text")

    assert expected == (served.get(update), served.row(SOURCE), served.logged())
    assert 200 == told[0]


@pytest.mark.parametrize("name", RAW)
def test_copies_are_as_encoded(served, name):
    """A copy gets the same description, whichever way that is sent."""
    text = RAW[name].replace(b" ", b"+")
    copy = b"function=copy_did&" + LOGIN + b"&source_did_pattern=18001234567&did_description=" + text
    place = list(RAW).index(name)
    targets = [f"1800222{place}{kind}00" for kind in range(2)]

    raw = served.get(copy + b"&new_dids=" + targets[0].encode())
    encoded = served.encoded(copy + b"&new_dids=" + targets[1].encode())

    assert b"SUCCESS: copy_did" in raw[1]
    assert len(raw[1].splitlines()) == len(encoded[1].splitlines())
    assert served.row(targets[1]) == served.row(targets[0])


@pytest.mark.parametrize("byte", REFUSED)
def test_what_apache_refuses_too(served, byte):
    """Control characters and blanks in an address are refused, and nothing is changed."""
    before = served.row(SOURCE)
    query = (
        b"function=update_did&" + LOGIN + b"&did_pattern=18001234567&did_description=Sales" + byte + b"East"
    )

    assert 400 == served.get(query)[0]
    assert before == served.row(SOURCE)


def test_a_form_in_a_body(served):
    """What is posted is read beside what the address has, whose raw bytes it may have too."""
    body = b"function=update_did&did_pattern=18001234567&did_description=Sales+<\xfcber>"
    answer = send(served.server, request("POST", f"{PATH}?{LOGIN.decode()}", body, content_type=FORM))

    assert answer.endswith(b"SUCCESS: update_did DID HAS BEEN UPDATED - admin|18001234567\n")
