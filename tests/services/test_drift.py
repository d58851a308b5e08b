"""Copies that differ from the DID that they were copied from: found, set back, and kept as exceptions."""

from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.domain import inputs
from didier.domain.drift import APPLY, KEEP, Difference, DriftChange
from didier.errors import InvalidField, NotAllPossible, NotFound, NotPermitted
from didier.services.batches import bulk_edits, copies, edits
from didier.services.batches.bulk_edits import Edited, EditOrder, LargeEditOrder
from didier.services.batches.copies import CopyOrder
from didier.services.batches.edit_orders import AddOrder, DeleteOrder, UpdateOrder
from didier.services.batches.edit_previews import EditPreview
from didier.services.batches.edit_spec import EditSpec
from didier.services.changes import history
from didier.services.dids import lineage
from didier.services.reports import drift
from didier.services.reports.drift import DriftWanted
from didier.storage.database import reading
from didier.storage.dids.pages import Sort
from didier.storage.statements import run
from didier.storage.tables import DIDS
from support import outside
from support.batches import SOURCE, accept, finish, order, stored, table, text, undo
from support.statements import sent, settled

SALES = replace(CALLER, user=replace(CALLER.user, group="SALES", viewable_groups=" SALES "))
RUN = "5550100-5550199"
ROUTED = {"did_route": "EXTEN", "extension": "8399"}


def regroup(engine, group, *names):
    """Let DIDs be in a group, beside Didier."""
    ids = {row["did_id"] for name, row in table(engine).items() if name in names}
    with engine.begin() as conn:
        for did_id in ids:
            run(conn, f"UPDATE {DIDS} SET user_group = ? WHERE did_id = ?", group, did_id)


def update(engine, now, pattern, **values):
    with engine.begin() as conn:
        [done] = edits.update(conn, [UpdateOrder(CALLER, pattern, values)], now)
    assert isinstance(done, edits.Done), done
    return done


def copied(engine, now, *targets, source=SOURCE, **values):
    with engine.begin() as conn:
        [done] = copies.copy(conn, [CopyOrder(CALLER, source, targets, values)], now)
    return done


def page(engine, caller=CALLER, sort="did_pattern", limit=1_000, after=None, **wanted):
    with reading(engine) as conn:
        return drift.page(conn, caller, DriftWanted(**wanted), Sort(sort), limit, after)


def drifted(engine, caller=CALLER, **wanted):
    """Return the differences of copies by pattern."""
    return {one.row["did_pattern"]: one.differs for one in page(engine, caller, **wanted).dids}


def settle(engine, now, change, targets, **settings):
    """Order what is done about differences, at once."""
    rows = tuple(inputs.rows(text(targets).entries()))
    with engine.begin() as conn:
        wish = EditOrder(CALLER, EditSpec("update", drift=change), rows, **settings)
        return bulk_edits.edit(conn, [wish], now)[0]


@pytest.fixture
def run_of_copies(clean, now):
    """A database with a run of copies of the tutorial's DID, three of which are changed since."""
    finish(clean, now, accept(clean, order(RUN), now))
    update(clean, now, "5550105", **ROUTED)
    update(clean, now, "5550150", did_description="Another line")
    update(clean, now, "5550199", gateway_set="")
    update(clean, now, "5550199", fallbacks="EXTEN:8300@default")
    return clean


def test_copies_that_were_changed_differ(run_of_copies):
    """Each field with both values, also those that VICIdial does not know; the others are as their source."""
    found = drifted(run_of_copies)

    assert ["5550105", "5550150", "5550199"] == list(found)
    assert Difference("Test", "Another line").copy == found["5550150"]["did_description"].copy
    assert {"fallbacks": Difference("", "EXTEN:8300@default")} == found["5550199"]
    assert "8399" == found["5550105"]["extension"].copy


def test_a_source_that_changes_leaves_its_copies_behind(run_of_copies, now):
    """They differ from it as it is now; from what was copied only those that were changed themselves do."""
    update(run_of_copies, now, SOURCE, did_description="A new text")

    assert 100 == len(drifted(run_of_copies))
    assert ["5550105", "5550150", "5550199"] == list(drifted(run_of_copies, against="then"))


