"""`didier changes` and `didier follow`: what happens, for people, pipes and programs."""

import json
import tempfile
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status, fail
from didier.cli.printing import AsCsv, AsJson, Column, Limit
from didier.cli.terminal import say, say_json
from didier.client.errors import ChangesGone, DidierError
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from didier.cli.following import Command, Cursor, Delivery
    from didier.client import ChangeEvent, Didier

BACK = 100
"""How many numbers are looked back at unless told from where."""

Types = Annotated[
    str | None,
    typer.Option(help="Only events of these types, separated by commas, such as did.created,batch.*."),
]


def _subject(event: "ChangeEvent") -> object:
    data: Mapping[str, Any] = event.members["data"]
    first, last = data.get("did_pattern"), data.get("last")
    if first is None:
        return data.get("id") or data.get("user") or data.get("name")
    return first if last in {first, None} else f"{first}-{last}"


def _told(event: "ChangeEvent") -> object:
    """Return the columns that were set, or what is wrong from then on."""
    data: Mapping[str, Any] = event.members["data"]
    reasons = (found["reason"] for found in data.get("findings") or ())
    return ", ".join(data.get("fields") or ()) or "; ".join(reasons)


def _by(event: "ChangeEvent") -> object:
    return event.user or ("check" if event.cause == "check" else "beside Didier")


_COLUMNS: Sequence[Column["ChangeEvent"]] = (
    Column("Number", lambda event: event.sequence, short=True),
    Column("When", lambda event: printing.when(event.timestamp), short=True),
    Column("What", lambda event: event.type, short=True),
    Column("Of", _subject, short=True),
    Column("Fields", _told),
    Column("By", _by),
    Column("Through", lambda event: event.origin, short=True),
)


@with_connection_options
def changes(
    connection: ConnectionOptions,
    after: Annotated[
        int | None,
        typer.Option(min=0, help=f"List what came behind this number. Default: {BACK} before the last."),
    ] = None,
    types: Types = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what happened, in order, as far as you may see it.

    Example: didier changes --after 4711 --types did.*
    """
    with connection.client() as client:
        begin = _recent(client) if after is None else after
        found = client.changes(begin, types=_listed(types), page_size=printing.page(as_json or as_csv))
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


def _recent(client: "Didier") -> int:
    """Return a number some way back, if what came behind it is still told; else the first that is."""
    newest = client.sequence()
    begin = max(0, newest - BACK)

    def is_told(number: int) -> bool:
        try:
            next(client.changes(number, page_size=1), None)
        except ChangesGone:
            return False
        return True

    return begin if is_told(begin) else begin + bisect_left(range(begin, newest), True, key=is_told)


def _listed(types: str | None) -> list[str]:
    return [name.strip() for name in (types or "").split(",") if name.strip()]


Exec = Annotated[
    str | None,
    typer.Option(
        "--exec",
        help="Run this for each event, which comes as JSON on its standard input; there is no shell.",
        metavar="COMMAND",
    ),
]
SnapshotExec = Annotated[
    str | None,
    typer.Option(
        "--snapshot-exec",
        help="Run this with a whole export (JSON lines) on its standard input, and follow from there: where"
        " there is no number to begin with, or the server no longer tells what came behind it.",
        metavar="COMMAND",
    ),
]


@with_connection_options
def follow(
    connection: ConnectionOptions,
    after: Annotated[
        int | None,
        typer.Option(
            min=0, help="Begin behind this number, if no cursor is stored. Default: with what comes."
        ),
    ] = None,
    types: Types = None,
    run: Exec = None,
    cursor: Annotated[
        Path | None,
        typer.Option(help="The file in which the number to go on from is stored.", metavar="FILE"),
    ] = None,
    retries: Annotated[
        int, typer.Option(min=0, max=1_000, help="How often a command that fails is run again.")
    ] = 5,
    timeout: Annotated[
        float, typer.Option(min=0.1, help="Seconds that a command may take; ten times as long for an export.")
    ] = 60.0,
    dead_letters: Annotated[
        Path | None,
        typer.Option(
            help="The file to which events go that the command has not taken; without it, that is the end.",
            metavar="FILE",
        ),
    ] = None,
    snapshot_run: SnapshotExec = None,
) -> None:
    """Tell what happens, as it happens: as JSON lines, or to a command for each event.

    It goes on while the server is away, and ends with SIGTERM or Ctrl-C behind the event at hand. With
    --cursor the next start goes on where this one ends, even after kill -9; an event may come twice then.

    Example: didier follow --cursor last.txt --exec 'python3 provision.py' --dead-letters failed.jsonl
    """
    from didier.cli import following  # it locks files, which Windows does in another way

    if dead_letters is not None and run is None:
        raise WrongSetting("--dead-letters: goes with --exec")
    place, stop = following.Cursor(cursor), following.Stop()
    letters = following.DeadLetters(dead_letters) if dead_letters else None
    delivery = following.Delivery(place, stop, retries, letters)
    command = following.Command.of("--exec", run, timeout) if run is not None else None
    long = timeout * following.SNAPSHOT_TIMES
    snapshot = (
        following.Command.of("--snapshot-exec", snapshot_run, long) if snapshot_run is not None else None
    )
    with stop.heard(), place.locked(), connection.client(batches=True) as client:
        _Follower(client, delivery, command, snapshot, _listed(types)).run(after)


@dataclass(frozen=True, slots=True)
class _Follower:
    """Follows, from the number that is stored, and gives what comes to whom it is for."""

    client: "Didier"
    delivery: "Delivery"
    command: "Command | None"
    snapshot: "Command | None"
    types: Sequence[str]

    def run(self, after: int | None) -> None:
        """Begin behind the number that is stored, else behind *after*, else now; go on for ever."""
        cursor = self.delivery.cursor
        if cursor.number is None and after is not None:
            cursor.store(after)
        elif cursor.number is None and self.snapshot is None:
            cursor.store(self.client.sequence())
        while True:
            try:
                self._follow(cursor)
            except ChangesGone as error:
                if self.snapshot is None:
                    raise typer.Exit(fail(_way_on(error), Status.REFUSED)) from None
                self._take_snapshot(self.snapshot)

    def _follow(self, cursor: "Cursor") -> None:
        if cursor.number is None and self.snapshot is not None:
            self._take_snapshot(self.snapshot)
        events = self.client.follow(
            cursor.number or 0, types=self.types, on_progress=cursor.store, on_failure=_say_away
        )
        for event in events:
            self._give(event)

    def _give(self, event: "ChangeEvent") -> None:
        if self.command is not None:
            self.delivery.event(self.command, event)
            return
        with self.delivery.stop.finishing():
            say_json(json.dumps(dict(event.members), ensure_ascii=False))
            self.delivery.cursor.store(event.resume_after)

    def _take_snapshot(self, command: "Command") -> None:
        """Give a whole export to a command: it is complete before the command sees any of it."""
        with tempfile.TemporaryFile() as file:
            done = self.client.export(file, format="ndjson")
            file.flush()
            self.delivery.snapshot(command, file, done.sequence or 0)


def _say_away(error: DidierError) -> None:
    say(f"didier: {error}; trying again", err=True)


def _way_on(error: ChangesGone) -> str:
    return f"{error}; --snapshot-exec does that, or remove the file of --cursor and begin with --after"
