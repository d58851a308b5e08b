"""`didier check`, and what the command line refuses because calls would lead nowhere."""

from cli.conftest import SOURCE

WHY = "no voicemail box is set"
BOXLESS = ("--set", "did_route=VOICEMAIL", "--blank", "voicemail_ext")


def test_check_lists_what_leads_nowhere(place):
    """With the reason, and status 1 as long as there is some; JSON has all fields."""
    number = place.number()
    good = place("check", "--json")
    place("add", number, "--set", "did_route=VOICEMAIL", "--allow-nowhere")
    bad, in_json = place("check"), place("check", "--json")
    listed = place("list", "--leads-nowhere", "--json")
    shown = place("show", number)
    place("update", number, "--set", "voicemail_ext=85026")
    mended = place("check")

    assert (0, []) == (good.status, good.json)
    assert 1 == bad.status == in_json.status
    assert any(number in line and WHY in line for line in bad.lines)
    assert [(number, WHY)] == [(one["did_pattern"], one["nowhere"]) for one in in_json.json]
    assert in_json.json == listed.json
    assert f"Calls lead nowhere: {WHY}." in shown.lines
    assert (0, ["Calls to every active DID lead somewhere."]) == (mended.status, mended.lines)


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
