"""Cells of numbers, as people, carriers and spreadsheets write them, read as what is to be a DID.

A cell is read as a number, as several, or as a range where that is certain; otherwise it is refused with the
reason. Two numbers never become one, nor one two: ITU-T E.164 gives a number 15 digits at most.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from didier.domain import number_groups, patterns, targets
from didier.domain.number_groups import DIALLED, DIGITS_MOST, FULL_NUMBER, WHOLE_NUMBER
from didier.domain.targets import Range

LONGEST = 200
"""Most characters of a cell that is read as a whole; longer ones are lists."""

_PLAIN = re.compile(r"\+?[0-9]{2,15}")
_NOTHING = frozenset({
    "null", "(null)", "nil", "none", "nan", "n/a", "n.a.", "na", "undefined", "unknown", "tbd", "empty", "?",
    "-", "--", "---", ".", "#n/a", "#ref!", "#value!", "#name?", "#div/0!", "#num!", "#null!",
})  # fmt: skip
"""Words for an empty cell, and the errors of spreadsheets."""

_SPREADSHEET_ERROR = re.compile(r"#[^0-9]+")
_QUOTES = "'`\u2018\u2019\u00b4\"\u201c\u201d\u201e\u00ab\u00bb"
_SHORTENED = re.compile(rf"[={_QUOTES}]*[+-]?[0-9]+([.,][0-9]+)? ?E ?\+?[0-9]+[{_QUOTES}]*", re.IGNORECASE)
_WHOLE_DECIMAL = re.compile(r"(\+?[0-9]+)[.,]0+")
_EXTENSION = re.compile(
    r"(.*[0-9)])[ ,;(]*(extension|extn|ext|durchwahl|nebenstelle|anexo|ramal|interno|int|poste"
    r"|toestel|dahili|wewn?|\u0434\u043e\u0431|x|#)[ .:=]*([0-9]{1,7})\)?",
    re.IGNORECASE,
)
_SPACED_DASH = re.compile(r" ?-{1,2} | -{1,2}")
_RANGE_WORD = re.compile(
    r" (?:to|up to|thru|through|until|till|bis|al?|fino al?|\u00e0|au|jusqu'(?:\u00e0|au)|hasta|at\u00e9|ate"
    r"|tot|t/m|do|\u0434\u043e|\u043f\u043e) "
    r"| ?(?:\.\.\.?|\u2026|-{1,2}>|=>|\u2192|~) ?",
    re.IGNORECASE,
)
_FROM = re.compile(r"(?:from|von|vom|de|desde|du|da|van|od) (?=[+(0-9])", re.IGNORECASE)
_BETWEEN = re.compile(r" ?[,;|\t\r\n]+ ?| (?:and|und|et|y|e|&) ", re.IGNORECASE)
_BLANKS = re.compile(" +")
_ENDS = " ,;|\t\r\n"
_TEL = re.compile("(?:tel|callto): ?", re.IGNORECASE)
_SIP = re.compile(r"<?sips?:(\+?[0-9]{7,15})@[^@ ]+", re.IGNORECASE)
_FULL_WIDTH = range(0xFF01, 0xFF5F)
"""Forms of ASCII's characters as wide as those of Chinese (Unicode, Halfwidth and Fullwidth Forms)."""

SPOILED = "a spreadsheet has shortened the number and its last digits are lost: format the column as text"
"""Why ``1.8E+10`` is refused, in columns of numbers and elsewhere."""


@dataclass(frozen=True, slots=True)
class NumberCell:
    """What a cell asks for: *targets*, or the *problem* because of which it asks for nothing.

    *note* says what was left out of it.
    """

    targets: tuple[str | Range, ...] = ()
    problem: str = ""
    note: str = ""

    @property
    def is_several(self) -> bool:
        """Whether there are more targets than one."""
        return len(self.targets) > 1 or any(isinstance(target, Range) for target in self.targets)


def read(cell: str) -> NumberCell:
    """Read a cell of numbers; what is no number at all is taken as it is written, if it may be a pattern."""
    if _PLAIN.fullmatch(cell):
        return NumberCell((cell,))
    if len(cell) > LONGEST:
        return _several(tidy(cell).split(), cell)
    text = tidy(cell)
    if not text:
        return NumberCell(problem="there is no number")
    if _is_nothing(text):
        return NumberCell(problem=f"{cell.strip()} is no number")
    if _SHORTENED.fullmatch(text):
        return NumberCell(problem=SPOILED)
    return _as_range(text) or _as_list(text, cell) or _as_number(text) or _as_written(cell)


def is_number(cell: str) -> bool:
    """Say whether a cell holds numbers and nothing else."""
    found = read(cell)
    return bool(found.targets) and all(isinstance(t, Range) or DIALLED.fullmatch(t) for t in found.targets)


def stands_for_number(cell: str) -> bool:
    """Say whether a cell stands for a number, be it one or not; else it is a word, as of a header."""
    text = tidy(cell)
    return (
        is_number(cell) or _is_nothing(text) or spoiled(text) or sum(map(str.isdigit, text)) >= WHOLE_NUMBER
    )


def _is_nothing(text: str) -> bool:
    return text.casefold() in _NOTHING or bool(_SPREADSHEET_ERROR.fullmatch(text))


def has_whole_number(cell: str) -> bool:
    """Say whether a cell has a number that is one by itself, or a range of such."""
    return is_number(cell) and all(
        isinstance(target, Range) or _is_whole(target) for target in read(cell).targets
    )


