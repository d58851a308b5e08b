"""Orders about many DIDs: asked about, previewed, carried out as one batch, or DID by DID."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import typer

from didier.cli import batches, outcomes, printing
from didier.cli.connection_options import ConnectionOptions
from didier.cli.failures import Status, fail
from didier.cli.printing import Column, numbered
from didier.cli.terminal import say
from didier.client.errors import ProblemError, Unavailable
from didier.domain import targets
from didier.domain.targets import Range

if TYPE_CHECKING:
    from didier.client import Batch, Didier, OrderPreview
    from didier.client.models import Item
    from didier.client.vicidial import VicidialClient

_STYLES = {
    "added": "green", "updated": "green", "deleted": "green", "exists": "red", "duplicate": "magenta",
    "invalid": "bold red", "implausible": "bold red", "nowhere": "bold red",
    "missing": "red", "refused": "bold red",
}  # fmt: skip
"""The colour of each outcome in a preview."""

_COLUMNS: Sequence[Column["Item"]] = (
    Column("Place", lambda item: item.position, short=True),
    Column("DID", lambda item: item.target, short=True),
    Column("Outcome", lambda item: _coloured(item.outcome), short=True),
    Column("Why", lambda item: item.reason),
)


@dataclass(frozen=True, slots=True)
class Order:
    """What a command is to do: *verb* the DIDs that are *named*, in the file *csv*, or that meet *where*."""

    verb: str
    named: Sequence[str] = ()
    csv: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)
    atomic: bool = False
    more: Mapping[str, Any] = field(default_factory=dict)
    """``set`` or ``force``."""

    @property
    def arguments(self) -> dict[str, Any]:
        """What the client takes beside the file."""
        return {"to": self.named or None, "where": self.where or None, "atomic": self.atomic, **self.more}

    @property
    def shown(self) -> str:
        """The DIDs as they are named in a question."""
        if self.csv is not None:
            return "the DIDs of standard input" if self.csv == "-" else f"the DIDs of {self.csv}"
        sizes = (found.size if isinstance(found := targets.parse(one), Range) else 1 for one in self.named)
        return self.named[0] if self._is_one else numbered(sum(sizes), "DID")

    @property
    def _is_one(self) -> bool:
        return len(self.named) == 1 and not targets.is_range(self.named[0])


def one_by_one(
    connection: ConnectionOptions,
    patterns: Sequence[str],
    told: str,
    act: "Callable[[Didier | VicidialClient, str], object]",
) -> None:
    """Let *act* do something to each DID, one after the other, and say of each whether it was."""
    with connection.either() as client:
        done = sum([_act(client, pattern, told, act) for pattern in patterns])
    if done < len(patterns):
        raise typer.Exit(Status.PARTLY if done else Status.REFUSED)


def _act(
    client: "Didier | VicidialClient",
    pattern: str,
    told: str,
    act: "Callable[[Didier | VicidialClient, str], object]",
) -> bool:
    """Do something to a DID; say that it was done, or on standard error why not."""
    try:
        act(client, pattern)
    except Unavailable:
        raise
    except ProblemError as error:
        fail(str(error), Status.REFUSED)
        return False
    say(f"DID {pattern} was {told}.")
    return True


def confirm_where(connection: ConnectionOptions, order: Order, yes: bool, as_json: bool) -> None:
    """Ask before DIDs are changed that nobody has named, with their number."""
    if yes or not order.where:
        return
    with connection.client() as client:
        preview = client.preview_order(cast(Any, order.verb), **order.arguments)
    if not preview.possible:
        _show_preview(preview, as_json, None)
    counts = preview.totals
    left = f" of {counts.requested:,}" if counts.edited < counts.requested else ""
    many = numbered(counts.requested, "DID").partition(" ")[2]
    printing.confirm(f"{order.verb.capitalize()} {counts.edited:,}{left} {many}?", yes=False)


def carry_out(
    connection: ConnectionOptions, order: Order, dry_run: bool, as_json: bool, limit: int | None
) -> None:
    """Carry out an order as one batch and print its outcome, or show what would be done."""
    verb = cast(Any, order.verb)
    with connection.client() as client:
        with batches.sending(connection, order.csv) as table:
            if dry_run:
                preview = client.preview_order(verb, csv=table, **order.arguments)
            else:
                batch = client.order(verb, csv=table, **order.arguments)
        if dry_run:
            _show_preview(preview, as_json, limit)
        else:
            _finish(batch, connection, as_json)


def _finish(batch: "Batch", connection: ConnectionOptions, as_json: bool) -> None:
    """Watch a batch until it ends and print its outcome; of a small one, DID by DID."""
    if batch.reported is None:
        batch = batches.follow(batch, connection)
        outcomes.report(batch, as_json)
    elif as_json:
        printing.print_json({**printing.fields(batch), "items": batch.reported})
    else:
        _tell(batch)
    outcomes.ended(batch)


def _tell(batch: "Batch") -> None:
    told = outcomes.words_of(batch.kind).done
    items = list(batch.items())
    for item in items:
        if item.outcome in outcomes.NOT_DONE:
            outcomes.say_not_done(item, batch.kind)
        else:
            say(f"DID {item.target} was {told}.")
    outcomes.say_notes(item for item in items if item.outcome not in outcomes.NOT_DONE)
    say(f"Batch {batch.id} is {batch.state}: {outcomes.progress(batch)}.")


def _coloured(outcome: str) -> object:
    from rich.text import Text

    return Text(outcome, _STYLES.get(outcome, ""))


def _show_preview(preview: "OrderPreview", as_json: bool, limit: int | None) -> None:
    """Print what would be done, and end with status 1 if the order would be refused."""
    if as_json:
        printing.print_json({**printing.fields(preview), "items": preview.items[: limit or None]})
    else:
        if preview.items:
            printing.listing(preview.items, _COLUMNS, False, False, limit)
        if preview.items and preview.omitted:
            say("Only DIDs for which nothing would be done are listed.", err=True)
        counts = ((name, getattr(preview.totals, name)) for name in _STYLES)
        told = ", ".join(f"{count:,} {name}" for name, count in counts if count)
        say(f"{numbered(preview.totals.requested, 'DID')}: {told}")
        say(f"Nothing was written.{'' if preview.possible else ' The order would be refused.'}")
    if not preview.possible:
        raise typer.Exit(Status.REFUSED)
