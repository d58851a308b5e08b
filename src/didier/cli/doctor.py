"""`didier doctor`."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from didier.cli import printing
from didier.cli.connection_options import AstguiclientOption, DatabaseOption, server_packages
from didier.cli.failures import Status
from didier.cli.terminal import safe_text

if TYPE_CHECKING:
    from didier.services.system.doctor import Finding

_STYLES = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "bold red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Check the database and show what to do about each finding. Nothing is changed.

    The exit status is 1 if there are errors among the findings, else 0.

    Example: didier doctor --astguiclient-conf /etc/astguiclient.conf
    """
    with server_packages():
        from didier.cli.local.doctor import found, has_errors
    name, findings = found(database, astguiclient_conf)
    if as_json:
        printing.print_json({"database": name, "findings": [asdict(finding) for finding in findings]})
    else:
        _print(findings)
    if has_errors(findings):
        raise typer.Exit(Status.REFUSED)


def _print(findings: Sequence["Finding"]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "Found", "What to do", show_lines=True)
    for finding in findings:
        severity = Text(finding.severity, _STYLES[finding.severity])
        table.add_row(severity, Text(safe_text(finding.what)), Text(safe_text(finding.to_do)))
    printing.console().print(table)
