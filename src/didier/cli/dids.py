"""`didier list`, `show`, `lock` and `unlock`: lists of DIDs, and single ones."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.printing import AsCsv, AsJson, Column, Limit, pairs
from didier.cli.terminal import safe_text, say
from didier.domain.checks import KINDS
from didier.domain.fields import BY_COLUMN, GROUPS
from didier.domain.routes import destination, sentence

if TYPE_CHECKING:
    from didier.client.models import Change, Did

Pattern = Annotated[str, typer.Argument(help="The DID, as it is dialled.", metavar="DID")]
Search = Annotated[
    str | None, typer.Argument(help="Part of the number, in any spelling, or of the description.")
]
Route = Annotated[str | None, typer.Option(help="Only DIDs with this route, such as IN_GROUP.")]
Active = Annotated[
    bool | None, typer.Option("--active/--inactive", help="Only DIDs that accept calls, or only the others.")
]
UserGroup = Annotated[str | None, typer.Option(help="Only DIDs of this user group.")]
InGroup = Annotated[str | None, typer.Option(help="Only DIDs that lead to this in-group.")]
Carrier = Annotated[str | None, typer.Option(help="Only DIDs of this carrier.")]
CopiedFrom = Annotated[str | None, typer.Option(help="Only DIDs that were copied from this one.")]
Destination = Annotated[
    str | None,
    typer.Option(help="Only DIDs whose route leads to this: part of an in-group, call menu, extension, …"),
]
Tag = Annotated[str | None, typer.Option(help="Only DIDs with this tag.")]
Locked = Annotated[
    bool | None,
    typer.Option("--locked/--unlocked", help="Only DIDs that are locked against deletion, or only others."),
]
LeadsNowhere = Annotated[
    bool | None,
    typer.Option(
        "--leads-nowhere/--leads-somewhere",
        help="Only DIDs that are active and whose calls lead nowhere, or only others.",
    ),
]

Check = Annotated[
    str | None,
    typer.Option(help=f"Only DIDs with such a finding of didier check: {', '.join(KINDS)}, or any."),
]

HISTORY_SHOWN = 10

_COLUMNS: Sequence[Column["Did"]] = (
    Column("DID", lambda did: did.pattern, short=True),
    Column("Description", lambda did: did.description),
    Column("Active", lambda did: did.get("did_active"), short=True),
    Column("Calls go to", lambda did: _leads(did)),
    Column("User group", lambda did: did.user_group),
    Column("Copied from", lambda did: did.copied_from, short=True),
)


@with_connection_options
def list_(
    connection: ConnectionOptions,
    search: Search = None,
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
    sort: Annotated[
        str | None, typer.Option(help="did_pattern, did_id or did_description; -did_id for descending.")
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List DIDs.

    Example: didier list 1800 --in-group SALES --active --csv
    """
    with connection.client() as client:
        found = client.dids(
            search=search, route=route, active=active, user_group=user_group, group_id=in_group,
            carrier=carrier, copied_from=copied_from, destination=destination, tag=tag, locked=locked,
            leads_nowhere=leads_nowhere, check=check, sort=sort,
            page_size=printing.page(as_json or as_csv),
        )  # fmt: skip
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


def _leads(did: "Did") -> str:
    return f"{destination(did)} (leads nowhere)" if did.nowhere else destination(did)


@with_connection_options
def show(
    connection: ConnectionOptions,
    pattern: Pattern,
    history: Annotated[
        int, typer.Option(min=0, help="How many of its changes are shown, newest first.")
    ] = HISTORY_SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show a DID: where its calls go, all its fields and its history.

    Example: didier show 18001234567
    """
    with connection.client() as client:
        did = client.did(pattern)
        changes = list(islice(client.history(pattern), history)) if history else []
    if as_json:
        shown = {**did, "leads_to": sentence(did), "history": [printing.fields(one) for one in changes]}
        printing.print_json(shown)
    else:
        _show(did, changes)


def _show(did: "Did", changes: Sequence["Change"]) -> None:
    say(f"DID {did.pattern} (id {did.id})")
    say(sentence(did))
    if did.nowhere:
        say(f"Calls lead nowhere: {did.nowhere}.")
    if did.copied_from:
        say(f"It was copied from {did.copied_from}.")
    for heading, rows in _grouped(did):
        say("", heading)
        for line in pairs(rows):
            say(line)
    if changes:
        say("", "History, newest first")
    for change in changes:
        say(f"  {printing.when(change.when)}  {_told(change)}")


def _grouped(did: "Did") -> Iterator[tuple[str, list[tuple[str, object]]]]:
    """Yield the fields under their headings; what is in no group comes last."""
    for group in GROUPS:
        rows: list[tuple[str, object]] = [
            (field.column, did[field.column])
            for field in BY_COLUMN.values()
            if field.group == group and field.column in did
        ]
        if rows:
            yield group, rows
    known = {*BY_COLUMN, "did_id", "did_pattern", "copied_from", "nowhere"}
    rest: list[tuple[str, object]] = [(name, did[name]) for name in did if name not in known]
    if rest:
        yield "Other", rest


def _told(change: "Change") -> str:
    source = f" from {change.source}" if change.source else ""
    batch = f" (batch {change.batch_id})" if change.batch_id else ""
    told = f"{change.action}{source} by {change.user}{batch}"
    if change.outside:
        told = f"{change.action} outside Didier"
    if change.before is None or change.after is None:
        return told
    return "; ".join([told, *_differences(change.before, change.after)])


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    for name in after:
        if name not in {"modify_stamp", "version"} and name in before and before[name] != after[name]:
            yield f"{name} '{safe_text(before[name])}' -> '{safe_text(after[name])}'"


@with_connection_options
def lock(connection: ConnectionOptions, pattern: Pattern) -> None:
    """Lock a DID: it cannot be deleted, not even with --force, until it is unlocked.

    Example: didier lock 18001234567
    """
    with connection.client() as client:
        client.lock(pattern)
    say(f"DID {pattern} is locked against deletion.")


@with_connection_options
def unlock(connection: ConnectionOptions, pattern: Pattern) -> None:
    """Unlock a DID, so that it can be deleted again.

    Example: didier unlock 18001234567
    """
    with connection.client() as client:
        client.unlock(pattern)
    say(f"DID {pattern} can be deleted.")
