"""The web address that a DID's filter asks about a caller."""

import re
from urllib.parse import quote

from didier.domain.calls.call import Call, Row
from didier.domain.calls.targets import text

_SHORTEST = 8
_PLACES = re.compile("--A--(phone_number|did_pattern|uniqueid|channel|server_ip)--B--", re.IGNORECASE)


def address(row: Row, call: Call, number: str, server_ip: str = "") -> str:
    """Return the address to ask about *call*, with its values in their places; empty where there is none."""
    url = text(row, "filter_url")
    url = url.removeprefix("VAR") if url.startswith("VAR") else url.removeprefix(" ")
    if len(url) <= _SHORTEST or "http" not in url:
        return ""
    values = {
        "phone_number": number, "did_pattern": text(row, "did_pattern"), "uniqueid": call.uniqueid,
        "channel": call.channel, "server_ip": server_ip,
    }  # fmt: skip
    return _PLACES.sub(lambda place: quote(values[place[1].lower()], safe=""), url).replace(" ", "+")
