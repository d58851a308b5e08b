"""`didier copy`: copy a DID to numbers, ranges or the rows of a CSV table, or preview it."""

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from didier.cli import batches, outcomes, printing, vicidial
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.printing import AsJson, Column, Limit, numbered
from didier.cli.table_options import AllowImplausible, AllowNowhere, IgnoreColumns, Map, reading
from didier.cli.table_options import Column as NumberColumn
from didier.cli.terminal import say
from didier.cli.values import Blank, Set, items, values

if TYPE_CHECKING:
    from didier.client import Batch, Preview, Previewed

_STYLES = {
    "new": "green", "similar": "yellow", "exists": "red", "duplicate": "magenta", "invalid": "bold red",
    "implausible": "bold red", "nowhere": "bold red",
}  # fmt: skip
"""The colour of each status of a target in a preview."""


@with_connection_options
def copy(
    connection: ConnectionOptions,
    source: Annotated[str, typer.Argument(help="The DID to copy.", metavar="SOURCE")],
    targets: Annotated[
        list[str] | None,
        typer.Argument(
            help="The new DIDs: numbers, lists with commas, ranges like 18002220000-18002220099.",
            metavar="TARGET",
        ),
    ] = None,
    csv: Annotated[
        str | None,
        typer.Option(
            "--csv",
            help="Take the new DIDs from a CSV file with a column 'target' and columns of DIDs; - for"
            " standard input.",
            metavar="FILE",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be created. Status 1 if it is refused.")
    ] = False,
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Create the copies inactive: they accept no calls yet.")
    ] = False,
    assigned: Set = None,
    blank: Blank = None,
    description: Annotated[str | None, typer.Option(help="Description of all copies.")] = None,
    description_template: Annotated[
        str | None,
        typer.Option(
            help="Description of each copy: {target}, {source}, fields of the source or columns of the CSV."
        ),
    ] = None,
    atomic: Annotated[
        bool,
        typer.Option(
            "--atomic/--best-effort",
            help="If some DIDs cannot be created: create none, or create the others (the default).",
            show_default=False,
        ),
    ] = False,
    column: NumberColumn = None,
    mapped: Map = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    as_json: AsJson = False,
    limit: Limit = None,
) -> None:
    """Copy a DID to new numbers.

    The copies ordered together are a batch, which can be watched and undone.

    Example: didier copy 18001234567 18002220000-18002220099 --inactive --dry-run
    """
    named, told = (
        items(targets or ()),
        reading(column, mapped, ignore_columns, allow_implausible, allow_nowhere),
    )
    if bool(named) == (csv is not None):
        raise typer.BadParameter("give numbers, or a file with --csv, but not both", param_hint="TARGET...")
    if connection.on_vicidial(
        dry_run=dry_run, inactive=inactive, set=assigned, blank=blank, atomic=atomic,
        description_template=description_template, json=as_json, **told,
    ):  # fmt: skip
        vicidial.copy(connection, source, named, csv, description)
        return
    order: dict[str, Any] = {
        "to": None if csv else named, "active": False if inactive else None, "description": description,
        "description_template": description_template, "set": values(assigned, blank), "atomic": atomic,
        **told,
    }  # fmt: skip
    with connection.client() as client:
        with batches.sending(connection, csv) as table:
            if dry_run:
                preview = client.preview(source, csv=table, **order)
            else:
                batch = client.copy(source, csv=table, **order)
        if dry_run:
            _show_preview(preview, as_json, limit)
        else:
            _finish(batch, connection, source, as_json)


def _finish(batch: "Batch", connection: ConnectionOptions, source: str, as_json: bool) -> None:
    """Watch a batch until it ends and print its outcome; a small one line by line."""
    if batch.reported is None:
        batch = batches.follow(batch, connection)
        outcomes.report(batch, as_json)
    elif as_json:
        printing.print_json({**printing.fields(batch), "items": batch.reported})
    else:
        _tell(source, batch)
    outcomes.ended(batch)


def _tell(source: str, batch: "Batch") -> None:
    items = list(batch.items())
    for item in items:
        if item.outcome == "added":
            say(f"{source} -> {item.target} (DID {item.did_id})")
        else:
            outcomes.say_not_done(item, batch.kind)
    outcomes.say_notes(item for item in items if item.outcome == "added")


_TARGETS: Sequence[Column["Previewed"]] = (
    Column("Place", lambda seen: seen.position, short=True),
    Column("Target", lambda seen: seen.target, short=True),
    Column("Status", lambda seen: _coloured(seen.status), short=True),
    Column("Why", lambda seen: _why(seen)),
)


def _coloured(status: str) -> object:
    from rich.text import Text

    return Text(status, _STYLES.get(status, ""))


def _why(seen: "Previewed") -> str:
    differs = [f"{name} is {d.now!r}, would be {d.would_be!r}" for name, d in seen.differs.items()]
    return "; ".join(filter(None, [seen.reason, *differs]))


def _show_preview(preview: "Preview", as_json: bool, limit: int | None) -> None:
    """Print what would be made, and end with status 1 if the order would be refused."""
    totals = preview.totals
    if as_json:
        items = map(printing.fields, islice(preview.items(), limit or None))
        printing.print_json({"possible": preview.possible, "totals": totals, "items": list(items)})
    else:
        printing.listing(preview.items() if limit == 0 else preview.shown, _TARGETS, False, False, limit)
        statuses = (name for name in _STYLES if getattr(totals, name))
        say(f"{numbered(totals.requested, 'target')}: " + ", ".join(
            f"{getattr(totals, name):,} {name}" for name in statuses
        ))  # fmt: skip
        refused = "" if preview.possible else " The order would be refused."
        say(f"Nothing was written.{refused}")
    if not preview.possible:
        raise typer.Exit(Status.REFUSED)
