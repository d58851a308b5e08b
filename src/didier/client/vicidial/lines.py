"""The lines that VICIdial answers, read. Text in, values out: no socket.

An answer is lines such as ::

    NOTICE: copy_did DID HAS BEEN ADDED - user|18002223333|18001234567|2|1
    ERROR: copy_did SOURCE DID DOES NOT EXIST: |user|18001234567
    ERROR: user_details USER NOT FOUND: user|1001

or rows without a prefix. Around them there may be blank lines, the tags of a page, and warnings of PHP;
the status says little, as VICIdial acts and prints its line before it fails.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

MASK = "***"
"""What stands where a password was."""

Row = TypeVar("Row")

SHOWN = 500
"""Characters of an answer that an error shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: ``KIND: function TEXT - user|data`` or ``KIND: function TEXT: |user|data``.

    *function* is empty where the line names none, *data* is what follows the user, taken apart at ``|``.
    """

    kind: str  # SUCCESS, NOTICE or ERROR
    function: str
    text: str
    user: str = ""
    data: tuple[str, ...] = ()


_LINE = re.compile(
    r"(?P<kind>SUCCESS|NOTICE|ERROR): (?:(?P<function>[a-z]+(?:_[a-z]+)+|auth) )?(?P<text>.*?)"
    r"(?:(?: - |: \|)(?P<rest>.*)|: (?P<searched>[^ |]*\|.*))?"
)
_SIGN_IN = "Login incorrect"
_VERSION = re.compile(r"VERSION: (?P<version>[^|]*)\|BUILD: (?P<build>[^|]*)\|(?P<rest>.*)")
_NOISE = re.compile(
    r"\s*(?:<.*|(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards|Fatal error|Parse error): .*)?"
)


def read(text: str) -> list[Line]:
    """Return the lines in an answer; whatever else stands in it is passed over."""
    return [line for line in map(_line, _split(text)) if line]


def _split(text: str) -> list[str]:
    return [line.strip("\r\ufeff") for line in text.split("\n")]


def _line(text: str) -> Line | None:
    found = _LINE.fullmatch(text)
    if not found:
        return None
    kind, function, words, rest, searched = found.groups()
    user, *data = (searched or rest or "").split("|")
    if words.startswith(_SIGN_IN):
        data = [MASK, *data[1:]]  # VICIdial shows the password that was sent
    return Line(kind, function or "", words, user, tuple(data))


@dataclass(frozen=True, slots=True)
class Version:
    """What a server says of itself: VICIdial's *version* and *build*."""

    version: str
    build: str


def read_version(text: str) -> Version | None:
    """Return what the line of the function ``version`` says, or None where there is no such line."""
    found = next(filter(None, map(_VERSION.fullmatch, _split(text))), None)
    return found and Version(found["version"], found["build"])


@dataclass(frozen=True, slots=True)
class LoggedCall:
    """A call to a DID: *seconds* are those from its beginning to the end of its last row in a queue."""

    number: str
    caller_id: str
    called_at: datetime
    seconds: int


@dataclass(frozen=True, slots=True)
class UserDetails:
    """What VICIdial tells of a user."""

    user: str
    full_name: str
    user_group: str
    user_level: int
    active: bool


def read_calls(text: str) -> list[LoggedCall] | None:
    """Return the rows of ``did_log_export`` with the tab between them; None if one cannot be read."""
    return _rows(text, _call)


def _call(row: str) -> LoggedCall | None:
    # VICIdial does not quote, so what a caller is called may hold anything.
    found = re.fullmatch(r"([^\t]*)\t(.*)\t(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\t(-?\d+)", row, re.ASCII)
    if not found:
        return None
    try:
        return LoggedCall(found[1], found[2], datetime.fromisoformat(found[3]), int(found[4]))
    except ValueError:  # 0000-00-00, or more digits than a number has
        return None


def read_users(text: str) -> list[UserDetails] | None:
    """Return the rows of ``user_details``; None if one cannot be read."""
    return _rows(text, _user)


def _user(row: str) -> UserDetails | None:
    found = re.fullmatch(r"([^|]*)\|(.*)\|([^|]*)\|(\d{1,4})\|([YN])", row, re.ASCII)
    return found and UserDetails(found[1], found[2], found[3], int(found[4]), found[5] == "Y")


def _rows(text: str, read_row: Callable[[str], Row | None]) -> list[Row] | None:
    # A line that is passed over here would be a row that is lost, so only known noise is.
    rows = [read_row(line) for line in _split(text) if not _NOISE.fullmatch(line)]
    known = [row for row in rows if row is not None]
    return known if known and len(known) == len(rows) else None


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with `MASK` for each of the *secrets*, as sent and as VICIdial's clean-up leaves them."""
    forms = {form for secret in secrets for form in (secret, re.sub(r"[^\w-]", "", secret)) if form}
    forms |= {re.sub(r"[^A-Za-z0-9_-]", "", form) for form in forms} - {""}
    if not forms:
        return text
    longest_first = sorted(forms, key=len, reverse=True)
    return re.sub("|".join(map(re.escape, longest_first)), MASK, text)


def excerpt(text: str) -> str:
    """Return the beginning of an answer, without the tags of a page, on one line."""
    words = " ".join(re.sub(r"<(style|script)\b.*?</\1>|<[^>]*>", " ", text, flags=re.S | re.I).split())
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"
