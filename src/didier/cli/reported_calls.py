"""`didier report-calls`: calls of an Asterisk without VICIdial, or of others, from a file."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from didier.cli.call_files import AsteriskCdr, BadLine, CallReader, merged, of_json, to_json
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status, fail
from didier.cli.terminal import say
from didier.client.errors import DidierError
from didier.client.retrying import Outage, Policy
from didier.domain.calls.reported import CALLS_MOST, ReportedCall
from didier.errors import WrongSetting

if TYPE_CHECKING:
    from didier.cli.following import Stop
    from didier.cli.tailing import PositionFile, Tail
    from didier.client import Didier, StoredCalls

LOOK_SECONDS = 1.0
"""How often a file that is followed is looked at."""

SHOWN = 80
"""Most characters of a line that is told of."""


class Format(StrEnum):
    """What a file has in its lines."""

    ASTERISK = "asterisk-cdr"
    NDJSON = "ndjson"


class NumberColumn(StrEnum):
    """Where the number that was dialled stands: dialplans change ``dst``."""

    DST = "dst"
    USERFIELD = "userfield"
    ACCOUNTCODE = "accountcode"


@with_connection_options
def report_calls(
    connection: ConnectionOptions,
    file: Annotated[Path, typer.Argument(help="The file, such as /var/log/asterisk/cdr-csv/Master.csv.")],
    source: Annotated[
        str, typer.Option(help="Name of who reports: 1 to 50 letters, digits, points, - and _.")
    ],
    format_: Annotated[
        Format,
        typer.Option(
            "--format", help="What is in its lines: records of Asterisk's cdr_csv, or calls as JSON."
        ),
    ] = Format.ASTERISK,
    contexts: Annotated[
        list[str] | None,
        typer.Option(
            "--context",
            help="Only calls of this context of Asterisk's dialplan (dcontext), that is: inbound ones. May be"
            " given several times.",
        ),
    ] = None,
    number: Annotated[
        NumberColumn, typer.Option(help="Column of cdr_csv with the number that was dialled.")
    ] = NumberColumn.DST,
    time_zone: Annotated[
        str | None,
        typer.Option(
            help="Time zone of the times in the file, such as Europe/London; UTC with usegmtime=yes in"
            " cdr.conf. Default: that of this machine."
        ),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what is written to the file, for ever.")
    ] = False,
    cursor: Annotated[
        Path | None,
        typer.Option(help="The file in which is stored how far the calls are reported.", metavar="FILE"),
    ] = None,
) -> None:
    """Report the calls in a file, so that usage counts them; calls that are known change nothing.

    With --follow it goes on while the server is away, copes with logrotate, and ends with SIGTERM or Ctrl-C.
    With --cursor the next start goes on where this one ends, even after kill -9.

    Example: didier report-calls Master.csv --source pbx1 --context from-trunk --follow --cursor calls.pos
    """
    from didier.cli import following, tailing  # they lock files, which Windows does in another way

    reader: CallReader = of_json
    if format_ is Format.ASTERISK:
        reader = AsteriskCdr(_zone(time_zone), contexts or (), number.value)
    elif contexts or time_zone or number is not NumberColumn.DST:
        raise WrongSetting("--context, --number and --time-zone: go with --format asterisk-cdr")
    if not follow and not file.is_file():
        raise WrongSetting(f"{file}: there is no such file")
    stop, place = following.Stop(), tailing.PositionFile(cursor)
    with stop.heard(), place.locked(), connection.client() as client:
        reporter = _Reporter(client, source, reader, stop, place, follow)
        reporter.run(tailing.Tail(file))
    if not follow:
        reporter.tell()


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):
        raise WrongSetting(f"--time-zone: {name} is no time zone") from None


def _text(line: bytes) -> str:
    return line.decode(errors="replace").strip()


@dataclass(slots=True)
class _Reporter:
    """Reports the lines of a file, and stores how far it is when the server has them."""

    client: "Didier"
    source: str
    reader: CallReader
    stop: "Stop"
    place: "PositionFile"
    follow: bool
    pause: Callable[[float], object] = time.sleep
    stored: int = field(default=0, init=False)
    known: int = field(default=0, init=False)
    bad: int = field(default=0, init=False)

    def run(self, tail: "Tail") -> None:
        """Report all that is there; go on for ever with a file that is followed."""
        while True:
            lines, position = tail.read(self.place.position, CALLS_MOST)
            if calls := merged(self._calls(lines)):
                self._report(calls)
            with self.stop.finishing():
                self.place.store(position)
            if not lines and not self.follow:
                return self._report_rest(tail.rest(position))
            if not lines:
                self.pause(LOOK_SECONDS)

    def _report_rest(self, line: bytes) -> None:
        """Report a last line without its end if it is a call.

        The position stays before it: if it was half written, the next start finds all of it, and a call that
        is known changes nothing.
        """
        text = _text(line)
        try:
            call = self.reader(text) if text else None
        except BadLine:
            say(f"didier: left for later, as its end is not there: {text[:SHOWN]}", err=True)
        else:
            if call is not None:
                self._report([call])

    def _calls(self, lines: Iterable[bytes]) -> Iterator[ReportedCall]:
        for line in lines:
            text = _text(line)
            try:
                call = self.reader(text) if text else None
            except BadLine as error:
                self.bad += 1
                say(f"didier: left out: {error}: {text[:SHOWN]}", err=True)
            else:
                if call is not None:
                    yield call

    def _report(self, calls: Sequence[ReportedCall]) -> None:
        outage = Outage(Policy())
        while True:
            try:
                self._count(self.client.report_calls(self.source, map(to_json, calls)))
            except DidierError as error:
                if not self.follow:
                    raise
                wait = outage.wait(error)
                say(f"didier: {error}; trying again", err=True)
                self.pause(wait)
            else:
                return

    def _count(self, done: "StoredCalls") -> None:
        self.stored += done.stored
        self.known += done.known

    def tell(self) -> None:
        """Say what was done with a whole file."""
        say(f"{self.stored:,} calls were stored, {self.known:,} were known.")
        if self.bad:
            raise typer.Exit(fail(f"{self.bad:,} lines have no call in them", Status.PARTLY))
