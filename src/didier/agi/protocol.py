"""The Asterisk Gateway Interface in bytes: what a channel says of itself, commands, and their replies.

Sources: "Asterisk Gateway Interface" in Asterisk's documentation, and what was seen of Asterisk 18.26:
"Real Asterisk" in ``tests/conformance/agi/routing.md``. Lines end in a line feed alone: a carriage return
would be part of the last argument.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

ENVIRONMENT_BYTES = 65_536
"""Most bytes of what a channel says of itself, and of a reply."""

LINES = 200
"""Most lines of the same."""

_HANGUP = b"HANGUP"
_REPLY = re.compile(rb"([0-9]{3})( result=(-?[0-9]+)?(?: \((.*)\))?.*|[ -].*|)", re.DOTALL)


class Misunderstood(Exception):
    """The other side speaks something else, or too much of it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What a channel says of itself, by name (``agi_extension``)."""

    values: Mapping[str, str]

    @property
    def script(self) -> str:
        """The name of the script that is asked for: ``did-route`` of ``agi://HOST/did-route``."""
        asked = self.values.get("agi_network_script") or self.values.get("agi_request", "")
        try:
            return urlsplit(asked).path.strip("/")
        except ValueError:  # brackets that are no address
            return ""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a command: 200, or why it was refused; *value* stands in parentheses."""

    code: int
    value: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the command was carried out."""
        return self.code == 200


@dataclass(slots=True)
class Reading:
    """Takes bytes as they come; `environment` and `reply` have what they say.

    `hung_up` is set when the caller has gone: a line says so before, behind or instead of a reply.
    """

    environment: Environment | None = None
    reply: Reply | None = None
    hung_up: bool = False
    _rest: bytes = b""
    _values: dict[str, str] = field(default_factory=dict)
    _lines: int = 0
    _bytes: int = 0  # in these lines
    _usage: int = 0  # the code of a refusal that takes several lines
    _is_asked: bool = False

    def ask(self) -> None:
        """Wait for a reply from now on; raise `Misunderstood` where one has begun that nobody asked for.

        It would be taken for that of the command, which may have been refused.
        """
        if not _HANGUP.startswith(self._rest):
            raise Misunderstood("a reply without a command")
        self.reply, self._is_asked = None, True

    def feed(self, data: bytes) -> None:
        """Take *data*; raise `Misunderstood` where it can be nothing that Asterisk says."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._count(line)
            if line.strip() == _HANGUP:
                self.hung_up = True
            elif self.environment is None:
                self._of_environment(line)
            else:
                self._of_reply(line)
        if self._bytes + len(self._rest) > ENVIRONMENT_BYTES:
            raise Misunderstood("a line without end")

    def _count(self, line: bytes) -> None:
        self._lines += 1
        self._bytes += len(line)
        if self._lines > LINES or self._bytes > ENVIRONMENT_BYTES:
            raise Misunderstood("too many lines, or too long")

    def _of_environment(self, line: bytes) -> None:
        if line in {b"", b"\r"}:
            self.environment = Environment(self._values)
            self._lines = self._bytes = 0
            return
        name, colon, value = line.decode("utf-8", "replace").partition(":")
        if not colon or not name.startswith("agi_"):
            raise Misunderstood("no environment of a channel")
        self._values[name] = value.lstrip(" ").rstrip("\r")

    def _of_reply(self, line: bytes) -> None:
        if self._usage:
            if line.startswith(b"%d " % self._usage):
                self._end(self._usage, b"")
            return
        found = _REPLY.fullmatch(line.rstrip(b"\r"))
        if found is None:
            raise Misunderstood("no reply")
        if line[3:4] == b"-":
            self._usage = int(found[1])
        else:
            self._end(int(found[1]), found[4] or b"")

    def _end(self, code: int, value: bytes) -> None:
        if not self._is_asked:
            raise Misunderstood("a reply without a command")
        self.reply, self._is_asked = Reply(code, value.decode("utf-8", "replace")), False
        self._usage = self._lines = self._bytes = 0


def command(line: str) -> bytes:
    """Return a command, whose *line* is as it has to be."""
    return f"{line}\n".encode()
