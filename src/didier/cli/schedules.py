"""`didier schedule`: opening hours that DIDs have."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import json_files, printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import Schedule

app = typer.Typer(help="Opening hours that DIDs have, and where calls go outside them.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="Name of the schedule.")]
Search = Annotated[str | None, typer.Argument(help="Part of the name.")]
File = Annotated[
    typer.FileText,
    typer.Argument(help="JSON as `didier schedule show NAME --json` prints it; - for standard input."),
]

OF_THE_MOMENT = ("name", "open", "reason", "next_opening", "upcoming")
"""What a schedule shows besides its values: left out where it is stored."""

_COLUMNS: Sequence[Column["Schedule"]] = (
    Column("Name", lambda one: one.name, short=True),
    Column("Now", lambda one: "open" if one.open else "closed", short=True),
    Column("Opens", lambda one: one.next_opening, short=True),
    Column("Time zone", lambda one: one.time_zone),
    Column("Outside", lambda one: one.outside),
)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions,
    search: Search = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List schedules, and whether they are open.

    Example: didier schedule list
    """
    with connection.client() as client:
        found = client.schedules(search, page_size=printing.page(as_json or as_csv))
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def show(connection: ConnectionOptions, name: Name, as_json: AsJson = False) -> None:
    """Show a schedule, whether it is open, and the next days with other hours.

    Example: didier schedule show office
    """
    with connection.client() as client:
        found = client.schedule(name)
    if as_json:
        printing.print_json(printing.fields(found))
    else:
        _show(found)


def _show(found: "Schedule") -> None:
    opening = found.next_opening  # in the time zone of the schedule, as its hours are
    opens = f"; it opens {opening:%Y-%m-%d %H:%M} {found.time_zone}" if opening else ""
    say(f"The schedule {found.name} is {'open' if found.open else 'closed'}: {found.reason}{opens}.")
    rows: list[tuple[str, object]] = [("time zone", found.time_zone)]
    rows += [(day, ", ".join(spans) or "closed") for day, spans in found.hours.items()]
    rows += [
        ("outside", found.outside),
        ("holidays", " ".join(filter(None, (found.country, found.subdivision))) or "none"),
        ("user group", found.user_group),
    ]
    rows += [(day.date, f"{', '.join(day.hours) or 'closed'} ({day.name})") for day in found.upcoming]
    say(*printing.pairs(rows))


@app.command("set")
@with_connection_options
def set_(connection: ConnectionOptions, name: Name, file: File) -> None:
    """Store a schedule in the place of the one with its name, from a file.

    Example: didier schedule set office office.json
    """
    values = json_files.values(file, "a schedule", OF_THE_MOMENT)
    with connection.client() as client:
        stored = client.set_schedule(name, values)
    say(f"The schedule {stored.name} was stored; it is {'open' if stored.open else 'closed'}.")


@app.command()
@with_connection_options
def delete(connection: ConnectionOptions, name: Name, yes: Yes = False) -> None:
    """Delete a schedule that no DID has.

    Example: didier schedule delete office --yes
    """
    printing.confirm(f"Delete the schedule {name}?", yes)
    with connection.client() as client:
        client.delete_schedule(name)
    say(f"The schedule {name} was deleted.")
