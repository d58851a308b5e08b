"""How an agent stands: figures, and what goes wrong."""

from pathlib import Path

from didier.edge.status import Figures, Status, exposition

GUIDE = Path(__file__).parents[2] / "docs" / "guide" / "kamailio.md"


def test_figures_are_what_prometheus_reads():
    """Counters only grow, and are called so."""
    status = Status()
    status.set(numbers=3)
    status.count(calls_received=2)
    status.count(calls_received=1)
    lines = exposition(status.figures).split("\n")

    assert "# TYPE didier_edge_numbers gauge" in lines
    assert "# TYPE didier_edge_calls_received_total counter" in lines
    assert {"didier_edge_numbers 3", "didier_edge_calls_received_total 3"} <= set(lines)
    assert "" == lines[-1]


def test_the_guide_has_each_figure():
    """By the name that Prometheus reads."""
    text = GUIDE.read_text("utf-8")
    samples = [line.partition(" ")[0] for line in exposition(Figures()).splitlines() if line[0] != "#"]

    assert [] == [name for name in samples if f"`{name.removeprefix('didier_edge_')}`" not in text]


def test_what_goes_wrong_is_said_once():
    """When it begins, and when it is over."""
    status = Status()
    said = [status.say("server", "away"), status.say("server", "away"), status.say("calls", "refused")]
    trouble = status.trouble
    over = [status.say("server", None), status.say("server", None)]

    assert ([True, False, True], "away; refused") == (said, trouble)
    assert ([True, False], "refused") == (over, status.trouble)