def test_what_was_given_at_the_copy_is_no_drift(clean, now):
    """For all targets, or for each of a run: here by a template, with which no two are alike."""
    copied(clean, now, "5550001", did_description="Mine alone", did_active="N")
    finish(clean, now, accept(clean, order("5550100-5550130", template="Line {target}"), now))

    assert {} == drifted(clean)
    update(clean, now, "5550110", did_description="Line of another", **ROUTED)
    assert {"did_route", "extension"} >= drifted(clean)["5550110"].keys() >= {"extension"}


def test_what_is_no_copy_differs_from_nothing(clean, now):
    """Nor does a copy whose source is gone, but from what was copied."""
    copied(clean, now, "5550001")
    copied(clean, now, "5550002", source="5550001")
    update(clean, now, "5550002", **ROUTED)
    with clean.begin() as conn:
        edits.add(conn, [AddOrder(CALLER, "5550009", ROUTED)], now)
        edits.delete(conn, [DeleteOrder(CALLER, "5550001")], now)

    assert {} == drifted(clean)
    assert ["5550002"] == list(drifted(clean, against="then"))


def test_a_new_did_with_the_number_of_a_source_is_none(clean, now):
    """Copies are those of the DID, not of its number."""
    copied(clean, now, "5550001")
    copied(clean, now, "5550002", source="5550001")
    with clean.begin() as conn:
        edits.delete(conn, [DeleteOrder(CALLER, "5550001")], now)
        edits.add(conn, [AddOrder(CALLER, "5550001", ROUTED)], now)

    assert {} == drifted(clean)


def test_what_was_changed_outside_differs_too(run_of_copies, now):
    """As soon as it is there, whether it was found or not."""
    did_id = table(run_of_copies)["5550120"]["did_id"]
    with run_of_copies.begin() as conn:
        outside.update(conn, did_id, {"did_active": "N"}, now)

    assert {"did_active": Difference("Y", "N")} == drifted(run_of_copies)["5550120"]


def test_letters_count_by_their_case(run_of_copies, now):
    """Though the databases compare without."""
    described = table(run_of_copies)[SOURCE]["did_description"]
    update(run_of_copies, now, "5550130", did_description=described.swapcase())

    assert {"did_description"} == drifted(run_of_copies)["5550130"].keys()


def test_copies_are_chosen_by_what_they_have(run_of_copies, now):
    """Source, group, route, beginning and tag."""
    update(run_of_copies, now, "5550105", tags="vip")
    copied(run_of_copies, now, "5550201", source="5550105")
    update(run_of_copies, now, "5550201", did_description="Further off")
    regroup(run_of_copies, "SALES", "5550150")

    assert ["5550201"] == list(drifted(run_of_copies, source="5550105"))
    assert ["5550150"] == list(drifted(run_of_copies, user_group="SALES"))
    assert ["5550105"] == list(drifted(run_of_copies, tag="vip"))
    assert ["5550105"] == list(drifted(run_of_copies, prefix="555010"))
    assert "5550105" in drifted(run_of_copies, route="EXTEN")


@pytest.mark.parametrize("sort", ["did_id", "did_pattern", "did_description"])
def test_pages_follow_one_another(run_of_copies, now, sort):
    """Whatever they are sorted by, each copy is in one of them."""
    update(run_of_copies, now, SOURCE, extension="8302")
    whole = [one.row["did_pattern"] for one in page(run_of_copies, sort=sort).dids]
    found, after = [], None
    while True:
        some = page(run_of_copies, sort=sort, limit=33, after=after)
        found += [one.row["did_pattern"] for one in some.dids]
        if (after := some.following) is None:
            break

    assert 100 == len(set(whole))
    assert whole == found


def test_a_report_takes_as_many_statements_for_many_copies_as_for_some(run_of_copies):
    """They are looked for by sets."""
    with reading(run_of_copies) as conn:
        wanted = DriftWanted()
        few = settled(lambda: sent(conn, lambda: drift.page(conn, CALLER, wanted, Sort(), 1_000)))

    assert 12 >= few


