"""What orders of Didier's own do about odd numbers: refuse some, note others, give refused rows back."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from didier.cli.local import CALLER
from didier.errors import Implausible
from didier.services.batches import bulk_edits, edits, refusals
from didier.services.batches.bulk_edits import Edited, EditOrder
from didier.services.batches.checks import Checks
from didier.services.batches.copies import CopyOrder, CopyResult, copy
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.order_text import Reading, read_text
from didier.storage.batches.input_text import pack
from didier.storage.database import reading
from support import outside
from support.batches import SOURCE, accept, each, finish, order, outcomes, stored

CHECKS = Checks(plausible=True, region="US")
MESSY = """Number,Description
18002220100,Line one
NULL,Dash line
_X.,Pattern one
8001234567,Same number
18002220100,Once again
"""
DASH = {"Number": "NULL", "Description": "Dash line"}
PATTERN = {"Number": "_X.", "Description": "Pattern one"}
AGAIN = {"Number": "18002220100", "Description": "Once again"}


def rows_of(text: str):
    return tuple(read_text(list(pack([text.encode()])), 1_000, None, Reading(is_table=True)).entries())


def small(engine, now, text: str, **settings) -> tuple[int, dict[str, str]]:
    """Copy to the rows of *text* at once; return the batch and the notes of the new DIDs."""
    rows = rows_of(text)
    wish = CopyOrder(CALLER, SOURCE, tuple(row.target for row in rows), rows=rows, checks=CHECKS, **settings)
    with engine.begin() as conn:
        [result] = copy(conn, [wish], now)
    assert isinstance(result, CopyResult), result
    return result.batch_id, {item.pattern: item.note for item in result.copied}


def large(engine, now, text: str, **settings) -> int:
    """Take the order in and carry it out; return the batch."""
    wish = replace(order("1", atomic=False, **settings), checks=CHECKS)
    wish = replace(wish, text=read_text(list(pack([text.encode()])), 1_000, None, Reading(is_table=True)))
    batch_id = accept(engine, wish, now)
    finish(engine, now, batch_id)
    return batch_id


def given_back(engine, batch_id: int) -> list[tuple[int, str, dict[str, str] | None]]:
    """Return position, outcome and cells of the rows that were refused."""
    with reading(engine) as conn:
        found = refusals.page(conn, CALLER, batch_id, 0)
        assert isinstance(found, list | tuple), found
        return [(row.position, row.outcome, dict(row.read[1]) if row.read else None) for row in found]


@pytest.fixture(params=["small", "large"])
def carried_out(request, clean, now) -> Callable[[str], int]:
    """Carries an order out, at once or as a large batch; returns its id."""
    if request.param == "small":
        return lambda text: small(clean, now, text)[0]
    return lambda text: large(clean, now, text)


def test_bad_rows_never_block_good_ones(clean, carried_out):
    """Each has its outcome; the refused ones come back with the cells that they had."""
    batch_id = carried_out(MESSY)

    assert ["added", "invalid", "implausible", "added", "duplicate"] == [
        one.outcome for one in each(clean, batch_id)
    ]
    assert [(2, "invalid", DASH), (3, "implausible", PATTERN), (5, "duplicate", AGAIN)] == given_back(
        clean, batch_id
    )
    assert (2, 2, 1) == (
        stored(clean, batch_id).added,
        stored(clean, batch_id).invalid,
        stored(clean, batch_id).duplicates,
    )


def test_what_is_odd_is_said_of_what_was_created(clean, carried_out):
    """Another spelling, there or in the order; another length; an extension that was left out."""
    batch_id = carried_out("18002220100\n8002220100\n8001234567\n18002220101 ext 5\n18002220102\n")
    found = {one.target: one.reason for one in each(clean, batch_id)}

    assert found == {
        "18002220100": None,
        "8002220100": "the same number appears earlier in this order, in another spelling;"
        " it has 10 digits, its source 11",
        "8001234567": "the same number already exists as 18001234567; it has 10 digits, its source 11",
        "18002220101": "without its extension 5",
        "18002220102": None,
    }


def test_a_single_copy_keeps_its_note(clean, now):
    """Also as a batch of one."""
    batch_id, notes = small(clean, now, "8001234567\n")

    told = "the same number already exists as 18001234567; it has 10 digits, its source 11"
    assert {"8001234567": told} == notes
    assert [told] == [one.reason for one in each(clean, batch_id)]


def test_blocks_are_looked_at_as_single_numbers_are(clean, now, add):
    """Of a range it is said which of its numbers exist in another spelling; the others are one run."""
    add(clean, "8002220103")
    batch_id = large(clean, now, "18002220000-18002220999\n")
    notes = {one.target: one.reason for one in each(clean, batch_id) if one.reason}

    assert {"18002220103": "the same number already exists as 8002220103"} == notes


@pytest.mark.parametrize("target", ["s", "_X.", "12345678901234567", "+1800222"])
def test_one_did_that_is_implausible(clean, now, target):
    """Of Didier's own doors it is refused, unless it is allowed; VICIdial's API has no such check."""
    orders = [edits.AddOrder(CALLER, target, {}, checks=CHECKS), edits.AddOrder(CALLER, target, {})]
    with clean.begin() as conn:
        refused, done = edits.add(conn, orders, now)

    assert isinstance(refused, Implausible)
    assert isinstance(done, edits.Done)


def test_an_import_refuses_what_it_would_create_alone(clean, now):
    """What is there may be as odd as it is; only what is new has to be plausible."""
    with clean.begin() as conn:
        outside.add(conn, {"did_pattern": "_X."}, now)
    spec = EditSpec("import", {}, ("did_description",), "update", checks=CHECKS)
    rows = rows_of("did_pattern,did_description\n_X.,New text\n_Y.,Other text\n18002220100,Good text\n")
    with clean.begin() as conn:
        [done] = bulk_edits.edit(conn, [EditOrder(CALLER, spec, rows, atomic=False)], now)

    assert isinstance(done, Edited)
    assert {"_X.": "updated", "_Y.": "implausible", "18002220100": "added"} == outcomes(clean, done.batch_id)
    assert [(2, "implausible", {"did_pattern": "_Y.", "did_description": "Other text"})] == given_back(
        clean, done.batch_id
    )


def test_an_atomic_batch_that_is_refused_gives_its_rows_back(clean, now):
    """Nothing was created; what has to be mended is told."""
    wish = replace(order("1", atomic=True), checks=CHECKS)
    text = read_text(list(pack([MESSY.encode()])), 1_000, None, Reading(is_table=True))
    batch_id = accept(clean, replace(wish, text=text), now)
    finish(clean, now, batch_id)

    assert ("failed", 0) == (stored(clean, batch_id).state, stored(clean, batch_id).added)
    assert [(2, "invalid", DASH), (3, "implausible", PATTERN), (5, "duplicate", AGAIN)] == given_back(
        clean, batch_id
    )
