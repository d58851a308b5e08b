"""`didier usage`, `idle` and `unknown`: which numbers work, which sleep, and which nobody has set up."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, server_packages, with_connection_options
from didier.cli.dids import Route, Search, Tag
from didier.cli.printing import AsCsv, AsJson, Column, Limit, when
from didier.cli.reports import Since, Until
from didier.cli.terminal import say
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from didier.client import Didier
    from didier.client.models import IdleNumber, UnknownNumber, Usage, UsageBucket

REBUILD = "rebuild"
"""In place of numbers: have all calls counted anew."""

BAR = "█"
BAR_MOST = 40
"""Most characters of a bar."""

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

Period = Annotated[
    Literal["today", "yesterday", "7d", "30d", "90d", "13m"] | None,
    typer.Option(help="Days until yesterday, or today so far. Default: 30d."),
]
TimeZone = Annotated[
    str | None,
    typer.Option(help="Whose days and hours count, such as Europe/Berlin; else those of VICIdial's times."),
]
Source = Annotated[
    str | None,
    typer.Option(
        help="Only calls that this one has reported; vicidial: only those that VICIdial has logged."
    ),
]
By = Annotated[
    Literal["day", "hour", "dow"] | None,
    typer.Option(help="Tell calls over time: by day, hour, or hour of the week."),
]
Sort = Annotated[
    Literal["calls", "answered", "missed", "seconds", "wait", "last_call"] | None,
    typer.Option(help="Those with the most first. Default: calls."),
]
Watch = Annotated[
    int | None,
    typer.Option(min=1, help="Show it again every so many seconds, until Ctrl-C.", metavar="SECONDS"),
]

_USAGE: Sequence[Column["Usage"]] = (
    Column("Number", lambda one: one.extension if one.pattern else f"{one.extension} (gone)", short=True),
    Column("Description", lambda one: one.description),
    Column("Calls", lambda one: f"{one.calls:,}", short=True),
    Column("Before", lambda one: f"{one.calls_before:,}", short=True),
    Column("Answered", lambda one: _share(one.answered_share), short=True),
    Column("Callers", lambda one: f"{'' if one.callers_exact else '~'}{one.callers:,}", short=True),
    Column("Minutes", lambda one: f"{one.seconds / 60:,.0f}", short=True),
    Column("Wait", lambda one: "" if one.average_wait is None else f"{one.average_wait:.0f} s", short=True),
    Column("Last call", lambda one: when(one.last_call), short=True),
)
_IDLE: Sequence[Column["IdleNumber"]] = (
    Column("DID", lambda one: one.pattern, short=True),
    Column("Description", lambda one: one.description),
    Column("User group", lambda one: one.user_group),
    Column("Calls", lambda one: f"{one.calls:,}", short=True),
    Column("Last call", lambda one: when(one.last_call) or "none", short=True),
    Column("Days idle", lambda one: "" if one.idle_days is None else f"{one.idle_days:,}", short=True),
)
_UNKNOWN: Sequence[Column["UnknownNumber"]] = (
    Column("Number", lambda one: one.number, short=True),
    Column("Calls", lambda one: f"{one.calls:,}", short=True),
    Column("Callers", lambda one: f"{'' if one.callers_exact else '~'}{one.callers:,}", short=True),
    Column("Called since", lambda one: when(one.called_since), short=True),
    Column("Last call", lambda one: when(one.last_call), short=True),
)


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


@with_connection_options
def usage(
    connection: ConnectionOptions,
    numbers: Annotated[
        list[str] | None,
        typer.Argument(
            help=f"Only these DIDs; or the word {REBUILD}, where the server is: count all calls anew.",
            metavar="DID",
        ),
    ] = None,
    since: Since = None,
    until: Until = None,
    period: Period = None,
    by: By = None,
    group: Annotated[str | None, typer.Option("--group", help="Only DIDs of this user group.")] = None,
    route: Route = None,
    tag: Tag = None,
    source: Source = None,
    time_zone: TimeZone = None,
    sort: Sort = None,
    watch: Watch = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show how much DIDs were called, the most called first. The default is the last 30 days.

    Example: didier usage 18001234567 --by dow --period 90d
    """
    if numbers == [REBUILD]:
        _rebuild(connection)
        return
    wanted: dict[str, Any] = {
        "since": since, "until": until, "period": period, "dids": numbers or (), "user_group": group,
        "route": route, "tag": tag, "source": source, "time_zone": time_zone,
    }  # fmt: skip

    def show(client: "Didier") -> None:
        if by:
            buckets = list(client.usage_series(by=by, **wanted))
            printing.listing(buckets, _bars(by, buckets), as_json, as_csv, 0)
            return
        found = client.usage(sort=sort, page_size=printing.page(as_json or as_csv), **wanted)
        printing.listing(found, _USAGE, as_json, as_csv, limit)

    _shown(connection, show, watch)


