"""The client against a server process, in each home that Didier has."""

from datetime import UTC, date, datetime, timedelta
from itertools import islice

import pytest

from didier import __version__
from didier.client import DidFinding, RouteStep, RouteTarget, errors

SOURCE = "18001234567"


def patterns(found):
    return [did.pattern for did in found]


def test_one_did_is_copied(client, block):
    """It is done when the call returns; the copy says what it was copied from."""
    batch = client.copy(SOURCE, to=f"{block}0000", active=False, description="Night line")

    assert ("copy", "atomic", "done", 1) == (batch.kind, batch.mode, batch.state, batch.totals.added)
    assert [(1, f"{block}0000", "added")] == [(i.position, i.target, i.outcome) for i in batch.items()]
    did = client.did(f"{block}0000")
    assert (False, "Night line", SOURCE) == (did.active, did.description, did.copied_from)
    assert did.id == next(batch.items()).did_id
    assert (SOURCE, "admin") == (batch.refresh().source_snapshot["did_pattern"], batch.caller)


def test_a_list_is_copied_with_columns_of_its_own(client, block):
    """Short ones as JSON, long ones and CSV as text: with the same outcome."""
    rows = [
        {"target": f"{block}{n:04}", "description": f"Line {n}", "active": n % 2 == 0} for n in range(1_500)
    ]
    short = client.copy(SOURCE, to=rows[:3])
    long = client.copy(SOURCE, to=iter(rows[3:]), set={"custom_one": "x"}).wait()
    csv = client.copy(SOURCE, csv=f"number,description,custom_one\n{block}9000,Line 9000,y\n")

    assert ["done"] * 3 == [short.state, long.state, csv.state]
    assert [3, 1_497, 1] == [short.totals.added, long.totals.added, csv.totals.added]
    found = list(client.dids(search=block, sort="did_pattern"))
    assert [row["target"] for row in rows] + [f"{block}9000"] == patterns(found)
    assert [f"Line {n}" for n in [*range(1_500), 9_000]] == [did.description for did in found]
    assert [True, False, True, False] == [did.active for did in found[:4]]
    assert ["", "x", "y"] == [found[place]["custom_one"] or "" for place in (0, 3, 1_500)]


def test_a_block_is_copied_while_one_watches(client, block):
    """Of ten thousand targets each is made; the last that is told is the end."""
    told = []
    batch = client.copy(SOURCE, to=f"{block}0000-{block}9999", description_template="Sales {target}")
    assert 10_000 == batch.totals.requested
    batch = batch.wait(told.append)

    assert ("done", 10_000, 10_000) == (batch.state, batch.totals.added, batch.done)
    assert "done" == told[-1].state
    assert sorted(now.done for now in told if now.phase == "make") == [
        now.done for now in told if now.phase == "make"
    ]
    assert 10_000 == sum(1 for _ in client.dids(search=block, page_size=1_000))
    assert f"Sales {block}9999" == client.did(f"{block}9999").description
    assert [10_000] == [item.position for item in islice(batch.items("added"), 9_999, None)]

    undone = batch.undo().wait()
    assert ("undone", 10_000, "admin") == (undone.state, undone.totals.removed, undone.undone_by)
    assert [] == list(client.dids(search=block))


def test_a_copy_is_looked_at_before(client, block):
    """Nothing is written; what would be made, and what stands in the way, is said for each target."""
    client.copy(SOURCE, to=f"{block}0001", active=False)
    numbers = [f"{block}{number:04}" for number in range(1_200)]
    few, many = client.preview(SOURCE, to=[*numbers[:3], "x" * 60]), client.preview(SOURCE, to=iter(numbers))

    assert ["new", "exists", "new", "invalid"] == [one.status for one in few.items()]
    differs = next(few.items("exists")).differs["did_active"]
    assert ("N", "Y") == (differs.now, differs.would_be)
    assert (False, 4, 2, 1, 1) == (
        few.possible, few.totals.requested, few.totals.new, few.totals.exists, few.totals.invalid,
    )  # fmt: skip
    assert (1_199, 1_199, 1) == (many.totals.new, many.omitted, len(many.shown))
    assert numbers == [one.target for one in many.items()]
    assert client.preview(SOURCE, to=numbers[:2], atomic=False).possible
    assert 1 == sum(1 for _ in client.dids(search=block))


