"""Edges in each home: who may say how one stands, who sees it, and when people are told."""

from dataclasses import replace
from datetime import timedelta

import pytest

from didier.cli.local import CALLER
from didier.domain.edges import BEHIND_MOST, MOST, MOST_OF_USER, SEEN_SECONDS, Report
from didier.errors import EdgeNotFound, EdgeOfAnother, EdgesOff, InvalidField
from didier.services.changes import edges
from didier.services.changes.edges import DeleteEdge, ReportEdge, Standing
from didier.storage.changes import sequence
from didier.storage.changes.edges import Edge
from didier.storage.statements import run
from support.engines import opened

REPORT = Report("london-1", 0, 120_000, "connected", "1.0", 3, "all well")


def user(number, **values):
    return replace(
        CALLER, user=replace(CALLER.user, user_id=number, name=f"edge{number}", **values), is_local=False
    )


FIRST, SECOND, MANAGER = user(7, level=8), user(8, level=8), user(9)


@pytest.fixture
def conn(clean):
    """A connection to a database without edges."""
    with clean.begin() as conn:
        run(conn, "DELETE FROM didier_edges")
        yield conn


def say(conn, now, by=FIRST, **values):
    [done] = edges.report(conn, [ReportEdge(by, replace(REPORT, **values))], now)
    return done


def names(conn, caller, now):
    return [one.edge.name for one in edges.every(conn, caller, now)]


def test_what_an_edge_says_is_known(conn, now):
    """The last of it, with who has said it and when."""
    say(conn, now, sequence=5)
    told = say(conn, now + timedelta(seconds=10), name="London-1", detail="")
    [found] = edges.every(conn, FIRST, now + timedelta(seconds=10))

    assert told == found
    assert replace(REPORT, name="London-1", detail="") == found.edge.report
    assert (7, "edge7", now + timedelta(seconds=10)) == (
        found.edge.user_id,
        found.edge.user,
        found.edge.seen_at,
    )


def test_an_edge_is_away_when_it_says_nothing(conn, now):
    """And people are told, as of one that is far behind."""
    say(conn, now)
    on_time, late = (now + timedelta(seconds=SEEN_SECONDS + more) for more in (0, 1))
    run(conn, "INSERT INTO didier_changes (change_id, action, cause, origin, changed_at, user_name, address)"
        " VALUES (?, 'updated', 'update', '', '2026-03-04 05:06:07', '', '')", BEHIND_MOST + 2)  # fmt: skip
    while not sequence.is_complete(conn):
        sequence.number(conn, 10)
    newest = sequence.newest(conn)

    assert [True, False] == [edges.every(conn, FIRST, when)[0].is_connected for when in (on_time, late)]
    assert ["london-1"] == [one.edge.name for one in edges.in_trouble(conn, FIRST, late)]
    say(conn, now, sequence=newest + 7)
    assert (0, []) == (edges.every(conn, FIRST, now)[0].behind, edges.in_trouble(conn, FIRST, now))


@pytest.mark.parametrize(("behind", "is_told"), [(BEHIND_MOST, False), (BEHIND_MOST + 1, True)])
def test_an_edge_may_be_some_changes_behind(now, behind, is_told):
    """A restored database has fewer changes than it has done: it is not behind."""
    edge = Edge(replace(REPORT, sequence=10), 7, "edge7", "", now)

    assert is_told is Standing.of(edge, 10 + behind, now).is_in_trouble
    assert 0 == Standing.of(edge, 3, now).behind


def test_an_edge_is_that_of_its_user(conn, now):
    """For others the name is taken, but for who may manage webhooks: they see all, and take it over."""
    say(conn, now)
    say(conn, now, SECOND, name="paris")

    assert EdgeOfAnother("london-1") == say(conn, now, SECOND, name="LONDON-1")
    assert [["london-1"], ["paris"], ["london-1", "paris"]] == [
        names(conn, who, now) for who in (FIRST, SECOND, MANAGER)
    ]
    assert [EdgeNotFound("paris")] == edges.delete(conn, [DeleteEdge(FIRST, "paris")], now)
    assert "edge9" == say(conn, now, MANAGER).edge.user
    assert [] == names(conn, FIRST, now)
    edges.delete(conn, [DeleteEdge(SECOND, "Paris"), DeleteEdge(MANAGER, "london-1")], now)
    assert [] == names(conn, MANAGER, now)


def test_what_is_wrong_is_refused(conn, now):
    """Nothing is stored of it."""
    wrong = [
        {"name": "a b"},
        {"name": ""},
        {"name": "a\n"},
        {"name": "x" * 51},
        {"kamailio": "asleep"},
        {"detail": "\x1b[2J"},
        {"version": "x" * 21},
        {"detail": "x" * 201},
    ]

    assert [*["name"] * 4, "kamailio", "detail", "version", "detail"] == [
        say(conn, now, **one).field for one in wrong
    ]
    assert [] == names(conn, MANAGER, now)


def test_there_are_only_so_many_edges(conn, now):
    """Those that are there go on."""
    for number in range(MOST):
        say(conn, now, MANAGER, name=f"edge-{number}")
    for by in (FIRST, MANAGER):
        refused = say(conn, now, by, name="another")
        assert isinstance(refused, InvalidField)
        assert ("name", "another") == (refused.field, refused.value)

    assert "edge-0" == say(conn, now, MANAGER, name="edge-0").edge.name


def test_a_user_has_only_so_many_edges(conn, now):
    """Who may not manage webhooks; others still have room, and one that is deleted makes some."""
    for number in range(MOST_OF_USER):
        say(conn, now, name=f"edge-{number}")
    refused = say(conn, now, name="another")

    assert isinstance(refused, InvalidField)
    assert ("name", "another") == (refused.field, refused.value)
    assert "edge-0" == say(conn, now, name="edge-0").edge.name
    assert "paris" == say(conn, now, SECOND, name="paris").edge.name
    edges.delete(conn, [DeleteEdge(FIRST, "edge-0")], now)
    assert "another" == say(conn, now, name="another").edge.name


@pytest.mark.parametrize("name", ["a", "London_1.example.com", "1-" * 25])
def test_names_may_be_those_of_machines(conn, now, name):
    """As the source of reported calls may."""
    assert name == say(conn, now, name=name).edge.name


def test_without_the_table_edges_are_off(engine, database_url, now):
    """Reports are refused, and nobody is shown any."""
    with engine.begin() as conn:
        run(conn, "DROP TABLE didier_edges")
    with opened(database_url) as again, again.begin() as conn:
        assert (EdgesOff(), []) == (say(conn, now), names(conn, MANAGER, now))
        assert [EdgesOff()] == edges.delete(conn, [DeleteEdge(MANAGER, "london-1")], now)
