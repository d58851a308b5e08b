"""`didier doctor`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from didier import config
from didier.cli.local import AstguiclientOption, DatabaseOption, database_url
from didier.errors import DatabaseLost, NoDatabase
from didier.services.doctor import Finding, Severity, examine, has_errors
from didier.storage.database import check_connection, open_engine, parse_url, reading

_STYLES = {
    Severity.OK: "green",
    Severity.NOTE: "cyan",
    Severity.WARNING: "yellow",
    Severity.ERROR: "bold red",
}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Look the database over: each finding with what to do. Nothing is changed.

    Exit status 0 without errors among the findings, 1 with.

    Example: didier doctor --astguiclient-conf /etc/astguiclient.conf
    """
    settings = config.load({"database": database, "astguiclient_conf": astguiclient_conf})
    url = database_url(settings)
    findings = _examine(url)
    if as_json:
        shown = {"database": str(parse_url(url)), "findings": [asdict(finding) for finding in findings]}
        typer.echo(json.dumps(shown, indent=2))
    else:
        _print(findings)
    if has_errors(findings):
        raise typer.Exit(1)


def _examine(url: str) -> list[Finding]:
    try:
        engine = open_engine(url)
        check_connection(engine)
        with reading(engine) as conn:
            return examine(conn, datetime.now())
    except (NoDatabase, DatabaseLost) as error:
        return [Finding(Severity.ERROR, str(error), "see that it runs and that the setting names it")]


def _print(findings: Sequence[Finding]) -> None:
    table = Table("", "Found", "What to do", show_lines=True)
    for finding in findings:
        style = _STYLES[finding.severity]
        table.add_row(f"[{style}]{finding.severity}[/]", escape(finding.what), escape(finding.to_do))
    Console().print(table)
