"""`didier duplicates`: DIDs that are one number, are set up alike, or lead to one destination."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit
from didier.domain import duplicate_kinds
from didier.domain.duplicate_kinds import FIELDS, FIELDS_MOST

if TYPE_CHECKING:
    from didier.client import DuplicateDid, DuplicateGroup

KINDS = get_args(duplicate_kinds.Kind)
SORTS = ("-count", "count", "did_id", "-did_id")

Kind = Annotated[str, typer.Argument(help=f"What is the same: {', '.join(KINDS)}.", metavar="KIND")]
Fields = Annotated[
    int,
    typer.Option(min=0, max=FIELDS_MOST, help="In how many fields configurations may differ."),
]
UserGroup = Annotated[str | None, typer.Option(help="Only groups with a DID of this user group.")]
Route = Annotated[str | None, typer.Option(help="With a DID that has this route, such as IN_GROUP.")]
Prefix = Annotated[str | None, typer.Option(help="With a DID that begins so.")]
Tag = Annotated[str | None, typer.Option(help="With a DID that has this tag.")]
SortBy = Annotated[
    str, typer.Option("--sort", help=f"By the number of DIDs, or the age of the oldest: {', '.join(SORTS)}.")
]


@dataclass(frozen=True, slots=True)
class _Line:
    """Some DIDs of a group in the table: those that are alike, or differ from them in the same."""

    group: str
    count: int
    numbers: str
    differences: str


_COLUMNS: Sequence[Column[_Line]] = (
    Column("Group", lambda line: line.group, short=True),
    Column("DIDs", lambda line: f"{line.count:,}", short=True),
    Column("Numbers", lambda line: line.numbers),
    Column("Differ in", lambda line: line.differences),
)


@with_connection_options
def duplicates(
    connection: ConnectionOptions,
    kind: Kind = KINDS[0],
    fields: Fields = FIELDS,
    user_group: UserGroup = None,
    route: Route = None,
    prefix: Prefix = None,
    tag: Tag = None,
    sort: SortBy = SORTS[0],
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Find DIDs that are one number in several spellings, are set up alike, or lead to one destination.

    Of each group the first DIDs are named; CSV has a line for each of them.

    Example: didier duplicates configuration --fields 1
    """
    _allowed(kind, KINDS, "KIND")
    _allowed(sort, SORTS, "--sort")
    wanted: dict[str, Any] = {
        "fields": fields, "user_group": user_group, "route": route, "prefix": prefix, "tag": tag,
    }  # fmt: skip
    with connection.client() as client:
        if as_csv:
            rows = _rows(client.export_duplicates(kind, format="ndjson", **wanted))
            printing.listing(rows, (), as_json, as_csv, limit)
            return
        found = client.duplicates(kind, sort=sort, **wanted)
        if as_json:
            printing.listing(found, (), as_json, as_csv, limit)
        else:
            printing.listing(_lines(found), _COLUMNS, as_json, as_csv, limit)


def _allowed(value: str, allowed: Sequence[str], of: str) -> None:
    if value not in allowed:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(allowed)}", param_hint=of)


def _rows(pieces: Iterable[bytes]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of JSON lines that come in *pieces*."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        yield from map(json.loads, lines)


def _lines(found: Iterable["DuplicateGroup"]) -> Iterator[_Line]:
    for group in found:
        yield _Line(group.name, group.alike, _named(group.dids, group.alike), "")
        for one in group.variants:
            differences = ", ".join(f"{each.field}: {each.value or 'nothing'}" for each in one.differences)
            yield _Line("", one.count, _named(one.dids, one.count), differences)
        if more := group.near - len(group.variants):
            yield _Line("", group.count - _told(group), "", f"in other fields: {more:,} more ways")


def _named(dids: Sequence["DuplicateDid"], count: int) -> str:
    more = f" and {count - len(dids):,} more" if count > len(dids) else ""
    return ", ".join(did.pattern for did in dids) + more


def _told(group: "DuplicateGroup") -> int:
    return group.alike + sum(one.count for one in group.variants)
