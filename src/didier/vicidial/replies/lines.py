"""What an answer is made of, and the forms that VICIdial's lines have.

A `Line` is what is sent and what is logged of it: VICIdial logs the text between ``RESULT:`` and the user
as the reason, and what follows the user as the data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an answer: *text* is sent; the rest goes to the API log."""

    result: str
    reason: str
    data: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The lines of an answer and its HTTP status.

    *outcome* is what the service returned, for formats that show more of it than the lines do. *sent* is
    set when an answer that was sent before is repeated to the letter, in whatever format it had. *agent_user*
    is logged instead of the parameter of that name.
    """

    lines: tuple[Line, ...]
    status: int = 200
    outcome: object = None
    sent: str | None = None
    agent_user: str | None = None

    @property
    def body(self) -> str:
        """The text that is sent."""
        if self.sent is not None:
            return self.sent
        if self.status == 418:  # VICIdial ends this answer without a line feed
            return self.lines[0].text
        return "".join(f"{line.text}\n" for line in self.lines)


def data_line(result: str, reason: str, user: str, data: str) -> Line:
    """``RESULT: reason - user|data``"""
    return Line(result, reason, data, f"{result}: {reason} - {user}|{data}")


def error_line(reason: str, user: str, data: str, end: str = "") -> Line:
    """``ERROR: reason: |user|data``"""
    return Line("ERROR", reason, data, f"ERROR: {reason}: |{user}|{data}{end}")


def one(line: Line) -> Reply:
    """Return the answer of a single line."""
    return Reply((line,))
