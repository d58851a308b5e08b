"""DIDs that lead nowhere: what the command line shows of them, and refuses."""

from cli.conftest import SOURCE

WHY = "no voicemail box is set"
BOXLESS = ("--set", "did_route=VOICEMAIL", "--blank", "voicemail_ext")


def test_what_leads_nowhere_is_listed_and_shown(place):
    """With the reason; JSON has all fields."""
    number = place.number()
    place("add", number, "--set", "did_route=VOICEMAIL", "--allow-nowhere")
    listed, shown = place("list", "--leads-nowhere", "--json"), place("show", number)
    place("delete", number, "--yes")

    assert [(number, WHY)] == [(one["did_pattern"], one["nowhere"]) for one in listed.json]
    assert f"Calls lead nowhere: {WHY}." in shown.lines


def test_it_is_made_only_where_that_is_allowed(place):
    """By add, update and copy: refused with the reason, done with --allow-nowhere."""
    number, other = place.block(2)
    added = place("add", number, "--set", "did_route=VOICEMAIL")
    place("add", number)
    changed = place("update", number, *BOXLESS)
    copied = place("copy", SOURCE, other, *BOXLESS)
    previewed = place("copy", SOURCE, other, *BOXLESS, "--dry-run")
    allowed = [
        place("update", number, *BOXLESS, "--allow-nowhere"),
        place("copy", number, other, "--allow-nowhere"),
    ]
    place("delete", number, other, "--yes")

    assert [1] * 4 == [done.status for done in (added, changed, copied, previewed)]
    assert all(WHY in done.err for done in (added, changed, copied))
    assert any("1 nowhere" in line for line in previewed.lines)
    assert [0, 0] == [done.status for done in allowed]
