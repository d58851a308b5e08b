"""`didier log` and `calls`: requests to the APIs, and calls to a number."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit

if TYPE_CHECKING:
    from didier.client.models import InboundCall, LogLine
    from didier.client.vicidial import LoggedCall

FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]

Since = Annotated[datetime | None, typer.Option(formats=FORMATS, help="From this time on.")]
Until = Annotated[datetime | None, typer.Option(formats=FORMATS, help="Before this time.")]

_LOG: Sequence[Column["LogLine"]] = (
    Column("When", lambda line: line.when, short=True),
    Column("User", lambda line: line.user),
    Column("Function", lambda line: line.function, short=True),
    Column("Result", lambda line: line.result, short=True),
    Column("Reason", lambda line: line.reason),
    Column("Source", lambda line: line.source),
    Column("Data", lambda line: line.data),
)
_CALLS: Sequence[Column["InboundCall"]] = (
    Column("Caller", lambda call: call.caller, short=True),
    Column("Came at", lambda call: call.came_at, short=True),
    Column("Seconds", lambda call: call.seconds, short=True),
)
_LOGGED: Sequence[Column["LoggedCall"]] = (
    Column("Caller", lambda call: call.caller_id, short=True),
    Column("Came at", lambda call: call.called_at, short=True),
    Column("Seconds", lambda call: call.seconds, short=True),
)


@with_connection_options
def log(
    connection: ConnectionOptions,
    user: Annotated[str | None, typer.Option(help="Only requests of this user.")] = None,
    function: Annotated[str | None, typer.Option(help="Only this function, such as copy_did.")] = None,
    result: Annotated[str | None, typer.Option(help="Only SUCCESS, ERROR or NOTICE.")] = None,
    source: Annotated[str | None, typer.Option(help="Only requests with this source.")] = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show the requests to both APIs, newest first.

    Example: didier log --function copy_did --result ERROR --since 2026-03-01
    """
    with connection.client() as client:
        size = printing.page(as_json or as_csv)
        found = client.log(user, function, result, source, since, until, page_size=size)
        printing.listing(found, _LOG, as_json, as_csv, limit)


@with_connection_options
def calls(
    connection: ConnectionOptions,
    number: Annotated[str, typer.Argument(help="The number that was called.", metavar="NUMBER")],
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="The day.", metavar="DAY")],
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the calls to a number on a day, by time.

    Example: didier calls 18001234567 2026-03-04 --csv
    """
    if connection.on_vicidial():
        with connection.vicidial_client() as vicidial:
            printing.listing(vicidial.did_log(number, day.date()), _LOGGED, as_json, as_csv, limit)
    else:
        with connection.client() as client:
            printing.listing(client.calls(number, day.date()), _CALLS, as_json, as_csv, limit)