def test_an_undo_keeps_what_was_changed(client, block):
    """Unless it is forced; the batch names what it has kept."""
    batch = client.copy(SOURCE, to=[f"{block}0000", f"{block}0001"])
    client.update(f"{block}0001", description="Changed since")
    undone = batch.undo()

    assert (1, 1, (f"{block}0001",)) == (undone.totals.removed, undone.totals.kept, undone.kept)
    assert ["kept"] == [item.outcome for item in undone.items("kept")]
    assert () == client.undo(batch.id, force=True).kept
    assert [] == list(client.dids(search=block))
    with pytest.raises(errors.NotUndoable):
        batch.undo()


def test_the_same_key_copies_once(client, block):
    """Also for a program that was started again; another order under the key is refused."""
    batches = [client.copy(SOURCE, to=f"{block}0000", idempotency_key=block) for _ in range(2)]

    assert 1 == len({batch.id for batch in batches})
    with pytest.raises(errors.KeyReused):
        client.copy(SOURCE, to=f"{block}0001", idempotency_key=block)


def test_batches_are_listed(client, block):
    """By what they are, the newest first."""
    client.copy(SOURCE, to=f"{block}0000")
    made = [client.copy(f"{block}0000", to=f"{block}000{number}").id for number in (1, 2, 3)]

    assert made[::-1] == [one.id for one in client.batches(source=f"{block}0000", page_size=2)]
    assert [] == list(client.batches(source=f"{block}0000", state="failed"))
    with pytest.raises(errors.BatchNotFound):
        client.batch(2_000_000)


def test_one_did_through_its_life(client, block):
    """Added, changed under its mark, locked, unlocked, deleted; its history has all."""
    pattern = f"+{block}*99#"
    did = client.add(pattern, description="Front desk", route="EXTEN", extension=8300, allow_implausible=True)
    assert ("Front desk", "EXTEN", "8300") == (did.description, did.route, did["extension"])

    changed = client.update(pattern, etag=did.etag, description=None, active=False)
    assert ("", False) == (changed.description, changed.active)
    with pytest.raises(errors.ChangedMeanwhile):
        client.update(pattern, etag=did.etag, active=True)
    with pytest.raises(errors.ChangedMeanwhile):
        client.delete(pattern, etag=did.etag)

    client.lock(pattern)
    with pytest.raises(errors.DidLocked):
        client.delete(pattern, force=True)
    client.unlock(pattern)
    client.delete(pattern, etag=client.did(pattern).etag)
    with pytest.raises(errors.DidNotFound):
        client.did(pattern)

    history = list(client.history(pattern, page_size=1))
    assert ["deleted", "updated", "updated", "updated", "added"] == [change.action for change in history]
    assert ("Y", "N") == (history[3].before["did_active"], history[3].after["did_active"])
    assert ("N", "Y") == (history[2].before["locked"], history[2].after["locked"])


def test_where_a_call_would_go(client, block):
    """Every step, the target and the commands; what is no DID leads nowhere."""
    client.add(f"{block}0000", route="EXTEN", extension=8300, exten_context="default")
    found = client.route(f"{block}0000", caller="+1 727 555 1212", name="Jane", server_ip="192.0.2.99")
    lost = client.route(f"{block}0001")

    assert ("17275551212", "Jane", "192.0.2.99") == (found.caller, found.name, found.server_ip)
    assert (f"{block}0000", "EXTEN", RouteTarget("default", "8300")) == (found.did, found.route, found.target)
    assert ("SET CONTEXT default", "SET EXTENSION 8300", "SET PRIORITY 1") == found.commands
    assert (RouteStep("route", "EXTEN: 8300 in default"), None) == (found.steps[-1], found.nowhere)
    assert "extension 8300 in the context default" == found.leads_to
    assert (None, None, None, ()) == (lost.did, lost.leads_to, lost.target, lost.commands)
    assert f"{block}0001 is no active DID, and there is no default" == lost.nowhere


def test_what_is_wrong(client, block):
    """Each DID with its findings, all or those of a kind; lists take the kind, too."""
    client.add(f"{block}0000", route="VOICEMAIL", exten_context="odd", allow_nowhere=True)
    found = [one for one in client.checks(page_size=1) if one.did.startswith(block)]
    of_kind = [one for one in client.checks("no_destination") if one.did.startswith(block)]
    listed = [did.pattern for did in client.dids(check="context")]

    reasons = ("no voicemail box is set", "calls go to the context odd, which is not known")
    findings = tuple(map(DidFinding, ("no_destination", "context"), reasons))
    assert [findings] == [one.findings for one in found]
    assert [findings[:1]] == [one.findings for one in of_kind]
    assert f"{block}0000" in listed


