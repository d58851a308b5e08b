"""`didier batches` and `didier undo`: list, watch and undo batches."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import IO, TYPE_CHECKING, Annotated, cast

import typer

from didier.cli import outcomes, printing, progress_bars
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.outcomes import NOT_DONE, TOLD, progress
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, pairs, when
from didier.cli.progress_bars import ProgressBar, progress_bar
from didier.cli.terminal import say
from didier.client.errors import DidierError

if TYPE_CHECKING:
    from didier.client import Batch
    from didier.client.models import Item

app = typer.Typer(help="Batches: copies, imports and single changes.", no_args_is_help=True)

BatchId = Annotated[int, typer.Argument(help="The number of the batch.", metavar="ID", min=1)]

_TOTALS = (*NOT_DONE, "removed", "restored", "kept")

_COLUMNS: Sequence[Column["Batch"]] = (
    Column("Id", lambda batch: batch.id, short=True),
    Column("When", lambda batch: when(batch.created_at), short=True),
    Column("By", lambda batch: batch.caller),
    Column("Kind", lambda batch: batch.kind, short=True),
    Column("Source", lambda batch: batch.source, short=True),
    Column("State", lambda batch: batch.state, short=True),
    Column("Done", lambda batch: f"{batch.done:,}/{batch.totals.requested:,}", short=True),
    Column("Changed", lambda batch: f"{batch.totals.edited:,}", short=True),
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
        *((f"where {name}", value) for name, value in (batch.where or {}).items()),
        ("added tags", ", ".join(batch.add_tags)), ("removed tags", ", ".join(batch.remove_tags)),
        ("drift", batch.drift), ("drift fields", ", ".join(batch.drift_fields)),
        ("existing", batch.existing), ("force", "yes" if batch.force else None),
        ("ordered by", batch.caller), ("ordered at", when(batch.created_at)),
        ("finished at", when(batch.finished_at)), ("undone by", batch.undone_by),
        ("undone at", when(batch.undone_at)), ("failure", batch.failure),
        ("description template", batch.description_template),
        *((f"override {name}", value) for name, value in batch.overrides.items()),
        *((name, getattr(totals, name) or None) for name in _TOTALS),
    ]  # fmt: skip
    for line in pairs((name, value) for name, value in rows if value not in {None, ""}):
        say(line)


@app.command()
@with_connection_options
def watch(connection: ConnectionOptions, batch_id: BatchId, as_json: AsJson = False) -> None:
    """Watch a batch until it ends. On the local database, this also continues a batch that waits.

    Example: didier batches watch 7
    """
    with connection.client(batches=True) as client:
        batch = follow(client.batch(batch_id), connection)
        outcomes.report(batch, as_json)
    outcomes.ended(batch)


@app.command()
@with_connection_options
def cancel(
    connection: ConnectionOptions, batch_id: BatchId, yes: Yes = False, as_json: AsJson = False
) -> None:
    """End a large batch that is under way.

    What an atomic one has done is undone; what another has done stays, and can be undone.

    Example: didier batches cancel 7
    """
    printing.confirm(f"Cancel batch {batch_id}?", yes)
    with connection.client() as client:
        batch = client.cancel(batch_id)
        if not batch.ended:
            batch = follow(batch, connection)
    if as_json:
        printing.print_json(printing.fields(batch))
        return
    say(f"Batch {batch.id} was cancelled: {progress(batch)}.")
    if batch.totals.edited > batch.totals.taken_back:
        say(f"didier: what it has done stays; 'didier undo {batch.id}' can undo it", err=True)


@contextmanager
def watching(connection: ConnectionOptions, batch: Callable[[], "Batch | None"]) -> Iterator[ProgressBar]:
    """Show a bar; when Ctrl-C is pressed, say what state *batch* is in, and end."""
    try:
        with progress_bar() as bar:
            yield bar
    except KeyboardInterrupt:
        say(*_interrupted(connection, batch()), err=True)
        raise typer.Exit(Status.INTERRUPTED) from None


@contextmanager
def sending(connection: ConnectionOptions, csv: str | None) -> "Iterator[IO[bytes] | None]":
    """Open the file *csv*, if one is named, to be sent while a bar shows how far it is."""
    with watching(connection, lambda: None) as bar:
        if csv is None:
            yield None
        else:
            with progress_bars.opened(csv, bar) as table:
                yield cast("IO[bytes]", table)


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
    ways = "" if batch.phase == "remove" else (
        f"; 'didier batches cancel {batch.id}' ends it; then 'didier undo {batch.id}' can undo it"
    )  # fmt: skip
    return (
        f"didier: interrupted; batch {batch.id} is {batch.state}: {progress(batch)}. It {where}.",
        f"didier: 'didier batches watch {batch.id}' shows its progress until it ends{ways}",
    )


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
        say(outcomes.undone(batch))
    for pattern in kept[:TOLD]:
        say(f"didier: DID {pattern} was kept: it was changed or deleted since, or is locked", err=True)
    if len(kept) > TOLD:
        say(f"didier: and more: didier batches show {batch.id} --outcome kept", err=True)
