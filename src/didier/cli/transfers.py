"""`didier export` and `didier import`: DIDs to files and from them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from didier.cli import batches, outcomes, printing, progress_bars
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.dids import (
    Active,
    Carrier,
    Check,
    CopiedFrom,
    Destination,
    InGroup,
    LeadsNowhere,
    Locked,
    Route,
    Tag,
    UserGroup,
)
from didier.cli.failures import Status
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, numbered
from didier.cli.progress_bars import ProgressBar
from didier.cli.table_options import AllowImplausible, AllowNowhere, IgnoreColumns, Map, reading
from didier.cli.table_options import Column as NumberColumn
from didier.cli.terminal import output, say
from didier.client import exporting
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from didier.client import Didier, Exported
    from didier.client.models import Import, ImportedItem, Item

STANDARD = "-"
"""What stands for standard input and output."""

Form = Literal["csv", "ndjson"]

_COLUMNS: Sequence[Column["ImportedItem | Item"]] = (
    Column("Row", lambda item: item.position, short=True),
    Column("DID", lambda item: item.target, short=True),
    Column("Outcome", lambda item: item.outcome, short=True),
    Column("Why", lambda item: item.reason),
)


@with_connection_options
def export(
    connection: ConnectionOptions,
    file: Annotated[
        str, typer.Argument(help="The file to write; - for standard output.", metavar="FILE")
    ] = STANDARD,
    form: Annotated[
        str | None, typer.Option("--format", help="csv or ndjson. Default: by the name of the file.")
    ] = None,
    search: Annotated[str | None, typer.Option(help="Only DIDs with this in number or description.")] = None,
    route: Route = None,
    active: Active = None,
    user_group: UserGroup = None,
    in_group: InGroup = None,
    carrier: Carrier = None,
    copied_from: CopiedFrom = None,
    destination: Destination = None,
    tag: Tag = None,
    locked: Locked = None,
    leads_nowhere: LeadsNowhere = None,
    check: Check = None,
) -> None:
    """Write all fields of DIDs to a file. The file appears only when it is complete.

    The CSV can be used unchanged with didier copy --csv and didier import.

    Example: didier export dids.csv --in-group SALES
    """
    kind = _form(form, file)
    with connection.client() as client:
        done = _write(
            client, file, kind, search=search, route=route, active=active, user_group=user_group,
            group_id=in_group, carrier=carrier, copied_from=copied_from, destination=destination, tag=tag,
            locked=locked, leads_nowhere=leads_nowhere, check=check,
        )  # fmt: skip
    say(f"{numbered(done.dids, 'DID')} written to {file}.", err=True)
    if done.sequence is not None:
        say(f"What has happened since: didier changes --after {done.sequence}", err=True)


def _write(client: "Didier", to: str, kind: Form, **filters: Any) -> "Exported":
    """Write an export while a bar shows how many DIDs have passed."""
    place = output(is_json=kind == "ndjson") if to == STANDARD else Path(to)
    try:
        with progress_bars.progress_bar() as bar, exporting.written(place) as file:
            shown = _Passing(file, exporting.Count(kind), bar)
            return client.export(cast("IO[bytes]", shown), format=kind, **filters)
    except OSError as error:
        if to == STANDARD:
            raise
        raise WrongSetting(f"{to}: cannot be written: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class _Passing:
    """A file that is written to while a bar shows how many DIDs have passed."""

    file: IO[bytes]
    count: exporting.Count
    bar: ProgressBar

    def write(self, piece: bytes) -> int:
        self.count.add(piece)
        self.bar.show("Exporting", self.count.dids, None)
        return self.file.write(piece)


def _form(named: str | None, file: str) -> Form:
    form = named or ("ndjson" if Path(file).suffix in {".ndjson", ".jsonl"} else "csv")
    if form not in {"csv", "ndjson"}:
        raise typer.BadParameter(f"{form!r} is neither csv nor ndjson", param_hint="--format")
    return cast(Form, form)


@with_connection_options
def import_(
    connection: ConnectionOptions,
    file: Annotated[str, typer.Argument(help="A CSV file; - for standard input.", metavar="FILE")],
    existing: Annotated[
        Literal["refuse", "skip", "update"], typer.Option(help="What to do with DIDs that exist.")
    ] = "refuse",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be imported.")] = False,
    atomic: Annotated[
        bool,
        typer.Option(
            "--atomic/--best-effort",
            help="If some rows cannot be imported: import none (the default), or the others.",
            show_default=False,
        ),
    ] = True,
    column: NumberColumn = None,
    mapped: Map = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    yes: Yes = False,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
    limit: Limit = None,
) -> None:
    """Create the DIDs of a CSV table, as written by 'didier export'.

    They are a batch, which can be undone; a table of more than 1,000 rows is watched while it is imported.

    Example: didier import dids.csv --existing update --dry-run
    """
    if existing == "update" and not dry_run:
        printing.confirm("Update the DIDs that exist?", yes)
    told = reading(column, mapped, ignore_columns, allow_implausible, allow_nowhere)
    with connection.client() as client:
        with batches.sending(connection, file) as table:
            done = client.import_dids(
                cast("IO[bytes]", table), existing=existing, dry_run=dry_run, atomic=atomic, **told
            )
        if not done.ended:
            batch = batches.follow(client.batch(done.batch or 0), connection)
            if as_json or as_csv:
                printing.listing(batch.items(), _COLUMNS, as_json, as_csv, limit)
            outcomes.ended(batch)
            done = replace(done, totals=batch.totals)
        elif as_json or as_csv or (dry_run and done.items):
            printing.listing(done.items, _COLUMNS, as_json, as_csv, limit)
    outcomes.say_notes(item for item in done.items if item.outcome == "added")
    say(_told(done), err=as_json or as_csv)
    if not done.possible:
        raise typer.Exit(Status.REFUSED)


def _told(done: "Import") -> str:
    """Say how many rows there are of each outcome."""
    counts = ((name, getattr(done.totals, name)) for name in ("added", "updated", *outcomes.NOT_DONE))
    listed = ", ".join(f"{count:,} {name}" for name, count in counts if count)
    told = "Nothing was written" if done.dry_run else f"Batch {done.batch}"
    return f"{told}: {listed}.{'' if done.possible else ' The import would be refused.'}"