def test_refusals_name_the_field(client, block):
    """And what would be allowed; nothing was made."""
    with pytest.raises(errors.InvalidField) as value:
        client.copy(SOURCE, to=f"{block}0000", set={"did_route": "NOWHERE"})
    with pytest.raises(errors.InvalidField) as streamed:
        client.copy(SOURCE, csv=f"target\n{block}0000\n", set={"did_route": "NOWHERE"})
    with pytest.raises(errors.UnknownReference) as reference:
        client.add(f"{block}0000", in_group="NOSUCH")
    with pytest.raises(errors.InvalidRequest) as unknown:
        client.update(SOURCE, colour="red")
    with pytest.raises(errors.InvalidPattern) as pattern:
        client.add("?")
    with pytest.raises(errors.DidNotFound) as source:
        client.copy(f"{block}0000", to=f"{block}0001")
    with pytest.raises(errors.DidExists) as exists:
        client.add(SOURCE)
    with pytest.raises(errors.NotAllPossible) as targets:
        client.copy(SOURCE, to=[f"{block}0000", SOURCE, f"{block}0000"])
    with pytest.raises(errors.UnreadableTargets) as unreadable:
        client.copy(SOURCE, csv="colour,shape\nred,round\n")

    assert "/overrides/did_route" == value.value.pointer
    assert [
        "did_route",
        "did_route",
        "group_id",
        "colour",
        "did_pattern",
        "source",
        "did_pattern",
        "targets",
    ] == [one.value.field for one in (value, streamed, reference, unknown, pattern, source, exists, targets)]
    assert "EXTEN" in value.value.allowed
    assert [(2, SOURCE, "exists"), (3, f"{block}0000", "duplicate")] == [
        (one.position, one.target, one.outcome) for one in targets.value.targets
    ]
    assert 422 == unreadable.value.status
    assert [] == list(client.dids(search=block))


def test_a_large_copy_that_cannot_be_made_fails(client, block):
    """The batch says why, and nothing is left of it."""
    client.copy(SOURCE, to=f"{block}1500")
    batch = client.copy(SOURCE, to=f"{block}0000-{block}1999").wait()

    assert "failed" == batch.state
    assert f"{block}1500" in batch.failure
    assert [f"{block}1500"] == patterns(client.dids(search=block))


def contents(client, block):
    """Return the DIDs of a block by pattern, without what belongs to the row; CSV has no NULL."""
    own = {"did_id", "modify_stamp", "copied_from"}
    return {
        did.pattern: {column: value or "" for column, value in did.items() if column not in own}
        for did in client.dids(search=block)
    }


def test_what_is_exported_can_be_imported(client, block, tmp_path):
    """A whole round: the DIDs are the same, number for number."""
    numbers = [f"{block}{number:04}" for number in range(300)]
    description = '=1+1 "quoted", and more'
    client.copy(SOURCE, to=[*numbers, f"+{block}"], description=description, allow_implausible=True)
    before = contents(client, block)
    path = tmp_path / "dids.csv"

    assert 301 == client.export(path, search=block).dids
    assert 301 == client.export(tmp_path / "dids.ndjson", format="ndjson", search=block).dids
    assert path.read_bytes() == b"".join(client.export(search=block))
    with pytest.raises(errors.NotAllPossible):
        client.import_dids(path)
    skipped = client.import_dids(path, existing="skip", dry_run=True)
    assert (True, None, {"exists"}) == (
        skipped.dry_run,
        skipped.batch,
        {one.outcome for one in skipped.items},
    )

    for pattern in before:
        client.delete(pattern)
    made = client.import_dids(path.read_bytes(), allow_implausible=True)
    assert {"added"} == {one.outcome for one in made.items}
    assert before == contents(client, block)
    assert 301 == client.undo(made.batch).totals.removed


def test_users_come_and_change(client, clients, place, block):
    """Their rights are true or false; nothing shows a password."""
    name = f"u{block}"
    made = client.add_user(
        name, "correct-horse-battery", user_group="ADMIN", api_allowed_functions=("did_info",),
        vdc_agent_api_access=True, view_reports=True,
    )  # fmt: skip
    assert ("ADMIN", ("did_info",), True) == (
        made.user_group, made.api_allowed_functions, made.vdc_agent_api_access,
    )  # fmt: skip
    assert made == client.user(name)
    assert name in {user.user for user in client.users(page_size=1)}

    theirs = clients.connect(place.url, name, "correct-horse-battery")
    assert SOURCE == theirs.did(SOURCE).pattern
    with pytest.raises(errors.NotPermitted) as caught:
        theirs.copy(SOURCE, to=f"{block}0000")
    assert caught.value.missing
    assert "copy_did" == caught.value.function

    assert "N" == client.update_user(name, active=False, password="another-one").active
    with pytest.raises(errors.WrongPassword):
        clients.connect(place.url, name, "another-one").did(SOURCE)
    with pytest.raises(errors.UserExists) as caught:
        client.add_user(name, "x", user_group="ADMIN")
    assert "user" == caught.value.field
    with pytest.raises(errors.UserNotFound):
        client.user("nobody")


