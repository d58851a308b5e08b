"""`didier add`, `update` and `delete`: one DID, or any number of them as one batch."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from didier.cli import printing, vicidial
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.orders import Order, carry_out, confirm_where, one_by_one
from didier.cli.printing import AsJson, Limit, Yes
from didier.cli.table_options import AllowImplausible, AllowNowhere, Column, IgnoreColumns, Map, reading
from didier.cli.terminal import say
from didier.cli.values import AddTag, Blank, RemoveTag, Set, Where, conditions, items, values
from didier.domain import targets

if TYPE_CHECKING:
    from didier.client import Didier
    from didier.client.vicidial import VicidialClient

Dids = Annotated[
    list[str] | None,
    typer.Argument(
        help="The DIDs: numbers, lists with commas, ranges like 18002220000-18002220099.", metavar="DID"
    ),
]
Csv = Annotated[
    str | None,
    typer.Option(
        "--csv",
        help="Take the DIDs from a CSV file with a column 'target' and columns of DIDs; - for standard"
        " input.",
        metavar="FILE",
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only show what would be done. Status 1 if it is refused.")
]
Drift = Annotated[
    Literal["apply", "keep"] | None,
    typer.Option(
        help="Set what copies have otherwise than their source as it is there (apply), or keep it as an"
        " exception. See didier drift."
    ),
]
DriftField = Annotated[
    list[str] | None,
    typer.Option("--drift-field", help="Only of this field that differs; may be given several times."),
]
Atomic = Annotated[
    bool,
    typer.Option(
        "--atomic/--best-effort",
        help="If something is not possible for some DIDs: do nothing, or do the others (the default).",
        show_default=False,
    ),
]


def _named(given: Sequence[str] | None, csv: str | None, where: Mapping[str, str] | None = None) -> list[str]:
    """Return the DIDs that are named; raises `typer.BadParameter` unless there is one way to know them."""
    named = items(given or ())
    if sum(map(bool, (named, csv, where))) != 1:
        others = "a file with --csv" if where is None else "a file with --csv, or conditions with --where"
        raise typer.BadParameter(f"give DIDs, or {others}; one of these", param_hint="DID...")
    return named


def _alone(given: Sequence[str] | None, *others: object) -> str | None:
    """Return the DID of a command that names one and nothing that only batches have."""
    [pattern, *more] = given or [""]
    is_one = bool(pattern) and not more and "," not in pattern and not targets.is_range(pattern.strip())
    return pattern if is_one and not any(others) else None


@with_connection_options
def add(
    connection: ConnectionOptions,
    dids: Dids = None,
    assigned: Set = None,
    csv: Csv = None,
    dry_run: DryRun = False,
    atomic: Atomic = False,
    column: Column = None,
    mapped: Map = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    as_json: AsJson = False,
    limit: Limit = None,
) -> None:
    """Create DIDs without copying another. Several are one batch, which can be undone.

    Example: didier add 18002223333 --set did_route=EXTEN --set extension=8300
    """
    named, given = _named(dids, csv), values(assigned)
    told = reading(column, mapped, ignore_columns, allow_implausible, allow_nowhere)
    more: dict[str, Any] = {**told, **given}
    connection.on_vicidial(csv=csv, dry_run=dry_run, atomic=atomic, json=as_json, **told)
    if pattern := _alone(dids, csv, dry_run, as_json):
        with connection.either() as client:
            made = client.add(pattern, **more)
        say(f"DID {pattern} was created.")
        if made and made.reason:
            say(f"didier: {pattern}: {made.reason}", err=True)
    elif connection.on_vicidial():
        one_by_one(connection, vicidial.numbers(named), "created", lambda one, did: one.add(did, **more))
    else:
        order = Order("add", named, csv, atomic=atomic, more={"set": given, **told})
        carry_out(connection, order, dry_run, as_json, limit)


@with_connection_options
def update(
    connection: ConnectionOptions,
    dids: Dids = None,
    assigned: Set = None,
    blank: Blank = None,
    add_tag: AddTag = None,
    remove_tag: RemoveTag = None,
    drift: Drift = None,
    drift_field: DriftField = None,
    csv: Csv = None,
    where: Where = None,
    dry_run: DryRun = False,
    atomic: Atomic = False,
    yes: Yes = False,
    column: Column = None,
    mapped: Map = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    allow_nowhere: AllowNowhere = False,
    as_json: AsJson = False,
    limit: Limit = None,
) -> None:
    """Update fields of DIDs; all other fields stay as they are.

    Several DIDs are one batch, which can be undone. With --where you are asked first.

    Example: didier update 18002223333 --set did_active=N --blank did_carrier_description
    """
    wanted = conditions(where)
    given: dict[str, Any] = {**values(assigned, blank)}
    more = reading(column, mapped, ignore_columns, allow_implausible, allow_nowhere)
    named = _named(dids, csv, wanted)
    of_each = {
        "add_tags": add_tag or (), "remove_tags": remove_tag or (), "drift": drift,
        "drift_fields": drift_field or (),
    }  # fmt: skip
    if not (given or add_tag or remove_tag or drift) and csv is None:
        raise typer.BadParameter("give at least one field with --set or --blank, a tag, or --drift")
    connection.on_vicidial(
        blank=blank, add_tag=add_tag, remove_tag=remove_tag, drift=drift, csv=csv, where=where,
        dry_run=dry_run, atomic=atomic, json=as_json, **more,
    )  # fmt: skip
    told = f"updated: {', '.join(given)}"
    allowed: dict[str, Any] = {"allow_nowhere": True} if allow_nowhere else {}
    if pattern := _alone(dids, csv, where, add_tag, remove_tag, drift, dry_run, as_json):
        with connection.either() as client:
            client.update(pattern, **allowed, **given)
        say(f"DID {pattern} was {told}.")
    elif connection.on_vicidial():
        one_by_one(connection, vicidial.numbers(named), told, lambda one, did: one.update(did, **given))
    else:
        order = Order("update", named, csv, wanted, atomic, {"set": given, **of_each, **more})
        confirm_where(connection, order, yes or dry_run, as_json)
        carry_out(connection, order, dry_run, as_json, limit)


@with_connection_options
def delete(
    connection: ConnectionOptions,
    dids: Dids = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also delete protected DIDs and DIDs in use.")
    ] = False,
    csv: Csv = None,
    where: Where = None,
    dry_run: DryRun = False,
    atomic: Atomic = False,
    yes: Yes = False,
    column: Column = None,
    mapped: Map = None,
    ignore_columns: IgnoreColumns = False,
    allow_implausible: AllowImplausible = False,
    as_json: AsJson = False,
    limit: Limit = None,
) -> None:
    """Delete DIDs. All of one command are one batch, which can be undone.

    Example: didier delete 18002223333 --yes
    """
    wanted = conditions(where)
    more = reading(column, mapped, ignore_columns, allow_implausible)
    order = Order("delete", _named(dids, csv, wanted), csv, wanted, atomic, {"force": force, **more})
    pattern = _alone(dids, csv, where, dry_run, as_json)
    if not wanted:
        printing.confirm(f"Delete {pattern or order.shown}?", yes or dry_run)
    is_vicidial = connection.on_vicidial(
        force=force, csv=csv, where=where, dry_run=dry_run, atomic=atomic, json=as_json, **more
    )
    if pattern or is_vicidial:
        patterns = [pattern] if pattern else vicidial.numbers(order.named)
        one_by_one(connection, patterns, "deleted", _deleting(force))
    else:
        confirm_where(connection, order, yes or dry_run, as_json)
        carry_out(connection, order, dry_run, as_json, limit)


def _deleting(force: bool) -> "Callable[[Didier | VicidialClient, str], object]":
    def act(client: "Didier | VicidialClient", pattern: str) -> None:
        if force:
            cast("Didier", client).delete(pattern, force=True)
        else:
            client.delete(pattern)

    return act
