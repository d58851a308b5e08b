import pytest
from hypothesis import given
from hypothesis import strategies as st

from didier.domain.spreadsheets import guarded, unguarded


@given(st.text(alphabet="'=+-@\t\r0a \n\""))
def test_every_text_reads_back_unchanged(text):
    """Guarding is undone exactly, and no guarded cell begins a formula."""
    cell = guarded(text)

    assert text == unguarded(cell)
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize("cell", ["+442079460000", "=1", "18005550100", "", "'tis", "O'Hare"])
def test_cells_of_others_are_taken_as_they_are(cell):
    """A number with a plus sign that nobody has guarded is that number."""
    assert cell == unguarded(cell)


def test_numbers_with_a_plus_are_guarded():
    """A spreadsheet would take the sign away."""
    assert "'+442079460000" == guarded("+442079460000")
