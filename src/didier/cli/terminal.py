"""The one way to standard output and standard error: what is shown commands no terminal.

Whatever a database or a server has sent may hold control characters; they are shown as what they are. Tables
and bars are printed by Rich, with texts from `safe_text`.
"""

import codecs
import sys
from typing import IO, BinaryIO, cast

import typer

from didier.characters import visible, visible_json


def safe_text(value: object) -> str:
    """Return *value* as text that a terminal shows and does not obey; None is an empty one."""
    return "" if value is None else visible(str(value))


def say(*lines: str, err: bool = False) -> None:
    """Print *lines*, on standard error if *err*; a line end within one is shown and does not end it."""
    for line in lines:
        typer.echo(visible(line), err=err)


def say_json(text: str, *, end: str = "\n") -> None:
    """Print JSON; it is the same on a terminal and in a pipe."""
    typer.echo(visible_json(text) + end, nl=False)


def ask(question: str, *, hide: bool = False, twice: bool = False) -> str:
    """Ask on the terminal; return what was typed."""
    answer: str = typer.prompt(visible(question), hide_input=hide, confirmation_prompt=twice, err=True)
    return answer


def agreed(question: str, *, default: bool | None = False, abort: bool = False) -> bool:
    """Ask for yes or no; *default* is what no answer means, None: ask again. *abort* ends on a no."""
    return typer.confirm(visible(question), default=default, abort=abort, err=True)


def cell(text: str) -> str:
    """Return the text of a CSV cell for standard output: as it is in a pipe, visible on a terminal."""
    return visible(text) if sys.stdout.isatty() else text


def output(*, is_json: bool) -> IO[bytes]:
    """Return standard output for a file that comes in pieces: as it is in a pipe, visible on a terminal."""
    if not sys.stdout.isatty():
        return sys.stdout.buffer
    return cast(IO[bytes], _Shown(sys.stdout.buffer, is_json))


class _Shown:
    """Writes text in UTF-8 to a terminal, whatever pieces it comes in; its line ends stay."""

    def __init__(self, file: BinaryIO, is_json: bool) -> None:
        self._file = file
        self._is_json = is_json
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""

    def write(self, piece: bytes) -> int:
        text = self._rest + self._decoder.decode(piece)
        self._rest = "\r" if text.endswith("\r") else ""  # half a line end, perhaps
        lines = text.removesuffix("\r").replace("\r\n", "\n").split("\n")
        shown = (visible(visible_json(line) if self._is_json else line) for line in lines)
        self._file.write("\n".join(shown).encode())
        return len(piece)