def test_who_does_not_see_the_source_is_told_nothing(run_of_copies):
    """Nor who does not see the copy; the report asks for View Reports."""
    regroup(run_of_copies, "OTHER", *table(run_of_copies))
    regroup(run_of_copies, "SALES", "5550105")
    blind = replace(CALLER, user=replace(CALLER.user, view_reports=False))

    assert {} == drifted(run_of_copies, SALES)
    assert isinstance(page(run_of_copies, blind), NotPermitted)
    regroup(run_of_copies, "SALES", SOURCE)
    assert ["5550105"] == list(drifted(run_of_copies, SALES))


# Applied again, and kept ----------------------------------------------------------------------------


@pytest.mark.parametrize("large", [False, True])
def test_the_source_is_applied_again(run_of_copies, now, large):
    """What differs is as in the source then; an undo brings the difference back."""
    before = drifted(run_of_copies)
    if large:
        with run_of_copies.begin() as conn:
            spec = EditSpec("update", drift=DriftChange(APPLY))
            [done] = bulk_edits.accept(conn, [LargeEditOrder(CALLER, spec, text(RUN), False)], now)
        finish(run_of_copies, now, done.batch_id)
    else:
        done = settle(run_of_copies, now, DriftChange(APPLY), "5550105,5550150,5550199")
        assert isinstance(done, Edited), done

    assert {} == drifted(run_of_copies)
    assert 3 == stored(run_of_copies, done.batch_id).edited
    undo(run_of_copies, done.batch_id, now)
    finish(run_of_copies, now, done.batch_id)
    assert before == drifted(run_of_copies)


def test_some_fields_alone_are_applied(run_of_copies, now):
    """The others stay."""
    update(run_of_copies, now, "5550105", did_description="Another")
    settle(run_of_copies, now, DriftChange(APPLY, ("did_description",)), "5550105")

    assert "extension" in drifted(run_of_copies)["5550105"]
    assert "did_description" not in drifted(run_of_copies)["5550105"]


def test_what_is_kept_is_no_drift_any_more(run_of_copies, now):
    """It is in the history, and comes back with an undo; another field still counts."""
    done = settle(run_of_copies, now, DriftChange(KEEP), "5550150,5550199")

    assert ["5550105"] == list(drifted(run_of_copies))
    with reading(run_of_copies) as conn:
        newest = history.history(conn, CALLER, "5550150")[0]
    assert {"exceptions": ("", "did_description")} == newest.changed
    update(run_of_copies, now, "5550150", did_active="N")
    assert {"did_active"} == drifted(run_of_copies)["5550150"].keys()
    undo(run_of_copies, done.batch_id, now, force=True)
    assert {"did_description"} <= drifted(run_of_copies)["5550150"].keys()


def test_a_copy_of_an_exception_has_none(run_of_copies, now):
    """It is a copy of the DID as it is."""
    settle(run_of_copies, now, DriftChange(KEEP), "5550150")
    copied(run_of_copies, now, "5550300", source="5550150")

    assert "" == table(run_of_copies)["5550300"]["exceptions"]
    assert "5550300" not in drifted(run_of_copies)


@pytest.mark.parametrize("change", [DriftChange(APPLY), DriftChange(KEEP)])
def test_what_does_not_differ_is_refused(run_of_copies, now, change):
    """The source itself, a copy that is alike: all or none, or the others."""
    targets = f"{SOURCE},5550101,5550105"
    none = settle(run_of_copies, now, change, targets)
    some = settle(run_of_copies, now, change, targets, atomic=False)

    assert isinstance(none, NotAllPossible)
    assert [(1, "refused"), (2, "refused")] == [(one.position, one.outcome) for one in none.problems]
    assert ["refused", "refused", "updated"] == [item.outcome for item in some.items]
    assert "does not differ from a DID that it was copied from" in some.items[0].reason


