"""`didier check`: what is wrong with DIDs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.printing import AsCsv, AsJson, Column, Limit
from didier.cli.terminal import say
from didier.domain.checks import KINDS

if TYPE_CHECKING:
    from didier.client import CheckedDid

Kind = Annotated[str | None, typer.Option(help=f"Only findings of this kind: {', '.join(KINDS)}.")]


@dataclass(frozen=True, slots=True)
class _Finding:
    """Something that is wrong with a DID: a line of the list."""

    did: str
    description: str | None
    kind: str
    reason: str


_COLUMNS: Sequence[Column[_Finding]] = (
    Column("DID", lambda found: found.did, short=True),
    Column("Description", lambda found: found.description),
    Column("Kind", lambda found: found.kind, short=True),
    Column("What is wrong", lambda found: found.reason),
)


@with_connection_options
def check(
    connection: ConnectionOptions,
    kind: Kind = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what is wrong with active DIDs: where they lead, and their detours. Status 1 if something is.

    Example: didier check --kind missing
    """
    with connection.client() as client:
        found = _lines(client.checks(kind, page_size=printing.page(as_json or as_csv)))
        first = next(found, None)
        if first is None and not (as_json or as_csv):
            say("Nothing is wrong with any active DID." if kind is None else "There are no such findings.")
            return
        printing.listing(chain([first] if first else [], found), _COLUMNS, as_json, as_csv, limit)
    if first is not None:
        raise typer.Exit(Status.REFUSED)


def _lines(found: Iterator["CheckedDid"]) -> Iterator[_Finding]:
    for one in found:
        yield from (_Finding(one.did, one.description, each.kind, each.reason) for each in one.findings)
