"""Cells of CSV files: safe for spreadsheets, which run formulas, and read back unchanged."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_GUARD = "'"
_GUARDED = (*_FORMULA, _GUARD)


def guarded(text: str) -> str:
    """Return *text* with an apostrophe before it where a spreadsheet would take it for a formula.

    Numbers with a plus sign among them: ``'+442079460000`` is shown as it is by spreadsheets, which
    would make a sum of it otherwise. A text that begins with an apostrophe gets another one, so that
    `unguarded` gives back every text as it was (OWASP, "CSV Injection").
    """
    return _GUARD + text if text.startswith(_GUARDED) else text


def unguarded(cell: str) -> str:
    """Return the text that `guarded` made *cell* of; cells written by others are taken as they are."""
    is_guarded = cell.startswith(_GUARD) and cell[1:].startswith(_GUARDED)
    return cell[1:] if is_guarded else cell
