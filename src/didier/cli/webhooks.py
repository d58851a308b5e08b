"""`didier webhook`: endpoints that are sent what happens, and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing, webhook_listening
from didier.cli.connection_options import ConnectionOptions, with_connection_options
from didier.cli.failures import Status
from didier.cli.printing import AsCsv, AsJson, Column, Limit, Yes, when
from didier.cli.reports import FORMATS
from didier.cli.terminal import say

if TYPE_CHECKING:
    from didier.client import NewWebhook, Webhook, WebhookAttempt

app = typer.Typer(help="Webhooks: addresses to which events are sent.", no_args_is_help=True)
app.command()(webhook_listening.listen)

Id = Annotated[int, typer.Argument(help="The webhook's number.", metavar="ID", min=1)]
Several = "may be given several times; '' for all"
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help=f"Only these events, as did.created or did.*; {Several}."),
]
Prefixes = Annotated[
    list[str] | None, typer.Option("--prefix", help=f"Only DIDs that begin with this; {Several}.")
]
Routes = Annotated[list[str] | None, typer.Option("--route", help=f"Only DIDs with this route; {Several}.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", help=f"Only DIDs of this user group; {Several}.")
]
Description = Annotated[str | None, typer.Option(help="What it is for.")]


class Outcome(StrEnum):
    """What became of an attempt."""

    taken = "taken"
    repeated = "repeated"
    failed = "failed"


_COLUMNS: Sequence[Column["Webhook"]] = (
    Column("Id", lambda one: one.id, short=True),
    Column("URL", lambda one: one.url),
    Column("Description", lambda one: one.description),
    Column("State", lambda one: one.state, short=True),
    Column("Behind", lambda one: one.behind, short=True),
    Column("Last success", lambda one: when(one.succeeded_at), short=True),
    Column("Failing since", lambda one: when(one.failing_since), short=True),
)

_ATTEMPTS: Sequence[Column["WebhookAttempt"]] = (
    Column("When", lambda one: when(one.at), short=True),
    Column("Event", lambda one: one.event, short=True),
    Column("Type", lambda one: one.type, short=True),
    Column("Cause", lambda one: one.cause, short=True),
    Column("Attempt", lambda one: one.attempt, short=True),
    Column("Outcome", lambda one: one.outcome, short=True),
    Column("Status", lambda one: one.status, short=True),
    Column("ms", lambda one: one.milliseconds, short=True),
    Column("Answer", lambda one: one.error or one.answer),
)


@app.command("list")
@with_connection_options
def list_(
    connection: ConnectionOptions, limit: Limit = None, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List webhooks, and how far each is.

    Example: didier webhook list
    """
    with connection.client() as client:
        printing.listing(client.webhooks(), _COLUMNS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def show(connection: ConnectionOptions, webhook_id: Id, as_json: AsJson = False) -> None:
    """Show a webhook, and how far it is.

    Example: didier webhook show 3
    """
    with connection.client() as client:
        found = client.webhook(webhook_id)
    if as_json:
        printing.print_json(printing.fields(found))
    else:
        _show(found)


def _show(found: "Webhook") -> None:
    reason = f": {found.reason}" if found.reason else ""
    say(f"Webhook {found.id} is {found.state}{reason}.")
    rows: list[tuple[str, object]] = [("url", found.url), ("description", found.description)]
    rows += [(name, ", ".join(getattr(found, name)) or "all")
             for name in ("types", "prefixes", "routes", "groups")]  # fmt: skip
    rows += [
        ("set by", found.user),
        ("behind", f"{printing.numbered(found.behind, 'change')}, wanted or not"),
        ("last success", when(found.succeeded_at) or "never"),
        ("failing since", when(found.failing_since)),
        ("next attempt", when(found.retry_at)),
        ("old secret until", when(found.old_secret_until)),
    ]
    say(*printing.pairs((name, value) for name, value in rows if value))


@app.command()
@with_connection_options
def add(
    connection: ConnectionOptions,
    url: Annotated[str, typer.Argument(help="Where events are sent: https://HOST/…", metavar="TO")],
    description: Description = None,
    types: Types = None,
    prefix: Prefixes = None,
    route: Routes = None,
    group: Groups = None,
    off: Annotated[bool, typer.Option("--off", help="Send nothing until it is set --on.")] = False,
) -> None:
    """Create a webhook that is sent what happens from now on; its secret is shown only once.

    Example: didier webhook add https://crm.example.com/didier --type did.* --prefix +4420
    """
    with connection.client() as client:
        made = client.add_webhook(
            url,
            description=description or "",
            types=_given(types),
            prefixes=_given(prefix),
            routes=_given(route),
            groups=_given(group),
            enabled=not off,
        )
    _say_secret(f"Webhook {made.id} was created", made)


def _given(values: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(filter(None, values or ()))


def _say_secret(what: str, made: "NewWebhook") -> None:
    say(f"{what}; its secret (shown only once):")
    say(made.secret)


@app.command("set")
@with_connection_options
def set_(
    connection: ConnectionOptions,
    webhook_id: Id,
    url: Annotated[str | None, typer.Option("--to", help="Where events are sent.", metavar="TO")] = None,
    description: Description = None,
    types: Types = None,
    prefix: Prefixes = None,
    route: Routes = None,
    group: Groups = None,
    on: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Whether events are sent; --on also enables a disabled one."),
    ] = None,
) -> None:
    """Change a webhook; what is left out stays. It hears of what you may see from then on.

    Example: didier webhook set 3 --on
    """
    lists = {"types": types, "prefixes": prefix, "routes": route, "groups": group}
    values: dict[str, object] = {"url": url, "description": description, "enabled": on}
    values |= {name: _given(value) for name, value in lists.items() if value}
    with connection.client() as client:
        found = client.update_webhook(
            webhook_id, **{name: value for name, value in values.items() if value is not None}
        )
    say(f"Webhook {found.id} was changed; it is {found.state}.")


@app.command()
@with_connection_options
def delete(connection: ConnectionOptions, webhook_id: Id, yes: Yes = False) -> None:
    """Delete a webhook, and what is remembered of attempts.

    Example: didier webhook delete 3 --yes
    """
    printing.confirm(f"Delete webhook {webhook_id}?", yes)
    with connection.client() as client:
        client.delete_webhook(webhook_id)
    say(f"Webhook {webhook_id} was deleted.")


@app.command()
@with_connection_options
def secret(
    connection: ConnectionOptions,
    webhook_id: Id,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Hours in which the old one signs messages too.")
    ] = 24,
) -> None:
    """Give a webhook another secret; it is shown only once.

    Example: didier webhook secret 3 --overlap-hours 48
    """
    with connection.client() as client:
        made = client.rotate_webhook_secret(webhook_id, overlap_hours=overlap_hours)
    until = f", beside the old one until {when(made.old_secret_until)}" if made.old_secret_until else ""
    _say_secret(f"Webhook {made.id} has another secret{until}", made)