def test_a_preview_shows_what_would_be_set(run_of_copies):
    """By the same rule, and writes nothing."""
    spec = EditSpec("update", drift=DriftChange(APPLY, ("did_description",)))
    preview = EditPreview(CALLER, spec, text("5550101,5550150"))
    with reading(run_of_copies) as conn:
        preview.step(conn)

    assert {"refused": 1, "updated": 1} == dict(preview.totals)
    [shown] = preview.sample
    assert {"did_description"} == shown.differs.keys() - {"modify_stamp", "version"}
    assert "Another line" == shown.differs["did_description"].now
    assert 3 == len(drifted(run_of_copies))


def test_it_is_done_alone(run_of_copies, now):
    """Not with values or tags; only with fields that copies inherit."""
    change = DriftChange(APPLY)
    with run_of_copies.begin() as conn:
        both = bulk_edits.refusal(conn, CALLER, EditSpec("update", {"did_active": "N"}, drift=change))
        odd = bulk_edits.refusal(conn, CALLER, EditSpec("update", drift=replace(change, fields=("did_id",))))

    assert ("drift", "drift_fields") == (both.field, odd.field)
    assert isinstance(odd, InvalidField)


def test_applying_needs_sight_of_the_source(run_of_copies, now):
    """What one does not see cannot be taken from it."""
    regroup(run_of_copies, "SALES", "5550105")
    regroup(run_of_copies, "OTHER", SOURCE)
    with run_of_copies.begin() as conn:
        wish = EditOrder(SALES, EditSpec("update", drift=DriftChange(APPLY)), [inputs.Row("5550105")], False)
        [done] = bulk_edits.edit(conn, [wish], now)

    assert ["refused"] == [item.outcome for item in done.items]


def test_exceptions_are_names_of_fields(clean, now):
    """In alphabetical order, each once; anything else is refused."""
    update(clean, now, SOURCE, exceptions="group_id, did_description,group_id")
    with clean.begin() as conn:
        [bad] = edits.update(conn, [UpdateOrder(CALLER, SOURCE, {"exceptions": "colour"})], now)

    assert "did_description,group_id" == table(clean)[SOURCE]["exceptions"]
    assert isinstance(bad, InvalidField)


# The tree -------------------------------------------------------------------------------------------


@pytest.fixture
def family(clean, now):
    """Copies of copies."""
    copied(clean, now, "5550001", "5550002", "5550003")
    copied(clean, now, "5550011", "5550012", source="5550001")
    copied(clean, now, "5550021", source="5550011")
    return clean


def tree(engine, pattern, caller=CALLER, limit=10):
    with reading(engine) as conn:
        return lineage.tree(conn, caller, pattern, limit)


def test_a_tree_has_sources_and_copies(family):
    """The nearest source first; of each copy how many copies it has."""
    middle, last = tree(family, "5550001"), tree(family, "5550021")

    assert [SOURCE] == [one.pattern for one in middle.sources]
    assert (2, {"5550011": 1}) == (middle.total, middle.copies_of)
    assert ["5550011", "5550012"] == [row["did_pattern"] for row in middle.copies.rows]
    assert ["5550011", "5550001", SOURCE] == [one.pattern for one in last.sources]
    assert {"5550001": 2} == tree(family, SOURCE).copies_of


def test_the_tree_is_known_beyond_a_did_that_is_gone(family, now):
    """By the number that it had."""
    with family.begin() as conn:
        edits.delete(conn, [DeleteOrder(CALLER, "5550001")], now)
    sources = tree(family, "5550021").sources

    assert ["5550011", None, SOURCE] == [one.pattern for one in sources]
    assert ["5550011", "5550001", SOURCE] == [one.origin.source for one in sources]


def test_who_sees_some_groups_sees_a_part_of_the_tree(clean, now):
    """What was not seen when it was copied ends it; a copy in another group is not counted."""
    regroup(clean, "OTHER", SOURCE)
    copied(clean, now, "5550001")
    regroup(clean, "SALES", "5550001")
    copied(clean, now, "5550011", "5550012", source="5550001")
    regroup(clean, "OTHER", "5550012")
    found = tree(clean, "5550011", SALES)

    assert isinstance(tree(clean, "5550012", SALES), NotFound)
    assert ["5550001"] == [one.origin.source for one in found.sources]
    assert 1 == tree(clean, "5550001", SALES).total
