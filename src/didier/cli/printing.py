"""What commands print: tables for people, JSON and CSV for pipes."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from dataclasses import fields as dataclass_fields
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Generic, TypeVar

import typer

from didier.cli import terminal
from didier.domain.spreadsheets import guarded
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDE = 1_000
"""Columns of a table in a pipe: nothing is cut or wrapped there."""

SHOWN = 100
"""Rows of a table unless more are asked for."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with all fields.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, with all fields.")]
Limit = Annotated[
    int | None,
    typer.Option(min=0, help=f"Most rows; 0 for all. Default: {SHOWN} in a table, all in JSON and CSV."),
]

PAGE, PAGE_MOST = 200, 1_000
"""Rows that are asked for at once, for a table and for a pipe."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table: its head, and what it shows of a row; a short one is never wrapped."""

    head: str
    cell: Callable[[T], object]
    short: bool = False


def console(*, error: bool = False) -> "Console":
    """Return where tables are printed."""
    from rich.console import Console

    made = Console(stderr=error, highlight=False)
    return made if made.is_terminal else Console(stderr=error, highlight=False, width=WIDE)


def table(*heads: str) -> "Table":
    """Return an empty table."""
    from rich.table import Table

    return Table(*heads)


def listing(
    found: Iterable[T], columns: Sequence[Column[T]], as_json: bool, as_csv: bool, limit: int | None
) -> None:
    """Print a list: as a table with *columns*, or with all fields for a pipe."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv cannot be used together")
    rows = found if not limit else islice(found, limit)
    if as_json:
        print_json_list(map(fields, rows))
    elif as_csv:
        print_csv(map(fields, rows))
    else:
        _print_table(found, columns, SHOWN if limit is None else limit)


def page(whole: bool) -> int:
    """Return how many rows are asked for at once; *whole*: all are wanted."""
    return PAGE_MOST if whole else PAGE


def _print_table(found: Iterable[T], columns: Sequence[Column[T]], limit: int) -> None:
    shown = table()
    for column in columns:
        shown.add_column(column.head, no_wrap=column.short)
    rows = iter(found)
    for row in islice(rows, limit or None):
        shown.add_row(*(_text(column.cell(row)) for column in columns))
    if not shown.row_count:
        terminal.say("There are none.", err=True)
        return
    console().print(shown)
    if limit and next(rows, None) is not None:
        terminal.say(f"The first {limit} are shown; --limit 0 shows all.", err=True)


def _text(value: object) -> Any:
    from rich.text import Text

    return value if isinstance(value, Text) else Text(terminal.safe_text(value))


def fields(row: Any) -> dict[str, Any]:
    """Return all fields of a row but those that it does not show itself."""
    if isinstance(row, Mapping):
        return dict(row)
    return {one.name: getattr(row, one.name) for one in dataclass_fields(row) if one.repr}


def print_json(value: Any) -> None:
    """Print one value."""
    terminal.say_json(json.dumps(value, default=_json, indent=2, ensure_ascii=False))


def print_json_list(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print an array, a row to a line, as they come."""
    begin = "["
    for row in rows:
        terminal.say_json(f"{begin}\n{json.dumps(row, default=_json, ensure_ascii=False)}", end="")
        begin = ","
    terminal.say_json("\n]" if begin == "," else "[]")


def print_csv(rows: Iterable[Mapping[str, Any]]) -> None:
    """Print a table whose head is the first row's; no cell is a formula for a spreadsheet."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    for number, row in enumerate(rows):
        if number == 0:
            writer.writerow(map(terminal.cell, row))
        writer.writerow(terminal.cell(guarded(as_text(value))) for value in row.values())


def as_text(value: object) -> str:
    """Return a value as one text: a list with blanks between, what is no plain value as JSON."""
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple) and all(isinstance(one, str) for one in value):
        return " ".join(value)
    return json.dumps(value, default=_json, ensure_ascii=False)


def _json(value: object) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return fields(value)
    raise TypeError(f"{type(value).__name__} is no JSON")


def when(moment: datetime | None) -> str:
    """Return a moment as tables show it: local time, to the second; as it is where that has no year."""
    if moment is None:
        return ""
    with suppress(OverflowError):  # the last day of the year 9999, for whom it is later than at the server
        moment = moment.astimezone()
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def can_ask() -> bool:
    """Say whether somebody sits at a terminal who can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, yes: bool) -> None:
    """Ask before what cannot be taken back easily; where nobody can be asked, *yes* has to be given."""
    if yes:
        return
    if not can_ask():
        raise WrongSetting(f"{question} There is no terminal to ask on: add --yes")
    terminal.agreed(question, abort=True)


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def numbered(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def pairs(rows: Iterable[tuple[str, object]]) -> Iterator[str]:
    """Yield lines of names and values, the names of one width."""
    listed = list(rows)
    width = max((len(name) for name, _ in listed), default=0)
    for name, value in listed:
        yield f"  {name:<{width}}  {terminal.safe_text(value)}".rstrip()