@app.command()
@with_connection_options
def attempts(
    connection: ConnectionOptions,
    webhook_id: Id,
    outcome: Annotated[Outcome | None, typer.Option(help="Attempts that ended so alone.")] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List what was sent to a webhook and what it answered, newest first.

    Example: didier webhook attempts 3 --outcome failed
    """
    with connection.client() as client:
        found = client.webhook_attempts(webhook_id, outcome, page_size=printing.page(as_json or as_csv))
        printing.listing(found, _ATTEMPTS, as_json, as_csv, limit)


@app.command()
@with_connection_options
def resend(
    connection: ConnectionOptions,
    webhook_id: Id,
    event: Annotated[str | None, typer.Argument(help="The event's id.", metavar="EVENT")] = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=FORMATS, help="Instead: all that has happened from this time on, in order."),
    ] = None,
) -> None:
    """Send an event to a webhook once more, and show the answer; or all events since a time.

    Example: didier webhook resend 3 1204
    """
    if (event is None) == (since is None):
        raise typer.BadParameter("give the id of an event, or --since", param_hint="EVENT")
    with connection.client() as client:
        if event is not None:
            _tell(f"Event {event}", client.resend_event(webhook_id, event))
        elif since is not None:
            found = client.resend_events(webhook_id, since)
            behind = printing.numbered(found.behind, "change")
            say(f"Webhook {found.id} is {found.state}; {behind} to go through.")


@app.command()
@with_connection_options
def test(connection: ConnectionOptions, webhook_id: Id) -> None:
    """Send a message to a webhook that says nothing, and show the answer.

    Example: didier webhook test 3
    """
    with connection.client() as client:
        done = client.test_webhook(webhook_id)
    _tell("The test message", done)


def _tell(what: str, done: "WebhookAttempt") -> None:
    """Say what came of a message; what was not taken is a failure."""
    answer = f"{done.status} in {done.milliseconds} ms" if done.status else done.error
    if done.outcome == Outcome.taken:
        say(f"{what} was taken: {answer}.")
        return
    text = f": {done.answer}" if done.answer else ""
    say(f"{what} was not taken: {answer}{text}", err=True)
    raise typer.Exit(Status.REFUSED)
