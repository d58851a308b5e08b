from pathlib import Path

import pytest

from didier.domain.batch_states import ACTIVE, DONE, MOVES, UNDONE, IllegalMove, Stage, after, diagram

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "batch-states.md"
STAGES = {stage for moves in MOVES.values() for stage in (*moves, *(move.to for move in moves.values()))}


def reached(begin):
    found = {begin}
    while new := {m[s].to for m in MOVES.values() for s in found if s in m} - found:
        found |= new
    return found


def test_every_batch_can_come_to_an_end():
    """From each stage there is a way to one in which nothing goes on."""
    stuck = [str(stage) for stage in STAGES if all(one.state in ACTIVE for one in reached(stage))]

    assert [] == stuck


def test_a_phase_belongs_to_work_that_is_under_way():
    """What has ended has none."""
    assert [] == [str(stage) for stage in STAGES if stage.phase and stage.state not in ACTIVE]


def test_an_event_that_cannot_come_is_an_error():
    """What is done is not made again."""
    with pytest.raises(IllegalMove, match=r"done .* 'make'"):
        after(DONE, "make")


def test_what_is_undone_says_by_whom():
    """From the beginning of an undo on; one that keeps everything leaves the batch done."""
    removing = Stage("running", "remove")

    assert removing == after(DONE, "undo").to
    assert "undone_by" in after(DONE, "undo").writes
    assert (UNDONE, DONE) == (after(removing, "undone").to, after(removing, "kept all").to)


def test_the_picture_is_that_of_the_table():
    """The page shows what the code does; `make docs` draws it."""
    assert f"```mermaid\n{diagram()}\n```" in PAGE.read_text("utf-8")
