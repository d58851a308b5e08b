"""`didier`: the commands and what they have in common."""

import sys
import traceback
from collections.abc import Sequence
from functools import cache
from io import StringIO
from typing import Annotated, Any, cast

import typer

import didier
from didier.cli import (
    backups,
    batches,
    changes,
    checks,
    copies,
    demo,
    destinations,
    dids,
    drift,
    duplicates,
    edges,
    edits,
    gateways,
    kamailio,
    keys,
    reported_calls,
    reports,
    routing,
    schedules,
    serving,
    signing,
    tokens,
    transfers,
    usage,
    users,
    webhooks,
)
from didier.cli.doctor import doctor
from didier.cli.failures import explained, fail
from didier.cli.terminal import say

app = typer.Typer(
    help=didier.__doc__,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("list")(dids.list_)
app.command()(dids.show)
app.command()(checks.check)
app.command()(routing.route)
app.command()(edits.add)
app.command()(copies.copy)
app.command()(edits.update)
app.command()(edits.delete)
app.command()(dids.lock)
app.command()(dids.unlock)
app.command()(transfers.export)
app.command("import")(transfers.import_)
app.add_typer(batches.app, name="batches")
app.command()(batches.undo)
app.command()(changes.changes)
app.command()(changes.follow)
app.command()(duplicates.duplicates)
app.command()(reports.log)
app.command()(usage.usage)
app.command()(usage.idle)
app.command()(usage.unknown)
app.command()(reports.calls)
app.command()(drift.drift)
app.command()(drift.lineage)
app.command()(reported_calls.report_calls)
for name, group in destinations.APPS.items():
    app.add_typer(group, name=name)
app.add_typer(schedules.app, name="schedule")
app.add_typer(gateways.app, name="gateway")
app.add_typer(kamailio.app, name="kamailio")
app.add_typer(edges.app, name="edge")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(users.app, name="user")
app.add_typer(tokens.app, name="token")
app.add_typer(keys.app, name="key")
app.command()(signing.login)
app.command()(signing.logout)
app.command()(serving.serve)
app.command()(serving.agi)
app.command()(serving.init)
app.add_typer(demo.app, name="demo")
app.command()(doctor)
app.command()(backups.backup)
app.command()(backups.restore)


def _print_version(wanted: bool) -> None:
    if wanted:
        say(f"didier {didier.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Provision inbound phone numbers (DIDs) for call centres on VICIdial and Asterisk.

    Commands work on the local database, or with --server on a server.
    """


@cache
def command_line() -> Any:
    """Return what understands the command line; Typer takes a while to make it of the functions."""
    return typer.main.get_command(app)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit; what goes wrong is one line on standard error, and a status."""
    try:
        sys.exit(command_line()(arguments, standalone_mode=False))
    except typer.Abort:
        sys.exit(_told(["Aborted!"], 1))
    except typer.TyperException as error:  # the command was not understood
        text = StringIO()
        cast(Any, error).show(text)  # all that Typer raises have it, but not the class that it exports
        sys.exit(_told(text.getvalue().splitlines(), error.exit_code))
    except Exception as error:
        said = explained(error)
        sys.exit(fail(*said) if said else _told(traceback.format_exc().splitlines(), 1))


def _told(lines: Sequence[str], status: int) -> int:
    say(*lines, err=True)
    return status
