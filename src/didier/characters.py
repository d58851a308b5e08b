"""Characters that command whoever shows a text: they come into no new text, and are shown as what they are.

A terminal obeys control characters (Unicode category Cc, of which ESC and the C1 controls begin commands);
the controls of bidirectional text let a number read as another (Unicode Technical Report 36, section 3.6);
separators of lines and paragraphs let one line look like two; surrogates and noncharacters are no text at
all. Joiners, which emoji and some scripts need, are left alone. No field of VICIdial has more than one line,
so that tabs and line ends are control characters like the others.
"""

import re

_PLANE_ENDS = "".join(chr(plane << 16 | end) for plane in range(1, 17) for end in (0xFFFE, 0xFFFF))
_NOT_TEXT = (
    "\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
    f"{chr(0xD800)}-{chr(0xDFFF)}{chr(0xFDD0)}-{chr(0xFDEF)}{chr(0xFFFE)}{chr(0xFFFF)}{_PLANE_ENDS}"
)
_REFUSED = re.compile(f"[\0-\x1f{_NOT_TEXT}]")
_NOT_IN_JSON = re.compile(f"[{_NOT_TEXT}]")
"""Those that JSON may hold as they are; it escapes the others itself."""

_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def refused(text: str) -> str | None:
    """Say what a text would have to be without, and where it is; None where it may be stored."""
    found = _REFUSED.search(text)
    if found is None:
        return None
    return f"a text without control characters (U+{ord(found[0]):04X} is character {found.start() + 1})"


def visible(text: str) -> str:
    r"""Return *text* as a terminal shows it and does not obey it: ``\x1b``, ``\u202e``, ``\n``."""
    return text if text.isascii() and text.isprintable() else _REFUSED.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code <= 0xFF:
        return _NAMED.get(found[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible_json(text: str) -> str:
    r"""Return JSON *text* with these characters as ``\u001b``: the same to programs, no command."""
    return text if text.isascii() and "\x7f" not in text else _NOT_IN_JSON.sub(_escape_json, text)


def _escape_json(found: re.Match[str]) -> str:
    pairs = found[0].encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{pairs[place : place + 4]}" for place in range(0, len(pairs), 4))
