"""`didier user`: add, set, list."""

import secrets
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from didier.cli.local import AstguiclientOption, DatabaseOption, open_database
from didier.errors import NotFound, Refusal
from didier.services import users
from didier.services.users import Change, Changed
from didier.storage.database import reading

app = typer.Typer(help="Users and their API rights.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name.", metavar="USER")]
Level = Annotated[int | None, typer.Option(help="User Level, 1 to 9; the API asks for 8.")]
Access = Annotated[bool | None, typer.Option("--api-access/--no-api-access", help="API Access 1 or 0.")]
Functions = Annotated[
    str | None, typer.Option(help="Allowed API Functions: names with commas between, or ALL.")
]
ModifyDids = Annotated[
    bool | None,
    typer.Option(
        "--modify-dids/--no-modify-dids",
        help="Modify DIDs; switched on when a DID function is allowed.",
    ),
]
DeleteDids = Annotated[bool | None, typer.Option("--delete-dids/--no-delete-dids", help="Delete DIDs.")]
Reports = Annotated[bool | None, typer.Option("--view-reports/--no-view-reports", help="View Reports.")]
Active = Annotated[bool | None, typer.Option("--active/--inactive", help="Whether the user may sign in.")]
Group = Annotated[str | None, typer.Option(help="User group.")]
FullName = Annotated[str | None, typer.Option(help="Full name.")]
Ask = Annotated[
    bool, typer.Option("--password", help="Ask for a password (read from standard input in a pipe).")
]


@app.command()
def add(
    name: Name,
    password: Ask = False,
    level: Level = None,
    api_access: Access = None,
    functions: Functions = None,
    modify_dids: ModifyDids = None,
    delete_dids: DeleteDids = None,
    view_reports: Reports = None,
    active: Active = None,
    group: Group = None,
    full_name: FullName = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Make a user. Without --password a random password is made and shown once.

    Example: didier user add crm --api-access --functions copy_did
    """
    engine = open_database(database, astguiclient_conf)
    given = _ask_password() if password else secrets.token_urlsafe(15)
    change = Change(
        given, level, api_access, functions, modify_dids, delete_dids, view_reports,
        active=active, group=group, full_name=full_name,
    )  # fmt: skip
    with engine.begin() as conn:
        changed = users.add(conn, name, change, datetime.now())
    typer.echo(f"User {name} was made." + ("" if password else f" Password {given} (shown this once)"))
    _tell(changed)


@app.command("set")
def set_(
    name: Name,
    password: Ask = False,
    level: Level = None,
    api_access: Access = None,
    functions: Functions = None,
    modify_dids: ModifyDids = None,
    delete_dids: DeleteDids = None,
    view_reports: Reports = None,
    active: Active = None,
    group: Group = None,
    full_name: FullName = None,
    database: DatabaseOption = None,
    astguiclient_conf: AstguiclientOption = None,
) -> None:
    """Change a user; what is not named stays as it is. A new password ends a lock-out.

    Example: didier user set crm --functions copy_did,add_did --level 8
    """
    engine = open_database(database, astguiclient_conf)
    change = Change(
        _ask_password() if password else None,
        level, api_access, functions, modify_dids, delete_dids, view_reports,
        active=active, group=group, full_name=full_name,
    )  # fmt: skip
    if change == Change():
        raise typer.BadParameter("name at least one setting to change")
    with engine.begin() as conn:
        try:
            changed = users.change(conn, name, change, datetime.now())
        except NotFound:
            raise _NoUser(name) from None
    typer.echo(f"User {name} was changed.")
    _tell(changed)


class _NoUser(Refusal):
    def __str__(self) -> str:
        return f"there is no user {self.args[0]}"


def _ask_password() -> str:
    stdin = typer.get_text_stream("stdin")
    if stdin.isatty():
        answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return answer
    return stdin.readline().rstrip("\n")


def _tell(changed: Changed) -> None:
    if changed.modify_dids_switched_on:
        typer.echo("Modify DIDs was switched on, because a DID function is allowed.")


@app.command("list")
def list_(database: DatabaseOption = None, astguiclient_conf: AstguiclientOption = None) -> None:
    """List users and their API rights.

    Example: didier user list
    """
    with reading(open_database(database, astguiclient_conf)) as conn:
        accounts = users.everyone(conn)
    table = Table("User", "Level", "Group", "Active", "API Access", "Modify DIDs", "Delete DIDs",
                  "View Reports", "Allowed API Functions")  # fmt: skip
    for account in accounts:
        user = account.user
        flags = (user.api_access, user.modify_dids, user.delete_dids, user.view_reports)
        table.add_row(
            user.name, str(user.level), user.group, "Y" if account.active else "N",
            *("1" if flag else "0" for flag in flags), " ".join(sorted(user.functions)),
        )  # fmt: skip
    console = Console()
    # In a pipe nothing is cut or wrapped.
    console = console if console.is_terminal else Console(width=1_000)
    console.print(table)
