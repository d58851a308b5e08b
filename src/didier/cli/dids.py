"""`didier list`, `show`, `add`, `update`, `delete`, `lock` and `unlock`: single DIDs and lists of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status, fail
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, pairs
from didier.cli.terminal import safe_text, say
from didier.cli.values import Blank, Set, values
from didier.client.errors import ProblemError, Unavailable
from didier.domain.fields import DID_FIELDS, GROUPS
from didier.domain.routes import destination, sentence

if TYPE_CHECKING:
    from didier.client import Didier
    from didier.client.models import Change, Did
    from didier.client.vicidial import VicidialClient

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

HISTORY_SHOWN = 10

_COLUMNS: Sequence[Column["Did"]] = (
    Column("DID", lambda did: did.pattern, short=True),
    Column("Description", lambda did: did.description),
    Column("Active", lambda did: did.get("did_active"), short=True),
    Column("Calls go to", destination),
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
            carrier=carrier, copied_from=copied_from, sort=sort, page_size=printing.page(as_json or as_csv),
        )  # fmt: skip
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


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
            for field in DID_FIELDS
            if field.group == group and field.column in did
        ]
        if rows:
            yield group, rows
    known = {field.column for field in DID_FIELDS} | {"did_id", "did_pattern", "copied_from"}
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
        if name != "modify_stamp" and name in before and before[name] != after[name]:
            yield f"{name} '{safe_text(before[name])}' -> '{safe_text(after[name])}'"


@with_connection_options
def add(connection: ConnectionOptions, pattern: Pattern, assigned: Set = None) -> None:
    """Create a DID without copying another.

    Example: didier add 18002223333 --set did_route=EXTEN --set extension=8300
    """
    given = values(assigned)
    with connection.either() as client:
        client.add(pattern, **given)
    say(f"DID {pattern} was created.")


@with_connection_options
def update(
    connection: ConnectionOptions, pattern: Pattern, assigned: Set = None, blank: Blank = None
) -> None:
    """Update fields of a DID; all other fields stay as they are.

    Example: didier update 18002223333 --set did_active=N --blank did_carrier_description
    """
    given = values(assigned, blank)
    if not given:
        raise typer.BadParameter("give at least one field with --set or --blank")
    connection.on_vicidial(blank=blank)
    with connection.either() as client:
        client.update(pattern, **given)
    say(f"DID {pattern} was updated: {', '.join(given)}.")


@with_connection_options
def delete(
    connection: ConnectionOptions,
    patterns: Annotated[list[str], typer.Argument(help="The DIDs.", metavar="DID")],
    force: Annotated[
        bool, typer.Option("--force", help="Also delete protected DIDs and DIDs in use.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete DIDs. Each deletion is a batch, which can be undone.

    Example: didier delete 18002223333 --yes
    """
    shown = patterns[0] if len(patterns) == 1 else f"{len(patterns)} DIDs"
    printing.confirm(f"Delete {shown}?", yes)
    connection.on_vicidial(force=force)
    with connection.either() as client:
        deleted = sum([_delete(client, pattern, force) for pattern in patterns])
    if deleted < len(patterns):
        raise typer.Exit(Status.PARTLY if deleted else Status.REFUSED)


def _delete(client: "Didier | VicidialClient", pattern: str, force: bool) -> bool:
    """Delete a DID; say whether it was, or on standard error why not."""
    try:
        if force:
            cast("Didier", client).delete(pattern, force=True)
        else:
            client.delete(pattern)
    except Unavailable:
        raise
    except ProblemError as error:
        fail(str(error), Status.REFUSED)
        return False
    say(f"DID {pattern} was deleted.")
    return True


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
