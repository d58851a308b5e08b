"""`didier edge`: agents beside SIP proxies, listed and forgotten."""

from dataclasses import replace
from datetime import datetime

from didier.cli.local import CALLER
from didier.domain.edges import Report
from didier.services.changes import edges
from didier.services.changes.edges import ReportEdge
from support.commands import run
from support.engines import opened

REPORT = Report("london-1", 0, 120_000, "away", detail="no answer")


def test_edges_are_listed_and_forgotten(demo_url):
    """As each has said that it stands; what is not there is named."""
    place = ("--database", demo_url)
    long_ago = datetime(2026, 3, 4, 5, 6, 7)
    with opened(demo_url) as engine, engine.begin() as conn:
        edges.report(conn, [ReportEdge(CALLER, REPORT)], datetime.now())
        edges.report(conn, [ReportEdge(CALLER, replace(REPORT, name="paris"))], long_ago)
    listed = run("edge", "list", "--json", *place).json
    shown = run("edge", "list", *place).out
    deleted = [run("edge", "delete", "london-1", "--yes", *place) for _ in range(2)]

    assert [("london-1", True, 120_000, "no answer"), ("paris", False, 120_000, "no answer")] == [
        (one["name"], one["is_connected"], one["numbers"], one["detail"]) for one in listed
    ]
    assert [True, True] == [word in shown for word in ("connected", "away")]
    assert ["The edge london-1 was forgotten."] == deleted[0].lines
    assert (1, "didier: there is no edge london-1\n") == (deleted[1].status, deleted[1].err)