def is_plain(cell: str) -> bool:
    """Say whether a cell is a number as it is stored."""
    return bool(_PLAIN.fullmatch(cell))


def spoiled(cell: str) -> bool:
    """Say whether a spreadsheet has written a number as ``1.8E+10``: its last digits are lost."""
    return bool(_SHORTENED.fullmatch(cell))


def unquoted(cell: str) -> str:
    """Return what a spreadsheet was told not to calculate with: of ``="123"`` and ``'123`` it is 123."""
    text = cell.strip()
    bare = text.strip(_QUOTES)
    if bare != text and DIALLED.match(bare):
        text = bare
    elif bare.startswith("="):
        value = bare.lstrip("=" + _QUOTES)
        text = value if DIALLED.fullmatch(value) else text
    whole = _WHOLE_DECIMAL.fullmatch(text)
    return whole[1] if whole else text


def tidy(cell: str) -> str:
    """Return *cell* with plain dashes, blanks and digits, and without characters that are not seen."""
    text = cell if cell.isascii() else "".join(map(_plain, cell))
    text = unquoted(_BLANKS.sub(" ", text).strip(_ENDS))
    if ":" not in text:
        return text
    sip = _SIP.fullmatch(text)
    return sip[1] if sip else unquoted(_TEL.sub("", text, count=1) if _TEL.match(text) else text)


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Pd" or character in "\u2212\u2043":
        return "-"
    if category == "Zs":
        return " "
    if ord(character) in _FULL_WIDTH:
        return chr(ord(character) - _FULL_WIDTH.start + ord("!"))
    return "" if category == "Cf" else character


def _as_range(text: str) -> NumberCell | None:
    begin = _FROM.match(text)
    text = text[begin.end() :] if begin else text
    for separator in (_RANGE_WORD, _SPACED_DASH):
        ends = separator.split(text)
        is_word = separator is _RANGE_WORD
        if len(ends) == 2 and (found := _range_of(ends, is_certain=is_word)):  # both ends
            return found
    return _ranged(text)


def _range_of(ends: Sequence[str], *, is_certain: bool) -> NumberCell | None:
    first, last = map(_dialled, ends)
    if not first or not last:
        return None
    if is_certain and first.isdigit() and len(first) == len(last) and first <= last:
        return NumberCell((Range("", len(first), int(first), int(last)),))
    return _ranged(f"{first}-{last}")


def _ranged(text: str) -> NumberCell | None:
    found = targets.parse(text)
    if found is None:
        return None
    return NumberCell((found,)) if isinstance(found, Range) else NumberCell(problem=found.reason)


def _as_list(text: str, cell: str) -> NumberCell | None:
    pieces = [piece for piece in _BETWEEN.split(text) if piece]
    if len(pieces) > 1:
        return (
            _several(pieces, cell) if any(map(str.isdigit, text)) and not _EXTENSION.fullmatch(text) else None
        )
    spaced = text.split()
    if len(spaced) > 1 and all(map(_is_whole, spaced)):
        return _several(spaced, cell)
    if sum(map(str.isdigit, text)) <= DIGITS_MOST or text.isdigit():
        return None
    divided = text.split("/")
    if len(divided) > 1 and all(map(_is_whole, divided)):
        return _several(divided, cell)
    return None


def _is_whole(piece: str) -> bool:
    number = _dialled(piece)
    return number is not None and WHOLE_NUMBER <= len(number.lstrip("+")) <= DIGITS_MOST


def _several(pieces: Sequence[str], cell: str) -> NumberCell:
    """Return the numbers of a cell with more than one; all of them are whole, or the cell is refused."""
    found: list[str | Range] = []
    for piece in pieces:
        one = _as_range(piece) or _as_number(piece)
        if one is None or not (one.problem or isinstance(one.targets[0], Range) or _is_whole(piece)):
            shown = cell.strip()
            return NumberCell(problem=f"{shown[:50]} is not one number, and not several whole ones")
        if one.problem:
            return one
        found += one.targets
    return NumberCell(tuple(found))


def _as_number(text: str) -> NumberCell | None:
    if number := _dialled(text):
        return NumberCell((number,))
    extended = _EXTENSION.fullmatch(text)
    number = _dialled(extended[1].strip(" ,;(")) if extended else None
    if not extended or not number:
        return None
    # What looks like an extension may be a mask: 1800222x100 is a hundred numbers.
    is_glued = extended.end(1) == extended.start(2) and len(extended[2]) == 1
    if len(number.lstrip("+")) < (FULL_NUMBER if is_glued else WHOLE_NUMBER):
        return None
    return NumberCell((number,), note=f"without its extension {extended[3]}")


def _dialled(text: str) -> str | None:
    return number_groups.dialled(unquoted(text))


def _as_written(cell: str) -> NumberCell:
    written = cell.strip()
    text = tidy(cell)
    is_digits = bool(DIALLED.fullmatch(number_groups.digits_of(text)))
    if is_digits and number_groups.is_no_number(text):
        return NumberCell(problem=f"{written} is no telephone number")
    problem = patterns.problem(written)
    if problem is None:
        return NumberCell((written,))
    if is_digits:
        return NumberCell(problem="it may be several numbers, or a range: write each number by itself")
    return NumberCell(problem=problem.reason)


Reader = Callable[[str], NumberCell]
"""Reads a cell of numbers, as `read` does."""


def as_it_stands(cell: str) -> NumberCell:
    """Take a cell for the pattern of a DID that is there, however odd, if it may be one; else `read` it."""
    written = cell.strip()
    return NumberCell((written,)) if written and not patterns.problem(written) else read(cell)
