"""`didier drift` and `lineage`: copies that differ from their source, and what was copied from what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import DriftedDid, Lineage
    from didier.domain.drift import Value

COPIES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class _Line:
    """A field in which a copy differs: a line of the report."""

    did: str
    description: str | None
    source: str
    field: str
    source_value: "Value"
    value: "Value"


_COLUMNS: Sequence[Column[_Line]] = (
    Column("DID", lambda line: line.did, short=True),
    Column("Description", lambda line: line.description),
    Column("Copied from", lambda line: line.source, short=True),
    Column("Field", lambda line: line.field, short=True),
    Column("Source has", lambda line: line.source_value),
    Column("Copy has", lambda line: line.value),
)


@with_connection_options
def drift(
    connection: ConnectionOptions,
    source: Annotated[
        str | None, typer.Argument(help="Only copies of this DID.", metavar="SOURCE", show_default=False)
    ] = None,
    against: Annotated[
        Literal["now", "then"],
        typer.Option(help="Compare with the source as it is now, or as it was then, when it was copied."),
    ] = "now",
    user_group: Annotated[str | None, typer.Option("--group", help="Only copies in this user group.")] = None,
    route: Annotated[str | None, typer.Option(help="Only copies with this route, such as IN_GROUP.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Only copies whose number begins so.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only copies with this tag.")] = None,
    sort: Annotated[
        str | None, typer.Option(help="did_pattern, did_id or did_description; -did_id for descending.")
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List copies that differ from the DID that they were copied from, field by field.

    What a copy was given when it was made is left out, and its exceptions. didier update --drift apply sets
    what differs as in the source, --drift keep makes it an exception.

    Example: didier drift 18001234567
    """
    with connection.client() as client:
        found = client.drift(
            against, source=source, user_group=user_group, route=route, prefix=prefix, tag=tag, sort=sort,
            page_size=printing.page(as_json or as_csv),
        )  # fmt: skip
        printing.listing(_lines(found), _COLUMNS, as_json, as_csv, limit)


def _lines(found: Iterator["DriftedDid"]) -> Iterator[_Line]:
    for one in found:
        for name, differs in one.differs.items():
            yield _Line(one.did, one.description, one.source, name, differs.source, differs.copy)


@with_connection_options
def lineage(
    connection: ConnectionOptions,
    pattern: Annotated[str, typer.Argument(help="The DID.", metavar="DID")],
    as_json: AsJson = False,
) -> None:
    """Show what a DID was copied from, back to the first, and its copies.

    Example: didier lineage 18002223333
    """
    with connection.client() as client:
        found = client.lineage(pattern, limit=COPIES_SHOWN)
    if as_json:
        printing.print_json(printing.fields(found))
    else:
        _show(found)


def _show(found: "Lineage") -> None:
    depth = len(found.sources)
    for place, source in enumerate(reversed(found.sources)):
        gone = "" if source.did else " (gone)"
        say(f"{'  ' * place}{source.did or source.copied_as}{gone}")
    say(f"{'  ' * depth}{found.did}: {_counted(found.copies)}")
    for copy in found.items:
        say(f"{'  ' * (depth + 1)}{copy.did}{f': {_counted(copy.copies)}' if copy.copies else ''}")
    if found.copies > len(found.items):
        say(
            f"The first {len(found.items)} are shown; didier list --copied-from {found.did} shows all.",
            err=True,
        )


def _counted(copies: int) -> str:
    return f"{copies:,} {'copy' if copies == 1 else 'copies'}"