def _rebuild(connection: ConnectionOptions) -> None:
    if connection.login() is not None:
        raise WrongSetting(
            f"'didier usage {REBUILD}' works where the server's settings are, without --server"
        )
    with server_packages():
        from didier.cli.local.usage import rebuild
    rebuild(connection.database, connection.astguiclient_conf)
    say(
        "The server counts all calls anew that the logs still have; until then reports show what was counted."
    )


def _bars(by: str, buckets: Sequence["UsageBucket"]) -> Sequence[Column["UsageBucket"]]:
    """Return the columns of calls over time: with a bar for each, as long as its share of the most."""
    most = max((one.calls for one in buckets), default=0)
    return (
        Column("When", lambda one: _begins(by, one), short=True),
        Column("Calls", lambda one: f"{one.calls:,}", short=True),
        Column("Answered", lambda one: _share(one.answered_share), short=True),
        Column("", lambda one: BAR * round(BAR_MOST * one.calls / most) if most else "", short=True),
    )


def _begins(by: str, one: "UsageBucket") -> str:
    if one.weekday is not None:
        return f"{WEEKDAYS[one.weekday]} {one.hour:02}:00"
    return one.begins[:10] if by == "day" else one.begins[:16].replace("T", " ")


def _shown(connection: ConnectionOptions, show: Callable[["Didier"], None], watch: int | None) -> None:
    """Show something once, or again and again on a terminal that is cleared before."""
    with connection.client() as client:
        while True:
            if watch and sys.stdout.isatty():
                printing.console().clear()
            show(client)
            if watch is None:
                return
            time.sleep(watch)


@with_connection_options
def idle(
    connection: ConnectionOptions,
    search: Search = None,
    days: Annotated[int, typer.Option(min=1, help="In the last so many days, and today.")] = 30,
    fewer_than: Annotated[int, typer.Option(min=1, help="Fewer calls than this.")] = 1,
    group: Annotated[str | None, typer.Option("--group", help="Only DIDs of this user group.")] = None,
    route: Route = None,
    tag: Tag = None,
    watch: Watch = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List active DIDs without a call, or with few; those without the longest first.

    Those that were made since are left out.

    Example: didier idle --days 90 --csv
    """

    def show(client: "Didier") -> None:
        found = client.idle(
            days, fewer_than, search=search, user_group=group, route=route, tag=tag,
            page_size=printing.page(as_json or as_csv),
        )  # fmt: skip
        printing.listing(found, _IDLE, as_json, as_csv, limit)

    _shown(connection, show, watch)


@with_connection_options
def unknown(
    connection: ConnectionOptions,
    since: Since = None,
    until: Until = None,
    period: Period = None,
    time_zone: TimeZone = None,
    sort: Sort = None,
    watch: Watch = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List numbers that were called and that no DID has, the most called first.

    Example: didier unknown --period 7d
    """

    def show(client: "Didier") -> None:
        found = client.unknown(
            since, until, period=period, time_zone=time_zone, sort=sort,
            page_size=printing.page(as_json or as_csv),
        )  # fmt: skip
        printing.listing(found, _UNKNOWN, as_json, as_csv, limit)

    _shown(connection, show, watch)
