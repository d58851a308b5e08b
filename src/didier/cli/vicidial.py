"""What commands do on a genuine VICIdial, where that differs from what they do on Didier."""

import codecs
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from didier.cli import progress_bars
from didier.cli.connection_options import ConnectionOptions
from didier.cli.failures import Status
from didier.cli.terminal import say
from didier.domain import inputs
from didier.domain.inputs import Entry, Row, RowRange
from didier.domain.targets import Range
from didier.errors import InvalidInput

if TYPE_CHECKING:
    from didier.client.vicidial import Result

PIECE_BYTES = 65_536

LEVEL = 8
"""User Level of a user for whom none is named; VICIdial's functions that change DIDs ask for 8
(``tests/conformance/behaviour.md``, section 4)."""


def copy(
    connection: ConnectionOptions,
    source: str,
    targets: Sequence[str],
    csv: str | None,
    description: str | None,
) -> None:
    """Copy a DID, with a line for each target as it becomes known; end with the status of `didier copy`."""
    from didier.client.vicidial import Added, CopyInterrupted, expand

    results: list[Result] = []
    with connection.vicidial_client() as client, progress_bars.progress_bar() as bar:
        wanted = expand(targets if csv is None else list(_rows(csv, bar)))

        def report(result: "Result") -> None:
            results.append(result)
            bar.show("Copying", len(results), len(wanted))

        try:
            client.copy(source, wanted, description, on_result=report)
        except CopyInterrupted:
            _report(source, results)
            raise
        except KeyboardInterrupt:
            _report(source, results)
            known = f"the outcomes of {len(results)} of {len(wanted)} are known"
            _say(f"interrupted; VICIdial may continue with the request: {known}")
            raise typer.Exit(Status.INTERRUPTED) from None
    _report(source, results)
    made = sum(isinstance(result, Added) for result in results)
    if made < len(results):
        raise typer.Exit(Status.PARTLY if made else Status.REFUSED)


def numbers(named: Sequence[str]) -> list[str]:
    """Return DIDs with the numbers of each range in its place: VICIdial takes no ranges."""
    from didier.client.vicidial import expand

    return expand(named)


def _rows(csv: str, bar: progress_bars.ProgressBar) -> Iterator[str]:
    """Yield the targets of a CSV table."""
    with progress_bars.opened(csv, bar) as table:
        text = codecs.iterdecode(iter(lambda: table.read(PIECE_BYTES), b""), "utf-8")
        for entry in inputs.of_unread(text, is_table=True):
            yield from _targets(entry)


def _targets(entry: Entry | RowRange) -> Iterator[str]:
    if isinstance(entry, Range):
        yield from entry
        return
    row = entry.row if isinstance(entry, RowRange) else entry
    if row.problem:
        raise InvalidInput(row.problem)
    if row.values:
        names = ", ".join(row.values)
        raise InvalidInput(f"{names}: copies on VICIdial have no values of their own")
    yield from (row.target for row in ([entry] if isinstance(entry, Row) else entry))


def _report(source: str, results: Sequence["Result"]) -> None:
    from didier.client.vicidial import Added, Exists

    for result in results:
        match result:
            case Added():
                say(f"{source} -> {result.pattern} (DID {result.did_id})")
            case Exists():
                _say(f"DID {result.pattern} already exists")
            case _:
                _say(f"{result.pattern!r} was not created: {result.reason}")


def _say(words: str) -> None:
    say(f"didier: {words}", err=True)


def add_user(connection: ConnectionOptions, name: str, password: str, settings: Mapping[str, Any]) -> None:
    """Make a user, without API rights: VICIdial's API gives none (section 6 of its rules)."""
    needed = {"full_name": name, "user_level": LEVEL, **settings}
    needed.pop("active", None)
    with connection.vicidial_client() as client:
        client.add_user(name, password, **needed)


def update_user(
    connection: ConnectionOptions, name: str, password: str | None, settings: Mapping[str, Any]
) -> None:
    """Change a user."""
    with connection.vicidial_client() as client:
        client.update_user(name, password=password, **settings)
