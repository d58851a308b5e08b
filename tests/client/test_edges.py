"""Edges by the client library."""

import json

import httpx2
import pytest

from client.test_streams import refused
from didier.client import Edge
from didier.client.errors import EdgeOfAnother

SHOWN = {
    "name": "london-1", "user": "edge", "address": "192.0.2.1", "seen_at": "2026-03-04T05:06:07+01:00",
    "is_connected": True, "behind": 2, "sequence": 5, "numbers": 3, "kamailio": "away", "version": "1.0",
    "pending_calls": 1, "detail": "", "later": True,
}  # fmt: skip


def test_an_edge_says_how_it_stands(clients):
    """And is told how it is shown; others are listed."""
    sent = []

    def answer(request):
        sent.append((request.method, request.url.path, request.content and json.loads(request.content)))
        return httpx2.Response(
            200, json={"items": [SHOWN], "next": None} if request.method == "GET" else SHOWN
        )

    client = clients.connect(
        "https://didier.example.com", "edge", "x", transport=httpx2.MockTransport(answer)
    )
    told = client.report_edge("london-1", sequence=5, numbers=3, kamailio="away", pending_calls=1)
    listed = [*client.edges()]
    client.delete_edge("london-1")

    assert [told] == listed
    assert (Edge, 2, 5) == (type(told), told.behind, told.seen_at.hour)
    assert ["PUT", "GET", "DELETE"] == [method for method, *_ in sent]
    assert {
        "sequence": 5,
        "numbers": 3,
        "kamailio": "away",
        "version": "",
        "pending_calls": 1,
        "detail": "",
    } == sent[0][2]


def test_the_name_of_another_is_taken(clients):
    """It has an error of its own."""
    transport = httpx2.MockTransport(lambda _: refused("edge-of-another", 409))
    client = clients.connect("https://didier.example.com", "edge", "x", transport=transport)

    with pytest.raises(EdgeOfAnother):
        client.report_edge("london-1", sequence=5, numbers=3, kamailio="away")
