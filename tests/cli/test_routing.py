"""`didier route`: where a call would go, and why."""

from cli.conftest import SOURCE


def test_the_way_of_a_call(place):
    """The target, the steps and what Asterisk would be told; JSON has all of it."""
    shown = place("route", SOURCE, "--from", "+1 727 555 1212", "--name", "Jane")
    in_json = place("route", SOURCE, "--from", "+1 727 555 1212", "--name", "Jane", "--json")

    assert 0 == shown.status == in_json.status
    assert [
        f"A call from 17275551212 to {SOURCE} goes to extension 8300 in the context trunkinbound.",
        f"The DID {SOURCE} decides; its way is EXTEN.",
    ] == shown.lines[:2]
    assert any("EXTEN: 8300 in trunkinbound" in line for line in shown.lines)
    assert "  SET EXTENSION 8300" in shown.lines
    assert {"context": "trunkinbound", "extension": "8300"} == in_json.json["target"]
    assert {"rule": "did", "outcome": f"the DID {SOURCE}"} == in_json.json["steps"][0]
    assert ("Jane", None) == (in_json.json["name"], in_json.json["nowhere"])


def test_a_call_that_leads_nowhere(place):
    """The reason is told, and the status is 1."""
    number = place.number()
    shown, in_json = place("route", number), place("route", number, "--json")
    why = f"{number} is no active DID, and there is no default"

    assert 1 == shown.status == in_json.status
    assert [
        f"A call without a number to {number} is not sent anywhere.", f"It leads nowhere: {why}.",
    ] == shown.lines[:2]  # fmt: skip
    assert (why, []) == (in_json.json["nowhere"], in_json.json["commands"])


def test_the_server_on_which_it_arrives(place):
    """It may be named."""
    assert "192.0.2.99" == place("route", SOURCE, "--server-ip", "192.0.2.99", "--json").json["server_ip"]
