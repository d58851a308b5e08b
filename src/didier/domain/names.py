"""Names of users that look alike, or that a database takes for the same."""

import unicodedata

# Letters that no decomposition takes apart, and that collations of MariaDB take for the ones behind them
# (utf8mb3_general_ci, utf8mb4_unicode_520_ci, utf8mb4_uca1400_ai_ci, latin1_swedish_ci), or that differ
# from them by a stroke or a dot.
_ALIKE = str.maketrans({
    "\N{LATIN SMALL LETTER DOTLESS I}": "i", "ȷ": "j", "ð": "d", "đ": "d", "ø": "o", "ł": "l", "ħ": "h",
    "ŧ": "t", "ƀ": "b", "ɨ": "i", "æ": "ae", "œ": "oe", "ĸ": "k", "ŋ": "n",
})  # fmt: skip


def fold(name: str) -> str:
    """Return the text under which names of users that look alike are the same.

    Compatibility forms (NFKC), case, accents, strokes and blanks at the end make no difference. Two users
    whose names fold to one text are never created; users who are there are told apart by their ids.
    """
    plain = _without_marks(_without_marks(name).casefold())
    return plain.translate(_ALIKE).rstrip(" ")


def _without_marks(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
