"""What previews of edits show of some DIDs: as they are, and as they would be."""

import pytest

from didier.cli.local import CALLER
from didier.services.batches import edit_samples
from didier.services.batches.edit_previews import EditPreview
from didier.services.batches.edit_spec import EditSpec
from didier.services.batches.previews import Difference
from didier.storage.database import reading
from support.batches import text

UPDATE = EditSpec("update", {"did_active": "N", "tags": "vip,Berlin"})


def sampled(engine, spec, targets):
    """Return the sample of a preview that has seen all targets."""
    preview = EditPreview(CALLER, spec, text(targets))
    with reading(engine) as conn:
        while preview.step(conn) is not None:
            pass
    preview.close()
    return preview.sample


@pytest.fixture
def block(clean, add):
    """A database with 30 DIDs more."""
    add(clean, "5550100-5550129")
    return clean


def test_an_update_shows_what_it_changes(block):
    """Fields that would get another value, tidied as they would be stored; what stays is not named."""
    first, *rest = sampled(block, UPDATE, "5550100-5550101")

    assert {"did_active": Difference("Y", "N"), "tags": Difference("", "Berlin,vip")} == first.differs
    assert ("5550100", "New line") == (first.target, first.description)
    assert first.differs == rest[0].differs


def test_an_update_to_what_is_there_shows_that(block):
    """Nothing differs."""
    [one] = sampled(block, EditSpec("update", {"did_active": "Y"}), "5550100")

    assert {} == one.differs


def test_a_sample_has_those_that_are_done(block):
    """The first of them, wherever they stand; what is missing is not in it."""
    found = sampled(block, EditSpec("delete"), "5559000-5561500,5550100-5550129")

    assert [str(5_550_100 + n) for n in range(edit_samples.SHOWN)] == [one.target for one in found]


def test_an_addition_has_no_sample(block):
    """There is nothing that would be changed."""
    assert [] == sampled(block, EditSpec("add"), "5558000-5558010")
