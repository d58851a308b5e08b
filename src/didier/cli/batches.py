"""`didier batches` and `didier undo`: list, watch and undo batches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, numbered, pairs, when
from didier.cli.progress_bars import ProgressBar, progress_bar
from didier.cli.terminal import say
from didier.client.errors import DidierError

if TYPE_CHECKING:
    from didier.client import Batch
    from didier.client.models import Item

app = typer.Typer(help="Batches: copies, imports and single changes.", no_args_is_help=True)

BatchId = Annotated[int, typer.Argument(help="The number of the batch.", metavar="ID", min=1)]

_TOTALS = ("exists", "duplicate", "invalid", "removed", "kept")
NOT_MADE = ("exists", "duplicate", "invalid")
TOLD = 10
"""Most targets that are named of those that were not made."""

_COLUMNS: Sequence[Column["Batch"]] = (
    Column("Id", lambda batch: batch.id, short=True),
    Column("When", lambda batch: when(batch.created_at), short=True),
    Column("By", lambda batch: batch.caller),
    Column("Kind", lambda batch: batch.kind, short=True),
    Column("Source", lambda batch: batch.source, short=True),
    Column("State", lambda batch: batch.state, short=True),
    Column("Done", lambda batch: f"{batch.done:,}/{batch.totals.requested:,}", short=True),
    Column("Created", lambda batch: f"{batch.totals.added:,}", short=True),
)

_ITEM_COLUMNS: Sequence[Column["Item"]] = (
    Column("Place", lambda item: item.position, short=True),
    Column("Target", lambda item: item.target, short=True),
    Column("Outcome", lambda item: item.outcome, short=True),
    Column("DID", lambda item: item.did_id, short=True),
    Column("Reason", lambda item: item.reason),
)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions,
    state: Annotated[
        str | None, typer.Option(help="Only those that are pending, running, done, failed or undone.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only these: copy, add, update, delete or import.")] = None,
    user: Annotated[str | None, typer.Option(help="Only those of this user.")] = None,
    source: Annotated[str | None, typer.Option(help="Only copies of this DID.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List batches, newest first.

    Example: didier batches list --state running
    """
    with connection.client() as client:
        found = client.batches(state, kind, user, source)
        printing.listing(found, _COLUMNS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def show(
    connection: ConnectionOptions,
    batch_id: BatchId,
    items: Annotated[bool, typer.Option("--items", help="List the outcome of each target.")] = False,
    outcome: Annotated[
        list[str] | None,
        typer.Option(help="List only targets with this outcome, such as exists; may be given several times."),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show a batch and the outcome of its targets.

    Example: didier batches show 7 --outcome exists --outcome invalid --csv
    """
    with connection.client() as client:
        batch = client.batch(batch_id)
        if items or outcome:
            printing.listing(batch.items(outcome), _ITEM_COLUMNS, as_json, as_csv, limit)
        elif as_csv:
            printing.print_csv([printing.fields(batch)])
        elif as_json:
            printing.print_json(printing.fields(batch))
        else:
            _show(batch)


def _show(batch: "Batch") -> None:
    totals = batch.totals
    say(f"Batch {batch.id} is {batch.state}: {progress(batch)}")
    rows: list[tuple[str, object]] = [
        ("kind", batch.kind), ("mode", batch.mode), ("source", batch.source),
        ("ordered by", batch.caller), ("ordered connection", when(batch.created_at)),
        ("finished connection", when(batch.finished_at)), ("undone by", batch.undone_by),
        ("undone connection", when(batch.undone_at)), ("failure", batch.failure),
        ("description template", batch.description_template),
        *((f"override {name}", value) for name, value in batch.overrides.items()),
        *((name, getattr(totals, name) or None) for name in _TOTALS),
    ]  # fmt: skip
    for line in pairs((name, value) for name, value in rows if value not in {None, ""}):
        say(line)


def progress(batch: "Batch") -> str:
    """Say how far a batch is."""
    requested = batch.totals.requested
    if batch.phase == "check":
        return f"{batch.done:,} of {numbered(requested, 'target')} checked, none created yet"
    if batch.phase == "remove":
        return f"{batch.totals.removed:,} of {numbered(batch.totals.added, 'DID')} deleted"
    return f"{batch.totals.added:,} of {numbered(requested, 'target')} created"


@app.command()
@with_connection_options
def watch(connection: ConnectionOptions, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Watch a batch until it ends. On the local database, this also continues a batch that waits.

    Example: didier batches watch 7
    """
    with connection.client(batches=True) as client:
        batch = follow(client.batch(batch_id), connection)
        report(batch, as_json)
    ended(batch)


@contextmanager
def watching(connection: ConnectionOptions, batch: Callable[[], "Batch | None"]) -> Iterator[ProgressBar]:
    """Show a bar; when Ctrl-C is pressed, say what state *batch* is in, and end."""
    try:
        with progress_bar() as bar:
            yield bar
    except KeyboardInterrupt:
        say(*_interrupted(connection, batch()), err=True)
        raise typer.Exit(Status.INTERRUPTED) from None


def follow(batch: "Batch", connection: ConnectionOptions) -> "Batch":
    """Watch *batch* to its end, with a bar; return it as it is then."""
    last = batch

    def update(state: "Batch") -> None:
        nonlocal last
        last = state
        bar.batch(state)

    with watching(connection, lambda: _now(last)) as bar:
        return batch.wait(update)


def _now(batch: "Batch") -> "Batch":
    with suppress(DidierError):
        return batch.refresh()
    return batch


def _interrupted(connection: ConnectionOptions, batch: "Batch | None") -> Sequence[str]:
    if batch is None:
        return (
            "didier: interrupted before the order was confirmed;"
            " 'didier batches list' shows whether it was accepted",
        )
    if batch.ended:
        return (f"didier: batch {batch.id} is {batch.state}: {progress(batch)}",)
    where = "continues on the server" if connection.login() else (
        "stops here; it continues while a server runs on this database, or with the following command"
    )  # fmt: skip
    return (
        f"didier: interrupted; batch {batch.id} is {batch.state}: {progress(batch)}. It {where}.",
        f"didier: 'didier batches watch {batch.id}' shows its progress until it ends;"
        f" then 'didier undo {batch.id}' can undo it",
    )


def report(batch: "Batch", as_json: bool) -> None:
    """Print the outcome of a batch that has ended."""
    if as_json:
        printing.print_json(printing.fields(batch))
        return
    if batch.state == "failed":
        return  # said with the status
    say(f"Batch {batch.id} is {batch.state}: {progress(batch)}.")
    left = batch.totals.exists + batch.totals.duplicate + batch.totals.invalid
    if not left or batch.kind != "copy":
        return
    for item in islice(batch.items(NOT_MADE), TOLD):
        say_not_made(item)
    if left > TOLD:
        outcomes = " ".join(f"--outcome {name}" for name in NOT_MADE)
        say(f"didier: and {left - TOLD:,} more: didier batches show {batch.id} {outcomes}", err=True)


def say_not_made(item: "Item") -> None:
    """Say on standard error why a target was not made."""
    if item.outcome == "exists":
        words = f"DID {item.target} exists already"
    elif item.outcome == "duplicate":
        words = f"{item.target} appears earlier in this order"
    else:
        words = f"{item.target!r} is not a valid DID: {item.reason}"
    say(f"didier: {words}", err=True)


def ended(batch: "Batch") -> None:
    """End the command with the status for the outcome of *batch*."""
    if batch.state == "failed":
        say(f"didier: batch {batch.id} failed: {batch.failure or ''}", err=True)
        raise typer.Exit(Status.REFUSED)
    missing = batch.totals.requested - batch.totals.added
    if batch.kind == "copy" and batch.state == "done" and missing:
        raise typer.Exit(Status.PARTLY if batch.totals.added else Status.REFUSED)


@with_connection_options
def undo(
    connection: ConnectionOptions,
    batch_id: BatchId,
    force: Annotated[bool, typer.Option("--force", help="Include DIDs that were changed since.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Delete what a batch has created, or restore what it has changed or deleted.

    DIDs that were changed since or are locked are kept and listed; the exit status is then 3.

    Example: didier undo 7
    """
    printing.confirm(f"Undo batch {batch_id}?", yes)
    with connection.client(batches=True) as client:
        batch = client.undo(batch_id, force=force)
        kept = batch.kept
        if not batch.ended:
            batch = follow(batch, connection)
            kept = tuple(item.target for item in islice(batch.items("kept"), TOLD + 1))
        _tell_undone(batch, kept, as_json)
    if kept:
        raise typer.Exit(Status.PARTLY)


def _tell_undone(batch: "Batch", kept: Sequence[str], as_json: bool) -> None:
    if as_json:
        printing.print_json(printing.fields(batch))
    else:
        removed = batch.totals.removed
        told = f": {numbered(removed, 'DID')} deleted" if removed else ""
        say(f"Batch {batch.id} was undone{told}.")
    for pattern in kept[:TOLD]:
        say(f"didier: DID {pattern} was kept: it was changed since, or is locked", err=True)
    if len(kept) > TOLD:
        say(f"didier: and more: didier batches show {batch.id} --outcome kept", err=True)