def test_tokens_open_a_part(client, clients, place, block):
    """Until they are revoked, which may be said twice."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    client.copy(SOURCE, to=f"{block}0000")
    made = client.add_token("CRM", ["dids:read"], pattern_prefix=block, expires_at=until)
    theirs = clients.connect(place.url, token=made.secret)

    assert (("dids:read",), block, until) == (made.scopes, made.pattern_prefix, made.expires_at)
    assert made.token_id in {token.token_id for token in client.tokens()}
    assert [f"{block}0000"] == patterns(theirs.dids())
    with pytest.raises(errors.NotPermitted):
        theirs.delete(f"{block}0000")
    for _ in range(2):
        client.revoke_token(made.token_id)
    with pytest.raises(errors.TokenRefused):
        theirs.did(f"{block}0000")


def test_preferences_are_stored_and_deleted(client, clients, place, block):
    """By kind and name, as often as that is said; a token knows nothing of them."""
    name, value = f"West {block}", {"tag": "west", "route": ["EXTEN", "IN_GROUP"]}
    for _ in range(2):
        stored = client.set_preference("filter", name, value, shared=True)
    listed = [one for one in client.preferences("filter") if one.name == name]
    token = client.add_token("CRM", ["dids:read"]).secret
    client.delete_preference("filter", name)

    assert ("filter", value, True, "admin", True) == (
        stored.kind, stored.value, stored.shared, stored.user, stored.own
    )  # fmt: skip
    assert [stored] == listed
    assert name not in {one.name for one in client.preferences("filter")}
    with pytest.raises(errors.PreferenceNotFound):
        client.delete_preference("filter", name)
    with pytest.raises(errors.InvalidField):
        client.set_preference("mapping", name, {"1": "number"}, shared=True)
    with pytest.raises(errors.NotPermitted):
        list(clients.connect(place.url, token=token).preferences("filter"))


def test_reports_are_read(client, block):
    """The log has what was asked; there were no calls."""
    client.copy(SOURCE, to=f"{block}0000")
    line = next(client.log(user="admin", function="copy_did", result="SUCCESS", page_size=1))

    assert ("admin", "copy_did", "SUCCESS") == (line.user, line.function, line.result)
    assert [] == list(client.log(until=datetime(2001, 1, 1)))
    assert [] == list(client.usage())
    assert [] == list(client.calls(SOURCE, date(2026, 3, 4)))


def test_the_release_is_told_without_a_sign_in(clients, place):
    """So that a set-up can be tried step by step."""
    client = clients.connect(place.url)

    assert __version__ == client.version()
    with pytest.raises(errors.NotSignedIn):
        client.did(SOURCE)


def test_nobody_there(clients):
    """A port that nobody listens on is said to be one."""
    with pytest.raises(errors.ConnectionFailed):
        clients.connect("http://127.0.0.1:9", "admin", "1234").version()
    assert 3 == len(clients.pauses)


def test_an_export_and_what_comes_behind_it_are_followed(client, block, tmp_path):
    """What is done to DIDs, in order, from the number of an export on; what it has may be told once more."""
    client.copy(SOURCE, to=f"{block}0000")
    done = client.export(tmp_path / "dids.csv", search=block)
    client.copy(SOURCE, to=f"{block}0001-{block}0009")
    client.update(f"{block}0003", extension="8301")
    client.delete(f"{block}0004")
    events = client.follow(done.sequence, types="did.*")
    behind = (one for one in events if one.data.did_pattern != f"{block}0000")
    found = [next(behind) for _ in range(3)]
    events.close()

    assert [
        ("did.created", f"{block}0001", f"{block}0009", 9, 0),
        ("did.updated", f"{block}0003", f"{block}0003", 1, "8301"),
        ("did.deleted", f"{block}0004", f"{block}0004", 1, 0),
    ] == [
        (one.type, one.data.did_pattern, one.data.last, one.data.size,
         one.data.after["extension"] if one.type == "did.updated" else 0)
        for one in found
    ]  # fmt: skip
    assert found == [*client.changes(done.sequence, types="did.*")][-3:]
    assert client.sequence() >= found[-1].resume_after


def test_numbers_that_there_are_not_are_gone(client):
    """A follower of another database finds out."""
    with pytest.raises(errors.ChangesGone, match="take an export"):
        next(client.follow(client.sequence() + 1_000))
